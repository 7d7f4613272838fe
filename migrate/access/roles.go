package access

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// roleKey names a Role, or with an empty namespace a ClusterRole.
type roleKey struct{ namespace, name string }

func (k roleKey) reference() string {
	if k.namespace == "" {
		return "ClusterRole " + k.name
	}
	return "Role " + k.namespace + "/" + k.name
}

// resolvedRole is one role with what it comes to, aggregation included.
type resolvedRole struct {
	key       roleKey
	reference string
	granted   grantedPolicies
	// source is what was read, or the text known by heart.
	source *inventory.Role
	// representative is one of the roles that share its names, itself or another, and number differs for each of those. What a role
	// says of policies is kept once for all roles that are like it.
	representative *resolvedRole
	number         uint64
	// bound is true where a binding refers to it.
	bound bool
	// keepsOwnRules: it is aggregated, and the rules written in it hold all the same.
	keepsOwnRules bool
}

// awaitsAggregation is true if a controller would still write its rules. A Role has no aggregationRule, whatever its file says.
func (r *resolvedRole) awaitsAggregation() bool {
	return r.key.namespace == "" && r.source.Aggregation != nil && !r.source.Stored
}

func (r *resolvedRole) hasRules() bool { return len(r.source.Rules) > 0 || r.source.OtherRules }

// resolveRoles reduces every role; roles that every API server makes are added where the input does not have them.
func resolveRoles(inv *inventory.Inventory) map[roleKey]*resolvedRole {
	roles := make(map[roleKey]*resolvedRole, len(inv.Roles))
	add := func(source *inventory.Role) {
		key := roleKey{source.Namespace, source.Name}
		if _, found := roles[key]; !found {
			roles[key] = &resolvedRole{key: key, reference: key.reference(), source: source, granted: grantedPoliciesOf(source.Rules)}
		}
	}
	for i := range inv.Roles {
		add(&inv.Roles[i])
	}
	for _, known := range bootstrapRoles() {
		add(&known)
	}
	return roles
}

// bootstrapRoles are the ClusterRoles of every API server that can matter: manifests bind to them, and aggregate into
// them, without bringing them along. No other bootstrap role mentions PodSecurityPolicies. Those that create pods on
// behalf of the control plane are left out, since admission asks about the controllers by name. All carry the label by
// which a selector takes them in, or leaves them out.
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
