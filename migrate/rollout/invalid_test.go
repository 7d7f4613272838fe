package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
)

// Labels from before the admission plugin: an invalid one of each stage can only be repaired in one write.
func TestInvalidInTwoStages(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "old", map[string]string{api.EnforceLevelLabel: "baselinx", api.WarnLevelLabel: "bazeline", api.WarnVersionLabel: "one"})
	start := m.state()
	observed, enforced := observe("a"), enforce("a", "baseline")
	observed.Labels[1].Before, enforced.Labels[0].Before = text("bazeline"), text("baselinx")
	const out = `enforce ("baselinx"), warn ("bazeline") and warn-version ("one") are all invalid, and the server takes no write that leaves one of them: repair them in one write: ` +
		`kubectl --context=prod label namespace a --overwrite pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/warn=privileged pod-security.kubernetes.io/warn-version=latest ` +
		`(the values that the server takes them for today), then begin a new roll-out, of a new plan, with --force`
	for _, force := range []bool{false, true} { // whose labels they are is of no account yet
		r := begin(t, m, observed, enforced)
		r.Force, r.Kubectl = force, "kubectl --context=prod"
		r.run("", "refused observe: label namespace a: "+out, "refused enforce: label namespace a: an earlier step of this namespace was refused")
		if diff := cmp.Diff(start, m.state()); diff != "" {
			t.Errorf("force %t (-want +got):\n%s", force, diff)
		}
		m.hasLock(false)
	}
}

// An invalid label that goes is told to be gone for good, and what was there beside it is restored.
func TestInvalidIsNotRestored(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "old", map[string]string{api.EnforceLevelLabel: "baselinx"})
	step := enforce("a", "baseline")
	step.Labels[0].Before = text("baselinx")
	want := []Change{{Key: api.EnforceLevelLabel, Before: text("baselinx"), After: text("baseline")}}
	if diff := cmp.Diff(want, step.Unrestorable()); diff != "" {
		t.Errorf("what cannot be restored (-want +got):\n%s", diff)
	}
	r := begin(t, m, observe("a"), step)
	r.Force = true
	r.run("", "done observe: label namespace a", `done enforce: label namespace a: field manager "old" owns pod-security.kubernetes.io/enforce`)
	for range 2 {
		r.rollback(Undo{Stages: []Stage{Enforce}}, "", "kept enforce: label namespace a: no server takes enforce=baselinx any more, which was there before; the rest is restored")
		if diff := cmp.Diff(map[string]string{"audit": "restricted", "warn": "restricted", "enforce": "baseline"}, m.labelsOf("a")); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff([]string{"pod-security.kubernetes.io/audit", "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn"}, m.managers(m.objects["namespaces/a"])[entryKey{Manager, "Apply"}]); diff != "" {
		t.Errorf("what is owned (-want +got):\n%s", diff)
	}
}

// A server refuses label errors that are neither none nor unchanged.
func TestUnfitLabels(t *testing.T) {
	t.Parallel()
	const enforce, warn, version = api.EnforceLevelLabel, api.WarnLevelLabel, api.WarnVersionLabel
	tests := []struct {
		name     string
		is, will map[string]string
		want     []string
	}{
		{name: "none"},
		{name: "valid", will: map[string]string{enforce: "baseline", version: "v1.3", "team": "?"}},
		{name: "new", will: map[string]string{enforce: "no"}, want: []string{enforce}},
		{name: "as it was", is: map[string]string{enforce: "no"}, will: map[string]string{enforce: "no", warn: "baseline"}},
		{name: "another word", is: map[string]string{enforce: "no"}, will: map[string]string{enforce: "nein"}, want: []string{enforce}},
		{name: "one of two", is: map[string]string{enforce: "no", version: "x"}, will: map[string]string{enforce: "no"}, want: []string{enforce}},
		{name: "both", is: map[string]string{enforce: "no", version: "x"}, will: map[string]string{}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, unfitLabels(tt.is, tt.will)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
