package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func TestCurrentLabels(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		labels   map[string]string
		want     PodSecurityLabels
		cautions []string
	}{
		"none":     {},
		"not ours": {labels: map[string]string{"app": "x", "kubernetes.io/metadata.name": "x"}},
		"all six": {
			labels: map[string]string{
				api.EnforceLevelLabel: "baseline", api.EnforceVersionLabel: "v1.25", api.AuditLevelLabel: "restricted",
				api.AuditVersionLabel: "latest", api.WarnLevelLabel: "restricted", api.WarnVersionLabel: "v1.30",
			},
			want: PodSecurityLabels{"baseline", "v1.25", "restricted", "latest", "restricted", "v1.30"},
		},
		"invalid enforce is restricted to the server": {
			labels:   map[string]string{api.EnforceLevelLabel: "Baseline"},
			want:     PodSecurityLabels{Enforce: "Baseline"},
			cautions: []string{`the label pod-security.kubernetes.io/enforce="Baseline" is invalid: the server takes it for restricted`},
		},
		"invalid warn is privileged to the server": {
			labels:   map[string]string{api.WarnLevelLabel: ""},
			cautions: []string{`the label pod-security.kubernetes.io/warn="" is invalid: the server takes it for privileged`},
		},
		"versions with a leading zero, without v, of another major": {
			labels: map[string]string{api.EnforceVersionLabel: "v1.05", api.AuditVersionLabel: "1.25", api.WarnVersionLabel: "v2.0"},
			want:   PodSecurityLabels{EnforceVersion: "v1.05", AuditVersion: "1.25", WarnVersion: "v2.0"},
			cautions: []string{
				`the label pod-security.kubernetes.io/audit-version="1.25" is invalid: the server takes it for latest`,
				`the label pod-security.kubernetes.io/enforce-version="v1.05" is invalid: the server takes it for latest`,
				`the label pod-security.kubernetes.io/warn-version="v2.0" is invalid: the server takes it for latest`,
			},
		},
		"unknown key under the prefix": {
			labels: map[string]string{"pod-security.kubernetes.io/enforced": "restricted", "pod-security.kubernetes.io/bogus": "x"},
			cautions: []string{
				`the label "pod-security.kubernetes.io/bogus" is unknown under this prefix and the server ignores it`,
				`the label "pod-security.kubernetes.io/enforced" is unknown under this prefix and the server ignores it; pod-security.kubernetes.io/enforce is meant`,
			},
		},
		"misspelt prefix": {
			labels:   map[string]string{"pod-security.kubernets.io/enforce": "restricted"},
			cautions: []string{`the label "pod-security.kubernets.io/enforce" is not a Pod Security label and the server ignores it; pod-security.kubernetes.io/enforce is meant`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, cautions := readPodSecurityLabels(tt.labels)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.cautions, message.Texts(cautions)); diff != "" {
				t.Errorf("cautions (-want +got):\n%s", diff)
			}
		})
	}
}

// What we say the server makes of an invalid value is what upstream's own code makes of it.
func TestInvalidLabelsAsUpstream(t *testing.T) {
	t.Parallel()
	defaults := api.Policy{
		Enforce: api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()},
		Audit:   api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()},
		Warn:    api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()},
	}
	labels := map[string]string{api.EnforceLevelLabel: "x", api.AuditLevelLabel: "x", api.WarnLevelLabel: "x", api.EnforceVersionLabel: "1.25"}
	policy, errs := api.PolicyToEvaluate(labels, defaults)
	if len(errs) != 4 || errs[0].Type != field.ErrorTypeInvalid {
		t.Fatalf("upstream found %v, want four invalid values", errs)
	}
	want := api.Policy{
		Enforce: api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()},
		Audit:   api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()},
		Warn:    api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()},
	}
	if policy != want {
		t.Errorf("upstream takes the labels for %v, we say %v", policy, want)
	}
	ns := Namespace{Labels: labels}
	if got := ns.EffectivePolicyToday(); got != policy {
		t.Errorf("today %v, upstream enforces %v", got, policy)
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ns   inventory.Namespace
		want string
	}{
		"a person with kubectl": {ns: inventory.Namespace{LabelManagers: map[string][]string{api.EnforceLevelLabel: {"kubectl-label"}}}},
		"this tool":             {ns: inventory.Namespace{LabelManagers: map[string][]string{api.EnforceLevelLabel: {"psp2pss"}}}},
		"a controller":          {ns: inventory.Namespace{LabelManagers: map[string][]string{api.WarnLevelLabel: {"kubectl-edit", "label-syncer"}}}, want: "field manager label-syncer"},
		"another label's owner": {ns: inventory.Namespace{LabelManagers: map[string][]string{"team": {"label-syncer"}}}},
		"Argo CD":               {ns: inventory.Namespace{Annotations: map[string]string{"argocd.argoproj.io/tracking-id": "a"}}, want: "Argo CD"},
		"Helm by label":         {ns: inventory.Namespace{Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}}, want: "Helm"},
		"managed by a person":   {ns: inventory.Namespace{Labels: map[string]string{"app.kubernetes.io/managed-by": "me"}}},
		"label syncer off":      {ns: inventory.Namespace{Labels: map[string]string{"security.openshift.io/scc.podSecurityLabelSync": "false"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := labelOwner(&tt.ns); got != tt.want {
				t.Errorf("owner = %q, want %q", got, tt.want)
			}
		})
	}
}
