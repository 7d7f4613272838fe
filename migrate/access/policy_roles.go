package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// PolicyRole is a role whose rules speak of podsecuritypolicies by name and let use them: what is left over once there are
// none. Rules that allow everything are no such rules.
type PolicyRole struct {
	// Namespace is empty for a ClusterRole.
	Namespace, Name string
	// Policies that the rules name, sorted; Every is true where one names none and so means all.
	Policies    []string
	EveryPolicy bool
	// OnlyPolicies is true where the role is about policies and nothing else.
	OnlyPolicies bool
	// RemovalPatch is the JSON patch that takes the policies out of a role that is about other things too; empty if Only.
	RemovalPatch string
	// Bindings that grant the role, sorted.
	Bindings []BindingRef
}

// BindingRef names a RoleBinding, or with an empty Namespace a ClusterRoleBinding.
type BindingRef struct{ Namespace, Name string }

const podSecurityPolicies = "podsecuritypolicies"

// PolicyRoles lists the roles with rules that are left over. Roles of the API server itself are none, nor is an aggregated
// role that has its rules from another one, which is listed instead.
func PolicyRoles(inv *inventory.Inventory) []PolicyRole {
	bound := bindingsByRole(inv)
	var out []PolicyRole
	for i := range inv.Roles {
		r := &inv.Roles[i]
		if r.Labels[bootstrappingLabel] != "" || !slices.ContainsFunc(r.Rules, grantsNamedUse) || hasAggregatedUse(inv, r) {
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

const bootstrappingLabel = "kubernetes.io/bootstrapping"

func isOtherResource(resource string) bool { return resource != podSecurityPolicies }

// grantsNamedUse is true for a rule that lets use policies and says so.
func grantsNamedUse(rule rbacv1.PolicyRule) bool {
	return ruleAllowsPolicyUse(&rule) && slices.Contains(rule.Resources, podSecurityPolicies)
}

// hasAggregatedUse is true for an aggregated role whose rules on policies are another's, or will be overwritten.
func hasAggregatedUse(inv *inventory.Inventory, r *inventory.Role) bool {
	if r.Aggregation == nil || r.Namespace != "" {
		return false
	}
	if !r.Stored {
		return true
	}
	return slices.ContainsFunc(aggregationMembers(inv, r), func(s *inventory.Role) bool { return slices.ContainsFunc(s.Rules, grantsNamedUse) })
}

// aggregationMembers are the ClusterRoles, but itself, that an aggregated one takes its rules from.
func aggregationMembers(inv *inventory.Inventory, r *inventory.Role) []*inventory.Role {
	selectors, err := compileSelectors(r.Aggregation.ClusterRoleSelectors)
	if err != nil {
		return nil // no server holds such a role
	}
	var out []*inventory.Role
	for i := range inv.Roles {
		s := &inv.Roles[i]
		if s.Namespace == "" && s.Name != r.Name && anySelectorMatches(selectors, s.Labels) {
			out = append(out, s)
		}
	}
	return out
}

// policyRemovalPatch is the patch: the last place first, so that none moves before it is patched. Each removal is tested
// first, so that a role that was changed since is refused.
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

func bindingsByRole(inv *inventory.Inventory) map[roleKey][]BindingRef {
	out := map[roleKey][]BindingRef{}
	for i := range inv.Bindings {
		if key, ok := boundRole(&inv.Bindings[i]); ok {
			out[key] = append(out[key], BindingRef{inv.Bindings[i].Namespace, inv.Bindings[i].Name})
		}
	}
	for _, refs := range out {
		slices.SortFunc(refs, func(a, b BindingRef) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
	}
	return out
}

// boundRole is the role that a binding grants; none where it can grant nothing.
func boundRole(b *inventory.Binding) (roleKey, bool) {
	switch {
	case b.RoleKind == clusterRoleKind:
		return roleKey{name: b.RoleName}, true
	case b.RoleKind == roleKind && b.Namespace != "":
		return roleKey{b.Namespace, b.RoleName}, true
	}
	return roleKey{}, false
}
