package engine

import (
	"fmt"
	"testing"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// crowd is a plan of many policies and namespaces. Each policy has some fields of its own; in each namespace some of them are granted
// to all of its accounts, in so many ways; one policy is granted everywhere.
func crowd(policies, namespaces, ways int) *migrate.Plan {
	p := &migrate.Plan{TargetVersion: "v1.25"}
	for i := range policies {
		made := policyOf([]mapping.Constraint{
			mapping.ReadOnlyRootFilesystem{},
			mapping.NonRootUser{},
			mapping.PrivilegedContainers{},
			mapping.HostPorts{Ranges: []pspparse.HostPortRange{{Min: int32(i), Max: int32(i + 10)}}},
		})
		p.Policies = append(p.Policies, migrate.Policy{Name: fmt.Sprintf("p%03d", i), Annotations: made.Annotations, Spec: made.Spec})
	}
	bind := func(namespace string, role int, s migrate.Subject) {
		r := p.Roles[role].Reference()
		p.Bindings = append(p.Bindings, migrate.Binding{Namespace: namespace, Name: fmt.Sprint("b", role), Role: r, Subjects: []migrate.Subject{s}})
	}
	for i := range policies {
		p.Roles = append(p.Roles, migrate.Role{Name: fmt.Sprint("r", i), Policies: []string{p.Policies[i].Name}})
	}
	bind("", 0, migrate.Subject{Group: authenticatedGroup})
	for i := range namespaces {
		n := migrate.Namespace{Name: fmt.Sprint("n", i), Complete: true}
		n.RecommendedLabels = migrate.PodSecurityLabels{Enforce: []string{"privileged", "baseline", "restricted"}[i%3], EnforceVersion: "v1.25"}
		p.Namespaces = append(p.Namespaces, n)
		for k := range 3 {
			bind(n.Name, 1+(i%ways+k)%(policies-1), migrate.Subject{Group: accountsGroup + ":" + n.Name})
		}
	}
	return p
}

// workFor is how many steps a table takes.
func workFor(t testing.TB, p *migrate.Plan, o Options) (steps, sets int) {
	t.Helper()
	b := &builder{plan: p, opts: o, table: &Table{Mode: o.Mode}}
	b.opts.Version = p.TargetVersion
	b.chooseNamespaces()
	switch o.Mode {
	case Delta:
		b.buildDelta()
	case Continuity:
		b.buildContinuity()
	default:
		t.Fatalf("no work is counted for %s", o.Mode)
	}
	b.finish()
	return b.work, len(b.table.Sets)
}

// TestWorkFollowsDistinctGrants: namespaces whose grants are alike cost no more steps than one, and policies that nobody may use in a
// namespace none.
func TestWorkFollowsDistinctGrants(t *testing.T) {
	t.Parallel()
	const ways = 12
	for _, o := range []Options{
		{Mode: Delta}, {Mode: Delta, MaxAsked: 14}, {Mode: Delta, Grants: StaticGrants}, {Mode: Continuity}, {Mode: Continuity, Grants: StaticGrants},
	} {
		few, setsOfFew := workFor(t, crowd(400, ways*3, ways), o)
		many, setsOfMany := workFor(t, crowd(400, 2004, ways), o)
		if few == 0 || many != few || setsOfFew != setsOfMany {
			t.Errorf("%+v: %d steps and %d sets for %d namespaces, %d and %d for 2004 with the same grants", o, few, setsOfFew, ways*3, many, setsOfMany)
		}
		// Each way joins a few policies with the one that is granted everywhere, and openly each label has all policies.
		if most := 3*400 + ways*3*20; few > most {
			t.Errorf("%+v: %d steps, at most %d are expected", o, few, most)
		}
	}
}

// BenchmarkBuild makes the table of 400 policies and 2,000 namespaces with 400 ways of grants.
func BenchmarkBuild(b *testing.B) {
	p := crowd(400, 2000, 399)
	for _, o := range []Options{{Mode: Delta}, {Mode: Delta, Grants: StaticGrants}, {Mode: Continuity}, {Mode: RestrictedButFor}} {
		b.Run(fmt.Sprint(o.Mode, o.Grants), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Build(p, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
