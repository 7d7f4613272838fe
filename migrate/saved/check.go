package saved

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

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
	c := &checker{allowed: allowed, structs: map[reflect.Type]*structChecks{}}
	v := reflect.ValueOf(document).Elem()
	return c.structOf(v.Type()).check(v)
}

// checker knows how to check the values of a saved document. allowed says which texts a type may have. structs are the types that were
// asked for: what tags say is read once for each, for a document has many thousand values of a few hundred types.
type checker struct {
	allowed func(reflect.Type) []string
	structs map[reflect.Type]*structChecks
}

// valueCheck returns what is wrong with a value of a saved document, or with what it holds; nil if nothing is.
type valueCheck func(reflect.Value) *FieldError

// structChecks are the fields of a struct of a saved document that can have a bad value.
type structChecks struct {
	fields []fieldCheck
}

// fieldCheck is the check of one field of a struct of a saved document. An embedded struct has no name.
type fieldCheck struct {
	index int
	name  string
	check valueCheck
}

// check returns what is wrong with the first bad field of a struct of a saved document; nil if nothing is.
func (s *structChecks) check(v reflect.Value) *FieldError {
	for i := range s.fields {
		f := &s.fields[i]
		if err := f.check(v.Field(f.index)); err != nil {
			if f.name == "" {
				return err
			}
			return err.Under(f.name)
		}
	}
	return nil
}

// structOf returns how the fields of a struct of a saved document are checked.
func (c *checker) structOf(t reflect.Type) *structChecks {
	if known := c.structs[t]; known != nil {
		return known
	}
	s := &structChecks{}
	c.structs[t] = s // before its fields, which may have it again
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, tagged := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			s.fields = append(s.fields, fieldCheck{i, "", c.structOf(f.Type).check})
		}
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		about := fieldRules{values: f.Tag.Get("values"), format: f.Tag.Get("format"), optional: tagged && strings.HasPrefix(options, "omit")}
		if check := c.value(f.Type, about); check != nil {
			s.fields = append(s.fields, fieldCheck{i, name, check})
		}
	}
	return s
}

// fieldRules is what is known of the field of a saved document that holds a value: its tags, and whether it may be absent.
type fieldRules struct {
	values, format string
	optional       bool
}

// value returns the check of the values of one type in a field of a saved document; nil if none of them can be wrong.
func (c *checker) value(t reflect.Type, f fieldRules) valueCheck {
	switch t.Kind() {
	case reflect.Pointer:
		if check := c.value(t.Elem(), f); check != nil {
			return func(v reflect.Value) *FieldError {
				if v.IsNil() {
					return nil
				}
				return check(v.Elem())
			}
		}
	case reflect.Int:
		return func(v reflect.Value) *FieldError {
			if v.Int() < 0 {
				return &FieldError{"", fmt.Sprintf("%d is negative", v.Int())}
			}
			return nil
		}
	case reflect.Slice:
		if t == reflect.TypeFor[message.Args]() {
			return func(v reflect.Value) *FieldError { return checkMessageArgs(v.Interface().(message.Args)) }
		}
		return listCheck(f.optional, c.value(t.Elem(), fieldRules{values: f.values, format: f.format}))
	case reflect.Struct:
		s := c.structOf(t)
		return func(v reflect.Value) *FieldError {
			err := s.check(v)
			if err != nil && f.optional && v.IsZero() {
				return nil // one that is left out
			}
			return err
		}
	case reflect.String:
		return c.text(t, f)
	}
	return nil
}

// listCheck returns the check of lists in a field of a saved document, with that of their items, which may be nil.
func listCheck(optional bool, item valueCheck) valueCheck {
	if optional && item == nil {
		return nil
	}
	return func(v reflect.Value) *FieldError {
		if v.IsNil() && !optional {
			return &FieldError{"", "the list is missing"}
		}
		if item == nil {
			return nil
		}
		for i := range v.Len() {
			if err := item(v.Index(i)); err != nil {
				return err.Under("[" + strconv.Itoa(i) + "]")
			}
		}
		return nil
	}
}

// checkMessageArgs returns what is wrong with the arguments of a saved message.
func checkMessageArgs(args message.Args) *FieldError {
	name, err := args.Check()
	if err != nil {
		return &FieldError{name, err.Error()}
	}
	return nil
}

// text returns the check of texts in a saved document, by the values that their type or their field may have; nil if any will do.
func (c *checker) text(t reflect.Type, f fieldRules) valueCheck {
	allowed := c.allowedTexts(t, f)
	rule, formatted := formats()[f.format]
	if allowed == nil && !formatted {
		return nil
	}
	return func(v reflect.Value) *FieldError {
		switch text := v.String(); {
		case text == "" && f.optional:
		case allowed != nil && !slices.Contains(allowed, text):
			return &FieldError{"", fmt.Sprintf("%q is not one of %s", text, strings.Join(allowed, ", "))}
		case formatted && !rule.usual(text) && !rule.pattern.MatchString(text):
			return &FieldError{"", fmt.Sprintf("%q is not %s", text, rule.meaning)}
		}
		return nil
	}
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
