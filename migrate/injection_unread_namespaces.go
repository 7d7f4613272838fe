package migrate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/message"
	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// What an injector does in namespaces that were not read, or in which nothing runs.

// unreadNamespaceInjector is what is not known of an injector: whether it takes the pods of some namespaces.
type unreadNamespaceInjector struct {
	webhook       string
	firstWorkload *inventory.Workload
	namespaces    []string
}

// checkUnreadNamespace notes the injectors that take pods by the labels or annotations of their namespace, where that was not read and a webhook
// of theirs may be for it. The namespaces of Kubernetes itself they leave alone.
func (f *injectionPredictor) checkUnreadNamespace(templates []podTemplate) {
	if len(templates) == 0 {
		return
	}
	w := templates[0].Workload
	ofKubernetes := slices.Contains([]string{"kube-system", "kube-public", "kube-node-lease"}, w.Namespace)
	if ofKubernetes || f.namespacesByName[w.Namespace].Declared {
		return
	}
	for i := range f.result.injectors {
		for at := range templates {
			if r := f.webhookThatMayInject(i, &templates[at]); r != nil {
				f.recordUnreadNamespace(i, r, w)
				break
			}
		}
	}
}

// webhookThatMayInject is the webhook by which an injector may take the pods of a template, for which nothing of their own decides it.
func (f *injectionPredictor) webhookThatMayInject(i int, t *podTemplate) *inventory.AdmissionRule {
	in := &f.result.injectors[i]
	if !in.InjectsByNamespace() || f.nothingToPredict(i, t) {
		return nil
	}
	undecided := slices.ContainsFunc(t.metadata, func(meta *inventory.PodMeta) bool {
		choice, _ := in.InjectionChoiceFor(f.injectionMarks(meta, t.Namespace))
		return choice == injector.Unmarked
	})
	if !undecided || f.injectionTrigger(i, t) != "" {
		return nil
	}
	return f.firstMatchingWebhook(i, t, ifPossible)
}

func (f *injectionPredictor) recordUnreadNamespace(i int, r *inventory.AdmissionRule, w *inventory.Workload) {
	by := f.result.injectors[i].Name + " (" + r.String() + ")"
	if told := f.result.unreadByNamespace[w.Namespace]; !slices.Contains(told, by) {
		f.result.unreadByNamespace[w.Namespace] = append(told, by)
	}
	if hasLivePods(w) {
		return
	}
	u := &f.unreadNamespaces[i]
	if u.firstWorkload == nil {
		u.webhook, u.firstWorkload = r.String(), w
	}
	if n := len(u.namespaces); n == 0 || u.namespaces[n-1] != w.Namespace { // workloads are sorted
		u.namespaces = append(u.namespaces, w.Namespace)
	}
}

// addUnreadNamespaceGaps adds a gap for each injector of which it is not known whether it takes pods that no live one stands for.
func (f *injectionPredictor) addUnreadNamespaceGaps() {
	for i, u := range f.unreadNamespaces {
		if u.firstWorkload == nil {
			continue
		}
		f.result.gaps = append(f.result.gaps, inventory.Gap{
			What: u.webhook, Namespaces: u.namespaces, Affects: inventory.PartWorkloads,
			Why: message.New("injector-namespace-unread", "namespace", u.firstWorkload.Namespace, "injector", f.result.injectors[i].Name,
				"kind", u.firstWorkload.Kind, "workload", u.firstWorkload.Namespace+"/"+u.firstWorkload.Name),
		})
	}
}

// predictEmptyNamespaces works out what will be added to the first pods of namespaces in which nothing runs.
func (f *injectionPredictor) predictEmptyNamespaces() {
	used := map[string]bool{}
	for i := range f.inv.Workloads {
		used[f.inv.Workloads[i].Namespace] = true
	}
	strict := inventory.ReducePod(nil, restrictedPodSpec())
	for name, ns := range f.namespacesByName {
		if used[name] || !ns.Declared {
			continue
		}
		w := &inventory.Workload{Namespace: name, Kind: "Pod", Template: strict}
		f.predictTemplateInjections(&podTemplatesOf(w)[0])
		if all := f.result.byWorkload[w]; len(all) > 0 {
			f.result.inEmptyNamespaces[name] = all
		}
		delete(f.result.byWorkload, w)
	}
}

// cautionInjectionsIntoNewPods says of a namespace in which nothing runs that what is deployed there will not be admitted.
func (b *planBuilder) cautionInjectionsIntoNewPods(ns *Namespace) {
	level := api.Level(ns.RecommendedLabels.Enforce)
	if ns.NeededLevel != "" || level == "" {
		return
	}
	for _, one := range b.injections.inEmptyNamespaces[ns.Name] {
		if !isLooserLevel(one.Level, level) {
			continue
		}
		ns.Cautions = append(ns.Cautions, message.New("injection-into-new-pods", "injector", one.Injector, "containers", one.Containers, "trigger", one.Trigger,
			"level", one.Level, "enforce", level, "why", one.Why.Without("restart").Text)) // there is no pod to restart
	}
}

// injectorPoliciesWereRead is true for an injector that is no policy engine, and where the policies of one were read: those say what it does.
func (b *planBuilder) injectorPoliciesWereRead(in *injector.Injector) bool {
	if in.PolicyKinds == nil {
		return true
	}
	listed := !slices.ContainsFunc(in.PolicyKinds, func(p injector.PolicyKind) bool { return !p.Optional && !b.inv.ListedResources[p.Resource] })
	return listed || slices.ContainsFunc(b.inv.AdmissionRules, func(r inventory.AdmissionRule) bool {
		return slices.ContainsFunc(in.PolicyKinds, func(p injector.PolicyKind) bool { return p.Kind == r.Kind })
	})
}

// restrictedPodSpec is one that meets restricted, whatever its containers inherit.
func restrictedPodSpec() *corev1.PodSpec {
	return &corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "app", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}}},
	}
}
