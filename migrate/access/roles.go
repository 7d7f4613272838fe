package access

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// roleKey is the key of a Role, or with an empty namespace of a ClusterRole.
type roleKey struct{ namespace, name string }

// reference returns how access findings name an RBAC role: "ClusterRole NAME" or "Role NAMESPACE/NAME".
func (k roleKey) reference() string {
	if k.namespace == "" {
		return "ClusterRole " + k.name
	}
	return "Role " + k.namespace + "/" + k.name
}

// resolvedRole is one Role or ClusterRole with what it grants, aggregation included.
type resolvedRole struct {
	key       roleKey
	reference string
	granted   grantedPolicies
	// source is the role as it was read, or the built-in one.
	source  *inventory.Role
	builtIn bool
	// representative is one of the roles that share the names of their policies, itself or another, and number differs for
	// each of those. What a role means for policies is kept once, for its representative.
	representative *resolvedRole
	number         uint64
	// bound is true where a binding refers to it.
	bound bool
	// keepsOwnRules: it is aggregated, and the rules written in it hold all the same.
	keepsOwnRules bool
}

// awaitsAggregation reports whether a controller of the cluster has yet to write the rules of this aggregated
// ClusterRole. A Role has no aggregationRule, whatever its file says.
func (r *resolvedRole) awaitsAggregation() bool {
	return r.key.namespace == "" && r.source.Aggregation != nil && !r.source.Stored
}

// hasRules reports whether the RBAC role as it was read has any rules.
func (r *resolvedRole) hasRules() bool { return len(r.source.Rules) > 0 || r.source.OtherRules }

// resolveRoles returns every RBAC role that was read, and the built-in roles that were not.
func resolveRoles(inv *inventory.Inventory) map[roleKey]*resolvedRole {
	roles := make(map[roleKey]*resolvedRole, len(inv.Roles))
	add := func(source *inventory.Role, builtIn bool) {
		key := roleKey{source.Namespace, source.Name}
		if _, found := roles[key]; !found {
			roles[key] = &resolvedRole{key: key, builtIn: builtIn, reference: key.reference(), source: source, granted: grantedPoliciesOf(source.Rules)}
		}
	}
	for i := range inv.Roles {
		add(&inv.Roles[i], false)
	}
	for _, known := range bootstrapRoles() {
		add(&known, true)
	}
	return roles
}

// bootstrapRoles returns the ClusterRoles that every API server creates and that can matter: manifests bind to them,
// and aggregate into them, without bringing them along. No other bootstrap role names PodSecurityPolicies. Those that
// create pods for the control plane are left out, since admission asks about the controllers by name. All have the
// label by which a selector takes them in, or leaves them out.
func bootstrapRoles() []inventory.Role {
	const aggregate = "rbac.authorization.k8s.io/aggregate-to-"
	selecting := func(name string) *rbacv1.AggregationRule {
		return &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{
			{MatchLabels: map[string]string{aggregate + name: "true"}},
		}}
	}
	into := func(name string) map[string]string { return map[string]string{aggregate + name: "true"} }
	roles := []inventory.Role{
		{Name: "cluster-admin", Rules: []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}},
		{Name: "admin", Aggregation: selecting("admin")},
		{Name: "edit", Labels: into("admin"), Aggregation: selecting("edit")},
		{Name: "view", Labels: into("edit"), Aggregation: selecting("view")},
		{Name: "system:aggregate-to-view", Labels: into("view"), OtherRules: true},
		{
			Name: "system:aggregate-to-edit", Labels: into("edit"),
			Rules: []rbacv1.PolicyRule{{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods"}}},
		},
	}
	for i := range roles {
		if roles[i].Labels == nil {
			roles[i].Labels = map[string]string{}
		}
		roles[i].Labels[bootstrappingLabel] = "rbac-defaults"
	}
	return roles
}
