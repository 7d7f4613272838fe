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
		Recommended: migrate.Labels{Enforce: enforce, EnforceVersion: "v1.25", Audit: "restricted", Warn: "restricted"},
	}
	if enforce == "" {
		ns.Recommended.EnforceVersion = ""
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
	const cannot = "no enforce is recommended: something that touches it could not be read"
	owned := func(ns *migrate.Namespace) { ns.Owner = "argocd" }
	const ofOwner = "argocd writes this namespace and would undo a change: put the labels where it reads them (labels -o manifest), or take over with --force"
	past := bypass("a", "b")
	tests := []struct {
		name       string
		namespaces []migrate.Namespace
		policies   []string
		o          Options
		want       []Step
		left       []Left
	}{
		{name: "nothing"},
		{name: "observe is the default", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "")}, want: []Step{observe("a"), observe("b")}},
		{
			name: "stages in their order, each with its batches", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "restricted"), planned("c", "baseline")},
			o:    Options{Stages: []Stage{Enforce, Observe}, Batch: 2},
			want: []Step{observe("a"), observe("b"), at(observe("c"), 1, ""), at(enforce("a", "baseline"), 2, ""), at(enforce("b", "restricted"), 2, ""), at(enforce("c", "baseline"), 3, "")},
		},
		{
			name: "waves, those without one last", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "baseline", wave("2")), planned("c", "baseline", wave("1"))},
			o: Options{Stages: []Stage{Observe, Enforce}, WaveLabel: "wave"},
			want: []Step{
				at(observe("c"), 0, "1"), at(enforce("c", "baseline"), 1, "1"), at(observe("b"), 2, "2"), at(enforce("b", "baseline"), 3, "2"),
				at(observe("a"), 4, ""), at(enforce("a", "baseline"), 5, ""),
			},
		},
		{
			name: "no more than", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "baseline", wave("1")), planned("c", "baseline")},
			o:    Options{WaveLabel: "wave", MaxNamespaces: 1, Stages: []Stage{Enforce, Observe}},
			want: []Step{at(observe("b"), 0, "1"), at(enforce("b", "baseline"), 1, "1")},
			left: []Left{{"a", Observe, "beyond the number of namespaces asked for"}, {"c", Observe, "beyond the number of namespaces asked for"}},
		},
		{
			name: "no more than counts those that change", namespaces: []migrate.Namespace{
				planned("a", "baseline", func(ns *migrate.Namespace) {
					ns.Current = ns.Recommended
				}), planned("b", ""), planned("c", "baseline"),
			},
			o: Options{MaxNamespaces: 1, Stages: []Stage{Enforce}}, want: []Step{enforce("c", "baseline")}, left: []Left{{"b", Enforce, cannot}},
		},
		{
			name: "values that are there", namespaces: []migrate.Namespace{planned("a", "baseline", func(ns *migrate.Namespace) {
				ns.Labels[api.EnforceLevelLabel], ns.Current.Enforce = "privileged", "privileged"
				ns.Labels[api.EnforceVersionLabel], ns.Current.EnforceVersion = "v1.25", "v1.25"
			})},
			o: Options{Stages: []Stage{Enforce}}, want: []Step{{Stage: Enforce, Namespace: "a", Labels: []Change{{Key: api.EnforceLevelLabel, Before: text("privileged"), After: text("baseline")}}}},
		},
		{
			name: "left alone", o: Options{Stages: []Stage{Enforce}},
			namespaces: []migrate.Namespace{
				planned("a", "baseline", owned), planned("b", ""), planned("c", "baseline", func(ns *migrate.Namespace) { ns.Unread = true }),
				planned("d", "", func(ns *migrate.Namespace) { ns.Action = migrate.ActionSkip }),
				planned("e", "baseline", func(ns *migrate.Namespace) {
					ns.Current.Enforce, ns.Labels[api.EnforceLevelLabel] = "restricted", "restricted"
				}),
				planned("f; rm", "baseline"),
				planned("g", "baseline", func(ns *migrate.Namespace) { ns.Terminating = true }),
			},
			left: []Left{
				{"a", Enforce, ofOwner},
				{"b", Enforce, cannot},
				{"c", Enforce, "its labels were not read"},
				{"d", Enforce, "nothing is recommended for it"},
				{"e", Enforce, "the enforce that is needed is looser than today's: ask for it with --enforce when the plan is made, or mend the workloads"},
				{"f; rm", Enforce, "its name is not a valid namespace name"},
				{"g", Enforce, "it is being deleted"},
			},
		},
		{name: "an owner with force", namespaces: []migrate.Namespace{planned("a", "baseline", owned)}, o: Options{Force: true}, want: []Step{observe("a")}},
		{
			name: "bypass after enforce", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "baseline")}, policies: []string{"restricted"},
			o:    Options{Stages: []Stage{Bypass, Enforce}, Batch: 1},
			want: []Step{at(enforce("a", "baseline"), 0, ""), at(enforce("b", "baseline"), 1, ""), at(past[0], 2, ""), at(past[1], 2, ""), at(past[2], 2, ""), at(past[3], 3, "")},
		},
		{
			name: "bypass before enforce", namespaces: []migrate.Namespace{planned("a", "baseline"), planned("b", "")}, o: Options{Stages: []Stage{Bypass}},
			left: []Left{{"a", Bypass, "its enforce label is not on yet: take the stage enforce first"}, {"b", Bypass, cannot}},
		},
		{
			name: "no name sorts before", namespaces: []migrate.Namespace{planned("a", "baseline")}, policies: []string{"0", "x"},
			o: Options{Stages: []Stage{Enforce, Bypass}}, want: []Step{enforce("a", "baseline")}, left: []Left{{"a", Bypass, "no policy can be named so that it sorts before 0"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := &migrate.Plan{Namespaces: tt.namespaces}
			for _, name := range tt.policies {
				plan.Policies = append(plan.Policies, migrate.Policy{Name: name})
			}
			steps, left := Steps(plan, tt.o)
			if diff := cmp.Diff(tt.want, steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.left, left); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
			if err := checkSteps(steps); err != nil {
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
		got := bypassName(policies)
		if got != tt.want {
			t.Errorf("among %v: %q, want %q", tt.policies, got, tt.want)
		}
		if got == "" {
			continue
		}
		if !isBypassName(got) {
			t.Errorf("%q would be refused in a journal", got)
		}
		for _, name := range tt.policies {
			if !isBypassName(name) && name <= got {
				t.Errorf("%q does not sort before %q", got, name)
			}
		}
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	workload := func(name string, level api.Level) migrate.Workload {
		w := migrate.Workload{Kind: "DaemonSet", Name: name}
		w.Level.DayAfter = level
		return w
	}
	some := []migrate.Workload{workload("p", "privileged"), workload("b", "baseline"), workload("u", "")}
	with := func(ns *migrate.Namespace) { ns.Workloads = some }
	plan := &migrate.Plan{Namespaces: []migrate.Namespace{planned("a", "baseline", with), planned("b", "", with), planned("c", "restricted", with)}}
	if diff := cmp.Diff([]string{"a/daemonset/p", "c/daemonset/p", "c/daemonset/b"}, Known(plan)); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
}

func TestStagesAreOrdered(t *testing.T) {
	t.Parallel()
	if !slices.Equal(Stages(), []Stage{Observe, Enforce, Bypass}) {
		t.Errorf("stages %v", Stages())
	}
}
