package migrate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// What an injector does in namespaces that were not read, or in which nothing runs.

// unreadNamespaceInjector lists the namespaces whose object was not read and in which an injector may change pods.
type unreadNamespaceInjector struct {
	webhook       string
	firstWorkload *inventory.Workload
	namespaces    []string
}

// checkUnreadNamespace records the injectors that may change the pods of these templates by labels or annotations of their
// namespace, whose object was not read. Injectors leave kube-system and its like alone.
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

// webhookThatMayInject returns the webhook by which an injector may change the pods of a template, if no mark of theirs
// decides; nil if it does not change them.
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

// recordUnreadNamespace records that an injector may change the pods of a workload by labels of its namespace, which was not
// read.
func (f *injectionPredictor) recordUnreadNamespace(i int, r *inventory.AdmissionRule, w *inventory.Workload) {
	by := f.result.injectors[i].Name + " (" + r.String() + ")"
	if seen := f.result.unreadByNamespace[w.Namespace]; !slices.Contains(seen, by) {
		f.result.unreadByNamespace[w.Namespace] = append(seen, by)
	}
	if hasLivePods(w) {
		return
	}
	u := &f.unreadNamespaces[i]
	if u.firstWorkload == nil || w.ComesBefore(u.firstWorkload) {
		u.webhook, u.firstWorkload = r.String(), w
	}
	if n := len(u.namespaces); n == 0 || u.namespaces[n-1] != w.Namespace { // workloads are sorted
		u.namespaces = append(u.namespaces, w.Namespace)
	}
}

// addUnreadNamespaceGaps adds a gap for each injector that may change pods of namespaces whose object was not read and that
// have no live pods.
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

// predictEmptyNamespaces predicts what injectors add to the first pods of namespaces in which nothing runs.
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

// cautionInjectionsIntoNewPods adds a caution to an empty namespace whose recommended level will refuse new pods for what an
// injector adds to them.
func (b *planBuilder) cautionInjectionsIntoNewPods(ns *Namespace) {
	level := api.Level(ns.RecommendedLabels.Enforce)
	if ns.NeededLevel != "" || level == "" {
		return
	}
	for _, one := range b.injections.inEmptyNamespaces[ns.Name] {
		if !levels.Looser(one.Level, level) {
			continue
		}
		ns.Cautions = append(ns.Cautions, message.New("injection-into-new-pods", "injector", one.Injector, "containers", one.Containers, "trigger", one.Trigger,
			"level", one.Level, "enforce", level, "why", one.Why.Without("restart").Text)) // there is no pod to restart
	}
}

// injectorPoliciesWereRead returns true for an injector that is no policy engine, and for a policy engine (Kyverno, Gatekeeper)
// whose policies were read: then these say what it changes.
func (b *planBuilder) injectorPoliciesWereRead(in *injector.Injector) bool {
	if in.PolicyKinds == nil {
		return true
	}
	listed := !slices.ContainsFunc(in.PolicyKinds, func(p injector.PolicyKind) bool { return !p.Optional && !b.inv.ListedResources[p.Resource] })
	return listed || slices.ContainsFunc(b.inv.AdmissionRules, func(r inventory.AdmissionRule) bool {
		return slices.ContainsFunc(in.PolicyKinds, func(p injector.PolicyKind) bool { return p.Kind == r.Kind })
	})
}

// restrictedPodSpec returns, to predict injections, a pod spec that meets the restricted level, to see what an injector
// does to new pods of an empty namespace.
func restrictedPodSpec() *corev1.PodSpec {
	return &corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "app", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}}},
	}
}
