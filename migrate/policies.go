package migrate

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// buildPolicies returns the policies of the Plan by name, each with its assessment and its users.
func (b *planBuilder) buildPolicies() []Policy {
	out := make([]Policy, 0, len(b.inv.Policies))
	for _, p := range b.inv.Policies {
		out = append(out, b.buildPolicy(p))
	}
	b.addSimplifiedPolicies(out)
	return out
}

// buildPolicy returns the entry of one PodSecurityPolicy in the Plan, from its assessment.
func (b *planBuilder) buildPolicy(p *pspparse.Policy) Policy {
	a := b.assessments[p.Name]
	rest := a
	rest.Checks, rest.Fields, rest.RequiredTemplateValues = nil, nil, nil
	b.assessments[p.Name] = rest
	out := Policy{
		Name:                  p.Name,
		ClosestLevel:          a.Closest,
		CompliesAsWritten:     a.CompliesAsWritten,
		CompliesAfterMutation: a.CompliesAfterMutation,
		NoLooserThan:          a.NoLooserThan,
		AdmitsNothing:         len(a.AdmitsNothing) > 0,
		AdmitsNothingWhy:      a.AdmitsNothing,
		MutatingFields:        emptyIfNil(a.Mutating),
		ProviderDefault:       p.Provider() != "",
		NearestMiss:           a.NearestMiss,
		Checks:                make([]PolicyCheck, 0, len(a.Checks)),
		Lost:                  []LostConstraint{},
		Conditions:            []string{},
		Unused:                b.isUnusedPolicy(p.Name),
		Problems:              p.Problems,
		Position:              p.Position,
		APIVersion:            p.APIVersion,
		Annotations:           p.Annotations,
		Spec:                  p.Spec,
	}
	if p.Position != (pspparse.Position{}) {
		out.Lines = p.Lines // of a policy from a cluster they are all 0
	}
	for _, c := range a.Conditions(a.Closest) {
		out.Conditions = append(out.Conditions, c.ID)
	}
	for _, c := range a.Checks {
		out.Checks = append(out.Checks, PolicyCheck{Check: c.ID, Level: c.Level, Status: c.Status, Fields: c.Fields, Values: c.Values, Note: c.Note})
	}
	for _, l := range a.LostConstraints {
		out.Lost = append(out.Lost, planLostConstraint(l))
	}
	for _, w := range a.RequiredTemplateValues {
		out.RequiredTemplateValues = append(out.RequiredTemplateValues, RequiredTemplateValue(w))
	}
	for _, f := range a.Fields {
		out.Fields = append(out.Fields, PolicyField{Name: f.Name, Value: f.Value, Line: f.Line, Meaning: f.Meaning, Mutating: f.Mutating})
	}
	return out
}

// isUnusedPolicy reports whether nobody but cluster administrators may use a policy of the Plan.
func (b *planBuilder) isUnusedPolicy(policy string) bool {
	_, found := slices.BinarySearch(b.grants.UnusedPolicies, policy)
	return found
}

// abbreviateEveryPolicy returns a list of policy names as the Plan has it: EveryPolicy in place of all of more than
// ten.
func (b *planBuilder) abbreviateEveryPolicy(names []string) []string {
	if all := len(b.policiesByName); all > maxPoliciesListed && len(names) == all {
		return []string{EveryPolicy}
	}
	return names
}

// maxPoliciesListed are always listed by name.
const maxPoliciesListed = 10

// planLostConstraint converts a lost constraint of package mapping to the form of the Plan.
func planLostConstraint(l mapping.LostConstraint) LostConstraint {
	return LostConstraint{Field: l.Field, Value: l.Value, Class: l.Class, NewlyAdmits: l.NewlyAdmits, Note: l.Note}
}

// standardsDrift returns the differences that come only from the age of a standard, each once for the Plan, with its
// policies.
func (b *planBuilder) standardsDrift() []LostConstraint {
	var all []*policyLoss
	for _, p := range b.inv.Policies {
		for _, l := range b.assessments[p.Name].LostConstraints {
			if l.Class == mapping.DriftLoss {
				all = append(all, newPolicyLoss(l, p.Name))
			}
		}
	}
	return mergePolicyLosses(all)
}

// policyLoss is a constraint that some policies of a Plan have and a level has not.
type policyLoss struct {
	LostConstraint
	// text is the whole value: two policies with different ranges lose different things.
	text string
}

// newPolicyLoss returns what one policy of a Plan has and a level has not.
func newPolicyLoss(l mapping.LostConstraint, policy string) *policyLoss {
	p := &policyLoss{planLostConstraint(l), l.Text(l.Field, 0)}
	p.Policies = []string{policy}
	return p
}

// comparePolicyLosses is the order of a Plan's lost constraints; 0 is the same constraint, of whichever policies.
func comparePolicyLosses(x, y *policyLoss) int {
	return cmp.Or(cmp.Compare(x.Class, y.Class), cmp.Compare(x.Field, y.Field), cmp.Compare(x.text, y.text), message.Compare(x.Note, y.Note),
		slices.Compare(x.NewlyAdmits, y.NewlyAdmits))
}

// mergePolicyLosses sorts losses of a Plan's policies, and returns each constraint once, with all the policies that
// have it.
func mergePolicyLosses(all []*policyLoss) []LostConstraint {
	slices.SortStableFunc(all, comparePolicyLosses)
	var out []LostConstraint
	for len(all) > 0 {
		same := 1
		for same < len(all) && comparePolicyLosses(all[0], all[same]) == 0 {
			same++
		}
		merged := all[0].LostConstraint
		merged.Policies = make([]string, 0, same)
		for _, l := range all[:same] {
			merged.Policies = append(merged.Policies, l.Policies...)
		}
		slices.Sort(merged.Policies)
		merged.Policies = slices.Compact(merged.Policies)
		out, all = append(out, merged), all[same:]
	}
	return out
}

// emptyIfNil returns an empty list for nil, so that the JSON of a Plan has no null where scripts iterate.
func emptyIfNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
