package migrate

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// RandomPlans makes two plans of which the later one has most of the objects of the earlier one, for tests of what compares plans.
func RandomPlans(t *testing.T, seed int) (before, after *Plan) {
	t.Helper()
	r := newRandom(t, seed)
	source, opts, objects := r.source(), r.options(), r.otherObjects()
	later, laterOpts := source, opts
	if r.IntN(4) == 0 {
		later, laterOpts = r.source(), r.options()
	}
	kept := []object{template("Deployment", "a/changing", r.pod())}
	for _, o := range objects {
		if r.IntN(4) > 0 {
			kept = append(kept, o)
		}
	}
	if r.IntN(2) == 0 {
		kept = append(kept, r.otherObjects()...)
	}
	for _, s := range []*inventory.Source{&source, &later} {
		s.Run = &inventory.Run{Tool: pick(r, "psp2pss v1.0.0", "psp2pss v1.0.0", "psp2pss v1.1.0")}
		s.UID = pick(r, "", "one", "one", "two")
	}
	objects = append(objects, template("Deployment", "a/changing", r.pod()))
	return build(t, source, opts, append(objects, r.policies(false)...)...), build(t, later, laterOpts, append(kept, r.policies(r.IntN(2) == 0)...)...)
}
