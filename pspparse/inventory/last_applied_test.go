package inventory

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// appliedText is what the author of pod web/a wrote, as kubectl keeps it.
const appliedText = `{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"seccomp.security.alpha.kubernetes.io/pod":"docker/default"},` +
	`"labels":{"helm.sh/chart":"x-1.0.0"},"name":"a","namespace":"web"},` +
	`"spec":{"nodeSelector":{"kubernetes.io/os":"windows"},"containers":[{"name":"c","image":"r/c:1","securityContext":{"runAsUser":7}}]}}` + "\n"

// admitted is that pod after a policy filled it in and a webhook added a container.
func admitted(annotation string, more ...string) string {
	text, _ := json.Marshal(annotation) // a string
	meta := append([]string{`"annotations":{"kubernetes.io/psp":"p","kubectl.kubernetes.io/last-applied-configuration":` + string(text) + `}`}, more...)
	return podLine("a", strings.Join(meta, ","), `"spec":{"initContainers":[{"name":"mesh"}],"containers":[{"name":"c","image":"r/c:1","securityContext":{"runAsUser":7,"runAsNonRoot":true}}]}`)
}

func TestBarePodsTellWhatTheirAuthorWrote(t *testing.T) {
	t.Parallel()
	inv := build(t, documents(t, admitted(appliedText)))
	user, yes := int64(7), true
	container := func(sc corev1.SecurityContext) []corev1.Container {
		return []corev1.Container{{Name: "c", SecurityContext: &sc}}
	}
	want := []Workload{{
		Namespace: "web", Kind: "Pod", Name: "a", ServiceAccount: "default", Replicas: 1,
		Template: &Shape{
			Annotations: map[string]string{podspec.SeccompPodAnnotation: "docker/default"},
			Spec:        corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}, Containers: container(corev1.SecurityContext{RunAsUser: &user})},
		},
		TemplateMeta: &TemplateMeta{Chart: "x-1.0.0", Images: []string{"r/c"}, Metadata: true, Annotations: true, Windows: true},
		PodGroups: []PodGroup{{
			Shape: &Shape{Spec: corev1.PodSpec{
				SecurityContext: &corev1.PodSecurityContext{}, InitContainers: []corev1.Container{{Name: "mesh"}},
				Containers: container(corev1.SecurityContext{RunAsUser: &user, RunAsNonRoot: &yes}),
			}},
			ServiceAccount: "default", AdmittedBy: "p", Count: 1, ExamplePod: "a",
		}},
		Position: pspparse.Position{File: "f", Line: 1},
	}}
	if diff := cmp.Diff(want, inv.Workloads); diff != "" {
		t.Errorf("workloads (-want +got):\n%s", diff)
	}
	if len(inv.Gaps)+len(inv.Notes) > 0 {
		t.Errorf("gaps %v, notes %v", inv.Gaps, inv.Notes)
	}
}

// What the annotation holds is anybody's text: what does not read as the pod's own is as good as none.
func TestAppliedTextsThatDoNotCount(t *testing.T) {
	t.Parallel()
	replaced := func(old, by string) string {
		if !strings.Contains(appliedText, old) {
			t.Fatalf("there is no %q to replace", old)
		}
		return strings.Replace(appliedText, old, by, 1)
	}
	texts := map[string]string{
		"empty":                   "",
		"no JSON":                 "kind: Pod",
		"cut off":                 appliedText[:len(appliedText)/2],
		"null":                    "null",
		"a list":                  "[" + appliedText + "]",
		"two objects":             appliedText + appliedText,
		"another version":         replaced(`"v1"`, `"v2"`),
		"another kind":            replaced(`"Pod"`, `"PodTemplate"`),
		"another name":            replaced(`"name":"a"`, `"name":"b"`),
		"no name":                 replaced(`"name":"a",`, ``),
		"another namespace":       replaced(`"web"`, `"other"`),
		"a key in another case":   replaced(`"kind"`, `"Kind"`),
		"a key given twice":       replaced(`"runAsUser":7`, `"runAsUser":7,"runAsUser":8`),
		"a value of another type": replaced(`"runAsUser":7`, `"runAsUser":"7"`),
		"no containers":           replaced(`"containers":[`, `"containers":[],"others":[`),
		"a container of nobody":   replaced(`"containers":[`, `"containers":[{"name":"d"},`),
		"an init container too":   replaced(`"containers":[`, `"initContainers":[{"name":"c"}],"containers":[`),
		"more than servers store": appliedText + strings.Repeat(" ", maxLastApplied),
		"deep":                    replaced(`"nodeSelector":`, `"x":`+strings.Repeat("[", 50_000)+strings.Repeat("]", 50_000)+`,"nodeSelector":`),
		"containers of null":      replaced(`"containers":[`, `"containers":[null,`),
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := build(t, documents(t, admitted(""))), build(t, documents(t, admitted(text)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("inventory (-without +with the annotation):\n%s", diff)
			}
		})
	}
}

// Where a controller makes the pod, or the kubelet does, the annotation is not what the next one is made from.
func TestAppliedTextsOfOtherPods(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a controller's pod": admitted(appliedText, byRS),
		"a static pod":       strings.Replace(admitted(appliedText), `{"kubernetes.io/psp"`, `{"kubernetes.io/config.mirror":"x","kubernetes.io/psp"`, 1),
		"a pod that makes pods": admitted(appliedText) +
			podLine("a-1", `"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"a","controller":true}]`, plainPod),
		"one that gets its name": strings.Replace(admitted(strings.Replace(appliedText, `"name":"a",`, ``, 1)), `"name":"a"`, `"generateName":"a-"`, 1),
	}
	for name, input := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := build(t, documents(t, input))
			if w := inv.Workloads[0]; len(inv.Workloads) != 1 || w.Template != nil || w.TemplateMeta != nil {
				t.Errorf("%d workloads, the first has template %v and origin %v", len(inv.Workloads), w.Template, w.TemplateMeta)
			}
		})
	}
}

// A pod that was read twice is one pod, whichever of the two tells what its author wrote.
func TestAppliedTextOfAPodReadTwice(t *testing.T) {
	t.Parallel()
	for _, input := range []string{
		admitted("") + admitted(appliedText), admitted(appliedText) + admitted(""),
		admitted(appliedText) + admitted(strings.Replace(appliedText, "x-1.0.0", "x-1.0.1", 1)),
	} {
		inv := build(t, documents(t, input))
		if w := inv.Workloads[0]; len(inv.Workloads) != 1 || len(inv.Gaps) > 0 || w.Template == nil || w.Replicas != 1 {
			t.Errorf("%d workloads, gaps %v, the first: %+v", len(inv.Workloads), inv.Gaps, w)
		}
	}
}

// BenchmarkRetainedPerAppliedPod measures what a Builder holds for each bare pod whose author's text was read: no more than
// for one without, for both are the same few shapes.
func BenchmarkRetainedPerAppliedPod(b *testing.B) {
	const pods = 20_000
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("text=%t", with), func(b *testing.B) {
			var before, after runtime.MemStats
			for b.Loop() {
				builder := NewBuilder()
				runtime.GC()
				runtime.ReadMemStats(&before)
				for i := range pods {
					name := fmt.Sprintf("a-%d", i)
					text := ""
					if with {
						text = strings.Replace(appliedText, `"name":"a"`, `"name":"`+name+`"`, 1)
					}
					line := strings.Replace(admitted(text), `"name":"a"`, `"name":"`+name+`"`, 1)
					if _, err := builder.Decode("v1", "Pod", []byte(line), pspparse.Position{File: "f", Line: i}); err != nil {
						b.Fatal(err)
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/pods, "B/pod")
				runtime.KeepAlive(builder)
			}
		})
	}
}

// Readers of clusters hand over the API's types, and the same comes of them.
func TestAppliedTextOfALivePod(t *testing.T) {
	t.Parallel()
	line := admitted(appliedText)
	var pod corev1.Pod
	if err := json.Unmarshal([]byte(line), &pod); err != nil {
		t.Fatal(err)
	}
	b := NewBuilder()
	b.AddPod(ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Annotations: pod.Annotations}, &pod.Spec, pod.Status.Phase, pspparse.Position{File: "f", Line: 1})
	if diff := cmp.Diff(build(t, documents(t, line)).Workloads, b.Build(Source{}).Workloads); diff != "" {
		t.Errorf("workloads (-from JSON +from the API's types):\n%s", diff)
	}
}
