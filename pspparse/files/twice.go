package files

import (
	"bytes"
	"errors"
	"slices"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// kept is which value counts of a key that is given twice. Readers differ: some take the first, some the last, and some refuse
// the document.
type kept int

const (
	neither kept = iota
	theFirst
	theLast
)

// twice deals with an object that has a key twice, which says what it is all the same: both readings are used if nothing
// depends on the key, else it is a gap of no more than it can change. It is false, and nothing was told, for any other error,
// and where the kind or the name is what is given twice.
func (s *stream) twice(o *object, root *yaml.Node, err error) bool {
	var syntax *syntaxError
	if !errors.As(err, &syntax) || !syntax.twice || !s.certain(root) || findTemplate(o.text).hint != "" {
		return false
	}
	first, last := s.reading(o, root, theFirst), s.reading(o, root, theLast)
	if first == nil || last == nil {
		return false
	}
	at := s.at(syntax.line)
	part := inventory.PartOf(o.head.apiVersion, o.head.kind)
	switch {
	case s.out.DecodeEither(o.head.apiVersion, o.head.kind, first, last, syntax.msg, at):
	case part == "" && o.head.kind != "Namespace" && o.head.kind != "" && custom.Holds(first) == "" && custom.Holds(last) == "":
		s.out.AddNote(inventory.Note{What: s.label(o), Why: syntax.msg, Position: at})
		s.unknown(o, last)
	default:
		s.stray()
		s.gap(inventory.Gap{What: s.label(o), Why: syntax.msg, Position: at, Namespaces: touchedBy(o), Changes: part})
	}
	return true
}

// twiceJSON is twice for an object in JSON.
func (s *stream) twiceJSON(o *object, data []byte) bool {
	root, err := pspparse.JSONNode(data, o.line)
	if err != nil {
		return false
	}
	_, err = s.convert(root, false)
	return err != nil && s.twice(o, root, err)
}

// reading is the JSON of a tree that has a key twice; nil where there is more wrong with it.
func (s *stream) reading(o *object, root *yaml.Node, keep kept) []byte {
	s.json.keep = keep
	defer func() { s.json.keep = neither }()
	data, err := s.convert(root, o.aliased)
	if err != nil {
		return nil
	}
	return bytes.Clone(data)
}

// certain is true where what an object is stands in it once: its kind and its name.
func (s *stream) certain(root *yaml.Node) bool {
	metadata := valuesOf(root, "metadata")
	once := func(n *yaml.Node, keys ...string) bool {
		return !slices.ContainsFunc(keys, func(key string) bool { return len(valuesOf(n, key)) > 1 })
	}
	return once(root, "apiVersion", "kind", "metadata", "<<") && len(valuesOf(root, "<<")) == 0 &&
		(len(metadata) == 0 || once(deref(metadata[0]), "name", "namespace", "generateName") && len(valuesOf(deref(metadata[0]), "<<")) == 0)
}

// valuesOf are all values of a key of a mapping.
func valuesOf(n *yaml.Node, key string) []*yaml.Node {
	var out []*yaml.Node
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if deref(n.Content[i]).Value == key {
			out = append(out, n.Content[i+1])
		}
	}
	return out
}

// touchedBy are the namespaces that a gap of an object touches: the one that it is, or is in.
func touchedBy(o *object) []string {
	if name := metaOf(o).Name; o.head.kind == "Namespace" && len(validation.IsDNS1123Label(name)) == 0 {
		return []string{name}
	}
	return namespaceOf(o)
}
