package access

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// grantedPolicies is what the rules of one role grant, as far as policies and the creation of pods go. RBAC is additive, so
// the rules themselves need not be kept.
type grantedPolicies struct {
	// everyPolicy is true if a rule names no policy: every one may be used.
	everyPolicy bool
	// policies that may be used, also those that were not read; sorted, each once.
	policies []string
	// createPods is true if pods may be created.
	createPods bool
}

// grantedPoliciesOf returns what RBAC rules grant.
func grantedPoliciesOf(rules []rbacv1.PolicyRule) grantedPolicies {
	var r grantedPolicies
	for i := range rules {
		rule := &rules[i]
		r.createPods = r.createPods || ruleAllowsPodCreation(rule)
		if !ruleAllowsPolicyUse(rule) {
			continue
		}
		if len(rule.ResourceNames) == 0 {
			r.everyPolicy = true
		}
		r.policies = append(r.policies, rule.ResourceNames...)
	}
	r.sortPolicies()
	return r
}

// sortPolicies sorts the names of the policies that an RBAC role grants. Who may use every policy needs no names.
func (r *grantedPolicies) sortPolicies() {
	if r.everyPolicy {
		r.policies = nil
		return
	}
	slices.Sort(r.policies)
	r.policies = slices.Compact(r.policies)
}

// ruleAllowsPolicyUse reports whether an RBAC rule lets use policies, whatever its resourceNames. PSP admission asks in the
// API group policy, then in extensions, and takes either. It asks for the plain resource, so that neither "*/*" nor a
// subresource can match.
func ruleAllowsPolicyUse(rule *rbacv1.PolicyRule) bool {
	return containsAny(rule.Verbs, "use", rbacv1.VerbAll) &&
		containsAny(rule.APIGroups, "policy", "extensions", rbacv1.APIGroupAll) &&
		containsAny(rule.Resources, "podsecuritypolicies", rbacv1.ResourceAll)
}

// ruleAllowsPodCreation reports whether an RBAC rule lets create pods. A create request has no name that a rule could name,
// so a rule with resourceNames does not allow it.
func ruleAllowsPodCreation(rule *rbacv1.PolicyRule) bool {
	return containsAny(rule.Verbs, "create", rbacv1.VerbAll) &&
		containsAny(rule.APIGroups, "", rbacv1.APIGroupAll) &&
		containsAny(rule.Resources, "pods", rbacv1.ResourceAll) &&
		(len(rule.ResourceNames) == 0 || containsAny(rule.ResourceNames, ""))
}

// containsAny reports whether a list of an RBAC rule has one of the wanted entries.
func containsAny(list []string, wanted ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(wanted, s) })
}

// anyPolicy reports whether the RBAC rules of a role let use any policy.
func (r *grantedPolicies) anyPolicy() bool { return r.everyPolicy || len(r.policies) > 0 }

// covers reports whether one RBAC role grants all that another one, o, grants.
func (r *grantedPolicies) covers(o grantedPolicies) bool {
	if o.everyPolicy && !r.everyPolicy || o.createPods && !r.createPods {
		return false
	}
	if r.everyPolicy {
		return true
	}
	for _, name := range o.policies {
		if _, found := slices.BinarySearch(r.policies, name); !found {
			return false
		}
	}
	return true
}

// dropUnknownPolicies removes the names of policies that were not read from what RBAC roles grant; known is sorted.
// Roles that share their names go on sharing them, and get a common representative.
func dropUnknownPolicies(roles map[roleKey]*resolvedRole, known []string) {
	sharing := map[*string]*resolvedRole{}
	number := uint64(0)
	for _, r := range roles {
		r.representative, r.number = r, number
		number++
		if len(r.granted.policies) == 0 {
			continue
		}
		first := &r.granted.policies[0]
		if like := sharing[first]; like != nil {
			r.representative, r.granted.policies = like, like.granted.policies
			continue
		}
		sharing[first] = r
		r.granted.policies = slices.DeleteFunc(slices.Clone(r.granted.policies), func(name string) bool {
			_, found := slices.BinarySearch(known, name)
			return !found
		})
	}
}
