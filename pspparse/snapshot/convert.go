package snapshot

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// newShapeRecord returns the record of a pod shape.
func newShapeRecord(number int, s *inventory.Shape) shapeRecord {
	sc := s.Spec.SecurityContext
	return shapeRecord{
		Number: number, Annotations: s.Annotations, Spec: s.Spec,
		NoSupplementalGroups: sc != nil && sc.SupplementalGroups != nil && len(sc.SupplementalGroups) == 0,
	}
}

// shape returns the number and the pod shape of a record.
func (r shapeRecord) shape() (int, *inventory.Shape) {
	if r.NoSupplementalGroups {
		if r.Spec.SecurityContext == nil {
			r.Spec.SecurityContext = &corev1.PodSecurityContext{}
		}
		r.Spec.SecurityContext.SupplementalGroups = []int64{}
	}
	return r.Number, &inventory.Shape{Annotations: r.Annotations, Spec: r.Spec}
}

// newPodMetaRecord returns the record of the metadata of a pod template.
func newPodMetaRecord(number int, m *inventory.PodMeta) podMetaRecord {
	return podMetaRecord{number, m.Labels, m.Annotations}
}

// podMeta returns the number and the metadata of a pod template of a record.
func (r podMetaRecord) podMeta() (int, *inventory.PodMeta) {
	return r.Number, &inventory.PodMeta{Labels: r.Labels, Annotations: r.Annotations}
}

// newTemplateMetaRecord returns the record of what is known of objects that hold a pod template.
func newTemplateMetaRecord(number int, m *inventory.TemplateMeta) templateMetaRecord {
	return templateMetaRecord{number, m.Manager.Tool, m.Manager.Source, m.Chart, m.Images, m.SecurityContext, m.Metadata, m.Annotations, m.Windows}
}

// templateMeta returns the number of a record and what it says of objects that hold a pod template.
func (r templateMetaRecord) templateMeta() (int, *inventory.TemplateMeta) {
	return r.Number, &inventory.TemplateMeta{
		Manager: inventory.Manager{Tool: r.ManagerTool, Source: r.ManagerSource}, Chart: r.Chart, Images: r.Images,
		SecurityContext: r.HasSecurityContext, Metadata: r.HasMetadata, Annotations: r.HasAnnotations, Windows: r.Windows,
	}
}

// newNamespaceRecord returns the record of a namespace.
func newNamespaceRecord(n *inventory.Namespace) namespaceRecord { return namespaceRecord(*n) }

// namespace returns the namespace of a record.
func (r namespaceRecord) namespace() inventory.Namespace { return inventory.Namespace(r) }

// newMisplacedKeyRecord returns the record of a misplaced key of Pod Security.
func newMisplacedKeyRecord(k *inventory.MisplacedKey) misplacedKeyRecord {
	return misplacedKeyRecord{k.Namespace, k.Key, k.Value, k.MeantLabel, k.Annotation, k.Kind, k.Name, k.Template, k.Position, k.MoreOmitted}
}

// misplacedKey returns the misplaced key of Pod Security of a record.
func (r misplacedKeyRecord) misplacedKey() inventory.MisplacedKey {
	return inventory.MisplacedKey{
		Namespace: r.Namespace, Key: r.Key, Value: r.Value, MeantLabel: r.MeantLabel, Annotation: r.Annotation,
		Kind: r.Kind, Name: r.Name, Template: r.Template, Position: r.Position, MoreOmitted: r.MoreOmitted,
	}
}

// effects returns the names of the effects of admission rules.
func effects() map[inventory.MutationEffect]string {
	return map[inventory.MutationEffect]string{
		inventory.EffectUnknown: "unknown", inventory.EffectHarmless: "harmless", inventory.EffectAdds: "adds",
	}
}

// newAdmissionRuleRecord returns the record of an admission rule.
func (c *codec) newAdmissionRuleRecord(r *inventory.AdmissionRule) admissionRuleRecord {
	return admissionRuleRecord{
		Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Rule: r.Rule, Mutates: r.Mutates,
		Scopes: newScopeRecords(r.Scopes), ExceptScopes: newScopeRecords(r.ExceptScopes), Effect: effects()[r.Effect],
		SetFields: r.SetFields, AddedParts: c.shapes.known(r.AddedParts), Category: r.Category, Position: r.Position,
	}
}

// newScopeRecords returns the records of the scopes of an admission rule; nil for nil.
func newScopeRecords(scopes []inventory.AdmissionScope) []scopeRecord {
	return convertAll(scopes, func(s inventory.AdmissionScope) scopeRecord { return scopeRecord(s) })
}

// scopesOf returns the scopes of the record of an admission rule; nil for nil.
func scopesOf(records []scopeRecord) []inventory.AdmissionScope {
	return convertAll(records, func(r scopeRecord) inventory.AdmissionScope { return inventory.AdmissionScope(r) })
}

// admissionRule returns the admission rule of a record, or an error for an unknown effect or shape.
func (c *codec) admissionRule(r admissionRuleRecord) (inventory.AdmissionRule, error) {
	out := inventory.AdmissionRule{
		Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Rule: r.Rule, Mutates: r.Mutates,
		Scopes: scopesOf(r.Scopes), ExceptScopes: scopesOf(r.ExceptScopes), Effect: -1, SetFields: r.SetFields, Category: r.Category, Position: r.Position,
	}
	for effect, name := range effects() {
		if name == r.Effect {
			out.Effect = effect
		}
	}
	if out.Effect < 0 {
		return out, fmt.Errorf("it has the effect %q", r.Effect)
	}
	var err error
	out.AddedParts, err = c.shapes.value(r.AddedParts)
	return out, err
}

// newWorkloadRecord returns the record of a workload.
func (c *codec) newWorkloadRecord(w *inventory.Workload) workloadRecord {
	return workloadRecord{
		Namespace: w.Namespace, Kind: w.Kind, Name: w.Name, ServiceAccount: w.ServiceAccount,
		Template: c.shapes.known(w.Template), TemplateMeta: c.templateMetas.known(w.TemplateMeta), PodMetas: convertAll(w.PodMetas, c.podMetas.known),
		Replicas: w.Replicas, Owner: (*ownerRecord)(w.Owner),
		PodGroups: convertAll(w.PodGroups, func(g inventory.PodGroup) podGroupRecord {
			return podGroupRecord{c.shapes.known(g.Shape), g.ServiceAccount, g.AdmittedBy, g.Mirror, g.Count, g.Finished, g.ExamplePod}
		}),
		DebuggedPods: convertAll(w.DebuggedPods, func(d inventory.DebuggedPod) debuggedPodRecord {
			return debuggedPodRecord{d.Pod, c.shapes.known(d.Shape), c.shapes.known(d.WithoutDebug)}
		}),
		Position: w.Position,
		Embedded: convertAll(w.Embedded, func(e inventory.EmbeddedTemplate) embeddedRecord {
			return embeddedRecord{e.Path, c.shapes.known(e.Shape), e.Partial, convertAll(e.PodMetas, c.podMetas.known)}
		}),
		Order: w.Order,
	}
}

// workload returns the workload of a record, or an error for one that names what is not there.
func (c *codec) workload(r workloadRecord) (inventory.Workload, error) {
	w := inventory.Workload{
		Namespace: r.Namespace, Kind: r.Kind, Name: r.Name, ServiceAccount: r.ServiceAccount, Replicas: r.Replicas,
		Owner: (*inventory.Owner)(r.Owner), Position: r.Position, Order: r.Order,
	}
	l := lookups{codec: c}
	w.Template, w.TemplateMeta, w.PodMetas = l.shape(r.Template), l.templateMeta(r.TemplateMeta), l.podMetas(r.PodMetas)
	w.PodGroups = convertAll(r.PodGroups, func(g podGroupRecord) inventory.PodGroup {
		return inventory.PodGroup{
			Shape: l.givenShape(g.Shape), ServiceAccount: g.ServiceAccount, AdmittedBy: g.AdmittedBy, Mirror: g.Mirror,
			Count: g.Count, Finished: g.Finished, ExamplePod: g.ExamplePod,
		}
	})
	w.DebuggedPods = convertAll(r.DebuggedPods, func(d debuggedPodRecord) inventory.DebuggedPod {
		return inventory.DebuggedPod{Pod: d.Pod, Shape: l.givenShape(d.Shape), WithoutDebug: l.givenShape(d.WithoutDebug)}
	})
	w.Embedded = convertAll(r.Embedded, func(e embeddedRecord) inventory.EmbeddedTemplate {
		return inventory.EmbeddedTemplate{Path: e.Path, Shape: l.givenShape(e.Shape), Partial: e.Partial, PodMetas: l.podMetas(e.PodMetas)}
	})
	if w.Name == "" || w.Kind == "" || !inventory.IsDNSLabel(w.Namespace) {
		return w, fmt.Errorf("it is of no object: namespace %q, kind %q, name %q", w.Namespace, w.Kind, w.Name)
	}
	return w, l.err
}

// lookups finds what the record of a workload names by number, and keeps the first error.
type lookups struct {
	*codec
	err error
}

// shape returns the pod shape with a number; nil for 0.
func (l *lookups) shape(number int) *inventory.Shape {
	value, err := l.shapes.value(number)
	l.fail(err)
	return value
}

// givenShape is shape where a pod shape has to be.
func (l *lookups) givenShape(number int) *inventory.Shape {
	if number == 0 {
		l.fail(fmt.Errorf("it names no shape where one has to be"))
	}
	return l.shape(number)
}

// templateMeta returns what is known of an object that holds a pod template, by number; nil for 0.
func (l *lookups) templateMeta(number int) *inventory.TemplateMeta {
	value, err := l.templateMetas.value(number)
	l.fail(err)
	return value
}

// podMetas returns the metadata of pod templates with these numbers; nil for nil.
func (l *lookups) podMetas(numbers []int) []*inventory.PodMeta {
	return convertAll(numbers, func(number int) *inventory.PodMeta {
		value, err := l.codec.podMetas.value(number)
		if err == nil && value == nil {
			err = fmt.Errorf("it names no metadata where some has to be")
		}
		l.fail(err)
		return value
	})
}

// fail keeps the first error of the lookups.
func (l *lookups) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// convertAll returns what a conversion makes of each item of a list of a snapshot; nil for nil.
func convertAll[A, B any](list []A, convert func(A) B) []B {
	if list == nil {
		return nil
	}
	out := make([]B, 0, len(list))
	for item := range slices.Values(list) {
		out = append(out, convert(item))
	}
	return out
}
