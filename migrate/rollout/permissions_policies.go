package rollout

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// policySetPermissions returns the permissions that the steps of the stage policies and their rollback need: on the objects of the set by
// name, and to create a pod, of which only dry runs are sent, where it is asked whether a policy is in force.
func policySetPermissions(steps []Step) []Permission {
	var out []Permission
	add := func(p Permission) {
		if !slices.ContainsFunc(out, func(o Permission) bool { return o.key() == p.key() && slices.Equal(o.Namespaces, p.Namespaces) }) {
			out = append(out, p)
		}
	}
	for i := range steps {
		o := steps[i].Policy
		if o == nil {
			continue
		}
		r := o.Resource()
		add(Permission{Verb: "create", Group: r.Group, Resource: r.Resource}) // the server does not know the name of a new object when it decides
		for _, verb := range []string{"get", "update", "delete"} {
			add(Permission{Verb: verb, Group: r.Group, Resource: r.Resource, Name: o.Name})
		}
		switch {
		case o.Kind == validatingPolicyKind && !o.MayDeny: // whether what it changes refuses already
			add(Permission{Verb: "get", Group: r.Group, Resource: "validatingadmissionpolicybindings", Name: o.Name})
		case o.Kind == clusterRoleKind: // RBAC lets nobody grant what he does not have
			add(Permission{Verb: looseningVerb, Group: looseningGroup, Resource: looseningResource, alternatives: []Permission{
				{Verb: "escalate", Group: rbacGroup, Resource: r.Resource},
			}})
		}
		if o.Probe != nil && len(o.Probe.Namespaces) > 0 {
			add(Permission{Verb: "create", Resource: "pods", Namespaces: o.Probe.Namespaces, perNamespace: true})
		}
	}
	return out
}

// NamespaceRules are rules of RBAC for one namespace.
type NamespaceRules struct {
	Namespace string
	Rules     []rbacv1.PolicyRule
}

// PolicyRBACRules returns the permissions that the steps of the stage policies and their rollback need as rules of RBAC: those for the
// cluster, and those for single namespaces, among them that of the lock.
func PolicyRBACRules(steps []Step) (everywhere []rbacv1.PolicyRule, in []NamespaceRules) {
	// A roll-out tells one cluster from another by this namespace.
	global := []Permission{{Verb: "get", Resource: "namespaces", Name: lockNamespace}}
	local := map[string][]Permission{lockNamespace: lockPermissions()}
	names := []string{lockNamespace}
	for _, p := range policySetPermissions(steps) {
		if len(p.Namespaces) == 0 {
			global = append(global, p)
			continue
		}
		for _, ns := range p.Namespaces {
			if !slices.Contains(names, ns) {
				names = append(names, ns)
			}
			local[ns] = append(local[ns], p)
		}
	}
	slices.Sort(names[1:])
	for _, ns := range names {
		in = append(in, NamespaceRules{ns, policyRules(local[ns])})
	}
	return joinNames(policyRules(global)), in
}

// joinNames joins rules that differ in the names of their objects alone.
func joinNames(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for _, rule := range rules {
		i := slices.IndexFunc(out, func(o rbacv1.PolicyRule) bool {
			return len(rule.ResourceNames) > 0 && len(o.ResourceNames) > 0 && slices.Equal(o.APIGroups, rule.APIGroups) && slices.Equal(o.Resources, rule.Resources) && slices.Equal(o.Verbs, rule.Verbs)
		})
		if i < 0 {
			out = append(out, rule)
		} else {
			out[i].ResourceNames = append(out[i].ResourceNames, rule.ResourceNames...)
		}
	}
	return out
}
