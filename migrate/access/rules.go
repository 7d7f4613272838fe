package access

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// reach is what the rules of one role come to, as far as policies and pods go. RBAC is additive, so the rules
// themselves need not be kept.
type reach struct {
	every bool     // may use every policy: a rule without resourceNames
	named []string // may use these, whether they were read or not; sorted, unique
	pods  bool     // may create pods
}

func reachOf(rules []rbacv1.PolicyRule) reach {
	var r reach
	for i := range rules {
		rule := &rules[i]
		r.pods = r.pods || allowsPodCreation(rule)
		if !allowsUse(rule) {
			continue
		}
		if len(rule.ResourceNames) == 0 {
			r.every = true
		}
		r.named = append(r.named, rule.ResourceNames...)
	}
	r.settle()
	return r
}

// settle puts the names in order; who may use every policy needs none.
func (r *reach) settle() {
	if r.every {
		r.named = nil
		return
	}
	slices.Sort(r.named)
	r.named = slices.Compact(r.named)
}

// allowsUse leaves resourceNames out. Admission asks in the API group policy, then in extensions, and takes either; it
// asks for the plain resource, so that neither "*/*" nor a subresource can match.
func allowsUse(rule *rbacv1.PolicyRule) bool {
	return contains(rule.Verbs, "use", rbacv1.VerbAll) &&
		contains(rule.APIGroups, "policy", "extensions", rbacv1.APIGroupAll) &&
		contains(rule.Resources, "podsecuritypolicies", rbacv1.ResourceAll)
}

// allowsPodCreation: a create request carries no name that a rule could name, so a rule with resourceNames does not
// allow it.
func allowsPodCreation(rule *rbacv1.PolicyRule) bool {
	return contains(rule.Verbs, "create", rbacv1.VerbAll) &&
		contains(rule.APIGroups, "", rbacv1.APIGroupAll) &&
		contains(rule.Resources, "pods", rbacv1.ResourceAll) &&
		(len(rule.ResourceNames) == 0 || contains(rule.ResourceNames, ""))
}

// contains is true if any of the wanted is in the list.
func contains(list []string, wanted ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(wanted, s) })
}

func (r *reach) uses() bool { return r.every || len(r.named) > 0 }

// covers is true if o allows nothing that r does not.
func (r *reach) covers(o reach) bool {
	if o.every && !r.every || o.pods && !r.pods {
		return false
	}
	if r.every {
		return true
	}
	for _, name := range o.named {
		if _, found := slices.BinarySearch(r.named, name); !found {
			return false
		}
	}
	return true
}

// narrow drops from what roles come to the names of policies that were not read. Known is sorted. Roles that shared their
// names still do, and are told to be like each other.
func narrow(roles map[roleKey]*role, known []string) {
	sharing := map[*string]*role{}
	number := uint64(0)
	for _, r := range roles {
		r.like, r.number = r, number
		number++
		if len(r.reach.named) == 0 {
			continue
		}
		first := &r.reach.named[0]
		if like := sharing[first]; like != nil {
			r.like, r.reach.named = like, like.reach.named
			continue
		}
		sharing[first] = r
		r.reach.named = slices.DeleteFunc(slices.Clone(r.reach.named), func(name string) bool {
			_, found := slices.BinarySearch(known, name)
			return !found
		})
	}
}
