package inventory

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

const (
	admittedByAnnotation = "kubernetes.io/psp"
	sccAnnotation        = "openshift.io/scc"
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
	// ownerGroup is the API group of the owner.
	ownerGroup string
	finished   bool // then nothing below is set for a bare pod
	shape      *Shape
	account    string
	admitted   string
	mirror     bool
	// manifest: no server has ever had the pod.
	manifest bool
	// written and origin are what the author of a bare pod wrote, nil where the pod does not tell.
	written *Shape
	// meta is the metadata of its manifest.
	meta   *PodMeta
	origin *Origin
	// debugged is the pod with its debug containers, nil where it has none.
	debugged *Shape
}

// running is the sort without what may differ between two readings of one pod: what was written does not run, debug containers
// are put into pods that do, and a manifest becomes a pod.
func (s podSort) running() podSort {
	s.written, s.origin, s.meta, s.debugged, s.manifest = nil, nil, nil, nil, false
	return s
}

// bare is true for a pod that somebody makes, neither a controller nor a kubelet.
func (s *podSort) bare() bool { return s.owner == (Owner{}) && !s.mirror }

func newPodTable() podTable {
	return podTable{index: map[podSort]uint32{}, file: map[string]uint32{}}
}

// sort is the place of a sort in t.groups, where it may be new.
func (t *podTable) sort(s podSort) uint32 {
	i, ok := t.index[s]
	if !ok {
		i = uint32(len(t.groups)) //nolint:gosec // one entry per pod at most, and they fit in memory
		t.groups = append(t.groups, s)
		t.index[s] = i
	}
	return i
}

func (t *podTable) add(name string, open bool, s podSort, at pspparse.Position) {
	i := t.sort(s)
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

// AddPod reduces a pod that a server has, or had, to its Shape and counts it with its group. The spec is not retained.
func (b *Builder) AddPod(m Meta, spec *corev1.PodSpec, phase corev1.PodPhase, at pspparse.Position) {
	namespace, name, open, ok := b.admitPod(&m, spec, at)
	if !ok {
		return
	}
	b.kinds["Pod"] = true
	finished, owner := phase == corev1.PodSucceeded || phase == corev1.PodFailed, b.controller(&m)
	if finished && owner == (Owner{}) {
		b.pods.add(name, open, podSort{namespace: namespace, finished: true}, at)
		return
	}
	if _, ok := m.Annotations[sccAnnotation]; ok {
		b.scc++
	}
	s := b.podSort(namespace, &m, spec)
	s.finished = finished
	switch {
	case s.mirror:
		s.account = "" // the server gives mirror pods none
	case s.bare():
		s.written, s.origin = b.written(namespace, &m, spec)
	}
	b.pods.add(name, open, s, at)
}

// addPodManifest adds a pod that no server has ever had. A bare one counts like a template; one that names its controller is one
// more form of what that makes.
func (b *Builder) addPodManifest(m Meta, spec *corev1.PodSpec, at pspparse.Position) {
	namespace, name, open, ok := b.admitPod(&m, spec, at)
	if !ok {
		return
	}
	s := b.podSort(namespace, &m, spec)
	s.manifest = true
	if s.bare() {
		t := &corev1.PodTemplateSpec{Spec: *spec}
		t.Labels, t.Annotations = m.Labels, m.Annotations
		s.written, s.origin, s.meta = s.shape, b.origin(&m, t), b.podMeta(m.Labels, m.Annotations)
	}
	b.pods.add(name, open, s, at)
}

// admitPod returns the namespace and the name under which a pod counts. It is not ok for a pod that cannot be used: that has
// become a gap.
func (b *Builder) admitPod(m *Meta, spec *corev1.PodSpec, at pspparse.Position) (namespace, name string, open, ok bool) {
	namespace = b.home(m.Namespace, at)
	name, open, err := objectName("Pod", m)
	if err == nil {
		err = checkNamespace(namespace)
	}
	if err == nil {
		err = checkContainers(spec)
	}
	if err != nil {
		b.refuse("Pod", namespace, m.Name, at, err)
		return namespace, name, open, false
	}
	b.misplaced(Misplaced{Namespace: namespace, Kind: "Pod", Name: name, Position: at, owned: len(m.OwnerReferences) > 0}, m.Labels, m.Annotations)
	return namespace, name, open, true
}

// podSort is what a pod has in common with others, as far as every pod tells it. Its debug containers are kept apart: they go
// with the pod, and nothing makes them again.
func (b *Builder) podSort(namespace string, m *Meta, spec *corev1.PodSpec) podSort {
	_, mirror := m.Annotations[mirrorAnnotation]
	s := podSort{
		namespace: namespace,
		owner:     b.controller(m),
		account:   b.intern(account(spec)),
		admitted:  b.intern(m.Annotations[admittedByAnnotation]),
		mirror:    mirror,
	}
	s.ownerGroup = b.ownerGroup(m, s.owner)
	if len(spec.EphemeralContainers) > 0 {
		s.debugged = b.shapes.shape(m.Annotations, spec)
		without := *spec
		without.EphemeralContainers = nil
		spec = &without
	}
	s.shape = b.shapes.shape(m.Annotations, spec)
	return s
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
		if kind := KindName(r.APIVersion, r.Kind); isSubdomain(strings.ToLower(kind)) && isSubdomain(r.Name) {
			return Owner{Kind: b.intern(kind), Name: r.Name}
		}
	}
	return Owner{}
}

// settlePods sorts the pods by namespace and name, keeps one of identical ones, and drops all of those that differ under
// one name. It returns the others that count, the finished pods that stand in for a controller of which nothing else tells its pods and the
// manifests of pods that were not read themselves, and how many others had finished.
func (b *Builder) settlePods(read func(*podSort) bool) (others []podRow, finished int) {
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
		// A pod seen both running and finished is the same pod at two times, and counts as running; the manifest of a bare
		// pod is what its author wrote.
		live := t.front(run, func(s *podSort) bool { return !s.finished && !s.manifest })
		manifests := t.front(run[len(live):], func(s *podSort) bool { return s.manifest })
		if len(live) > 0 && !t.allBare(live[:1], manifests) {
			live, manifests = run[:len(live)+len(manifests)], nil
		}
		switch {
		case len(manifests) > 0 && !b.agreeOnPod(t.position(&run[0]), manifests):
			continue
		case len(live) > 0:
			if b.agreeOnPod(t.position(&run[0]), live) {
				kept = append(kept, t.joined(live, manifests))
			}
			continue
		case len(manifests) > 0:
			others = append(others, t.joined(manifests, nil))
			continue
		}
		orphans := t.front(run, func(s *podSort) bool { return s.owner != (Owner{}) && !read(s) })
		switch {
		case len(orphans) == 0:
			finished++
			b.agree(t.position(&run[0]), len(run), func(int) bool { return true })
		case b.agreeOnPod(t.position(&run[0]), orphans):
			others = append(others, orphans[0])
		}
	}
	t.pods = kept
	return others, finished
}

// allBare is true if somebody makes all of these pods, no controller and no kubelet.
func (t *podTable) allBare(runs ...[]podRow) bool {
	for _, run := range runs {
		if slices.ContainsFunc(run, func(p podRow) bool { return !t.groups[p.sort].bare() }) {
			return false
		}
	}
	return true
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

// joined is the first of some readings of one pod, with what only the others tell: what its author wrote, which its manifest
// tells best, and its debug containers.
func (t *podTable) joined(run, manifests []podRow) podRow {
	out := run[0]
	if len(run) == 1 && len(manifests) == 0 {
		return out
	}
	all := t.groups[out.sort]
	for _, p := range run[1:] {
		s := &t.groups[p.sort]
		if all.written == nil {
			all.written, all.origin = s.written, s.origin
		}
		if all.debugged == nil {
			all.debugged = s.debugged
		}
	}
	if len(manifests) > 0 {
		m := &t.groups[manifests[0].sort]
		all.written, all.origin, all.meta = m.written, m.origin, m.meta
	}
	out.sort = t.sort(all)
	return out
}

// agreeOnPod says whether all pods of one name are the same; if not, they have become a gap.
func (b *Builder) agreeOnPod(first pspparse.Position, run []podRow) bool {
	t := &b.pods
	s := &t.groups[run[0].sort]
	same := func(i int) bool {
		other := &t.groups[run[i].sort]
		return other.running() == s.running() && (!other.manifest || !s.manifest || b.marks(metas(other.meta)) == b.marks(metas(s.meta)))
	}
	if b.agree(first, len(run), same) {
		return true
	}
	g := conflict(identity{kind: "Pod", namespace: s.namespace, name: run[0].name}, len(run),
		func(i int) pspparse.Position { return t.position(&run[i]) })
	if b.eitherPod(run, g) {
		return true
	}
	b.AddGap(g)
	b.contested = append(b.contested, s.namespace)
	return false
}
