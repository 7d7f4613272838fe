package access_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// refNamespace judges one grant at a time by the words of Grants.Namespace, and returns what the policy then is there.
func refNamespace(inv *inventory.Inventory, grants []access.Grant, namespace, policy string) (counted, everybody, administrators, apart bool) {
	workloads := workloadsOf(inv, namespace)
	for _, g := range grants {
		if g.Policy != policy || g.Namespace != "" && g.Namespace != namespace {
			continue
		}
		user, group := g.Subject.Name, ""
		switch g.Subject.Kind {
		case access.Group:
			user, group = "", g.Subject.Name
		case access.ServiceAccount:
			user = "system:serviceaccount:" + g.Subject.Namespace + ":" + g.Subject.Name
		}
		home, name := "", ""
		if rest, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
			home, name, _ = strings.Cut(rest, ":")
		} else if rest, ok := strings.CutPrefix(group, "system:serviceaccounts:"); ok {
			home = rest
		}
		everyone := user == "system:anonymous" || slices.Contains([]string{"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}, group)
		everywhere := g.Namespace == ""
		switch {
		case home == namespace:
			counted = true
		case group == "system:masters", everywhere && g.AllPolicies && !everyone:
			administrators = true
		case everywhere && everyone:
			everybody = true
		case group == "system:nodes" || strings.HasPrefix(user, "system:node:"):
			if refMirror(workloads) || !everywhere && len(workloads) == 0 {
				counted = true
			} else if !everywhere {
				apart = true
			}
		case user == "system:kube-controller-manager":
			if len(refMakers(workloads)) > 0 {
				counted = true
			} else if !everywhere {
				apart = true
			}
		case home == "" || refForeign(inv, namespace, home, name, refMakers(workloads)):
			counted = true
		case !everywhere:
			apart = true
		}
	}
	return counted, everybody, administrators, apart && !counted && !everybody && !administrators
}

func refMirror(workloads []inventory.Workload) bool {
	return slices.ContainsFunc(workloads, func(w inventory.Workload) bool {
		return slices.ContainsFunc(w.Pods, func(p inventory.PodGroup) bool { return p.Mirror })
	})
}

var controllerNames = []string{"replicaset-controller", "daemon-set-controller", "statefulset-controller", "job-controller", "replication-controller"}

func refMakers(workloads []inventory.Workload) []string {
	if len(workloads) == 0 {
		return controllerNames
	}
	var out []string
	for _, w := range workloads {
		p, ok := access.ControllerPrincipal(w.Kind)
		onlyMirror := len(w.Pods) > 0 && !slices.ContainsFunc(w.Pods, func(p inventory.PodGroup) bool { return !p.Mirror })
		if ok && !onlyMirror {
			out = append(out, p.What)
		}
	}
	return out
}

// refForeign: an account of another namespace, or with name "" any of them, that makes pods here.
func refForeign(inv *inventory.Inventory, namespace, home, name string, makers []string) bool {
	candidates := []string{name}
	if name == "" {
		candidates = append(slices.Clone(genAccounts), controllerNames...)
	}
	return slices.ContainsFunc(candidates, func(name string) bool {
		if home == "kube-system" && slices.Contains(controllerNames, name) {
			return slices.Contains(makers, name)
		}
		return refCreatePods(inv, namespace, access.ServiceAccountRequester(home, name))
	})
}

func TestNamespaceReference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 4))}
		inv := g.inventory()
		grants := access.Resolve(inv)
		for _, namespace := range append([]string{"elsewhere"}, genNamespaces...) {
			got := grants.Namespace(namespace, workloadsOf(inv, namespace))
			for _, policy := range genPolicies {
				var want []bool
				counted, everybody, administrators, apart := refNamespace(inv, grants.All, namespace, policy)
				if counted || everybody || administrators || apart {
					want = []bool{counted, everybody, administrators}
				}
				if diff := cmp.Diff(want, flags(t, got, policy)); diff != "" {
					t.Fatalf("seed %d: namespace %q, policy %q: counted, everybody, administrators (-want +got):\n%s\n%+v", seed, namespace, policy, diff, got)
				}
			}
		}
	}
}

// flags of one policy; nil if it is absent. An answer must carry evidence, and a reason just where it does not count.
func flags(t *testing.T, in access.NamespaceAccess, policy string) []bool {
	t.Helper()
	for _, p := range in {
		if p.Policy != policy {
			continue
		}
		if len(p.Via) == 0 || !slices.IsSortedFunc(p.Via, func(a, b access.Grant) int { return strings.Compare(a.Namespace, b.Namespace) }) {
			t.Errorf("evidence of %q missing or not sorted: %+v", policy, p.Via)
		}
		if p.Counted != (p.Why == "") {
			t.Errorf("%q: counted is %t, and why is %q", policy, p.Counted, p.Why)
		}
		return []bool{p.Counted, p.Everybody, p.Administrators}
	}
	return nil
}
