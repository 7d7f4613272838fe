package files

import (
	"bytes"
	"errors"
	"slices"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// duplicateKeyRule says which value counts of a key that a YAML or JSON object has twice. Readers differ: some take the first,
// some the last, and some refuse the document.
type duplicateKeyRule int

const (
	// refuseDuplicates makes a key that stands twice an error.
	refuseDuplicates duplicateKeyRule = iota
	// keepFirst takes the first value of a key.
	keepFirst
	// keepLast takes the last value of a key.
	keepLast
)

// readObjectWithDuplicateKey reads an object of the file that has a key twice. Where both values come to the same, it
// adds the object; else it adds a gap that touches no more than the object can change. It returns false, and adds
// nothing, for any other error and where the kind or the name stands twice.
func (s *documentReader) readObjectWithDuplicateKey(o *manifestObject, root *yaml.Node, err error) bool {
	var syntax *syntaxError
	if !errors.As(err, &syntax) || !syntax.duplicateKey || !s.hasSingleIdentity(root) || findTemplateMark(o.text).hint != "" {
		return false
	}
	first, last := s.jsonWithRule(o, root, keepFirst), s.jsonWithRule(o, root, keepLast)
	if first == nil || last == nil {
		return false
	}
	at := s.position(syntax.line)
	part := inventory.PartOfKind(o.header.apiVersion, o.header.kind)
	switch {
	case s.sink.DecodeBothReadings(o.header.apiVersion, o.header.kind, first, last, syntax.msg, at):
	case part == "" && o.header.kind != "Namespace" && o.header.kind != "" && custom.FindPodContent(first) == "" && custom.FindPodContent(last) == "":
		s.sink.AddNote(inventory.Note{What: s.objectLabel(o), Why: message.New("key-twice", "error", syntax.msg), Position: at})
		s.readUnknownKind(o, last)
	default:
		s.countNonObject()
		s.addGap(inventory.Gap{What: s.objectLabel(o), Why: message.New("key-twice", "error", syntax.msg), Position: at, Namespaces: namespacesTouchedBy(o), Affects: part})
	}
	return true
}

// readJSONObjectWithDuplicateKey reads a JSON object of the file that has a key twice, as readObjectWithDuplicateKey
// does.
func (s *documentReader) readJSONObjectWithDuplicateKey(o *manifestObject, data []byte) bool {
	root, err := yamlnode.FromJSON(data, o.line)
	if err != nil {
		return false
	}
	_, err = s.nodeToJSON(root, false)
	return err != nil && s.readObjectWithDuplicateKey(o, root, err)
}

// jsonWithRule returns the JSON of a document's object by a rule for keys that stand twice; nil where something else is
// wrong with it, too.
func (s *documentReader) jsonWithRule(o *manifestObject, root *yaml.Node, keep duplicateKeyRule) []byte {
	s.toJSON.duplicates = keep
	defer func() { s.toJSON.duplicates = refuseDuplicates }()
	data, err := s.nodeToJSON(root, o.viaAlias)
	if err != nil {
		return nil
	}
	return bytes.Clone(data)
}

// hasSingleIdentity reports whether a document gives the kind, the name and the namespace of its object once.
func (s *documentReader) hasSingleIdentity(root *yaml.Node) bool {
	metadata := valuesOfKey(root, "metadata")
	once := func(n *yaml.Node, keys ...string) bool {
		return !slices.ContainsFunc(keys, func(key string) bool { return len(valuesOfKey(n, key)) > 1 })
	}
	return once(root, "apiVersion", "kind", "metadata", "<<") && len(valuesOfKey(root, "<<")) == 0 &&
		(len(metadata) == 0 || once(yamlnode.AliasTarget(metadata[0]), "name", "namespace", "generateName") && len(valuesOfKey(yamlnode.AliasTarget(metadata[0]), "<<")) == 0)
}

// valuesOfKey returns all values of a key in a document's YAML mapping, which may have it twice.
func valuesOfKey(n *yaml.Node, key string) []*yaml.Node {
	var out []*yaml.Node
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if yamlnode.AliasTarget(n.Content[i]).Value == key {
			out = append(out, n.Content[i+1])
		}
	}
	return out
}

// namespacesTouchedBy returns the namespaces that a gap of a document's object touches: the one that it is, or the one
// that it is in.
func namespacesTouchedBy(o *manifestObject) []string {
	if name := nameOfObject(o).Name; o.header.kind == "Namespace" && len(validation.IsDNS1123Label(name)) == 0 {
		return []string{name}
	}
	return namespacesOfGap(o)
}
