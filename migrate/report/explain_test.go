package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Only what a policy fills in and a check of the level as admitted asks for carries a workload to that level.
func TestCarried(t *testing.T) {
	t.Parallel()
	filled := func(path string) migrate.TemplateMutation { return migrate.TemplateMutation{Path: path, Policy: "p"} }
	fails := func(check string, l api.Level) migrate.Violation { return migrate.Violation{Check: check, Level: l} }
	const baseline, restricted, privileged = api.LevelBaseline, api.LevelRestricted, api.LevelPrivileged
	at := func(admitted, after api.Level) migrate.WorkloadLevels {
		return migrate.WorkloadLevels{AsAdmitted: admitted, AfterPSP: after}
	}
	all := []migrate.TemplateMutation{
		filled("spec.securityContext.seccompProfile"), filled("spec.securityContext.fsGroup"), filled("spec.runtimeClassName"),
		filled("spec.initContainers[0].securityContext.capabilities.drop"), filled("spec.containers[0].securityContext.capabilities.drop"),
		filled("metadata.annotations[container.apparmor.security.beta.kubernetes.io/securityContext.runAsNonRoot]"),
		{Path: "spec.containers[0].securityContext.allowPrivilegeEscalation"},
	}
	violations := []migrate.Violation{
		fails("capabilities_restricted", restricted), fails("seccompProfile_restricted", restricted), fails("allowPrivilegeEscalation", restricted),
	}
	tests := map[string]struct {
		workload migrate.Workload
		want     []string
	}{
		"what is asked, each field once": {migrate.Workload{Evaluation: &migrate.Evaluation{Levels: at(restricted, baseline), Mutations: all, Violations: violations}}, []string{"capabilities.drop", "seccompProfile"}},
		"the same level on the day after": {
			migrate.Workload{Evaluation: &migrate.Evaluation{Levels: at(restricted, restricted), Mutations: all, Violations: violations}}, nil,
		},
		"another level is asked by nobody": {migrate.Workload{Evaluation: &migrate.Evaluation{Levels: at(baseline, privileged), Mutations: all, Violations: violations}}, nil},
		"a level that is not known":        {migrate.Workload{Evaluation: &migrate.Evaluation{Levels: at("", baseline), Mutations: all, Violations: violations}}, nil},
		"nothing is filled in":             {migrate.Workload{Evaluation: &migrate.Evaluation{Levels: at(restricted, baseline), Violations: violations}}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, mutatedFieldsThatCount(&tt.workload)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLevelChoices: where one thing alone makes a policy privileged, one word is not the whole answer.
func TestLevelChoices(t *testing.T) {
	t.Parallel()
	hostPath, ports := message.New("miss-host-path"), message.New("miss-host-ports", "ports", []string{"80"})
	for _, test := range []struct {
		name    string
		level   api.Level
		misses  []message.Message
		want    string
		choices int
	}{
		{"one", api.LevelPrivileged, []message.Message{hostPath}, "would be baseline but for hostPath (any path, writable)", 3},
		{"two", api.LevelPrivileged, []message.Message{hostPath, ports}, "would be baseline but for hostPath (any path, writable) and host ports (80)", 0},
		{"of baseline", api.LevelBaseline, []message.Message{message.New("miss-drop-of-all")}, "would be restricted but for capabilities (ALL is not dropped)", 0},
	} {
		po := &migrate.Policy{ClosestLevel: test.level, NearestMiss: test.misses}
		if got, choices := NearestMissText(po), levelChoices(po); got != test.want || len(choices) != test.choices {
			t.Errorf("%s: got %q with %d choices, want %q with %d", test.name, got, len(choices), test.want, test.choices)
		}
	}
}
