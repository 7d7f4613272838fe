package report_test

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// TestDeltaTexts: each answer is a sentence with the command, whose namespace is one word of a shell.
func TestDeltaTexts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		need *migrate.DeltaNeed
		want string
	}{
		{"old", nil, ""},
		{"shop", &migrate.DeltaNeed{Result: migrate.DeltaNothing, Beside: api.LevelBaseline, Policy: "open"}, "nothing: psp/open demands nothing beyond enforce=baseline, and all pods here may use it; psp2pss generate --mode delta -n shop says the same"},
		{"shop", &migrate.DeltaNeed{Result: migrate.DeltaConstraints, Beside: api.LevelRestricted, Policies: 2, Constraints: 1, Fields: []string{"volumes"}}, "1 constraint of 2 policies beyond enforce=restricted (volumes): psp2pss generate --mode delta -n shop"},
		{"shop", &migrate.DeltaNeed{Result: migrate.DeltaConstraints, Beside: api.LevelRestricted, Policies: 1}, "that only those create pods who may use a policy that demands nothing beyond enforce=restricted: psp2pss generate --mode delta -n shop"},
		{"a;b", &migrate.DeltaNeed{Result: migrate.DeltaNotExpressible, Why: migrate.NobodyMayUse, Beside: api.LevelBaseline}, "not expressible: nobody but administrators may use a policy here, so that PodSecurityPolicy refuses every other pod; psp2pss generate --mode delta -n 'a;b' writes nothing here"},
		{"shop", &migrate.DeltaNeed{Result: migrate.DeltaNotExpressible, Why: migrate.NoPolicyAdmits}, "not expressible: none of the policies admits any pod, so that PodSecurityPolicy refuses all; psp2pss generate --mode delta -n shop writes nothing here"},
		{"shop", &migrate.DeltaNeed{Result: migrate.DeltaNotExpressible, Why: migrate.ContraryToLevel, Beside: api.LevelRestricted}, "not expressible: no pod for Linux satisfies both enforce=restricted and a policy that somebody may use here; psp2pss generate --mode delta -n shop writes nothing here"},
	} {
		if got := strings.Join(report.DeltaTexts(&migrate.Namespace{Name: test.name, Delta: test.need, Complete: true}), "\n"); got != test.want {
			t.Errorf("%+v:\n%s\nwant\n%s", test.need, got, test.want)
		}
	}
}

// TestDeltaOfUnreadGrants: where not all grants were read, the need is not certain.
func TestDeltaOfUnreadGrants(t *testing.T) {
	t.Parallel()
	ns := &migrate.Namespace{Name: "shop", Delta: &migrate.DeltaNeed{Result: migrate.DeltaNothing, Policy: "open"}, Complete: true, UncertainParts: []string{"grants"}}
	if texts := report.DeltaTexts(ns); len(texts) != 2 || !strings.Contains(texts[1], "not all policies and grants were read") {
		t.Errorf("%q", texts)
	}
}

// TestDeltaColumn: the wide table has the column where the plan says what delta needs, and is without it where the plan does not.
func TestDeltaColumn(t *testing.T) {
	t.Parallel()
	p := readPlan(t, "demo")
	for i := range p.Namespaces {
		p.Namespaces[i].Delta = nil
	}
	wide := func() string {
		var out bytes.Buffer
		if err := report.Text(&out, report.PlanWideDocument(p, report.Options{}), report.Options{}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if text := wide(); strings.Contains(text, "DELTA") {
		t.Errorf("a plan that does not say it has the column:\n%s", text)
	}
	p.Namespaces[0].Delta = &migrate.DeltaNeed{Result: migrate.DeltaConstraints, Constraints: 3}
	p.Namespaces[1].Delta = &migrate.DeltaNeed{Result: migrate.DeltaNotExpressible}
	p.Namespaces[2].Delta = &migrate.DeltaNeed{Result: migrate.DeltaNothing}
	for _, word := range []string{"DELTA", "3 constraints", "not expressible", "nothing"} {
		if text := wide(); !strings.Contains(text, word) {
			t.Errorf("there is no %q in\n%s", word, text)
		}
	}
}
