package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
)

// What a kind can change: every kind that is read has an answer here.
func TestPartOf(t *testing.T) {
	t.Parallel()
	want := map[string]GapPart{
		"ClusterRole": PartGrants, "ClusterRoleBinding": PartGrants, "Role": PartGrants, "RoleBinding": PartGrants, "ServiceAccount": PartGrants,
		"CronJob": PartWorkloads, "DaemonSet": PartWorkloads, "Deployment": PartWorkloads, "Job": PartWorkloads, "Pod": PartWorkloads, "PodTemplate": PartWorkloads,
		"ReplicaSet": PartWorkloads, "ReplicationController": PartWorkloads, "StatefulSet": PartWorkloads,
		"PodSecurityPolicy": PartPolicies, "Namespace": "",
	}
	got := map[string]GapPart{}
	for i := range objectKinds {
		got[objectKinds[i].name] = PartOfKind("", objectKinds[i].name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, foreign := range [][2]string{{"batch.volcano.sh/v1alpha1", "Job"}, {"", "Widget"}, {"apps/v1", "deployment"}} {
		if got := PartOfKind(foreign[0], foreign[1]); got != "" {
			t.Errorf("%v can change %q; want anything", foreign, got)
		}
	}
}

// A document that cannot be read, or a name that stands for two objects, can change what its kind says.
func TestGapsSayWhatTheyCanChange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		documents  [][2]string // kind, JSON
		changes    GapPart
		namespaces []string
	}{
		{"a binding of a wrong type", [][2]string{{"RoleBinding", `{"metadata":{"name":"b","namespace":"web"},"subjects":"x"}`}}, PartGrants, []string{"web"}},
		{"a binding twice", [][2]string{
			{"ClusterRoleBinding", `{"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[]}`},
			{"ClusterRoleBinding", `{"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"q"},"subjects":[]}`},
		}, PartGrants, []string{"*"}},
		{"a role under a bad name", [][2]string{{"Role", `{"metadata":{"name":"a/b","namespace":"web"}}`}}, PartGrants, []string{"web"}},
		{"an account twice", [][2]string{
			{"ServiceAccount", `{"metadata":{"name":"b","namespace":"web"}}`},
			{"ServiceAccount", `{"metadata":{"name":"b","namespace":"web"},"automountServiceAccountToken":false}`},
		}, PartGrants, []string{"web"}},
		{"a workload without containers", [][2]string{{"Deployment", `{"metadata":{"name":"b","namespace":"web"},"spec":{"template":{}}}`}}, PartWorkloads, []string{"web"}},
		{"a workload with a key twice", [][2]string{{"Deployment", `{"metadata":{"name":"b","namespace":"web"},"spec":{"template":{"spec":{"hostPID":true,"hostPID":false,"containers":[]}}}}`}}, PartWorkloads, []string{"web"}},
		{"a namespace that cannot be read", [][2]string{{"Namespace", `{"metadata":{"name":"web","labels":3}}`}}, "", []string{"web"}},
		{"a namespace with two sets of labels", [][2]string{
			{"Namespace", `{"metadata":{"name":"web","labels":{"team":"x"}}}`},
			{"Namespace", `{"metadata":{"name":"web","labels":{"istio-injection":"enabled"}}}`},
		}, "", []string{"web"}},
		{"a namespace with two levels", [][2]string{
			{"Namespace", `{"metadata":{"name":"web","labels":{"team":"x","pod-security.kubernetes.io/enforce":"baseline"}}}`},
			{"Namespace", `{"metadata":{"name":"web","labels":{"team":"x"}}}`},
		}, PartLabels, []string{"web"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := NewBuilder()
			for i, d := range tt.documents {
				k := kindByName(d[0])
				at := pspparse.Position{File: "f", Line: i + 1}
				if _, err := b.Decode(k.apiVersions[0], d[0], []byte(d[1]), at); err != nil {
					b.AddGap(err.(*DecodeError).Gap(at)) //nolint:errorlint // Decode returns no other
				}
			}
			gaps := b.Build(Source{}).Gaps
			if len(gaps) != 1 {
				t.Fatalf("gaps: %+v", gaps)
			}
			if diff := cmp.Diff(tt.namespaces, gaps[0].Namespaces); diff != "" || gaps[0].Affects != tt.changes {
				t.Errorf("changes %q, want %q; namespaces (-want +got):\n%s", gaps[0].Affects, tt.changes, diff)
			}
		})
	}
}
