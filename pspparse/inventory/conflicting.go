package inventory

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// One name may stand for more than one thing: a base and an overlay are read as they lie there, a manifest and what a cluster
// made of an older one, a document with a key twice. Which it is is not known. Where each comes to the same level at every
// version of the standards, nothing depends on it.

// maxReadings is how many readings of one workload are compared.
const maxReadings = 10

// acceptDifferingTemplates returns, for the inventory, the first of differing pod templates under one name, with the
// others as its conflict, which is resolved once it is known what runs of them. It returns false where they cannot be
// compared.
func acceptDifferingTemplates(b *Builder, differing []workloadTemplate, g Gap) (workloadTemplate, bool) {
	readings := slices.Clone(differing)
	byContent := func(x, y workloadTemplate) int {
		return cmp.Or(cmp.Compare(b.shapeKey(x.shape), b.shapeKey(y.shape)), cmp.Compare(x.account, y.account), cmp.Compare(b.selectableMetadata(x.podMetas), b.selectableMetadata(y.podMetas)))
	}
	slices.SortStableFunc(readings, func(x, y workloadTemplate) int { return cmp.Or(byContent(x, y), comparePositions(x.at, y.at)) })
	readings = slices.CompactFunc(readings, func(x, y workloadTemplate) bool {
		return byContent(x, y) == 0 && sameCustomTemplates(x.custom, y.custom)
	})
	slices.SortStableFunc(readings, func(x, y workloadTemplate) int { return comparePositions(x.at, y.at) })
	first := readings[0]
	sameOwner := !slices.ContainsFunc(readings, func(t workloadTemplate) bool { return t.owner != first.owner })
	if b.sameLevels == nil || len(readings) > maxReadings || !sameOwner {
		return workloadTemplate{}, false
	}
	if first.duplicateKeyReason != "" && len(differing) == 2 {
		g.Why = message.New("key-twice", "error", first.duplicateKeyReason)
	}
	first.conflict = &templateConflict{others: readings[1:], gap: g}
	return first, true
}

// shapeKey returns the key of a pod shape, to sort by.
func (b *Builder) shapeKey(s *Shape) string {
	if b.shapeKeys == nil {
		b.shapeKeys = b.shapes.shapeKeys()
	}
	return b.shapeKeys[s]
}

// resolveConflictingTemplates keeps in the inventory the first reading of each workload whose readings come to the same
// level, with a note. Of any other workload it keeps what runs, and adds the gap.
func (b *Builder) resolveConflictingTemplates(f *workloadMerger) {
	kept := f.workloads[:0]
	for _, e := range f.workloads {
		if e.conflict != nil && !b.templateReadingsAgree(&e) {
			b.AddGap(e.conflict.gap)
			b.conflictingNamespaces = append(b.conflictingNamespaces, e.Namespace)
			if len(e.PodGroups) == 0 {
				continue
			}
			e.dropTemplate()
		}
		kept = append(kept, e)
	}
	f.workloads = kept
}

// templateReadingsAgree reports whether all readings of a workload's template come to the same level, and then adds a note.
func (b *Builder) templateReadingsAgree(e *workloadEntry) bool {
	readings := []Workload{e.Workload}
	for _, other := range e.conflict.others {
		w := e.Workload
		w.Template, w.TemplateMeta, w.ServiceAccount, w.PodMetas = other.shape, other.templateMeta, other.account, other.podMetas
		if other.custom != nil {
			w.Embedded = other.custom.embedded
		}
		readings = append(readings, w)
	}
	if !b.sameAdmission(readings) || !b.sameLevels(readings) {
		return false
	}
	b.AddNote(sameLevelNote(e.conflict.gap))
	return true
}

// sameAdmission reports whether admission treats readings of one workload alike whatever their level: they have the same
// runtime classes, which may be exempt, and the same metadata that injectors and admission rules select by.
func (b *Builder) sameAdmission(readings []Workload) bool {
	first := &readings[0]
	return !slices.ContainsFunc(readings[1:], func(w Workload) bool {
		return !slices.Equal(runtimeClasses(&w), runtimeClasses(first)) || b.selectableMetadata(w.PodMetas) != b.selectableMetadata(first.PodMetas)
	})
}

// runtimeClasses returns the runtime classes of all pods and templates of a workload, sorted; "" is none.
func runtimeClasses(w *Workload) []string {
	shapes := []*Shape{w.Template}
	for _, e := range w.Embedded {
		shapes = append(shapes, e.Shape)
	}
	if w.Template == nil && len(w.Embedded) == 0 {
		for i := range w.PodGroups {
			shapes = append(shapes, w.PodGroups[i].Shape)
		}
	}
	var out []string
	for _, s := range shapes {
		switch {
		case s == nil:
		case s.Spec.RuntimeClassName == nil:
			out = append(out, "")
		default:
			out = append(out, *s.Spec.RuntimeClassName)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// selectableMetadata returns, as text, the part of pod metadata by which injectors and admission rules can select pods.
func (b *Builder) selectableMetadata(of []*PodMeta) string {
	if b.selectorKeys == nil {
		b.selectorKeys = b.podLabelsSelectedBy()
	}
	var out []string
	for _, m := range of {
		reduced := PodMeta{Annotations: m.Annotations}
		for key, value := range m.Labels {
			if b.selectorKeys[key] || IsInjectorAnnotation(key) {
				putString(&reduced.Labels, key, value)
			}
		}
		out = append(out, reduced.sortKey())
	}
	if len(out) == 0 {
		out = []string{(&PodMeta{}).sortKey()} // as one of which nothing selects by
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\x02")
}

// podLabelsSelectedBy returns the keys of all pod labels by which an admission rule selects pods.
func (b *Builder) podLabelsSelectedBy() map[string]bool {
	out := map[string]bool{}
	add := func(s *metav1.LabelSelector) {
		if s == nil {
			return
		}
		for key := range s.MatchLabels {
			out[key] = true
		}
		for _, e := range s.MatchExpressions {
			out[e.Key] = true
		}
	}
	for i := range b.admissionRules {
		for _, s := range slices.Concat(b.admissionRules[i].Scopes, b.admissionRules[i].ExceptScopes) {
			add(s.PodLabels)
		}
	}
	for i := range b.policyBindings {
		add(b.policyBindings[i].scope.PodLabels)
	}
	return out
}

// dropTemplate removes the template of a workload, as if only its pods and not its object had been read.
func (e *workloadEntry) dropTemplate() {
	e.Template, e.TemplateMeta, e.Owner, e.Position, e.Replicas = nil, nil, nil, pspparse.Position{}, 0
	for _, g := range e.PodGroups {
		e.Replicas += g.Count
	}
}

// acceptDifferingPods reports whether differing bare pods under one name come to the same level, and then adds a note.
func (b *Builder) acceptDifferingPods(run []podRow, g Gap) bool {
	if b.sameLevels == nil || len(run) > maxReadings {
		return false
	}
	var readings []Workload
	for i := range run {
		s := &b.pods.classes[run[i].class]
		if s.owner != (Owner{}) {
			return false
		}
		readings = append(readings, Workload{
			Namespace: s.namespace, Kind: "Pod", Name: run[i].name, ServiceAccount: s.account, Template: s.authorShape, TemplateMeta: s.authorMeta, PodMetas: podMetaList(s.podMeta),
			PodGroups: []PodGroup{{Shape: s.shape, ServiceAccount: s.account, AdmittedBy: s.admittedBy, Mirror: s.mirror, Count: 1, ExamplePod: run[i].name}},
		})
	}
	if !b.sameAdmission(readings) || !b.sameLevels(readings) {
		return false
	}
	b.AddNote(sameLevelNote(g))
	return true
}

// sameLevelNote returns the inventory's note in place of the gap of differing objects which come to the same level.
func sameLevelNote(g Gap) Note {
	why := message.New("key-twice-alike", "error", g.Why.Args.Get("error"))
	if g.Why.ID == "defined-twice" {
		why = message.New("defined-twice-alike", "times", g.Why.Args.Get("times"), "places", g.Why.Args.Get("places"))
	}
	return Note{What: g.What, Position: g.Position, Why: why}
}

// DecodeBothReadings adds one object that gives a key twice, and can be read with the first value or with the last; why
// says which key. It returns false, and adds nothing, for a kind without a pod template and where one of the readings
// cannot be used.
func (b *Builder) DecodeBothReadings(apiVersion, kind string, first, last []byte, why string, at pspparse.Position) bool {
	if b.SameLevels == nil || kind == "Pod" || PartOfKind(apiVersion, kind) != PartWorkloads {
		return false
	}
	before, gaps := len(b.templates), len(b.gaps)
	for _, data := range [][]byte{first, last} {
		if handled, err := b.Decode(apiVersion, kind, data, at); !handled || err != nil {
			break
		}
	}
	added := b.templates[before:]
	if len(added) != 2 || added[0].id != added[1].id || added[0].id.generatedName {
		b.templates, b.gaps = b.templates[:before], b.gaps[:gaps]
		return false
	}
	if added[0].shape == added[1].shape && added[0].account == added[1].account && slices.Equal(added[0].podMetas, added[1].podMetas) {
		b.AddNote(sameLevelNote(Gap{What: describeObject(kind, added[0].id.namespace, added[0].id.name), Position: at, Why: message.New("key-twice", "error", why)}))
		b.templates = b.templates[:before+1]
		return true
	}
	added[0].duplicateKeyReason, added[1].duplicateKeyReason = why, why
	return true
}
