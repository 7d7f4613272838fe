package access_test

import (
	"cmp"
	"encoding/json"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/psp2pss/psp2pss/fixtures/controlplane/admission"
	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// The roles and bindings of each trap amount to what the trap says: what the pod's account may use, and what its creator.
func TestTrapsOfAdmission(t *testing.T) {
	t.Parallel()
	traps, err := admission.Traps()
	if err != nil {
		t.Fatal(err)
	}
	for _, trap := range traps {
		t.Run(trap.Name, func(t *testing.T) {
			t.Parallel()
			grants := access.Resolve(inventoryOf(t, trap.Case))
			account := cmp.Or(trap.Pod.Spec.ServiceAccountName, trap.Pod.Spec.DeprecatedServiceAccount, "default")
			got := [][]string{
				policyNames(grants.PoliciesUsableBy(admission.Namespace, access.ServiceAccountPrincipal(admission.Namespace, account))),
				policyNames(grants.PoliciesUsableBy(admission.Namespace, access.Principal{User: trap.User, Groups: trap.Groups})),
			}
			if diff := gocmp.Diff([][]string{trap.Account, trap.Creator}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("account and creator may use (-want +got):\n%s", diff)
			}
		})
	}
}

func policyNames(usable []access.UsablePolicy) []string {
	var out []string
	for _, u := range usable {
		out = append(out, u.Policy)
	}
	return out
}

func inventoryOf(t *testing.T, c *admission.Case) *inventory.Inventory {
	t.Helper()
	b := inventory.NewBuilder()
	for _, name := range c.PolicyNames() {
		b.AddPolicy(&pspparse.Policy{Name: name})
	}
	decode := func(kind string, object any) {
		text, err := json.Marshal(object)
		if err == nil {
			_, err = b.Decode("rbac.authorization.k8s.io/v1", kind, text, pspparse.Position{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range c.Roles {
		decode("Role", x)
	}
	for _, x := range c.RoleBindings {
		decode("RoleBinding", x)
	}
	for _, x := range c.ClusterRoles {
		decode("ClusterRole", x)
	}
	for _, x := range c.ClusterRoleBindings {
		decode("ClusterRoleBinding", x)
	}
	inv := b.Build(inventory.Source{})
	if len(inv.Gaps) > 0 {
		t.Fatal(inv.Gaps)
	}
	return inv
}
