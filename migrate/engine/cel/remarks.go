package cel

import (
	"slices"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// tableRemarks returns what the documents of a table do otherwise than PodSecurityPolicy admission did, whatever the sets: by how
// they work, then by what the policies demand.
func tableRemarks(t *engine.Table, o Options) []engine.Remark {
	if len(t.Sets) == 0 {
		return nil
	}
	var out []engine.Remark
	say := func(m message.Message) { out = append(out, engine.Remark{Message: m}) }
	writes := t.Mode == engine.Continuity && o.Mutating && o.Action == Deny
	if writes {
		if o.Minor < firstMutatingByNow {
			say(message.New("engine-cel-mutating-flags", "minor", o.Minor))
		}
		if !o.Reinvoke {
			say(message.New("engine-cel-runs-once"))
		}
	}
	if t.Mode == engine.Continuity {
		say(message.New("engine-cel-newer-servers"))
	}
	if t.Mode == engine.Continuity && !writes {
		if o.Action == Deny {
			say(message.New("engine-cel-strict"))
		} else {
			say(message.New("engine-cel-as-filled", "action", string(o.Action)))
		}
	}
	if t.Mode == engine.Continuity && !o.Validating {
		say(message.New("engine-cel-refuses-nothing"))
	}
	if o.Validating {
		say(message.New("engine-cel-spec-changes"))
		say(message.New("engine-cel-ephemeral-containers"))
	}
	if slices.ContainsFunc(t.Sets, hasExceptions) {
		say(message.New("engine-cel-forged-owner"))
	}
	if len(t.Policies) > 0 {
		say(message.New("engine-cel-fixed-text"))
		say(message.New("engine-cel-wide-pods"))
	}
	return append(out, policyRemarks(t, o)...)
}

// hasExceptions reports whether workloads of a set need not meet one of its checks.
func hasExceptions(s engine.Set) bool {
	return slices.ContainsFunc(s.Checks, func(c engine.LevelCheck) bool { return len(c.ExceptWorkloads) > 0 })
}

// policyRemarks returns what of the policies the documents cannot say: of all that they demand and write in continuity mode, else of
// what is left to check of them in some set.
func policyRemarks(t *engine.Table, o Options) []engine.Remark {
	left := map[string][]mapping.Constraint{}
	for i := range t.Sets {
		for _, a := range t.Sets[i].Alternatives {
			left[a.Policy] = append(left[a.Policy], a.Constraints...)
		}
	}
	var out []engine.Remark
	for i := range t.Policies {
		p := &t.Policies[i]
		constraints := left[p.Name]
		if t.Mode == engine.Continuity {
			constraints = p.Constraints
		}
		said := map[string]bool{}
		for _, c := range constraints {
			for _, r := range Inexpressible(c, o) {
				if key := r.ID + "\x00" + r.Field + "\x00" + r.Text; !said[key] {
					said[key] = true
					r.Policy = p.Name
					out = append(out, r)
				}
			}
		}
	}
	return out
}
