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

// AddRole adds a Role, or with an empty namespace a ClusterRole, and keeps only the rules that matter; of others it keeps
// that there are some.
func (b *Builder) AddRole(r Role) {
	if !b.admits(clusterKind("Role", r.Namespace), r.Namespace, r.Name, r.Position) {
		return
	}
	var kept []rbacv1.PolicyRule
	var places []int
	for i := range r.Rules {
		if matters(&r.Rules[i]) {
			kept, places = append(kept, b.internRule(&r.Rules[i])), append(places, i)
		} else {
			r.Others = true
		}
	}
	r.Rules = kept
	if r.Others {
		r.Places = places
	}
	r.Namespace = b.intern(r.Namespace)
	b.roles = append(b.roles, r)
}

// AddBinding adds a RoleBinding, or with an empty namespace a ClusterRoleBinding.
func (b *Builder) AddBinding(x Binding) {
	if !b.admits(clusterKind("RoleBinding", x.Namespace), x.Namespace, x.Name, x.Position) {
		return
	}
	x.Namespace, x.RoleKind, x.RoleName = b.intern(x.Namespace), b.intern(x.RoleKind), b.intern(x.RoleName)
	subjects := make([]rbacv1.Subject, len(x.Subjects))
	for i, s := range x.Subjects {
		if s.APIGroup == "" && (s.Kind == rbacv1.UserKind || s.Kind == rbacv1.GroupKind) {
			s.APIGroup = rbacv1.GroupName // the API default; a manifest and what a server made of it are one
		}
		subjects[i] = rbacv1.Subject{
			Kind: b.intern(s.Kind), APIGroup: b.intern(s.APIGroup), Name: b.intern(s.Name),
			Namespace: b.intern(s.Namespace),
		}
	}
	x.Subjects = subjects
	b.bindings = append(b.bindings, x)
}

func clusterKind(kind, namespace string) string {
	if namespace == "" {
		return "Cluster" + kind
	}
	return kind
}

// matters says whether a rule could touch podsecuritypolicies, pods or namespaces. Forms that grant nothing, as
// "PodSecurityPolicies" or "*/*", are kept too: who wrote one meant to grant something, and should hear of it.
func matters(r *rbacv1.PolicyRule) bool {
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

func (b *Builder) internRule(r *rbacv1.PolicyRule) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{
		Verbs: b.internAll(r.Verbs), APIGroups: b.internAll(r.APIGroups), Resources: b.internAll(r.Resources),
		ResourceNames: b.internAll(r.ResourceNames), NonResourceURLs: b.internAll(r.NonResourceURLs),
	}
}

func (b *Builder) internAll(in []string) []string {
	if len(in) == 0 {
		return nil
	}
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = b.intern(s)
	}
	return out
}

func roleRules() rules[Role] {
	return rules[Role]{
		id: func(r *Role) identity {
			return identity{kind: clusterKind("Role", r.Namespace), namespace: r.Namespace, name: r.Name}
		},
		at: func(r *Role) pspparse.Position { return r.Position },
		same: func(a, b *Role) bool {
			if !maps.Equal(a.Labels, b.Labels) || !equality.Semantic.DeepEqual(a.Aggregation, b.Aggregation) {
				return false
			}
			if a.Aggregation != nil && a.Live != b.Live {
				return true // a file's literal rules do not survive aggregation, so they are no contradiction
			}
			return equality.Semantic.DeepEqual(a.Rules, b.Rules)
		},
		merge: func(same []Role) {
			into := &same[0]
			for i := range same[1:] {
				switch from := &same[i+1]; {
				case into.Live == from.Live && into.Others != from.Others:
					into.Others, into.Places = true, slices.Concat(into.Places, from.Places) // one of them has none
				case from.Live && !into.Live:
					into.Rules, into.Places, into.Others, into.Live = from.Rules, from.Places, from.Others, true
				}
			}
		},
	}
}

func bindingRules() rules[Binding] {
	return rules[Binding]{
		id: func(x *Binding) identity {
			return identity{kind: clusterKind("RoleBinding", x.Namespace), namespace: x.Namespace, name: x.Name}
		},
		at: func(x *Binding) pspparse.Position { return x.Position },
		same: func(a, b *Binding) bool {
			return cmp.Or(cmp.Compare(a.RoleKind, b.RoleKind), cmp.Compare(a.RoleName, b.RoleName)) == 0 &&
				equality.Semantic.DeepEqual(a.Subjects, b.Subjects)
		},
	}
}
