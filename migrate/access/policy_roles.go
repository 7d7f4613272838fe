package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// GrantingRole is an RBAC role whose rules let somebody use PodSecurityPolicies.
type GrantingRole struct {
	// Source is the role as it was read. Callers must not change it.
	Source *inventory.Role
	// Policies that it lets use, sorted, aggregation included, of those that were read; none where EveryPolicy is true.
	Policies    []string
	EveryPolicy bool
	// Aggregated is true where another ClusterRole lends it its rules on policies, or a controller will overwrite them.
	Aggregated bool
	// BuiltIn is true for a role of the API server itself, NotRead for one that the inventory does not have.
	BuiltIn, NotRead bool
}

// grantingRoles returns the RBAC roles that let somebody use policies, for Grants.GrantingRoles.
func grantingRoles(inv *inventory.Inventory, roles map[roleKey]*resolvedRole) []GrantingRole {
	read := make(map[*inventory.Role]bool, len(inv.Roles))
	for i := range inv.Roles {
		read[&inv.Roles[i]] = true
	}
	members := newRoleMembers(inv.Roles)
	var out []GrantingRole
	for _, r := range roles {
		named := slices.ContainsFunc(r.source.Rules, grantsNamedUse)
		if !named && !(r.bound && r.granted.anyPolicy()) {
			continue
		}
		out = append(out, GrantingRole{
			Source: r.source, Policies: r.granted.policies, EveryPolicy: r.granted.everyPolicy,
			Aggregated: members.hasAggregatedUse(r.source), BuiltIn: r.source.Labels[bootstrappingLabel] != "", NotRead: !read[r.source],
		})
	}
	slices.SortFunc(out, func(a, b GrantingRole) int {
		return cmp.Or(cmp.Compare(a.Source.Namespace, b.Source.Namespace), cmp.Compare(a.Source.Name, b.Source.Name))
	})
	return out
}

// LeftoverRole is an RBAC role whose rules speak of podsecuritypolicies by name and let use them: what is left over
// once there are none. Rules that allow everything are no such rules.
type LeftoverRole struct {
	// Policies that the rules name, sorted; EveryPolicy is true where one names none and so means all.
	Policies    []string
	EveryPolicy bool
	// OnlyPolicies is true where the role is about policies and nothing else.
	OnlyPolicies bool
	// RemovalPatch is the JSON patch that takes the policies out of a role that is about other things too; empty if
	// OnlyPolicies.
	RemovalPatch string
}

const podSecurityPolicies = "podsecuritypolicies"

// LeftoverRoleOf returns what the rules of an RBAC role say of podsecuritypolicies by name; false if they say nothing.
func LeftoverRoleOf(r *inventory.Role) (out LeftoverRole, ok bool) {
	if !slices.ContainsFunc(r.Rules, grantsNamedUse) {
		return LeftoverRole{}, false
	}
	out.OnlyPolicies = !r.OtherRules
	for i := range r.Rules {
		rule := &r.Rules[i]
		out.OnlyPolicies = out.OnlyPolicies && !slices.ContainsFunc(rule.Resources, isOtherResource)
		if grantsNamedUse(*rule) {
			out.EveryPolicy = out.EveryPolicy || len(rule.ResourceNames) == 0
			out.Policies = append(out.Policies, rule.ResourceNames...)
		}
	}
	slices.Sort(out.Policies)
	out.Policies = slices.Compact(out.Policies)
	if !out.OnlyPolicies {
		out.RemovalPatch = policyRemovalPatch(r)
	}
	return out, true
}

// bootstrappingLabel is the label of the RBAC objects that an API server creates.
const bootstrappingLabel = "kubernetes.io/bootstrapping"

// isOtherResource reports whether a resource of an RBAC rule is not podsecuritypolicies.
func isOtherResource(resource string) bool { return resource != podSecurityPolicies }

// grantsNamedUse reports whether an RBAC rule lets use policies and names podsecuritypolicies.
func grantsNamedUse(rule rbacv1.PolicyRule) bool {
	return ruleAllowsPolicyUse(&rule) && slices.Contains(rule.Resources, podSecurityPolicies)
}

// hasAggregatedUse reports whether an aggregated role has its rules on policies from another role, or will lose them to
// aggregation.
func (m *roleMembers) hasAggregatedUse(r *inventory.Role) bool {
	if r.Aggregation == nil || r.Namespace != "" {
		return false
	}
	if !r.Stored {
		return true
	}
	members, _ := m.of(r)
	return slices.ContainsFunc(members, func(s *inventory.Role) bool { return s != r && slices.ContainsFunc(s.Rules, grantsNamedUse) })
}

// policyRemovalPatch returns the JSON patch that removes the rules about policies from an RBAC role. It begins with the
// last rule, so that no rule moves before it is patched. Each removal is tested first, so that a role that was changed
// since is refused.
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

// RoleReference names the role that a binding grants: "ClusterRole psp:restricted", "Role web/psp"; "" where it can grant
// nothing.
func RoleReference(b *inventory.Binding) string {
	key, ok := boundRole(b)
	if !ok {
		return ""
	}
	return key.reference()
}

// SubjectsOf returns the subjects of an RBAC binding that can match somebody, sorted, each once.
func SubjectsOf(b *inventory.Binding) []Subject {
	var out []Subject
	for _, s := range b.Subjects {
		if subject, _, ok := resolveSubject(s, b.Namespace); ok {
			out = append(out, subject)
		}
	}
	slices.SortFunc(out, compareSubjects)
	return slices.Compact(out)
}

// boundRole returns the RBAC role that a binding refers to; ok is false where it can grant nothing.
func boundRole(b *inventory.Binding) (roleKey, bool) {
	switch {
	case b.RoleKind == clusterRoleKind:
		return roleKey{name: b.RoleName}, true
	case b.RoleKind == roleKind && b.Namespace != "":
		return roleKey{b.Namespace, b.RoleName}, true
	}
	return roleKey{}, false
}
