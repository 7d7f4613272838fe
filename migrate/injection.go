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
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Injection is, in the Plan, what an admission webhook or policy is expected to add to the pods of a workload when they
// are created, although no live pod of the workload has it.
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

// predictedInjections is what admission webhooks are expected to add to new pods of every workload and namespace of the
// Plan.
type predictedInjections struct {
	// injectors are the known sidecar injectors, in the order of injector.KnownInjectors.
	injectors []injector.Injector
	// byWorkload has the injections into the pods of each workload that gets some.
	byWorkload map[*inventory.Workload][]Injection
	gaps       []inventory.Gap
	notes      []inventory.Note
	// refusersByNamespace has the validating webhooks and policies that may refuse pods of each namespace.
	refusersByNamespace map[string]podRefusers
	// unreadByNamespace names the injectors that choose pods by labels of their namespace, for each namespace whose object was
	// not read.
	unreadByNamespace map[string][]string
	// inEmptyNamespaces has the injections into the first pods of namespaces in which nothing runs.
	inEmptyNamespaces map[string][]Injection
}

// injectionPredictor computes predictedInjections from the webhooks, namespaces and workloads of an inventory.
type injectionPredictor struct {
	*planBuilder
	result *predictedInjections
	// injectorsByContainer has the indexes of the injectors that add a container of each name.
	injectorsByContainer map[string][]int
	namespacesByName     map[string]*inventory.Namespace
	// compiledSelectors has each label selector of a webhook, compiled once.
	compiledSelectors map[*metav1.LabelSelector]labels.Selector
	// cniDaemonSets names the DaemonSet of each injector's CNI plugin; "" where none was read.
	cniDaemonSets []string
	// injectedPods has, for each injector, the first few live pods that show what it adds, by namespace and requested variant.
	injectedPods []map[injectionKey][]injectedPod
	// firstInjectedNamespace is, for each injector and requested variant, the first namespace with such a pod.
	firstInjectedNamespace []map[string]string
	// templatesByWorkload has the pod templates of each workload of the inventory.
	templatesByWorkload [][]podTemplate
	// unreadNamespaces has, for each injector, the namespaces whose object was not read and whose pods it may change.
	unreadNamespaces []unreadNamespaceInjector
	// webhooksByInjector has the webhooks of known injectors; otherMutators are all other webhooks and policies that change
	// pods.
	webhooksByInjector map[int][]*inventory.AdmissionRule
	otherMutators      []*podMutator
	// shapeCache has the pod shape of each pair of a template and an addition.
	shapeCache map[string]*inventory.Shape
	// absentInjectors counts, for each injector, the workloads with its marks where it is not installed.
	absentInjectors []absentInjector
	// namespacesNamedInGaps counts the namespaces in the gaps of mutators; unnamedMutators counts the mutators beyond the
	// limit, which share one gap.
	namespacesNamedInGaps, unnamedMutators int
	firstUnnamedMutator                    string
	unnamedNamespaces                      []string
}

// injectionKey is a namespace and the variant of injection that a pod asks for with labels or annotations.
type injectionKey struct{ namespace, variant string }

// injectedPod is a group of live pods that shows what an injector adds, with its workload.
type injectedPod struct {
	workload *inventory.Workload
	pods     *inventory.PodGroup
}

// absentInjector counts the workloads that ask for an injector by labels or annotations, while no webhook of it was
// read.
type absentInjector struct {
	trigger      string
	workloads    int
	lastWorkload *inventory.Workload
}

// predictInjections computes which containers admission webhooks will add to new pods, and makes the evaluator count them for
// the level after PSP. It changes nothing in the inventory.
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

// newInjectionPredictor sorts the mutating webhooks and policies of the inventory into known injectors and others.
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

// recordInjectedPods records what a workload shows of injectors: the DaemonSet of a CNI plugin, and live pods with containers
// that an injector adds.
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

// injectionVariant returns the variant of an injection that pods ask for with labels and annotations, and false where some ask
// for another.
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

// injectionMarks returns the labels and annotations of a pod and its namespace by which injectors choose pods.
func (f *injectionPredictor) injectionMarks(meta *inventory.PodMeta, namespace string) injector.InjectionMarks {
	ns := f.namespacesByName[namespace]
	return injector.InjectionMarks{Labels: meta.Labels, Annotations: meta.Annotations, NamespaceLabels: ns.Labels, NamespaceAnnotations: ns.Annotations}
}

// maxInjectedPodsKept limits how many live pods of one injector, namespace and variant are compared.
const maxInjectedPodsKept = 3

// injectorsOfPod returns the indexes of the injectors of which a pod has a container that its template does not have.
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

// shapeHasContainer reports whether a live pod or a template has a container or init container of a name.
func shapeHasContainer(s *inventory.Shape, name string) bool {
	is := func(c corev1.Container) bool { return c.Name == name }
	return slices.ContainsFunc(s.Spec.InitContainers, is) || slices.ContainsFunc(s.Spec.Containers, is)
}

// podTemplate is one pod template of a workload, for the prediction of injected containers. A custom object may have
// several.
type podTemplate struct {
	*inventory.Workload
	shape    *inventory.Shape
	metadata []*inventory.PodMeta
}

// podTemplatesOf returns, for the prediction of injections, the pod templates of a workload with the metadata that
// their pods may have.
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

// hasLivePods reports whether live pods of a workload were read, which show what webhooks add.
func hasLivePods(w *inventory.Workload) bool {
	return slices.ContainsFunc(w.PodGroups, func(g inventory.PodGroup) bool { return g.Count > 0 })
}

// predictTemplateInjections predicts what the known injectors add to the pods of one pod template.
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

// nothingToPredict reports whether an injector adds nothing to the pods of a template, or whether live pods show already what
// it adds.
func (f *injectionPredictor) nothingToPredict(i int, t *podTemplate) bool {
	in := &f.result.injectors[i]
	return in.DefaultPod.IsEmpty() || in.MayAddNoContainer && hasLivePods(t.Workload) || f.injectionAlreadyVisible(t, in.DefaultPod.ContainerNames()) || in.PodWithCNI != nil && f.injectionAlreadyVisible(t, in.PodWithCNI.ContainerNames())
}

// injectionAlreadyVisible reports whether the template has all of the containers, as after a manual injection, or whether a
// live pod has one of them beyond its template.
func (f *injectionPredictor) injectionAlreadyVisible(w *podTemplate, names []string) bool {
	lacks := func(name string) bool { return !shapeHasContainer(w.shape, name) }
	if len(names) > 0 && !slices.ContainsFunc(names, lacks) {
		return true
	}
	return slices.ContainsFunc(w.PodGroups, func(g inventory.PodGroup) bool {
		return g.Count > 0 && slices.ContainsFunc(names, func(name string) bool { return lacks(name) && shapeHasContainer(g.Shape, name) })
	})
}

// injectionTrigger returns the label, annotation or selector by which an injector changes the pods of a template; "" if it does
// not change them.
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

// injectorInstalled returns false only for a cluster whose mutating webhooks were all listed, if none of them makes the
// injector change the pods of the template.
func (f *injectionPredictor) injectorInstalled(i int, w *podTemplate) bool {
	if !f.inv.ListedResources["mutatingwebhookconfigurations.admissionregistration.k8s.io"] || f.inv.Source.Kind != inventory.SourceCluster {
		return true
	}
	return f.firstMatchingWebhook(i, w, ifPossible) != nil || slices.ContainsFunc(f.otherMutators, func(c *podMutator) bool {
		return c.Effect == inventory.EffectUnknown && c.Kind == "MutatingWebhookConfiguration" && f.webhookMatchesTemplate(c.AdmissionRule, w, ifPossible)
	})
}

// firstMatchingWebhook returns the first webhook of an injector that applies to the pods of a template; nil if none does.
func (f *injectionPredictor) firstMatchingWebhook(i int, w *podTemplate, how namespaceLabelsKnown) *inventory.AdmissionRule {
	for _, r := range f.webhooksByInjector[i] {
		if f.webhookMatchesTemplate(r, w, how) {
			return r
		}
	}
	return nil
}

// addInjection predicts what an injector adds to the pods of a template: what comparable live pods show, or else its defaults.
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

// podSpecOfInjector returns a pod spec of nothing but the containers and volumes that an injector adds.
func podSpecOfInjector(p *injector.AddedPod) *corev1.PodSpec {
	return &corev1.PodSpec{InitContainers: p.Init, Containers: p.Containers, Volumes: p.Volumes}
}

// comparableInjectedPods returns live pods that an injector has changed and that ask for the same variant: of the same
// namespace, or else of the first other one that has some.
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

// addInjectionAsObserved predicts that an injector adds to the pods of a template what comparable live pods show, the loosest
// of them.
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

// keepContainersNamed returns a copy of the containers that an injector adds with only those with the given names, and
// all volumes.
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

// containerNames returns the names of the injected containers in a pod spec, init containers first.
func containerNames(spec *corev1.PodSpec) []string {
	p := injector.AddedPod{Init: spec.InitContainers, Containers: spec.Containers}
	return p.ContainerNames()
}

// expectAddition makes the evaluator count added containers for the level after PSP, and records the injection unless every
// level allows it.
func (f *injectionPredictor) expectAddition(w *podTemplate, key string, adds *corev1.PodSpec, one Injection) {
	f.expectInjectedShape(w, key, adds, &one)
	f.recordInjection(w, one)
}

// recordInjection adds an injection to those of its workload. Of equal ones into several templates the loosest is kept.
func (f *injectionPredictor) recordInjection(w *podTemplate, one Injection) {
	if one.Level == api.LevelRestricted {
		return
	}
	all := f.result.byWorkload[w.Workload]
	at := slices.IndexFunc(all, func(other Injection) bool {
		return other.Injector == one.Injector && other.Trigger == one.Trigger && other.Why.Text == one.Why.Text
	})
	switch {
	case at < 0:
		f.result.byWorkload[w.Workload] = append(all, one)
	case isLooserLevel(one.Level, all[at].Level): // of another template
		all[at] = one
	}
}

// expectInjectedShape makes the evaluator count the pod template with the added containers, and sets the level that the
// addition allows.
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

// levelOfAddition returns the strictest level of a pod that has nothing but the added containers, under the pod-level security
// context of the template. The key names the addition in the cache.
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

// inheritedSecurityContext returns what injected containers without a security context of their own inherit from the
// pod: a seccomp profile other than Unconfined, and runAsNonRoot.
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

// cautionInjections adds to the Plan cautions on what webhooks add to pods of the namespace: each injection once, and
// injectors that cannot be evaluated because the Namespace object was not read.
func (b *planBuilder) cautionInjections(ns *Namespace) {
	for _, what := range b.injections.unreadByNamespace[ns.Name] {
		ns.Cautions = append(ns.Cautions, message.New("injector-unknown-here", "injector", what))
	}
	b.cautionInjectionsIntoNewPods(ns)
	type grouped struct {
		Injection
		refs []WorkloadRef
	}
	var all []*grouped
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		for _, one := range w.Injections {
			ref := WorkloadRef{w.Kind, w.Name}
			at := slices.IndexFunc(all, func(t *grouped) bool {
				return t.Injector == one.Injector && t.Trigger == one.Trigger && t.Why.Text == one.Why.Text && t.Level == one.Level
			})
			if at < 0 {
				all = append(all, &grouped{one, []WorkloadRef{ref}})
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

// setInjections sets the predicted injections of a workload and lowers its level as admitted by them.
func (b *planBuilder) setInjections(out *Workload, w *inventory.Workload) {
	out.Injections = b.injections.byWorkload[w]
	if out.Levels.AsAdmitted == "" {
		return
	}
	for _, shape := range b.evaluator.ExpectedPods(w) {
		b.lowerAsAdmittedLevel(out, shape)
	}
}
