package forecast

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Kept is how much of what a policy does by a field goes on: kept, checked or lost.
type Kept string

// The answers.
const (
	// Whole: pods are refused as the policy refused them, and what it wrote is written.
	Whole Kept = "kept"
	// Checked: pods are refused, and nothing is written into them.
	Checked Kept = "checked only"
	// Lost: pods get in that the policy refuses, or nothing is written by a field that only writes.
	Lost Kept = "lost"
)

// Field is what becomes of what a policy demands by one of its fields, or by several that belong together.
type Field struct {
	Names []string
	// Label is with the label of the policy's closest level alone, Delta with what is added to it, Continuity with all of what generate
	// can write.
	Label, Delta, Continuity Kept
	// Notes are what the policies that are generated do otherwise for this field than PodSecurityPolicy admission did.
	Notes []message.Message
}

// OfPolicy returns what becomes of a policy of a Plan by field, in the order of its fields. It is empty for one that demands nothing, and
// for one that admits no pod.
func OfPolicy(p *migrate.Plan, po *migrate.Policy) []Field {
	if po.AdmitsNothing {
		return nil
	}
	version, err := api.ParseVersion(p.TargetVersion)
	if err != nil {
		version = api.LatestVersion()
	}
	var out []Field
	for _, d := range engine.Demands(po, api.LevelVersion{Level: po.ClosestLevel, Version: version}) {
		out = append(out, fieldOf(po, &d))
	}
	return out
}

// fieldOf returns what becomes of one constraint of a policy.
func fieldOf(po *migrate.Policy, d *engine.Demand) Field {
	refuses, writes := d.Constraint.Refuses(), d.Constraint.Writes()
	out := Field{Names: statedFields(po, d.Constraint), Label: Lost, Delta: Lost, Continuity: Whole}
	unwritten := Whole // of what is refused where nothing writes
	if writes {
		unwritten = Checked
	}
	if refuses {
		out.Delta = unwritten
		if !d.Left {
			out.Label = unwritten
		}
	}
	if d.NotKept {
		out.Delta = Lost
	}
	if cel.Unwritable(d.Constraint) && !d.NotKept {
		out.Continuity = out.Delta
	}
	for _, r := range cel.Inexpressible(d.Constraint, cel.Options{Minor: newestMinor, Validating: true, Mutating: true, Action: cel.Deny}) {
		out.Notes = append(out.Notes, r.Message)
	}
	return out
}

// newestMinor is of the newest API server: what older ones cannot say is said where documents for them are written.
const newestMinor = 37

// statedFields returns the fields of a constraint that a policy states, and the one that decides where it states none.
func statedFields(po *migrate.Policy, c mapping.Constraint) []string {
	var out []string
	for _, name := range c.Fields() {
		if slices.ContainsFunc(po.Fields, func(f migrate.PolicyField) bool { return f.Name == name }) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return c.Fields()[:1]
	}
	return out
}
