package access

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// rbacFindings collects RBAC objects that seem to grant the use of policies and do not. Read access, and other rules that
// have nothing to do with policies, are not findings.
type rbacFindings struct {
	// knownPolicies are the names of the policies that were read, sorted.
	knownPolicies []string
	// all findings but those of missingRoles.
	all []RBACFinding
	// missingRoles are the roles that bindings refer to and that were not read.
	missingRoles map[roleKey]*missingRole
	// bindingsToMissing are the RoleBindings of each namespace that refer to one.
	bindingsToMissing map[string][]string
}

// missingRole is an RBAC role that bindings refer to and that was not read.
type missingRole struct {
	// bindings are their references.
	bindings []string
}

// add adds one finding about an RBAC object that grants less than it seems to, with where it was read.
func (f *rbacFindings) add(what string, at pspparse.Position, why message.Message) {
	f.all = append(f.all, RBACFinding{RBACObject: RBACObject{what, at}, Reason: why})
}

// referencedRole returns the role that a binding refers to; nil, and a finding, if there is none.
func (f *rbacFindings) referencedRole(b *inventory.Binding, roles map[roleKey]*resolvedRole) *resolvedRole {
	key := roleKey{name: b.RoleName}
	switch {
	case b.RoleKind == clusterRoleKind:
	case b.RoleKind == roleKind && b.Namespace != "":
		key.namespace = b.Namespace
	case b.RoleKind == roleKind:
		f.add(bindingReference(b), b.Position, message.New("binding-to-role-across", "role", b.RoleName))
		return nil
	default:
		f.add(bindingReference(b), b.Position, message.New("binding-to-other-kind", "kind", strconv.Quote(b.RoleKind)))
		return nil
	}
	if r := roles[key]; r != nil {
		return r
	}
	if !isBootstrapRole(key) {
		f.addMissingRole(key, bindingReference(b))
		if b.Namespace != "" {
			if f.bindingsToMissing == nil {
				f.bindingsToMissing = map[string][]string{}
			}
			f.bindingsToMissing[b.Namespace] = append(f.bindingsToMissing[b.Namespace], bindingReference(b))
		}
		f.checkSubjects(b)
	}
	return nil
}

// isBootstrapRole reports whether an API server creates an RBAC role itself and the role grants no use of a policy.
func isBootstrapRole(key roleKey) bool {
	return strings.HasPrefix(key.name, "system:") || key.namespace == kubeSystem && key.name == "extension-apiserver-authentication-reader"
}

// addMissingRole records that a binding refers to a role that was not read.
func (f *rbacFindings) addMissingRole(key roleKey, binding string) {
	if f.missingRoles == nil {
		f.missingRoles = map[roleKey]*missingRole{}
	}
	u := f.missingRoles[key]
	if u == nil {
		u = &missingRole{}
		f.missingRoles[key] = u
	}
	u.bindings = append(u.bindings, binding)
}

// checkSubjects adds a finding for each subject of a binding that never matches anyone.
func (f *rbacFindings) checkSubjects(b *inventory.Binding) {
	if len(b.Subjects) == 0 {
		f.add(bindingReference(b), b.Position, message.New("binding-without-subjects"))
	}
	for _, s := range b.Subjects {
		if why := whyNeverMatches(s, b.Namespace); why != "" {
			f.add(bindingReference(b), b.Position, message.New("subject-never-matches", "reason", why))
		}
	}
}

// checkRoles adds a finding for each rule that seems to grant the use of policies and does not.
func (f *rbacFindings) checkRoles(inv *inventory.Inventory, roles map[roleKey]*resolvedRole, overwritten []*resolvedRole) {
	for _, r := range overwritten {
		f.add(r.reference, r.source.Position, message.New("role-rules-overwritten"))
	}
	for i := range inv.Roles {
		r := &inv.Roles[i]
		known := roles[roleKey{r.Namespace, r.Name}]
		if known.awaitsAggregation() && !known.keepsOwnRules {
			continue // its own rules do not count
		}
		label, reach := known.reference, grantedPoliciesOf(r.Rules)
		if known.keepsOwnRules && reach.anyPolicy() {
			f.add(label, r.Position, message.New("role-rules-may-be-overwritten"))
		}
		if isReadOnlyRole(r.Rules) {
			continue
		}
		for j := range r.Rules {
			if why := whyRuleGrantsNoUse(&r.Rules[j], reach.anyPolicy()); why.ID != "" {
				f.add(label, r.Position, why)
			}
		}
		f.addUnknownPolicies(label, r.Position, reach.policies)
	}
}

// isReadOnlyRole reports whether a role only reads, and reads other things beside policies, such as a role for an audit: it
// is not meant to grant the use of anything.
func isReadOnlyRole(rules []rbacv1.PolicyRule) bool {
	more := false
	for i := range rules {
		for _, verb := range rules[i].Verbs {
			if !containsAny([]string{"get", "list", "watch"}, verb) {
				return false
			}
		}
		more = more || slices.ContainsFunc(rules[i].Resources, func(r string) bool { return r != "podsecuritypolicies" })
	}
	return more
}

// whyRuleGrantsNoUse says why an RBAC rule that seems to be about policies does not let anybody use one; "" for other
// rules.
func whyRuleGrantsNoUse(rule *rbacv1.PolicyRule, roleUses bool) message.Message {
	var odd []string
	exact := containsAny(rule.Resources, "podsecuritypolicies")
	for _, resource := range rule.Resources {
		if resemblesPSPResource(resource) {
			odd = append(odd, resource)
		}
	}
	verb := containsAny(rule.Verbs, "use", rbacv1.VerbAll)
	group := containsAny(rule.APIGroups, "policy", "extensions", rbacv1.APIGroupAll)
	switch {
	case exact && !verb && !roleUses:
		return message.New("rule-without-verb-use", "verbs", rule.Verbs)
	case exact && verb && !group:
		return message.New("rule-in-wrong-group", "groups", rule.APIGroups)
	case verb && group && len(odd) > 0 && !exact && !containsAny(rule.Resources, rbacv1.ResourceAll):
		return message.New("rule-of-wrong-resource", "resources", odd)
	default:
		return message.Message{}
	}
}

// resemblesPSPResource reports whether a resource of an RBAC rule was probably meant as podsecuritypolicies.
func resemblesPSPResource(name string) bool {
	if name == "podsecuritypolicies" {
		return false
	}
	lower := strings.ToLower(name)
	switch lower {
	case "*/*", "podsecuritypolicies", "podsecuritypolicy":
		return true
	}
	return strings.HasPrefix(lower, "podsecuritypolicies/")
}

// addUnknownPolicies adds one finding for the policies that a role names and that were not read.
func (f *rbacFindings) addUnknownPolicies(label string, at pspparse.Position, named []string) {
	var missing []string
	for _, name := range named {
		if _, found := slices.BinarySearch(f.knownPolicies, name); found {
			continue
		}
		if name == "*" {
			f.add(label, at, message.New("rule-with-star-name"))
			continue
		}
		missing = append(missing, name)
	}
	if len(missing) > 0 {
		f.add(label, at, message.New("role-names-unread-policies", "policies", missing))
	}
}

// sorted returns every finding about RBAC objects, sorted. The same reason of more than three objects becomes one
// finding with all of them.
func (f *rbacFindings) sorted() []RBACFinding {
	for key, u := range f.missingRoles {
		f.add(key.reference(), pspparse.Position{}, u.reason())
	}
	slices.SortFunc(f.all, func(a, b RBACFinding) int {
		return cmp.Or(message.Compare(a.Reason, b.Reason), cmp.Compare(a.Object, b.Object))
	})
	same := func(a, b RBACFinding) bool { return message.Compare(a.Reason, b.Reason) == 0 }
	f.all = slices.CompactFunc(f.all, func(a, b RBACFinding) bool { return same(a, b) && a.Object == b.Object })
	var out []RBACFinding
	for rest := f.all; len(rest) > 0; {
		n := 1
		for n < len(rest) && same(rest[n], rest[0]) {
			n++
		}
		if n > 3 {
			one := rest[0]
			for _, other := range rest[1:n] {
				one.Others = append(one.Others, other.RBACObject)
			}
			out = append(out, one)
		} else {
			out = append(out, rest[:n]...)
		}
		rest = rest[n:]
	}
	slices.SortFunc(out, func(a, b RBACFinding) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), message.Compare(a.Reason, b.Reason))
	})
	return out
}

// missingRoleLabels returns the references of the RBAC roles that bindings name and that were not read.
func (f *rbacFindings) missingRoleLabels() map[string]bool {
	out := make(map[string]bool, len(f.missingRoles))
	for key := range f.missingRoles {
		out[key.reference()] = true
	}
	return out
}

// reason returns the sentence about an RBAC role that bindings refer to and that was not read.
func (u *missingRole) reason() message.Message {
	return message.New("role-unread", "bindings", slices.Sorted(slices.Values(u.bindings)))
}
