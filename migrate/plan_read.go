package migrate

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"sigs.k8s.io/json"
)

const howToSavePlan = `save one with "psp2pss plan -o json=plan.json"`

// ReadPlan reads a saved Plan from its JSON form. A document of another kind or version is an error, and so is a key
// that stands twice, a list that is missing, and a value that no plan has, by the path of its field. Keys match
// case-sensitively; those that this version does not know are ignored, so that an older tool can read a newer plan of
// the same apiVersion.
func ReadPlan(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("decoding the plan: it is empty; %s", howToSavePlan)
	}
	var p Plan
	twice, err := json.UnmarshalStrict(data, &p, json.DisallowDuplicateFields)
	if err != nil {
		if at := fieldDecodeError(data, reflect.TypeFor[Plan]()); at != nil && at.path != "" {
			return nil, fmt.Errorf("decoding the plan: %w; correct it, or save the plan again", at)
		}
		return nil, fmt.Errorf("decoding the plan: %w; %s", err, howToSavePlan)
	}
	if p.APIVersion != APIVersion || p.Kind != Kind {
		return nil, fmt.Errorf("decoding the plan: it is %q of %q, not %s of %s; %s", p.Kind, p.APIVersion, Kind, APIVersion, howToSavePlan)
	}
	if len(twice) > 0 {
		return nil, fmt.Errorf("decoding the plan: %w; save the plan again", twice[0])
	}
	if err := p.checkRequiredLists(); err != nil {
		return nil, fmt.Errorf("decoding the plan: %w; save the plan again", err)
	}
	if err := p.ResolveShared(); err != nil {
		return nil, fmt.Errorf("decoding the plan: %w; save the plan again", err)
	}
	if err := p.checkFieldValues(); err != nil {
		return nil, fmt.Errorf("decoding the plan: %w; correct it, or save the plan again", err)
	}
	return &p, nil
}

// checkRequiredLists returns an error for a saved Plan that lacks a list. A missing list would pass for a cluster that
// has none, and missing gaps for one that was read whole; a namespace that is there twice may have two answers.
func (p *Plan) checkRequiredLists() error {
	switch {
	case p.Policies == nil:
		return errors.New("it has no list of policies")
	case p.Namespaces == nil:
		return errors.New("it has no list of namespaces")
	case p.Gaps == nil:
		return errors.New("it has no list of gaps")
	}
	seen := make(map[string]bool, len(p.Namespaces))
	for i := range p.Namespaces {
		name := p.Namespaces[i].Name
		if seen[name] {
			return fmt.Errorf("it has the namespace %q twice", name)
		}
		seen[name] = true
	}
	clear(seen)
	for i := range p.Policies {
		name := p.Policies[i].Name
		if seen[name] {
			return fmt.Errorf("it has the policy %q twice", name)
		}
		seen[name] = true
	}
	return nil
}

// fieldDecodeError returns the error of decoding a saved Plan's value into a type, with the path of the innermost field
// that cannot have it; nil if it can be decoded. The path is empty for what is no JSON.
func fieldDecodeError(data []byte, t reflect.Type) *planFieldError {
	err := json.UnmarshalCaseSensitivePreserveInts(data, reflect.New(t).Interface())
	if err == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return fieldDecodeError(data, t.Elem())
	case reflect.Slice:
		var items []stdjson.RawMessage
		if json.UnmarshalCaseSensitivePreserveInts(data, &items) == nil {
			for i := range items {
				if at := fieldDecodeError(items[i], t.Elem()); at != nil {
					return at.under(fmt.Sprintf("[%d]", i))
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
		return &planFieldError{"", fmt.Sprintf("no %s can stand here", wrong.Value)}
	}
	return &planFieldError{"", err.Error()}
}

// memberDecodeError returns the error of decoding from a saved Plan the first member of an object that the field of its
// name in a struct cannot have; nil if there is none.
func memberDecodeError(members map[string]stdjson.RawMessage, t reflect.Type) *planFieldError {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			if at := memberDecodeError(members, f.Type); at != nil {
				return at
			}
		}
		if member, is := members[name]; is && name != "" {
			if at := fieldDecodeError(member, f.Type); at != nil {
				return at.under(name)
			}
		}
	}
	return nil
}
