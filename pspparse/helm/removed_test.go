package helm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes/scheme" //nolint:depguard // the one list of all types of k8s.io/api; it reaches no cluster
)

// The table has what the types of k8s.io/api say of themselves, no more and no less, and beside that only kinds of which
// there is no such type.
func TestRemovals(t *testing.T) {
	t.Parallel()
	var want []string
	for gvk := range scheme.Scheme.AllKnownTypes() {
		o, err := scheme.Scheme.New(gvk)
		if err != nil {
			t.Fatal(err)
		}
		ends, ok := o.(interface{ APILifecycleRemoved() (major, minor int) })
		if !ok || strings.HasSuffix(gvk.Kind, "List") {
			continue
		}
		major, minor := ends.APILifecycleRemoved()
		want = append(want, fmt.Sprintf("%s %s v%d.%d", gvk.GroupVersion(), gvk.Kind, major, minor))
	}
	if len(want) < 50 {
		t.Fatalf("k8s.io/api says it of %d kinds only: %v", len(want), want)
	}
	outside := removedAPIsWithoutTypes()
	for _, r := range outside {
		for _, kind := range strings.Fields(r.kinds) {
			if slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(w, r.apiVersion+" "+kind+" ") }) {
				t.Errorf("k8s.io/api has %s %s: it belongs into the other table", r.apiVersion, kind)
			}
			want = append(want, fmt.Sprintf("%s %s v1.%d", r.apiVersion, kind, r.minor))
		}
	}
	var got []string
	for _, r := range removedAPIs() {
		for _, kind := range strings.Fields(r.kinds) {
			got = append(got, fmt.Sprintf("%s %s v1.%d", r.apiVersion, kind, removedIn(r.apiVersion, kind)))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Objects in versions with an end are found however they are written, and no others.
func TestFindRemoved(t *testing.T) {
	t.Parallel()
	const (
		current  = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: new}\n"
		quoted   = "---\n\"apiVersion\": 'batch/v1beta1'\nkind: CronJob\nmetadata: {name: night, namespace: jobs}\n"
		inList   = "---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: extensions/v1beta1 # old\n  kind: Ingress\n  metadata: {name: door}\n- {apiVersion: v1, kind: Service, metadata: {name: web}}\n"
		ofList   = "---\napiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscalerList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n"
		json     = "---\n{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io\\u002fv1beta1\",\"metadata\":{\"name\":\"e\"}}\n"
		mentions = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {text: 'apiVersion: policy/v1beta1'}\n"
		own      = "---\napiVersion: policy/v1beta1\nkind: PodDisruptionPlan\nmetadata: {name: x}\n"
		broken   = "---\napiVersion: policy/v1beta1\nkind: [\n"
	)
	document := func(apiVersion, kind, namespace, name string, at, in int) Document {
		return Document{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name, At: at, RemovedIn: in}
	}
	hooked := document("policy/v1beta1", "PodDisruptionBudget", "", "web", 1, 25)
	hooked.Hook, hooked.Events = true, []string{"pre-rollback"}
	manifest := current + pdb + quoted + inList + ofList + json + mentions + own + broken + policy
	r, err := DecodeRelease(packed(t, release(manifest, "["+hookOf(t, pdb, "pre-rollback")+"]")))
	if err != nil {
		t.Fatal(err)
	}
	want := []Document{
		document("policy/v1beta1", "PodDisruptionBudget", "", "web", 2, 25),
		document("batch/v1beta1", "CronJob", "jobs", "night", 3, 25),
		document("extensions/v1beta1", "Ingress", "", "door", 4, 22),
		document("autoscaling/v2beta2", "HorizontalPodAutoscaler", "", "a", 5, 26),
		document("autoscaling/v2beta2", "HorizontalPodAutoscaler", "", "b", 5, 26),
		document("discovery.k8s.io/v1beta1", "EndpointSlice", "", "e", 6, 25),
		hooked,
	}
	if diff := cmp.Diff(want, r.Removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Document{{APIVersion: "policy/v1beta1", Kind: "PodSecurityPolicy", Name: "web", At: 10}}, r.Policies); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	h := GroupByRelease([]Release{r})[0]
	if diff := cmp.Diff(FailingOperations{Upgrade: true, Rollback: []int{3}, Uninstall: true}, h.FailingOperations(RemovedObjectsBy(25))); diff != "" {
		t.Errorf("failures at v1.25 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(FailingOperations{}, h.FailingOperations(RemovedObjectsBy(21))); diff != "" {
		t.Errorf("failures at v1.21 (-want +got):\n%s", diff)
	}
}

// Cleaning takes out the policies and leaves the rest, which is still told afterwards.
func TestRemovedOutliveCleaning(t *testing.T) {
	t.Parallel()
	cleaned, err := RemovePolicies(packed(t, release(service+policy+pdb, "null")))
	if err != nil {
		t.Fatal(err)
	}
	r, err := DecodeRelease(cleaned.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Policies) != 0 || len(r.Removed) != 1 || r.Removed[0].Kind != "PodDisruptionBudget" {
		t.Errorf("policies %v, removed %v", r.Policies, r.Removed)
	}
}
