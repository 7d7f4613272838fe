package inventory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// EmbeddedTemplate is a pod template within an object of a kind that is not Kubernetes' own, or what such an object says of
// the pods that are made from it.
type EmbeddedTemplate struct {
	// Path leads to the template in the object: "spec.template".
	Path  string
	Shape *Shape
	// Partial is true where the controller adds to the pods. Then Shape has what is written in the object, and all that is
	// not written as the strictest level wants it: what violates a level is violated by what is written.
	Partial bool
	// PodMetas is the metadata of its pods, each set that some of them get; nil for none.
	PodMetas []*PodMeta
	// Annotations are those of the template, for a Pod its own, and Pieces are where the fields of a Partial one stand in the
	// object. Only a WrittenWorkload has them.
	Annotations map[string]string
	Pieces      []TemplatePiece
}

// TemplatePiece is a field, with all below it, of a Partial template, and where it stands in the object.
type TemplatePiece struct {
	// In leads to the field in the template, At in the object.
	In, At fieldpath.Path
	// Container is true for a container which the object names.
	Container bool
}

// CustomObject is an object of a kind that is not Kubernetes' own, from which pods are made.
type CustomObject struct {
	APIVersion, Kind string
	// Name is that of an object with injected parts, for messages; else "".
	Name string
	// ClusterScoped is true for a kind that belongs to no namespace. Nothing runs of the object but where another object
	// uses it, or where something runs that an object of a kind in OwnerKinds has made.
	ClusterScoped bool
	OwnerKinds    []string
	// JSON is the whole object.
	JSON []byte
	// Templates are all pod templates that the object holds.
	Templates []CustomTemplate
	// UnevaluatedReason says what of its pods cannot be evaluated from the object; "" if all can. It becomes a gap unless pods
	// were read that were made from the object, or the controllers that make them.
	UnevaluatedReason message.Message
	// UnreadPatch is the path of a text that patches its pods and could not be evaluated; "" for none. UnevaluatedReason says so,
	// too.
	UnreadPatch string
	// MayGrant is true if what cannot be evaluated may grant something or be a policy: the object holds whole objects of such
	// kinds.
	MayGrant bool
	// WorkloadRef names the workload of its namespace whose pod template the object uses; zero if it uses its own.
	WorkloadRef Owner
	// References are the custom objects of which it makes its pods.
	References []CustomReference
	// Position is where the object's document starts; zero for a live object.
	Position pspparse.Position
}

// CustomReference names a custom object of which another one makes its pods.
type CustomReference struct {
	Owner
	// ClusterScoped is true for an object that belongs to no namespace.
	ClusterScoped bool
	// SeparatePods is true where the pods that are made of it are not those of the referring object.
	SeparatePods bool
}

// CustomTemplate is a pod template within a CustomObject, as JSON.
type CustomTemplate struct {
	Path string
	// JSON is a pod template: an object with metadata and spec.
	JSON    []byte
	Partial bool
	// PodMetas are the metadata of several templates that a Partial one stands for, as JSON; none where the metadata in
	// JSON is all.
	PodMetas [][]byte
	// Pieces are where the fields of a Partial template stand in the object.
	Pieces []TemplatePiece
}

// customObjectJSON is the metadata of a custom object in JSON.
type customObjectJSON struct {
	Metadata objectMetaWithLabels `json:"metadata"`
}

// customTemplates is what the inventory has of a custom object beside what it has of other workloads.
type customTemplates struct {
	embedded          []EmbeddedTemplate
	unevaluatedReason message.Message
	affects           GapPart
	workloadRef       Owner
	// references are the custom objects of which it makes its pods, in the API group of the object.
	references []CustomReference
	group      string
}

// QualifiedKind returns the name that the inventory gives the kind of a custom object that makes pods: with its group where a kind
// of Kubernetes has the same name.
func QualifiedKind(apiVersion, kind string) string {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return kind
	}
	if k := kindByName(kind); k != nil && !k.inGroup(group) || kind == "Service" {
		return kind + "." + group
	}
	return kind
}

// AddCustomObject adds an object of a kind that is not Kubernetes' own, from which pods are made. A cluster-scoped one
// becomes a gap that touches the namespaces in which it is used, or a note where it is used nowhere. It fails, and adds
// nothing, if the object or a template cannot be decoded.
func (b *Builder) AddCustomObject(c CustomObject) error {
	var o customObjectJSON
	if err := unmarshalStrict(c.JSON, &o); err != nil {
		return err
	}
	m := ObjectMeta(o.Metadata)
	if _, group, ok := strings.Cut(QualifiedKind(c.APIVersion, c.Kind), "."); !isKindName(c.Kind) || ok && !IsDNSSubdomain(group) {
		return fmt.Errorf("%s of %s is not a name that a kind can have", quote(c.Kind), quote(c.APIVersion))
	}
	if c.ClusterScoped {
		b.addClusterDefinition(&c, m.Name)
		return nil
	}
	namespace := b.namespaceOrDefault(m.Namespace, c.Position)
	name, generated, err := nameOrGenerateName(c.Kind, &m)
	if err == nil {
		err = checkNamespace(namespace)
	}
	if err != nil {
		b.refuseObject(c.Kind, namespace, m.Name, c.Position, err)
		return nil
	}
	t := workloadTemplate{
		id: objectID{kind: b.internString(QualifiedKind(c.APIVersion, c.Kind)), namespace: namespace, name: name, generatedName: generated},
		// account is that of the first template that names one.
		owner: b.controllerOrOwner(&m), at: c.Position, replicas: replicasInJSON(c.JSON),
		custom: &customTemplates{unevaluatedReason: c.UnevaluatedReason, affects: c.affectedPart(), workloadRef: c.WorkloadRef, references: c.References, group: groupOf(c.APIVersion)},
	}
	t.ownerGroup = b.ownerAPIGroup(&m, t.owner)
	for i := range c.Templates {
		if err := b.embedTemplate(&t, &c.Templates[i], &m, len(c.Templates) == 1); err != nil {
			return fmt.Errorf("at %s: %w", c.Templates[i].Path, err)
		}
	}
	t.podMetas = mergeTemplateMetas(t.custom.embedded)
	t.account = b.internString(cmp.Or(t.account, "default"))
	b.templates = append(b.templates, t)
	return nil
}

// addClusterDefinition adds a cluster-scoped custom object from which pods are made.
func (b *Builder) addClusterDefinition(c *CustomObject, name string) {
	why := c.UnevaluatedReason
	if why.ID == "" {
		why = message.New("template-without-namespace")
	}
	b.clusterDefinitions = append(b.clusterDefinitions, clusterDefinition{
		id: objectID{kind: QualifiedKind(c.APIVersion, c.Kind), name: name}, references: c.References, ownerKinds: c.OwnerKinds,
		gap: Gap{What: describeObject(c.Kind, "", name), Why: why, Position: c.Position, Affects: c.affectedPart()},
	})
}

// embedTemplate adds to the inventory a pod template within a custom object to its workload t. An only one that is
// whole is the template of t, too.
func (b *Builder) embedTemplate(t *workloadTemplate, from *CustomTemplate, m *ObjectMeta, only bool) error {
	pod, err := decodeCustomTemplate(from)
	if err != nil {
		return err
	}
	meta, err := b.decodePodMetas(from, pod)
	if err != nil {
		return err
	}
	e := EmbeddedTemplate{Path: from.Path, Shape: b.shapes.shape(pod.Annotations, &pod.Spec), Partial: from.Partial, PodMetas: meta}
	t.account = cmp.Or(t.account, pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount)
	t.custom.embedded = append(t.custom.embedded, e)
	if only && !from.Partial {
		t.shape, t.templateMeta = e.Shape, b.templateMeta(m, pod)
	}
	return nil
}

// decodePodMetas returns the labels and annotations that pods of a custom object's template get.
func (b *Builder) decodePodMetas(t *CustomTemplate, pod *corev1.PodTemplateSpec) ([]*PodMeta, error) {
	if len(t.PodMetas) == 0 {
		return podMetaList(b.podMeta(pod.Labels, pod.Annotations)), nil
	}
	var all []EmbeddedTemplate
	for _, data := range t.PodMetas {
		var m objectMetaWithLabels
		if err := unmarshalStrict(data, &m); err != nil {
			return nil, err
		}
		all = append(all, EmbeddedTemplate{PodMetas: podMetaList(b.podMeta(m.Labels, m.Annotations))})
	}
	return mergeTemplateMetas(all), nil
}

// isKindName reports whether a text can be the kind of a custom object.
func isKindName(s string) bool {
	return len(s) > 0 && len(s) <= maxLabelLength && !isDigit(s[0]) && allBytes(strings.ToLower(s), func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' })
}

// decodeCustomTemplate decodes a pod template of a custom object. In a partial one it sets what is not written as the
// strictest level wants it.
func decodeCustomTemplate(t *CustomTemplate) (*corev1.PodTemplateSpec, error) {
	var doc podTemplateJSON
	if err := unmarshalStrict(t.JSON, &doc); err != nil {
		return nil, err
	}
	if err := doc.Spec.checkSize(); err != nil {
		return nil, err
	}
	pod := doc.toPodTemplate()
	if t.Partial {
		assumeRestricted(&pod.Spec)
	}
	return pod, nil
}

// assumeRestricted sets in a custom object's partial pod spec what the restricted level asks for and the pod does not
// say.
func assumeRestricted(spec *corev1.PodSpec) {
	yes, no := true, false
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	if spec.SecurityContext.RunAsNonRoot == nil {
		spec.SecurityContext.RunAsNonRoot = &yes
	}
	if spec.SecurityContext.SeccompProfile == nil {
		spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	if len(spec.Containers) == 0 {
		spec.Containers = []corev1.Container{{Name: "pod"}}
	}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			if list[i].SecurityContext == nil {
				list[i].SecurityContext = &corev1.SecurityContext{}
			}
			c := list[i].SecurityContext
			if c.AllowPrivilegeEscalation == nil {
				c.AllowPrivilegeEscalation = &no
			}
			if c.Capabilities == nil {
				c.Capabilities = &corev1.Capabilities{}
			}
			if !slices.Contains(c.Capabilities.Drop, "ALL") {
				c.Capabilities.Drop = append(slices.Clip(c.Capabilities.Drop), "ALL")
			}
		}
	}
}

// replicasInJSON returns spec.replicas of a custom object; -1 where it has none.
func replicasInJSON(data []byte) int {
	var o struct {
		Spec struct {
			Replicas *int32 `json:"replicas"`
		} `json:"spec"`
	}
	if json.Unmarshal(data, &o) != nil || o.Spec.Replicas == nil {
		return -1
	}
	return max(int(*o.Spec.Replicas), 0)
}

// IsPartial reports whether only part of the workload's pods is known: it is a custom object that does not say all of
// its pods, and none of them was read. It may violate a level, and is never known to meet one.
func (w *Workload) IsPartial() bool {
	return w.Template == nil && len(w.PodGroups) == 0 && len(w.Embedded) > 0 &&
		!slices.ContainsFunc(w.Embedded, func(e EmbeddedTemplate) bool { return !e.Partial })
}
