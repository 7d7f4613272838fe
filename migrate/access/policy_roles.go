package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// PolicyRole is a role whose rules name podsecuritypolicies and let use them: what is left over once there are no policies.
// A rule that allows everything is not one.
type PolicyRole struct {
	// Namespace is empty for a ClusterRole.
	Namespace, Name string
	// Policies that the rules name, sorted. EveryPolicy is true where a rule names none and so means all.
	Policies    []string
	EveryPolicy bool
	// OnlyPolicies is true where the role is about policies and nothing else.
	OnlyPolicies bool
	// RemovalPatch is the JSON patch that removes the policies from a role that is about other things too; empty if
	// OnlyPolicies.
	RemovalPatch string
	// Bindings to the role, sorted.
	Bindings []BindingRef
}

// BindingRef names a RoleBinding, or with an empty Namespace a ClusterRoleBinding.
type BindingRef struct{ Namespace, Name string }

const podSecurityPolicies = "podsecuritypolicies"

// PolicyRoles returns the roles with rules that are left over once there are no policies, by namespace and name, with the
// bindings to them. Roles of the API server itself are left out, and so is an aggregated role that has such rules from
// another one, which is listed instead.
func PolicyRoles(roles []inventory.Role, bindings []inventory.Binding) []PolicyRole {
	bound := bindingsByRole(bindings)
	var out []PolicyRole
	for i := range roles {
		r := &roles[i]
		if r.Labels[bootstrappingLabel] != "" || !slices.ContainsFunc(r.Rules, grantsNamedUse) || hasAggregatedUse(roles, r) {
			continue
		}
		p := PolicyRole{Namespace: r.Namespace, Name: r.Name, OnlyPolicies: !r.OtherRules, Bindings: bound[roleKey{r.Namespace, r.Name}]}
		for j := range r.Rules {
			rule := &r.Rules[j]
			p.OnlyPolicies = p.OnlyPolicies && !slices.ContainsFunc(rule.Resources, isOtherResource)
			if grantsNamedUse(*rule) {
				p.EveryPolicy = p.EveryPolicy || len(rule.ResourceNames) == 0
				p.Policies = append(p.Policies, rule.ResourceNames...)
			}
		}
		slices.Sort(p.Policies)
		p.Policies = slices.Compact(p.Policies)
		if !p.OnlyPolicies {
			p.RemovalPatch = policyRemovalPatch(r)
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b PolicyRole) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// bootstrappingLabel is the label of the RBAC objects that an API server creates.
const bootstrappingLabel = "kubernetes.io/bootstrapping"

// isOtherResource reports whether a resource is not podsecuritypolicies.
func isOtherResource(resource string) bool { return resource != podSecurityPolicies }

// grantsNamedUse reports whether an RBAC rule lets use policies and names podsecuritypolicies.
func grantsNamedUse(rule rbacv1.PolicyRule) bool {
	return ruleAllowsPolicyUse(&rule) && slices.Contains(rule.Resources, podSecurityPolicies)
}

// hasAggregatedUse reports whether an aggregated role has its rules on policies from another role, or will lose them to
// aggregation.
func hasAggregatedUse(roles []inventory.Role, r *inventory.Role) bool {
	if r.Aggregation == nil || r.Namespace != "" {
		return false
	}
	if !r.Stored {
		return true
	}
	return slices.ContainsFunc(aggregationMembers(roles, r), func(s *inventory.Role) bool { return slices.ContainsFunc(s.Rules, grantsNamedUse) })
}

// aggregationMembers returns the ClusterRoles, without itself, that an aggregated one takes its rules from.
func aggregationMembers(roles []inventory.Role, r *inventory.Role) []*inventory.Role {
	selectors, err := compileSelectors(r.Aggregation.ClusterRoleSelectors)
	if err != nil {
		return nil // no server holds such a role
	}
	var out []*inventory.Role
	for i := range roles {
		s := &roles[i]
		if s.Namespace == "" && s.Name != r.Name && anySelectorMatches(selectors, s.Labels) {
			out = append(out, s)
		}
	}
	return out
}

// policyRemovalPatch returns the JSON patch that removes the policies from a role. It begins with the last rule, so that no
// rule moves before it is patched. Each removal is tested first, so that a role that was changed since is refused.
func policyRemovalPatch(r *inventory.Role) string {
	type op struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value,omitempty"`
	}
	var ops []op
	for i := len(r.Rules) - 1; i >= 0; i-- {
		rule := &r.Rules[i]
		if !grantsNamedUse(*rule) {
			continue
		}
		place := i
		if r.RuleIndexes != nil {
			place = r.RuleIndexes[i]
		}
		path := fmt.Sprintf("/rules/%d", place)
		ops = append(ops, op{Op: "test", Path: path + "/resources", Value: rule.Resources})
		if !slices.ContainsFunc(rule.Resources, isOtherResource) {
			ops = append(ops, op{Op: "remove", Path: path})
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(rule.Resources), func(s string) bool { return s == podSecurityPolicies })
		ops = append(ops, op{Op: "replace", Path: path + "/resources", Value: kept})
	}
	text, _ := json.Marshal(ops) // strings always marshal
	return string(text)
}

// bindingsByRole returns the bindings to each role, sorted.
func bindingsByRole(bindings []inventory.Binding) map[roleKey][]BindingRef {
	out := map[roleKey][]BindingRef{}
	for i := range bindings {
		if key, ok := boundRole(&bindings[i]); ok {
			out[key] = append(out[key], BindingRef{bindings[i].Namespace, bindings[i].Name})
		}
	}
	for _, refs := range out {
		slices.SortFunc(refs, func(a, b BindingRef) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
	}
	return out
}

// boundRole returns the role that a binding refers to; ok is false where it can grant nothing.
func boundRole(b *inventory.Binding) (roleKey, bool) {
	switch {
	case b.RoleKind == clusterRoleKind:
		return roleKey{name: b.RoleName}, true
	case b.RoleKind == roleKind && b.Namespace != "":
		return roleKey{b.Namespace, b.RoleName}, true
	}
	return roleKey{}, false
}
