package inventory

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// WrittenWorkload is one object with pods as its own document has it. A Builder merges objects and adds what controllers add;
// here nothing but the document counts.
type WrittenWorkload struct {
	// Namespace is "" where the document names none. Name ends in "<generated>" where the server will choose its end.
	Namespace, Name string
	// Annotations are those of the object, not of its pods.
	Annotations map[string]string
	// Templates are the pod templates of the object, each with all that was read of it and its lists in full, so that indexes
	// are those of the document. The Path of a Pod is "".
	Templates []EmbeddedTemplate
}

// DecodeWrittenWorkload decodes one object of a workload kind from JSON by itself. Handled is false for any other kind, and for
// a kind of the same name in another API group. The error is a *DecodeError, also for a name that is not valid and for an object
// without containers.
func DecodeWrittenWorkload(apiVersion, kind string, data []byte) (w *WrittenWorkload, handled bool, err error) {
	if k := kindIgnoringCase(kind); k == nil || workloadKind(k.name) == nil || k.isForeign(apiVersion) {
		return nil, false, nil
	}
	k, err := servedKind(apiVersion, kind)
	if err == nil {
		w, err = decodeWrittenWorkload(*workloadKind(kind), data)
	}
	if err != nil {
		return nil, true, newDecodeError(k.name, data, err)
	}
	return w, true, nil
}

// decodeWrittenWorkload decodes an object of a workload kind from JSON by itself.
func decodeWrittenWorkload(k WorkloadKind, data []byte) (*WrittenWorkload, error) {
	m, t, err := decodeMetaAndTemplate(k, data)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fmt.Errorf("%w: it has no pod template; give it one, or leave the document out", errNothingToEvaluate)
	}
	if err := t.Spec.checkSize(); err != nil {
		return nil, err
	}
	pod := t.toPodTemplate()
	if err := checkContainers(&pod.Spec); err != nil {
		return nil, err
	}
	w := &WrittenWorkload{Templates: []EmbeddedTemplate{{Path: strings.Join(k.TemplatePath, "."), Annotations: pod.Annotations, Shape: wholePod(pod.Annotations, &pod.Spec, k.TemplatePath == nil)}}}
	return w, w.setMeta(k.Name, m)
}

// decodeMetaAndTemplate decodes the metadata and the pod template of an object of a workload kind; a Pod is its own template.
func decodeMetaAndTemplate(k WorkloadKind, data []byte) (*ObjectMeta, *podTemplateJSON, error) {
	if k.TemplatePath == nil {
		var pod struct {
			Metadata objectMetaWithLabels `json:"metadata"`
			Spec     podSpecJSON          `json:"spec"`
		}
		if err := unmarshalStrict(data, &pod); err != nil {
			return nil, nil, err
		}
		m := ObjectMeta(pod.Metadata)
		t := &podTemplateJSON{Spec: pod.Spec}
		t.Metadata.Annotations = m.Annotations
		return &m, t, nil
	}
	var w workloadJSON
	if err := unmarshalStrict(data, &w); err != nil {
		return nil, nil, err
	}
	m := ObjectMeta(w.Metadata)
	return &m, w.templateAt(k.TemplatePath), nil
}

// DecodeWrittenCustomObject decodes an object of a kind that is not Kubernetes' own by itself, with its pod templates. It fails
// for a name that is not valid, and where the object or a template cannot be decoded.
func DecodeWrittenCustomObject(c *CustomObject) (*WrittenWorkload, error) {
	var o customObjectJSON
	if err := unmarshalStrict(c.JSON, &o); err != nil {
		return nil, err
	}
	if !isKindName(c.Kind) {
		return nil, fmt.Errorf("%s of %s is not a name that a kind can have", quote(c.Kind), quote(c.APIVersion))
	}
	m, w := ObjectMeta(o.Metadata), &WrittenWorkload{}
	for i := range c.Templates {
		t := &c.Templates[i]
		pod, err := decodeCustomTemplate(t)
		if err != nil {
			return nil, fmt.Errorf("at %s: %w", t.Path, err)
		}
		w.Templates = append(w.Templates, EmbeddedTemplate{Path: t.Path, Annotations: pod.Annotations, Shape: wholePod(pod.Annotations, &pod.Spec, true), Partial: t.Partial, Pieces: t.Pieces})
	}
	return w, w.setMeta(c.Kind, &m)
}

// setMeta sets what a written workload has of the metadata of its object. It fails for a name that is not valid.
func (w *WrittenWorkload) setMeta(kind string, m *ObjectMeta) (err error) {
	w.Namespace, w.Annotations = m.Namespace, m.Annotations
	if w.Namespace != "" {
		if err := checkNamespace(w.Namespace); err != nil {
			return err
		}
	}
	w.Name, _, err = nameOrGenerateName(kind, m)
	return err
}

// DecodeWrittenNamespace decodes a Namespace from JSON by itself. Handled is false for any other kind; the error is a
// *DecodeError.
func DecodeWrittenNamespace(apiVersion, kind string, data []byte, at pspparse.Position) (ns Namespace, handled bool, err error) {
	if kind != "Namespace" || apiVersion != "v1" {
		return Namespace{}, false, nil
	}
	b := NewBuilder()
	if err := b.decodeNamespace(data, documentHeader{apiVersion: apiVersion, kind: kind, position: at}); err != nil {
		return Namespace{}, true, newDecodeError(kind, data, err)
	}
	if len(b.namespaces) == 0 {
		return Namespace{}, true, newDecodeError(kind, data, fmt.Errorf("its name is not valid"))
	}
	return b.namespaces[0], true, nil
}

// servedKind returns the kind of an object that the inventory decodes, with an error for an apiVersion under which no API
// server ever served it and for a kind in the wrong case.
func servedKind(apiVersion, kind string) (*objectKind, error) {
	k := kindIgnoringCase(kind)
	switch {
	case k.name != kind:
		return k, fmt.Errorf("kind %s is not known to any API server: did you mean %q?", quote(kind), k.name)
	case !slices.Contains(k.apiVersions, apiVersion):
		return k, fmt.Errorf("apiVersion %s has no kind %q: did you mean %q?", quote(apiVersion), k.name, k.apiVersions[0])
	}
	return k, nil
}

// wholePod returns a pod, or a pod template, as a Shape of which nothing was left out that ReducePod reads: it has the API
// defaults, and lists keep their indexes. Servers since v1.28 give a container port a host port under hostNetwork in pods
// only, no longer in templates. Of the template of a custom resource they see its pods alone.
func wholePod(annotations map[string]string, spec *corev1.PodSpec, pod bool) *Shape {
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			for j := range list[i].Ports {
				p := &list[i].Ports[j]
				p.HostPort = podspec.HostPort(p, spec.HostNetwork && pod)
			}
		}
	}
	for i := range spec.Volumes {
		if s := &spec.Volumes[i].VolumeSource; s.EmptyDir == nil && podspec.IsEmptyDir(s) {
			s.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return &Shape{Annotations: reduceAnnotations(annotations), Spec: *spec}
}

// IsDecodedKind reports whether objects of a kind in an API group are among those that a Builder decodes, or a
// PodSecurityPolicy.
func IsDecodedKind(apiVersion, kind string) bool {
	k := kindIgnoringCase(kind)
	return k != nil && !k.isForeign(apiVersion)
}
