package pspparse

import (
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// ignoredField is the type of a PodSecurityPolicy's metadata field that exists in the API, and that nothing here
// depends on.
type ignoredField struct{}

// policyDecoder decodes the YAML node of a PodSecurityPolicy into Go values by their json tags, and remembers the line of
// each field. The types are those of this package, all of fixed depth, so that decoding cannot recurse further than they
// do.
type policyDecoder struct {
	// lines has the line of each field by its path.
	lines    map[string]int
	problems problemList
	// failedFields are the paths of fields with an Error.
	failedFields map[string]bool
	// structFields are the fields of each struct that was met, by their JSON names.
	structFields map[reflect.Type]map[string]int
}

// lineOf returns the line of a field of the PodSecurityPolicy, or of the nearest parent that the document states, up to
// the document ("").
func (d *policyDecoder) lineOf(path string) int {
	for ; path != ""; path = parentFieldPath(path) {
		if n, ok := d.lines[path]; ok {
			return n
		}
	}
	return d.lines[""]
}

// addError adds an Error about a field of the PodSecurityPolicy.
func (d *policyDecoder) addError(path string, line int, msg message.Message) {
	d.failedFields[path] = true
	d.problems.add(Problem{Severity: Error, Field: path, Line: line, Message: msg})
}

// addWarning adds a Warning about a field of the PodSecurityPolicy.
func (d *policyDecoder) addWarning(path string, line int, msg message.Message) {
	d.problems.add(Problem{Severity: Warning, Field: path, Line: line, Message: msg})
}

// alreadyFailed reports whether a field of the PodSecurityPolicy has an Error, so that what follows from that need not
// be reported.
func (d *policyDecoder) alreadyFailed(path string) bool { return d.failedFields[path] }

// decodeObject decodes the whole document of a PodSecurityPolicy.
func (d *policyDecoder) decodeObject(obj *policyDocument, root *yaml.Node) {
	d.decodeValue(reflect.ValueOf(obj).Elem(), root, "")
}

// decodeValue decodes a YAML node of a PodSecurityPolicy that is not null into a Go value, by the type of the value.
func (d *policyDecoder) decodeValue(v reflect.Value, n *yaml.Node, path string) {
	n = yamlnode.AliasTarget(n)
	switch v.Kind() {
	case reflect.Pointer:
		elem := reflect.New(v.Type().Elem())
		d.decodeValue(elem.Elem(), n, path)
		v.Set(elem)
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[ignoredField]() {
			d.decodeStruct(v, n, path)
		}
	case reflect.Map:
		d.decodeStringMap(v, n, path)
	case reflect.Slice:
		d.decodeList(v, n, path)
	case reflect.Bool:
		if s := yamlnode.ResolveScalar(n); s.Kind == yamlnode.ScalarBool {
			v.SetBool(s.Bool)
		} else {
			d.wrongType(path, n, "a boolean (true or false)")
		}
	case reflect.String:
		if s := yamlnode.ResolveScalar(n); s.Kind == yamlnode.ScalarText {
			v.SetString(s.Text)
			d.warnCustomTag(path, n)
		} else {
			d.wrongType(path, n, aString)
		}
	default: // the integers
		d.decodeInteger(v, n, path)
	}
}

// decodeInteger decodes a YAML node of a PodSecurityPolicy into an integer; a number that is none, or does not fit, is
// an Error.
func (d *policyDecoder) decodeInteger(v reflect.Value, n *yaml.Node, path string) {
	i, fits := yamlnode.ResolveScalar(n).Int64()
	switch {
	case fits == yamlnode.NotInteger:
		d.wrongType(path, n, "an integer")
	case fits == yamlnode.OutOfRange, v.OverflowInt(i):
		d.addError(path, n.Line, message.New("psp-number-out-of-range", "number", n.Value, "bits", v.Type().Bits()))
	default:
		v.SetInt(i)
	}
}

// decodeStruct decodes a YAML mapping of a PodSecurityPolicy into a struct. Fields that the struct does not have become
// Warnings.
func (d *policyDecoder) decodeStruct(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.wrongType(path, n, "an object")
		return
	}
	names := d.fieldsOf(v.Type())
	for _, e := range d.mappingEntries(n, path, fieldPath) {
		at := fieldPath(path, e.Name)
		i, known := names[e.Name]
		switch {
		case !known:
			d.unknownField(at, e, names)
		case !yamlnode.IsNull(e.Value):
			d.lines[at] = e.Key.Line
			d.decodeValue(v.Field(i), e.Value, at)
		case at == nameField:
			if misread := yamlnode.Misreading(yamlnode.AliasTarget(e.Value)); misread != "" {
				d.addError(at, e.Key.Line, message.New("psp-text-misread", "misread", misread))
			}
		}
	}
}

// unknownField adds a Warning about a field that a PodSecurityPolicy does not have in the API, with the name that was
// probably meant.
func (d *policyDecoder) unknownField(path string, e yamlnode.MappingEntry, names map[string]int) {
	if d.problems.isFull(Warning) {
		d.addWarning(path, e.Key.Line, message.Message{}) // which is only counted
		return
	}
	meant := suggestKey(e.Name, names)
	d.addWarning(path, e.Key.Line, message.New("psp-field-unknown", "name", e.Name, "meant", meant,
		"case", meant != "" && strings.EqualFold(meant, e.Name)))
}

// decodeStringMap decodes a YAML mapping of a PodSecurityPolicy into a map of strings.
func (d *policyDecoder) decodeStringMap(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.wrongType(path, n, "an object")
		return
	}
	entries := d.mappingEntries(n, path, mapKeyPath)
	if len(entries) == 0 {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(entries)))
	for _, e := range entries {
		at := mapKeyPath(path, e.Name)
		d.lines[at] = e.Key.Line
		elem := reflect.New(v.Type().Elem()).Elem()
		d.decodeElement(elem, e.Value, at)
		v.SetMapIndex(reflect.ValueOf(e.Name), elem)
	}
}

// decodeList decodes a YAML sequence of a PodSecurityPolicy into a slice. An empty list stays nil: the two mean the
// same in every field.
func (d *policyDecoder) decodeList(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.SequenceNode {
		d.wrongType(path, n, "a list")
		return
	}
	if len(n.Content) == 0 {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		at := indexPath(path, i)
		d.lines[at] = c.Line
		d.decodeElement(v.Index(i), c, at)
	}
}

// decodeElement decodes one element of a list or map of a PodSecurityPolicy. There null cannot mean absent: the API
// server reads it as the empty value.
func (d *policyDecoder) decodeElement(v reflect.Value, n *yaml.Node, path string) {
	if !yamlnode.IsNull(n) {
		d.decodeValue(v, n, path)
		return
	}
	empty := `""`
	if v.Kind() == reflect.Struct {
		empty = "{}"
	}
	d.addWarning(path, n.Line, message.New("psp-null", "empty", empty))
}

// mappingEntries returns the keys and values of the PodSecurityPolicy's YAML mapping at a path, merged ones (<<) among
// them, and adds an error for each that can be read in two ways. Member appends a key to the path.
func (d *policyDecoder) mappingEntries(n *yaml.Node, path string, member func(path, name string) string) []yamlnode.MappingEntry {
	r := yamlnode.MappingReader{Problem: func(p yamlnode.MappingProblem) error {
		d.mappingProblem(path, member, p)
		return nil
	}}
	entries, _ := r.Entries(n, 1) // it only fails with an error of Problem
	return entries
}

// mappingProblem adds the Error of a key in a PodSecurityPolicy's YAML that can be read in two ways, or not at all.
func (d *policyDecoder) mappingProblem(path string, member func(path, name string) string, p yamlnode.MappingProblem) {
	first, second := &p.First, &p.Second
	switch p.Kind {
	case yamlnode.KeyNotText:
		key := yamlnode.AliasTarget(first.Key)
		d.addError(path, key.Line, typeProblem(key, aKey))
	case yamlnode.DuplicateKey, yamlnode.DuplicateMergeKey:
		a, b := first.Key.Line, second.Key.Line
		if a == 0 || b == 0 {
			a, b = 0, 0
		}
		d.addError(member(path, second.Name), second.Key.Line,
			message.New("psp-key-twice", "key", second.Name, "first", a, "second", b, "oneLine", a != 0 && a == b))
	case yamlnode.MergeNotMapping:
		d.wrongType(member(path, first.Name), first.Value, "an object to merge")
	case yamlnode.MergeConflict:
		d.addError(member(path, first.Name), first.Key.Line,
			message.New("psp-merge-conflict", "key", first.Name))
	}
}

// The types that a PodSecurityPolicy needs and that typeProblem has more to say of.
const (
	aKey    = "a key"
	aString = "a string"
)

// wrongType adds the Error of a PodSecurityPolicy's field whose YAML node is not of the type that is wanted.
func (d *policyDecoder) wrongType(path string, n *yaml.Node, want string) {
	if d.problems.isFull(Error) {
		d.addError(path, n.Line, message.Message{}) // which is only counted
		return
	}
	d.addError(path, n.Line, typeProblem(n, want))
}

// typeProblem returns the message that a YAML node of a PodSecurityPolicy is not of the type that is wanted, with what to
// try if that is not obvious.
func typeProblem(n *yaml.Node, want string) message.Message {
	switch n.Kind {
	case yaml.MappingNode:
		// {{ .Values.x }} is a mapping whose key is a mapping.
		template := want == aKey || len(n.Content) > 0 && n.Style&yaml.FlowStyle != 0 && n.Content[0].Kind == yaml.MappingNode
		return message.New("psp-type-wrong", "want", want, "found", "an object", "template", template)
	case yaml.SequenceNode:
		return message.New("psp-type-wrong", "want", want, "found", "a list")
	}
	if misread := yamlnode.Misreading(n); want == aString && misread != "" {
		return message.New("psp-text-misread", "misread", misread)
	}
	found, tag, template := "the string", "", false
	switch yamlnode.ResolveScalar(n).Kind {
	case yamlnode.ScalarNull:
		return message.New("psp-type-wrong", "want", want, "found", "null", "unquoted", want == aString)
	case yamlnode.ScalarBool:
		found = "the boolean"
	case yamlnode.ScalarInt, yamlnode.ScalarFloat:
		found = "the number"
	case yamlnode.ScalarInvalid:
		found, tag = "", n.ShortTag()
	default:
		template = hasTemplateMarks(n.Value)
	}
	return message.New("psp-type-wrong", "want", want, "found", found, "scalar", true, "value", n.Value, "tag", tag,
		"template", template, "unquoted", want == aString && !template)
}

// warnCustomTag adds a Warning about a YAML tag of a PodSecurityPolicy that a tool before kubectl was meant to replace
// (a vault, a cloud template).
func (d *policyDecoder) warnCustomTag(path string, n *yaml.Node) {
	if n.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(n.ShortTag(), "!!") {
		d.addWarning(path, n.Line, message.New("psp-tag-ignored", "tag", n.Tag))
	}
}

// fieldsOf returns the jsonFieldNames of a struct that a PodSecurityPolicy is decoded into, from a cache.
func (d *policyDecoder) fieldsOf(t reflect.Type) map[string]int {
	names, ok := d.structFields[t]
	if !ok {
		names = jsonFieldNames(t)
		if d.structFields == nil {
			d.structFields = map[reflect.Type]map[string]int{}
		}
		d.structFields[t] = names
	}
	return names
}

// jsonFieldNames returns the indexes of the fields of a struct by their JSON names, to decode YAML into it.
func jsonFieldNames(t reflect.Type) map[string]int {
	names := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names[name] = i
	}
	return names
}
