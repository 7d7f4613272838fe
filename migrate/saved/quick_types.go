package saved

import (
	"encoding"
	stdjson "encoding/json"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// quickType reads values of one type of a saved document. read reports false for a value that it does not take.
type quickType struct {
	read func(*quickReader, reflect.Value) bool
}

// quickTypes are the types of a saved document that are known how to read.
type quickTypes map[reflect.Type]*quickType

// of returns how values of a type of a saved document are read.
func (q quickTypes) of(t reflect.Type) *quickType {
	known := q[t]
	if known == nil {
		known = &quickType{}
		q[t] = known // before its fields, which may have it again
		known.read = q.reading(t)
	}
	return known
}

// reading returns the function that reads values of a type of a saved document.
func (q quickTypes) reading(t reflect.Type) func(*quickReader, reflect.Value) bool {
	pointer := reflect.PointerTo(t)
	switch {
	case t == reflect.TypeFor[message.Args]():
		return readArgs
	case t.Kind() == reflect.Pointer:
		item := q.of(t.Elem())
		return func(r *quickReader, v reflect.Value) bool {
			if r.peek() == 'n' {
				return r.word("null")
			}
			v.Set(reflect.New(t.Elem()))
			return item.read(r, v.Elem())
		}
	case pointer.Implements(reflect.TypeFor[stdjson.Unmarshaler]()):
		return readWithMethod
	case pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return readTextWithMethod
	}
	switch t.Kind() {
	case reflect.String:
		return readText
	case reflect.Bool:
		return readBool
	case reflect.Int, reflect.Int32, reflect.Int64:
		return readInt
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return q.slice(t)
		}
	case reflect.Map:
		if key := t.Key(); key.Kind() == reflect.String && !reflect.PointerTo(key).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			return q.mapping(t)
		}
	case reflect.Struct:
		if fields := q.fields(t, nil); fields != nil {
			return fields.read
		}
	}
	return readByOther
}

// readByOther has the decoder that takes everything read a value of a saved document.
func readByOther(r *quickReader, v reflect.Value) bool {
	raw, ok := r.raw()
	if !ok {
		return false
	}
	twice, err := json.UnmarshalStrict(raw, v.Addr().Interface(), json.DisallowDuplicateFields)
	return err == nil && len(twice) == 0
}

// readWithMethod has a value of a saved document read itself.
func readWithMethod(r *quickReader, v reflect.Value) bool {
	raw, ok := r.raw()
	return ok && raw[0] != 'n' && stdjson.Valid(raw) && v.Addr().Interface().(stdjson.Unmarshaler).UnmarshalJSON(raw) == nil
}

// readTextWithMethod has a value of a saved document that is a text read itself.
func readTextWithMethod(r *quickReader, v reflect.Value) bool {
	text, ok := r.text()
	return ok && v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text) == nil
}

// readText reads a text of a saved document.
func readText(r *quickReader, v reflect.Value) bool {
	text, ok := r.text()
	if ok {
		v.SetString(r.string(text))
	}
	return ok
}

// readBool reads true or false of a saved document.
func readBool(r *quickReader, v reflect.Value) bool {
	yes := r.word("true")
	v.SetBool(yes)
	return yes || r.word("false")
}

// readInt reads a whole number of a saved document.
func readInt(r *quickReader, v reflect.Value) bool {
	n, ok := r.number()
	if !ok || v.OverflowInt(n) {
		return false
	}
	v.SetInt(n)
	return true
}

// inside counts how deep the reader of a saved document is, and reports whether that is still usual.
func (r *quickReader) inside() bool {
	r.depth++
	return r.depth <= mostDepth
}

// smallItem is the size of items in bytes up to which a list begins with room for several.
const smallItem = 64

// slice returns the function that reads lists of a saved document.
func (q quickTypes) slice(t reflect.Type) func(*quickReader, reflect.Value) bool {
	item, first := q.of(t.Elem()), 1
	if t.Elem().Size() <= smallItem {
		first = 4
	}
	return func(r *quickReader, v reflect.Value) bool {
		if !r.inside() || !r.take('[') {
			return false
		}
		defer func() { r.depth-- }()
		if r.take(']') {
			v.Set(reflect.MakeSlice(t, 0, 0))
			return true
		}
		for n := 0; ; n++ {
			if n == v.Cap() {
				v.Grow(max(first, n))
			}
			v.SetLen(n + 1)
			if !item.read(r, v.Index(n)) {
				return false
			}
			if more, ok := r.more(']'); !more {
				return ok
			}
		}
	}
}

// mapping returns the function that reads objects of a saved document into a map.
func (q quickTypes) mapping(t reflect.Type) func(*quickReader, reflect.Value) bool {
	item := q.of(t.Elem())
	return func(r *quickReader, v reflect.Value) bool {
		if !r.inside() || !r.take('{') {
			return false
		}
		defer func() { r.depth-- }()
		v.Set(reflect.MakeMap(t))
		if r.take('}') {
			return true
		}
		key := reflect.New(t.Key()).Elem()
		for n := 1; ; n++ {
			name, ok := r.text()
			if !ok || !r.take(':') {
				return false
			}
			key.SetString(r.string(name))
			value := reflect.New(t.Elem()).Elem()
			if !item.read(r, value) {
				return false
			}
			v.SetMapIndex(key, value)
			if more, ok := r.more('}'); !more {
				return ok && v.Len() == n // fewer: a key that stands twice
			}
		}
	}
}

// readArgs reads the arguments of a message of a saved document.
func readArgs(r *quickReader, v reflect.Value) bool {
	args, start := message.Args{}, r.at
	if !r.take('{') {
		return false
	}
	for {
		name, ok := r.text()
		if !ok || !r.take(':') {
			break
		}
		arg := message.Arg{Name: r.string(name)}
		if arg.Value, ok = r.arg(); !ok || len(args) > 0 && args[len(args)-1].Name >= arg.Name { // as they are written, and each once
			break
		}
		args = append(args, arg)
		if more, ok := r.more('}'); ok && !more {
			v.Set(reflect.ValueOf(args))
			return true
		} else if !ok {
			break
		}
	}
	r.at = start
	return readWithMethod(r, v)
}

// arg returns the next value, one that an argument of a message may have.
func (r *quickReader) arg() (any, bool) {
	switch r.peek() {
	case '"':
		text, ok := r.text()
		return r.string(text), ok
	case 't':
		return true, r.word("true")
	case '[':
		var list []string
		for r.at++; ; {
			text, ok := r.text()
			if !ok {
				return nil, false
			}
			list = append(list, r.string(text))
			if more, ok := r.more(']'); !more {
				return slices.Clip(list), ok
			}
		}
	}
	n, ok := r.number()
	return int(n), ok
}

// quickField is a field of a struct of a saved document.
type quickField struct {
	name  string
	index []int
	*quickType
}

// quickFields are the fields of a struct of a saved document.
type quickFields struct {
	list   []quickField
	byName map[string]int
}

// mostFields is how many fields a struct may have that is read quickly.
const mostFields = 64

// fields returns the fields of a struct of a saved document with those of the structs that it embeds; nil where their names have rules of
// their own: embedded pointers, two fields of one name, numbers in texts. index leads to the struct in the one that embeds it.
func (q quickTypes) fields(t reflect.Type, index []int) *quickFields {
	out := &quickFields{byName: map[string]int{}}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		at := append(slices.Clip(index), i)
		added := []quickField{{name: name, index: at}}
		switch {
		case tag == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case strings.Contains(options, "string"):
			return nil
		case f.Anonymous && name == "":
			if f.Type.Kind() != reflect.Struct {
				return nil
			}
			embedded := q.fields(f.Type, at)
			if embedded == nil {
				return nil
			}
			added = embedded.list
		default:
			if name == "" {
				added[0].name = f.Name
			}
			added[0].quickType = q.of(f.Type)
		}
		for _, a := range added {
			if _, twice := out.byName[a.name]; twice {
				return nil
			}
			out.byName[a.name] = len(out.list)
			out.list = append(out.list, a)
		}
	}
	if len(out.list) > mostFields {
		return nil
	}
	return out
}

// read reads an object of a saved document into a struct.
func (q *quickFields) read(r *quickReader, v reflect.Value) bool {
	if !r.inside() || !r.take('{') {
		return false
	}
	defer func() { r.depth-- }()
	if r.take('}') {
		return true
	}
	var seen uint64
	for next := 0; ; next++ {
		key, ok := r.text()
		if !ok || !r.take(':') {
			return false
		}
		if next >= len(q.list) || q.list[next].name != string(key) { // most stand in the order of the fields
			if next, ok = q.byName[string(key)]; !ok {
				return false
			}
		}
		if seen&(1<<next) != 0 {
			return false
		}
		seen |= 1 << next
		f := &q.list[next]
		value := v.Field(f.index[0])
		for _, i := range f.index[1:] {
			value = value.Field(i)
		}
		if !f.read(r, value) {
			return false
		}
		if more, ok := r.more('}'); !more {
			return ok
		}
	}
}
