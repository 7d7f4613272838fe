package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Args are the named arguments of a message. Their JSON form is an object.
type Args []Arg

// Arg is one argument of a message. Value is a string, an int, true or a list of strings, and no text and no list is
// empty.
type Arg struct {
	Name  string
	Value any
}

// Get returns the value of an argument of a message, nil where there is none of that name.
func (a Args) Get(name string) any {
	for i := range a {
		if a[i].Name == name {
			return a[i].Value
		}
	}
	return nil
}

// newArgs returns the arguments of a message from pairs of name and value, sorted by name; empty values are left out.
func newArgs(pairs []any) Args {
	if len(pairs) == 0 {
		return nil
	}
	out := make(Args, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := plainValue(pairs[i+1]); value != nil {
			out = append(out, Arg{pairs[i].(string), value}) // a test reads all calls
		}
	}
	if len(out) == 0 {
		return nil
	}
	out.sort()
	return out
}

// sort orders the arguments of a message by name.
func (a Args) sort() {
	slices.SortFunc(a, func(x, y Arg) int { return strings.Compare(x.Name, y.Name) })
}

// plainValue returns the value of a message's argument as Arg has it, nil for an empty one.
func plainValue(v any) any {
	switch x := v.(type) {
	case nil:
		return nil
	case int:
		return v
	case error:
		return x.Error()
	case fmt.Stringer:
		v = x.String()
	}
	switch x := reflect.ValueOf(v); x.Kind() {
	case reflect.String:
		if text := x.String(); text != "" {
			return text
		}
	case reflect.Int32, reflect.Int64:
		return int(x.Int())
	case reflect.Bool:
		if x.Bool() {
			return true
		}
	case reflect.Slice:
		if x.Len() == 0 {
			return nil
		}
		if list, ok := v.([]string); ok {
			return slices.Clone(list)
		}
		list := make([]string, x.Len())
		for i := range list {
			list[i] = x.Index(i).String()
		}
		return list
	default:
		panic(fmt.Sprintf("message: an argument is a %T", v))
	}
	return nil
}

// MarshalJSON writes the arguments of a message as a JSON object. It returns an error for a value that no argument has.
func (a Args) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i := range a {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := marshalPlain(a[i].Name)
		if err != nil {
			return nil, err
		}
		value, err := marshalPlain(a[i].Value)
		if err != nil {
			return nil, fmt.Errorf("argument %q: %w", a[i].Name, err)
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// marshalPlain returns a message's argument as JSON that keeps < > and & as they are.
func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// UnmarshalJSON reads an object. It keeps what no argument can have, for Check: only who reads the whole document can say where
// it is. It returns an error for what is no JSON.
func (a *Args) UnmarshalJSON(data []byte) error {
	*a = nil
	d := json.NewDecoder(bytes.NewReader(data))
	start, err := d.Token()
	if err != nil {
		return fmt.Errorf("reading arguments: %w", err)
	}
	if start != json.Delim('{') {
		*a = Args{{Value: json.RawMessage(bytes.Clone(data))}}
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return fmt.Errorf("reading the name of an argument: %w", err)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fmt.Errorf("reading the argument %q: %w", name, err)
		}
		*a = append(*a, Arg{name.(string), readValue(raw)})
	}
	a.sort()
	return nil
}

// Check returns the name of the first argument with a value from JSON that no argument can have, and an error that says so; ""
// and an error if the JSON was no object.
func (a Args) Check() (name string, err error) {
	for i := range a {
		if raw, ok := a[i].Value.(json.RawMessage); ok && a[i].Name == "" {
			return "", fmt.Errorf("%s is no object", raw)
		} else if ok {
			return a[i].Name, fmt.Errorf("%s is no text, whole number, true or list of texts", raw)
		}
	}
	return "", nil
}

// readValue returns the value of an argument of a message from its JSON, or the JSON itself if no argument can have it.
func readValue(raw json.RawMessage) any {
	var text string
	null := bytes.Equal(raw, []byte("null"))
	if json.Unmarshal(raw, &text) == nil && !null {
		return text
	}
	var n int
	if json.Unmarshal(raw, &n) == nil && !null {
		return n
	}
	var yes bool
	if json.Unmarshal(raw, &yes) == nil && yes {
		return yes
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		return slices.Clip(list)
	}
	return raw
}
