package cel

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// candidate is a policy that may admit pods of a set, and the expressions about it.
type candidate struct {
	policy *engine.Policy
	// constraints that a pod has to meet, in the order in which they are asked.
	constraints []mapping.Constraint
	// accepts is true for a pod that meets them, "" where every pod does. mayUse is true where the account of the pod or the sender
	// of the request may use the policy. writes is true where the policy would change the pod, "" where it never does.
	accepts, mayUse, writes string
	// patches are the JSON patches that write what the policy writes, "" for none.
	patches string
	// checks is how many questions to the authorizer mayUse takes at most.
	checks int
}

// candidates adds the variables about the policies of a set, and returns the policies in the order of its alternatives.
func candidates(v *variables, t *engine.Table, s *engine.Set, f form) ([]*candidate, error) {
	byName := map[string]*engine.Policy{}
	for i := range t.Policies {
		byName[t.Policies[i].Name] = &t.Policies[i]
	}
	ids := identifiers{}
	out := make([]*candidate, len(s.Alternatives))
	for i := range s.Alternatives {
		a := &s.Alternatives[i]
		p := byName[a.Policy]
		if p == nil {
			return nil, fmt.Errorf("set %q: the table has no policy %q", s.Name, a.Policy)
		}
		c := &candidate{policy: p, constraints: refusing(a.Constraints), checks: grantChecks(t.Grants, p)}
		id := ids.of(p.Name)
		if expression := acceptsAll(c.constraints, f); expression != "" {
			c.accepts = v.add("accepts", id, expression)
		}
		c.mayUse = mayUse(v, t.Grants, p, a, id)
		out[i] = c
	}
	return out, nil
}

// addWrites adds the variables that say whether the policies of candidates would change the pod, and gives candidates their patches.
func addWrites(v *variables, all []*candidate, o Options) {
	ids := identifiers{}
	for _, c := range all {
		var parts []string
		for _, constraint := range c.policy.Constraints {
			if w := wouldWrite(constraint); w != "" {
				parts = append(parts, w)
			}
		}
		id := ids.of(c.policy.Name)
		if len(parts) > 0 {
			c.writes = v.add("writes", id, one(parts))
		}
		c.patches = strings.Join(patches(c.policy.Constraints, o.Minor), " +\n")
	}
}

// refusing returns those of constraints by which a policy refuses pods.
func refusing(constraints []mapping.Constraint) []mapping.Constraint {
	var out []mapping.Constraint
	for _, c := range constraints {
		if c.Refuses() {
			out = append(out, c)
		}
	}
	return out
}

// acceptsAll returns the expression that is true for a pod that meets the constraints, "" where every pod does.
func acceptsAll(constraints []mapping.Constraint, f form) string {
	var parts []string
	for _, c := range constraints {
		if a := accepts(c, f); a != "true" {
			parts = append(parts, a)
		}
	}
	return all(parts)
}

// admits returns the expression that is true where the policy of a candidate accepts the pod, meets more conditions, and may be
// used. Whether it may be used is asked last: that costs most.
func (c *candidate) admits(conditions ...string) string {
	out := ""
	for _, part := range append([]string{c.accepts}, append(conditions, c.mayUse)...) {
		if part == "" {
			continue
		}
		if out != "" {
			out += " && "
		}
		out += part
	}
	return out
}

// affordable returns how many of the candidates, from the first one on, one request or one mutation can ask the grants of. Where
// grants are static, that is all of them: what their constraints cost is up to the pod, and no reason not to ask.
func affordable(all []*candidate) int {
	sum := 0
	for i, c := range all {
		if c.checks == 0 {
			continue
		}
		if sum += askingCost(c.checks); sum > requestBudget {
			return i
		}
	}
	return len(all)
}
