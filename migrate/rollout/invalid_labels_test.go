package rollout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// invalidPlan is one of a namespace a with these labels, which gets enforce at a level that was asked for.
func invalidPlan(is map[string]string, level string) *migrate.Plan {
	ns := (&migrate.Namespace{
		Name: "a", Action: migrate.ActionChange, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisOverride},
		RecommendedLabels: migrate.PodSecurityLabels{Enforce: level, EnforceVersion: "v1.25", Audit: "restricted", AuditVersion: "v1.25", Warn: "restricted", WarnVersion: "v1.25"},
	}).WithLabels(is)
	return &migrate.Plan{Namespaces: []migrate.Namespace{*ns}}
}

// Labels from before the admission plugin: the first stage repairs the invalid ones of all in one write, the next one goes
// on from there, and the way back has what the server took them for.
func TestInvalidInTwoStages(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	is := map[string]string{api.EnforceLevelLabel: "baselinx", api.WarnLevelLabel: "bazeline", api.WarnVersionLabel: "one"}
	m.namespace("a", "old", is)
	steps, left := PlanSteps(invalidPlan(is, "baseline"), StepOptions{Stages: []Stage{StageObserve, StageEnforce}, Force: true})
	want := []Step{
		{Stage: StageObserve, Namespace: "a", Labels: []LabelChange{
			{api.EnforceLevelLabel, text("baselinx"), text("restricted")},
			{api.AuditLevelLabel, nil, text("restricted")},
			{api.AuditVersionLabel, nil, text("v1.25")},
			{api.WarnLevelLabel, text("bazeline"), text("restricted")},
			{api.WarnVersionLabel, text("one"), text("v1.25")},
		}},
		{Stage: StageEnforce, Namespace: "a", Batch: 1, Labels: []LabelChange{
			{api.EnforceLevelLabel, text("restricted"), text("baseline")}, {api.EnforceVersionLabel, nil, text("v1.25")},
		}},
	}
	if diff := cmp.Diff(want, steps); diff != "" || len(left) > 0 {
		t.Fatalf("left %v (-want +got):\n%s", left, diff)
	}
	if err := validateSteps(steps); err != nil {
		t.Fatal(err)
	}
	r := begin(t, m, steps...)
	r.Force = true
	r.run("", `done observe: label namespace a: field manager "old" owns pod-security.kubernetes.io/enforce, pod-security.kubernetes.io/warn, pod-security.kubernetes.io/warn-version`,
		"done enforce: label namespace a")
	r.rollback(RollbackScope{}, "", "undone enforce: label namespace a",
		`undone observe: label namespace a: not put back, since no server takes an invalid value any more: enforce becomes restricted in place of "baselinx", warn becomes privileged in place of "bazeline", warn-version becomes latest in place of "one", which the server took it for`)
	if diff := cmp.Diff(map[string]string{"enforce": "restricted", "warn": "privileged", "warn-version": "latest"}, m.labelsOf("a")); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	owned := []string{"kubernetes.io/metadata.name", api.EnforceLevelLabel, api.WarnLevelLabel, api.WarnVersionLabel}
	if diff := cmp.Diff(map[entryKey][]string{{"old", "Update"}: owned}, m.managers(m.objects["namespaces/a"])); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	m.hasLock(false)
}

// A step of a plan that did not know of another invalid label is refused before the write.
func TestInvalidSinceThePlan(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "old", map[string]string{api.EnforceLevelLabel: "baselinx", api.WarnLevelLabel: "bazeline"})
	start := m.state()
	step := observe("a")
	step.Labels[1].Before = text("bazeline")
	r := begin(t, m, step)
	r.Force = true
	r.run("", `refused observe: label namespace a: it has invalid labels that this step does not repair (enforce="baselinx"), and the server takes no write that repairs only some: begin a new roll-out, of a new plan, which repairs all in one`)
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An invalid label that goes is told to be gone for good before; a way back that was cut off goes on.
func TestInvalidIsNotRestored(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "old", map[string]string{api.EnforceLevelLabel: "baselinx"})
	step := enforce("a", "baseline")
	step.Labels[0].Before = text("baselinx")
	want := []LabelChange{{Key: api.EnforceLevelLabel, Before: text("baselinx"), After: text("baseline")}}
	if diff := cmp.Diff(want, step.unrestorableLabels()); diff != "" {
		t.Errorf("what cannot be restored (-want +got):\n%s", diff)
	}
	r := begin(t, m, observe("a"), step)
	r.Force = true
	r.run("", "done observe: label namespace a", `done enforce: label namespace a: field manager "old" owns pod-security.kubernetes.io/enforce`)
	m.heard = on("patch namespaces/a", 1, errCrash)
	r.rollback(RollbackScope{Stages: []Stage{StageEnforce}}, "taking back enforce: label namespace a: the process was killed")
	r = r.again()
	r.rollback(RollbackScope{Stages: []Stage{StageEnforce}}, "", `undone enforce: label namespace a: not put back, since no server takes an invalid value any more: enforce becomes restricted in place of "baselinx", which the server took it for`)
	if diff := cmp.Diff(map[string]string{"audit": "restricted", "warn": "restricted", "enforce": "restricted"}, m.labelsOf("a")); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{api.AuditLevelLabel, api.WarnLevelLabel}, m.managers(m.objects["namespaces/a"])[entryKey{FieldManager, "Apply"}]); diff != "" {
		t.Errorf("what is owned (-want +got):\n%s", diff)
	}
}

// Whatever labels there are and whatever stages are asked for: the server takes each step, all the way there and back.
func TestServerTakesEveryStep(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		is := map[string]string{}
		for _, key := range inventory.PodSecurityLabelKeys() {
			values := []string{"privileged", "restricted", "Baseline", ""}
			if strings.HasSuffix(key, "-version") {
				values = []string{"v1.25", "latest", "1.25", ""}
			}
			if r.IntN(3) > 0 {
				is[key] = values[r.IntN(len(values))]
			}
		}
		stages := [][]Stage{{StageObserve}, {StageEnforce}, {StageObserve, StageEnforce}}[r.IntN(3)]
		m := newMemory(t)
		m.namespace("a", "", is)
		steps, _ := PlanSteps(invalidPlan(is, []string{"privileged", "baseline", "restricted"}[r.IntN(3)]), StepOptions{Stages: stages})
		says := fmt.Sprintf("seed %d, %v, %v", seed, stages, is)
		if err := validateSteps(steps); err != nil {
			t.Fatalf("%s: %v", says, err)
		}
		run := begin(t, m, steps...)
		if err := run.Run(t.Context()); err != nil {
			t.Fatalf("%s: %v", says, err)
		}
		if err := run.Rollback(t.Context(), RollbackScope{}); err != nil {
			t.Fatalf("%s: %v", says, err)
		}
		for _, line := range run.told {
			if !strings.HasPrefix(line, "done") && !strings.HasPrefix(line, "undone") {
				t.Errorf("%s: %s", says, line)
			}
		}
		want := map[string]string{"kubernetes.io/metadata.name": "a"}
		for key, value := range is {
			want[key] = value
			changed := slices.ContainsFunc(steps, func(s Step) bool { return slices.Contains(s.labelKeys(), key) })
			if changed && !labels.IsValidLabel(key, value) {
				want[key] = labels.ServerValueForInvalid(key)
			}
		}
		if diff := cmp.Diff(want, m.objects["namespaces/a"].GetLabels()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", says, diff)
		}
	}
}

// A journal may have steps that repair labels of another stage, and none that change what is enforced.
func TestCheckRepairs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		stage  Stage
		change LabelChange
		want   string
	}{
		{"enforce as it is taken", StageObserve, LabelChange{api.EnforceLevelLabel, text("Baseline"), text("restricted")}, ""},
		{"enforce as another level", StageObserve, LabelChange{api.EnforceLevelLabel, text("Baseline"), text("baseline")}, "the stage observe does not write the label pod-security.kubernetes.io/enforce"},
		{"valid enforce", StageObserve, LabelChange{api.EnforceLevelLabel, text("baseline"), text("restricted")}, "the stage observe does not write the label pod-security.kubernetes.io/enforce"},
		{"warn", StageEnforce, LabelChange{api.WarnLevelLabel, text("Baseline"), text("restricted")}, ""},
		{"valid warn", StageEnforce, LabelChange{api.WarnLevelLabel, text("baseline"), text("restricted")}, "the stage enforce does not write the label pod-security.kubernetes.io/warn"},
		{"bypass", StageBypass, LabelChange{api.WarnLevelLabel, text("Baseline"), text("restricted")}, "the stage bypass does not write the label pod-security.kubernetes.io/warn"},
	}
	for _, tt := range tests {
		got := ""
		if err := validateLabelChange(tt.stage, tt.change); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
