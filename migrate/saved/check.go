package saved

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// FieldError is the error for a value that no saved document has, with the path of the field that holds it.
type FieldError struct {
	Path, Why string
}

// Error returns the path of the field in the saved document and what is wrong with its value.
func (e *FieldError) Error() string { return e.Path + ": " + e.Why }

// Under returns the error about a field of a saved document with one more step before its path.
func (e *FieldError) Under(step string) *FieldError {
	switch {
	case e.Path == "":
		return &FieldError{step, e.Why}
	case e.Path[0] == '[':
		return &FieldError{step + e.Path, e.Why}
	}
	return &FieldError{step + "." + e.Path, e.Why}
}

// Check returns what is wrong with the first bad value of a saved document, by the tags of its fields; nil if nothing is. allowed says
// which texts a type may have, nil for any; it may be nil itself. document is a pointer to a struct.
func Check(document any, allowed func(reflect.Type) []string) *FieldError {
	c := checker{allowed: allowed}
	return c.value(reflect.ValueOf(document).Elem(), fieldRules{})
}

// checker checks the values of a saved document. allowed says which texts a type may have.
type checker struct {
	allowed func(reflect.Type) []string
}

// fieldRules is what is known of the field of a saved document that holds a value: its tags, and whether it may be absent.
type fieldRules struct {
	values, format string
	optional       bool
}

// value returns what is wrong with a value of a saved document, or with what it holds; nil if nothing is.
func (c *checker) value(v reflect.Value, f fieldRules) *FieldError {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return c.value(v.Elem(), f)
		}
	case reflect.Int:
		if v.Int() < 0 {
			return &FieldError{"", fmt.Sprintf("%d is negative", v.Int())}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[message.Args]() {
			return checkMessageArgs(v.Interface().(message.Args))
		}
		if v.IsNil() && !f.optional {
			return &FieldError{"", "the list is missing"}
		}
		for i := range v.Len() {
			if err := c.value(v.Index(i), fieldRules{values: f.values, format: f.format}); err != nil {
				return err.Under("[" + strconv.Itoa(i) + "]")
			}
		}
	case reflect.Struct:
		if f.optional && v.IsZero() {
			return nil
		}
		return c.fields(v)
	case reflect.String:
		return c.text(v, f)
	}
	return nil
}

// fields returns what is wrong with the first bad field of a struct of a saved document; nil if nothing is.
func (c *checker) fields(v reflect.Value) *FieldError {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, tagged := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			if err := c.fields(v.Field(i)); err != nil {
				return err
			}
		}
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		about := fieldRules{values: f.Tag.Get("values"), format: f.Tag.Get("format"), optional: tagged && strings.HasPrefix(options, "omit")}
		if err := c.value(v.Field(i), about); err != nil {
			return err.Under(name)
		}
	}
	return nil
}

// checkMessageArgs returns what is wrong with the arguments of a saved message.
func checkMessageArgs(args message.Args) *FieldError {
	name, err := args.Check()
	if err != nil {
		return &FieldError{name, err.Error()}
	}
	return nil
}

// text returns what is wrong with a text in a saved document, by the values that its type or its field may have.
func (c *checker) text(v reflect.Value, f fieldRules) *FieldError {
	text := v.String()
	if text == "" && f.optional {
		return nil
	}
	if allowed := c.allowedTexts(v.Type(), f); allowed != nil && !slices.Contains(allowed, text) {
		return &FieldError{"", fmt.Sprintf("%q is not one of %s", text, strings.Join(allowed, ", "))}
	}
	if rule, known := formats()[f.format]; known && !rule.pattern.MatchString(text) {
		return &FieldError{"", fmt.Sprintf("%q is not %s", text, rule.meaning)}
	}
	return nil
}

// textFormat is what a text of a saved document's field with the tag `format` has to match, and what such a text is.
type textFormat struct {
	pattern *regexp.Regexp
	meaning string
}

// formats returns the formats by the word of the tag.
var formats = sync.OnceValue(func() map[string]textFormat {
	return map[string]textFormat{
		"version":   {regexp.MustCompile(`^(latest|v1\.(0|[1-9][0-9]*))$`), "a Kubernetes minor such as v1.25, nor latest"},
		"name":      {regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[a-z0-9.-]{0,253}<generated>)$`), "a name that an object can have"},
		"namespace": {regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`), "a name that a namespace can have"},
		"kind":      {regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,62}(\.[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?)?$`), "a name that a kind can have"},
		"id":        {regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`), "the id of a message"},
	}
})

// Patterns returns the regular expressions that texts of a saved document match, by the word of the tag `format` of their field.
func Patterns() map[string]string {
	out := map[string]string{}
	for word, f := range formats() {
		out[word] = f.pattern.String()
	}
	return out
}

// allowedTexts returns the values that a text field of a saved document may have; nil where any text is allowed.
func (c *checker) allowedTexts(t reflect.Type, f fieldRules) []string {
	if f.values != "" {
		return strings.Fields(f.values)
	}
	if c.allowed == nil {
		return nil
	}
	return c.allowed(t)
}
