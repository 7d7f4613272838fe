package access

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// grantedPolicies is what the rules of one role come to, as far as policies and pods go. RBAC is additive, so the rules
// themselves need not be kept.
type grantedPolicies struct {
	everyPolicy bool     // may use every policy: a rule without resourceNames
	policies    []string // may use these, whether they were read or not; sorted, unique
	createPods  bool     // may create pods
}

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

// sortPolicies puts the names in order; who may use every policy needs none.
func (r *grantedPolicies) sortPolicies() {
	if r.everyPolicy {
		r.policies = nil
		return
	}
	slices.Sort(r.policies)
	r.policies = slices.Compact(r.policies)
}

// ruleAllowsPolicyUse leaves resourceNames out. Admission asks in the API group policy, then in extensions, and takes either; it
// asks for the plain resource, so that neither "*/*" nor a subresource can match.
func ruleAllowsPolicyUse(rule *rbacv1.PolicyRule) bool {
	return containsAny(rule.Verbs, "use", rbacv1.VerbAll) &&
		containsAny(rule.APIGroups, "policy", "extensions", rbacv1.APIGroupAll) &&
		containsAny(rule.Resources, "podsecuritypolicies", rbacv1.ResourceAll)
}

// ruleAllowsPodCreation: a create request carries no name that a rule could name, so a rule with resourceNames does not
// allow it.
func ruleAllowsPodCreation(rule *rbacv1.PolicyRule) bool {
	return containsAny(rule.Verbs, "create", rbacv1.VerbAll) &&
		containsAny(rule.APIGroups, "", rbacv1.APIGroupAll) &&
		containsAny(rule.Resources, "pods", rbacv1.ResourceAll) &&
		(len(rule.ResourceNames) == 0 || containsAny(rule.ResourceNames, ""))
}

// containsAny is true if any of the wanted is in the list.
func containsAny(list []string, wanted ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(wanted, s) })
}

func (r *grantedPolicies) anyPolicy() bool { return r.everyPolicy || len(r.policies) > 0 }

// covers is true if o allows nothing that r does not.
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

// dropUnknownPolicies drops from what roles come to the names of policies that were not read. Known is sorted. Roles that shared their
// names still do, and are told to be like each other.
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
