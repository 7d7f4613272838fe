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

// AdmissionRule is something beside PodSecurityPolicy and Pod Security Admission that changes or refuses pods at admission: a
// webhook, an admission policy of Kubernetes, a rule of a policy engine.
type AdmissionRule struct {
	// Kind, Namespace and Name are the object's. Rule is the one of its webhooks or rules, "" where there is only one.
	Kind, Namespace, Name, Rule string
	// Mutates is true if it changes pods, and false if it only refuses them.
	Mutates bool
	// Scopes say which pods it is for: those that one of Scopes matches and none of Except.
	Scopes, ExceptScopes []AdmissionScope
	// Effect is what is known of its changes.
	Effect MutationEffect
	// SetFields are what it sets, as far as it can be read: "spec.securityContext.runAsNonRoot=true".
	SetFields []string
	// AddedParts has the containers and volumes that it adds to pods where they can be read; nil where it adds none, or that is not
	// known.
	AddedParts *Shape
	// Category is the one that its author gave it, which for policies of Kyverno may be a Pod Security Standard.
	Category string
	Position pspparse.Position
}

// MutationEffect is what is known of the changes that a Reviewer makes.
type MutationEffect int

// The effects. Unknown is that of a webhook, whose changes stand nowhere. Harmless changes make no pod need a looser level.
const (
	EffectUnknown MutationEffect = iota
	EffectHarmless
	EffectAdds
)

// AdmissionScope says which pods a Reviewer is for: those that meet everything in it. An empty one is for all.
type AdmissionScope struct {
	// Kinds are those of the objects whose template it is for; nil stands for the pods themselves.
	Kinds []string
	// Namespaces and Names are patterns with * and ?; nil is for all. Names are those of the pods, or of what Kinds says.
	Namespaces, Names []string
	// NamespaceLabels and PodLabels select by labels; nil is for all.
	NamespaceLabels, PodLabels *metav1.LabelSelector
}

// PodMeta is what the pods of a template get of its metadata, as far as admission may select by it: all labels, and the
// annotations that injectors know. Equal ones are one; it is never changed after it was made.
type PodMeta struct {
	Labels, Annotations map[string]string
}

// AddAdmissionRule adds what changes or refuses pods. Equal ones count once. Beyond maxReviewers of either sort they are counted only.
func (b *Builder) AddAdmissionRule(r AdmissionRule) {
	sort := &b.validatingRules
	if r.Mutates {
		sort = &b.mutatingRules
	}
	if sort.add(r.Position); sort.count <= maxAdmissionRules {
		b.admissionRules = append(b.admissionRules, r)
	}
}

// AddListedResource says that all objects of a resource were read from the server ("mutatingwebhookconfigurations" of the group
// admissionregistration.k8s.io): then what is not among them does not exist.
func (b *Builder) AddListedResource(group, resource string) {
	b.listedResources[resource+"."+group] = true
}

// maxAdmissionRules is more than clusters have of those that change pods, or of those that refuse them. Each is matched with every
// namespace and workload.
const maxAdmissionRules = 300

// resolveDuplicateAdmissionRules sorts, and leaves out what was read twice.
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

// fingerprint is all that a Reviewer says, for comparing.
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

// String names it: `MutatingWebhookConfiguration "istio-sidecar-injector" (webhook namespace.sidecar-injector.istio.io)`.
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

// podMeta returns the one PodMeta of all templates with the same; nil for none.
func (b *Builder) podMeta(labels, annotations map[string]string) *PodMeta {
	m := &PodMeta{}
	for key, value := range labels {
		putString(&m.Labels, b.internString(key), b.internString(value))
	}
	for key, value := range annotations {
		if IsInjectorAnnotation(key) {
			putString(&m.Annotations, b.internString(key), b.internString(value))
		}
	}
	if m.Labels == nil && m.Annotations == nil {
		return nil
	}
	key := m.sortKey()
	if known, ok := b.podMetas[key]; ok {
		return known
	}
	b.podMetas[key] = m
	return m
}

func putString(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

func (m *PodMeta) sortKey() string {
	var b strings.Builder
	for _, of := range []map[string]string{m.Labels, m.Annotations} {
		for _, key := range slices.Sorted(maps.Keys(of)) {
			b.WriteString(key + "\x00" + of[key] + "\x00")
		}
		b.WriteByte('\x01')
	}
	return b.String()
}

// IsInjectorAnnotation is true for the annotations by which injectors choose pods and namespaces. A test of package injector compares
// it with the table there.
func IsInjectorAnnotation(annotation string) bool {
	domain, _, _ := strings.Cut(annotation, "/")
	return slices.ContainsFunc([]string{
		"istio.io", "linkerd.io", "consul.hashicorp.com", "vault.hashicorp.com", "kuma.io", "openservicemesh.io", "appmesh.k8s.aws", "dapr.io",
		"opentelemetry.io", "jaegertracing.io", "datadoghq.com", "dynatrace.com", "azure.workload.identity",
	}, func(known string) bool { return domain == known || strings.HasSuffix(domain, "."+known) })
}

func podMetaList(m *PodMeta) []*PodMeta {
	if m == nil {
		return nil
	}
	return []*PodMeta{m}
}

// mergePodMetas keeps each of the metadata of templates that are the same otherwise, in an order that does not depend on
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

// policyBinding puts a policy of Kubernetes into force, for a part of what it is for.
type policyBinding struct {
	kind, policy string
	scope        AdmissionScope
	// refuses is false where it only reports.
	refuses bool
}

// AddAdmissionPolicyBinding adds the binding of an admission policy: kind and policy name the policy, scope is the part of what it is
// for. A binding that does not refuse only reports.
func (b *Builder) AddAdmissionPolicyBinding(kind, policy string, scope AdmissionScope, refuses bool) {
	if len(b.policyBindings) < maxAdmissionRules {
		b.policyBindings = append(b.policyBindings, policyBinding{kind, policy, scope, refuses})
	}
}

// applyPolicyBindings narrows the policies to what their bindings say. It leaves out those whose bindings only report, and where a server
// was read those without binding, too; what files lack may exist.
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

// intersect is the scope of the pods that both are for; the kinds and names are those of s.
func (s AdmissionScope) intersect(t AdmissionScope) AdmissionScope {
	s.NamespaceLabels, s.PodLabels = intersectSelectors(s.NamespaceLabels, t.NamespaceLabels), intersectSelectors(s.PodLabels, t.PodLabels)
	return s
}

// intersectSelectors selects what x and y select.
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
