package migrate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// buildPolicies gives every policy with its assessment and its users, by name.
func (b *planBuilder) buildPolicies() []Policy {
	out := make([]Policy, 0, len(b.inv.Policies))
	namedBy := map[string]string{} // the first policy by the roles that name it
	for _, p := range b.inv.Policies {
		po := b.buildPolicy(p)
		b.setPolicyGrants(&po, namedBy)
		out = append(out, po)
	}
	b.addSimplifiedPolicies(out)
	return out
}

// buildPolicy takes what only the plan tells of a policy out of its assessment: there may be many policies.
func (b *planBuilder) buildPolicy(p *pspparse.Policy) Policy {
	a := b.assessments[p.Name]
	rest := a
	rest.Checks, rest.Fields, rest.RequiredTemplateValues, rest.Choices = nil, nil, nil, nil
	b.assessments[p.Name] = rest
	out := Policy{
		Name:                  p.Name,
		ClosestLevel:          a.Closest,
		CompliesAsWritten:     a.CompliesAsWritten,
		CompliesAfterMutation: a.CompliesAfterMutation,
		NoLooserThan:          a.NoLooserThan,
		AdmitsNothing:         a.AdmitsNothing != "",
		AdmitsNothingWhy:      a.AdmitsNothing,
		MutatingFields:        emptyIfNil(a.Mutating),
		ProviderDefault:       p.Provider() != "",
		NearestMiss:           a.NearestMiss,
		LevelChoices:          a.Choices,
		Checks:                make([]PolicyCheck, 0, len(a.Checks)),
		Conditions:            []string{},
		Lost:                  []LostConstraint{},
		UsedBy:                []PolicyGrant{},
		Unused:                b.isUnusedPolicy(p.Name),
		Problems:              p.Problems,
		Position:              p.Position,
	}
	for _, c := range a.Checks {
		out.Checks = append(out.Checks, PolicyCheck{Check: c.ID, Level: c.Level, Status: c.Status, Fields: c.Fields, Values: c.Values, Note: c.Note})
	}
	for _, c := range a.Conditions(a.Closest) {
		out.Conditions = append(out.Conditions, c.ID)
	}
	for _, l := range a.LostConstraints {
		out.Lost = append(out.Lost, planLostConstraint(l))
	}
	for _, w := range a.RequiredTemplateValues {
		out.RequiredTemplateValues = append(out.RequiredTemplateValues, RequiredTemplateValue(w))
	}
	for _, f := range a.Fields {
		out.Fields = append(out.Fields, PolicyField(f))
	}
	return out
}

func (b *planBuilder) isUnusedPolicy(policy string) bool {
	_, found := slices.BinarySearch(b.grants.UnusedPolicies, policy)
	return found
}

// maxRepeatedGrants are told with each of several policies.
const maxRepeatedGrants = 10

// setPolicyGrants tells who may use a policy, unless a policy before it has told the same.
func (b *planBuilder) setPolicyGrants(po *Policy, namedBy map[string]string) {
	by, told := b.grants.GrantsNaming(po.Name)
	if po.SameUsersAs = namedBy[by]; po.SameUsersAs != "" {
		return
	}
	for _, g := range told() {
		po.UsedBy = append(po.UsedBy, planGrant(g))
	}
	if len(po.UsedBy) > maxRepeatedGrants {
		namedBy[by] = po.Name
	}
}

// grantsOfEveryPolicy are those whose grants name no policy.
func (b *planBuilder) grantsOfEveryPolicy() []PolicyGrant {
	var out []PolicyGrant
	if len(b.inv.Policies) > 0 {
		for _, g := range b.grants.GrantsOfEveryPolicy() {
			out = append(out, planGrant(g))
		}
	}
	return out
}

// GrantsOf are all grants of a policy of the plan, in order: of a namespace, of a subject, by a binding.
func (p *Plan) GrantsOf(po *Policy) []PolicyGrant {
	named := po.UsedBy
	if po.SameUsersAs != "" {
		at, found := slices.BinarySearchFunc(p.Policies, po.SameUsersAs, func(x Policy, name string) int { return cmp.Compare(x.Name, name) })
		if found {
			named = p.Policies[at].UsedBy
		}
	}
	if len(p.GrantsOfEveryPolicy) == 0 {
		return named
	}
	out := slices.Concat(named, p.GrantsOfEveryPolicy)
	slices.SortStableFunc(out, compareGrants)
	return out
}

// compareGrants is the order of grants of package access.
func compareGrants(x, y PolicyGrant) int {
	kind := func(u PolicyGrant) int { // Group, ServiceAccount, User
		switch {
		case u.Group != "":
			return 0
		case u.ServiceAccount != "":
			return 1
		}
		return 2
	}
	home := func(u PolicyGrant) string { namespace, _, _ := strings.Cut(u.ServiceAccount, "/"); return namespace }
	return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(kind(x), kind(y)), cmp.Compare(home(x), home(y)),
		cmp.Compare(x.ServiceAccount, y.ServiceAccount), cmp.Compare(x.Group, y.Group), cmp.Compare(x.User, y.User), slices.Compare(x.Via, y.Via))
}

// abbreviateEveryPolicy is a list of policies as the plan tells it: see EveryPolicy.
func (b *planBuilder) abbreviateEveryPolicy(names []string) []string {
	if all := len(b.policiesByName); all > maxPoliciesListed && len(names) == all {
		return []string{EveryPolicy}
	}
	return names
}

// maxPoliciesListed are always told by their names.
const maxPoliciesListed = 10

func planLostConstraint(l mapping.LostConstraint) LostConstraint {
	return LostConstraint{Field: l.Field, Value: l.Value, Class: l.Class, NewlyAdmits: l.NewlyAdmits, Note: l.Note}
}

func planGrant(g access.Grant) PolicyGrant {
	u := PolicyGrant{Namespace: g.Namespace, Via: []string{g.Binding, g.Role}}
	switch g.Subject.Kind {
	case access.ServiceAccountKind:
		u.ServiceAccount = g.Subject.Namespace + "/" + g.Subject.Name
	case access.UserKind:
		u.User = g.Subject.Name
	case access.GroupKind:
		u.Group = g.Subject.Name
	}
	return u
}

// clusterAdministrators are the subjects of grants that name no policy and hold everywhere.
func (b *planBuilder) clusterAdministrators() []string {
	var out []string
	for _, g := range b.grants.Administrators {
		out = append(out, g.Subject.String()+" ("+g.Binding+")")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// standardsDrift tells the differences that come only from the age of a standard once, with the policies they are about.
func (b *planBuilder) standardsDrift() []LostConstraint {
	var all []LostConstraint
	for _, p := range b.inv.Policies {
		for _, l := range b.assessments[p.Name].LostConstraints {
			if l.Class == mapping.DriftLoss {
				d := planLostConstraint(l)
				d.Policies = []string{p.Name}
				all = append(all, d)
			}
		}
	}
	return mergeLostConstraints(all)
}

// mergeLostConstraints tells equal constraints once, with all the policies that have them. The value is part of the constraint:
// two policies with different ranges lose different things.
func mergeLostConstraints(all []LostConstraint) []LostConstraint {
	same := func(x, y LostConstraint) int {
		return cmp.Or(cmp.Compare(x.Class, y.Class), cmp.Compare(x.Field, y.Field), cmp.Compare(x.Text(x.Field, 0), y.Text(y.Field, 0)), cmp.Compare(x.Note, y.Note))
	}
	slices.SortStableFunc(all, same)
	var out []LostConstraint
	for _, l := range all {
		if n := len(out); n > 0 && same(out[n-1], l) == 0 {
			out[n-1].Policies = append(out[n-1].Policies, l.Policies...)
			continue
		}
		l.Policies = slices.Clone(l.Policies)
		out = append(out, l)
	}
	for i := range out {
		slices.Sort(out[i].Policies)
		out[i].Policies = slices.Compact(out[i].Policies)
	}
	return out
}

// emptyIfNil keeps a list that scripts iterate over from being null in JSON.
func emptyIfNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
