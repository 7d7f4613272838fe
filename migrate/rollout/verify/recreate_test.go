package verify

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"
)

// The server is asked for a pod of every template that nothing else stands for, in a dry run and with nothing else.
func TestRecreateOne(t *testing.T) {
	t.Parallel()
	template := `template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}`
	objects := join(shop,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: ok}, spec: {`+template+`}}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: psa}, spec: {`+template+`}}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: psp}, spec: {`+template+`}}`,
		`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: ok-1, `+ownedBy("Deployment", "ok", "d")+`}, spec: {`+template+`}}`,
		`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {volumeClaimTemplates: [{metadata: {name: data}}], `+template+`}}`,
		`{apiVersion: batch/v1, kind: CronJob, metadata: {name: rbac}, spec: {jobTemplate: {spec: {`+template+`}}}}`,
		`{apiVersion: v1, kind: PodTemplate, metadata: {name: quota}, `+template+`}`,
	)
	c := fakeCluster(t, objects)
	var asked []string
	var db map[string]any
	probes := 0
	c.PrependReactor("create", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		create := a.(clienttesting.CreateActionImpl)
		u := create.Object.(*unstructured.Unstructured)
		if u.GetGenerateName() == "psp2pss-probe-" {
			if probes++; probes < 3 { // admission has not noticed the label yet
				return true, u, nil
			}
			return true, nil, forbidden(`violates PodSecurity "baseline:v1.25": privileged`)
		}
		asked = append(asked, fmt.Sprint(create.GetResource().Resource, " ", create.GetNamespace(), "/", u.GetGenerateName(), " ", create.CreateOptions.DryRun))
		switch answer := map[string]string{"psa-": refusedPSA, "psp-": refusedPSP, "quota-": refusedQuota, "rbac-": "pods is forbidden: User \"u\" cannot create resource \"pods\""}; {
		case u.GetGenerateName() == "db-":
			db = u.Object
		case answer[u.GetGenerateName()] != "":
			return true, nil, forbidden(answer[u.GetGenerateName()])
		}
		u = u.DeepCopy()
		u.SetAnnotations(map[string]string{policyAnnotation: "open"})
		return true, u, nil
	})
	got, err := CheckNamespaces(t.Context(), Verification{Client: c, Namespaces: []string{"shop"}, Labels: map[string]map[string]*string{"shop": {}}, RecreateOne: true, Poll: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	if probes != 3 {
		t.Errorf("probed %d times, want until the label is noticed, and no longer: 3", probes)
	}
	const taken = `the server would take its pod, with what the policy "open" sets, which whoever runs this may use`
	const hidden = "refused for another reason, which hides what Pod Security would say: "
	want := []CheckResult{
		row(CheckRecreate, "cronjob/rbac", StatusUnknown, `pods is forbidden: User "u" cannot create resource "pods"; grant: create pods`),
		row(CheckRecreate, "deployment/ok", StatusOK, taken),
		row(CheckRecreate, "deployment/psa", StatusNotOK, refusedPSA),
		row(CheckRecreate, "deployment/psp", StatusUnknown, "whoever runs this may not use a policy that admits it, which says nothing of its own account: "+refusedPSP),
		row(CheckRecreate, "podtemplate/quota", StatusUnknown, hidden+refusedQuota),
		row(CheckRecreate, "statefulset/db", StatusOK, taken),
	}
	if diff := cmp.Diff(want, only(got, CheckRecreate), sameResults()); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if len(asked) != len(want) {
		t.Errorf("asked %d times: %v", len(asked), asked)
	}
	for _, a := range c.Actions() {
		if create, ok := a.(clienttesting.CreateActionImpl); ok && cmp.Equal(create.CreateOptions.DryRun, []string{"All"}) {
			continue
		}
		if verb := a.GetVerb(); verb != "get" && verb != "list" {
			t.Errorf("sent %s %s, want get, list and creates that are dry runs", verb, a.GetResource().Resource)
		}
	}
	wantPod := map[string]any{}
	if err := yaml.Unmarshal([]byte(`{apiVersion: v1, kind: Pod, metadata: {generateName: db-, namespace: shop, labels: {a: b}}, spec: {
		containers: [{name: c, image: i, resources: {}}], volumes: [{name: data, persistentVolumeClaim: {claimName: data-db-0}}]}}`), &wantPod); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantPod, db); diff != "" {
		t.Errorf("pod of a stateful set (-want +got):\n%s", diff)
	}
}

func forbidden(message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Code: 403, Message: message}}
}

// Where the server never refuses what the level forbids, its yes to other pods is worth nothing, and that is told.
func TestRecreateUnnoticed(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, shop)
	c.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		return true, a.(clienttesting.CreateActionImpl).Object, nil
	})
	got, err := CheckNamespaces(t.Context(), Verification{Client: c, Namespaces: []string{"shop"}, Labels: map[string]map[string]*string{"shop": {}}, RecreateOne: true, Poll: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	want := []CheckResult{
		row(CheckRecreate, "", StatusUnknown, "the server takes from whoever runs this what baseline forbids: an exemption, or it has not noticed the label; so that it would take other pods says nothing"),
		row(CheckRecreate, "", StatusOK, "there is no template that a pod could be made of"),
	}
	if diff := cmp.Diff(want, only(got, CheckRecreate), sameResults()); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}
