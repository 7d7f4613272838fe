package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
)

// sender of a request, as RBAC sees it.
type sender struct {
	name   string
	groups []string
}

// accountOf is the service account of a pod as PSP admission asks for it; with authenticated, as one that sends a request.
func accountOf(namespace, name string, authenticated bool) sender {
	s := sender{"system:serviceaccount:" + namespace + ":" + name, []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace}}
	if authenticated {
		s.groups = append(s.groups, "system:authenticated")
	}
	return s
}

// has reports whether RBAC counts a grant to a subject as one to the sender.
func (s sender) has(to migrate.Subject) bool {
	name := strings.Replace("system:serviceaccount:"+to.ServiceAccount, "/", ":", 1)
	return to.User != "" && to.User == s.name || to.ServiceAccount != "" && name == s.name || to.Group != "" && slices.Contains(s.groups, to.Group)
}

// TestStaticGrantsAreTheGrants: who may use an alternative by the lists of a table is who may use the policy by RBAC, of the account of a
// pod and the sender of its request. What a controller may use counts for all. A mirror pod has no account: its sender counts alone,
// and what a controller may use counts for the accounts of the namespace as senders.
func TestStaticGrantsAreTheGrants(t *testing.T) {
	t.Parallel()
	controller := accountOf("kube-system", "replicaset-controller", true)
	yes, no, mirrored := 0, 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		p := &migrate.Plan{TargetVersion: "v1.25", Namespaces: []migrate.Namespace{namespace("n0", "baseline"), namespace("n1", "baseline"), namespace("n2", "baseline")}}
		for i := range 3 {
			p.Policies = append(p.Policies, policy(fmt.Sprint("p", i), readOnly))
		}
		subjects := []migrate.Subject{
			account("n0/a"), account("n0/b"), account("n1/a"), account("kube-system/replicaset-controller"), user("system:serviceaccount:n1:b"), user("ann"),
			group("dev"), group("system:serviceaccounts:n1"), group("system:serviceaccounts:kube-system"), group("system:serviceaccounts"), group("system:authenticated"),
			user("system:kube-controller-manager"), group("system:masters"),
		}
		for range 1 + r.IntN(5) {
			grant(p, []string{"", "n0", "n1"}[r.IntN(3)], []string{p.Policies[r.IntN(3)].Name}, subjects[r.IntN(len(subjects))])
		}
		for _, set := range build(t, p, engine.Options{Mode: engine.Delta, Grants: engine.StaticGrants}).Sets {
			for _, ns := range set.Namespaces {
				for _, by := range []sender{
					accountOf("n0", "a", true), accountOf("n1", "a", true), accountOf("n1", "b", true), controller,
					{"ann", []string{"system:authenticated"}},
					{"bob", []string{"dev", "system:authenticated"}},
					{"eve", []string{"system:authenticated"}},
				} {
					for _, runsAs := range []string{"a", "b", "default", ""} {
						for i := range p.Policies {
							name := p.Policies[i].Name
							who := []sender{by}
							if runsAs != "" {
								who = append(who, accountOf(ns, runsAs, false))
							}
							if runsAs != "" || slices.Contains(by.groups, "system:serviceaccounts:"+ns) {
								who = append(who, controller, sender{"system:kube-controller-manager", nil})
							}
							want, got := mayUse(p, ns, name, who), listed(set, ns, name, runsAs, by)
							if got != want {
								t.Fatalf("seed %d: pod of %s/%s sent by %s, %s: RBAC says %t, the table %t\n%+v\n%+v", seed, ns, runsAs, by.name, name, want, got, p.Bindings, set)
							}
							if want {
								yes++
								if runsAs == "" {
									mirrored++
								}
							} else {
								no++
							}
						}
					}
				}
			}
		}
	}
	if yes < 1000 || no < 1000 || mirrored < 500 {
		t.Errorf("%d may, %d of them by the sender alone, %d may not", yes, mirrored, no)
	}
}

// mayUse reports whether RBAC lets one of some senders use a policy in a namespace.
func mayUse(p *migrate.Plan, namespace, policy string, who []sender) bool {
	for i := range p.Policies {
		for _, g := range p.GrantsOf(&p.Policies[i]) {
			here := g.Namespace == "" || g.Namespace == namespace
			if p.Policies[i].Name == policy && here && slices.ContainsFunc(who, func(s sender) bool { return s.has(g.Subject) }) {
				return true
			}
		}
	}
	return false
}

// listed reports whether a set has an alternative for a pod of an account, or for who sends it.
func listed(set engine.Set, namespace, policy, runsAs string, by sender) bool {
	for _, a := range set.Alternatives {
		if a.Policy != policy {
			continue
		}
		own, isOwn := strings.CutPrefix(by.name, "system:serviceaccount:"+namespace+":")
		return a.Everybody && (runsAs != "" || slices.Contains(by.groups, "system:serviceaccounts:"+namespace)) || slices.Contains(a.Accounts, runsAs) || isOwn && slices.Contains(a.Accounts, own) || slices.Contains(a.Users, by.name) ||
			slices.ContainsFunc(by.groups, func(g string) bool { return slices.Contains(a.Groups, g) })
	}
	return false
}

// TestEverybodySends: where all accounts of a namespace may use a policy, the table still says who may send pods that have no account.
func TestEverybodySends(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to            migrate.Subject
		users, groups []string
	}{
		"who is logged in":              {to: group("system:authenticated"), groups: []string{"system:authenticated", "system:masters"}},
		"service accounts":              {to: group("system:serviceaccounts"), groups: []string{"system:masters", "system:serviceaccounts"}},
		"those of the namespace itself": {to: group("system:serviceaccounts:n0"), groups: []string{"system:masters"}},
		"a controller": {
			to: account("kube-system/replicaset-controller"), groups: []string{"system:masters"},
			users: []string{"system:serviceaccount:kube-system:replicaset-controller"},
		},
		"all controllers": {to: group("system:serviceaccounts:kube-system"), groups: []string{"system:masters", "system:serviceaccounts:kube-system"}},
	} {
		p := &migrate.Plan{TargetVersion: "v1.25", Namespaces: []migrate.Namespace{namespace("n0", "baseline")}, Policies: []migrate.Policy{policy("a", readOnly)}}
		grant(p, "n0", []string{"a"}, c.to)
		sets := build(t, p, engine.Options{Mode: engine.Delta, Grants: engine.StaticGrants}).Sets
		if len(sets) != 1 || len(sets[0].Alternatives) != 1 {
			t.Fatalf("%s: %+v", name, sets)
		}
		a := sets[0].Alternatives[0]
		if !a.Everybody || len(a.Accounts) > 0 || !slices.Equal(a.Users, c.users) || !slices.Equal(a.Groups, c.groups) {
			t.Errorf("%s: everybody %t, accounts %q, users %q, groups %q", name, a.Everybody, a.Accounts, a.Users, a.Groups)
		}
	}
}
