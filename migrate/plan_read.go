package migrate

import (
	"bytes"
	json "encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/psp2pss/psp2pss/migrate/saved"
)

const howToSavePlan = `save one with "psp2pss plan -o json=plan.json"`

// ReadPlan reads a saved Plan from its JSON form. A document of another kind or version is an error, and so is a key
// that stands twice, a list that is missing, and a value that no plan has, by the path of its field. Keys match
// case-sensitively; those that this version does not know are ignored, so that an older tool can read a newer plan of
// the same apiVersion.
func ReadPlan(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return ParsePlan(data)
}

// ParsePlan is ReadPlan for the JSON form of a Plan that is in memory already.
func ParsePlan(data []byte) (*Plan, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("it is empty; %s", howToSavePlan)
	}
	var p Plan
	twice, err := saved.Decode(data, &p)
	if err != nil {
		var h struct{ APIVersion, Kind string }
		if json.Unmarshal(data, &h) == nil && h.Kind != Kind {
			return nil, errors.New(otherKindReason(h.APIVersion, h.Kind))
		}
		if at := saved.DecodeError(data, reflect.TypeFor[Plan]()); at != nil && at.Path != "" {
			return nil, fmt.Errorf("%w; correct it, or save the plan again", at)
		}
		return nil, fmt.Errorf("%s; %s", saved.NotJSON("plan", data, err), howToSavePlan)
	}
	if p.APIVersion != APIVersion || p.Kind != Kind {
		return nil, errors.New(otherKindReason(p.APIVersion, p.Kind))
	}
	if len(twice) > 0 {
		return nil, fmt.Errorf("%w; save the plan again", twice[0])
	}
	if err := p.checkRequiredLists(); err != nil {
		return nil, fmt.Errorf("%w; save the plan again", err)
	}
	if err := p.ResolveShared(); err != nil {
		return nil, fmt.Errorf("%w; save the plan again", err)
	}
	if err := p.checkFieldValues(); err != nil {
		return nil, fmt.Errorf("%w; correct it, or save the plan again", err)
	}
	return &p, nil
}

// otherKindReason returns what a document is that is no saved Plan of this version, for people.
func otherKindReason(apiVersion, kind string) string {
	switch {
	case kind == "":
		return "it is not a plan; " + howToSavePlan
	case kind == Kind:
		return fmt.Sprintf("it is a plan of %q, and this version reads %s: save it again, or read it with the psp2pss that saved it", apiVersion, APIVersion)
	case apiVersion == APIVersion && kind == "Journal":
		return "it is the journal of a roll-out, and not a plan: give it to --journal"
	case apiVersion == APIVersion:
		return fmt.Sprintf("it is a %q of psp2pss, and not a plan; %s", kind, howToSavePlan)
	}
	return fmt.Sprintf("it is a %q of %q, and not a plan: give objects to -f; %s", kind, apiVersion, howToSavePlan)
}

// checkRequiredLists returns an error for a saved Plan that lacks a list. A missing list would pass for a cluster that
// has none, and missing gaps for one that was read whole; a namespace that is there twice may have two answers.
func (p *Plan) checkRequiredLists() error {
	switch {
	case p.Policies == nil:
		return errors.New("it has no list of policies, as where a file ends early")
	case p.Namespaces == nil:
		return errors.New("it has no list of namespaces, as where a file ends early")
	case p.Gaps == nil:
		return errors.New("it has no list of gaps, as where a file ends early")
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
