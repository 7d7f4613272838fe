package migrate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// A plan of more than ten policies names them all once, and tells the same of each as access does.
func TestEveryPolicyStandsOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{maxPoliciesListed, maxPoliciesListed + 1} {
		objects := []object{namespace("a"), deployment("a/web", hostNetworked()), grant("", "", account("ops/root")), grant("", "a", everyAccountOf("a"))}
		var names []string
		for i := range n {
			name := fmt.Sprintf("p%02d", i)
			names = append(names, name)
			objects = append(objects, policy(t, name, restrictedLike))
			for j := range 11 {
				if i%2 == 0 { // to each of these policies by the same roles
					objects = append(objects, grant(name, "", account(fmt.Sprintf("b/x%02d", j))))
				}
			}
		}
		b := inventory.NewBuilder()
		for _, add := range objects {
			add(b)
		}
		inv := b.Build(cluster("v1.24.1"))
		p, err := Build(inv, Options{})
		if err != nil {
			t.Fatal(err)
		}
		grants := access.Resolve(inv)
		for i := range p.Policies {
			po := &p.Policies[i]
			var want []PolicyGrant
			for _, g := range grants.PolicyGrants(po.Name) {
				want = append(want, PolicyGrant{Namespace: g.Namespace, Subject: planSubject(g.Subject), Binding: g.Binding, Role: g.Role})
			}
			if diff := cmp.Diff(want, p.GrantsOf(po), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%d policies: uses of %s (-want +got):\n%s", n, po.Name, diff)
			}
		}
		want := strings.Join(names, ",")
		if n > maxPoliciesListed {
			want = EveryPolicy
		}
		ns := only(t, p, "a")
		got := []string{strings.Join(ns.PermittedBy, ","), strings.Join(ns.Workloads[0].UsablePolicies, ","), strings.Join(ns.Lost[0].Policies, ",")}
		if diff := cmp.Diff([]string{want, want, want}, got); diff != "" {
			t.Errorf("%d policies: permitted by, usable, lost (-want +got):\n%s", n, diff)
		}
		every := 0
		for _, r := range p.Roles {
			if slices.Equal(r.Policies, []string{EveryPolicy}) {
				every++
			}
		}
		if every != 2 {
			t.Errorf("%d policies: %d roles let use every policy, want 2", n, every)
		}
	}
}

// Of what refuses a pod three refusals of each policy are told, and so many policies.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	objects := []object{namespace("a"), deployment("a/web", hostNetworked()), grant("", "a", everyAccountOf("a"))}
	for i := range maxRefusingPolicies + 2 {
		objects = append(objects, policy(t, fmt.Sprintf("p%02d", i), restrictedLike))
	}
	refused := only(t, build(t, cluster("v1.24.1"), Options{}, objects...), "a").Workloads[0].Refused
	if len(refused) != maxRefusingPolicies+1 || refused[maxRefusingPolicies].Text != "2 more policies refuse it, too" {
		t.Errorf("%d sentences, the last %q", len(refused), refused[len(refused)-1])
	}
}
