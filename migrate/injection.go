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

	"github.com/psp2pss/psp2pss/message"
	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Injection is what something is taken to add to a workload's pods when they are created: no live pod of it shows that.
type Injection struct {
	// Injector is what adds it: "Istio", or `SidecarSet "logs"`.
	Injector string `json:"by"`
	// Trigger says why these pods: "label istio-injection=enabled of the namespace".
	Trigger string `json:"mark"`
	// Containers that are added, init containers first.
	Containers []string `json:"containers"`
	// Level is the strictest that such a pod can have, whatever its template.
	Level api.Level `json:"level"`
	// Why is a sentence: how it is known what is added. Source is the page that says so, absent where live pods do.
	Why    message.Message `json:"why"`
	Source string          `json:"source,omitempty"`
}

// predictedInjections are what is foreseen of all workloads.
type predictedInjections struct {
	injectors []injector.Injector
	// byWorkload has the workloads to whose pods something is added.
	byWorkload map[*inventory.Workload][]Injection
	gaps       []inventory.Gap
	notes      []inventory.Note
	// refusersByNamespace are what else refuses pods, by namespace.
	refusersByNamespace map[string]podRefusers
	// unreadByNamespace names the injectors of which it is not known whether they take pods of a namespace that was not read.
	unreadByNamespace map[string][]string
	// inEmptyNamespaces has what would be added to pods of namespaces in which nothing runs.
	inEmptyNamespaces map[string][]Injection
}

// injectionPredictor works out injections.
type injectionPredictor struct {
	*planBuilder
	result *predictedInjections
	// injectorsByContainer are the places in the table of those that add a container of a name.
	injectorsByContainer map[string][]int
	namespacesByName     map[string]*inventory.Namespace
	// compiledSelectors of reviewers are compiled once.
	compiledSelectors map[*metav1.LabelSelector]labels.Selector
	// cniDaemonSets names the DaemonSet of an injector's CNI plugin; "" where none was read.
	cniDaemonSets []string
	// injectedPods are live pods that an injector of the table has changed, by namespace and by what they ask of it, the first few of each.
	injectedPods []map[injectionKey][]injectedPod
	// firstInjectedNamespace is the first namespace in which one has changed a pod that asks the same of it.
	firstInjectedNamespace []map[string]string
	// templatesByWorkload are those of each workload.
	templatesByWorkload [][]podTemplate
	// unreadNamespaces are the namespaces that were not read, and the first workload, of which it is not known whether an injector
	// takes their pods.
	unreadNamespaces []unreadNamespaceInjector
	// webhooksByInjector are those of the table, by the place there; others are the rest of what changes pods.
	webhooksByInjector map[int][]*inventory.AdmissionRule
	otherMutators      []*podMutator
	// shapeCache are made once for each template and addition.
	shapeCache map[string]*inventory.Shape
	// absentInjectors counts the workloads with the marks of an injector that is not installed.
	absentInjectors []absentInjector
	// namespacesNamedInGaps counts the namespaces in gaps of changers; rest are the changers that are told together.
	namespacesNamedInGaps, unnamedMutators int
	firstUnnamedMutator                    string
	unnamedNamespaces                      []string
}

// injectionKey is where a sighting counts first: its namespace, and what the pod asks of the injector.
type injectionKey struct{ namespace, variant string }

// injectedPod is a live pod that shows what an injector adds, with the workload it belongs to.
type injectedPod struct {
	workload *inventory.Workload
	pods     *inventory.PodGroup
}

// absentInjector is an injector whose marks are there, and whose webhook is not.
type absentInjector struct {
	trigger      string
	workloads    int
	lastWorkload *inventory.Workload
}

// predictInjections works out what will be added to the pods of workloads of which no live pod shows it, and has the judge
// count it. It changes nothing in the inventory.
func (b *planBuilder) predictInjections() {
	f := newInjectionPredictor(b)
	for i := range b.inv.Workloads {
		f.recordInjectedPods(&b.inv.Workloads[i])
	}
	for i := range b.inv.Workloads {
		f.templatesByWorkload[i] = podTemplatesOf(&b.inv.Workloads[i])
		for at := range f.templatesByWorkload[i] {
			f.predictTemplateInjections(&f.templatesByWorkload[i][at])
		}
		f.checkUnreadNamespace(f.templatesByWorkload[i])
	}
	f.addUnreadNamespaceGaps()
	f.classifyMutators()
	f.addAbsentInjectorNotes()
	f.predictEmptyNamespaces()
	f.findPodRefusers()
	b.injections = f.result
}

func newInjectionPredictor(b *planBuilder) *injectionPredictor {
	f := &injectionPredictor{
		planBuilder: b, result: &predictedInjections{injectors: injector.KnownInjectors(), byWorkload: map[*inventory.Workload][]Injection{}, refusersByNamespace: map[string]podRefusers{}, unreadByNamespace: map[string][]string{}, inEmptyNamespaces: map[string][]Injection{}},
		injectorsByContainer: map[string][]int{}, namespacesByName: map[string]*inventory.Namespace{}, compiledSelectors: map[*metav1.LabelSelector]labels.Selector{}, webhooksByInjector: map[int][]*inventory.AdmissionRule{}, shapeCache: map[string]*inventory.Shape{},
	}
	f.cniDaemonSets, f.absentInjectors = make([]string, len(f.result.injectors)), make([]absentInjector, len(f.result.injectors))
	f.injectedPods, f.firstInjectedNamespace = make([]map[injectionKey][]injectedPod, len(f.result.injectors)), make([]map[string]string, len(f.result.injectors))
	f.unreadNamespaces, f.templatesByWorkload = make([]unreadNamespaceInjector, len(f.result.injectors)), make([][]podTemplate, len(b.inv.Workloads))
	for i := range f.result.injectors {
		f.injectedPods[i], f.firstInjectedNamespace[i] = map[injectionKey][]injectedPod{}, map[string]string{}
		for _, name := range f.result.injectors[i].AllContainerNames() {
			f.injectorsByContainer[name] = append(f.injectorsByContainer[name], i)
		}
	}
	for i := range b.inv.Namespaces {
		f.namespacesByName[b.inv.Namespaces[i].Name] = &b.inv.Namespaces[i]
	}
	for i := range b.inv.AdmissionRules {
		r := &b.inv.AdmissionRules[i]
		if !r.Mutates {
			continue
		}
		var known []int
		if r.Kind == "MutatingWebhookConfiguration" {
			known = slices.DeleteFunc(injector.FindByWebhook(f.result.injectors, r.Name, r.Rule), func(at int) bool { return !b.injectorPoliciesWereRead(&f.result.injectors[at]) })
		}
		for _, at := range known {
			f.webhooksByInjector[at] = append(f.webhooksByInjector[at], r)
		}
		if len(known) == 0 {
			f.otherMutators = append(f.otherMutators, &podMutator{AdmissionRule: r})
		}
	}
	return f
}

// recordInjectedPods notes what a workload shows of injectors: the DaemonSets of CNI plugins, and live pods with what is added.
func (f *injectionPredictor) recordInjectedPods(w *inventory.Workload) {
	if w.Kind == "DaemonSet" {
		for i := range f.result.injectors {
			if f.result.injectors[i].IsCNIDaemonSet(w.Name) && f.cniDaemonSets[i] == "" {
				f.cniDaemonSets[i] = w.Namespace + "/" + w.Name
			}
		}
	}
	for i := range w.PodGroups {
		g := &w.PodGroups[i]
		if g.Count == 0 || w.Template == nil { // whose containers those of a pod alone are is not known
			continue
		}
		for _, at := range f.injectorsOfPod(w.Template, g.Shape) {
			asks, one := f.injectionVariant(at, w.Namespace, podMetadataOf(w))
			if !one || !f.result.injectors[at].AddedEverything(func(name string) bool { return shapeHasContainer(g.Shape, name) }) {
				continue // it says nothing of other workloads
			}
			f.firstInjectedNamespace[at][asks] = cmp.Or(f.firstInjectedNamespace[at][asks], w.Namespace)
			if few := f.injectedPods[at][injectionKey{w.Namespace, asks}]; len(few) < maxInjectedPodsKept {
				f.injectedPods[at][injectionKey{w.Namespace, asks}] = append(few, injectedPod{w, g})
			}
		}
	}
}

// injectionVariant is what pods of these labels and annotations ask of an injector beside its defaults; false where some ask for something else.
func (f *injectionPredictor) injectionVariant(i int, namespace string, metas []*inventory.PodMeta) (string, bool) {
	first := ""
	for n, meta := range metas {
		asks := f.result.injectors[i].RequestedVariant(f.injectionMarks(meta, namespace))
		if n > 0 && asks != first {
			return "", false
		}
		first = asks
	}
	return first, true
}

func (f *injectionPredictor) injectionMarks(meta *inventory.PodMeta, namespace string) injector.InjectionMarks {
	ns := f.namespacesByName[namespace]
	return injector.InjectionMarks{Labels: meta.Labels, Annotations: meta.Annotations, NamespaceLabels: ns.Labels, NamespaceAnnotations: ns.Annotations}
}

// maxInjectedPodsKept of one injector in a namespace are looked at.
const maxInjectedPodsKept = 3

// injectorsOfPod are the injectors of which a pod has a container that its template has not.
func (f *injectionPredictor) injectorsOfPod(template, pod *inventory.Shape) []int {
	var out []int
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, at := range f.injectorsByContainer[list[i].Name] {
				if !slices.Contains(out, at) && !shapeHasContainer(template, list[i].Name) {
					out = append(out, at)
				}
			}
		}
	}
	return out
}

func shapeHasContainer(s *inventory.Shape, name string) bool {
	is := func(c corev1.Container) bool { return c.Name == name }
	return slices.ContainsFunc(s.Spec.InitContainers, is) || slices.ContainsFunc(s.Spec.Containers, is)
}

// podTemplate is a template of a workload, of which a custom object may have several.
type podTemplate struct {
	*inventory.Workload
	shape    *inventory.Shape
	metadata []*inventory.PodMeta
}

func podTemplatesOf(w *inventory.Workload) []podTemplate {
	if w.Template != nil {
		return []podTemplate{{w, w.Template, podMetadataOf(w)}}
	}
	var out []podTemplate
	for i := range w.Embedded {
		metas := w.Embedded[i].PodMetas
		if len(metas) == 0 {
			metas = []*inventory.PodMeta{{}}
		}
		out = append(out, podTemplate{w, w.Embedded[i].Shape, metas})
	}
	return out
}

// hasLivePods is true for a workload that has live pods.
func hasLivePods(w *inventory.Workload) bool {
	return slices.ContainsFunc(w.PodGroups, func(g inventory.PodGroup) bool { return g.Count > 0 })
}

// predictTemplateInjections foresees what the injectors of the table do to the pods of one of its templates.
func (f *injectionPredictor) predictTemplateInjections(t *podTemplate) {
	for i := range f.result.injectors {
		if f.nothingToPredict(i, t) {
			continue
		}
		if mark := f.injectionTrigger(i, t); mark != "" {
			f.addInjection(i, mark, t)
		}
	}
}

// nothingToPredict is true where there is nothing to foresee of an injector.
func (f *injectionPredictor) nothingToPredict(i int, t *podTemplate) bool {
	in := &f.result.injectors[i]
	return in.DefaultPod.IsEmpty() || in.MayAddNoContainer && hasLivePods(t.Workload) || f.injectionAlreadyVisible(t, in.DefaultPod.ContainerNames()) || in.PodWithCNI != nil && f.injectionAlreadyVisible(t, in.PodWithCNI.ContainerNames())
}

// injectionAlreadyVisible is true where nothing is left to foresee: the template has all of the containers, as after an injection by hand, or a
// live pod has one of them beyond it.
func (f *injectionPredictor) injectionAlreadyVisible(w *podTemplate, names []string) bool {
	lacks := func(name string) bool { return !shapeHasContainer(w.shape, name) }
	if len(names) > 0 && !slices.ContainsFunc(names, lacks) {
		return true
	}
	return slices.ContainsFunc(w.PodGroups, func(g inventory.PodGroup) bool {
		return g.Count > 0 && slices.ContainsFunc(names, func(name string) bool { return lacks(name) && shapeHasContainer(g.Shape, name) })
	})
}

// injectionTrigger is the mark by which an injector takes the pods of a template; "" if it does not.
func (f *injectionPredictor) injectionTrigger(i int, w *podTemplate) string {
	in := &f.result.injectors[i]
	refused := true
	for _, meta := range w.metadata {
		choice, mark := in.InjectionChoiceFor(f.injectionMarks(meta, w.Namespace))
		refused = refused && choice == injector.OptedOut
		if choice != injector.Injected {
			continue
		}
		if f.injectorInstalled(i, w) {
			return mark
		}
		if f.absentInjectors[i].lastWorkload != w.Workload {
			f.absentInjectors[i].workloads++
			f.absentInjectors[i].lastWorkload = w.Workload
		}
		f.absentInjectors[i].trigger = cmp.Or(f.absentInjectors[i].trigger, mark)
		return ""
	}
	if in.InjectsUnmarkedPods() && !refused {
		if r := f.firstMatchingWebhook(i, w, onlyIfCertain); r != nil {
			return "the selectors of " + r.String()
		}
	}
	return ""
}

// injectorInstalled is false only for a cluster whose webhooks were all read, none of which would make an injector take the pods.
func (f *injectionPredictor) injectorInstalled(i int, w *podTemplate) bool {
	if !f.inv.ListedResources["mutatingwebhookconfigurations.admissionregistration.k8s.io"] || f.inv.Source.Kind != inventory.SourceCluster {
		return true
	}
	return f.firstMatchingWebhook(i, w, ifPossible) != nil || slices.ContainsFunc(f.otherMutators, func(c *podMutator) bool {
		return c.Effect == inventory.EffectUnknown && c.Kind == "MutatingWebhookConfiguration" && f.webhookMatchesTemplate(c.AdmissionRule, w, ifPossible)
	})
}

// firstMatchingWebhook is the first webhook of an injector that is for the pods of a template.
func (f *injectionPredictor) firstMatchingWebhook(i int, w *podTemplate, how namespaceLabelsKnown) *inventory.AdmissionRule {
	for _, r := range f.webhooksByInjector[i] {
		if f.webhookMatchesTemplate(r, w, how) {
			return r
		}
	}
	return nil
}

// addInjection has the judge count what an injector adds to the pods of a workload.
func (f *injectionPredictor) addInjection(i int, mark string, w *podTemplate) {
	in := &f.result.injectors[i]
	if few := f.comparableInjectedPods(i, w); len(few) > 0 {
		f.addInjectionAsObserved(in, mark, w, few)
		return
	}
	pod, why := in.DefaultPod, message.New("injection-defaults")
	switch {
	case in.PodWithCNI == nil:
	case f.cniDaemonSets[i] != "":
		pod, why = *in.PodWithCNI, message.New("injection-defaults-with-cni", "daemonSet", f.cniDaemonSets[i])
	default:
		with := f.levelOfAddition(w, in.Name+" with CNI", podSpecOfInjector(in.PodWithCNI))
		why = message.New("injection-defaults-without-cni", "level", with, "restart", true)
	}
	f.expectAddition(w, in.Name+" "+strings.Join(pod.ContainerNames(), " "), podSpecOfInjector(&pod), Injection{Injector: in.Name, Trigger: mark, Containers: pod.ContainerNames(), Why: why, Source: in.Source})
}

func podSpecOfInjector(p *injector.AddedPod) *corev1.PodSpec {
	return &corev1.PodSpec{InitContainers: p.Init, Containers: p.Containers, Volumes: p.Volumes}
}

// comparableInjectedPods are live pods that an injector has changed and that ask the same of it: of the namespace, or of the first other one
// that has some.
func (f *injectionPredictor) comparableInjectedPods(i int, t *podTemplate) []injectedPod {
	asks, one := f.injectionVariant(i, t.Namespace, t.metadata)
	if !one {
		return nil
	}
	if few := f.injectedPods[i][injectionKey{t.Namespace, asks}]; len(few) > 0 {
		return few
	}
	return f.injectedPods[i][injectionKey{f.firstInjectedNamespace[i][asks], asks}]
}

// addInjectionAsObserved counts what live pods show.
func (f *injectionPredictor) addInjectionAsObserved(in *injector.Injector, mark string, w *podTemplate, few []injectedPod) {
	own := in.AllContainerNames()
	var loosest Injection
	for _, s := range few {
		stored, without := f.evaluator.InjectedParts(s.workload.Template, s.pods)
		for n, added := range []*corev1.PodSpec{stored, without} {
			if n > 0 && without == stored {
				continue
			}
			added = keepContainersNamed(added, own)
			if len(in.DefaultPod.Volumes) == 0 {
				added.Volumes = nil // another's
			}
			one := Injection{
				Injector: in.Name, Trigger: mark, Containers: containerNames(added),
				Why: message.New("injection-as-observed", "pod", s.workload.Namespace+"/"+s.pods.ExamplePod),
			}
			f.expectInjectedShape(w, fmt.Sprintf("%s %p %d", in.Name, s.pods.Shape, n), added, &one)
			if loosest.Injector == "" || isLooserLevel(one.Level, loosest.Level) {
				loosest = one
			}
		}
	}
	f.recordInjection(w, loosest)
}

// keepContainersNamed leaves of what was added the containers of these names, and all volumes.
func keepContainersNamed(added *corev1.PodSpec, names []string) *corev1.PodSpec {
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

func containerNames(spec *corev1.PodSpec) []string {
	p := injector.AddedPod{Init: spec.InitContainers, Containers: spec.Containers}
	return p.ContainerNames()
}

// expectAddition counts an addition, and tells of it unless every level allows it.
func (f *injectionPredictor) expectAddition(w *podTemplate, key string, adds *corev1.PodSpec, one Injection) {
	f.expectInjectedShape(w, key, adds, &one)
	f.recordInjection(w, one)
}

func (f *injectionPredictor) recordInjection(w *podTemplate, one Injection) {
	if one.Level == api.LevelRestricted {
		return
	}
	all := f.result.byWorkload[w.Workload]
	at := slices.IndexFunc(all, func(told Injection) bool {
		return told.Injector == one.Injector && told.Trigger == one.Trigger && told.Why.Text == one.Why.Text
	})
	switch {
	case at < 0:
		f.result.byWorkload[w.Workload] = append(all, one)
	case isLooserLevel(one.Level, all[at].Level): // of another template
		all[at] = one
	}
}

// expectInjectedShape has the judge expect the template with an addition, and sets the level that the addition allows.
func (f *injectionPredictor) expectInjectedShape(w *podTemplate, key string, adds *corev1.PodSpec, one *Injection) {
	if one.Level = f.levelOfAddition(w, key, adds); one.Level == api.LevelRestricted {
		return
	}
	id := fmt.Sprintf("%p %s", w.shape, key)
	shape := f.shapeCache[id]
	if shape == nil {
		spec := w.shape.Spec
		spec.InitContainers = slices.Concat(spec.InitContainers, adds.InitContainers)
		spec.Containers = slices.Concat(spec.Containers, adds.Containers)
		spec.Volumes = slices.Concat(spec.Volumes, adds.Volumes)
		shape = inventory.ReducePod(w.shape.Annotations, &spec)
		f.shapeCache[id] = shape
	}
	f.evaluator.AddExpectedPod(w.Workload, shape)
}

// levelOfAddition is the strictest that a pod with nothing but the addition has, under what the template says of the whole pod. The key
// names the addition.
func (f *injectionPredictor) levelOfAddition(w *podTemplate, key string, adds *corev1.PodSpec) api.Level {
	var level api.Level
	sc := inheritedSecurityContext(w.shape)
	id := fmt.Sprintf("%s %v %v", key, sc.SeccompProfile, sc.RunAsNonRoot != nil && *sc.RunAsNonRoot)
	shape := f.shapeCache[id]
	if shape == nil {
		alone := *adds
		alone.SecurityContext = sc
		shape = inventory.ReducePod(nil, &alone)
		f.shapeCache[id] = shape
	}
	for _, v := range f.enforceAt {
		level = looserLevel(level, f.evaluator.Evaluate(shape, v).Level)
	}
	return level
}

// inheritedSecurityContext is what containers that say nothing of it get from the pod: the seccomp profile, unless it is none, and that they do
// not run as root.
func inheritedSecurityContext(template *inventory.Shape) *corev1.PodSecurityContext {
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
func (b *planBuilder) cautionInjections(ns *Namespace) {
	for _, what := range b.injections.unreadByNamespace[ns.Name] {
		ns.Cautions = append(ns.Cautions, message.New("injector-unknown-here", "injector", what))
	}
	b.cautionInjectionsIntoNewPods(ns)
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
				return t.Injector == one.Injector && t.Trigger == one.Trigger && t.Why.Text == one.Why.Text && t.Level == one.Level
			})
			if at < 0 {
				all = append(all, &told{one, []WorkloadRef{ref}})
				continue
			}
			all[at].refs = append(all[at].refs, ref)
		}
	}
	for _, t := range all {
		ns.Cautions = append(ns.Cautions, message.New("injection", "injector", t.Injector, "containers", t.Containers, "workloads", workloadNames(t.refs),
			"trigger", t.Trigger, "level", t.Level, "why", t.Why.Text, "pspActive", b.canPredictAdmission(ns.uncertainParts())))
	}
}

// setInjections sets what is foreseen to be added to the pods of a workload. What they come to be as admitted has it, too.
func (b *planBuilder) setInjections(out *Workload, w *inventory.Workload) {
	out.Injections = b.injections.byWorkload[w]
	if out.Level.AsAdmitted == "" {
		return
	}
	for _, shape := range b.evaluator.ExpectedPods(w) {
		b.lowerAsAdmittedLevel(out, shape)
	}
}
