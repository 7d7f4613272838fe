package migrate

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// podMetadataOf returns, for the selectors of admission webhooks, the labels and annotations that pods of a workload's
// template may have.
func podMetadataOf(w *inventory.Workload) []*inventory.PodMeta {
	if len(w.PodMetas) == 0 {
		return []*inventory.PodMeta{{}}
	}
	return w.PodMetas
}

// namespaceLabelsKnown says how the planner's webhook selectors treat the labels of a namespace that was not read: as
// matching if they may (ifPossible), or only if they must (onlyIfCertain).
type namespaceLabelsKnown bool

const (
	onlyIfCertain namespaceLabelsKnown = true
	ifPossible    namespaceLabelsKnown = false
)

// webhookMatchesTemplate reports whether a webhook or policy may apply to the pods of a template. CEL conditions, and whatever
// else is not evaluated, count as met.
func (f *injectionPredictor) webhookMatchesTemplate(r *inventory.AdmissionRule, w *podTemplate, how namespaceLabelsKnown) bool {
	ns := f.namespacesByName[w.Namespace]
	for _, meta := range w.metadata {
		may := slices.ContainsFunc(r.Scopes, func(s inventory.AdmissionScope) bool {
			return f.scopeMatchesNamespace(&s, ns, how) && f.scopeMatchesPods(&s, w.Workload, meta, true)
		})
		if may && !slices.ContainsFunc(r.ExceptScopes, func(s inventory.AdmissionScope) bool {
			return f.scopeMatchesNamespace(&s, ns, onlyIfCertain) && f.scopeMatchesPods(&s, w.Workload, meta, false)
		}) {
			return true
		}
	}
	return false
}

// webhookMatchesNamespace reports whether a webhook or policy may apply to some pods of a namespace.
func (f *injectionPredictor) webhookMatchesNamespace(r *inventory.AdmissionRule, ns *inventory.Namespace) bool {
	return slices.ContainsFunc(r.Scopes, func(s inventory.AdmissionScope) bool { return f.scopeMatchesNamespace(&s, ns, ifPossible) }) &&
		!slices.ContainsFunc(r.ExceptScopes, func(s inventory.AdmissionScope) bool {
			whole := s.Kinds == nil && s.Names == nil && s.PodLabels == nil
			return whole && f.scopeMatchesNamespace(&s, ns, onlyIfCertain)
		})
}

// namespaceNameLabel is the label with its name that the API server gives each namespace.
const namespaceNameLabel = "kubernetes.io/metadata.name"

// scopeMatchesNamespace reports whether the scope of a webhook includes a namespace. Of a namespace that was not read only the
// name is known.
func (f *injectionPredictor) scopeMatchesNamespace(s *inventory.AdmissionScope, ns *inventory.Namespace, how namespaceLabelsKnown) bool {
	if len(s.Namespaces) > 0 && !matchesAnyGlob(s.Namespaces, ns.Name) {
		return false
	}
	if s.NamespaceLabels == nil {
		return true
	}
	of := func(key string) (string, bool) {
		if key == namespaceNameLabel {
			return ns.Name, true
		}
		value, ok := ns.Labels[key]
		return value, ok
	}
	if ns.Declared {
		return f.selectorMatches(s.NamespaceLabels, of)
	}
	requirements, _ := f.compileSelector(s.NamespaceLabels).Requirements()
	for i := range requirements {
		switch {
		case requirements[i].Key() != namespaceNameLabel && how == onlyIfCertain:
			return false
		case requirements[i].Key() == namespaceNameLabel && !requirements[i].Matches(labelLookup(of)):
			return false
		}
	}
	return true
}

// scopeMatchesPods reports whether the scope of a webhook includes pods of a workload. The names of pods that a controller will
// create are not known: unsure is the answer for them.
func (f *injectionPredictor) scopeMatchesPods(s *inventory.AdmissionScope, w *inventory.Workload, meta *inventory.PodMeta, unsure bool) bool {
	if s.Kinds != nil && !slices.Contains(s.Kinds, w.Kind) {
		return false
	}
	if len(s.Names) > 0 && !matchesAnyGlob(s.Names, w.Name) && !(unsure && s.Kinds == nil && w.Kind != "Pod") {
		return false
	}
	return s.PodLabels == nil || f.selectorMatches(s.PodLabels, func(key string) (string, bool) { value, ok := meta.Labels[key]; return value, ok })
}

// labelLookup finds, for the planner, a label by key; it is a set of labels for the selectors of admission webhooks.
type labelLookup func(key string) (string, bool)

// Has reports whether there is a label of the key, as the planner asks for it to match selectors of webhooks.
func (l labelLookup) Has(key string) bool { _, ok := l(key); return ok }

// Get returns the value of a label, "" where there is none, as the planner asks for it to match selectors of webhooks.
func (l labelLookup) Get(key string) string { value, _ := l(key); return value }

// Lookup returns the value of a label, if there is one, as the planner asks for it to match selectors of webhooks.
func (l labelLookup) Lookup(key string) (string, bool) { return l(key) }

// selectorMatches reports whether the label selector of an admission webhook matches. A selector that API validation
// refuses matches everything.
func (f *injectionPredictor) selectorMatches(s *metav1.LabelSelector, of labelLookup) bool {
	return f.compileSelector(s).Matches(of)
}

// compileSelector returns the label selector of an admission webhook in its compiled form, from the cache.
func (f *injectionPredictor) compileSelector(s *metav1.LabelSelector) labels.Selector {
	selector, known := f.compiledSelectors[s]
	if !known {
		var err error
		if selector, err = metav1.LabelSelectorAsSelector(s); err != nil {
			selector = labels.Everything()
		}
		f.compiledSelectors[s] = selector
	}
	return selector
}

// matchesAnyGlob reports, to plan with webhooks, whether a pod or namespace name matches one of the patterns of an
// admission rule, in which * is any text and ? any character.
func matchesAnyGlob(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return MatchesGlob(p, name) })
}

// MatchesGlob reports, to plan with webhooks, whether a pod or namespace name matches a pattern of an admission rule,
// in which * is any text and ? any character.
func MatchesGlob(pattern, name string) bool {
	star, from := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// podMutator is, for the planner, a mutating webhook or policy that is not of a known injector, with what live pods
// show of its effect.
type podMutator struct {
	*inventory.AdmissionRule
	// workloadsWithPods counts the workloads in its scope that have live pods; workloadsChanged those of them whose pods have
	// more than their template and what known injectors add.
	workloadsWithPods, workloadsChanged int
	// templatesChanged counts the workloads whose stored template it has changed already.
	templatesChanged int
	// workloadsWithoutPods counts the workloads in its scope without live pods; firstWithoutPods is the first of them, and
	// namespaces are theirs.
	workloadsWithoutPods int
	firstWithoutPods     *inventory.Workload
	namespaces           []string
}

// observeMutator records what a mutating webhook or policy does to the pods of a workload, or makes the evaluator count what it
// states that it adds.
func (f *injectionPredictor) observeMutator(c *podMutator, all []podTemplate) {
	var templates []*podTemplate
	sure := true
	for i := range all {
		if f.webhookMatchesTemplate(c.AdmissionRule, &all[i], ifPossible) {
			templates = append(templates, &all[i])
			sure = sure && (f.namespacesByName[all[i].Namespace].Declared || f.webhookMatchesTemplate(c.AdmissionRule, &all[i], onlyIfCertain))
		}
	}
	if len(templates) == 0 {
		return
	}
	w := templates[0].Workload
	switch {
	case c.Effect == inventory.EffectAdds && sure:
		for _, t := range templates {
			f.expectMutatorAdditions(c, t)
		}
		c.workloadsWithPods++
	case c.Effect != inventory.EffectAdds && f.mutatesStoredTemplates(c):
		c.templatesChanged++
	case !hasLivePods(w):
		c.addWorkloadWithoutPods(w)
	case sure && c.Effect != inventory.EffectAdds && hasCompleteTemplate(w):
		c.workloadsWithPods++
		for i := range w.PodGroups {
			if g := &w.PodGroups[i]; g.Count > 0 && f.podsDifferFromTemplates(w, g) {
				c.workloadsChanged++
			}
		}
	}
}

// expectMutatorAdditions makes the evaluator count the containers that a policy states that it adds to the pods of a template.
func (f *injectionPredictor) expectMutatorAdditions(c *podMutator, t *podTemplate) {
	names := containerNames(&c.AddedParts.Spec)
	if !f.injectionAlreadyVisible(t, names) {
		f.expectAddition(t, c.String(), &c.AddedParts.Spec, Injection{Injector: c.String(), Trigger: "it selects them", Containers: names, Why: message.New("injection-as-stated")})
	}
}

// hasCompleteTemplate reports whether a workload has a whole pod template, to compare its live pods with for what
// webhooks added. It returns false for a custom object whose templates all describe only part of its pods.
func hasCompleteTemplate(w *inventory.Workload) bool {
	return w.Template != nil || slices.ContainsFunc(w.Embedded, func(e inventory.EmbeddedTemplate) bool { return !e.Partial })
}

// addWorkloadWithoutPods counts a workload whose live pods do not show what a mutating webhook or policy does.
func (c *podMutator) addWorkloadWithoutPods(w *inventory.Workload) {
	if c.workloadsWithoutPods++; c.firstWithoutPods == nil || w.ComesBefore(c.firstWithoutPods) {
		c.firstWithoutPods = w
	}
	if n := len(c.namespaces); n == 0 || c.namespaces[n-1] != w.Namespace { // workloads are sorted
		c.namespaces = append(c.namespaces, w.Namespace)
	}
}

// mutatesStoredTemplates returns true for a webhook that changes only controllers, not pods: the templates of a cluster that
// was read have its changes already.
func (f *injectionPredictor) mutatesStoredTemplates(c *podMutator) bool {
	return f.inv.Source.Origin() == inventory.SourceCluster && !slices.ContainsFunc(c.Scopes, func(s inventory.AdmissionScope) bool { return s.Kinds == nil })
}

// podsDifferFromTemplates reports whether live pods have containers or violations that none of their templates has, beyond what
// known injectors add and a PodSecurityPolicy may have set.
func (f *injectionPredictor) podsDifferFromTemplates(w *inventory.Workload, g *inventory.PodGroup) bool {
	return !slices.ContainsFunc(podTemplatesOf(w), func(t podTemplate) bool { return !f.podsDifferFromTemplate(t.shape, g) })
}

// podsDifferFromTemplate is podsDifferFromTemplates for one template.
func (f *injectionPredictor) podsDifferFromTemplate(template *inventory.Shape, g *inventory.PodGroup) bool {
	if g.Shape == template {
		return false
	}
	_, without := f.evaluator.InjectedParts(template, g)
	for _, name := range containerNames(without) {
		if len(f.injectorsByContainer[name]) == 0 {
			return true
		}
	}
	known := f.evaluator.Evaluate(template, f.target).Violations
	return slices.ContainsFunc(f.evaluator.VerdictWithoutMutation(template, g, f.target).Violations, func(v pss.Violation) bool {
		return !slices.ContainsFunc(known, func(k pss.Violation) bool { return k.Check == v.Check }) && len(containerNames(without)) == 0
	})
}

// classifyMutators compares every mutator with the workloads in its scope and adds a gap or a note to the Plan.
func (f *injectionPredictor) classifyMutators() {
	for _, c := range f.otherMutators {
		for i := range f.templatesByWorkload {
			f.observeMutator(c, f.templatesByWorkload[i])
		}
		f.classifyMutator(c)
		c.namespaces = nil
	}
	f.addRemainingMutatorsGap()
}

// classifyMutator adds to the Plan a gap for a mutating webhook with workloads in its scope that have no live pod, and
// a note where live pods show that it adds nothing or where it sets only fields that no check reads.
func (f *injectionPredictor) classifyMutator(c *podMutator) {
	switch {
	case c.Effect == inventory.EffectAdds && c.workloadsWithoutPods == 0:
	case c.Effect == inventory.EffectAdds:
		f.addMutatorGap(c)
	case c.templatesChanged > 0:
		f.addMutatorNote(c, message.New("mutator-of-templates"))
	case c.workloadsWithPods+c.workloadsWithoutPods == 0:
	case c.Effect == inventory.EffectHarmless:
		f.addMutatorNote(c, message.New("mutator-without-effect", "sets", c.SetFields))
	case c.workloadsWithPods > 0 && c.workloadsChanged == 0:
		f.addMutatorNote(c, message.New("mutator-adds-nothing", "workloads", c.workloadsWithPods))
	case c.workloadsWithoutPods == 0:
		f.addMutatorNote(c, message.New("mutator-evaluated-by-pods"))
	default:
		f.addMutatorGap(c)
	}
}

// addMutatorNote adds to the Plan a note on a mutating webhook or policy.
func (f *injectionPredictor) addMutatorNote(c *podMutator, why message.Message) {
	f.result.notes = append(f.result.notes, inventory.Note{What: c.String(), Why: why, Position: c.Position})
}

// maxNamespacesInMutatorGaps limits the namespaces that all gaps of mutators name together. Each gap may name many.
const maxNamespacesInMutatorGaps = 100_000

// addMutatorGap adds to the Plan the gap of a mutating webhook or policy whose effect on some workloads is not known.
func (f *injectionPredictor) addMutatorGap(c *podMutator) {
	if f.namespacesNamedInGaps += len(c.namespaces); f.namespacesNamedInGaps > maxNamespacesInMutatorGaps {
		f.unnamedMutators++
		f.firstUnnamedMutator = cmp.Or(f.firstUnnamedMutator, c.String())
		f.unnamedNamespaces = append(f.unnamedNamespaces, c.namespaces...)
		slices.Sort(f.unnamedNamespaces)
		f.unnamedNamespaces = slices.Compact(f.unnamedNamespaces)
		return
	}
	first := c.firstWithoutPods
	f.result.gaps = append(f.result.gaps, inventory.Gap{
		What: c.String(), Position: c.Position, Namespaces: c.namespaces,
		Why: message.New("mutator-unknown", "sets", c.SetFields, "kind", first.Kind, "workload", first.Namespace+"/"+first.Name, "others", c.workloadsWithoutPods-1),
	})
}

// addRemainingMutatorsGap adds to the Plan one gap for all mutating webhooks beyond maxNamespacesInMutatorGaps.
func (f *injectionPredictor) addRemainingMutatorsGap() {
	if f.unnamedMutators > 0 {
		f.result.gaps = append(f.result.gaps, inventory.Gap{
			What: fmt.Sprintf("%d more webhooks and policies, %s the first", f.unnamedMutators, f.firstUnnamedMutator), Namespaces: f.unnamedNamespaces,
			Why: message.New("mutators-unknown"),
		})
	}
}

// addAbsentInjectorNotes adds to the Plan a note for each known injector that workloads ask for by labels or
// annotations and that is not installed.
func (f *injectionPredictor) addAbsentInjectorNotes() {
	for i, a := range f.absentInjectors {
		if a.workloads > 0 {
			f.result.notes = append(f.result.notes, inventory.Note{
				What: f.result.injectors[i].Name,
				Why:  message.New("injector-absent", "workloads", a.workloads, "trigger", a.trigger),
			})
		}
	}
}

// podRefusers are, for a Plan, the validating webhooks and policies that may refuse pods of a namespace, and how many
// there are beyond maxRefusersKept.
type podRefusers struct {
	list []*inventory.AdmissionRule
	more int
}

// maxRefusersKept limits how many validating webhooks and policies are kept for a namespace.
const maxRefusersKept = 50

// findPodRefusers finds the validating webhooks and policies that may refuse pods of each namespace.
func (f *injectionPredictor) findPodRefusers() {
	for i := range f.inv.AdmissionRules {
		r := &f.inv.AdmissionRules[i]
		if r.Mutates {
			continue
		}
		for j := range f.inv.Namespaces {
			ns := &f.inv.Namespaces[j]
			if !f.webhookMatchesNamespace(r, ns) {
				continue
			}
			of := f.result.refusersByNamespace[ns.Name]
			if len(of.list) < maxRefusersKept {
				of.list = append(of.list, r)
			} else {
				of.more++
			}
			f.result.refusersByNamespace[ns.Name] = of
		}
	}
}

// alsoRefusedBy returns the names of validating webhooks and policies that may refuse pods of a namespace, each once;
// more is the number of rules of others.
func (b *planBuilder) alsoRefusedBy(ns string) (names []string, more int) {
	of := b.injections.refusersByNamespace[ns]
	for _, r := range of.list {
		whole := inventory.AdmissionRule{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		if name := whole.String(); len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return names, of.more
}

// addPossibleCover adds to the lost constraints of a namespace of the Plan the validating policies that, by their
// names, may enforce the same.
func (b *planBuilder) addPossibleCover(ns string, lost []LostConstraint) []LostConstraint {
	refusers := b.injections.refusersByNamespace[ns].list
	if len(refusers) == 0 {
		return lost
	}
	out := slices.Clone(lost)
	for i := range out {
		for _, r := range refusers {
			if !refuserMayCover(r, out[i].Field) {
				continue
			}
			out[i].MayBeCoveredBy = append(out[i].MayBeCoveredBy, r.String())
		}
	}
	return out
}

// refuserMayCover reports whether a validating policy may enforce the same as a field of a PodSecurityPolicy: by its kind in
// Gatekeeper's library, or by a name in the libraries of Kyverno and Kubewarden.
func refuserMayCover(r *inventory.AdmissionRule, field string) bool {
	switch {
	case strings.HasPrefix(r.Kind, "K8sPSP"):
		return slices.Contains(gatekeeperTemplateFields()[r.Kind], field)
	case r.Kind == "ValidatingWebhookConfiguration":
		return false // it may be the engine itself
	}
	name := normalizePolicyName(r.Name + "/" + r.Rule + "/" + r.Category)
	if strings.Contains(name, normalizePolicyName(field)) {
		return true
	}
	return slices.ContainsFunc(libraryPolicyNames(), func(known policyNamePart) bool {
		return strings.Contains(name, normalizePolicyName(known.part)) && slices.Contains(known.fields, field)
	})
}

// normalizePolicyName returns, for a Plan's cautions, the name of a Kyverno, Gatekeeper or Kubewarden policy in lower
// case without hyphens, underscores and dots.
func normalizePolicyName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// KnownWordsOfRefuser returns the words in the names of a validating policy by which a Plan tells which fields of a PodSecurityPolicy it may
// enforce, too: names of fields, and parts of the names in the libraries of Kyverno and Kubewarden. They say nothing of whose it is.
func KnownWordsOfRefuser(r *inventory.AdmissionRule) []string {
	name := normalizePolicyName(r.Name + "/" + r.Rule + "/" + r.Category)
	var out []string
	add := func(word string) {
		if word = normalizePolicyName(word); word != "" && strings.Contains(name, word) {
			out = append(out, word)
		}
	}
	for _, known := range libraryPolicyNames() {
		add(known.part)
	}
	spec := reflect.TypeFor[pspparse.Spec]()
	for i := range spec.NumField() {
		field, _, _ := strings.Cut(spec.Field(i).Tag.Get("json"), ",")
		add(field)
	}
	return out
}

// IsGatekeeperTemplate reports whether a kind is that of a template of Gatekeeper's library, by which a Plan tells what may be enforced, too.
func IsGatekeeperTemplate(kind string) bool { return gatekeeperTemplateFields()[kind] != nil }

// gatekeeperTemplateFields returns, for a Plan's cautions, the PodSecurityPolicy fields that each template of
// Gatekeeper's library is about.
func gatekeeperTemplateFields() map[string][]string {
	return map[string][]string{
		"K8sPSPAllowPrivilegeEscalationContainer": {"allowPrivilegeEscalation"},
		"K8sPSPAllowedUsers":                      {"runAsUser", "runAsGroup", "supplementalGroups", "fsGroup"},
		"K8sPSPAppArmor":                          {"apparmor.security.beta.kubernetes.io/allowedProfileNames"},
		"K8sPSPCapabilities":                      {"allowedCapabilities", "requiredDropCapabilities"},
		"K8sPSPFSGroup":                           {"fsGroup"},
		"K8sPSPFlexVolumes":                       {"allowedFlexVolumes"},
		"K8sPSPForbiddenSysctls":                  {"forbiddenSysctls", "allowedUnsafeSysctls"},
		"K8sPSPHostFilesystem":                    {"allowedHostPaths"},
		"K8sPSPHostNamespace":                     {"hostPID", "hostIPC"},
		"K8sPSPHostNetworkingPorts":               {"hostNetwork", "hostPorts"},
		"K8sPSPPrivilegedContainer":               {"privileged"},
		"K8sPSPProcMount":                         {"allowedProcMountTypes"},
		"K8sPSPReadOnlyRootFilesystem":            {"readOnlyRootFilesystem"},
		"K8sPSPSELinuxV2":                         {"seLinux"},
		"K8sPSPSeccomp":                           {"seccomp.security.alpha.kubernetes.io/allowedProfileNames"},
		"K8sPSPSeccompV2":                         {"seccomp.security.alpha.kubernetes.io/allowedProfileNames"},
		"K8sPSPVolumeTypes":                       {"volumes"},
	}
}

// policyNamePart is a part of a Kyverno or Gatekeeper policy's name, for a Plan's cautions, and the PodSecurityPolicy
// fields that a policy of such a name is about.
type policyNamePart struct {
	part   string
	fields []string
}

// libraryPolicyNames returns, for a Plan's cautions, the name parts of policies in the libraries of Kyverno and
// Kubewarden that differ from the names of PodSecurityPolicy fields.
func libraryPolicyNames() []policyNamePart {
	return []policyNamePart{
		{"ro-rootfs", []string{"readOnlyRootFilesystem"}},
		{"host-path", []string{"allowedHostPaths", "volumes"}},
		{"user-group-psp", []string{"runAsUser", "runAsGroup", "supplementalGroups"}},
		{"run-as-non-root", []string{"runAsUser"}},
		{"privilege-escalation", []string{"allowPrivilegeEscalation"}},
		{"capabilities", []string{"allowedCapabilities", "requiredDropCapabilities"}},
		{"host-namespaces", []string{"hostNetwork", "hostPID", "hostIPC"}},
		{"proc-mount", []string{"allowedProcMountTypes"}},
		{"sysctls", []string{"forbiddenSysctls", "allowedUnsafeSysctls"}},
		{"flexvolume", []string{"allowedFlexVolumes"}},
	}
}
