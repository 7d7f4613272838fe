package difference

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
)

// growing are the ways in which a plan can grow: each fills one with n of something, of which odd and even ones differ by variant.
func growing() map[string]func(p *migrate.Plan, n int, variant int) {
	level := func(i int) api.Level {
		return []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted}[i%3]
	}
	evaluation := func(i int) *migrate.Evaluation {
		return &migrate.Evaluation{Key: fmt.Sprint(i), Levels: migrate.WorkloadLevels{AfterPSP: level(i)}, Violations: []migrate.Violation{{Check: fmt.Sprint("c", i%5)}}}
	}
	names := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf("n%06d", i)
		}
		return out
	}
	return map[string]func(p *migrate.Plan, n int, variant int){
		"namespaces": func(p *migrate.Plan, n, variant int) {
			for i, name := range names(n) {
				p.Namespaces = append(p.Namespaces, migrate.Namespace{Name: name, NeededLevel: level(i + variant), PermittedBy: []string{"a", "b"}, Complete: true})
			}
		},
		"namespaces that come and go": func(p *migrate.Plan, n, variant int) {
			for _, name := range names(n) {
				p.Namespaces = append(p.Namespaces, migrate.Namespace{Name: fmt.Sprint(name, variant), Complete: true})
			}
		},
		"workloads": func(p *migrate.Plan, n, variant int) {
			ns := migrate.Namespace{Name: "a", NeededLevel: level(variant), Complete: true}
			b := migrate.Blocker{Check: fmt.Sprint("c", variant)}
			for i, name := range names(n) {
				e := evaluation(i + variant)
				ns.Workloads = append(ns.Workloads, migrate.Workload{Kind: "Deployment", Name: name, Evaluation: e, EvaluationKey: e.Key})
				b.Workloads = append(b.Workloads, migrate.WorkloadRef{Kind: "Deployment", Name: name})
			}
			ns.Blockers = []migrate.Blocker{b}
			p.Namespaces = []migrate.Namespace{ns}
		},
		"workloads of one name": func(p *migrate.Plan, n, variant int) {
			ns := migrate.Namespace{Name: "a", Complete: true}
			for i := range n {
				ns.Workloads = append(ns.Workloads, migrate.Workload{Kind: "Pod", Name: "a", Evaluation: evaluation(i + variant)})
			}
			p.Namespaces = []migrate.Namespace{ns}
		},
		"checks of a workload": func(p *migrate.Plan, n, variant int) {
			e := evaluation(0)
			ns := migrate.Namespace{Name: "a", Complete: true, Workloads: []migrate.Workload{{Kind: "Pod", Name: "a", Evaluation: e}}}
			for _, name := range names(n) {
				e.Violations = append(e.Violations, migrate.Violation{Check: fmt.Sprint(name, variant)})
				ns.Blockers = append(ns.Blockers, migrate.Blocker{Check: fmt.Sprint(name, variant), Workloads: []migrate.WorkloadRef{{Kind: "Pod", Name: "a"}}})
			}
			p.Namespaces = []migrate.Namespace{ns}
		},
		"policies": func(p *migrate.Plan, n, variant int) {
			for i, name := range names(n) {
				p.Policies = append(p.Policies, migrate.Policy{Name: name, ClosestLevel: level(i + variant), Spec: pspparse.Spec{HostPID: variant == 1}})
			}
		},
		"entries of a policy": func(p *migrate.Plan, n, variant int) {
			spec := pspparse.Spec{}
			for i, name := range names(n) {
				spec.AllowedHostPaths = append(spec.AllowedHostPaths, pspparse.AllowedHostPath{PathPrefix: fmt.Sprintf("/%s/%d/a/b", name, variant)})
				spec.HostPorts = append(spec.HostPorts, pspparse.HostPortRange{Min: int32(4*i + variant), Max: int32(4*i + 1 + variant)})
				spec.AllowedCapabilities = append(spec.AllowedCapabilities, fmt.Sprint(name, variant))
			}
			p.Policies = []migrate.Policy{{Name: "a", Spec: spec}}
		},
		"namespaces of a policy": func(p *migrate.Plan, n, variant int) {
			for _, name := range names(n) {
				p.Namespaces = append(p.Namespaces, migrate.Namespace{Name: name, PermittedBy: []string{"a"}, Complete: true})
			}
			p.Policies = []migrate.Policy{{Name: "a", Spec: pspparse.Spec{HostPID: variant == 1, HostIPC: variant == 1, HostNetwork: variant == 1}}}
		},
		"bindings to a role with as many policies": func(p *migrate.Plan, n, variant int) {
			p.Roles = []migrate.Role{{Name: "r", Policies: names(n)}}
			for _, name := range names(n) {
				p.Bindings = append(p.Bindings, migrate.Binding{Name: name, Role: "ClusterRole r", Subjects: []migrate.Subject{{User: fmt.Sprint("u", variant)}}})
			}
		},
		"bindings of one subject": func(p *migrate.Plan, n, variant int) {
			p.Roles = []migrate.Role{{Name: "r", Policies: []string{"a"}}}
			for _, name := range names(n) {
				p.Bindings = append(p.Bindings, migrate.Binding{Name: fmt.Sprint(name, variant), Role: "ClusterRole r", Subjects: []migrate.Subject{{User: "u"}}})
			}
		},
		"subjects of a binding": func(p *migrate.Plan, n, variant int) {
			b := migrate.Binding{Name: "b", Role: "ClusterRole r"}
			for _, name := range names(n) {
				b.Subjects = append(b.Subjects, migrate.Subject{User: fmt.Sprint(name, variant)})
			}
			p.Bindings, p.Roles = []migrate.Binding{b}, []migrate.Role{{Name: "r", Policies: []string{"a"}}}
		},
		"roles": func(p *migrate.Plan, n, variant int) {
			for _, name := range names(n) {
				p.Roles = append(p.Roles, migrate.Role{Name: name, Policies: []string{fmt.Sprint("p", variant)}})
			}
		},
		"gaps": func(p *migrate.Plan, n, variant int) {
			for _, name := range names(n) {
				p.Gaps = append(p.Gaps, migrate.Gap{What: fmt.Sprint(name, variant), Affects: []string{"a", "b"}, Changes: "workloads"})
			}
		},
		"namespaces of a gap": func(p *migrate.Plan, n, variant int) {
			p.Gaps = []migrate.Gap{{What: fmt.Sprint(variant), Affects: names(n), Changes: "grants"}}
		},
	}
}

// TestCostIsInProportion compares plans that grow: four times the plan may cost about four times as much, in bytes and objects that are
// allocated. It runs alone, for what other tests allocate would be counted, too.
func TestCostIsInProportion(t *testing.T) { //nolint:paralleltest // see above
	const slack = 1.5 // lists grow by steps
	for name, fill := range growing() {
		cost := func(n int) (costs [2]float64, changes int) {
			before, after := &migrate.Plan{}, &migrate.Plan{}
			fill(before, n, 0)
			fill(after, n, 1)
			var was, is runtime.MemStats
			runtime.ReadMemStats(&was)
			c := Compare(before, after)
			runtime.ReadMemStats(&is)
			return [2]float64{float64(is.TotalAlloc - was.TotalAlloc), float64(is.Mallocs - was.Mallocs)}, len(c.Changes)
		}
		_, _ = cost(1) // sets up what is made once
		const n = 500
		one, few := cost(n)
		four, many := cost(4 * n)
		if few == 0 {
			t.Errorf("%s: nothing changed", name)
		}
		for i, what := range []string{"bytes", "objects"} {
			if ratio := four[i] / one[i]; ratio > 4*slack {
				t.Errorf("%s: %d cost %.0f %s, %d cost %.0f: %.1f times as much (changes %d and %d)", name, n, one[i], what, 4*n, four[i], ratio, few, many)
			}
		}
	}
}

// TestScopeOfChanges keeps what is about the namespaces in scope, and of the policies those that may be used there.
func TestScopeOfChanges(t *testing.T) {
	t.Parallel()
	plan := func(pid bool) *migrate.Plan {
		spec := pspparse.Spec{HostPID: pid}
		return &migrate.Plan{
			Policies: []migrate.Policy{{Name: "here", Spec: spec}, {Name: "there", Spec: spec}},
			Namespaces: []migrate.Namespace{
				{Name: "a", PermittedBy: []string{"here"}, Exempt: false, Terminating: pid}, {Name: "b", PermittedBy: []string{"there"}, Terminating: pid},
			},
		}
	}
	all := Compare(plan(false), plan(true))
	about := func(c *Changes) []string {
		var out []string
		for i := range c.Changes {
			out = append(out, c.Changes[i].About())
		}
		return out
	}
	for _, test := range []struct {
		names map[string]bool
		want  []string
	}{
		{map[string]bool{"a": true}, []string{"PodSecurityPolicy/here", "a"}},
		{map[string]bool{"b": true, "c": true, "d": true}, []string{"PodSecurityPolicy/there", "b"}},
		{map[string]bool{"c": true}, nil},
	} {
		got := all.InNamespaces(test.names)
		if !slices.Equal(test.want, about(got)) || got.Counts.Total() != len(test.want) {
			t.Errorf("%v: %v, %+v", test.names, about(got), got.Counts)
		}
	}
	if len(all.Changes) != 4 {
		t.Errorf("selecting changed what was selected from: %v", about(all))
	}
}
