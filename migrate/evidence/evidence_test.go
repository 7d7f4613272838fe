package evidence_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/evidence"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// event is a request to create a pod, as kube-apiserver v1.24 logs it.
type event struct {
	id, user, ns, name, policy, sent, stored, more string
	code                                           int
	annotations                                    map[string]string
}

func (e event) line() string {
	text := ""
	if e.policy != "" {
		text = fmt.Sprintf(`"podsecuritypolicy.policy.k8s.io/admit-policy":%q,"podsecuritypolicy.policy.k8s.io/validate-policy":%q`, e.policy, e.policy)
	}
	for k, v := range e.annotations {
		text += fmt.Sprintf(`,%q:%q`, k, v)
	}
	level := "Metadata"
	objects := ""
	if e.sent != "" {
		level, objects = "Request", `,"requestObject":`+e.sent
	}
	if e.stored != "" {
		level, objects = "RequestResponse", objects+`,"responseObject":`+e.stored
	}
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":%q,"auditID":%q,"stage":"ResponseComplete","requestURI":"/api/v1/namespaces/%s/pods%s","verb":"create","user":{"username":%q,"groups":["system:authenticated"]},`+
		`"objectRef":{"resource":"pods","namespace":%q,"name":%q,"apiVersion":"v1"},"responseStatus":{"code":%d,"message":%q}%s,"stageTimestamp":"2026-01-02T03:04:0%d.000000Z","annotations":{%s}}`,
		level, e.id, e.ns, "", e.user, e.ns, e.name, e.code, e.more, objects, len(e.id)%10, strings.TrimPrefix(text, ","))
}

func readLog(t *testing.T, lines ...string) *evidence.Log {
	t.Helper()
	l, err := evidence.Read(t.Context(), []string{"-"}, strings.NewReader(strings.Join(lines, "\n")))
	if err != nil || len(l.Summary.Broken) > 0 {
		t.Fatal(err, l)
	}
	return l
}

const (
	sentPod   = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"shop"},"spec":{"containers":[{"name":"c","image":"i"}]}}`
	storedPod = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"shop","uid":"u-1","annotations":{"kubernetes.io/psp":"strict"}},"spec":{"containers":[{"name":"c","image":"i","securityContext":{"runAsUser":1000,"readOnlyRootFilesystem":true}}],"securityContext":{"fsGroup":7},"serviceAccountName":"default"}}`
)

// What a policy changed is the difference of what was sent and what is stored, without what webhooks changed.
func TestMutations(t *testing.T) {
	t.Parallel()
	all := []psp.MutatedField{
		{Path: "spec.securityContext.fsGroup", Value: "7"},
		{Path: "spec.containers[0].securityContext.runAsUser", Container: "c", Value: "1000"},
		{Path: "spec.containers[0].securityContext.readOnlyRootFilesystem", Container: "c", Value: "true"},
	}
	const call, patch = "mutation.webhook.admission.k8s.io/round_0_index_0", "patch.webhook.admission.k8s.io/round_0_index_0"
	const mutated = `{"configuration":"a","webhook":"b","mutated":true}`
	for name, c := range map[string]struct {
		event event
		want  evidence.Admitted
	}{
		"changed":                    {event{sent: sentPod, stored: storedPod}, evidence.Admitted{Changed: 1, Mutations: all}},
		"unchanged":                  {event{sent: strings.Replace(storedPod, `"uid":"u-1",`, "", 1), stored: storedPod}, evidence.Admitted{Unchanged: 1}},
		"request only":               {event{sent: sentPod}, evidence.Admitted{}},
		"a webhook that did nothing": {event{sent: sentPod, stored: storedPod, annotations: map[string]string{call: strings.Replace(mutated, "true", "false", 1)}}, evidence.Admitted{Changed: 1, Mutations: all}},
		"a webhook's patch": {event{sent: sentPod, stored: storedPod, annotations: map[string]string{
			call: mutated, patch: `{"configuration":"a","webhook":"b","patch":[{"op":"add","path":"/spec/containers/0/securityContext/runAsUser","value":1000}],"patchType":"JSONPatch"}`,
		}}, evidence.Admitted{Changed: 1, Mutations: []psp.MutatedField{all[0], all[2]}}},
		"a patch that is not shown": {event{sent: sentPod, stored: storedPod, annotations: map[string]string{call: mutated}}, evidence.Admitted{}},
		"a webhook replaces what admission wrote": {event{sent: sentPod, stored: storedPod, annotations: map[string]string{
			call: mutated, patch: `{"patch":[{"op":"replace","path":"/spec/securityContext/fsGroup","value":7}]}`,
		}}, evidence.Admitted{Changed: 1, Mutations: all[1:]}},
		"a patch that builds on what admission wrote": {event{sent: sentPod, stored: storedPod, annotations: map[string]string{
			call: mutated, patch: `{"patch":[{"op":"test","path":"/spec/securityContext/fsGroup","value":7}]}`,
		}}, evidence.Admitted{}},
		"another container": {event{sent: strings.Replace(sentPod, `"name":"c"`, `"name":"d"`, 1), stored: storedPod}, evidence.Admitted{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.event.id, c.event.user, c.event.ns, c.event.name, c.event.policy, c.event.code = "1", "jane", "shop", "web", "strict", 201
			l := readLog(t, c.event.line())
			got := *l.Workloads[evidence.WorkloadKey{Namespace: "shop", Kind: "Pod", Name: "web"}].Policies["strict"]
			if got.Pods != 1 || l.Created != 1 {
				t.Errorf("%d pods, %d created", got.Pods, l.Created)
			}
			c.want.Count = got.Count
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if missing := got.Changed+got.Unchanged == 0; missing != (l.ObjectsMissing == 1) {
				t.Errorf("%d pods with missing objects", l.ObjectsMissing)
			}
		})
	}
}

// Dry runs, other resources and answers are no pods; a request that is logged twice counts once; refusals are told apart.
func TestCounts(t *testing.T) {
	t.Parallel()
	created := event{id: "1", user: "jane", ns: "shop", name: "web", policy: "strict", code: 201, sent: sentPod, stored: storedPod}
	refused := event{id: "22", user: "bob", ns: "shop", name: "x", code: 403, sent: sentPod, more: `pods "x" is forbidden: PodSecurityPolicy: unable to admit pod: []`}
	other := refused
	other.id, other.more = "333", "exceeded quota"
	l := readLog(
		t, created.line(), created.line(), refused.line(), other.line(),
		strings.Replace(created.line(), `/pods"`, `/pods?dryRun=All"`, 1),
		strings.Replace(created.line(), `"resource":"pods"`, `"resource":"pods","subresource":"binding"`, 1),
		strings.Replace(created.line(), `"resource":"pods"`, `"resource":"services"`, 1),
		strings.Replace(created.line(), `"code":201`, `"code":409`, 1),
		strings.Replace(created.line(), `ResponseComplete`, `RequestReceived`, 1),
	)
	if l.Created != 1 || l.Refused != 2 || l.Summary.Events != 9 || len(l.Uses) != 1 || len(l.Refusals) != 2 {
		t.Errorf("%+v", l)
	}
	for key, r := range l.Refusals {
		if want := map[evidence.Refuser]string{evidence.RefusedByPSP: refused.more, evidence.RefusedByOther: other.more}[key.By]; r.Message != want || key.Requester != "bob" {
			t.Errorf("%+v: %+v", key, r)
		}
	}
	if l.WrittenPod("shop", "web", "u-1") == nil || l.WrittenPod("shop", "web", "u-2") != nil {
		t.Error("the pod as it was sent is not found by its UID alone")
	}
	for key := range l.Uses {
		if diff := cmp.Diff(evidence.UseKey{Policy: "strict", Namespace: "shop", Requester: "jane", Groups: "system:authenticated", Account: "default"}, key); diff != "" {
			t.Errorf("use (-want +got):\n%s", diff)
		}
	}
}
