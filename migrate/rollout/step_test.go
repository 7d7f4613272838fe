package rollout

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
)

// planned is a namespace for which enforce is recommended, and nothing is labelled yet.
func planned(name, enforce string, change ...func(ns *migrate.Namespace)) migrate.Namespace {
	ns := migrate.Namespace{
		Name: name, Labels: map[string]string{}, Complete: true, Action: migrate.ActionAdd,
		RecommendedLabels: migrate.PodSecurityLabels{Enforce: enforce, EnforceVersion: "v1.25", Audit: "restricted", Warn: "restricted"},
	}
	if enforce == "" {
		ns.RecommendedLabels.EnforceVersion = ""
	}
	for _, f := range change {
		f(&ns)
	}
	return ns
}

func wave(value string) func(*migrate.Namespace) {
	return func(ns *migrate.Namespace) { ns.Labels["wave"] = value }
}

func at(s Step, batch int, wave string) Step {
	s.Batch, s.Wave = batch, wave
	return s
}

func TestSteps(t *testing.T) {
	t.Parallel()
	cannot := says("rollout-skips-no-enforce", "no enforce is recommended: something that touches it could not be read")
	owned := func(ns *migrate.Namespace) { ns.LabelOwner = "argocd" }
	ofOwner := says("rollout-skips-owned", "argocd writes this namespace and would undo a change: put the labels where it reads them (labels -o manifest), or take over with --force")
	past := bypass("a", "b")
	tests := []struct {
		name       string
		namespaces []migrate.Namespace
		policies   []string
		o          StepOptions
		want       []Step
		left       []Skipped
	}{
		{name: "nothing"},
		{name: "observe is the default", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "")}, want: []Step{observe("a"), observe("b")}},
		{
			name: "stages in their order, each with its batches", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "restricted"), planned("c", "baseline")},
			o:    StepOptions{Stages: []Stage{StageEnforce, StageObserve}, Batch: 2},
			want: []Step{observe("a"), observe("b"), at(observe("c"), 1, ""), at(enforce("a", "baseline"), 2, ""), at(enforce("b", "restricted"), 2, ""), at(enforce("c", "baseline"), 3, "")},
		},
		{
			name: "waves, those without one last", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "baseline", wave("2")), planned("c", "baseline", wave("1"))},
			o: StepOptions{Stages: []Stage{StageObserve, StageEnforce}, WaveLabel: "wave"},
			want: []Step{
				at(observe("c"), 0, "1"), at(enforce("c", "baseline"), 1, "1"), at(observe("b"), 2, "2"), at(enforce("b", "baseline"), 3, "2"),
				at(observe("a"), 4, ""), at(enforce("a", "baseline"), 5, ""),
			},
		},
		{
			name: "no more than", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "baseline", wave("1")), planned("c", "baseline")},
			o:    StepOptions{WaveLabel: "wave", MaxNamespaces: 1, Stages: []Stage{StageEnforce, StageObserve}},
			want: []Step{at(observe("b"), 0, "1"), at(enforce("b", "baseline"), 1, "1")},
			left: []Skipped{{"a", StageObserve, says("rollout-skips-beyond-number", "beyond the number of namespaces asked for")}, {"c", StageObserve, says("rollout-skips-beyond-number", "beyond the number of namespaces asked for")}},
		},
		{
			name: "no more than counts those that change", namespaces: []migrate.Namespace{
				planned("a", "baseline", func(ns *migrate.Namespace) {
					ns.CurrentLabels = ns.RecommendedLabels
				}), planned("b", ""), planned("c", "baseline"),
			},
			o: StepOptions{MaxNamespaces: 1, Stages: []Stage{StageEnforce}}, want: []Step{enforce("c", "baseline")}, left: []Skipped{{"b", StageEnforce, cannot}},
		},
		{
			name: "values that are there", namespaces: []migrate.Namespace{planned("a", "baseline", func(ns *migrate.Namespace) {
				ns.Labels[api.EnforceLevelLabel], ns.CurrentLabels.Enforce = "privileged", "privileged"
				ns.Labels[api.EnforceVersionLabel], ns.CurrentLabels.EnforceVersion = "v1.25", "v1.25"
			})},
			o: StepOptions{Stages: []Stage{StageEnforce}}, want: []Step{{Stage: StageEnforce, Namespace: "a", Labels: []LabelChange{{Key: api.EnforceLevelLabel, Before: text("privileged"), After: text("baseline")}}}},
		},
		{
			name: "left alone", o: StepOptions{Stages: []Stage{StageEnforce}},
			namespaces: []migrate.Namespace{
				planned("a", "baseline", owned), planned("b", ""), planned("c", "baseline", func(ns *migrate.Namespace) { ns.ObjectNotRead = true }),
				planned("d", "", func(ns *migrate.Namespace) { ns.Action = migrate.ActionSkip }),
				planned("e", "baseline", func(ns *migrate.Namespace) {
					ns.CurrentLabels.Enforce, ns.Labels[api.EnforceLevelLabel] = "restricted", "restricted"
				}),
				planned("f; rm", "baseline"),
				planned("g", "baseline", func(ns *migrate.Namespace) { ns.Terminating = true }),
			},
			left: []Skipped{
				{"a", StageEnforce, ofOwner},
				{"b", StageEnforce, cannot},
				{"c", StageEnforce, says("rollout-skips-unread", "its labels were not read")},
				{"d", StageEnforce, says("rollout-skips-no-recommendation", "nothing is recommended for it")},
				{"e", StageEnforce, says("rollout-skips-looser", "the enforce that is needed is looser than today's: ask for it with --enforce when the plan is made, or mend the workloads")},
				{"f; rm", StageEnforce, says("labels-refused-name", "its name is not a valid namespace name")},
				{"g", StageEnforce, says("rollout-skips-terminating", "it is being deleted")},
			},
		},
		{
			name: "left to the label syncer of OpenShift", namespaces: []migrate.Namespace{planned("a", "baseline", func(ns *migrate.Namespace) { ns.LabelOwner = migrate.OpenShiftLabelSyncer })},
			left: []Skipped{{"a", StageObserve, says("rollout-skips-synced", migrate.OpenShiftLabelSyncer+" writes these labels: give the namespace the label security.openshift.io/scc.podSecurityLabelSync=false first, or take over with --force")}},
		},
		{name: "an owner with force", namespaces: []migrate.Namespace{planned("a", "baseline", owned)}, o: StepOptions{Force: true}, want: []Step{observe("a")}},
		{
			name: "bypass after enforce", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "baseline")}, policies: []string{"restricted"},
			o:    StepOptions{Stages: []Stage{StageBypass, StageEnforce}, Batch: 1},
			want: []Step{at(enforce("a", "baseline"), 0, ""), at(enforce("b", "baseline"), 1, ""), at(past[0], 2, ""), at(past[1], 2, ""), at(past[2], 2, ""), at(past[3], 3, "")},
		},
		{
			name: "bypass before enforce", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "")}, o: StepOptions{Stages: []Stage{StageBypass}},
			left: []Skipped{{"a", StageBypass, says("rollout-skips-not-enforced", "its enforce label is not on yet: take the stage enforce first")}, {"b", StageBypass, cannot}},
		},
		{
			name: "no name sorts before", namespaces: []migrate.Namespace{planned("a", "baseline")}, policies: []string{"0", "x"},
			o: StepOptions{Stages: []Stage{StageEnforce, StageBypass}}, want: []Step{enforce("a", "baseline")}, left: []Skipped{{"a", StageBypass, says("rollout-skips-no-bypass-name", "no policy can be named so that it sorts before 0")}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := &migrate.Plan{Namespaces: tt.namespaces}
			for _, name := range tt.policies {
				plan.Policies = append(plan.Policies, migrate.Policy{Name: name})
			}
			steps, left := PlanSteps(plan, tt.o)
			if diff := cmp.Diff(tt.want, steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.left, left, sameMessages()); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
			for _, s := range left {
				checkMessage(t, s.Reason)
			}
			if err := validateSteps(steps); err != nil {
				t.Errorf("a journal of these steps would be refused: %v", err)
			}
		})
	}
}

func TestBypassName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		policies []string
		want     string
	}{
		{nil, "000-psp2pss-bypass"},
		{[]string{"privileged", "restricted"}, "000-psp2pss-bypass"},
		{[]string{"000-a"}, "0-psp2pss-bypass"},
		{[]string{"00"}, "0-psp2pss-bypass"},
		{[]string{"0-a"}, "0--psp2pss-bypass"},
		{[]string{"0--a"}, "0---psp2pss-bypass"},
		{[]string{"0.a"}, "0-psp2pss-bypass"},
		{[]string{"0"}, ""},
		{[]string{"000-psp2pss-bypass", "restricted"}, "000-psp2pss-bypass"},
		{[]string{"0-psp2pss-bypass", "restricted"}, "0-psp2pss-bypass"},
		{[]string{"000-a", "000-psp2pss-bypass"}, "0-psp2pss-bypass"},
		{[]string{"0-psp2pss-bypass", "000-psp2pss-bypass", "000-q"}, "000-psp2pss-bypass"},
	}
	for _, tt := range tests {
		var policies []migrate.Policy
		for _, name := range tt.policies {
			policies = append(policies, migrate.Policy{Name: name})
		}
		got := bypassPolicyName(policies)
		if got != tt.want {
			t.Errorf("among %v: %q, want %q", tt.policies, got, tt.want)
		}
		if got == "" {
			continue
		}
		if !isBypassPolicyName(got) {
			t.Errorf("%q would be refused in a journal", got)
		}
		for _, name := range tt.policies {
			if !isBypassPolicyName(name) && name <= got {
				t.Errorf("%q does not sort before %q", got, name)
			}
		}
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	workload := func(name string, level api.Level) migrate.Workload {
		w := migrate.Workload{Kind: "DaemonSet", Name: name, Evaluation: &migrate.Evaluation{}}
		w.Levels.AfterPSP = level
		return w
	}
	some := []migrate.Workload{workload("p", "privileged"), workload("b", "baseline"), workload("u", "")}
	with := func(ns *migrate.Namespace) { ns.Workloads = some }
	plan := &migrate.Plan{Namespaces: []migrate.Namespace{planned("a", "baseline", with), planned("b", "", with), planned("c", "restricted", with)}}
	if diff := cmp.Diff([]string{"a/daemonset/p", "c/daemonset/p", "c/daemonset/b"}, KnownViolations(plan)); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
}

func TestStagesAreOrdered(t *testing.T) {
	t.Parallel()
	if !slices.Equal(Stages(), []Stage{StageObserve, StageEnforce, StageBypass, StagePolicies}) {
		t.Errorf("stages %v", Stages())
	}
}
