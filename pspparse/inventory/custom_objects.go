package inventory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// EmbeddedTemplate is a pod template within an object of a kind that is not Kubernetes' own, or what such an object says of the
// pods that are made from it.
type EmbeddedTemplate struct {
	// Path leads to it in the object: "spec.template".
	Path  string
	Shape *Shape
	// Partial: what makes the pods adds to them. Then the Shape has what is written in the object, and all that is not
	// written as the strictest level wants it: what violates a level is violated by what is written.
	Partial bool
	// PodMetas is what its pods get of metadata, each set that some of them get; nil for none.
	PodMetas []*PodMeta
}

// CustomObject is an object of a kind that is not Kubernetes' own, from which pods are made.
type CustomObject struct {
	APIVersion, Kind string
	// ClusterScoped is true for a kind that belongs to no namespace. Nothing runs of it but where another object uses it, or where
	// something runs that an object of a kind in RunsFor has made.
	ClusterScoped bool
	OwnerKinds    []string
	// JSON is the whole object.
	JSON []byte
	// Templates are all that it holds.
	Templates []CustomTemplate
	// UnjudgedReason says what of its pods cannot be judged from it; "" if all can. It becomes a gap unless pods were read that were
	// made from the object, or the controllers that make them.
	UnjudgedReason message.Message
	// MayGrant is true if what is unsure may grant something or be a policy: the object holds whole objects of such kinds.
	MayGrant bool
	// WorkloadRef names the workload in its namespace whose template the object uses instead of one of its own; zero if none.
	WorkloadRef Owner
	// References are the custom objects of which it makes its pods.
	References []CustomReference
	Position   pspparse.Position
}

// CustomReference names a custom object that another one makes its pods of: one of its namespace, or of the cluster.
type CustomReference struct {
	Owner
	ClusterScoped bool
	// SeparatePods: what is made of it are other pods than those of the object.
	SeparatePods bool
}

// CustomTemplate is a pod template within a Custom.
type CustomTemplate struct {
	Path string
	// JSON is a pod template: an object with metadata and spec.
	JSON    []byte
	Partial bool
	// PodMetas are the metadata of several templates that a Partial one stands for; none where that in JSON is all.
	PodMetas [][]byte
}

// customObjectJSON is the part of an object that every custom kind has.
type customObjectJSON struct {
	Metadata objectMetaWithLabels `json:"metadata"`
}

// customTemplates is what a template of a custom kind has beside the others.
type customTemplates struct {
	embedded       []EmbeddedTemplate
	unjudgedReason message.Message
	affects        GapPart
	workloadRef    Owner
	references     []CustomReference
	group          string
}

// clusterDefinition is a custom object that belongs to no namespace, with the gap that it is unless pods of it were read.
type clusterDefinition struct {
	id         objectID
	references []CustomReference
	ownerKinds []string
	gap        Gap
}

// QualifiedKind is the name under which a workload's kind is shown: with its group where another kind has the same name.
func QualifiedKind(apiVersion, kind string) string {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return kind
	}
	if k, ok := kindByName(kind); ok && !k.inGroup(group) || kind == "Service" {
		return kind + "." + group
	}
	return kind
}

// AddCustomObject adds an object of a kind that is not Kubernetes' own. One that belongs to no namespace is a gap that touches
// those in which it is used, and a note where it is used nowhere.
func (b *Builder) AddCustomObject(c CustomObject) error {
	var o customObjectJSON
	if err := unmarshalStrict(c.JSON, &o); err != nil {
		return err
	}
	m := ObjectMeta(o.Metadata)
	if _, group, ok := strings.Cut(QualifiedKind(c.APIVersion, c.Kind), "."); !isKindName(c.Kind) || ok && !isDNSSubdomain(group) {
		return fmt.Errorf("%s of %s is not a name that a kind can have", quote(c.Kind), quote(c.APIVersion))
	}
	if c.ClusterScoped {
		why := c.UnjudgedReason
		if why.ID == "" {
			why = message.New("template-without-namespace")
		}
		b.clusterDefinitions = append(b.clusterDefinitions, clusterDefinition{
			id: objectID{kind: QualifiedKind(c.APIVersion, c.Kind), name: m.Name}, references: c.References, ownerKinds: c.OwnerKinds,
			gap: Gap{What: describeObject(c.Kind, "", m.Name), Why: why, Position: c.Position, Affects: c.affectedPart()},
		})
		return nil
	}
	namespace := b.namespaceOrDefault(m.Namespace, c.Position)
	name, open, err := nameOrGenerateName(c.Kind, &m)
	if err == nil {
		err = checkNamespace(namespace)
	}
	if err != nil {
		b.refuseObject(c.Kind, namespace, m.Name, c.Position, err)
		return nil
	}
	t := workloadTemplate{
		id: objectID{kind: b.internString(QualifiedKind(c.APIVersion, c.Kind)), namespace: namespace, name: name, generatedName: open},
		// account is that of the first template that names one.
		owner: b.controllerOrOwner(&m), at: c.Position, replicas: replicasInJSON(c.JSON),
		custom: &customTemplates{unjudgedReason: c.UnjudgedReason, affects: c.affectedPart(), workloadRef: c.WorkloadRef, references: c.References, group: groupOf(c.APIVersion)},
	}
	t.ownerGroup = b.ownerAPIGroup(&m, t.owner)
	for i := range c.Templates {
		pod, err := decodeCustomTemplate(&c.Templates[i])
		if err != nil {
			return fmt.Errorf("at %s: %w", c.Templates[i].Path, err)
		}
		t.account = cmp.Or(t.account, pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount)
		meta, err := b.decodePodMetas(&c.Templates[i], pod)
		if err != nil {
			return fmt.Errorf("at %s: %w", c.Templates[i].Path, err)
		}
		t.custom.embedded = append(t.custom.embedded, EmbeddedTemplate{
			Path: c.Templates[i].Path, Shape: b.shapes.shape(pod.Annotations, &pod.Spec), Partial: c.Templates[i].Partial, PodMetas: meta,
		})
		if len(c.Templates) == 1 && !c.Templates[i].Partial {
			t.shape, t.templateMeta = t.custom.embedded[0].Shape, b.templateMeta(&m, pod)
		}
	}
	t.podMetas = mergeTemplateMetas(t.custom.embedded)
	t.account = b.internString(cmp.Or(t.account, "default"))
	b.templates = append(b.templates, t)
	return nil
}

// affectedPart is all that what is unsure about the object can change.
func (c *CustomObject) affectedPart() GapPart {
	if c.MayGrant {
		return ""
	}
	return PartWorkloads
}

// decodePodMetas are the labels and annotations that pods of a template get.
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

// mergeTemplateMetas are those of some templates together.
func mergeTemplateMetas(templates []EmbeddedTemplate) []*PodMeta {
	var out []*PodMeta
	for i := range templates {
		if i == 0 {
			out = templates[i].PodMetas
			continue
		}
		out = mergePodMetas(out, templates[i].PodMetas)
	}
	return out
}

// mergePodMeta adds to the metadata of t that of a template that folds into it, or that says the same otherwise.
func (t *workloadTemplate) mergePodMeta(from *workloadTemplate) {
	t.podMetas = mergePodMetas(t.podMetas, from.podMetas)
	if t.custom == nil {
		return
	}
	embedded := slices.Clone(t.custom.embedded)
	for i := range embedded {
		e := &embedded[i]
		if from.custom == nil && e.Shape == from.shape {
			e.PodMetas = mergePodMetas(e.PodMetas, from.podMetas)
		}
		if from.custom == nil {
			continue
		}
		for j := range from.custom.embedded {
			if other := &from.custom.embedded[j]; other.Shape == e.Shape {
				e.PodMetas = mergePodMetas(e.PodMetas, other.PodMetas)
			}
		}
	}
	t.custom.embedded = embedded
}

// isKindName is the rule for the name of a kind, which is shown and looked up.
func isKindName(s string) bool {
	return len(s) > 0 && len(s) <= maxLabelLength && !isDigit(s[0]) && allBytes(strings.ToLower(s), func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' })
}

// decodeCustomTemplate decodes a template. Of a partial one it fills in what is not written.
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

// assumeRestricted writes into a pod what the strictest level asks for and the pod does not say.
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

// replicasInJSON is the number of replicas that an object asks for, -1 where it asks for none.
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

// controllerOrOwner is the controller of an object, or else the first of its owners: not every operator names a controller.
func (b *Builder) controllerOrOwner(m *ObjectMeta) Owner {
	if o := b.controllerOf(m); o != (Owner{}) {
		return o
	}
	for i := range m.OwnerReferences {
		r := &m.OwnerReferences[i]
		if kind := QualifiedKind(r.APIVersion, r.Kind); isDNSSubdomain(strings.ToLower(kind)) && isDNSSubdomain(r.Name) {
			return Owner{Kind: b.internString(kind), Name: r.Name}
		}
	}
	return Owner{}
}

// ownerAPIGroup is the API group of an owner of an object.
func (b *Builder) ownerAPIGroup(m *ObjectMeta, o Owner) string {
	group := ""
	for i := range m.OwnerReferences {
		r := &m.OwnerReferences[i]
		if r.Name != o.Name || QualifiedKind(r.APIVersion, r.Kind) != o.Kind {
			continue
		}
		if r.Controller != nil && *r.Controller {
			return b.internString(groupOf(r.APIVersion))
		}
		group = cmp.Or(group, groupOf(r.APIVersion))
	}
	return b.internString(group)
}

// sameCustomTemplates says whether two objects of a custom kind say the same of their pods.
func sameCustomTemplates(a, b *customTemplates) bool {
	if a == nil || b == nil {
		return a == b
	}
	same := func(x, y EmbeddedTemplate) bool {
		return x.Path == y.Path && x.Shape == y.Shape && x.Partial == y.Partial
	}
	return slices.EqualFunc(a.embedded, b.embedded, same) && a.workloadRef == b.workloadRef
}

// makesPodsOf says whether all pods of t are such as p asks for: p is of a custom kind, and may have several templates.
func (p *customTemplates) makesPodsOf(t *workloadTemplate) bool {
	if t.custom == nil {
		return p.hasShape(t.shape)
	}
	return len(t.custom.embedded) > 0 && !slices.ContainsFunc(t.custom.embedded, func(e EmbeddedTemplate) bool { return !p.hasShape(e.Shape) })
}

func (p *customTemplates) hasShape(s *Shape) bool {
	return slices.ContainsFunc(p.embedded, func(e EmbeddedTemplate) bool { return e.Shape == s })
}

// describesAllPods is true for a template that says of its pods all there is to say.
func (t *workloadTemplate) describesAllPods() bool {
	return t.custom == nil || t.custom.unjudgedReason.ID == "" && len(t.custom.embedded) > 0
}

// creator is what made something, or what it was made of. Another group may have a kind of the same name; "" is for any.
type creator struct {
	objectID
	group string
}

// creators are what t was made by, and of.
func (t *workloadTemplate) creators() []creator {
	out := []creator{{objectID{namespace: t.id.namespace, kind: t.owner.Kind, name: t.owner.Name}, t.ownerGroup}}
	if t.custom == nil {
		return out
	}
	for _, u := range t.custom.references {
		if u.SeparatePods {
			continue
		}
		id := objectID{kind: u.Kind, name: u.Name}
		if !u.ClusterScoped {
			id.namespace = t.id.namespace
		}
		out = append(out, creator{id, t.custom.group})
	}
	return out
}

// maxOwnerDepth is more than objects own one another in a row: Knative has five.
const maxOwnerDepth = 16

// addUnjudgedGaps adds the gaps of custom objects of whose pods neither one was read nor a controller that makes them.
func (b *Builder) addUnjudgedGaps(f *workloadMerger, templates []workloadTemplate) {
	made := f.objectsWithPods(b.pods.classes, templates)
	for i := range templates {
		t := &templates[i]
		if t.custom == nil || made[t.id] {
			continue
		}
		why := t.custom.unjudgedReason
		if r := t.custom.workloadRef; r != (Owner{}) && f.templatesByID[objectID{namespace: t.id.namespace, kind: r.Kind, name: r.Name}] == nil {
			why = message.New("template-elsewhere", "object", describeObject(r.Kind, t.id.namespace, r.Name))
		}
		if why.ID != "" {
			b.addLimitedGap(Gap{What: describeObject(t.id.kind, t.id.namespace, t.id.name), Why: why, Position: t.at, Namespaces: touchedNamespaces(t.id.namespace), Affects: t.custom.affects})
		}
	}
	b.addDefinitionGaps(templates, made)
}

// objectsWithPods are the objects of which pods were read, or controllers that tell their pods, and all that those were made by and of.
func (f *workloadMerger) objectsWithPods(groups []podClass, templates []workloadTemplate) map[objectID]bool {
	made := map[objectID]bool{}
	mark := func(of creator) {
		for next := []creator{of}; len(next) > 0; next = next[1:] {
			id := next[0].objectID
			t := f.templatesByID[id]
			if id.name == "" || made[id] || t != nil && t.isOfOtherGroup(next[0].group) {
				continue
			}
			made[id] = true
			if t == nil {
				id = f.topOwner(id)
				made[id] = true
				t = f.templatesByID[id]
			}
			if t != nil {
				next = append(next, t.creators()...)
			}
		}
	}
	for i := range groups {
		g := &groups[i]
		mark(creator{objectID{namespace: g.namespace, kind: g.owner.Kind, name: g.owner.Name}, g.ownerGroup})
	}
	for i := range templates {
		if t := &templates[i]; t.describesAllPods() {
			mark(creator{objectID{namespace: t.id.namespace, kind: t.owner.Kind, name: t.owner.Name}, t.ownerGroup})
		}
	}
	return made
}

// isOfOtherGroup is true for a custom object that is of another group.
func (t *workloadTemplate) isOfOtherGroup(group string) bool {
	return t.custom != nil && group != "" && t.custom.group != group
}

// addDefinitionGaps adds the gaps of custom objects that belong to no namespace and are used, of which no pods were read, and a
// note of those that nothing uses.
func (b *Builder) addDefinitionGaps(templates []workloadTemplate, made map[objectID]bool) {
	if len(b.clusterDefinitions) == 0 {
		return
	}
	places := b.namespacesOfUse(templates)
	var unused []*clusterDefinition
	for i := range b.clusterDefinitions {
		d := &b.clusterDefinitions[i]
		in := places[d.id]
		for _, kind := range d.ownerKinds {
			in = append(in, places[objectID{kind: kind}]...)
		}
		switch {
		case made[d.id]:
		case len(in) == 0:
			unused = append(unused, d)
		default:
			slices.Sort(in)
			d.gap.Namespaces = slices.Compact(in)
			b.addLimitedGap(d.gap)
		}
	}
	b.noteUnusedDefinitions(unused)
}

// namespacesOfUse are the namespaces in which each custom object of the cluster is used, itself or by another one of the cluster,
// and under a kind alone those in which an object of that kind has made something.
func (b *Builder) namespacesOfUse(templates []workloadTemplate) map[objectID][]string {
	ids := map[objectID]bool{}
	byKind := map[string][]*clusterDefinition{}
	for i := range b.clusterDefinitions {
		d := &b.clusterDefinitions[i]
		byKind[d.id.kind] = append(byKind[d.id.kind], d)
		for _, kind := range d.ownerKinds {
			ids[objectID{kind: kind}] = true
		}
	}
	places := map[objectID][]string{}
	seen := map[string]map[objectID]bool{} // by namespace
	var use func(namespace string, uses []CustomReference)
	use = func(namespace string, uses []CustomReference) {
		for _, u := range uses {
			if !u.ClusterScoped {
				continue
			}
			for _, d := range byKind[u.Kind] {
				if d.id.name != u.Name && !strings.ContainsAny(u.Name, "{$") || seen[namespace][d.id] {
					continue
				}
				seen[namespace][d.id] = true
				places[d.id] = append(places[d.id], namespace)
				use(namespace, d.references)
			}
		}
	}
	for i := range templates {
		t := &templates[i]
		in := t.id.namespace
		if seen[in] == nil {
			seen[in] = map[objectID]bool{}
		}
		if by := (objectID{kind: t.owner.Kind}); ids[by] && !seen[in][by] {
			seen[in][by] = true
			places[by] = append(places[by], in)
		}
		if t.custom != nil {
			use(in, t.custom.references)
		}
	}
	return places
}

// noteUnusedDefinitions tells of custom objects that belong to no namespace and that nothing uses.
func (b *Builder) noteUnusedDefinitions(unused []*clusterDefinition) {
	if len(unused) == 0 {
		return
	}
	first := slices.MinFunc(unused, func(x, y *clusterDefinition) int {
		return cmp.Or(comparePositions(x.gap.Position, y.gap.Position), cmp.Compare(x.gap.What, y.gap.What))
	})
	what := first.gap.What
	if more := len(unused) - 1; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	b.AddNote(Note{What: what, Position: first.gap.Position, Why: message.New("template-unused")})
}

// IsPartial is true for a workload of which only part is known: a custom object that does not say all of its pods, none of
// which was read. It may violate a level, and never is known to meet one.
func (w *Workload) IsPartial() bool {
	return w.Template == nil && len(w.PodGroups) == 0 && len(w.Embedded) > 0 &&
		!slices.ContainsFunc(w.Embedded, func(e EmbeddedTemplate) bool { return !e.Partial })
}

// AddObjectGap records the gap of one object. Of the many that one file may have only so many are named.
func (b *Builder) AddObjectGap(g Gap) { b.addLimitedGap(g) }
