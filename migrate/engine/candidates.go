package engine

import (
	"cmp"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// candidate is a policy of the Plan that can admit a pod.
type candidate struct {
	number int
	policy *pspparse.Policy
	// all that the policy demands and writes, in the order of its fields.
	all []mapping.Constraint
	// impossible are the levels whose checks no pod for Linux meets that the policy admits.
	impossible map[api.Level]bool
	// accounts is how many service accounts may use it, as far as the Plan shows.
	accounts int
	// leaves has what each level leaves to check.
	leaves map[api.LevelVersion][]mapping.Constraint
}

// chooseCandidates sets the policies that can be alternatives, by name, and says of the others why not. It reports whether there
// are any.
func (b *builder) chooseCandidates() bool {
	for i := range b.plan.Policies {
		po := &b.plan.Policies[i]
		if po.AdmitsNothing {
			for _, why := range po.AdmitsNothingWhy {
				b.table.LeftOut = append(b.table.LeftOut, Remark{Message: message.New("engine-policy-admits-nothing", "why", why.Text), Policy: po.Name})
			}
			continue
		}
		p := policyOfPlan(po)
		c := &candidate{
			number: len(b.candidates), policy: p, all: mapping.Constraints(p), leaves: map[api.LevelVersion][]mapping.Constraint{}, impossible: map[api.Level]bool{},
		}
		b.candidates = append(b.candidates, c)
		// What is not kept, and what the policy only writes, makes nothing impossible.
		passed := map[string]bool{"defaultAddCapabilities": true, pspparse.SeccompAllowedAnnotation: slices.ContainsFunc(c.all, isUnlistedSeccomp)}
		for _, check := range po.Checks {
			if check.Status == mapping.StatusImpossible && !slices.ContainsFunc(check.Fields, func(field string) bool { return passed[field] }) {
				c.impossible[check.Level] = true
			}
		}
	}
	switch names := namesOf(b.namespaces); {
	case len(b.plan.Policies) == 0:
		b.nothing(message.New("engine-no-policies"), names)
	case len(b.candidates) == 0:
		b.nothing(message.New("engine-no-usable-policies"), names)
	}
	return len(b.candidates) > 0
}

// left returns what a level of the standards at a version leaves open of what the policy forbids, in the order in which to ask.
func (c *candidate) left(lv api.LevelVersion) []mapping.Constraint {
	out, known := c.leaves[lv]
	if !known {
		out = inOrderOfAsking(remaining(c.policy, c.all, lv))
		c.leaves[lv] = out
	}
	return out
}

// admitsBeside reports whether a level accepts any of the pods for Linux that the policy admits.
func (c *candidate) admitsBeside(level api.Level) bool {
	return !slices.ContainsFunc(levels.WithChecks(), func(l api.Level) bool { return c.impossible[l] && !levels.Looser(level, l) && level != "" })
}

// sortByAccounts returns the policies with those first that most service accounts may use.
func sortByAccounts(all []*candidate) []*candidate {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(x, y *candidate) int {
		return cmp.Or(cmp.Compare(y.accounts, x.accounts), cmp.Compare(x.policy.Name, y.policy.Name))
	})
	return out
}
