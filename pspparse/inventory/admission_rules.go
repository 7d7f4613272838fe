package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// AdmissionRule is something beside PodSecurityPolicy and Pod Security Admission that changes or refuses pods at admission:
// a webhook, an admission policy of Kubernetes, or a rule of a policy engine.
type AdmissionRule struct {
	// Kind, Namespace and Name are those of the object. Rule names its webhook or rule, "" where it has only one.
	Kind, Namespace, Name, Rule string
	// Mutates is true for a rule that changes pods, and false for one that only refuses them.
	Mutates bool
	// Scopes and ExceptScopes say which pods the rule is for: those that one of Scopes matches and none of ExceptScopes.
	Scopes, ExceptScopes []AdmissionScope
	// Effect is what is known of the changes that the rule makes.
	Effect MutationEffect
	// SetFields are the fields that the rule sets, as far as they can be read: "spec.securityContext.runAsNonRoot=true".
	SetFields []string
	// AddedParts has the containers and volumes that the rule adds to pods; nil where it adds none, or where that is not
	// known.
	AddedParts *Shape
	// Category is the category that the author gave the rule; for a policy of Kyverno it may name a Pod Security Standard.
	Category string
	// Position is where the object's document starts; zero for a live object.
	Position pspparse.Position
}

// MutationEffect says what an inventory knows of the changes that an AdmissionRule makes.
type MutationEffect int

// The effects of an AdmissionRule.
const (
	// EffectUnknown is the effect of a webhook, whose changes are written nowhere.
	EffectUnknown MutationEffect = iota
	// EffectHarmless is the effect of changes by which no pod needs a looser level.
	EffectHarmless
	// EffectAdds is the effect of a rule that adds containers or volumes.
	EffectAdds
)

// AdmissionScope says for which pods an AdmissionRule holds: those that meet all of its fields. The zero value is for
// all pods.
type AdmissionScope struct {
	// Kinds are the kinds of the objects whose pod template the rule sees; nil where it sees the pods themselves.
	Kinds []string
	// Namespaces and Names are patterns with * and ?; nil is for all. Names are those of the pods, or of the objects of
	// Kinds.
	Namespaces, Names []string
	// NamespaceLabels and PodLabels select by labels; nil is for all.
	NamespaceLabels, PodLabels *metav1.LabelSelector
}

// PodMeta is the metadata that a pod template gives its pods, as far as admission may select by it: all labels, and the
// annotations that injectors know. Equal ones are one pointer. It is never changed after it was made.
type PodMeta struct {
	Labels, Annotations map[string]string
}

// AddInjectedParts adds nothing to the inventory: the rule of the object says what it adds to which pods.
func (*Builder) AddInjectedParts(CustomObject) {}

// AddAdmissionRule adds to the inventory a webhook or policy that changes or refuses pods. Equal ones count once. Of
// more than maxAdmissionRules that change pods, or that refuse them, the rest is only counted.
func (b *Builder) AddAdmissionRule(r AdmissionRule) {
	counted := &b.validatingRules
	if r.Mutates {
		counted = &b.mutatingRules
	}
	if counted.add(r.Position); counted.count <= maxAdmissionRules {
		b.admissionRules = append(b.admissionRules, r)
	}
}

// AddListedResource records in the inventory that the server gave all objects of a resource, such as
// "mutatingwebhookconfigurations" of the group admissionregistration.k8s.io: what was not read then does not exist.
func (b *Builder) AddListedResource(group, resource string) {
	b.listedResources[resource+"."+group] = true
}

// maxAdmissionRules is more than clusters have of rules that change pods, or of those that refuse them. Each is matched
// with every namespace and workload.
const maxAdmissionRules = 300

// resolveDuplicateAdmissionRules returns the inventory's admission rules in order, each once, narrowed to their
// bindings, and adds a note on how many were not kept.
func (b *Builder) resolveDuplicateAdmissionRules() []AdmissionRule {
	if n := b.mutatingRules.count - maxAdmissionRules; n > 0 {
		b.AddGap(Gap{
			What: "webhooks and policies that change pods", Why: message.New("mutators-not-examined", "limit", maxAdmissionRules, "n", n),
			Position: b.mutatingRules.first, Namespaces: []string{AllNamespaces}, Affects: PartWorkloads,
		})
	}
	if n := b.validatingRules.count - maxAdmissionRules; n > 0 {
		b.AddNote(Note{
			What: "webhooks and policies that refuse pods", Why: message.New("refusers-not-examined", "limit", maxAdmissionRules, "n", n), Position: b.validatingRules.first,
		})
	}
	out := b.applyPolicyBindings(b.admissionRules)
	slices.SortFunc(out, func(x, y AdmissionRule) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Rule, y.Rule),
			comparePositions(x.Position, y.Position), cmp.Compare(x.fingerprint(), y.fingerprint()))
	})
	return slices.CompactFunc(out, func(x, y AdmissionRule) bool {
		return x.Kind == y.Kind && x.Namespace == y.Namespace && x.Name == y.Name && x.Rule == y.Rule && x.fingerprint() == y.fingerprint()
	})
}

// fingerprint returns a text that is equal for admission rules of an inventory that say the same, names and positions
// aside.
func (r *AdmissionRule) fingerprint() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%t %d %q %q", r.Mutates, r.Effect, r.SetFields, r.Category)
	for _, list := range [][]AdmissionScope{r.Scopes, r.ExceptScopes} {
		for i := range list {
			s := &list[i]
			fmt.Fprintf(&b, " %q %q %q %s %s;", s.Kinds, s.Namespaces, s.Names, metav1.FormatLabelSelector(s.NamespaceLabels), metav1.FormatLabelSelector(s.PodLabels))
		}
		b.WriteByte('|')
	}
	if r.AddedParts != nil {
		fmt.Fprint(&b, r.AddedParts.Spec.String())
	}
	return b.String()
}

// String returns the name of the inventory's admission rule: `MutatingWebhookConfiguration "istio-sidecar-injector"
// (webhook namespace.sidecar-injector.istio.io)`.
func (r *AdmissionRule) String() string {
	name := describeObject(r.Kind, r.Namespace, r.Name)
	switch {
	case r.Rule == "":
		return name
	case strings.HasSuffix(r.Kind, "WebhookConfiguration"):
		return name + " (webhook " + quote(r.Rule) + ")"
	}
	return name + " (rule " + quote(r.Rule) + ")"
}

// podMeta returns the inventory's one PodMeta of all pod templates with the same labels and injector annotations; nil
// if there are none.
func (b *Builder) podMeta(labels, annotations map[string]string) *PodMeta {
	m := PodMeta{Labels: labels}
	for key, value := range annotations {
		if IsInjectorAnnotation(key) {
			putString(&m.Annotations, key, value)
		}
	}
	if len(m.Labels) == 0 && m.Annotations == nil {
		return nil
	}
	var short [512]byte
	key := m.appendSortKey(short[:0])
	known, ok := b.podMetas[string(key)]
	if !ok {
		known = &PodMeta{Labels: b.internMap(m.Labels), Annotations: b.internMap(m.Annotations)}
		b.podMetas[string(key)] = known
	}
	return known
}

// internMap returns a copy of a map whose strings the Builder holds; nil for an empty one.
func (b *Builder) internMap(of map[string]string) map[string]string {
	var out map[string]string
	for key, value := range of {
		putString(&out, b.internString(key), b.internString(value))
	}
	return out
}

// putString sets a key of an inventory's label map, which may be nil.
func putString(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

// sortKey returns a text by which an inventory orders pods' metadata, equal for equal ones.
func (m *PodMeta) sortKey() string { return string(m.appendSortKey(nil)) }

// appendSortKey appends to a text the sortKey by which an inventory orders pods' metadata.
func (m *PodMeta) appendSortKey(text []byte) []byte {
	var few [16]string
	for _, of := range [...]map[string]string{m.Labels, m.Annotations} {
		keys := slices.AppendSeq(few[:0], maps.Keys(of))
		slices.Sort(keys)
		for _, key := range keys {
			text = append(append(append(append(text, key...), 0), of[key]...), 0)
		}
		text = append(text, 1)
	}
	return text
}

// IsInjectorAnnotation reports whether injectors choose pods or namespaces by an annotation. A test of package injector
// compares it with the table there.
func IsInjectorAnnotation(annotation string) bool {
	domain, _, _ := strings.Cut(annotation, "/")
	for _, known := range [...]string{
		"istio.io", "linkerd.io", "consul.hashicorp.com", "vault.hashicorp.com", "kuma.io", "openservicemesh.io", "appmesh.k8s.aws", "dapr.io",
		"opentelemetry.io", "jaegertracing.io", "datadoghq.com", "dynatrace.com", "azure.workload.identity",
	} {
		if above, ok := strings.CutSuffix(domain, known); ok && (above == "" || strings.HasSuffix(above, ".")) {
			return true
		}
	}
	return false
}

// podMetaList returns a list of one pod template's PodMeta; nil for nil.
func podMetaList(m *PodMeta) []*PodMeta {
	if m == nil {
		return nil
	}
	return []*PodMeta{m}
}

// mergePodMetas returns the pod metadata of two readings of one pod template, each once. The order does not depend on
// that of reading.
func mergePodMetas(x, y []*PodMeta) []*PodMeta {
	if slices.Equal(x, y) {
		return x
	}
	if len(x) == 0 {
		x = []*PodMeta{{}}
	}
	if len(y) == 0 {
		y = []*PodMeta{{}}
	}
	all := slices.Concat(x, y)
	slices.SortFunc(all, func(a, b *PodMeta) int { return cmp.Compare(a.sortKey(), b.sortKey()) })
	return slices.CompactFunc(all, func(a, b *PodMeta) bool { return a.sortKey() == b.sortKey() })
}

// policyBinding is, in the inventory, a binding of an admission policy of Kubernetes: it puts the policy into force for
// some of the pods that it matches.
type policyBinding struct {
	kind, policy string
	scope        AdmissionScope
	// refuses is false for a binding that only reports.
	refuses bool
}

// AddAdmissionPolicyBinding adds the binding of the admission policy with a kind and name. Scope is the part of the
// policy's pods that it is for. A binding that does not refuse only reports.
func (b *Builder) AddAdmissionPolicyBinding(kind, policy string, scope AdmissionScope, refuses bool) {
	if len(b.policyBindings) < maxAdmissionRules {
		b.policyBindings = append(b.policyBindings, policyBinding{kind, policy, scope, refuses})
	}
}

// applyPolicyBindings returns the rules with admission policies of Kubernetes narrowed to what their bindings say. Policies
// whose bindings only report are left out, and those without a binding where the server gave all bindings; files may lack
// some.
func (b *Builder) applyPolicyBindings(all []AdmissionRule) []AdmissionRule {
	byPolicy := map[[2]string][]policyBinding{}
	for _, x := range b.policyBindings {
		byPolicy[[2]string{x.kind, x.policy}] = append(byPolicy[[2]string{x.kind, x.policy}], x)
	}
	out := all[:0]
	for _, r := range all {
		bindings := byPolicy[[2]string{r.Kind, r.Name}]
		listed := b.listedResources[strings.ToLower(r.Kind)+"bindings.admissionregistration.k8s.io"]
		if !strings.HasSuffix(r.Kind, "AdmissionPolicy") || r.Namespace != "" || len(bindings) == 0 && !listed {
			out = append(out, r)
			continue
		}
		var scopes []AdmissionScope
		for _, x := range bindings {
			for _, s := range r.Scopes {
				if x.refuses {
					scopes = append(scopes, s.intersect(x.scope))
				}
			}
		}
		if r.Scopes = scopes; len(scopes) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// intersect returns the admission scope of the pods that both scopes are for. The kinds and names are those of s.
func (s AdmissionScope) intersect(t AdmissionScope) AdmissionScope {
	s.NamespaceLabels, s.PodLabels = intersectSelectors(s.NamespaceLabels, t.NamespaceLabels), intersectSelectors(s.PodLabels, t.PodLabels)
	return s
}

// intersectSelectors returns, for the inventory's admission rules, the label selector of what the selectors of two
// admission scopes both select.
func intersectSelectors(x, y *metav1.LabelSelector) *metav1.LabelSelector {
	switch {
	case x == nil:
		return y
	case y == nil:
		return x
	}
	out := &metav1.LabelSelector{}
	for _, of := range []*metav1.LabelSelector{x, y} {
		for _, key := range slices.Sorted(maps.Keys(of.MatchLabels)) {
			out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{of.MatchLabels[key]}})
		}
		out.MatchExpressions = append(out.MatchExpressions, of.MatchExpressions...)
	}
	return out
}
