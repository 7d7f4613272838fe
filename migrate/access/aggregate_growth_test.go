package access

import (
	"fmt"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// selecting is an aggregated ClusterRole that brings a policy of its own.
func selecting(i int, label, selects string) inventory.Role {
	return inventory.Role{
		Name: fmt.Sprintf("r%05d", i), Labels: map[string]string{label: "v"},
		Rules:       []rbacv1.PolicyRule{{Verbs: []string{"use"}, APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}, ResourceNames: []string{fmt.Sprint("p", i)}}},
		Aggregation: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{selects: "v"}}}},
	}
}

// Four times the roles take four times the steps, all of them selecting each other or one the next.
func TestAggregationIsInProportion(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]func(i int) inventory.Role{
		"circle": func(i int) inventory.Role { return selecting(i, "all", "all") },
		"chain":  func(i int) inventory.Role { return selecting(i, fmt.Sprint("l", i), fmt.Sprint("l", i+1)) },
	} {
		steps := func(n int) int {
			inv := &inventory.Inventory{}
			for i := range n {
				inv.Roles = append(inv.Roles, role(i))
			}
			return aggregateClusterRoles(resolveRoles(inv)).steps
		}
		if one, four := steps(200), steps(800); one < 200 || four > 5*one {
			t.Errorf("a %s of 200 roles took %d steps, one of 800 %d: want at most five times as many, and at least 200", name, one, four)
		}
	}
}
