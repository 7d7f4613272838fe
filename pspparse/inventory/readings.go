package inventory

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// One name may stand for more than one thing: a base and an overlay are read as they lie there, a manifest and what a cluster
// made of an older one, a document with a key twice. Which it is is not known. Where each comes to the same level at every
// version of the standards, nothing depends on it.

// maxReadings of one workload are compared.
const maxReadings = 10

// eitherTemplate keeps the first of templates of one name until what runs of them is known; false where they cannot be
// compared.
func eitherTemplate(b *Builder, differing []template, g Gap) (template, bool) {
	readings := slices.Clone(differing)
	byContent := func(x, y template) int {
		return cmp.Or(cmp.Compare(b.key(x.shape), b.key(y.shape)), cmp.Compare(x.account, y.account), cmp.Compare(b.marks(x.meta), b.marks(y.meta)))
	}
	slices.SortStableFunc(readings, func(x, y template) int { return cmp.Or(byContent(x, y), comparePositions(x.at, y.at)) })
	readings = slices.CompactFunc(readings, func(x, y template) bool { return byContent(x, y) == 0 && sameCustom(x.custom, y.custom) })
	slices.SortStableFunc(readings, func(x, y template) int { return comparePositions(x.at, y.at) })
	first := readings[0]
	sameOwner := !slices.ContainsFunc(readings, func(t template) bool { return t.owner != first.owner })
	if b.alike == nil || len(readings) > maxReadings || !sameOwner {
		return template{}, false
	}
	if first.twice != "" && len(differing) == 2 {
		g.Why = first.twice
	}
	first.contest = &contest{others: readings[1:], gap: g}
	return first, true
}

// key is a shape's, for an order.
func (b *Builder) key(s *Shape) string {
	if b.shapeKeys == nil {
		b.shapeKeys = b.shapes.keys()
	}
	return b.shapeKeys[s]
}

// settleReadings keeps the first reading of each workload whose readings come to the same, with a note. Of the others what runs
// is left, and the gap.
func (b *Builder) settleReadings(f *folder) {
	kept := f.list[:0]
	for _, e := range f.list {
		if e.contest != nil && !b.agreed(&e) {
			b.AddGap(e.contest.gap)
			b.contested = append(b.contested, e.Namespace)
			if len(e.Pods) == 0 {
				continue
			}
			e.withoutTemplate()
		}
		kept = append(kept, e)
	}
	f.list = kept
}

// agreed tells whether all readings of a workload come to the same, which is then a note.
func (b *Builder) agreed(e *entry) bool {
	readings := []Workload{e.Workload}
	for _, other := range e.contest.others {
		w := e.Workload
		w.Template, w.Origin, w.ServiceAccount, w.PodMeta = other.shape, other.origin, other.account, other.meta
		if other.custom != nil {
			w.Embedded = other.custom.embedded
		}
		readings = append(readings, w)
	}
	if !b.admittedAlike(readings) || !b.alike(readings) {
		return false
	}
	b.AddNote(alikeNote(e.contest.gap))
	return true
}

// admittedAlike is false where admission may treat readings of one workload differently whatever their level: their runtime
// classes differ, which may be exempt, or what injectors and reviewers select by.
func (b *Builder) admittedAlike(readings []Workload) bool {
	first := &readings[0]
	return !slices.ContainsFunc(readings[1:], func(w Workload) bool {
		return !slices.Equal(runtimeClasses(&w), runtimeClasses(first)) || b.marks(w.PodMeta) != b.marks(first.PodMeta)
	})
}

// runtimeClasses are those of all that is known of a workload's pods, sorted; "" is none.
func runtimeClasses(w *Workload) []string {
	shapes := []*Shape{w.Template}
	for _, e := range w.Embedded {
		shapes = append(shapes, e.Shape)
	}
	if w.Template == nil && len(w.Embedded) == 0 {
		for i := range w.Pods {
			shapes = append(shapes, w.Pods[i].Shape)
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

// marks is what injectors and reviewers can select pods by, of the metadata of a template.
func (b *Builder) marks(of []*PodMeta) string {
	if b.selectedBy == nil {
		b.selectedBy = b.podLabelsSelectedBy()
	}
	var out []string
	for _, m := range of {
		reduced := PodMeta{Annotations: m.Annotations}
		for key, value := range m.Labels {
			if b.selectedBy[key] || Marks(key) {
				put(&reduced.Labels, key, value)
			}
		}
		out = append(out, reduced.key())
	}
	if len(out) == 0 {
		out = []string{(&PodMeta{}).key()} // as one of which nothing selects by
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\x02")
}

// podLabelsSelectedBy are the keys of all labels by which a reviewer selects pods.
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
	for i := range b.reviewers {
		for _, s := range slices.Concat(b.reviewers[i].Scopes, b.reviewers[i].Except) {
			add(s.PodLabels)
		}
	}
	for i := range b.reviewerBindings {
		add(b.reviewerBindings[i].scope.PodLabels)
	}
	return out
}

// withoutTemplate leaves of a workload what its pods tell, as where its object was not read.
func (e *entry) withoutTemplate() {
	e.Template, e.Origin, e.Owner, e.Position, e.Replicas = nil, nil, nil, pspparse.Position{}, 0
	for _, g := range e.Pods {
		e.Replicas += g.Count
	}
}

// eitherPod tells whether bare pods of one name come to the same, which is then a note.
func (b *Builder) eitherPod(run []podRow, g Gap) bool {
	if b.alike == nil || len(run) > maxReadings {
		return false
	}
	var readings []Workload
	for i := range run {
		s := &b.pods.groups[run[i].sort]
		if s.owner != (Owner{}) {
			return false
		}
		readings = append(readings, Workload{
			Namespace: s.namespace, Kind: "Pod", Name: run[i].name, ServiceAccount: s.account, Template: s.written, Origin: s.origin, PodMeta: metas(s.meta),
			Pods: []PodGroup{{Shape: s.shape, ServiceAccount: s.account, AdmittedBy: s.admitted, Mirror: s.mirror, Count: 1, Example: run[i].name}},
		})
	}
	if !b.admittedAlike(readings) || !b.alike(readings) {
		return false
	}
	b.AddNote(alikeNote(g))
	return true
}

func alikeNote(g Gap) Note {
	why := strings.Replace(g.Why, ", and none was used: keep one of them", "", 1)
	return Note{What: g.What, Position: g.Position, Why: why + "; its level is the same either way, and what is told of it is by the first"}
}

// DecodeEither adds one object that can be read in two ways, of a kind that makes pods by a template; why says what is given
// twice. It is false, and nothing was added, where one of them cannot be used.
func (b *Builder) DecodeEither(apiVersion, kind string, first, last []byte, why string, at pspparse.Position) bool {
	if b.Alike == nil || kind == "Pod" || PartOf(apiVersion, kind) != Workloads {
		return false
	}
	before, gaps := len(b.templates), len(b.gaps)
	for _, data := range [][]byte{first, last} {
		if handled, err := b.Decode(apiVersion, kind, data, at); !handled || err != nil {
			break
		}
	}
	added := b.templates[before:]
	if len(added) != 2 || added[0].id != added[1].id || added[0].id.open {
		b.templates, b.gaps = b.templates[:before], b.gaps[:gaps]
		return false
	}
	if added[0].shape == added[1].shape && added[0].account == added[1].account && slices.Equal(added[0].meta, added[1].meta) {
		b.AddNote(alikeNote(Gap{What: label(kind, added[0].id.namespace, added[0].id.name), Position: at, Why: why}))
		b.templates = b.templates[:before+1]
		return true
	}
	added[0].twice, added[1].twice = why, why
	return true
}
