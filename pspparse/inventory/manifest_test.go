package inventory

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// podDocument is a pod with more metadata, more of a spec, and more beside these.
func podDocument(metadata, spec, more string) string {
	return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"web"` + metadata + `},"spec":{"containers":[{"name":"c"}]` + spec + `}` + more + "}\n"
}

// TestManifestsOfPods checks what tells a pod that a server has had from a manifest: only such a pod is live.
func TestManifestsOfPods(t *testing.T) {
	t.Parallel()
	live := []string{
		"namespace web declared=false labels=0 managers=map[]",
		"Pod web/a account=default replicas=1 template=false line=1",
		"  1 like a account=default admitted= mirror=false as-template=false",
	}
	manifest := []string{
		"namespace web declared=false labels=0 managers=map[]",
		"Pod web/a account=default replicas=1 template=true line=1",
	}
	for name, tt := range map[string]struct {
		input string
		want  []string
		kinds []string
	}{
		"nothing":              {podDocument("", "", ""), manifest, nil},
		"what tools leave":     {podDocument(`,"uid":"","resourceVersion":null,"creationTimestamp":null`, `,"nodeName":""`, `,"status":{}`), manifest, nil},
		"a status that is nil": {podDocument("", "", `,"status":null`), manifest, nil},
		"other annotations":    {podDocument(`,"annotations":{"helm.sh/hook":"test","kubernetes.io/psp":""}`, "", ""), manifest, nil},
		"a UID":                {podDocument(`,"uid":"u"`, "", ""), live, []string{"Pod"}},
		"a resource version":   {podDocument(`,"resourceVersion":"7"`, "", ""), live, []string{"Pod"}},
		"one without quotes":   {podDocument(`,"resourceVersion":7`, "", ""), live, []string{"Pod"}},
		"a node":               {podDocument("", `,"nodeName":"n"`, ""), live, []string{"Pod"}},
		"a status":             {podDocument("", "", `,"status":{"conditions":[]}`), live, []string{"Pod"}},
		"a mirror pod": {podDocument(`,"annotations":{"kubernetes.io/config.mirror":"x"}`, "", ""), []string{
			live[0], "Pod web/a account= replicas=1 template=false line=1",
			"  1 like a account= admitted= mirror=true as-template=false",
		}, []string{"Pod"}},
		"a policy": {podDocument(`,"annotations":{"kubernetes.io/psp":"p"}`, "", ""), []string{
			live[0], live[1], "  1 like a account=default admitted=p mirror=false as-template=false",
		}, []string{"Pod"}},
		"a controller that was not read": {podDocument(`,`+byRS, "", ""), []string{
			live[0], "ReplicaSet web/api-5d4f8 account=default replicas=0 template=false line=0",
			"  0 like a account=default admitted= mirror=false as-template=false",
		}, nil},
		"twice": {podDocument("", "", "") + podDocument("", "", ""), append(manifest[:2:2],
			"note repeated objects at f:1: 1 document repeats an object that was read elsewhere with the same content; it counts once"), nil},
		"two that differ": {podDocument("", "", "") + podDocument("", `,"hostPID":true`, "") + podDocument(`,"uid":"u"`, "", ""), []string{
			live[0], `gap Pod "web/a" at f:1 touches web: it is defined 2 times with different content (f:1, f:2), and none was used: keep one of them`,
		}, []string{"Pod"}},
		"beside the live pod": {podDocument("", "", "") + podDocument(`,"uid":"u","annotations":{"kubernetes.io/psp":"p"}`, `,"hostPID":true`, ""), []string{
			live[0], "Pod web/a account=default replicas=1 template=true line=2",
			"  1 like a account=default admitted=p mirror=false as-template=false",
		}, []string{"Pod"}},
		"beside the finished pod": {podDocument(`,"uid":"u"`, "", `,"status":{"phase":"Succeeded"}`) + podDocument("", "", ""), []string{
			live[0], "Pod web/a account=default replicas=1 template=true line=2",
		}, []string{"Pod"}},
		"beside a live pod of a controller": {podDocument(`,"uid":"u",`+byRS, "", "") + podDocument("", "", ""), []string{
			live[0], `gap Pod "web/a" at f:1 touches web: it is defined 2 times with different content (f:1, f:2), and none was used: keep one of them`,
		}, []string{"Pod"}},
		"of a controller, beside the live pod": {podDocument(`,"uid":"u",`+byRS, "", "") + podDocument(","+byRS, "", ""), []string{
			live[0], "ReplicaSet web/api-5d4f8 account=default replicas=1 template=false line=0",
			"  1 like a account=default admitted= mirror=false as-template=false",
			"note repeated objects at f:1: 1 document repeats an object that was read elsewhere with the same content; it counts once",
		}, []string{"Pod"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := build(t, documents(t, tt.input))
			if diff := cmp.Diff(tt.want, summary(inv), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.kinds, inv.KindsRead); diff != "" {
				t.Errorf("kinds (-want +got):\n%s", diff)
			}
		})
	}
}

// TestManifestIsWhatTheAuthorWrote checks that of a live pod its manifest counts before the record that kubectl apply has left.
func TestManifestIsWhatTheAuthorWrote(t *testing.T) {
	t.Parallel()
	manifest := strings.Replace(podDocument(`,"labels":{"helm.sh/chart":"y-2.0.0"}`, "", ""), `"name":"c"`, `"name":"c","securityContext":{"runAsUser":8}`, 1)
	w := build(t, documents(t, admitted(appliedText)+manifest)).Workloads[0]
	user := int64(8)
	want := &Shape{Spec: corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{}, Containers: []corev1.Container{{Name: "c", SecurityContext: &corev1.SecurityContext{RunAsUser: &user}}},
	}}
	if diff := cmp.Diff(want, w.Template); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&TemplateMeta{Chart: "y-2.0.0", Images: []string{""}, Metadata: true}, w.TemplateMeta); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
}

// TestDebugContainersAreKeptApart checks that debug containers are no part of any shape that is judged, and not lost.
func TestDebugContainersAreKeptApart(t *testing.T) {
	t.Parallel()
	const debug = `,"ephemeralContainers":[{"name":"debugger","securityContext":{"privileged":true}}]`
	plain := &Shape{Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}, Containers: []corev1.Container{{Name: "c"}}}}
	debugged := &Shape{Spec: *plain.Spec.DeepCopy()}
	yes := true
	debugged.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: "debugger", SecurityContext: &corev1.SecurityContext{Privileged: &yes},
	}}}
	of := func(pod string) []DebuggedPod { return []DebuggedPod{{Pod: pod, Shape: debugged, WithoutDebug: plain}} }
	group := func(pod string, n int) []PodGroup {
		return []PodGroup{{Shape: plain, ServiceAccount: "default", Count: n, ExamplePod: pod}}
	}
	named := func(name, document string) string {
		return strings.Replace(document, `"name":"a"`, `"name":"`+name+`"`, 1)
	}
	for name, tt := range map[string]struct {
		input string
		want  Workload
	}{
		"a bare pod": {podDocument(`,"uid":"u"`, debug, ""), Workload{
			Kind: "Pod", Name: "a", Replicas: 1, PodGroups: group("a", 1), DebuggedPods: of("a"), Position: pspparse.Position{File: "f", Line: 1},
		}},
		"read again later": {podDocument(`,"uid":"u"`, "", "") + podDocument(`,"uid":"u"`, debug, ""), Workload{
			Kind: "Pod", Name: "a", Replicas: 1, PodGroups: group("a", 1), DebuggedPods: of("a"), Position: pspparse.Position{File: "f", Line: 1},
		}},
		"one of a controller": {podDocument(`,"uid":"u",`+byRS, "", "") + named("b", podDocument(`,"uid":"v",`+byRS, debug, "")), Workload{
			Kind: "ReplicaSet", Name: "api-5d4f8", Replicas: 2, PodGroups: group("a", 2), DebuggedPods: of("b"),
		}},
		"a manifest": {podDocument("", debug, ""), Workload{
			Kind: "Pod", Name: "a", Replicas: 1, Template: plain, TemplateMeta: &TemplateMeta{Images: []string{""}}, DebuggedPods: of("a"),
			Position: pspparse.Position{File: "f", Line: 1},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.want.Namespace, tt.want.ServiceAccount = "web", "default"
			inv := build(t, documents(t, tt.input))
			if diff := cmp.Diff([]Workload{tt.want}, inv.Workloads); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(inv.Gaps) > 0 {
				t.Errorf("gaps: %v", inv.Gaps)
			}
		})
	}
}
