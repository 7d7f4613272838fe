package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// failing is a namespace with workloads that fail checks: "Deployment/web: runAsNonRoot runAsUser".
func failing(name, level string, workloads ...string) migrate.Namespace {
	n := namespace(name, level)
	for _, w := range workloads {
		reference, checks, _ := strings.Cut(w, ": ")
		kind, object, _ := strings.Cut(reference, "/")
		e := &migrate.Evaluation{}
		for _, check := range strings.Fields(checks) {
			e.Violations = append(e.Violations, migrate.Violation{Check: check})
		}
		n.Workloads = append(n.Workloads, migrate.Workload{Kind: kind, Name: object, Evaluation: e})
	}
	return n
}

// TestRestrictedButFor has which checks are added to a label.
func TestRestrictedButFor(t *testing.T) {
	t.Parallel()
	of := func(table *engine.Table) []string {
		var out []string
		for _, s := range table.Sets {
			text := strings.Join(s.Namespaces, ",") + " " + string(s.Level) + "@" + s.Version + ":"
			for _, c := range s.Checks {
				text += " " + c.ID
				if len(c.ExceptWorkloads) > 0 {
					text += fmt.Sprint(c.ExceptWorkloads)
				}
			}
			out = append(out, text)
		}
		return out
	}
	plan := &migrate.Plan{TargetVersion: "v1.25", Namespaces: []migrate.Namespace{
		failing("a", "baseline", "Deployment/web: runAsNonRoot", "Deployment/db: runAsNonRoot seccompProfile_restricted"),
		failing("b", "baseline", "Deployment/one: runAsNonRoot seccompProfile_restricted"),
		failing("c", "baseline"),
		failing("d", "restricted"),
		failing("e", "baseline", "Deployment/all: allowPrivilegeEscalation capabilities_restricted restrictedVolumes runAsNonRoot runAsUser seccompProfile_restricted"),
		with(failing("f", ""), func(n *migrate.Namespace) { n.Complete = false }),
		with(failing("g", "baseline"), func(n *migrate.Namespace) { n.Exempt = true }),
		with(failing("h", "baseline", "Deployment/kata: runAsUser"), func(n *migrate.Namespace) {
			n.Workloads[0].Exempt = &migrate.Exemption{RuntimeClass: "kata"}
		}),
	}}
	for most, want := range map[int][]string{
		0: {
			"a,b baseline@v1.25: allowPrivilegeEscalation capabilities_restricted restrictedVolumes runAsUser",
			"c,h baseline@v1.25: allowPrivilegeEscalation capabilities_restricted restrictedVolumes runAsNonRoot runAsUser seccompProfile_restricted",
		},
		1: {
			"a baseline@v1.25: allowPrivilegeEscalation capabilities_restricted restrictedVolumes runAsUser seccompProfile_restricted[Deployment/db]",
			"b baseline@v1.25: allowPrivilegeEscalation capabilities_restricted restrictedVolumes runAsNonRoot[Deployment/one] runAsUser seccompProfile_restricted[Deployment/one]",
			"c,h baseline@v1.25: allowPrivilegeEscalation capabilities_restricted restrictedVolumes runAsNonRoot runAsUser seccompProfile_restricted",
			"e baseline@v1.25: allowPrivilegeEscalation[Deployment/all] capabilities_restricted[Deployment/all] restrictedVolumes[Deployment/all] runAsNonRoot[Deployment/all] runAsUser[Deployment/all] seccompProfile_restricted[Deployment/all]",
		},
	} {
		table := build(t, plan, engine.Options{Mode: engine.RestrictedButFor, MaxExceptions: most})
		got := of(table)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at most %d exceptions (-want +got):\n%s", most, diff)
		}
		wantWhole(t, fmt.Sprint("at most ", most), plan, table)
	}
	nothing := ids(build(t, plan, engine.Options{Mode: engine.RestrictedButFor}).Nothing)
	if diff := cmp.Diff([]string{"engine-no-check-met", "engine-strictest-level"}, nothing); diff != "" {
		t.Error(diff)
	}
	if _, err := engine.Build(plan, engine.Options{Mode: engine.RestrictedButFor, Version: "v1.30"}); err == nil {
		t.Error("what runs meets at v1.30 is not known, and no error says so")
	}
}

// TestChecksAreTheLibrarys: a namespace in which nothing fails gets with its label all checks of the next level, at every version.
func TestChecksAreTheLibrarys(t *testing.T) {
	t.Parallel()
	evaluator, err := pss.NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range pss.VersionsAfterPSP() {
		for level, next := range map[api.Level]api.Level{api.LevelPrivileged: api.LevelBaseline, api.LevelBaseline: api.LevelRestricted} {
			plan := &migrate.Plan{TargetVersion: v.String(), Namespaces: []migrate.Namespace{failing("a", string(level))}}
			sets := build(t, plan, engine.Options{Mode: engine.RestrictedButFor}).Sets
			if len(sets) != 1 {
				t.Fatalf("%s at %s: %d sets", level, v, len(sets))
			}
			both := evaluator.Checks(api.LevelVersion{Level: level, Version: v})
			for _, c := range sets[0].Checks {
				both = append(both, c.ID)
			}
			for _, id := range evaluator.Checks(api.LevelVersion{Level: next, Version: v}) {
				if !slices.Contains(both, id) {
					t.Errorf("%s at %s: %s is in neither", level, v, id)
				}
			}
		}
	}
}

// TestScenarios: tables of all modes can be made of every scenario, and say something of every namespace.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, input := range scenarioInputs(t) {
		p := planOf(t, input)
		for _, o := range []engine.Options{
			{Mode: engine.Delta},
			{Mode: engine.Delta, MaxAsked: 1},
			{Mode: engine.Delta, Grants: engine.StaticGrants},
			{Mode: engine.Continuity},
			{Mode: engine.Continuity, Grants: engine.StaticGrants},
			{Mode: engine.RestrictedButFor, MaxExceptions: 2},
		} {
			what := fmt.Sprintf("%s, %+v", input, o)
			table := build(t, p, o)
			wantWhole(t, what, p, table)
			if string(shown(t, table)) != string(shown(t, build(t, p, o))) {
				t.Errorf("%s: the same twice is not the same", what)
			}
			for _, s := range table.Sets {
				if len(s.Alternatives)+len(s.Checks) == 0 {
					t.Errorf("%s: %s refuses every pod", what, s.Name)
				}
			}
		}
	}
}
