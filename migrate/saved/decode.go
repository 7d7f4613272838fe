package saved

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"sigs.k8s.io/json"
)

// NotJSON returns why what should be a saved document is no JSON, for people: with the line, or that the file ends early. what is the
// word for the document in the sentence, such as plan.
func NotJSON(what string, data []byte, err error) string {
	var syntax *stdjson.SyntaxError
	if !errors.As(stdjson.Unmarshal(data, new(stdjson.RawMessage)), &syntax) {
		return err.Error()
	}
	before := data[:min(int(syntax.Offset), len(data))]
	switch line := 1 + bytes.Count(before, []byte("\n")); {
	case strings.Contains(syntax.Error(), "unexpected end"):
		return fmt.Sprintf("the file ends early, on line %d", line)
	case strings.Contains(syntax.Error(), "after top-level value"):
		return fmt.Sprintf("something follows the %s on line %d", what, line)
	default:
		return fmt.Sprintf("it is no JSON from line %d on", line)
	}
}

// DecodeError returns the error of decoding a saved document's value into a type, with the path of the innermost field
// that cannot have it; nil if it can be decoded. The path is empty for what is no JSON.
func DecodeError(data []byte, t reflect.Type) *FieldError {
	err := json.UnmarshalCaseSensitivePreserveInts(data, reflect.New(t).Interface())
	if err == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return DecodeError(data, t.Elem())
	case reflect.Slice:
		var items []stdjson.RawMessage
		if json.UnmarshalCaseSensitivePreserveInts(data, &items) == nil {
			for i := range items {
				if at := DecodeError(items[i], t.Elem()); at != nil {
					return at.Under(fmt.Sprintf("[%d]", i))
				}
			}
		}
	case reflect.Struct:
		var members map[string]stdjson.RawMessage
		if json.UnmarshalCaseSensitivePreserveInts(data, &members) == nil {
			if at := memberDecodeError(members, t); at != nil {
				return at
			}
		}
	}
	if wrong := (*stdjson.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return &FieldError{"", fmt.Sprintf("no %s can stand here", wrong.Value)}
	}
	return &FieldError{"", err.Error()}
}

// memberDecodeError returns the error of decoding from a saved document the first member of an object that the field of its
// name in a struct cannot have; nil if there is none.
func memberDecodeError(members map[string]stdjson.RawMessage, t reflect.Type) *FieldError {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			if at := memberDecodeError(members, f.Type); at != nil {
				return at
			}
		}
		if member, is := members[name]; is && name != "" {
			if at := DecodeError(member, f.Type); at != nil {
				return at.Under(name)
			}
		}
	}
	return nil
}
