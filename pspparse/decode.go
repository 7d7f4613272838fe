package pspparse

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// ignored is the type of a field that exists, and that nothing here depends on.
type ignored struct{}

// decoder fills Go values from nodes, guided by the json tags, and remembers where each field stood. The types are
// those of this package, all of fixed depth, so that decoding cannot recurse further than they do.
type decoder struct {
	lines  map[string]int
	found  findings
	failed map[string]bool
	// names are the fields of each struct that was met.
	names map[reflect.Type]map[string]int
}

// line returns the line of a field, or of its nearest stated parent, up to the document ("").
func (d *decoder) line(path string) int {
	for ; path != ""; path = parentPath(path) {
		if n, ok := d.lines[path]; ok {
			return n
		}
	}
	return d.lines[""]
}

func (d *decoder) fail(path string, line int, msg string) {
	d.failed[path] = true
	d.found.add(Problem{Severity: Error, Field: path, Line: line, Message: msg})
}

func (d *decoder) warn(path string, line int, msg string) {
	d.found.add(Problem{Severity: Warning, Field: path, Line: line, Message: msg})
}

// bad says that a field was already reported, so that what follows from it need not be.
func (d *decoder) bad(path string) bool { return d.failed[path] }

// object decodes a whole document.
func (d *decoder) object(obj *document, root *yaml.Node) {
	d.value(reflect.ValueOf(obj).Elem(), root, "")
}

// value decodes n, which is not null, into v.
func (d *decoder) value(v reflect.Value, n *yaml.Node, path string) {
	n = target(n)
	switch v.Kind() {
	case reflect.Pointer:
		elem := reflect.New(v.Type().Elem())
		d.value(elem.Elem(), n, path)
		v.Set(elem)
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[ignored]() {
			d.structure(v, n, path)
		}
	case reflect.Map:
		d.dictionary(v, n, path)
	case reflect.Slice:
		d.list(v, n, path)
	case reflect.Bool:
		if s := resolve(n); s.kind == boolean {
			v.SetBool(s.truth)
		} else {
			d.mismatch(path, n, "a boolean (true or false)")
		}
	case reflect.String:
		if s := resolve(n); s.kind == text {
			v.SetString(s.text)
			d.customTag(path, n)
		} else {
			d.mismatch(path, n, "a string")
		}
	default: // the integers
		d.integer(v, n, path)
	}
}

func (d *decoder) integer(v reflect.Value, n *yaml.Node, path string) {
	i, fits := resolve(n).integer()
	switch {
	case fits == notInteger:
		d.mismatch(path, n, "an integer")
	case fits == outOfRange, v.OverflowInt(i):
		d.fail(path, n.Line, fmt.Sprintf("the number %s is out of range: it does not fit in %d bits", quote(n.Value), v.Type().Bits()))
	default:
		v.SetInt(i)
	}
}

func (d *decoder) structure(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.mismatch(path, n, "an object")
		return
	}
	names := d.fields(v.Type())
	for _, e := range d.entries(n, path, fieldPath) {
		at := fieldPath(path, e.name)
		i, known := names[e.name]
		switch {
		case !known:
			d.unknown(at, e, names)
		case !isNull(e.value):
			d.lines[at] = e.key.Line
			d.value(v.Field(i), e.value, at)
		}
	}
}

func (d *decoder) unknown(path string, e entry, names map[string]int) {
	if d.found.full(Warning) {
		d.warn(path, e.key.Line, "") // which is only counted
		return
	}
	msg := fmt.Sprintf("unknown field %s, which the API server ignores", quote(e.name))
	if s := suggest(e.name, names); s != "" {
		msg += fmt.Sprintf("; did you mean %q?", s)
		if strings.EqualFold(s, e.name) {
			msg += " Names are case-sensitive."
		}
	}
	d.warn(path, e.key.Line, msg)
}

// dictionary decodes a map of strings.
func (d *decoder) dictionary(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.mismatch(path, n, "an object")
		return
	}
	entries := d.entries(n, path, keyPath)
	if len(entries) == 0 {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(entries)))
	for _, e := range entries {
		at := keyPath(path, e.name)
		d.lines[at] = e.key.Line
		elem := reflect.New(v.Type().Elem()).Elem()
		d.element(elem, e.value, at)
		v.SetMapIndex(reflect.ValueOf(e.name), elem)
	}
}

// list leaves an empty list nil: the two mean the same in every field.
func (d *decoder) list(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.SequenceNode {
		d.mismatch(path, n, "a list")
		return
	}
	if len(n.Content) == 0 {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		at := indexPath(path, i)
		d.lines[at] = c.Line
		d.element(v.Index(i), c, at)
	}
}

// element decodes one element of a list or map. There null cannot mean absent: the API server reads it as the empty
// value.
func (d *decoder) element(v reflect.Value, n *yaml.Node, path string) {
	if !isNull(n) {
		d.value(v, n, path)
		return
	}
	empty := `""`
	if v.Kind() == reflect.Struct {
		empty = "{}"
	}
	d.warn(path, n.Line, "null is read as "+empty+", as the API server does")
}

func (d *decoder) mismatch(path string, n *yaml.Node, want string) {
	if d.found.full(Error) {
		d.fail(path, n.Line, "") // which is only counted
		return
	}
	found, hint := describe(n)
	if want == "a string" && hint == "" && n.Kind == yaml.ScalarNode {
		hint = "; quote it"
	}
	d.fail(path, n.Line, "expected "+want+", found "+found+hint)
}

// describe names what a node is, for a message, and what to try if that is not obvious.
func describe(n *yaml.Node) (found, hint string) {
	switch n.Kind {
	case yaml.MappingNode:
		// {{ .Values.x }} is a mapping whose key is a mapping.
		if len(n.Content) > 0 && n.Style&yaml.FlowStyle != 0 && n.Content[0].Kind == yaml.MappingNode {
			return "an object", templateHint("{{")
		}
		return "an object", ""
	case yaml.SequenceNode:
		return "a list", ""
	}
	switch s := resolve(n); s.kind {
	case boolean:
		return "the boolean " + quote(n.Value), ""
	case whole, fraction:
		return "the number " + quote(n.Value), ""
	case null:
		return "null", ""
	case invalid:
		return fmt.Sprintf("%s, which is no %s", quote(n.Value), n.ShortTag()), ""
	}
	return "the string " + quote(n.Value), templateHint(n.Value)
}

// customTag tells of a tag that a tool before kubectl was meant to replace (a vault, a cloud template).
func (d *decoder) customTag(path string, n *yaml.Node) {
	if n.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(n.ShortTag(), "!!") {
		d.warn(path, n.Line, fmt.Sprintf("the tag %s is ignored, as kubectl does", quote(n.Tag)))
	}
}

// fields are the fieldNames of a struct.
func (d *decoder) fields(t reflect.Type) map[string]int {
	names, ok := d.names[t]
	if !ok {
		names = fieldNames(t)
		if d.names == nil {
			d.names = map[reflect.Type]map[string]int{}
		}
		d.names[t] = names
	}
	return names
}

// fieldNames maps the JSON names of a struct to field indices.
func fieldNames(t reflect.Type) map[string]int {
	names := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names[name] = i
	}
	return names
}
