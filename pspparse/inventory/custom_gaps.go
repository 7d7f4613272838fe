package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// clusterDefinition is, in the inventory, a cluster-scoped custom object from which pods are made, with the gap that it
// becomes unless pods of it were read.
type clusterDefinition struct {
	id         objectID
	references []CustomReference
	ownerKinds []string
	gap        Gap
}

// affectedPart returns the part of a namespace that pods of the custom object may change which cannot be evaluated.
func (c *CustomObject) affectedPart() GapPart {
	if c.MayGrant {
		return ""
	}
	return PartWorkloads
}

// addUnevaluatedGaps adds the gaps of custom objects with pods that cannot be evaluated, unless pods of them were read or
// a controller that makes them.
func (b *Builder) addUnevaluatedGaps(f *workloadMerger, templates []workloadTemplate) {
	havePods := f.objectsWithPods(b.pods.classes, templates)
	for i := range templates {
		t := &templates[i]
		if t.custom == nil || havePods[t.id] {
			continue
		}
		why := t.custom.unevaluatedReason
		if r := t.custom.workloadRef; r != (Owner{}) && f.templatesByID[objectID{namespace: t.id.namespace, kind: r.Kind, name: r.Name}] == nil {
			why = message.New("template-elsewhere", "object", describeObject(r.Kind, t.id.namespace, r.Name))
		}
		if why.ID != "" {
			b.AddObjectGap(Gap{What: describeObject(t.id.kind, t.id.namespace, t.id.name), Why: why, Position: t.at, Namespaces: touchedNamespaces(t.id.namespace), Affects: t.custom.affects})
		}
	}
	b.addDefinitionGaps(templates, havePods)
}

// objectsWithPods returns the custom objects of which pods were read, or controllers that describe their pods, and all
// objects that made those.
func (f *workloadMerger) objectsWithPods(groups []podClass, templates []workloadTemplate) map[objectID]bool {
	havePods := map[objectID]bool{}
	mark := func(of creator) {
		for next := []creator{of}; len(next) > 0; next = next[1:] {
			id := next[0].objectID
			t := f.templatesByID[id]
			if id.name == "" || havePods[id] || t != nil && t.isOfOtherGroup(next[0].group) {
				continue
			}
			havePods[id] = true
			if t == nil {
				id = f.topOwner(id)
				havePods[id] = true
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
	return havePods
}

// addDefinitionGaps adds the gaps of cluster-scoped custom objects that are used and of which no pods were read, and a note
// of those that nothing uses.
func (b *Builder) addDefinitionGaps(templates []workloadTemplate, havePods map[objectID]bool) {
	if len(b.clusterDefinitions) == 0 {
		return
	}
	namespaces := b.namespacesOfUse(templates)
	var unused []*clusterDefinition
	for i := range b.clusterDefinitions {
		d := &b.clusterDefinitions[i]
		in := namespaces[d.id]
		for _, kind := range d.ownerKinds {
			in = append(in, namespaces[objectID{kind: kind}]...)
		}
		switch {
		case havePods[d.id]:
		case len(in) == 0:
			unused = append(unused, d)
		default:
			slices.Sort(in)
			d.gap.Namespaces = slices.Compact(in)
			b.AddObjectGap(d.gap)
		}
	}
	b.noteUnusedDefinitions(unused)
}

// namespacesOfUse returns the namespaces in which each cluster-scoped custom object is used, itself or by another one.
// Under a kind alone it returns those in which an object of that kind has made something.
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
	namespaces := map[objectID][]string{}
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
				namespaces[d.id] = append(namespaces[d.id], namespace)
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
			namespaces[by] = append(namespaces[by], in)
		}
		if t.custom != nil {
			use(in, t.custom.references)
		}
	}
	return namespaces
}

// noteUnusedDefinitions adds a note of cluster-scoped custom objects that nothing uses.
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
