package migrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const howToSave = `save one with "psp2pss plan -o json=plan.json"`

// ReadPlan reads a Plan from its JSON form. A document of another kind or version is an error; keys that this version
// does not know are ignored, so that an older tool can read a newer plan of the same apiVersion.
func ReadPlan(r io.Reader) (*Plan, error) {
	var p Plan
	d := json.NewDecoder(r)
	switch err := d.Decode(&p); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("decoding the plan: it is empty; %s", howToSave)
	case err != nil:
		return nil, fmt.Errorf("decoding the plan: %w; %s", err, howToSave)
	}
	if p.APIVersion != APIVersion || p.Kind != Kind {
		return nil, fmt.Errorf("decoding the plan: it is %q of %q, not %s of %s; %s", p.Kind, p.APIVersion, Kind, APIVersion, howToSave)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("decoding the plan: there is more after its end; %s", howToSave)
	}
	if err := p.whole(); err != nil {
		return nil, fmt.Errorf("decoding the plan: %w; save the plan again", err)
	}
	return &p, nil
}

// whole refuses what no plan is saved as. A missing list would pass for a cluster that has none, and missing gaps for one
// that was read whole; a namespace that is there twice may have two answers.
func (p *Plan) whole() error {
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
	return nil
}
