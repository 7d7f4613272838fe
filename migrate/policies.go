package migrate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// policies gives every policy with its assessment and its users, by name.
func (b *builder) policies() []Policy {
	out := make([]Policy, 0, len(b.inv.Policies))
	namedBy := map[string]string{} // the first policy by the roles that name it
	for _, p := range b.inv.Policies {
		po := b.policy(p)
		b.usedBy(&po, namedBy)
		out = append(out, po)
	}
	b.simplify(out)
	return out
}

// policy takes what only the plan tells of a policy out of its assessment: there may be many policies.
func (b *builder) policy(p *pspparse.Policy) Policy {
	a := b.assessed[p.Name]
	rest := a
	rest.Checks, rest.Fields, rest.WriteDown, rest.Choices = nil, nil, nil, nil
	b.assessed[p.Name] = rest
	out := Policy{
		Name:             p.Name,
		Closest:          a.Closest,
		Safe:             a.Safe,
		Held:             a.Held,
		Cover:            a.Cover,
		AdmitsNothing:    a.AdmitsNothing != "",
		AdmitsNothingWhy: a.AdmitsNothing,
		Mutating:         orEmpty(a.Mutating),
		Provider:         p.Provider() != "",
		NearestMiss:      a.NearestMiss,
		Choices:          a.Choices,
		Checks:           make([]Check, 0, len(a.Checks)),
		Lost:             []Lost{},
		UsedBy:           []Use{},
		Unused:           b.unused(p.Name),
		Problems:         p.Problems,
		Position:         p.Position,
	}
	for _, c := range a.Checks {
		out.Checks = append(out.Checks, Check{Check: c.ID, Level: c.Level, Status: string(c.Status), Fields: c.Fields, Note: c.Note})
	}
	for _, l := range a.Lost {
		out.Lost = append(out.Lost, planLost(l))
	}
	for _, w := range a.WriteDown {
		out.WriteDown = append(out.WriteDown, WriteDown(w))
	}
	for _, f := range a.Fields {
		out.Fields = append(out.Fields, Field(f))
	}
	return out
}

func (b *builder) unused(policy string) bool {
	_, found := slices.BinarySearch(b.grants.Unused, policy)
	return found
}

// fewUses are told with each of several policies.
const fewUses = 10

// usedBy tells who may use a policy, unless a policy before it has told the same.
func (b *builder) usedBy(po *Policy, namedBy map[string]string) {
	by, told := b.grants.Naming(po.Name)
	if po.UsedByAs = namedBy[by]; po.UsedByAs != "" {
		return
	}
	for _, g := range told() {
		po.UsedBy = append(po.UsedBy, planUse(g))
	}
	if len(po.UsedBy) > fewUses {
		namedBy[by] = po.Name
	}
}

// usersOfEvery are those whose grants name no policy.
func (b *builder) usersOfEvery() []Use {
	var out []Use
	if len(b.inv.Policies) > 0 {
		for _, g := range b.grants.OfEvery() {
			out = append(out, planUse(g))
		}
	}
	return out
}

// Uses are all grants of a policy of the plan, in order: of a namespace, of a subject, by a binding.
func (p *Plan) Uses(po *Policy) []Use {
	named := po.UsedBy
	if po.UsedByAs != "" {
		at, found := slices.BinarySearchFunc(p.Policies, po.UsedByAs, func(x Policy, name string) int { return cmp.Compare(x.Name, name) })
		if found {
			named = p.Policies[at].UsedBy
		}
	}
	if len(p.UsersOfEveryPolicy) == 0 {
		return named
	}
	out := slices.Concat(named, p.UsersOfEveryPolicy)
	slices.SortStableFunc(out, compareUses)
	return out
}

// compareUses is the order of grants of package access.
func compareUses(x, y Use) int {
	kind := func(u Use) int { // Group, ServiceAccount, User
		switch {
		case u.Group != "":
			return 0
		case u.ServiceAccount != "":
			return 1
		}
		return 2
	}
	home := func(u Use) string { namespace, _, _ := strings.Cut(u.ServiceAccount, "/"); return namespace }
	return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(kind(x), kind(y)), cmp.Compare(home(x), home(y)),
		cmp.Compare(x.ServiceAccount, y.ServiceAccount), cmp.Compare(x.Group, y.Group), cmp.Compare(x.User, y.User), slices.Compare(x.Via, y.Via))
}

// starred is a list of policies as the plan tells it: see EveryPolicy.
func (b *builder) starred(names []string) []string {
	if all := len(b.byName); all > fewPolicies && len(names) == all {
		return []string{EveryPolicy}
	}
	return names
}

// fewPolicies are always told by their names.
const fewPolicies = 10

func planLost(l mapping.Lost) Lost {
	return Lost{Field: l.Field, Value: l.Value, Class: string(l.Class), Note: l.Note}
}

func planUse(g access.Grant) Use {
	u := Use{Namespace: g.Namespace, Via: []string{g.Binding, g.Role}}
	switch g.Subject.Kind {
	case access.ServiceAccount:
		u.ServiceAccount = g.Subject.Namespace + "/" + g.Subject.Name
	case access.User:
		u.User = g.Subject.Name
	case access.Group:
		u.Group = g.Subject.Name
	}
	return u
}

// administrators are the subjects of grants that name no policy and hold everywhere.
func (b *builder) administrators() []string {
	var out []string
	for _, g := range b.grants.Administrators {
		out = append(out, g.Subject.String()+" ("+g.Binding+")")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// drift tells the differences that come only from the age of a standard once, with the policies they are about.
func (b *builder) drift() []Lost {
	var all []Lost
	for _, p := range b.inv.Policies {
		for _, l := range b.assessed[p.Name].Lost {
			if l.Class == mapping.Drift {
				d := planLost(l)
				d.Policies = []string{p.Name}
				all = append(all, d)
			}
		}
	}
	return mergeLost(all)
}

// mergeLost tells equal constraints once, with all the policies that have them. The value is part of the constraint:
// two policies with different ranges lose different things.
func mergeLost(all []Lost) []Lost {
	same := func(x, y Lost) int {
		return cmp.Or(cmp.Compare(x.Class, y.Class), cmp.Compare(x.Field, y.Field), cmp.Compare(x.Value, y.Value), cmp.Compare(x.Note, y.Note))
	}
	slices.SortStableFunc(all, same)
	var out []Lost
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

// orEmpty keeps a list that scripts iterate over from being null in JSON.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
