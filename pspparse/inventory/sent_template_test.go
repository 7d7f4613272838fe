package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// sentPod is a bare pod before admission, storedPodSpec what an API server stores of it.
func sentPod() *corev1.PodTemplateSpec {
	t := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "init", Image: "i"}}, Containers: []corev1.Container{{Name: "c", Image: "i"}},
	}}
	t.Labels, t.Annotations = map[string]string{"app": "a"}, map[string]string{"sidecar.istio.io/inject": "false"}
	return t
}

// storedPodSpec is the spec of sentPod after a policy and a webhook have changed it.
func storedPodSpec() *corev1.PodSpec {
	s := sentPod().Spec
	s.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(1000))}
	s.Containers = append(s.Containers, corev1.Container{Name: "injected", Image: "i"})
	return &s
}

// builtWithSent returns the workload of one stored pod, where what was sent is known of the pod with a UID.
func builtWithSent(t *testing.T, m ObjectMeta, sent *corev1.PodTemplateSpec, uid types.UID) *Workload {
	t.Helper()
	b := NewBuilder()
	b.WrittenPod = func(namespace, name string, of types.UID) *corev1.PodTemplateSpec {
		if namespace != "web" || name != "a" || of != uid {
			return nil
		}
		return sent
	}
	b.AddPod(m, storedPodSpec(), corev1.PodRunning, pspparse.Position{File: "f", Line: 1})
	inv := b.Build(Source{})
	if len(inv.Workloads) != 1 || len(inv.Gaps) > 0 {
		t.Fatalf("%d workloads, gaps %v", len(inv.Workloads), inv.Gaps)
	}
	return &inv.Workloads[0]
}

// A bare pod is taken as it was sent, with its labels and annotations, and its running form is kept beside that.
func TestSentTemplate(t *testing.T) {
	t.Parallel()
	w := builtWithSent(t, ObjectMeta{Name: "a", Namespace: "web", UID: "u"}, sentPod(), "u")
	if w.Template == nil || w.TemplateMeta == nil {
		t.Fatal("the pod is not taken as it was sent")
	}
	if got := w.Template.Spec; len(got.Containers) != 1 || len(got.InitContainers) != 1 || podspec.OrEmpty(got.Containers[0].SecurityContext).RunAsUser != nil {
		t.Errorf("the template is not what was sent: %+v", got)
	}
	if got := w.PodGroups[0].Shape.Spec; len(got.Containers) != 2 || podspec.OrEmpty(got.Containers[0].SecurityContext).RunAsUser == nil {
		t.Errorf("the running form is not what is stored: %+v", got)
	}
}

// Of another pod, and of what cannot be this pod, nothing is taken: the inventory is the one without a log.
func TestSentTemplatesThatDoNotCount(t *testing.T) {
	t.Parallel()
	meta := ObjectMeta{Name: "a", Namespace: "web", UID: "u"}
	with := func(change func(*corev1.PodTemplateSpec)) *corev1.PodTemplateSpec {
		sent := sentPod()
		change(sent)
		return sent
	}
	for name, c := range map[string]struct {
		meta ObjectMeta
		sent *corev1.PodTemplateSpec
		uid  types.UID
	}{
		"nothing was sent":            {meta, nil, "u"},
		"a pod of the name before":    {meta, sentPod(), "other"},
		"a pod that shows no UID":     {ObjectMeta{Name: "a", Namespace: "web"}, sentPod(), ""},
		"a pod elsewhere":             {ObjectMeta{Name: "a", Namespace: "other", UID: "u"}, sentPod(), "u"},
		"a container of nobody":       {meta, with(func(s *corev1.PodTemplateSpec) { s.Spec.Containers[0].Name = "d" }), "u"},
		"an init container of nobody": {meta, with(func(s *corev1.PodTemplateSpec) { s.Spec.InitContainers[0].Name = "d" }), "u"},
		"no containers":               {meta, with(func(s *corev1.PodTemplateSpec) { s.Spec.Containers = nil }), "u"},
		"a controller's pod": {ObjectMeta{Name: "a", Namespace: "web", UID: "u", OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "r", Controller: new(true),
		}}}, sentPod(), "u"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := builtWithSent(t, c.meta, nil, "u"), builtWithSent(t, c.meta, c.sent, c.uid)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("workload (-without +with what was sent):\n%s", diff)
			}
			if got.Template != nil {
				t.Errorf("taken as it was sent: %+v", got.Template)
			}
		})
	}
}

// What the author gave to kubectl apply goes before what one request sent: it is the newer of the two, or the same.
func TestSentTemplateBesideAppliedText(t *testing.T) {
	t.Parallel()
	text := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"web"},"spec":{"containers":[{"name":"c","image":"i","securityContext":{"runAsUser":7}}]}}`
	w := builtWithSent(t, ObjectMeta{Name: "a", Namespace: "web", UID: "u", Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: text}}, sentPod(), "u")
	if got := w.Template.Spec.Containers[0].SecurityContext; got == nil || got.RunAsUser == nil || *got.RunAsUser != 7 {
		t.Errorf("the template is not what was applied: %+v", got)
	}
}
