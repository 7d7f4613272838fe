package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
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
