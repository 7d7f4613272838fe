package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// workloads settles templates and pods, folds what a controller made into the controller, and hangs every pod on the
// workload that made it.
func (b *Builder) workloads() ([]Workload, int) {
	templates := settle(b, templateRules(), b.templates)
	b.templates = nil
	f := newFolder(templates)
	for i := range templates {
		f.mergeMeta(&templates[i])
	}
	for i := range templates {
		f.fold(&templates[i])
	}
	others, finished := b.settlePods(f.reads)
	for i := range b.pods.pods {
		f.hang(&b.pods, &b.pods.pods[i])
	}
	for i := range others { // last, so that the example of a group is a live pod if there is one
		f.hang(&b.pods, &others[i])
	}
	b.settleReadings(f)
	b.gapUnsure(f, templates)
	return f.finish(b.shapes.keys()), finished
}

// folder builds the workloads.
type folder struct {
	read  map[identity]*template
	index map[workloadKey]int
	list  []entry
	// groups of all workloads; a pod's sort never belongs to two workloads, but a workload may have several sorts that
	// differ only in the owner that was folded away.
	groups map[groupKey]int
}

// workloadKey tells workloads apart. The account does so for bare pods without a full name, and nothing else.
type workloadKey struct {
	identity
	account string
}

type groupKey struct {
	workload int
	shape    *Shape
	account  string
	admitted string
	mirror   bool
}

// entry is a workload on its way; counts says that its replicas are the pods it has.
type entry struct {
	Workload
	counts bool
	// contest is that of its template.
	contest *contest
}

func newFolder(templates []template) *folder {
	f := &folder{
		read: make(map[identity]*template, len(templates)), index: make(map[workloadKey]int, len(templates)),
		groups: map[groupKey]int{},
	}
	for i := range templates {
		if t := &templates[i]; !t.id.open {
			f.read[t.id] = t
		}
	}
	return f
}

// mergeMeta gives a custom object the labels and annotations of what it makes, to which its controller may have added some. A
// ReplicaSet without replicas is an older one.
func (f *folder) mergeMeta(t *template) {
	if r := f.root(t); r != t && r.custom != nil && (t.id.kind != "ReplicaSet" || t.replicas > 0) {
		r.mergeMeta(t)
	}
}

// fold makes a workload of a template, unless its owner asks for the same pods: then the owner stands for it.
func (f *folder) fold(t *template) {
	if f.root(t) != t {
		return
	}
	w := Workload{
		Namespace: t.id.namespace, Kind: t.id.kind, Name: t.id.name, ServiceAccount: t.account,
		Template: t.shape, Origin: t.origin, PodMeta: t.meta, Replicas: t.replicas, Position: t.at,
	}
	if t.owner != (Owner{}) {
		owner := t.owner
		w.Owner = &owner
	}
	e := entry{Workload: w, counts: t.id.kind == "DaemonSet" || t.id.kind == "CronJob" || t.replicas < 0, contest: t.contest}
	if t.custom != nil {
		e.Embedded, e.Replicas = t.custom.embedded, max(t.replicas, 0)
		if len(e.Embedded) == 0 {
			return // nothing of it can be judged
		}
	}
	f.list = append(f.list, e)
	if !t.id.open {
		f.index[workloadKey{identity: t.id}] = len(f.list) - 1
	}
}

// parent is the template into which t folds, or nil.
func (f *folder) parent(t *template) *template {
	ofDeployment := t.id.kind == "ReplicaSet" && t.owner.Kind == "Deployment"
	ofCronJob := t.id.kind == "Job" && t.owner.Kind == "CronJob"
	p := f.read[identity{kind: t.owner.Kind, namespace: t.id.namespace, name: t.owner.Name}]
	switch {
	case p == nil || p.contest != nil:
	case p.custom != nil && p.custom.makes(t):
		return p
	case (ofDeployment || ofCronJob) && p.shape == t.shape && p.account == t.account:
		return p
	}
	return nil
}

// root is the template that stands for t: its parent, or the parent's. Owners that own one another stand for themselves.
func (f *folder) root(t *template) *template {
	at := t
	for range maxOwners {
		p := f.parent(at)
		if p == nil {
			return at
		}
		at = p
	}
	return t
}

// hang counts a pod with its workload. Pods come sorted by name, so the first of a group is its example.
func (f *folder) hang(t *podTable, p *podRow) {
	s := &t.groups[p.sort]
	if s.manifest && s.bare() {
		f.addManifest(s, p, t.position(p))
		return
	}
	i := f.workload(s, p, t.position(p))
	key := groupKey{workload: i, shape: s.shape, account: s.account, admitted: s.admitted, mirror: s.mirror}
	w := &f.list[i]
	if s.owner == (Owner{}) {
		w.Template, w.Origin, w.PodMeta = s.written, s.origin, metas(s.meta)
	}
	g, ok := f.groups[key]
	if !ok {
		g = len(w.Pods)
		f.groups[key] = g
		w.Pods = append(w.Pods, PodGroup{
			Shape: s.shape, ServiceAccount: s.account, AdmittedBy: s.admitted, Mirror: s.mirror,
			Example: p.name,
		})
	}
	if s.debugged != nil {
		w.Debugged = append(w.Debugged, DebuggedPod{Pod: p.name, Shape: s.debugged, Without: s.shape})
	}
	switch {
	case s.manifest:
	case s.finished:
		w.Pods[g].Finished++
	default:
		w.Pods[g].Count++
		if w.counts {
			w.Replicas++
		}
	}
}

// addManifest makes a workload of a bare pod that no server has had. Where the server is to choose its name, each is another pod.
func (f *folder) addManifest(s *podSort, p *podRow, at pspparse.Position) {
	w := Workload{
		Namespace: s.namespace, Kind: "Pod", Name: p.name, ServiceAccount: s.account,
		Template: s.written, Origin: s.origin, PodMeta: metas(s.meta), Replicas: 1, Position: at,
	}
	if s.debugged != nil {
		w.Debugged = []DebuggedPod{{Pod: p.name, Shape: s.debugged, Without: s.shape}}
	}
	f.list = append(f.list, entry{Workload: w})
}

// workload finds or makes the workload of a pod.
func (f *folder) workload(s *podSort, p *podRow, at pspparse.Position) int {
	key := workloadKey{identity: identity{namespace: s.namespace, kind: "Pod", name: p.name}}
	if s.owner != (Owner{}) {
		key.identity = f.top(identity{namespace: s.namespace, kind: s.owner.Kind, name: s.owner.Name})
	} else if p.open {
		key.account = s.account
	}
	i, ok := f.index[key]
	if !ok {
		i = len(f.list)
		f.index[key] = i
		w := Workload{Namespace: key.namespace, Kind: key.kind, Name: key.name, ServiceAccount: s.account}
		if s.owner == (Owner{}) {
			w.Position = at
		}
		f.list = append(f.list, entry{Workload: w, counts: true})
	}
	return i
}

// reads says whether the controller of a pod was read, itself or what it would fold into.
func (f *folder) reads(s *podSort) bool {
	return f.read[f.top(identity{namespace: s.namespace, kind: s.owner.Kind, name: s.owner.Name})] != nil
}

// top is the workload that stands for an owner of pods. The owner itself may not have been read: then its name may
// still say which Deployment or CronJob made it.
func (f *folder) top(owner identity) identity {
	if t := f.read[owner]; t != nil {
		return f.root(t).id
	}
	i := strings.LastIndexByte(owner.name, '-')
	if i <= 0 {
		return owner
	}
	maker, suffix := owner, owner.name[i+1:]
	maker.name = owner.name[:i]
	switch {
	case owner.kind == "ReplicaSet" && all(suffix, func(c byte) bool { return digit(c) || 'a' <= c && c <= 'z' }):
		maker.kind = "Deployment"
	case owner.kind == "Job" && all(suffix, digit):
		maker.kind = "CronJob"
	default:
		return owner
	}
	if f.read[maker] == nil && maker.kind == "Deployment" {
		maker.kind = "Rollout"
	}
	if t := f.read[maker]; t != nil {
		return f.root(t).id
	}
	return owner
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return s != ""
}

// finish sorts everything. Keys of shapes decide last, where objects without a full name leave nothing else.
func (f *folder) finish(shapes map[*Shape]string) []Workload {
	if len(f.list) == 0 {
		return nil
	}
	list := make([]Workload, len(f.list))
	for i := range f.list {
		w := f.list[i].Workload
		slices.SortFunc(w.Pods, func(x, y PodGroup) int {
			return cmp.Or(cmp.Compare(x.Example, y.Example), cmp.Compare(x.ServiceAccount, y.ServiceAccount),
				cmp.Compare(x.AdmittedBy, y.AdmittedBy), compareBools(x.Mirror, y.Mirror), cmp.Compare(shapes[x.Shape], shapes[y.Shape]))
		})
		if w.Kind == "Pod" && (len(w.Pods) > 1 || w.Replicas > 1) {
			w.Template, w.Origin, w.PodMeta = nil, nil, nil // it makes pods itself, of which its author's text says nothing
		}
		slices.SortStableFunc(w.Debugged, func(x, y DebuggedPod) int {
			return cmp.Or(cmp.Compare(x.Pod, y.Pod), cmp.Compare(shapes[x.Shape], shapes[y.Shape]))
		})
		if w.Template == nil && len(w.Pods) > 0 {
			w.ServiceAccount = w.Pods[0].ServiceAccount
		}
		list[i] = w
	}
	slices.SortFunc(list, func(x, y Workload) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name),
			comparePositions(x.Position, y.Position), cmp.Compare(x.ServiceAccount, y.ServiceAccount),
			cmp.Compare(shapes[x.Template], shapes[y.Template]), cmp.Compare(x.Replicas, y.Replicas), compareOwners(x.Owner, y.Owner))
	})
	return list
}

func compareBools(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

func compareOwners(x, y *Owner) int {
	if x == nil || y == nil {
		return compareBools(x != nil, y != nil)
	}
	return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
}
