package migrate

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// policies gives every policy with its assessment and its users, by name.
func (b *builder) policies() []Policy {
	out := make([]Policy, 0, len(b.inv.Policies))
	for _, p := range b.inv.Policies {
		out = append(out, b.policy(p))
	}
	b.simplify(out)
	return out
}

func (b *builder) policy(p *pspparse.Policy) Policy {
	a := b.assessed[p.Name]
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
		Unused:           slices.Contains(b.grants.Unused, p.Name),
		Problems:         p.Problems,
		Position:         p.Position,
	}
	for _, g := range b.grants.Policy(p.Name) {
		out.UsedBy = append(out.UsedBy, planUse(g))
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
