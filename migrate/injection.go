package migrate

import (
	"slices"

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

// cautionInjections adds cautions on what webhooks add to pods of the namespace: each injection once, and injectors that cannot
// be evaluated because the Namespace object was not read.
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
