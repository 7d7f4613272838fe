package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/psp2pss/psp2pss/pspparse"
)

// AddRole adds to the inventory a Role, or with an empty namespace a ClusterRole. It keeps only the rules that matter
// here, and that there are others.
func (b *Builder) AddRole(r Role) {
	if !b.acceptsName(rbacKind("Role", r.Namespace), r.Namespace, r.Name, r.Position) {
		return
	}
	var kept []rbacv1.PolicyRule
	var places []int
	for i := range r.Rules {
		if touchesPodSecurity(&r.Rules[i]) {
			kept, places = append(kept, b.internRule(&r.Rules[i])), append(places, i)
		} else {
			r.OtherRules = true
		}
	}
	r.Rules = kept
	if r.OtherRules {
		r.RuleIndexes = places
	}
	r.Namespace = b.internString(r.Namespace)
	b.roles = append(b.roles, r)
}

// AddBinding adds to the inventory a RoleBinding, or with an empty namespace a ClusterRoleBinding.
func (b *Builder) AddBinding(x Binding) {
	if !b.acceptsName(rbacKind("RoleBinding", x.Namespace), x.Namespace, x.Name, x.Position) {
		return
	}
	x.Namespace, x.RoleKind, x.RoleName = b.internString(x.Namespace), b.internString(x.RoleKind), b.internString(x.RoleName)
	subjects := make([]rbacv1.Subject, len(x.Subjects))
	for i, s := range x.Subjects {
		if s.APIGroup == "" && (s.Kind == rbacv1.UserKind || s.Kind == rbacv1.GroupKind) {
			s.APIGroup = rbacv1.GroupName // the API default; a manifest and what a server made of it are one
		}
		subjects[i] = rbacv1.Subject{
			Kind: b.internString(s.Kind), APIGroup: b.internString(s.APIGroup), Name: b.internString(s.Name),
			Namespace: b.internString(s.Namespace),
		}
	}
	x.Subjects = subjects
	b.bindings = append(b.bindings, x)
}

// rbacKind returns the kind of a role or binding of the inventory, with "Cluster" before it where it has no namespace.
func rbacKind(kind, namespace string) string {
	if namespace == "" {
		return "Cluster" + kind
	}
	return kind
}

// touchesPodSecurity reports whether the inventory keeps an RBAC rule: it could be about podsecuritypolicies, pods or
// namespaces. Forms that grant nothing, as "PodSecurityPolicies" or "*/*", count too: who wrote one meant to grant
// something, and should hear of it.
func touchesPodSecurity(r *rbacv1.PolicyRule) bool {
	for _, resource := range r.Resources {
		if strings.Contains(resource, "*") {
			return true
		}
		base, _, _ := strings.Cut(strings.ToLower(resource), "/")
		switch base {
		case "podsecuritypolicies", "podsecuritypolicy", "pods", "pod", "namespaces", "namespace":
			return true
		}
	}
	return false
}

// internRule returns a copy of an RBAC rule that shares its strings with others in the inventory.
func (b *Builder) internRule(r *rbacv1.PolicyRule) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{
		Verbs: b.internAll(r.Verbs), APIGroups: b.internAll(r.APIGroups), Resources: b.internAll(r.Resources),
		ResourceNames: b.internAll(r.ResourceNames), NonResourceURLs: b.internAll(r.NonResourceURLs),
	}
}

// internAll returns a copy of a list of an RBAC rule that shares its strings with others in the inventory.
func (b *Builder) internAll(in []string) []string {
	if len(in) == 0 {
		return nil
	}
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = b.internString(s)
	}
	return out
}

// roleDuplicateRules returns the rules that compare duplicate roles of an inventory by labels, aggregation and rules.
// The rules in a file do not survive aggregation, so they do not contradict those of the server.
func roleDuplicateRules() duplicateRules[Role] {
	return duplicateRules[Role]{
		id: func(r *Role) objectID {
			return objectID{kind: rbacKind("Role", r.Namespace), namespace: r.Namespace, name: r.Name}
		},
		at: func(r *Role) pspparse.Position { return r.Position },
		same: func(a, b *Role) bool {
			if !maps.Equal(a.Labels, b.Labels) || !equality.Semantic.DeepEqual(a.Aggregation, b.Aggregation) {
				return false
			}
			if a.Aggregation != nil && a.Stored != b.Stored {
				return true // a file's literal rules do not survive aggregation, so they are no contradiction
			}
			return equality.Semantic.DeepEqual(a.Rules, b.Rules)
		},
		merge: func(same []Role) {
			into := &same[0]
			for i := range same[1:] {
				switch from := &same[i+1]; {
				case into.Stored == from.Stored && into.OtherRules != from.OtherRules:
					into.OtherRules, into.RuleIndexes = true, slices.Concat(into.RuleIndexes, from.RuleIndexes) // one of them has none
				case from.Stored && !into.Stored:
					into.Rules, into.RuleIndexes, into.OtherRules, into.Stored = from.Rules, from.RuleIndexes, from.OtherRules, true
				}
			}
		},
	}
}

// bindingDuplicateRules returns the rules that compare duplicate role bindings of an inventory by role and subjects.
func bindingDuplicateRules() duplicateRules[Binding] {
	return duplicateRules[Binding]{
		id: func(x *Binding) objectID {
			return objectID{kind: rbacKind("RoleBinding", x.Namespace), namespace: x.Namespace, name: x.Name}
		},
		at: func(x *Binding) pspparse.Position { return x.Position },
		same: func(a, b *Binding) bool {
			return cmp.Or(cmp.Compare(a.RoleKind, b.RoleKind), cmp.Compare(a.RoleName, b.RoleName)) == 0 &&
				equality.Semantic.DeepEqual(a.Subjects, b.Subjects)
		},
	}
}
