package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/pspparse"
)

func podDocuments(tb testing.TB, n int) [][]byte {
	tb.Helper()
	var dump bytes.Buffer
	if err := (cluster.Spec{Seed: 1, Namespaces: 50, Pods: n, PodsOnly: true}).WriteJSON(&dump); err != nil {
		tb.Fatal(err)
	}
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(dump.Bytes(), &list); err != nil {
		tb.Fatal(err)
	}
	out := make([][]byte, n)
	for i := range list.Items {
		out[i] = list.Items[i]
	}
	return out
}

// BenchmarkDecodePods is what one pod costs from JSON to its count.
func BenchmarkDecodePods(b *testing.B) {
	pods := podDocuments(b, 2000)
	b.ReportAllocs()
	builder, i := NewBuilder(), 0
	for b.Loop() {
		pod := pods[i%len(pods)]
		i++
		b.SetBytes(int64(len(pod)))
		if _, err := builder.Decode("v1", "Pod", pod, pspparse.Position{File: "f", Line: i}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnmarshalPods is the yardstick: the standard library into the API's type.
func BenchmarkUnmarshalPods(b *testing.B) {
	pods := podDocuments(b, 2000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		var pod corev1.Pod
		i++
		b.SetBytes(int64(len(pods[i%len(pods)])))
		if err := json.Unmarshal(pods[i%len(pods)], &pod); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAddPod is the same without the JSON.
func BenchmarkAddPod(b *testing.B) {
	var pods []corev1.Pod
	for _, doc := range podDocuments(b, 500) {
		var pod corev1.Pod
		if err := json.Unmarshal(doc, &pod); err != nil {
			b.Fatal(err)
		}
		pods = append(pods, pod)
	}
	b.ReportAllocs()
	builder, i := NewBuilder(), 0
	for b.Loop() {
		p := &pods[i%len(pods)]
		i++
		builder.AddPod(ObjectMeta{Name: p.Name, Namespace: p.Namespace, Annotations: p.Annotations, OwnerReferences: p.OwnerReferences},
			&p.Spec, p.Status.Phase, pspparse.Position{File: "f", Line: i})
	}
}

// BenchmarkBuild settles as many bindings as a big cluster has.
func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		builder := NewBuilder()
		for i := range 100_000 {
			builder.AddBinding(Binding{
				Namespace: fmt.Sprintf("team-%05d", i*7919%10_000), Name: fmt.Sprintf("psp-%03d", i/10_000), RoleKind: "ClusterRole", RoleName: "psp",
				Position: pspparse.Position{File: "f", Line: i},
			})
		}
		b.StartTimer()
		builder.Build(Source{})
	}
}
