package access

import (
	"encoding/json"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// roleMembers finds the ClusterRoles that an aggregated ClusterRole takes its rules from. Equal selectors are matched
// once, and where they ask for a label only the roles that have it are looked at.
type roleMembers struct {
	cluster []*inventory.Role
	byLabel map[[2]string][]*inventory.Role
	known   map[string][]*inventory.Role // by the selectors
}

// newRoleMembers indexes the ClusterRoles among the roles by their labels.
func newRoleMembers(roles []inventory.Role) *roleMembers {
	m := &roleMembers{byLabel: map[[2]string][]*inventory.Role{}, known: map[string][]*inventory.Role{}}
	for i := range roles {
		r := &roles[i]
		if r.Namespace != "" {
			continue
		}
		m.cluster = append(m.cluster, r)
		for key, value := range r.Labels {
			m.byLabel[[2]string{key, value}] = append(m.byLabel[[2]string{key, value}], r)
		}
	}
	return m
}

// of returns the ClusterRoles that match the selectors of an aggregated ClusterRole, which may be among them, and a
// text that is the same for equal selectors. No server holds a role with selectors that are not valid: it has no
// members.
func (m *roleMembers) of(r *inventory.Role) (members []*inventory.Role, selectors string) {
	text, _ := json.Marshal(r.Aggregation.ClusterRoleSelectors) // strings always marshal
	selectors = string(text)
	members, known := m.known[selectors]
	if known {
		return members, selectors
	}
	compiled, err := compileSelectors(r.Aggregation.ClusterRoleSelectors)
	matched := map[*inventory.Role]bool{}
	for i := 0; err == nil && i < len(compiled); i++ {
		candidates := m.cluster
		for key, value := range r.Aggregation.ClusterRoleSelectors[i].MatchLabels {
			if with := m.byLabel[[2]string{key, value}]; len(with) < len(candidates) {
				candidates = with
			}
		}
		for _, c := range candidates {
			if !matched[c] && compiled[i].Matches(labels.Set(c.Labels)) {
				matched[c] = true
				members = append(members, c)
			}
		}
	}
	m.known[selectors] = members
	return members, selectors
}

// effectiveRoles returns an RBAC role and those that it takes rules from, directly or not, where no controller has
// written these rules yet: the rules of an aggregated role hold until the controller has been there.
func (m *roleMembers) effectiveRoles(r *inventory.Role) []*inventory.Role {
	out, seen, asked := []*inventory.Role{r}, map[*inventory.Role]bool{r: true}, map[string]bool{}
	for i := 0; i < len(out); i++ {
		if out[i].Aggregation == nil || out[i].Stored || out[i].Namespace != "" {
			continue
		}
		members, selectors := m.of(out[i])
		if asked[selectors] {
			continue
		}
		asked[selectors] = true
		for _, s := range members {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// namespaceRules returns the rules of an RBAC role, aggregation included, that touch namespaces.
func (m *roleMembers) namespaceRules(r *inventory.Role) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for _, s := range m.effectiveRoles(r) {
		for _, rule := range s.Rules {
			if containsAny(rule.Resources, "namespaces", rbacv1.ResourceAll) {
				out = append(out, rule)
			}
		}
	}
	return out
}
