package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Injection is what something is taken to add to a workload's pods when they are created: no live pod of it shows that.
type Injection struct {
	// By is what adds it: "Istio", or `SidecarSet "logs"`.
	By string `json:"by"`
	// Mark says why these pods: "label istio-injection=enabled of the namespace".
	Mark string `json:"mark"`
	// Containers that are added, init containers first.
	Containers []string `json:"containers"`
	// Level is the strictest that such a pod can have, whatever its template.
	Level api.Level `json:"level"`
	// Why is a sentence: how it is known what is added. Source is the page that says so, absent where live pods do.
	Why    string `json:"why"`
	Source string `json:"source,omitempty"`
}

// injections are what is foreseen of all workloads.
type injections struct {
	table []injector.Injector
	// of has the workloads to whose pods something is added.
	of    map[*inventory.Workload][]Injection
	gaps  []inventory.Gap
	notes []inventory.Note
	// refusers are what else refuses pods, by namespace.
	refusers map[string]refusers
	// unread names the injectors of which it is not known whether they take pods of a namespace that was not read.
	unread map[string][]string
	// empty has what would be added to pods of namespaces in which nothing runs.
	empty map[string][]Injection
}

// foreseer works out injections.
type foreseer struct {
	*builder
	out *injections
	// byName are the places in the table of those that add a container of a name.
	byName map[string][]int
	spaces map[string]*inventory.Namespace
	// selectors of reviewers are compiled once.
	selectors map[*metav1.LabelSelector]labels.Selector
	// cni names the DaemonSet of an injector's CNI plugin; "" where none was read.
	cni []string
	// seen are live pods that an injector of the table has changed, by namespace and by what they ask of it, the first few of each.
	seen []map[sight][]sighting
	// first is the first namespace in which one has changed a pod that asks the same of it.
	first []map[string]string
	// templates are those of each workload.
	templates [][]podTemplate
	// unsure are the namespaces that were not read, and the first workload, of which it is not known whether an injector
	// takes their pods.
	unsure []unsure
	// webhooks are those of the table, by the place there; others are the rest of what changes pods.
	webhooks map[int][]*inventory.Reviewer
	others   []*changer
	// shapes are made once for each template and addition.
	shapes map[string]*inventory.Shape
	// absent counts the workloads with the marks of an injector that is not installed.
	absent []absence
	// named counts the namespaces in gaps of changers; rest are the changers that are told together.
	named, rest    int
	restFirst      string
	restNamespaces []string
}

// sight is where a sighting counts first: its namespace, and what the pod asks of the injector.
type sight struct{ namespace, asks string }

// sighting is a live pod that shows what an injector adds, with the workload it belongs to.
type sighting struct {
	w *inventory.Workload
	g *inventory.PodGroup
}

// absence is an injector whose marks are there, and whose webhook is not.
type absence struct {
	mark      string
	workloads int
	last      *inventory.Workload
}

// foreseeInjections works out what will be added to the pods of workloads of which no live pod shows it, and has the judge
// count it. It changes nothing in the inventory.
func (b *builder) foreseeInjections() {
	f := newForeseer(b)
	for i := range b.inv.Workloads {
		f.sight(&b.inv.Workloads[i])
	}
	for i := range b.inv.Workloads {
		f.templates[i] = templatesOf(&b.inv.Workloads[i])
		for at := range f.templates[i] {
			f.workload(&f.templates[i][at])
		}
		f.unread(f.templates[i])
	}
	f.gapUnread()
	f.judgeOthers()
	f.noteAbsent()
	f.foreseeEmpty()
	f.findRefusers()
	b.injections = f.out
}

func newForeseer(b *builder) *foreseer {
	f := &foreseer{
		builder: b, out: &injections{table: injector.Table(), of: map[*inventory.Workload][]Injection{}, refusers: map[string]refusers{}, unread: map[string][]string{}, empty: map[string][]Injection{}},
		byName: map[string][]int{}, spaces: map[string]*inventory.Namespace{}, selectors: map[*metav1.LabelSelector]labels.Selector{}, webhooks: map[int][]*inventory.Reviewer{}, shapes: map[string]*inventory.Shape{},
	}
	f.cni, f.absent = make([]string, len(f.out.table)), make([]absence, len(f.out.table))
	f.seen, f.first = make([]map[sight][]sighting, len(f.out.table)), make([]map[string]string, len(f.out.table))
	f.unsure, f.templates = make([]unsure, len(f.out.table)), make([][]podTemplate, len(b.inv.Workloads))
	for i := range f.out.table {
		f.seen[i], f.first[i] = map[sight][]sighting{}, map[string]string{}
		for _, name := range f.out.table[i].Containers() {
			f.byName[name] = append(f.byName[name], i)
		}
	}
	for i := range b.inv.Namespaces {
		f.spaces[b.inv.Namespaces[i].Name] = &b.inv.Namespaces[i]
	}
	for i := range b.inv.Reviewers {
		r := &b.inv.Reviewers[i]
		if !r.Mutates {
			continue
		}
		var known []int
		if r.Kind == "MutatingWebhookConfiguration" {
			known = slices.DeleteFunc(injector.OfWebhook(f.out.table, r.Name, r.Rule), func(at int) bool { return !b.readPoliciesOf(&f.out.table[at]) })
		}
		for _, at := range known {
			f.webhooks[at] = append(f.webhooks[at], r)
		}
		if len(known) == 0 {
			f.others = append(f.others, &changer{Reviewer: r})
		}
	}
	return f
}

// sight notes what a workload shows of injectors: the DaemonSets of CNI plugins, and live pods with what is added.
func (f *foreseer) sight(w *inventory.Workload) {
	if w.Kind == "DaemonSet" {
		for i := range f.out.table {
			if f.out.table[i].HasCNI(w.Name) && f.cni[i] == "" {
				f.cni[i] = w.Namespace + "/" + w.Name
			}
		}
	}
	for i := range w.Pods {
		g := &w.Pods[i]
		if g.Count == 0 || w.Template == nil { // whose containers those of a pod alone are is not known
			continue
		}
		for _, at := range f.changedBy(w.Template, g.Shape) {
			asks, one := f.asks(at, w.Namespace, metasOf(w))
			if !one || !f.out.table[at].Whole(func(name string) bool { return hasContainer(g.Shape, name) }) {
				continue // it says nothing of other workloads
			}
			f.first[at][asks] = cmp.Or(f.first[at][asks], w.Namespace)
			if few := f.seen[at][sight{w.Namespace, asks}]; len(few) < fewSightings {
				f.seen[at][sight{w.Namespace, asks}] = append(few, sighting{w, g})
			}
		}
	}
}

// asks is what pods of these labels and annotations ask of an injector beside its defaults; false where some ask for something else.
func (f *foreseer) asks(i int, namespace string, metas []*inventory.PodMeta) (string, bool) {
	first := ""
	for n, meta := range metas {
		asks := f.out.table[i].Asks(f.marksOf(meta, namespace))
		if n > 0 && asks != first {
			return "", false
		}
		first = asks
	}
	return first, true
}

func (f *foreseer) marksOf(meta *inventory.PodMeta, namespace string) injector.Marks {
	ns := f.spaces[namespace]
	return injector.Marks{Labels: meta.Labels, Annotations: meta.Annotations, NamespaceLabels: ns.Labels, NamespaceAnnotations: ns.Annotations}
}

// fewSightings of one injector in a namespace are looked at.
const fewSightings = 3

// changedBy are the injectors of which a pod has a container that its template has not.
func (f *foreseer) changedBy(template, pod *inventory.Shape) []int {
	var out []int
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, at := range f.byName[list[i].Name] {
				if !slices.Contains(out, at) && !hasContainer(template, list[i].Name) {
					out = append(out, at)
				}
			}
		}
	}
	return out
}

func hasContainer(s *inventory.Shape, name string) bool {
	is := func(c corev1.Container) bool { return c.Name == name }
	return slices.ContainsFunc(s.Spec.InitContainers, is) || slices.ContainsFunc(s.Spec.Containers, is)
}

// podTemplate is a template of a workload, of which a custom object may have several.
type podTemplate struct {
	*inventory.Workload
	shape *inventory.Shape
	metas []*inventory.PodMeta
}

func templatesOf(w *inventory.Workload) []podTemplate {
	if w.Template != nil {
		return []podTemplate{{w, w.Template, metasOf(w)}}
	}
	var out []podTemplate
	for i := range w.Embedded {
		metas := w.Embedded[i].Meta
		if len(metas) == 0 {
			metas = []*inventory.PodMeta{{}}
		}
		out = append(out, podTemplate{w, w.Embedded[i].Shape, metas})
	}
	return out
}

// isLive is true for a workload that has live pods.
func isLive(w *inventory.Workload) bool {
	return slices.ContainsFunc(w.Pods, func(g inventory.PodGroup) bool { return g.Count > 0 })
}

// workload foresees what the injectors of the table do to the pods of one of its templates.
func (f *foreseer) workload(t *podTemplate) {
	for i := range f.out.table {
		if f.settled(i, t) {
			continue
		}
		if mark := f.takes(i, t); mark != "" {
			f.inject(i, mark, t)
		}
	}
}

// settled is true where there is nothing to foresee of an injector.
func (f *foreseer) settled(i int, t *podTemplate) bool {
	in := &f.out.table[i]
	return in.Adds.Empty() || in.Silent && isLive(t.Workload) || f.shown(t, in.Adds.Names()) || in.WithCNI != nil && f.shown(t, in.WithCNI.Names())
}

// shown is true where nothing is left to foresee: the template has all of the containers, as after an injection by hand, or a
// live pod has one of them beyond it.
func (f *foreseer) shown(w *podTemplate, names []string) bool {
	lacks := func(name string) bool { return !hasContainer(w.shape, name) }
	if len(names) > 0 && !slices.ContainsFunc(names, lacks) {
		return true
	}
	return slices.ContainsFunc(w.Pods, func(g inventory.PodGroup) bool {
		return g.Count > 0 && slices.ContainsFunc(names, func(name string) bool { return lacks(name) && hasContainer(g.Shape, name) })
	})
}

// takes is the mark by which an injector takes the pods of a template; "" if it does not.
func (f *foreseer) takes(i int, w *podTemplate) string {
	in := &f.out.table[i]
	refused := true
	for _, meta := range w.metas {
		choice, mark := in.Choose(f.marksOf(meta, w.Namespace))
		refused = refused && choice == injector.Refused
		if choice != injector.Taken {
			continue
		}
		if f.installed(i, w) {
			return mark
		}
		if f.absent[i].last != w.Workload {
			f.absent[i].workloads++
			f.absent[i].last = w.Workload
		}
		f.absent[i].mark = cmp.Or(f.absent[i].mark, mark)
		return ""
	}
	if in.Selects() && !refused {
		if r := f.webhookOf(i, w, surely); r != nil {
			return "the selectors of " + r.String()
		}
	}
	return ""
}

// installed is false only for a cluster whose webhooks were all read, none of which would make an injector take the pods.
func (f *foreseer) installed(i int, w *podTemplate) bool {
	if !f.inv.Listed["mutatingwebhookconfigurations.admissionregistration.k8s.io"] || f.inv.Source.Kind != inventory.SourceCluster {
		return true
	}
	return f.webhookOf(i, w, perhaps) != nil || slices.ContainsFunc(f.others, func(c *changer) bool {
		return c.Effect == inventory.EffectUnknown && c.Kind == "MutatingWebhookConfiguration" && f.matches(c.Reviewer, w, perhaps)
	})
}

// webhookOf is the first webhook of an injector that is for the pods of a template.
func (f *foreseer) webhookOf(i int, w *podTemplate, how certainty) *inventory.Reviewer {
	for _, r := range f.webhooks[i] {
		if f.matches(r, w, how) {
			return r
		}
	}
	return nil
}

// inject has the judge count what an injector adds to the pods of a workload.
func (f *foreseer) inject(i int, mark string, w *podTemplate) {
	in := &f.out.table[i]
	if few := f.sightings(i, w); len(few) > 0 {
		f.injectAsSeen(in, mark, w, few)
		return
	}
	pod, why := in.Adds, "its defaults are taken"
	switch {
	case in.WithCNI == nil:
	case f.cni[i] != "":
		pod, why = *in.WithCNI, fmt.Sprintf("its defaults with its CNI plugin are taken, of which DaemonSet %q was read", f.cni[i])
	default:
		with := f.ownLevel(w, in.Name+" with CNI", specOf(in.WithCNI))
		why = fmt.Sprintf("its defaults without its CNI plugin are taken, since nothing shows whether that runs (with it they need %s): install the CNI plugin", with) + orSeeOne
	}
	f.expect(w, in.Name+" "+strings.Join(pod.Names(), " "), specOf(&pod), Injection{By: in.Name, Mark: mark, Containers: pod.Names(), Why: why, Source: in.Source})
}

// orSeeOne is the other way to know, where pods run.
const orSeeOne = ", or restart one pod and read again"

func specOf(p *injector.Pod) *corev1.PodSpec {
	return &corev1.PodSpec{InitContainers: p.Init, Containers: p.Containers, Volumes: p.Volumes}
}

// sightings are live pods that an injector has changed and that ask the same of it: of the namespace, or of the first other one
// that has some.
func (f *foreseer) sightings(i int, t *podTemplate) []sighting {
	asks, one := f.asks(i, t.Namespace, t.metas)
	if !one {
		return nil
	}
	if few := f.seen[i][sight{t.Namespace, asks}]; len(few) > 0 {
		return few
	}
	return f.seen[i][sight{f.first[i][asks], asks}]
}

// injectAsSeen counts what live pods show.
func (f *foreseer) injectAsSeen(in *injector.Injector, mark string, w *podTemplate, few []sighting) {
	own := in.Containers()
	var loosest Injection
	for _, s := range few {
		stored, without := f.judge.InjectedParts(s.w.Template, s.g)
		for n, added := range []*corev1.PodSpec{stored, without} {
			if n > 0 && without == stored {
				continue
			}
			added = ofNames(added, own)
			if len(in.Adds.Volumes) == 0 {
				added.Volumes = nil // another's
			}
			one := Injection{
				By: in.Name, Mark: mark, Containers: namesOf(added),
				Why: fmt.Sprintf("what it has added to pod %q is taken", s.w.Namespace+"/"+s.g.Example),
			}
			f.count(w, fmt.Sprintf("%s %p %d", in.Name, s.g.Shape, n), added, &one)
			if loosest.By == "" || looser(one.Level, loosest.Level) {
				loosest = one
			}
		}
	}
	f.add(w, loosest)
}

// ofNames leaves of what was added the containers of these names, and all volumes.
func ofNames(added *corev1.PodSpec, names []string) *corev1.PodSpec {
	pick := func(list []corev1.Container) []corev1.Container {
		var out []corev1.Container
		for i := range list {
			if slices.Contains(names, list[i].Name) {
				out = append(out, list[i])
			}
		}
		return out
	}
	return &corev1.PodSpec{InitContainers: pick(added.InitContainers), Containers: pick(added.Containers), Volumes: added.Volumes}
}

func namesOf(spec *corev1.PodSpec) []string {
	p := injector.Pod{Init: spec.InitContainers, Containers: spec.Containers}
	return p.Names()
}

// expect counts an addition, and tells of it unless every level allows it.
func (f *foreseer) expect(w *podTemplate, key string, adds *corev1.PodSpec, one Injection) {
	f.count(w, key, adds, &one)
	f.add(w, one)
}

func (f *foreseer) add(w *podTemplate, one Injection) {
	if one.Level == api.LevelRestricted {
		return
	}
	all := f.out.of[w.Workload]
	at := slices.IndexFunc(all, func(told Injection) bool { return told.By == one.By && told.Mark == one.Mark && told.Why == one.Why })
	switch {
	case at < 0:
		f.out.of[w.Workload] = append(all, one)
	case looser(one.Level, all[at].Level): // of another template
		all[at] = one
	}
}

// count has the judge expect the template with an addition, and sets the level that the addition allows.
func (f *foreseer) count(w *podTemplate, key string, adds *corev1.PodSpec, one *Injection) {
	if one.Level = f.ownLevel(w, key, adds); one.Level == api.LevelRestricted {
		return
	}
	id := fmt.Sprintf("%p %s", w.shape, key)
	shape := f.shapes[id]
	if shape == nil {
		spec := w.shape.Spec
		spec.InitContainers = slices.Concat(spec.InitContainers, adds.InitContainers)
		spec.Containers = slices.Concat(spec.Containers, adds.Containers)
		spec.Volumes = slices.Concat(spec.Volumes, adds.Volumes)
		shape = inventory.Reduce(w.shape.Annotations, &spec)
		f.shapes[id] = shape
	}
	f.judge.AddExpectedPod(w.Workload, shape)
}

// ownLevel is the strictest that a pod with nothing but the addition has, under what the template says of the whole pod. The key
// names the addition.
func (f *foreseer) ownLevel(w *podTemplate, key string, adds *corev1.PodSpec) api.Level {
	var level api.Level
	sc := wholePod(w.shape)
	id := fmt.Sprintf("%s %v %v", key, sc.SeccompProfile, sc.RunAsNonRoot != nil && *sc.RunAsNonRoot)
	shape := f.shapes[id]
	if shape == nil {
		alone := *adds
		alone.SecurityContext = sc
		shape = inventory.Reduce(nil, &alone)
		f.shapes[id] = shape
	}
	for _, v := range f.enforceAt {
		level = leastStrict(level, f.judge.Evaluate(shape, v).Level)
	}
	return level
}

// wholePod is what containers that say nothing of it get from the pod: the seccomp profile, unless it is none, and that they do
// not run as root.
func wholePod(template *inventory.Shape) *corev1.PodSecurityContext {
	out := &corev1.PodSecurityContext{}
	sc := template.Spec.SecurityContext
	if sc == nil {
		return out
	}
	if sc.SeccompProfile != nil && sc.SeccompProfile.Type != corev1.SeccompProfileTypeUnconfined {
		out.SeccompProfile = sc.SeccompProfile
	}
	if sc.RunAsNonRoot != nil && *sc.RunAsNonRoot {
		out.RunAsNonRoot = sc.RunAsNonRoot
	}
	return out
}

// cautionInjections tells of what was added to the pods of workloads of the namespace, each thing once, and of what may be added
// that is not known, or will be to the first pods of it.
func (b *builder) cautionInjections(ns *Namespace) {
	for _, what := range b.injections.unread[ns.Name] {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("the Namespace object was not read: whether %s injects its pods is not known", what))
	}
	b.cautionEmpty(ns)
	type told struct {
		Injection
		refs []WorkloadRef
	}
	var all []*told
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		for _, one := range w.Injections {
			ref := WorkloadRef{w.Kind, w.Name}
			at := slices.IndexFunc(all, func(t *told) bool {
				return t.By == one.By && t.Mark == one.Mark && t.Why == one.Why && t.Level == one.Level
			})
			if at < 0 {
				all = append(all, &told{one, []WorkloadRef{ref}})
				continue
			}
			all[at].refs = append(all[at].refs, ref)
		}
	}
	for _, t := range all {
		what := "volumes"
		if len(t.Containers) > 0 {
			what = strings.Join(t.Containers, ", ")
		}
		text := fmt.Sprintf("%s adds %s to new pods of %s (%s), though no live pod shows it, and such pods need %s: %s", t.By, what, joinRefs(t.refs), t.Mark, t.Level, t.Why)
		if b.foreseeable(ns.doubt()) {
			text += "; PodSecurityPolicy sees them, too, and what it would do is said of the templates without them"
		}
		ns.Cautions = append(ns.Cautions, text)
	}
}

// injected sets what is foreseen to be added to the pods of a workload. What they come to be as admitted has it, too.
func (b *builder) injected(out *Workload, w *inventory.Workload) {
	out.Injections = b.injections.of[w]
	if out.Level.AsAdmitted == "" {
		return
	}
	for _, shape := range b.judge.ExpectedPods(w) {
		b.asAdmitted(out, shape)
	}
}
