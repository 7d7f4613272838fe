package access_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Every role that lets use policies is there once, with the policies. A grant says where its binding and its role were read.
func TestGrantingRoles(t *testing.T) {
	t.Parallel()
	c := policies("a", "b").
		role("", "some", useRule("b", "a", "gone")).
		role("web", "gone", useRule("gone")).
		role("", "every", useRule()).
		role("", "pods", rule("", "pods", "create")).
		bind("web", "some", groupSubject("dev"), groupSubject("dev"), user("ann"), user("*")).
		bindKind("web", "Role", "gone", groupSubject("dev")).
		bind("", "every", accountSubject("ci", "runner")).
		bind("", "pods", groupSubject("dev"))
	for i := range c.inv.Roles {
		c.inv.Roles[i].Position = pspparse.Position{File: "roles.yaml", Line: 10 + i}
	}
	for i := range c.inv.Bindings {
		c.inv.Bindings[i].Position = pspparse.Position{File: "bindings.yaml", Line: 20 + i}
	}
	grants := access.Resolve(&c.inv)

	type role struct {
		Reference string
		Policies  []string
		Every     bool
		Line      int
	}
	wantRoles := []role{
		{"/every", nil, true, 12},
		{"/some", []string{"a", "b"}, false, 10},
		{"web/gone", []string{}, false, 11},
	}
	var gotRoles []role
	for _, r := range grants.GrantingRoles {
		gotRoles = append(gotRoles, role{r.Source.Namespace + "/" + r.Source.Name, r.Policies, r.EveryPolicy, r.Source.Position.Line})
	}
	if diff := cmp.Diff(wantRoles, gotRoles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}

	dev := access.Subject{Kind: access.GroupKind, Name: "dev"}
	wantGrants := []access.Grant{
		{
			Policy: "a", Subject: access.Subject{Kind: access.ServiceAccountKind, Namespace: "ci", Name: "runner"},
			Binding: "ClusterRoleBinding b", Role: "ClusterRole every", AllPolicies: true,
			BindingPosition: pspparse.Position{File: "bindings.yaml", Line: 22}, RolePosition: pspparse.Position{File: "roles.yaml", Line: 12},
		},
		{
			Policy: "a", Namespace: "web", Subject: dev, Binding: "RoleBinding web/b", Role: "ClusterRole some",
			BindingPosition: pspparse.Position{File: "bindings.yaml", Line: 20}, RolePosition: pspparse.Position{File: "roles.yaml", Line: 10},
		},
		{
			Policy: "a", Namespace: "web", Subject: access.Subject{Kind: access.UserKind, Name: "ann"}, Binding: "RoleBinding web/b", Role: "ClusterRole some",
			BindingPosition: pspparse.Position{File: "bindings.yaml", Line: 20}, RolePosition: pspparse.Position{File: "roles.yaml", Line: 10},
		},
	}
	if diff := cmp.Diff(wantGrants, grants.PolicyGrants("a")); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
}

// Who may write namespaces is told with where that was read.
func TestNamespaceWriterPositions(t *testing.T) {
	t.Parallel()
	roles := []inventory.Role{{Name: "edit-namespaces", Rules: []rbacv1.PolicyRule{rule("", "namespaces", "patch")}, Position: pspparse.Position{File: "r.yaml", Line: 3}}}
	bindings := []inventory.Binding{{
		Name: "ops", RoleKind: "ClusterRole", RoleName: "edit-namespaces", Subjects: []rbacv1.Subject{groupSubject("ops")}, Position: pspparse.Position{File: "b.yaml", Line: 7},
	}}
	want := []access.NamespaceWriter{{
		Subject: access.Subject{Kind: access.GroupKind, Name: "ops"}, Verbs: []string{"patch"}, Binding: "ClusterRoleBinding ops", Role: "ClusterRole edit-namespaces",
		BindingPosition: pspparse.Position{File: "b.yaml", Line: 7}, RolePosition: pspparse.Position{File: "r.yaml", Line: 3},
	}}
	if diff := cmp.Diff(want, access.NamespaceWriters(roles, bindings)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
