package inventory

import (
	"cmp"
	"slices"
	"strings"
)

// mergeTemplateMetas returns the pod metadata of several templates, each set once.
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

// mergePodMeta adds to the pod metadata of a workload's template that of another reading, or of a template that it
// stands for.
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

// controllerOrOwner returns the controller of an object in the inventory, or else the first of its owners: not every
// operator names a controller.
func (b *Builder) controllerOrOwner(m *ObjectMeta) Owner {
	if o := b.controllerOf(m); o != (Owner{}) {
		return o
	}
	for i := range m.OwnerReferences {
		r := &m.OwnerReferences[i]
		if kind := QualifiedKind(r.APIVersion, r.Kind); IsDNSSubdomain(strings.ToLower(kind)) && IsDNSSubdomain(r.Name) {
			return Owner{Kind: b.internString(kind), Name: r.Name}
		}
	}
	return Owner{}
}

// ownerAPIGroup returns the API group of an owner of an object in the inventory.
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

// sameCustomTemplates reports whether two custom objects say the same of their pods.
func sameCustomTemplates(a, b *customTemplates) bool {
	if a == nil || b == nil {
		return a == b
	}
	same := func(x, y EmbeddedTemplate) bool {
		return x.Path == y.Path && x.Shape == y.Shape && x.Partial == y.Partial
	}
	return slices.EqualFunc(a.embedded, b.embedded, same) && a.workloadRef == b.workloadRef
}

// makesPodsOf reports whether all pods of t have a shape that the custom object asks for, so that the object stands for t.
func (p *customTemplates) makesPodsOf(t *workloadTemplate) bool {
	if t.custom == nil {
		return p.hasShape(t.shape)
	}
	return len(t.custom.embedded) > 0 && !slices.ContainsFunc(t.custom.embedded, func(e EmbeddedTemplate) bool { return !p.hasShape(e.Shape) })
}

// hasShape reports whether a pod template of the custom object has a shape.
func (p *customTemplates) hasShape(s *Shape) bool {
	return slices.ContainsFunc(p.embedded, func(e EmbeddedTemplate) bool { return e.Shape == s })
}

// describesAllPods reports whether the workload's object describes all of its pods.
func (t *workloadTemplate) describesAllPods() bool {
	return t.custom == nil || t.custom.unevaluatedReason.ID == "" && len(t.custom.embedded) > 0
}

// creator names an object that made another one of the inventory, or from which that was made. Its group is "" where it
// is not known.
type creator struct {
	objectID
	group string
}

// creators returns the objects that made a workload's object, or from which that was made.
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

// isOfOtherGroup reports whether the workload's object is a custom object of another API group.
func (t *workloadTemplate) isOfOtherGroup(group string) bool {
	return t.custom != nil && group != "" && t.custom.group != group
}
