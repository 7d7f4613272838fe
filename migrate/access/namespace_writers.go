package access

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// NamespaceWriter is a subject that RBAC lets write namespaces, and so set or remove the Pod Security labels of one.
type NamespaceWriter struct {
	Subject Subject
	// Namespace is the only one that it may write; empty means all.
	Namespace string
	// Verbs are those of create, update and patch that it has, in this order.
	Verbs []string
	// Binding and Role grant it, as in Grant, with their positions.
	Binding, Role                 string
	BindingPosition, RolePosition pspparse.Position
	// Administrator is true where the role allows everything on everything.
	Administrator bool
}

// NamespaceWriters returns whom RBAC lets create, update or patch namespaces, sorted. A RoleBinding counts for its own
// namespace: the API server asks about a change of a namespace in that namespace. The accounts of the control plane are
// left out.
func NamespaceWriters(roles []inventory.Role, bindings []inventory.Binding) []NamespaceWriter {
	byKey := make(map[roleKey]*inventory.Role, len(roles))
	for _, r := range bootstrapRoles() {
		byKey[roleKey{r.Namespace, r.Name}] = &r
	}
	for i := range roles {
		byKey[roleKey{roles[i].Namespace, roles[i].Name}] = &roles[i]
	}
	members, rulesOf := newRoleMembers(roles), map[roleKey][]rbacv1.PolicyRule{}
	var out []NamespaceWriter
	for i := range bindings {
		b := &bindings[i]
		key, ok := boundRole(b)
		if !ok || byKey[key] == nil || strings.HasPrefix(key.name, "system:") {
			continue
		}
		rules, known := rulesOf[key]
		if !known {
			rules = members.namespaceRules(byKey[key])
			rulesOf[key] = rules
		}
		verbs := namespaceVerbs(rules, b.Namespace)
		if len(verbs) == 0 {
			continue
		}
		for _, s := range b.Subjects {
			if whyNeverMatches(s, b.Namespace) != "" {
				continue
			}
			subject := Subject{Kind: SubjectKind(s.Kind), Name: s.Name}
			if s.Kind == rbacv1.ServiceAccountKind {
				subject.Namespace = cmp.Or(s.Namespace, b.Namespace)
			}
			if classifyIdentity(identity{group: s.Kind == rbacv1.GroupKind, name: s.Name}).kind == mastersClass {
				continue
			}
			out = append(out, NamespaceWriter{
				Subject: subject, Namespace: b.Namespace, Verbs: verbs, Binding: bindingReference(b), Role: key.reference(),
				BindingPosition: b.Position, RolePosition: byKey[key].Position,
				Administrator: b.Namespace == "" && slices.ContainsFunc(rules, allowsEverything),
			})
		}
	}
	slices.SortFunc(out, func(x, y NamespaceWriter) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Subject.Kind, y.Subject.Kind),
			cmp.Compare(x.Subject.Namespace, y.Subject.Namespace), cmp.Compare(x.Subject.Name, y.Subject.Name), cmp.Compare(x.Binding, y.Binding))
	})
	return out
}

// namespaceVerbs returns the verbs that RBAC rules allow on namespaces. A create names nothing, so neither a rule with
// resourceNames nor a RoleBinding allows it.
func namespaceVerbs(rules []rbacv1.PolicyRule, in string) []string {
	var out []string
	for _, verb := range []string{"create", "update", "patch"} {
		if slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
			return containsAny(rule.Verbs, verb, rbacv1.VerbAll) && containsAny(rule.APIGroups, "", rbacv1.APIGroupAll) &&
				containsAny(rule.Resources, "namespaces", rbacv1.ResourceAll) && coversNamespace(&rule, verb, in)
		}) {
			out = append(out, verb)
		}
	}
	return out
}

// coversNamespace reports whether an RBAC rule on namespaces holds for a verb in a namespace; "" is all of them.
func coversNamespace(rule *rbacv1.PolicyRule, verb, in string) bool {
	switch {
	case verb == "create":
		return in == "" && len(rule.ResourceNames) == 0
	case in == "":
		return true
	}
	return len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, in)
}

// allowsEverything reports whether an RBAC rule allows every verb on every resource.
func allowsEverything(rule rbacv1.PolicyRule) bool {
	return slices.Contains(rule.Verbs, rbacv1.VerbAll) && slices.Contains(rule.APIGroups, rbacv1.APIGroupAll) &&
		slices.Contains(rule.Resources, rbacv1.ResourceAll) && len(rule.ResourceNames) == 0
}
