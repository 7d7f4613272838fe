package inventory

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

const (
	// admittedByAnnotation names the PodSecurityPolicy that admitted a pod.
	admittedByAnnotation = podspec.AdmittedByAnnotation
	// sccAnnotation names the SecurityContextConstraints that admitted a pod on OpenShift.
	sccAnnotation = "openshift.io/scc"
	// mirrorAnnotation marks the mirror pod of a static pod.
	mirrorAnnotation = corev1.MirrorPodAnnotationKey
)

// podTable holds every pod of the inventory in as few bytes as identify it. A cluster has up to 150,000 pods, of which
// only the number of each class is wanted in the end, and that none was counted twice.
type podTable struct {
	pods    []podRow
	classes []podClass
	// classIndex and fileIndex have the places in classes and files.
	classIndex map[podClass]uint32
	files      []string
	fileIndex  map[string]uint32
}

// podRow is one pod of the inventory in its podTable.
type podRow struct {
	name string
	// class is the place of the pod's class in podTable.classes.
	class uint32
	// file is the place of its file in podTable.files.
	file uint32
	line int32
	// generatedName is true where the server will choose the end of the name.
	generatedName bool
}

// podClass is all that pods of the inventory have in common which differ in nothing but their names.
type podClass struct {
	namespace string
	// owner is the controller; zero for a bare pod.
	owner Owner
	// ownerGroup is the API group of the owner.
	ownerGroup string
	// finished is true for a Succeeded or Failed pod. Of a bare one nothing below is set.
	finished   bool
	shape      *Shape
	account    string
	admittedBy string
	mirror     bool
	// manifest is true for a pod that no server has ever had.
	manifest bool
	// authorShape and authorMeta are what the author of a bare pod wrote; nil where the pod does not show it.
	authorShape *Shape
	// podMeta is the metadata of the manifest.
	podMeta    *PodMeta
	authorMeta *TemplateMeta
	// debugged is the pod with its debug containers; nil where it has none.
	debugged *Shape
}

// asRunning returns the class of pods without what may differ between two readings of one pod: what its author wrote,
// debug containers, which are put into pods that run, and that it was a manifest.
func (s podClass) asRunning() podClass {
	s.authorShape, s.authorMeta, s.podMeta, s.debugged, s.manifest = nil, nil, nil, nil, false
	return s
}

// isBare reports whether somebody makes the pod, neither a controller nor a kubelet.
func (s *podClass) isBare() bool { return s.owner == (Owner{}) && !s.mirror }

// newPodTable returns an empty table of the inventory's pods.
func newPodTable() podTable {
	return podTable{classIndex: map[podClass]uint32{}, fileIndex: map[string]uint32{}}
}

// indexOf returns the index of a class of pods, which it adds if it is not there.
func (t *podTable) indexOf(s podClass) uint32 {
	i, ok := t.classIndex[s]
	if !ok {
		i = uint32(len(t.classes)) //nolint:gosec // one entry per pod at most, and they fit in memory
		t.classes = append(t.classes, s)
		t.classIndex[s] = i
	}
	return i
}

// add adds a pod of a class to the inventory's table.
func (t *podTable) add(name string, generated bool, s podClass, at pspparse.Position) {
	i := t.indexOf(s)
	f, ok := t.fileIndex[at.File]
	if !ok {
		f = uint32(len(t.files)) //nolint:gosec // as above
		t.files = append(t.files, at.File)
		t.fileIndex[at.File] = f
	}
	t.pods = append(t.pods, podRow{name: name, class: i, file: f, line: int32(min(at.Line, 1<<31-1)), generatedName: generated}) //nolint:gosec // capped
}

// position returns the position of a pod's document.
func (t *podTable) position(p *podRow) pspparse.Position {
	return pspparse.Position{File: t.files[p.file], Line: int(p.line)}
}

// AddPod adds to the inventory a pod that a server has, or had, reduced to its Shape and counted with its class. The
// spec is not kept.
func (b *Builder) AddPod(m ObjectMeta, spec *corev1.PodSpec, phase corev1.PodPhase, at pspparse.Position) {
	namespace, name, generated, ok := b.checkPod(&m, spec, at)
	if !ok {
		return
	}
	b.kindsRead["Pod"] = true
	finished, owner := phase == corev1.PodSucceeded || phase == corev1.PodFailed, b.controllerOf(&m)
	if finished && owner == (Owner{}) {
		b.pods.add(name, generated, podClass{namespace: namespace, finished: true}, at)
		return
	}
	if _, ok := m.Annotations[sccAnnotation]; ok {
		b.sccPods++
	}
	s := b.podClassOf(namespace, &m, spec)
	s.finished = finished
	switch {
	case s.mirror:
		s.account = "" // the server gives mirror pods none
	case s.isBare():
		if s.authorShape, s.authorMeta = b.lastAppliedTemplate(namespace, &m, spec); s.authorShape == nil {
			s.authorShape, s.authorMeta = b.sentTemplate(namespace, &m, spec)
		}
	}
	b.pods.add(name, generated, s, at)
}

// addPodManifest adds a pod that no server has ever had. A bare one counts like a pod template; one that names its
// controller is one more form of what that makes.
func (b *Builder) addPodManifest(m ObjectMeta, spec *corev1.PodSpec, at pspparse.Position) {
	namespace, name, generated, ok := b.checkPod(&m, spec, at)
	if !ok {
		return
	}
	s := b.podClassOf(namespace, &m, spec)
	s.manifest = true
	if s.isBare() {
		t := &corev1.PodTemplateSpec{Spec: *spec}
		t.Labels, t.Annotations = m.Labels, m.Annotations
		s.authorShape, s.authorMeta, s.podMeta = s.shape, b.templateMeta(&m, t), b.podMeta(m.Labels, m.Annotations)
	}
	b.pods.add(name, generated, s, at)
}

// checkPod returns the namespace and the name under which the inventory has a pod. It is not ok for a pod that cannot
// be used, which has become a gap.
func (b *Builder) checkPod(m *ObjectMeta, spec *corev1.PodSpec, at pspparse.Position) (namespace, name string, generated, ok bool) {
	namespace = b.namespaceOrDefault(m.Namespace, at)
	name, generated, err := nameOrGenerateName("Pod", m)
	if err == nil {
		err = checkNamespace(namespace)
	}
	if err == nil {
		err = checkContainers(spec)
	}
	if err != nil {
		b.refuseObject("Pod", namespace, m.Name, at, err)
		return namespace, name, generated, false
	}
	b.addMisplacedKeys(MisplacedKey{Namespace: namespace, Kind: "Pod", Name: name, Position: at, owned: len(m.OwnerReferences) > 0}, m.Labels, m.Annotations)
	return namespace, name, generated, true
}

// podClassOf returns the class of a pod, of what every pod has. Debug containers are kept apart: they go with the pod,
// and nothing makes them again.
func (b *Builder) podClassOf(namespace string, m *ObjectMeta, spec *corev1.PodSpec) podClass {
	_, mirror := m.Annotations[mirrorAnnotation]
	s := podClass{
		namespace:  namespace,
		owner:      b.controllerOf(m),
		account:    b.internString(serviceAccountName(spec)),
		admittedBy: b.internString(m.Annotations[admittedByAnnotation]),
		mirror:     mirror,
	}
	s.ownerGroup = b.ownerAPIGroup(m, s.owner)
	if len(spec.EphemeralContainers) > 0 {
		s.debugged = b.shapes.shape(m.Annotations, spec)
		without := *spec
		without.EphemeralContainers = nil
		spec = &without
	}
	s.shape = b.shapes.shape(m.Annotations, spec)
	return s
}

// serviceAccountName returns the service account that a pod runs as, after API conversion and admission.
func serviceAccountName(spec *corev1.PodSpec) string {
	return cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, "default")
}

// controllerOf returns the owner that controls a pod or workload object; zero for none. A node owns its mirror pods,
// but does not make them. An owner under a name that no object can have counts as none.
func (b *Builder) controllerOf(m *ObjectMeta) Owner {
	for i := range m.OwnerReferences {
		r := &m.OwnerReferences[i]
		if r.Controller == nil || !*r.Controller || r.Kind == "Node" {
			continue
		}
		if kind := QualifiedKind(r.APIVersion, r.Kind); IsDNSSubdomain(strings.ToLower(kind)) && IsDNSSubdomain(r.Name) {
			return Owner{Kind: b.internString(kind), Name: r.Name}
		}
	}
	return Owner{}
}

// resolveDuplicatePods sorts the pods by namespace and name, keeps one of identical ones, and leaves out those that differ
// under one name. It returns the other pods that count: finished pods that stand in for a controller of which nothing else
// describes its pods, and manifests of pods that were not read themselves. Finished is how many others had finished. Read tells
// whether the controller of a class was read.
func (b *Builder) resolveDuplicatePods(read func(*podClass) bool) (others []podRow, finished int) {
	t := &b.pods
	slices.SortFunc(t.pods, func(x, y podRow) int {
		return cmp.Or(cmp.Compare(t.classes[x.class].namespace, t.classes[y.class].namespace), cmp.Compare(x.name, y.name),
			comparePositions(t.position(&x), t.position(&y)))
	})
	kept := t.pods[:0]
	for start := 0; start < len(t.pods); {
		end := start + 1
		for end < len(t.pods) && !t.pods[start].generatedName && t.pods[end].name == t.pods[start].name &&
			t.classes[t.pods[end].class].namespace == t.classes[t.pods[start].class].namespace {
			end++
		}
		run := t.pods[start:end]
		start = end
		// A pod seen both running and finished is the same pod at two times, and counts as running; the manifest of a bare
		// pod is what its author wrote.
		live := t.partition(run, func(s *podClass) bool { return !s.finished && !s.manifest })
		manifests := t.partition(run[len(live):], func(s *podClass) bool { return s.manifest })
		if len(live) > 0 && !t.allBare(live[:1], manifests) {
			live, manifests = run[:len(live)+len(manifests)], nil
		}
		switch {
		case len(manifests) > 0 && !b.podReadingsAgree(t.position(&run[0]), manifests):
			continue
		case len(live) > 0:
			if b.podReadingsAgree(t.position(&run[0]), live) {
				kept = append(kept, t.mergeReadings(live, manifests))
			}
			continue
		case len(manifests) > 0:
			others = append(others, t.mergeReadings(manifests, nil))
			continue
		}
		orphans := t.partition(run, func(s *podClass) bool { return s.owner != (Owner{}) && !read(s) })
		switch {
		case len(orphans) == 0:
			finished++
			b.countIfSame(t.position(&run[0]), len(run), func(int) bool { return true })
		case b.podReadingsAgree(t.position(&run[0]), orphans):
			others = append(others, orphans[0])
		}
	}
	t.pods = kept
	return others, finished
}

// allBare reports whether all of some pods of the inventory are bare.
func (t *podTable) allBare(runs ...[]podRow) bool {
	for _, run := range runs {
		if slices.ContainsFunc(run, func(p podRow) bool { return !t.classes[p.class].isBare() }) {
			return false
		}
	}
	return true
}

// partition moves the pods of the inventory whose class meets a condition to the front, in order, and returns them.
func (t *podTable) partition(run []podRow, want func(*podClass) bool) []podRow {
	n := 0
	for i := range run {
		if want(&t.classes[run[i].class]) {
			run[n], run[i] = run[i], run[n]
			n++
		}
	}
	return run[:n]
}

// mergeReadings returns the first of several readings of one pod, with what only the other readings have: its debug
// containers, and what its author wrote, which its manifests show best.
func (t *podTable) mergeReadings(run, manifests []podRow) podRow {
	out := run[0]
	if len(run) == 1 && len(manifests) == 0 {
		return out
	}
	all := t.classes[out.class]
	for _, p := range run[1:] {
		s := &t.classes[p.class]
		if all.authorShape == nil {
			all.authorShape, all.authorMeta = s.authorShape, s.authorMeta
		}
		if all.debugged == nil {
			all.debugged = s.debugged
		}
	}
	if len(manifests) > 0 {
		m := &t.classes[manifests[0].class]
		all.authorShape, all.authorMeta, all.podMeta = m.authorShape, m.authorMeta, m.podMeta
	}
	out.class = t.indexOf(all)
	return out
}

// podReadingsAgree reports whether all readings of one pod are the same, or come to the same level; if not, they have become
// a gap.
func (b *Builder) podReadingsAgree(first pspparse.Position, run []podRow) bool {
	t := &b.pods
	s := &t.classes[run[0].class]
	same := func(i int) bool {
		other := &t.classes[run[i].class]
		return other.asRunning() == s.asRunning() && (!other.manifest || !s.manifest || b.selectableMetadata(podMetaList(other.podMeta)) == b.selectableMetadata(podMetaList(s.podMeta)))
	}
	if b.countIfSame(first, len(run), same) {
		return true
	}
	g := conflictGap(objectID{kind: "Pod", namespace: s.namespace, name: run[0].name}, len(run),
		func(i int) pspparse.Position { return t.position(&run[i]) })
	if b.acceptDifferingPods(run, g) {
		return true
	}
	b.AddGap(g)
	b.conflictingNamespaces = append(b.conflictingNamespaces, s.namespace)
	return false
}
