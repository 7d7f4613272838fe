package migrate

import (
	"encoding/json"
	"fmt"
	"io"
)

// ReadPlan reads a Plan from its JSON form. A document of another kind or version is an error; keys that this version
// does not know are ignored, so that an older tool can read a newer plan of the same apiVersion.
func ReadPlan(r io.Reader) (*Plan, error) {
	var p Plan
	d := json.NewDecoder(r)
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("decoding the plan: %w", err)
	}
	if p.APIVersion != APIVersion || p.Kind != Kind {
		return nil, fmt.Errorf("decoding the plan: it is %q of %q, not %s of %s; save one with \"psp2pss plan -o json=plan.json\"", p.Kind, p.APIVersion, Kind, APIVersion)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("decoding the plan: there is more after its end")
	}
	return &p, nil
}
