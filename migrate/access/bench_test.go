package access_test

import (
	"fmt"
	"runtime"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// large is a cluster of 10,000 namespaces and 100,000 bindings, one in twenty of them for the whole cluster: policies
// granted to accounts and groups of each namespace, editors, operators that create pods, administrators.
func large() *inventory.Inventory {
	inv := &inventory.Inventory{}
	for i := range 20 {
		name := fmt.Sprintf("policy-%d", i)
		inv.Policies = append(inv.Policies, &pspparse.Policy{Name: name})
		inv.Roles = append(inv.Roles, inventory.Role{Name: "psp:" + name, Rules: []rbacv1.PolicyRule{use(name)}})
	}
	bind := func(namespace, role string, subjects ...rbacv1.Subject) {
		inv.Bindings = append(inv.Bindings, inventory.Binding{
			Namespace: namespace, Name: fmt.Sprintf("b%d", len(inv.Bindings)), RoleKind: "ClusterRole", RoleName: role, Subjects: subjects,
		})
	}
	psp := func(i int) string { return fmt.Sprintf("psp:policy-%d", i%20) }
	for i := range 10_000 {
		ns := fmt.Sprintf("team-%d", i)
		for j := range 3 {
			inv.Workloads = append(inv.Workloads, inventory.Workload{Namespace: ns, Kind: genKinds[(i+j)%len(genKinds)], Name: fmt.Sprint(j), ServiceAccount: fmt.Sprintf("app-%d", j)})
			bind(ns, psp(i+j), account("", fmt.Sprintf("app-%d", j)))
		}
		bind(ns, psp(i+5), group("system:serviceaccounts:"+ns))
		bind(ns, psp(i+6), group("system:authenticated"))
		bind(ns, "edit", group("team-"+ns), account("ci", fmt.Sprintf("runner-%d", i%50)))
		bind(ns, "admin", group("leads-"+ns))
		bind(ns, "view", group("auditors"))
		bind(ns, "unrelated", account("", "app-0"))
	}
	for i := range 4_950 {
		bind("", psp(i), account(fmt.Sprintf("team-%d", i), "agent"))
	}
	for i := range 50 {
		bind("", psp(i), account("ci", fmt.Sprintf("runner-%d", i)))
		bind("", "cluster-admin", group(fmt.Sprintf("admins-%d", i)))
	}
	bind("", psp(0), group("system:authenticated"))
	bind("", psp(1), group("system:serviceaccounts:kube-system"))
	for i := 0; len(inv.Bindings) < 100_000; i++ {
		bind(fmt.Sprintf("team-%d", i%10_000), psp(i), user(fmt.Sprintf("user-%d", i)))
	}
	return inv
}

func BenchmarkResolve(b *testing.B) {
	inv := large()
	b.ReportAllocs()
	b.ResetTimer()
	var g *access.Grants
	for b.Loop() {
		g = access.Resolve(inv)
	}
	b.StopTimer()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := len(g.All)
	g = nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(before.HeapAlloc-after.HeapAlloc)/(1<<20), "MiB-kept")
	b.ReportMetric(float64(n), "grants")
	runtime.KeepAlive(inv)
}

// BenchmarkNamespaces asks all that a plan asks of every one of the 10,000 namespaces and 30,000 workloads.
func BenchmarkNamespaces(b *testing.B) {
	inv := large()
	g := access.Resolve(inv)
	b.Run("Namespace", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range 10_000 {
				g.Namespace(inv.Workloads[3*i].Namespace, inv.Workloads[3*i:3*i+3])
			}
		}
	})
	b.Run("UsableByWorkload", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range inv.Workloads {
				g.UsableByWorkload(&inv.Workloads[i])
			}
		}
	})
	b.Run("PodCreators", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range 10_000 {
				ns := inv.Workloads[3*i].Namespace
				for _, p := range g.PodCreators(ns) {
					g.UsableBy(ns, p)
				}
			}
		}
	})
}
