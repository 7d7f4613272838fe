package inventory

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// duplicateRules say how the inventory resolves objects of one kind that were read more than once under one name.
type duplicateRules[T any] struct {
	// id returns the identity of an object. Its kind may differ within a list, as with templates.
	id func(*T) objectID
	at func(*T) pspparse.Position
	// same reports whether two objects of one identity say the same, as far as it matters.
	same func(a, b *T) bool
	// merge, if set, keeps in the first of several same objects what only the others know.
	merge func(same []T)
	// touchedNamespaces, if set, replaces the namespaces that a conflict makes uncertain.
	touchedNamespaces func(*T) []string
	// affectedPart, if set, says what a conflict can change where that is less than objects of the kind can.
	affectedPart func(differing []T) GapPart
	// acceptDiffering, if set, returns what stands for differing objects instead of the gap, and false where the gap
	// stands.
	acceptDiffering func(b *Builder, differing []T, g Gap) (T, bool)
	// conflictNamespace, if set, names the namespace that stays listed although the object in conflict is not used.
	conflictNamespace func(*T) string
}

// objectID identifies an object of the inventory by kind, namespace and name.
type objectID struct {
	kind, namespace, name string
	// generatedName is true where the server will choose the end of the name, so that no two objects are the same one.
	generatedName bool
}

// compare orders objects of the inventory by namespace, kind and name.
func (a objectID) compare(b objectID) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
}

// resolveDuplicates returns objects of the inventory sorted by namespace, kind, name and position, with one of those
// that say the same under one name. Items that differ under one name are left out, with a gap.
func resolveDuplicates[T any](b *Builder, r duplicateRules[T], items []T) []T {
	compare := func(x, y *T) int {
		return cmp.Or(r.id(x).compare(r.id(y)), comparePositions(r.at(x), r.at(y)))
	}
	// By index: the elements are big, and their address would make a copy of each for every comparison.
	sort.Slice(items, func(i, j int) bool { return compare(&items[i], &items[j]) < 0 })
	for start, end := 0, 1; end <= len(items); end++ {
		if end == len(items) || compare(&items[start], &items[end]) != 0 {
			sortByContent(items[start:end])
			start = end
		}
	}
	kept := items[:0]
	for start := 0; start < len(items); {
		id := r.id(&items[start])
		end := start + 1
		for end < len(items) && !id.generatedName && r.id(&items[end]) == id {
			end++
		}
		run := items[start:end]
		start = end
		if b.countIfSame(r.at(&run[0]), len(run), func(i int) bool { return r.same(&run[0], &run[i]) }) {
			if r.merge != nil && len(run) > 1 {
				r.merge(run)
			}
			kept = append(kept, run[0])
			continue
		}
		if one, ok := resolveConflict(b, r, run); ok {
			kept = append(kept, one)
		}
	}
	clear(items[len(kept):])
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// resolveConflict returns the object that the inventory keeps of differing ones under one name; false where none is
// used and they have become a gap.
func resolveConflict[T any](b *Builder, r duplicateRules[T], differing []T) (T, bool) {
	first := &differing[0]
	g := conflictGap(r.id(first), len(differing), func(i int) pspparse.Position { return r.at(&differing[i]) })
	if r.touchedNamespaces != nil {
		g.Namespaces = r.touchedNamespaces(first)
	}
	if r.affectedPart != nil {
		g.Affects = r.affectedPart(differing)
	}
	if r.acceptDiffering != nil {
		if one, ok := r.acceptDiffering(b, differing, g); ok {
			return one, true
		}
	}
	b.AddGap(g)
	if r.conflictNamespace != nil {
		b.conflictingNamespaces = append(b.conflictingNamespaces, r.conflictNamespace(first))
	}
	var none T
	return none, false
}

// sortByContent sorts objects of the inventory that have one name and one position by their content: a server returned
// an object twice, or all stand in one line.
func sortByContent[T any](items []T) {
	if len(items) < 2 {
		return
	}
	type written struct {
		text []byte
		item T
	}
	all := make([]written, len(items))
	for i := range items {
		text, err := json.Marshal(&items[i])
		if err != nil {
			return
		}
		all[i] = written{text, items[i]}
	}
	sort.SliceStable(all, func(i, j int) bool { return bytes.Compare(all[i].text, all[j].text) < 0 })
	for i := range all {
		items[i] = all[i].item
	}
}

// countIfSame reports whether all n objects of the inventory under one name are the same as the first, and counts the
// repetitions if they are.
func (b *Builder) countIfSame(first pspparse.Position, n int, same func(i int) bool) bool {
	for i := 1; i < n; i++ {
		if !same(i) {
			return false
		}
	}
	for range n - 1 {
		b.repeated.add(first)
	}
	return true
}

// maxConflictPositions is how many positions of one object are named in a gap.
const maxConflictPositions = 100

// conflictGap returns the gap of an inventory with n differing objects under one name.
func conflictGap(id objectID, n int, at func(i int) pspparse.Position) Gap {
	var positions []pspparse.Position
	for i := range n {
		positions = append(positions, at(i))
	}
	slices.SortFunc(positions, comparePositions)
	var text []string
	positions = slices.Compact(positions)
	for _, p := range positions[:min(len(positions), maxConflictPositions)] {
		text = append(text, positionText(p))
	}
	if more := len(positions) - maxConflictPositions; more > 0 {
		text = append(text, fmt.Sprintf("and %d more", more))
	}
	namespaces := []string{AllNamespaces}
	if id.namespace != "" {
		namespaces = []string{id.namespace}
	}
	advice := "keep one of them"
	if strings.HasPrefix(id.name, "release-name") {
		advice = "these charts were rendered without a name: give each release its own (helm template NAME CHART)"
	}
	return Gap{
		What: describeObject(id.kind, id.namespace, id.name), Position: positions[0], Namespaces: namespaces, Affects: PartOfKind("", id.kind),
		Why: message.New("defined-twice", "times", n, "places", text, "advice", advice),
	}
}

// noteRepeatedObjects adds to the inventory a note of the objects that were read again with the same content.
func (b *Builder) noteRepeatedObjects() {
	if b.repeated.count == 0 {
		return
	}
	b.AddNote(Note{
		What: "repeated objects", Position: b.repeated.first,
		Why: message.New("objects-repeated", "n", b.repeated.count),
	})
}

// policyDuplicateRules returns the rules that compare duplicate PodSecurityPolicies of an inventory by their spec and
// the annotations that are part of it. The two API groups show one stored object and are not distinguished.
func policyDuplicateRules() duplicateRules[*pspparse.Policy] {
	return duplicateRules[*pspparse.Policy]{
		id: func(p **pspparse.Policy) objectID { return objectID{kind: "PodSecurityPolicy", name: (*p).Name} },
		at: func(p **pspparse.Policy) pspparse.Position { return (*p).Position },
		// The two API groups show one stored object, so they are not distinguished; labels and foreign annotations mean nothing.
		same: func(a, b **pspparse.Policy) bool {
			for _, key := range []string{
				pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation,
				pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation,
			} {
				x, okX := (*a).Annotations[key]
				y, okY := (*b).Annotations[key]
				if x != y || okX != okY {
					return false
				}
			}
			return equality.Semantic.DeepEqual((*a).Spec, (*b).Spec)
		},
	}
}

// namespaceDuplicateRules returns the rules that compare duplicate namespaces by labels and annotations.
func namespaceDuplicateRules() duplicateRules[Namespace] {
	return duplicateRules[Namespace]{
		id: func(n *Namespace) objectID { return objectID{kind: "Namespace", namespace: "", name: n.Name} },
		at: func(n *Namespace) pspparse.Position { return n.Position },
		same: func(a, b *Namespace) bool {
			return maps.Equal(withoutNameLabel(a.Labels), withoutNameLabel(b.Labels)) && maps.Equal(a.Annotations, b.Annotations)
		},
		merge:             mergeNamespaces,
		touchedNamespaces: func(n *Namespace) []string { return []string{n.Name} },
		affectedPart:      partOfNamespaceConflict,
		conflictNamespace: func(n *Namespace) string { return n.Name },
	}
}

// partOfNamespaceConflict returns PartLabels where duplicate objects of one namespace differ in nothing but Pod
// Security labels. Any other difference may ask for more, such as a sidecar in its pods.
func partOfNamespaceConflict(differing []Namespace) GapPart {
	others := func(labels map[string]string) map[string]string {
		out := maps.Clone(withoutNameLabel(labels))
		maps.DeleteFunc(out, func(key, _ string) bool { return strings.HasPrefix(key, PodSecurityLabelPrefix) })
		return out
	}
	first := &differing[0]
	for i := range differing {
		n := &differing[i]
		if !maps.Equal(others(first.Labels), others(n.Labels)) || !maps.Equal(first.Annotations, n.Annotations) {
			return ""
		}
	}
	return PartLabels
}

// mergeNamespaces adds to the first reading of a namespace what only the other readings have.
func mergeNamespaces(same []Namespace) {
	into := &same[0]
	for i := range same[1:] {
		from := &same[i+1]
		if name, ok := from.Labels[corev1.LabelMetadataName]; ok {
			into.Labels = maps.Clone(into.Labels)
			if into.Labels == nil {
				into.Labels = map[string]string{}
			}
			into.Labels[corev1.LabelMetadataName] = name
		}
		into.OwnersUnknown = ownersUnknown(into, from)
		into.UID = cmp.Or(into.UID, from.UID)
		into.ClientApplied = into.ClientApplied || from.ClientApplied
		into.ServerApplied = into.ServerApplied || from.ServerApplied
		into.Terminating = into.Terminating || from.Terminating
	}
	into.LabelManagers = mergeLabelManagers(same)
}

// ownersUnknown reports whether the owners of a namespace's labels are unknown after two readings: it is false if one of them
// shows the owners.
func ownersUnknown(a, b *Namespace) bool {
	shows := func(ns *Namespace) bool { return ns.UID != "" && !ns.OwnersUnknown }
	return !shows(a) && !shows(b) && (a.OwnersUnknown || b.OwnersUnknown)
}

// withoutNameLabel returns a namespace's labels without kubernetes.io/metadata.name, which every server adds and no
// file has.
func withoutNameLabel(labels map[string]string) map[string]string {
	if _, ok := labels[corev1.LabelMetadataName]; !ok {
		return labels
	}
	labels = maps.Clone(labels)
	delete(labels, corev1.LabelMetadataName)
	return labels
}

// mergeLabelManagers returns the field managers of each label of all readings of a namespace.
func mergeLabelManagers(same []Namespace) map[string][]string {
	var out map[string][]string
	for i := range same {
		for key, managers := range same[i].LabelManagers {
			if out == nil {
				out = map[string][]string{}
			}
			out[key] = append(out[key], managers...)
		}
	}
	for key, managers := range out {
		slices.Sort(managers)
		out[key] = slices.Compact(managers)
	}
	return out
}

// accountDuplicateRules returns the rules that compare duplicate service accounts of an inventory by
// automountServiceAccountToken.
func accountDuplicateRules() duplicateRules[ServiceAccount] {
	return duplicateRules[ServiceAccount]{
		id: func(s *ServiceAccount) objectID {
			return objectID{kind: "ServiceAccount", namespace: s.Namespace, name: s.Name}
		},
		at:   func(s *ServiceAccount) pspparse.Position { return s.Position },
		same: func(a, b *ServiceAccount) bool { return reflect.DeepEqual(a.Automount, b.Automount) },
	}
}
