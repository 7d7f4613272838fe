package finding

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"

	"sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/migrate/saved"
)

// howToSave is the end of an error about what should be a saved Result.
const howToSave = `save one with "psp2pss check -o json=result.json"`

// ReadResult reads a saved Result from its JSON form. A document of another kind or version is an error, and so is a key that stands
// twice, a list that is missing, and a value that no result has, by the path of its field. Keys match case-sensitively; those that
// this version does not know are ignored, so that an older tool can read a newer result of the same apiVersion.
func ReadResult(data []byte) (*Result, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("it is empty; " + howToSave)
	}
	var r Result
	twice, err := json.UnmarshalStrict(data, &r, json.DisallowDuplicateFields)
	if err != nil {
		var h struct{ APIVersion, Kind string }
		_ = stdjson.Unmarshal(data, &h) // as far as it goes
		if stdjson.Valid(data) && h.Kind != Kind {
			return nil, errors.New(otherKind(h.APIVersion, h.Kind))
		}
		if at := saved.DecodeError(data, reflect.TypeFor[Result]()); at != nil && at.Path != "" {
			return nil, fmt.Errorf("%w; correct it, or save the result again", at)
		}
		return nil, fmt.Errorf("%s; %s", saved.NotJSON("result", data, err), howToSave)
	}
	if r.APIVersion != APIVersion || r.Kind != Kind {
		return nil, errors.New(otherKind(r.APIVersion, r.Kind))
	}
	if len(twice) > 0 {
		return nil, fmt.Errorf("%w; save the result again", twice[0])
	}
	if err := saved.Check(&r, nil); err != nil {
		return nil, fmt.Errorf("%w; correct it, or save the result again", err)
	}
	if err := r.checkFindings(); err != nil {
		return nil, fmt.Errorf("%w; correct it, or save the result again", err)
	}
	return &r, nil
}

// checkFindings returns an error that names the first finding of a saved Result without a rule, an object or a place.
func (r *Result) checkFindings() error {
	for i := range r.Findings {
		if err := r.Findings[i].check(); err != nil {
			return err.Under(fmt.Sprintf("findings[%d]", i))
		}
	}
	for i := range r.Ignored {
		if err := r.Ignored[i].Finding.check(); err != nil {
			return err.Under(fmt.Sprintf("ignored[%d].finding", i))
		}
	}
	return nil
}

// check returns what a finding of a saved Result lacks; nil if it is whole.
func (f *Finding) check() *saved.FieldError {
	switch {
	case f.Rule == "":
		return &saved.FieldError{Path: "rule", Why: "it is missing"}
	case f.Object.Kind == "":
		return &saved.FieldError{Path: "object.kind", Why: "it is missing"}
	case len(f.Places) == 0:
		return &saved.FieldError{Path: "places", Why: "there is none"}
	}
	return nil
}

// otherKind returns what a document is that is no saved Result of this version, for people.
func otherKind(apiVersion, kind string) string {
	switch {
	case kind == "":
		return "it is not a result of check; " + howToSave
	case kind == Kind:
		return fmt.Sprintf("it is a result of %q, and this version reads %s: save it again, or read it with the psp2pss that saved it", apiVersion, APIVersion)
	case apiVersion == APIVersion:
		return fmt.Sprintf("it is a %q of psp2pss, and not a result of check; %s", kind, howToSave)
	}
	return fmt.Sprintf("it is a %q of %q, and not a result of check: give objects to -f; %s", kind, apiVersion, howToSave)
}
