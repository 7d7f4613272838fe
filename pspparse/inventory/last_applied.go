package inventory

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
)

// maxLastApplied is how many bytes of annotations an API server stores on one object. A longer text never came from one.
const maxLastApplied = 256 << 10

// lastAppliedPod is the manifest of a pod that its author gave to 'kubectl apply', as kubectl keeps it in an annotation.
type lastAppliedPod struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`
	Metadata   objectMetaWithLabels `json:"metadata"`
	Spec       podSpecJSON          `json:"spec"`
}

// lastAppliedTemplate returns what the author of a bare pod gave to 'kubectl apply', before admission changed it; nil if
// the pod does not show it. Whoever may change the pod may write anything into the annotation: a text that is not the manifest
// of this pod does not count. One that is can make the answer looser, and so can any pod template that nothing runs of: its
// author needs no policy for that.
func (b *Builder) lastAppliedTemplate(namespace string, m *ObjectMeta, spec *corev1.PodSpec) (*Shape, *TemplateMeta) {
	text := m.Annotations[corev1.LastAppliedConfigAnnotation]
	if text == "" || m.Name == "" || len(text) > maxLastApplied {
		return nil, nil
	}
	var a lastAppliedPod
	if err := unmarshalStrict([]byte(text), &a); err != nil {
		return nil, nil
	}
	if a.APIVersion != "v1" || a.Kind != "Pod" || a.Metadata.Name != m.Name || cmp.Or(a.Metadata.Namespace, namespace) != namespace {
		return nil, nil
	}
	t := &corev1.PodTemplateSpec{Spec: *a.Spec.toPodSpec()}
	t.Labels, t.Annotations = a.Metadata.Labels, a.Metadata.Annotations
	if !containsAllContainers(t.Spec.InitContainers, spec.InitContainers) || !containsAllContainers(t.Spec.Containers, spec.Containers) || checkContainers(&t.Spec) != nil {
		return nil, nil
	}
	meta := ObjectMeta(a.Metadata)
	return b.shapes.shape(t.Annotations, &t.Spec), b.templateMeta(&meta, t)
}

// sentTemplate returns a bare pod as it was sent to the API server, before admission changed it; nil where that is not known. A pod
// cannot say so of itself: the UID shows that it is the one that runs.
func (b *Builder) sentTemplate(namespace string, m *ObjectMeta, spec *corev1.PodSpec) (*Shape, *TemplateMeta) {
	if b.WrittenPod == nil || m.UID == "" {
		return nil, nil
	}
	t := b.WrittenPod(namespace, m.Name, m.UID)
	if t == nil || !containsAllContainers(t.Spec.InitContainers, spec.InitContainers) || !containsAllContainers(t.Spec.Containers, spec.Containers) || checkContainers(&t.Spec) != nil {
		return nil, nil
	}
	return b.shapes.shape(t.Annotations, &t.Spec), b.templateMeta(&ObjectMeta{Name: m.Name, Namespace: namespace, Labels: t.Labels, Annotations: t.Annotations}, t)
}

// containsAllContainers reports whether a running pod has all containers of its last-applied manifest: none can be
// renamed or removed.
func containsAllContainers(written, running []corev1.Container) bool {
	names := make(map[string]bool, len(running))
	for i := range running {
		names[running[i].Name] = true
	}
	for i := range written {
		if !names[written[i].Name] {
			return false
		}
	}
	return true
}
