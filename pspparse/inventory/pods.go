package inventory

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

const (
	admittedByAnnotation = "kubernetes.io/psp"
	mirrorAnnotation     = "kubernetes.io/config.mirror"
)

// podTable holds every pod in as few bytes as tell it apart: a cluster has up to 150,000, and all that is wanted in
// the end is how many of each sort there are, and that none was counted twice.
type podTable struct {
	pods   []podRow
	groups []podSort
	index  map[podSort]uint32
	files  []string
	file   map[string]uint32
}

// podRow is one pod.
type podRow struct {
	name string
	sort uint32 // in podTable.groups
	file uint32 // in podTable.files
	line int32
	open bool // the server will choose the end of the name
}

// podSort is all that pods of one sort have in common.
type podSort struct {
	namespace string
	owner     Owner // zero for a bare pod
	finished  bool  // then nothing below is set for a bare pod
	shape     *Shape
	account   string
	admitted  string
	mirror    bool
	// written and origin are what the author of a bare pod wrote, nil where the pod does not tell.
	written *Shape
	origin  *Origin
}

// running is the sort without what was written: nothing of that runs.
func (s podSort) running() podSort {
	s.written, s.origin = nil, nil
	return s
}

func newPodTable() podTable {
	return podTable{index: map[podSort]uint32{}, file: map[string]uint32{}}
}

func (t *podTable) add(name string, open bool, s podSort, at pspparse.Position) {
	i, ok := t.index[s]
	if !ok {
		i = uint32(len(t.groups)) //nolint:gosec // one entry per pod at most, and they fit in memory
		t.groups = append(t.groups, s)
		t.index[s] = i
	}
	f, ok := t.file[at.File]
	if !ok {
		f = uint32(len(t.files)) //nolint:gosec // as above
		t.files = append(t.files, at.File)
		t.file[at.File] = f
	}
	t.pods = append(t.pods, podRow{name: name, sort: i, file: f, line: int32(min(at.Line, 1<<31-1)), open: open}) //nolint:gosec // capped
}

func (t *podTable) position(p *podRow) pspparse.Position {
	return pspparse.Position{File: t.files[p.file], Line: int(p.line)}
}

// AddPod reduces a pod to its Shape and counts it with its group. The spec is not retained.
func (b *Builder) AddPod(m Meta, spec *corev1.PodSpec, phase corev1.PodPhase, at pspparse.Position) {
	namespace := b.home(m.Namespace, at)
	name, open, err := objectName("Pod", &m)
	if err == nil {
		err = checkNamespace(namespace)
	}
	if err == nil {
		err = checkContainers(spec)
	}
	if err != nil {
		b.refuse("Pod", namespace, m.Name, at, err)
		return
	}
	b.kinds["Pod"] = true
	b.misplaced(Misplaced{Namespace: namespace, Kind: "Pod", Name: name, Position: at, owned: len(m.OwnerReferences) > 0}, m.Labels, m.Annotations)
	finished, owner := phase == corev1.PodSucceeded || phase == corev1.PodFailed, b.controller(&m)
	if finished && owner == (Owner{}) {
		b.pods.add(name, open, podSort{namespace: namespace, finished: true}, at)
		return
	}
	_, mirror := m.Annotations[mirrorAnnotation]
	s := podSort{
		namespace: namespace,
		owner:     owner,
		finished:  finished,
		shape:     b.shapes.shape(m.Annotations, spec),
		account:   b.intern(account(spec)),
		admitted:  b.intern(m.Annotations[admittedByAnnotation]),
		mirror:    mirror,
	}
	switch {
	case mirror:
		s.account = "" // the server gives mirror pods none
	case owner == (Owner{}):
		s.written, s.origin = b.written(namespace, &m, spec)
	}
	b.pods.add(name, open, s, at)
}

// account is the name of the service account that a pod runs as, after API conversion and admission.
func account(spec *corev1.PodSpec) string {
	return cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, "default")
}

// controller returns the owner that manages an object, or none. A node owns its mirror pods, but does not make them.
// An owner under a name that no object can have is none either; the pod itself is judged all the same.
func (b *Builder) controller(m *Meta) Owner {
	for i := range m.OwnerReferences {
		r := &m.OwnerReferences[i]
		if r.Controller == nil || !*r.Controller || r.Kind == "Node" {
			continue
		}
		if kind := ownerKind(r); isSubdomain(strings.ToLower(kind)) && isSubdomain(r.Name) {
			return Owner{Kind: b.intern(kind), Name: r.Name}
		}
	}
	return Owner{}
}

// ownerKind is the owner's kind; one that shares its name with a kind of ours but not its group is told apart by the
// group: a Job of another scheduler is no batch Job.
func ownerKind(r *metav1.OwnerReference) string {
	group, _, grouped := strings.Cut(r.APIVersion, "/")
	if k, ok := kindOf(r.Kind); ok && grouped && !k.inGroup(group) {
		return r.Kind + "." + group
	}
	return r.Kind
}

// settlePods sorts the pods by namespace and name, keeps one of identical ones, and drops all of those that differ under
// one name. It returns the finished pods that stand in for a controller that was not read, and how many others had
// finished.
func (b *Builder) settlePods(read func(*podSort) bool) (standIns []podRow, finished int) {
	t := &b.pods
	slices.SortFunc(t.pods, func(x, y podRow) int {
		return cmp.Or(cmp.Compare(t.groups[x.sort].namespace, t.groups[y.sort].namespace), cmp.Compare(x.name, y.name),
			comparePositions(t.position(&x), t.position(&y)))
	})
	kept := t.pods[:0]
	for start := 0; start < len(t.pods); {
		end := start + 1
		for end < len(t.pods) && !t.pods[start].open && t.pods[end].name == t.pods[start].name &&
			t.groups[t.pods[end].sort].namespace == t.groups[t.pods[start].sort].namespace {
			end++
		}
		run := t.pods[start:end]
		start = end
		// A pod seen both running and finished is the same pod at two times, and counts as running.
		if live := t.front(run, func(s *podSort) bool { return !s.finished }); len(live) > 0 {
			if b.agreeOnPod(t.position(&run[0]), live) {
				kept = append(kept, live[t.telling(live)])
			}
			continue
		}
		orphans := t.front(run, func(s *podSort) bool { return s.owner != (Owner{}) && !read(s) })
		switch {
		case len(orphans) == 0:
			finished++
			b.agree(t.position(&run[0]), len(run), func(int) bool { return true })
		case b.agreeOnPod(t.position(&run[0]), orphans):
			standIns = append(standIns, orphans[0])
		}
	}
	t.pods = kept
	return standIns, finished
}

// front moves the pods of which want is true to the front, in order, and returns them.
func (t *podTable) front(run []podRow, want func(*podSort) bool) []podRow {
	n := 0
	for i := range run {
		if want(&t.groups[run[i].sort]) {
			run[n], run[i] = run[i], run[n]
			n++
		}
	}
	return run[:n]
}

// telling is the place of the first pod that tells what its author wrote: one and the same, read twice, need not both times.
func (t *podTable) telling(run []podRow) int {
	return max(0, slices.IndexFunc(run, func(p podRow) bool { return t.groups[p.sort].written != nil }))
}

// agreeOnPod says whether all pods of one name are the same; if not, they have become a gap.
func (b *Builder) agreeOnPod(first pspparse.Position, run []podRow) bool {
	t := &b.pods
	s := &t.groups[run[0].sort]
	if b.agree(first, len(run), func(i int) bool { return t.groups[run[i].sort].running() == s.running() }) {
		return true
	}
	b.AddGap(conflict(identity{kind: "Pod", namespace: s.namespace, name: run[0].name}, len(run),
		func(i int) pspparse.Position { return t.position(&run[i]) }))
	b.contested = append(b.contested, s.namespace)
	return false
}
