package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
)

func TestPodSecurityLabels(t *testing.T) {
	t.Parallel()
	want := []string{
		api.EnforceLevelLabel, api.EnforceVersionLabel, api.AuditLevelLabel, api.AuditVersionLabel, api.WarnLevelLabel, api.WarnVersionLabel,
	}
	if diff := cmp.Diff(want, PodSecurityLabelKeys()); diff != "" {
		t.Errorf("(-library +ours):\n%s", diff)
	}
}
