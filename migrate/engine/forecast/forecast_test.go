package forecast_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/engine/forecast"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
)

// scenario is the Plan of a scenario of the fixtures, with what delta needs.
func scenario(t *testing.T, name string) *migrate.Plan {
	t.Helper()
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	r := &files.Reader{Paths: []string{filepath.Join("..", "..", "..", "fixtures", name, "input")}, Recursive: true}
	if err := r.Read(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	p, err := migrate.Build(b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: name}), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	forecast.Fill(p)
	return p
}

// generated is the decision table that generate --mode=delta makes for one namespace of a Plan.
func generated(t *testing.T, p *migrate.Plan, namespace string) *engine.Table {
	t.Helper()
	alone := *p
	alone.Namespaces = slices.DeleteFunc(slices.Clone(p.Namespaces), func(ns migrate.Namespace) bool { return ns.Name != namespace })
	table, err := engine.Build(&alone, engine.Options{
		Mode: engine.Delta, IncludeSystem: true,
		MaxAskedFor: func(both, byRequester bool) int { return cel.MaxAsked(cel.Options{}, both, byRequester) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestForecastComesTrue compares what a Plan says that delta needs with what generate makes for each namespace alone.
func TestForecastComesTrue(t *testing.T) {
	t.Parallel()
	results := map[migrate.DeltaResult]int{}
	for _, name := range []string{"demo", "grant-to-everybody", "every-kind-of-workload", "cluster-without-policies", "claims-that-one-policy-forbids"} {
		p := scenario(t, name)
		for i := range p.Namespaces {
			ns := &p.Namespaces[i]
			table, d := generated(t, p, ns.Name), ns.Delta
			if d == nil {
				if len(table.Sets) > 0 {
					t.Errorf("%s/%s: the plan says nothing, and there is a set", name, ns.Name)
				}
				continue
			}
			results[d.Result]++
			if made := len(table.Sets) > 0; made != (d.Result == migrate.DeltaConstraints) {
				t.Errorf("%s/%s: the plan says %+v, and generate makes %d sets, with nothing for %v and left out %v", name, ns.Name, *d, len(table.Sets), table.Nothing, table.LeftOut)
				continue
			}
			if d.Result != migrate.DeltaConstraints {
				continue
			}
			if level := table.Sets[0].Level; level != d.Beside {
				t.Errorf("%s/%s: beside %s, and generate adds to %s", name, ns.Name, d.Beside, level)
			}
			// Where the server is asked about grants, the set has policies that nobody may use here as well.
			different := map[string]bool{}
			for _, a := range table.Sets[0].Alternatives {
				for _, c := range a.Constraints {
					different[fmt.Sprintf("%T %+v", c, c)] = true
				}
			}
			if d.Constraints > len(different) || d.Policies > len(table.Sets[0].Alternatives) || len(d.Fields) > d.Constraints || d.Policies == 0 {
				t.Errorf("%s/%s: the plan says %+v, and generate has %d constraints of %d policies", name, ns.Name, *d, len(different), len(table.Sets[0].Alternatives))
			}
		}
	}
	if results[migrate.DeltaConstraints] == 0 || results[migrate.DeltaNothing]+results[migrate.DeltaNotExpressible] == 0 {
		t.Errorf("the scenarios do not have both answers: %v", results)
	}
}

// plan is a Plan of policies that may be used by a group everywhere, with a namespace for each level.
func plan(group string, policies ...migrate.Policy) *migrate.Plan {
	p := &migrate.Plan{TargetVersion: "v1.25", Policies: policies, Roles: []migrate.Role{{Name: "use", Policies: []string{migrate.EveryPolicy}}}}
	if group != "" {
		p.Bindings = []migrate.Binding{{Name: "use", Role: p.Roles[0].Reference(), Subjects: []migrate.Subject{{Group: group}}}}
	}
	for _, level := range []api.Level{api.LevelBaseline, api.LevelPrivileged, api.LevelRestricted} {
		p.Namespaces = append(p.Namespaces, migrate.Namespace{
			Name: string(level), Complete: true, RecommendedLabels: migrate.PodSecurityLabels{Enforce: string(level), EnforceVersion: "v1.25"},
		})
	}
	return p
}

// open is a policy that leaves all free.
func open(name string) migrate.Policy {
	yes, free := true, "RunAsAny"
	return migrate.Policy{Name: name, Annotations: map[string]string{pspparse.SeccompAllowedAnnotation: "*"}, ClosestLevel: api.LevelPrivileged, Spec: pspparse.Spec{
		Privileged: true, HostNetwork: true, HostPID: true, HostIPC: true, HostPorts: []pspparse.HostPortRange{{Max: 65535}}, Volumes: []string{"*"},
		AllowedCapabilities: []string{"*"}, AllowPrivilegeEscalation: &yes, AllowedUnsafeSysctls: []string{"*"},
		AllowedProcMountTypes: []string{"Default", "Unmasked"},
		RunAsUser:             pspparse.IDStrategy{Rule: free}, FSGroup: pspparse.IDStrategy{Rule: free}, SupplementalGroups: pspparse.IDStrategy{Rule: free}, SELinux: pspparse.SELinuxStrategy{Rule: free},
	}}
}

// TestFill: what each of three namespaces needs by the policies and who may use them.
func TestFill(t *testing.T) {
	t.Parallel()
	readOnly := open("read-only")
	readOnly.Spec.ReadOnlyRootFilesystem = true
	unusable := open("unusable")
	unusable.AdmitsNothing = true
	accounts := "system:serviceaccounts"
	for name, test := range map[string]struct {
		plan *migrate.Plan
		want migrate.DeltaNeed
	}{
		"a policy that demands one thing": {plan(accounts, readOnly), migrate.DeltaNeed{Result: migrate.DeltaConstraints, Policies: 1, Constraints: 1, Fields: []string{"readOnlyRootFilesystem"}}},
		"equal constraints of two":        {plan(accounts, readOnly, func() migrate.Policy { p := readOnly; p.Name = "again"; return p }()), migrate.DeltaNeed{Result: migrate.DeltaConstraints, Policies: 2, Constraints: 1, Fields: []string{"readOnlyRootFilesystem"}}},
		"nobody may use it":               {plan("", readOnly), migrate.DeltaNeed{Result: migrate.DeltaNotExpressible, Why: migrate.NobodyMayUse}},
		"only nodes may use it":           {plan("system:nodes", readOnly), migrate.DeltaNeed{Result: migrate.DeltaNotExpressible, Why: migrate.NobodyMayUse}},
		"it admits nothing":               {plan(accounts, unusable), migrate.DeltaNeed{Result: migrate.DeltaNotExpressible, Why: migrate.NoPolicyAdmits}},
	} {
		forecast.Fill(test.plan)
		for i := range test.plan.Namespaces {
			ns := &test.plan.Namespaces[i]
			want := test.want
			if want.Why != migrate.NoPolicyAdmits {
				want.Beside = api.Level(ns.RecommendedLabels.Enforce)
			}
			if ns.Delta == nil || fmt.Sprint(*ns.Delta) != fmt.Sprint(want) {
				t.Errorf("%s, beside %s: %+v, want %+v", name, ns.Name, ns.Delta, want)
			}
		}
	}
	without := plan(accounts)
	without.Namespaces[0].Delta = &migrate.DeltaNeed{}
	if forecast.Fill(without); without.Namespaces[0].Delta != nil {
		t.Errorf("without policies: %+v", without.Namespaces[0].Delta)
	}
}

// TestOfPolicy: what of a policy's fields each way keeps.
func TestOfPolicy(t *testing.T) {
	t.Parallel()
	po := open("mixed")
	po.ClosestLevel = api.LevelBaseline
	po.Spec.Privileged = false
	po.Spec.ReadOnlyRootFilesystem = true
	delete(po.Annotations, pspparse.SeccompAllowedAnnotation)
	p := plan("system:serviceaccounts", po)
	want := map[string][3]forecast.Kept{
		"privileged":                      {forecast.Whole, forecast.Whole, forecast.Whole},
		"readOnlyRootFilesystem":          {forecast.Lost, forecast.Checked, forecast.Whole},
		pspparse.SeccompAllowedAnnotation: {forecast.Lost, forecast.Lost, forecast.Whole},
	}
	for _, f := range forecast.OfPolicy(p, &p.Policies[0]) {
		if kept, asked := want[f.Names[0]]; asked && kept != [3]forecast.Kept{f.Label, f.Delta, f.Continuity} {
			t.Errorf("%s: %s, %s, %s, want %v", f.Names[0], f.Label, f.Delta, f.Continuity, kept)
		}
		if f.Label == forecast.Lost && f.Delta == forecast.Lost && f.Continuity == forecast.Lost && len(f.Notes) == 0 {
			t.Errorf("%s: it is lost by all, and nothing says why", f.Names[0])
		}
		delete(want, f.Names[0])
	}
	if len(want) > 0 {
		t.Errorf("nothing is said of %v", want)
	}
	if po.AdmitsNothing = true; forecast.OfPolicy(p, &po) != nil {
		t.Error("a policy that admits nothing has fields to keep")
	}
}
