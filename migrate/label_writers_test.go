package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func TestWriters(t *testing.T) {
	t.Parallel()
	argo := inventory.LabelWriter{
		Object: "Application argocd/pay", Path: "spec.x", Labels: map[string]string{api.EnforceLevelLabel: "privileged", api.WarnLevelLabel: "baseline"},
		Position: pspparse.Position{File: "argo.yaml", Line: 4},
	}
	edge, fleet := argo, argo
	edge.OtherCluster, edge.Position = "edge", pspparse.Position{}
	fleet.Object, fleet.Labels, fleet.PrunesLabels = "fleet.yaml", nil, true
	tests := []struct {
		name     string
		writers  []inventory.LabelWriter
		managers map[string][]string
		owner    string
		cautions []string
	}{
		{name: "none"},
		{
			"one",
			[]inventory.LabelWriter{argo},
			map[string][]string{api.EnforceLevelLabel: {"argocd-controller"}},
			"Application argocd/pay",
			[]string{"Application argocd/pay writes enforce=privileged, warn=baseline on namespace pay: change it there (spec.x, argo.yaml:4)"},
		},
		{
			"of another cluster",
			[]inventory.LabelWriter{edge},
			nil, "",
			[]string{"Application argocd/pay writes enforce=privileged, warn=baseline on namespace pay of another cluster (edge): if it is this one, change it there (spec.x)"},
		},
		{"one that prunes", []inventory.LabelWriter{edge, fleet}, nil, "fleet.yaml", []string{
			"fleet.yaml takes away every label that it does not name on namespace pay: change it there (spec.x, argo.yaml:4)",
			"Application argocd/pay writes enforce=privileged, warn=baseline on namespace pay of another cluster (edge): if it is this one, change it there (spec.x)",
		}},
	}
	for _, tt := range tests {
		ns := &inventory.Namespace{Name: "pay", LabelWriters: tt.writers, LabelManagers: tt.managers}
		if diff := cmp.Diff(tt.cautions, message.Texts(labelWriterCautions(ns))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if got := labelOwner(ns); got != tt.owner {
			t.Errorf("%s: owner %q, want %q", tt.name, got, tt.owner)
		}
	}
}

func TestOpenShiftSyncs(t *testing.T) {
	t.Parallel()
	all := func(manager string) map[string][]string {
		out := map[string][]string{}
		for _, key := range inventory.PodSecurityLabelKeys() {
			out[key] = []string{manager}
		}
		return out
	}
	const optOut = OpenShiftSyncOptOutLabel
	tests := []struct {
		name      string
		namespace string
		bare      bool // without what OpenShift allocates
		labels    map[string]string
		managers  map[string][]string
		want      bool
	}{
		{name: "a project", namespace: "shop", want: true},
		{name: "not of OpenShift", namespace: "shop", bare: true},
		{name: "opted out", namespace: "shop", labels: map[string]string{optOut: "false"}},
		{name: "the platform's", namespace: "openshift-logging"},
		{name: "the platform's, opted in", namespace: "openshift-logging", labels: map[string]string{optOut: "true"}, want: true},
		{name: "default", namespace: "default"},
		{name: "all labels are somebody's", namespace: "shop", managers: all("kubectl-label")},
		{name: "all labels are its own", namespace: "shop", managers: all(openShiftSyncFieldManager), want: true},
		{name: "some labels are somebody's", namespace: "shop", managers: map[string][]string{api.EnforceLevelLabel: {"kubectl-label"}}, want: true},
	}
	for _, tt := range tests {
		ns := &inventory.Namespace{Name: tt.namespace, Labels: tt.labels, LabelManagers: tt.managers}
		if !tt.bare {
			ns.Annotations = map[string]string{"openshift.io/sa.scc.uid-range": "1000680000/10000"}
		}
		if got := isSyncedByOpenShift(ns); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

// What cannot be told of owners is said once, and only of namespaces of which a label would change.
func TestOwnersUnknown(t *testing.T) {
	t.Parallel()
	done := map[string]string{}
	for key, value := range map[string]string{"enforce": "restricted", "audit": "restricted", "warn": "restricted"} {
		done[inventory.PodSecurityLabelPrefix+key], done[inventory.PodSecurityLabelPrefix+key+"-version"] = value, "v1.25"
	}
	ns := func(name string, labels map[string]string, unknown bool, annotations map[string]string) inventory.Namespace {
		return inventory.Namespace{Name: name, UID: name, Declared: true, Labels: labels, OwnersUnknown: unknown, Annotations: annotations}
	}
	const text = " read without managedFields, so whether another tool owns the labels is not known: save them with 'kubectl get namespaces --show-managed-fields -o yaml'"
	rancher := map[string]string{"field.cattle.io/projectId": "c:p"}
	tests := []struct {
		name       string
		namespaces []inventory.Namespace
		want       []string
		cautions   []string // of the last namespace
	}{
		{"known", []inventory.Namespace{ns("a", nil, false, nil)}, nil, []string{}},
		{"nothing to change", []inventory.Namespace{ns("a", done, true, rancher)}, nil, []string{}},
		{"one", []inventory.Namespace{ns("a", nil, true, nil), ns("b", nil, false, nil)}, []string{"1 namespace whose labels would change was" + text}, []string{}},
		{"two", []inventory.Namespace{ns("a", nil, true, nil), ns("b", nil, true, rancher)}, []string{"2 namespaces whose labels would change were" + text}, []string{
			`it is in a project of Rancher, whose webhook refuses a change of these labels to users without the verb "updatepsa" on projects of management.cattle.io`,
		}},
		{"OpenShift's", []inventory.Namespace{ns("a", nil, true, map[string]string{"openshift.io/sa.scc.mcs": "s0"})}, nil, []string{
			"OpenShift's label syncer sets these labels by the SecurityContextConstraints that the accounts of the namespace may use: to set them yourself, give it the label security.openshift.io/scc.podSecurityLabelSync=false first",
		}},
	}
	for _, tt := range tests {
		b := inventory.NewBuilder()
		for _, n := range tt.namespaces {
			b.AddNamespace(n)
		}
		plan, err := Build(b.Build(inventory.Source{Kind: inventory.SourceCluster, ServerVersion: "v1.25.0"}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, message.Texts(plan.Cautions)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.cautions, message.Texts(plan.Namespaces[len(plan.Namespaces)-1].Cautions)); diff != "" {
			t.Errorf("%s: cautions of the namespace (-want +got):\n%s", tt.name, diff)
		}
	}
}
