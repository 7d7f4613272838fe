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
		inv.Roles = append(inv.Roles, inventory.Role{Name: "psp:" + name, Rules: []rbacv1.PolicyRule{useRule(name)}})
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
			bind(ns, psp(i+j), accountSubject("", fmt.Sprintf("app-%d", j)))
		}
		bind(ns, psp(i+5), groupSubject("system:serviceaccounts:"+ns))
		bind(ns, psp(i+6), groupSubject("system:authenticated"))
		bind(ns, "edit", groupSubject("team-"+ns), accountSubject("ci", fmt.Sprintf("runner-%d", i%50)))
		bind(ns, "admin", groupSubject("leads-"+ns))
		bind(ns, "view", groupSubject("auditors"))
		bind(ns, "unrelated", accountSubject("", "app-0"))
	}
	for i := range 4_950 {
		bind("", psp(i), accountSubject(fmt.Sprintf("team-%d", i), "agent"))
	}
	for i := range 50 {
		bind("", psp(i), accountSubject("ci", fmt.Sprintf("runner-%d", i)))
		bind("", "cluster-admin", groupSubject(fmt.Sprintf("admins-%d", i)))
	}
	bind("", psp(0), groupSubject("system:authenticated"))
	bind("", psp(1), groupSubject("system:serviceaccounts:kube-system"))
	for i := 0; len(inv.Bindings) < 100_000; i++ {
		bind(fmt.Sprintf("team-%d", i%10_000), psp(i), user(fmt.Sprintf("user-%d", i)))
	}
	return inv
}

func BenchmarkResolve(b *testing.B) {
	inv := large()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	var g *access.Grants
	for b.Loop() {
		g = access.Resolve(inv)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-kept")
	runtime.KeepAlive(g)
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
				g.NamespaceAccess(inv.Workloads[3*i].Namespace, inv.Workloads[3*i:3*i+3])
			}
		}
	})
	b.Run("UsableByWorkload", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range inv.Workloads {
				g.PoliciesUsableByWorkload(&inv.Workloads[i])
			}
		}
	})
	b.Run("PodCreators", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range 10_000 {
				ns := inv.Workloads[3*i].Namespace
				for _, p := range g.PodCreators(ns) {
					g.PoliciesUsableBy(ns, p)
				}
			}
		}
	})
}

// unnamed is an input of a megabyte or so: 1,000 policies, and as many bindings for everybody whose role names none, half
// of them in one namespace.
func unnamed() *inventory.Inventory {
	inv := &inventory.Inventory{}
	for i := range 1000 {
		inv.Policies = append(inv.Policies, &pspparse.Policy{Name: fmt.Sprintf("policy-%d", i)})
		b := inventory.Binding{Name: fmt.Sprintf("b%d", i), RoleKind: "ClusterRole", RoleName: "cluster-admin", Subjects: []rbacv1.Subject{groupSubject("system:authenticated")}}
		if i%2 == 0 {
			b.Namespace = "web"
		}
		inv.Bindings = append(inv.Bindings, b)
	}
	return inv
}

// BenchmarkUnnamed asks what a plan asks of an input in which every binding grants every policy: but for what Policy
// tells, nothing may cost a grant for each pair.
func BenchmarkUnnamed(b *testing.B) {
	inv := unnamed()
	w := inventory.Workload{Namespace: "web", Kind: "Deployment", Name: "w"}
	b.Run("Resolve", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			access.Resolve(inv)
		}
	})
	g := access.Resolve(inv)
	b.Run("Namespace", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.NamespaceAccess("web", []inventory.Workload{w})
		}
	})
	b.Run("UsableByWorkload", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.PoliciesUsableByWorkload(&w)
		}
	})
}
