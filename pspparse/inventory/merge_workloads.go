package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// mergeWorkloads resolves the inventory's duplicates of pod templates and pods, merges what a controller made into the
// controller, and attaches every pod to the workload that made it. It returns the workloads and how many finished pods
// count nowhere.
func (b *Builder) mergeWorkloads() ([]Workload, int) {
	templates := resolveDuplicates(b, templateDuplicateRules(), b.templates)
	b.templates = nil
	f := newWorkloadMerger(templates)
	for i := range templates {
		f.mergePodMeta(&templates[i])
	}
	for i := range templates {
		f.mergeIntoOwner(&templates[i])
	}
	others, finished := b.resolveDuplicatePods(f.controllerKnown)
	for i := range b.pods.pods {
		f.attachPod(&b.pods, &b.pods.pods[i])
	}
	for i := range others { // last, so that the example of a group is a live pod if there is one
		f.attachPod(&b.pods, &others[i])
	}
	b.resolveConflictingTemplates(f)
	b.addUnevaluatedGaps(f, templates)
	return f.sortedWorkloads(b.shapes.shapeKeys()), finished
}

// workloadMerger builds the workloads of the inventory from pod templates and pods.
type workloadMerger struct {
	// templatesByID are the workload objects that were read.
	templatesByID map[objectID]*workloadTemplate
	// index has the place of each workload in workloads.
	index     map[workloadKey]int
	workloads []workloadEntry
	// podGroups has the place of each PodGroup in its workload. A pod class never belongs to two workloads, but a workload
	// may have several classes that differ only in the owner that was merged away.
	podGroups map[podGroupKey]int
}

// workloadKey is the key of a workload in the inventory. The account is part of it only for bare pods without a full
// name.
type workloadKey struct {
	objectID
	account string
}

// podGroupKey is the key of a group of a workload's pods in the inventory.
type podGroupKey struct {
	workload   int
	shape      *Shape
	account    string
	admittedBy string
	mirror     bool
}

// workloadEntry is a workload of the inventory that is being built.
type workloadEntry struct {
	Workload
	// countsPods is true where the number of replicas is that of the pods.
	countsPods bool
	// conflict is that of the workload's template.
	conflict *templateConflict
}

// newWorkloadMerger returns a builder of the inventory's workloads that knows pod templates by their objects, and has
// no workload yet.
func newWorkloadMerger(templates []workloadTemplate) *workloadMerger {
	f := &workloadMerger{
		templatesByID: make(map[objectID]*workloadTemplate, len(templates)), index: make(map[workloadKey]int, len(templates)),
		podGroups: map[podGroupKey]int{},
	}
	for i := range templates {
		if t := &templates[i]; !t.id.generatedName {
			f.templatesByID[t.id] = t
		}
	}
	return f
}

// mergePodMeta gives a custom object the pod metadata of what it makes, to which its controller may have added some. A
// ReplicaSet without replicas is an older one and does not count.
func (f *workloadMerger) mergePodMeta(t *workloadTemplate) {
	if r := f.rootTemplate(t); r != t && r.custom != nil && (t.id.kind != "ReplicaSet" || t.replicas > 0) {
		r.mergePodMeta(t)
	}
}

// mergeIntoOwner adds the workload of a pod template, unless the owner of its object asks for the same pods: then the owner
// stands for it.
func (f *workloadMerger) mergeIntoOwner(t *workloadTemplate) {
	if f.rootTemplate(t) != t {
		return
	}
	w := Workload{
		Namespace: t.id.namespace, Kind: t.id.kind, Name: t.id.name, ServiceAccount: t.account,
		Template: t.shape, TemplateMeta: t.templateMeta, PodMetas: t.podMetas, Replicas: t.replicas, Position: t.at,
	}
	if t.owner != (Owner{}) {
		owner := t.owner
		w.Owner = &owner
	}
	kind := workloadKind(t.id.kind)
	e := workloadEntry{Workload: w, countsPods: t.replicas < 0 || kind != nil && kind.CountsPods, conflict: t.conflict}
	if t.custom != nil {
		e.Embedded, e.Replicas = t.custom.embedded, max(t.replicas, 0)
		if len(e.Embedded) == 0 {
			return // nothing of it can be evaluated
		}
	}
	f.workloads = append(f.workloads, e)
	if !t.id.generatedName {
		f.index[workloadKey{objectID: t.id}] = len(f.workloads) - 1
	}
}

// ownerTemplate returns the pod template of the owner that stands for a workload's template t; nil if t stands for
// itself.
func (f *workloadMerger) ownerTemplate(t *workloadTemplate) *workloadTemplate {
	kind := workloadKind(t.id.kind)
	madeByParent := kind != nil && kind.ParentKind != "" && kind.ParentKind == t.owner.Kind
	p := f.templatesByID[objectID{kind: t.owner.Kind, namespace: t.id.namespace, name: t.owner.Name}]
	switch {
	case p == nil || p.conflict != nil:
	case p.custom != nil && p.custom.makesPodsOf(t):
		return p
	case madeByParent && p.shape == t.shape && p.account == t.account:
		return p
	}
	return nil
}

// rootTemplate returns the pod template that stands for a workload's template t: that of its owner, or of the owner's
// owner. Owners that own one another stand for themselves.
func (f *workloadMerger) rootTemplate(t *workloadTemplate) *workloadTemplate {
	at := t
	for range maxOwnerDepth {
		p := f.ownerTemplate(at)
		if p == nil {
			return at
		}
		at = p
	}
	return t
}

// attachPod adds a pod of the inventory to its workload. Pods come sorted by name, so the first pod of a group is its
// example.
func (f *workloadMerger) attachPod(t *podTable, p *podRow) {
	s := &t.classes[p.class]
	if s.manifest && s.isBare() {
		f.addBarePod(s, p, t.position(p))
		return
	}
	i := f.findOrAddWorkload(s, p, t.position(p))
	key := podGroupKey{workload: i, shape: s.shape, account: s.account, admittedBy: s.admittedBy, mirror: s.mirror}
	w := &f.workloads[i]
	if s.owner == (Owner{}) {
		w.Template, w.TemplateMeta, w.PodMetas = s.authorShape, s.authorMeta, podMetaList(s.podMeta)
	}
	g, ok := f.podGroups[key]
	if !ok {
		g = len(w.PodGroups)
		f.podGroups[key] = g
		w.PodGroups = append(w.PodGroups, PodGroup{
			Shape: s.shape, ServiceAccount: s.account, AdmittedBy: s.admittedBy, Mirror: s.mirror,
			ExamplePod: p.name,
		})
	}
	if s.debugged != nil {
		w.DebuggedPods = append(w.DebuggedPods, DebuggedPod{Pod: p.name, Shape: s.debugged, WithoutDebug: s.shape})
	}
	switch {
	case s.manifest:
	case s.finished:
		w.PodGroups[g].Finished++
	default:
		w.PodGroups[g].Count++
		if w.countsPods {
			w.Replicas++
		}
	}
}

// addBarePod adds the workload of a bare pod that no server has had. Where the server is to choose its name, each is
// another pod.
func (f *workloadMerger) addBarePod(s *podClass, p *podRow, at pspparse.Position) {
	w := Workload{
		Namespace: s.namespace, Kind: "Pod", Name: p.name, ServiceAccount: s.account,
		Template: s.authorShape, TemplateMeta: s.authorMeta, PodMetas: podMetaList(s.podMeta), Replicas: 1, Position: at,
	}
	if s.debugged != nil {
		w.DebuggedPods = []DebuggedPod{{Pod: p.name, Shape: s.debugged, WithoutDebug: s.shape}}
	}
	f.workloads = append(f.workloads, workloadEntry{Workload: w})
}

// findOrAddWorkload returns the index of the workload of a pod, which it adds if it is not there.
func (f *workloadMerger) findOrAddWorkload(s *podClass, p *podRow, at pspparse.Position) int {
	key := workloadKey{objectID: objectID{namespace: s.namespace, kind: "Pod", name: p.name}}
	if s.owner != (Owner{}) {
		key.objectID = f.topOwner(objectID{namespace: s.namespace, kind: s.owner.Kind, name: s.owner.Name})
	} else if p.generatedName {
		key.account = s.account
	}
	i, ok := f.index[key]
	if !ok {
		i = len(f.workloads)
		f.index[key] = i
		w := Workload{Namespace: key.namespace, Kind: key.kind, Name: key.name, ServiceAccount: s.account}
		if s.owner == (Owner{}) {
			w.Position = at
		}
		f.workloads = append(f.workloads, workloadEntry{Workload: w, countsPods: true})
	}
	return i
}

// controllerKnown reports whether the controller of a pod was read, itself or what stands for it, and describes all of
// its pods. Of a controller that does not, a finished pod shows what will be made next.
func (f *workloadMerger) controllerKnown(s *podClass) bool {
	t := f.templatesByID[f.topOwner(objectID{namespace: s.namespace, kind: s.owner.Kind, name: s.owner.Name})]
	return t != nil && t.describesAllPods() && (t.custom == nil || !slices.ContainsFunc(t.custom.embedded, func(e EmbeddedTemplate) bool { return e.Partial }))
}

// topOwner returns the object that stands for an owner of pods. Where the owner itself was not read, its name may still say
// which Deployment or CronJob made it.
func (f *workloadMerger) topOwner(owner objectID) objectID {
	if t := f.templatesByID[owner]; t != nil {
		return f.rootTemplate(t).id
	}
	i := strings.LastIndexByte(owner.name, '-')
	if i <= 0 {
		return owner
	}
	kind := workloadKind(owner.kind)
	if kind == nil || kind.ParentKind == "" || !kind.isNameSuffix(owner.name[i+1:]) {
		return owner
	}
	parent := objectID{kind: kind.ParentKind, namespace: owner.namespace, name: owner.name[:i]}
	if f.templatesByID[parent] == nil && parent.kind == "Deployment" {
		parent.kind = "Rollout" // of Argo Rollouts, which makes ReplicaSets in the same way
	}
	if t := f.templatesByID[parent]; t != nil {
		return f.rootTemplate(t).id
	}
	return owner
}

// isDigit reports whether a byte of an object's name is a decimal digit.
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// allBytes reports whether a part of an object's name has at least one byte, and all meet a condition.
func allBytes(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return s != ""
}

// sortedWorkloads returns all workloads in a total order. The keys of shapes decide last, where objects without a full name
// leave nothing else.
func (f *workloadMerger) sortedWorkloads(shapes map[*Shape]string) []Workload {
	if len(f.workloads) == 0 {
		return nil
	}
	list := make([]Workload, len(f.workloads))
	for i := range f.workloads {
		w := f.workloads[i].Workload
		slices.SortFunc(w.PodGroups, func(x, y PodGroup) int {
			return cmp.Or(cmp.Compare(x.ExamplePod, y.ExamplePod), cmp.Compare(x.ServiceAccount, y.ServiceAccount),
				cmp.Compare(x.AdmittedBy, y.AdmittedBy), compareBools(x.Mirror, y.Mirror), cmp.Compare(shapes[x.Shape], shapes[y.Shape]))
		})
		if w.Kind == "Pod" && (len(w.PodGroups) > 1 || w.Replicas > 1) {
			w.Template, w.TemplateMeta, w.PodMetas = nil, nil, nil // it makes pods itself, of which its author's text says nothing
		}
		slices.SortStableFunc(w.DebuggedPods, func(x, y DebuggedPod) int {
			return cmp.Or(cmp.Compare(x.Pod, y.Pod), cmp.Compare(shapes[x.Shape], shapes[y.Shape]))
		})
		if w.Template == nil && len(w.PodGroups) > 0 {
			w.ServiceAccount = w.PodGroups[0].ServiceAccount
		}
		list[i] = w
	}
	slices.SortFunc(list, func(x, y Workload) int {
		if c := cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name)); c != 0 {
			return c // nearly all differ in these
		}
		return cmp.Or(comparePositions(x.Position, y.Position), cmp.Compare(x.ServiceAccount, y.ServiceAccount),
			cmp.Compare(shapes[x.Template], shapes[y.Template]), cmp.Compare(x.Replicas, y.Replicas), compareOwners(x.Owner, y.Owner))
	})
	return list
}

// compareBools orders false before true, to sort workloads.
func compareBools(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// compareOwners orders the owners of workloads by kind and name, none first.
func compareOwners(x, y *Owner) int {
	if x == nil || y == nil {
		return compareBools(x != nil, y != nil)
	}
	return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
}
