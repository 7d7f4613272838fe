package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// refusedPSA and the others are what API servers say.
const (
	refusedPSA   = `pods "x-" is forbidden: violates PodSecurity "baseline:v1.25": privileged (container "c" must not set securityContext.privileged=true)`
	refusedPSP   = `pods "x-" is forbidden: PodSecurityPolicy: unable to admit pod: []`
	refusedQuota = `pods "x-" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1`
)

// fakeCluster has the objects of YAML documents, in the namespace shop where they name none.
func fakeCluster(t *testing.T, documents string) *fake.FakeDynamicClient {
	t.Helper()
	kinds := map[schema.GroupVersionResource]string{
		{Version: "v1", Resource: "namespaces"}: "NamespaceList", {Version: "v1", Resource: "events"}: "EventList", podResource(): "PodList",
		rollout.RoleBindings(): "RoleBindingList",
	}
	for _, k := range rollout.ControllerKinds() {
		kinds[k.Resource] = k.Kind + "List"
	}
	var objects []runtime.Object
	for i, document := range strings.Split(documents, "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		u := &unstructured.Unstructured{Object: object}
		if u.GetKind() != "Namespace" && u.GetNamespace() == "" {
			u.SetNamespace("shop")
		}
		if u.GetName() == "" {
			u.SetName(fmt.Sprint("o", i))
		}
		objects = append(objects, u)
	}
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, objects...)
}

const shop = `{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}}`

func ownedBy(kind, name, uid string) string {
	return fmt.Sprintf(`ownerReferences: [{apiVersion: v1, kind: %s, name: %s, uid: %s, controller: true}]`, kind, name, uid)
}

func pod(owner string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {%s}, status: {phase: Running}}`, ownedBy("X", "x", owner))
}

func event(uid, version, message string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Event, metadata: {resourceVersion: %q}, reason: FailedCreate, involvedObject: {uid: %s}, message: '%s'}`, version, uid, message)
}

func replicaSet(status string) string {
	return fmt.Sprintf(`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-1, uid: rs, generation: 1, %s}, spec: {replicas: 1}, status: {observedGeneration: 1, %s}}`,
		ownedBy("Deployment", "web", "d"), status)
}

func failing(message string) string {
	return fmt.Sprintf(`conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: '%s'}]`, message)
}

func daemonSet(more string) string {
	return `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, uid: ds, generation: 1}, spec: {` + more + `}, status: {observedGeneration: 1, desiredNumberScheduled: 1}}`
}

func job(spec, status string) string {
	return `{apiVersion: batch/v1, kind: Job, metadata: {name: once-1, uid: j, ` + ownedBy("CronJob", "once", "cj") + `}, spec: {` + spec + `}, status: {` + status + `}}`
}

func join(documents ...string) string { return strings.Join(documents, "\n---\n") }

// row is a result of the namespace shop.
func row(what, workload string, status CheckStatus, why string) CheckResult {
	return CheckResult{Namespace: "shop", Check: what, Workload: workload, Status: status, Reason: says(why)}
}

// failingOf is a controller of the namespace shop that lacks pods.
func failingOf(kind, name, message string) rollout.FailingController {
	return rollout.FailingController{Namespace: "shop", Kind: kind, Name: name, Message: message}
}

func noneRefused() CheckResult {
	return row(CheckRefusals, "", StatusOK, "no controller is newly refused pods")
}

func counted(n int) CheckResult {
	return row(CheckPods, "", StatusOK, fmt.Sprintf("controllers that lack no pods: %d", n))
}

func TestVerifyControllers(t *testing.T) {
	t.Parallel()
	const none = "has 0 of 1 pods"
	for _, c := range []struct {
		name    string
		objects string
		before  []rollout.FailingController
		want    []CheckResult
	}{
		{"nothing there", shop, nil, []CheckResult{noneRefused(), counted(0)}},
		{"whole", join(shop, replicaSet(""), pod("rs")), nil, []CheckResult{noneRefused(), counted(1)}},
		{"refused now", join(shop, replicaSet(failing(refusedPSA))), nil, []CheckResult{
			row(CheckRefusals, "deployment/web", StatusNotOK, refusedPSA), row(CheckPods, "deployment/web", StatusNotOK, none),
		}},
		{
			"refused before, too", join(shop, replicaSet(failing(refusedPSA))),
			[]rollout.FailingController{{Namespace: "shop", Kind: "Deployment", Name: "web", Message: refusedPSP}},
			[]CheckResult{
				noneRefused(), row(CheckRefusals, "deployment/web", StatusOK, "as before the roll-out: "+refusedPSA),
				counted(1), row(CheckPods, "deployment/web", StatusOK, "as before the roll-out: "+none),
			},
		},
		{
			"held by a quota before, refused now", join(shop, replicaSet(failing(refusedPSA))),
			[]rollout.FailingController{{Namespace: "shop", Kind: "Deployment", Name: "web", Message: refusedQuota}},
			[]CheckResult{row(CheckRefusals, "deployment/web", StatusNotOK, refusedPSA), row(CheckPods, "deployment/web", StatusNotOK, none)},
		},
		{
			"another namespace's failure before", join(shop, replicaSet(failing(refusedPSA))),
			[]rollout.FailingController{{Namespace: "blog", Kind: "Deployment", Name: "web", Message: refusedPSA}},
			[]CheckResult{row(CheckRefusals, "deployment/web", StatusNotOK, refusedPSA), row(CheckPods, "deployment/web", StatusNotOK, none)},
		},
		{"quota", join(shop, replicaSet(failing(refusedQuota))), nil, []CheckResult{
			row(CheckRefusals, "deployment/web", StatusUnknown, "refused for another reason, which hides what Pod Security would say: "+refusedQuota),
			row(CheckPods, "deployment/web", StatusUnknown, none),
		}},
		{"an event is of the past where a condition tells", join(shop, replicaSet(""), event("rs", "7", refusedPSA)), nil, []CheckResult{
			noneRefused(), row(CheckPods, "deployment/web", StatusNotOK, none),
		}},
		{"whole again", join(shop, replicaSet(""), event("rs", "7", refusedPSA), pod("rs")), nil, []CheckResult{
			noneRefused(), row(CheckRefusals, "deployment/web", StatusOK, "was refused before, and has its pods now: "+refusedPSA), counted(1),
		}},
		{"a pod is going", join(shop, replicaSet(""), `{apiVersion: v1, kind: Pod, metadata: {deletionTimestamp: "2020-01-01T00:00:00Z", `+ownedBy("X", "x", "rs")+`}}`), nil, []CheckResult{
			noneRefused(), row(CheckPods, "deployment/web", StatusUnknown, none+", and 1 being deleted"),
		}},
		{"a finished pod is none", join(shop, replicaSet(""), strings.Replace(pod("rs"), "Running", "Failed", 1)), nil, []CheckResult{
			noneRefused(), row(CheckPods, "deployment/web", StatusNotOK, none),
		}},
		{"not looked at", join(shop, strings.Replace(replicaSet(""), "generation: 1", "generation: 2", 1), pod("rs")), nil, []CheckResult{
			noneRefused(), row(CheckPods, "deployment/web", StatusUnknown, "its controller has not looked at it yet"),
		}},
		{"daemon set: the last event counts", join(shop, daemonSet(""), event("ds", "9", refusedQuota), event("ds", "10", refusedPSA)), nil, []CheckResult{
			row(CheckRefusals, "daemonset/agent", StatusNotOK, refusedPSA), row(CheckPods, "daemonset/agent", StatusNotOK, none),
		}},
		{"daemon set: by the policies", join(shop, daemonSet(""), event("ds", "9", refusedPSP)), nil, []CheckResult{
			row(CheckRefusals, "daemonset/agent", StatusNotOK, refusedPSP), row(CheckPods, "daemonset/agent", StatusNotOK, none),
		}},
		{"daemon set that surges", join(shop, daemonSet("updateStrategy: {rollingUpdate: {maxSurge: 1}}"), event("ds", "9", refusedPSA), pod("ds")), nil, []CheckResult{
			row(CheckRefusals, "daemonset/agent", StatusUnknown, "it is being updated, and has been refused: "+refusedPSA), counted(1),
		}},
		{"stateful set", join(shop, `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, uid: s}, spec: {replicas: 2}}`, event("s", "1", refusedPSA), pod("s")), nil, []CheckResult{
			row(CheckRefusals, "statefulset/db", StatusNotOK, refusedPSA), row(CheckPods, "statefulset/db", StatusNotOK, "has 1 of 2 pods"),
		}},
		{"replication controller", join(shop, `{apiVersion: v1, kind: ReplicationController, metadata: {name: rc, uid: s}, status: {`+failing(refusedPSA)+`}}`), nil, []CheckResult{
			row(CheckRefusals, "replicationcontroller/rc", StatusNotOK, refusedPSA), row(CheckPods, "replicationcontroller/rc", StatusNotOK, none),
		}},
		{"job", join(shop, job("parallelism: 3, completions: 3", "succeeded: 2"), event("j", "1", refusedPSA)), nil, []CheckResult{
			row(CheckRefusals, "cronjob/once", StatusNotOK, refusedPSA), row(CheckPods, "cronjob/once", StatusNotOK, none),
		}},
		{"job between pods", join(shop, job("", "failed: 1")), nil, []CheckResult{
			noneRefused(), row(CheckPods, "cronjob/once", StatusUnknown, none),
		}},
		{"job that is complete", join(shop, job("", `conditions: [{type: Complete, status: "True"}]`), event("j", "1", refusedPSA)), nil, []CheckResult{noneRefused(), counted(0)}},
		{"job that stands still", join(shop, job("suspend: true", "")), nil, []CheckResult{noneRefused(), counted(1)}},
		{"job that failed without a pod", join(shop, job("", `conditions: [{type: Failed, status: "True"}]`), event("j", "1", refusedPSA)), nil, []CheckResult{
			row(CheckRefusals, "cronjob/once", StatusNotOK, refusedPSA), row(CheckPods, "cronjob/once", StatusNotOK, none),
		}},
		{"job that failed by its pods", join(shop, job("", `failed: 7, conditions: [{type: Failed, status: "True"}]`)), nil, []CheckResult{noneRefused(), counted(0)}},
		{"cron job", join(shop, `{apiVersion: batch/v1, kind: CronJob, metadata: {name: once}}`), nil, []CheckResult{
			noneRefused(), row(CheckPods, "", StatusOK, "controllers that lack no pods: 0; cron jobs, which make pods only when they run: 1"),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := CheckNamespaces(t.Context(), Verification{Client: fakeCluster(t, c.objects), Namespaces: []string{"shop"}, Before: c.before})
			if err != nil {
				t.Fatal(err)
			}
			want := append([]CheckResult{row(CheckLabels, "", StatusUnknown, "it is not known which labels are expected: no step of it came to an end")}, c.want...)
			if diff := cmp.Diff(want, got, sameResults()); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyLabels(t *testing.T) {
	t.Parallel()
	const enforce, warn = "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn"
	value := func(s string) *string { return &s }
	for _, c := range []struct {
		name string
		want map[string]map[string]*string
		is   CheckResult
	}{
		{"as planned", map[string]map[string]*string{"shop": {enforce: value("baseline"), warn: nil}}, row(CheckLabels, "", StatusOK, "as planned")},
		{"nothing planned", map[string]map[string]*string{"shop": {}}, row(CheckLabels, "", StatusOK, "no label is planned")},
		{"others", map[string]map[string]*string{"shop": {enforce: value("restricted"), warn: value("restricted")}}, row(CheckLabels, "", StatusNotOK,
			enforce+` is "baseline", and "restricted" is planned; `+warn+` is absent, and "restricted" is planned`)},
		{"one too many", map[string]map[string]*string{"shop": {enforce: nil}}, row(CheckLabels, "", StatusNotOK, enforce+` is "baseline", and absent is planned`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := CheckNamespaces(t.Context(), Verification{Client: fakeCluster(t, shop), Namespaces: []string{"shop"}, Labels: c.want})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]CheckResult{c.is, noneRefused(), counted(0)}, got, sameResults()); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
	gone, err := CheckNamespaces(t.Context(), Verification{Client: fakeCluster(t, shop), Namespaces: []string{"gone"}})
	if err != nil || !cmp.Equal(gone[0], CheckResult{Namespace: "gone", Check: CheckLabels, Status: StatusNotOK, Reason: says("the namespace is gone")}, sameResults()) {
		t.Errorf("a namespace that is gone: %+v, %v", gone, err)
	}
}

// deny answers with what the server says where a right is missing.
func deny(c *fake.FakeDynamicClient, verb, resource string) {
	c.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
	})
}

// What may not be read is told with what to grant, and nothing that rests on it is called ok.
func TestVerifyForbidden(t *testing.T) {
	t.Parallel()
	const no = `%[1]s could not be read: %[1]s is forbidden: no; grant: %[2]s %[1]s`
	labels := row(CheckLabels, "", StatusOK, "no label is planned")
	told := func(what, verb, resource string) CheckResult {
		return row(what, "", StatusUnknown, fmt.Sprintf(no, resource, verb))
	}
	const noSets = `replicasets.apps could not be read: replicasets is forbidden: no; grant: list replicasets.apps`
	wasRefused := row(CheckRefusals, "daemonset/agent", StatusOK, "was refused before, and has its pods now: "+refusedPSA)
	for resource, want := range map[string][]CheckResult{
		"events": {labels, told(CheckRefusals, "list", "events"), counted(2)},
		"replicasets": {
			labels, row(CheckRefusals, "", StatusUnknown, noSets), wasRefused, row(CheckPods, "", StatusUnknown, noSets),
		},
		"pods": {
			labels, row(CheckRefusals, "daemonset/agent", StatusUnknown, "it was refused, and whether its pods have come since could not be read: "+refusedPSA),
			told(CheckPods, "list", "pods"),
		},
		"namespaces": {told(CheckLabels, "get", "namespaces"), noneRefused(), wasRefused, counted(2)},
	} {
		c := fakeCluster(t, join(shop, replicaSet(""), pod("rs"), daemonSet(""), pod("ds"), event("ds", "1", refusedPSA)))
		deny(c, "*", resource)
		got, err := CheckNamespaces(t.Context(), Verification{Client: c, Namespaces: []string{"shop"}, Labels: map[string]map[string]*string{"shop": {}}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, sameResults()); diff != "" {
			t.Errorf("without %s (-want +got):\n%s", resource, diff)
		}
	}
	c := fakeCluster(t, join(shop, replicaSet(""), event("rs", "1", refusedPSA)))
	deny(c, "list", "pods")
	got, err := CheckNamespaces(t.Context(), Verification{Client: c, Namespaces: []string{"shop"}, Labels: map[string]map[string]*string{"shop": {}}})
	if diff := cmp.Diff([]CheckResult{labels, noneRefused(), told(CheckPods, "list", "pods")}, got, sameResults()); diff != "" || err != nil {
		t.Errorf("without pods, and no condition that tells (-want +got):\n%s%v", diff, err)
	}
	c = fakeCluster(t, join(shop, replicaSet(failing(refusedPSA))))
	deny(c, "list", "pods")
	deny(c, "list", "events")
	failures, err := FailingControllers(t.Context(), c, nil)
	want := "in all namespaces: " + fmt.Sprintf(no, "events", "list") + "\nin all namespaces: " + fmt.Sprintf(no, "pods", "list")
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	if diff := cmp.Diff([]rollout.FailingController{failingOf("Deployment", "web", refusedPSA)}, failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// The same that is missing in many namespaces is told once, with the first few of them.
func TestFailingTellsOnceWhatIsMissing(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, shop)
	deny(c, "list", "events")
	deny(c, "list", "pods")
	_, err := FailingControllers(t.Context(), c, []string{"a", "b", "c", "d", "e", "f", "g"})
	const where = `in namespaces "a", "b", "c", "d", "e" and 2 more: `
	want := where + "events could not be read: events is forbidden: no; grant: list events\n" + where + "pods could not be read: pods is forbidden: no; grant: list pods"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = FailingControllers(t.Context(), c, []string{"a"})
	want = strings.ReplaceAll(want, where, `in namespace "a": `)
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What lacks pods now is the baseline with which nothing of it is a failure later.
func TestFailingIsTheBaseline(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, join(shop, replicaSet(failing(refusedPSA)), daemonSet(""), job("", ""), event("j", "1", refusedQuota)))
	failures, err := FailingControllers(t.Context(), c, []string{"shop"})
	if err != nil {
		t.Fatal(err)
	}
	want := []rollout.FailingController{failingOf("CronJob", "once", refusedQuota), failingOf("DaemonSet", "agent", "has 0 of 1 pods"), failingOf("Deployment", "web", refusedPSA)}
	if diff := cmp.Diff(want, failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	results, err := CheckNamespaces(t.Context(), Verification{Client: c, Namespaces: []string{"shop"}, Labels: map[string]map[string]*string{"shop": {}}, Before: failures})
	if err != nil || WorstStatus(results) != StatusOK {
		t.Errorf("verified against itself: %v %+v", err, results)
	}
}

// Waiting ends as soon as the pods are there, and not with the first look.
func TestVerifyWaits(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, join(shop, replicaSet("")))
	looks := 0
	c.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		if looks++; looks < 3 {
			return false, nil, nil
		}
		object := map[string]any{}
		if err := yaml.Unmarshal([]byte(strings.Replace(pod("rs"), "metadata: {", "metadata: {namespace: shop, name: p, ", 1)), &object); err != nil {
			return true, nil, err
		}
		return true, &unstructured.UnstructuredList{
			Object: map[string]any{"apiVersion": "v1", "kind": "PodList"}, Items: []unstructured.Unstructured{{Object: object}},
		}, nil
	})
	results, err := CheckNamespaces(t.Context(), Verification{
		Client: c, Namespaces: []string{"shop"}, Labels: map[string]map[string]*string{"shop": {}}, Wait: time.Hour, Poll: time.Millisecond,
	})
	if err != nil || WorstStatus(results) != StatusOK || looks != 3 {
		t.Errorf("after %d looks: %v %+v", looks, err, results)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := CheckNamespaces(ctx, Verification{Client: c, Namespaces: []string{"shop"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

// What steps have written, by what the journal has of them.
func TestWrittenLabels(t *testing.T) {
	t.Parallel()
	const observed = `{"step": %d, "event": "begun", "before": {"labels": {"pod-security.kubernetes.io/enforce": "privileged", "pod-security.kubernetes.io/warn": null}}}`
	steps := append([]rollout.Step{observe("a"), enforce("a", "baseline"), observe("b")}, bypass("c")...)
	steps = append(steps, enforce("d", "baseline"), observe("e"), enforce("e", "baseline"))
	var entries []string
	for i, e := range []rollout.Event{rollout.Done, rollout.Undone, rollout.Refused, rollout.Done, rollout.Done, rollout.Done, rollout.Altered, rollout.Undone, rollout.Altered} {
		entries = append(entries, fmt.Sprintf(observed, i), eventOf(i, e))
	}
	want := map[string]map[string]*string{
		"a": {api.WarnLevelLabel: text("restricted"), api.AuditLevelLabel: text("restricted"), api.EnforceLevelLabel: text("privileged"), api.EnforceVersionLabel: nil},
		"c": {},
		"d": {api.EnforceLevelLabel: text("baseline"), api.EnforceVersionLabel: text("v1.25")}, // altered, so it counts
		"e": {api.WarnLevelLabel: nil, api.AuditLevelLabel: nil},                               // altered too, but taken back
	}
	if diff := cmp.Diff(want, WrittenLabels(journalOf(t, steps, entries...))); diff != "" {
		t.Errorf("written labels (-want +got):\n%s", diff)
	}
}

func only(results []CheckResult, what string) []CheckResult {
	var out []CheckResult
	for _, r := range results {
		if r.Check == what {
			out = append(out, r)
		}
	}
	return out
}
