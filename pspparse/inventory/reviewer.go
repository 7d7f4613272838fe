package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Reviewer is something beside PodSecurityPolicy and Pod Security Admission that changes or refuses pods at admission: a
// webhook, an admission policy of Kubernetes, a rule of a policy engine.
type Reviewer struct {
	// Kind, Namespace and Name are the object's. Rule is the one of its webhooks or rules, "" where there is only one.
	Kind, Namespace, Name, Rule string
	// Mutates is true if it changes pods, and false if it only refuses them.
	Mutates bool
	// Scopes say which pods it is for: those that one of Scopes matches and none of Except.
	Scopes, Except []Scope
	// Effect is what is known of its changes.
	Effect Effect
	// Sets are what it sets, as far as it can be read: "spec.securityContext.runAsNonRoot=true".
	Sets []string
	// Adds has the containers and volumes that it adds to pods where they can be read; nil where it adds none, or that is not
	// known.
	Adds *Shape
	// Category is the one that its author gave it, which for policies of Kyverno may be a Pod Security Standard.
	Category string
	Position pspparse.Position
}

// Effect is what is known of the changes that a Reviewer makes.
type Effect int

// The effects. Unknown is that of a webhook, whose changes stand nowhere. Harmless changes make no pod need a looser level.
const (
	EffectUnknown Effect = iota
	EffectHarmless
	EffectAdds
)

// Scope says which pods a Reviewer is for: those that meet everything in it. An empty one is for all.
type Scope struct {
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

// AddReviewer adds what changes or refuses pods. Equal ones count once. Beyond maxReviewers of either sort they are counted only.
func (b *Builder) AddReviewer(r Reviewer) {
	sort := &b.refusers
	if r.Mutates {
		sort = &b.changers
	}
	if sort.add(r.Position); sort.n <= maxReviewers {
		b.reviewers = append(b.reviewers, r)
	}
}

// AddListed says that all objects of a resource were read from the server ("mutatingwebhookconfigurations" of the group
// admissionregistration.k8s.io): then what is not among them does not exist.
func (b *Builder) AddListed(group, resource string) { b.listed[resource+"."+group] = true }

// maxReviewers is more than clusters have of those that change pods, or of those that refuse them. Each is matched with every
// namespace and workload.
const maxReviewers = 300

// settleReviewers sorts, and leaves out what was read twice.
func (b *Builder) settleReviewers() []Reviewer {
	if n := b.changers.n - maxReviewers; n > 0 {
		b.AddGap(Gap{
			What: "webhooks and policies that change pods", Why: fmt.Sprintf("there are more than %d of them, and %d were not looked at: what they add is not known", maxReviewers, n),
			Position: b.changers.first, Namespaces: []string{AllNamespaces}, Changes: Workloads,
		})
	}
	if n := b.refusers.n - maxReviewers; n > 0 {
		b.AddNote(Note{
			What: "webhooks and policies that refuse pods", Why: fmt.Sprintf("there are more than %d of them, and %d were not looked at", maxReviewers, n), Position: b.refusers.first,
		})
	}
	out := b.bind(b.reviewers)
	slices.SortFunc(out, func(x, y Reviewer) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Rule, y.Rule),
			comparePositions(x.Position, y.Position), cmp.Compare(x.text(), y.text()))
	})
	return slices.CompactFunc(out, func(x, y Reviewer) bool {
		return x.Kind == y.Kind && x.Namespace == y.Namespace && x.Name == y.Name && x.Rule == y.Rule && x.text() == y.text()
	})
}

// text is all that a Reviewer says, for comparing.
func (r *Reviewer) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%t %d %q %q", r.Mutates, r.Effect, r.Sets, r.Category)
	for _, list := range [][]Scope{r.Scopes, r.Except} {
		for i := range list {
			s := &list[i]
			fmt.Fprintf(&b, " %q %q %q %s %s;", s.Kinds, s.Namespaces, s.Names, metav1.FormatLabelSelector(s.NamespaceLabels), metav1.FormatLabelSelector(s.PodLabels))
		}
		b.WriteByte('|')
	}
	if r.Adds != nil {
		fmt.Fprint(&b, r.Adds.Spec.String())
	}
	return b.String()
}

// String names it: `MutatingWebhookConfiguration "istio-sidecar-injector" (webhook namespace.sidecar-injector.istio.io)`.
func (r *Reviewer) String() string {
	name := label(r.Kind, r.Namespace, r.Name)
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
		put(&m.Labels, b.intern(key), b.intern(value))
	}
	for key, value := range annotations {
		if Marks(key) {
			put(&m.Annotations, b.intern(key), b.intern(value))
		}
	}
	if m.Labels == nil && m.Annotations == nil {
		return nil
	}
	key := m.key()
	if known, ok := b.metas[key]; ok {
		return known
	}
	b.metas[key] = m
	return m
}

func put(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

func (m *PodMeta) key() string {
	var b strings.Builder
	for _, of := range []map[string]string{m.Labels, m.Annotations} {
		for _, key := range slices.Sorted(maps.Keys(of)) {
			b.WriteString(key + "\x00" + of[key] + "\x00")
		}
		b.WriteByte('\x01')
	}
	return b.String()
}

// Marks is true for the annotations by which injectors choose pods and namespaces. A test of package injector compares
// it with the table there.
func Marks(annotation string) bool {
	domain, _, _ := strings.Cut(annotation, "/")
	return slices.ContainsFunc([]string{
		"istio.io", "linkerd.io", "consul.hashicorp.com", "vault.hashicorp.com", "kuma.io", "openservicemesh.io", "appmesh.k8s.aws", "dapr.io",
		"opentelemetry.io", "jaegertracing.io", "datadoghq.com", "dynatrace.com", "azure.workload.identity",
	}, func(known string) bool { return domain == known || strings.HasSuffix(domain, "."+known) })
}

func metas(m *PodMeta) []*PodMeta {
	if m == nil {
		return nil
	}
	return []*PodMeta{m}
}

// mergeMetas keeps each of the metadata of templates that are the same otherwise, in an order that does not depend on
// that of reading.
func mergeMetas(x, y []*PodMeta) []*PodMeta {
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
	slices.SortFunc(all, func(a, b *PodMeta) int { return cmp.Compare(a.key(), b.key()) })
	return slices.CompactFunc(all, func(a, b *PodMeta) bool { return a.key() == b.key() })
}

// binding puts a policy of Kubernetes into force, for a part of what it is for.
type binding struct {
	kind, policy string
	scope        Scope
	// refuses is false where it only reports.
	refuses bool
}

// AddReviewerBinding adds the binding of an admission policy: kind and policy name the policy, scope is the part of what it is
// for. A binding that does not refuse only reports.
func (b *Builder) AddReviewerBinding(kind, policy string, scope Scope, refuses bool) {
	if len(b.reviewerBindings) < maxReviewers {
		b.reviewerBindings = append(b.reviewerBindings, binding{kind, policy, scope, refuses})
	}
}

// bind narrows the policies to what their bindings say. It leaves out those whose bindings only report, and where a server
// was read those without binding, too; what files lack may exist.
func (b *Builder) bind(all []Reviewer) []Reviewer {
	byPolicy := map[[2]string][]binding{}
	for _, x := range b.reviewerBindings {
		byPolicy[[2]string{x.kind, x.policy}] = append(byPolicy[[2]string{x.kind, x.policy}], x)
	}
	out := all[:0]
	for _, r := range all {
		bindings := byPolicy[[2]string{r.Kind, r.Name}]
		listed := b.listed[strings.ToLower(r.Kind)+"bindings.admissionregistration.k8s.io"]
		if !strings.HasSuffix(r.Kind, "AdmissionPolicy") || r.Namespace != "" || len(bindings) == 0 && !listed {
			out = append(out, r)
			continue
		}
		var scopes []Scope
		for _, x := range bindings {
			for _, s := range r.Scopes {
				if x.refuses {
					scopes = append(scopes, s.and(x.scope))
				}
			}
		}
		if r.Scopes = scopes; len(scopes) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// and is the scope of the pods that both are for; the kinds and names are those of s.
func (s Scope) and(t Scope) Scope {
	s.NamespaceLabels, s.PodLabels = both(s.NamespaceLabels, t.NamespaceLabels), both(s.PodLabels, t.PodLabels)
	return s
}

// both selects what x and y select.
func both(x, y *metav1.LabelSelector) *metav1.LabelSelector {
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
