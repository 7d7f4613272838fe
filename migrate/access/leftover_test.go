package access_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

func TestPolicyRoles(t *testing.T) {
	t.Parallel()
	c := policies("a").
		role("", "only", useRule("b", "a"), rule("policy", "podsecuritypolicies", "get")).
		role("", "every", rule("extensions", "podsecuritypolicies", "use")).
		role("web", "home", useRule("a")).
		role("", "wild", rule("*", "*", "*")).
		role("", "wrong-group", rule("apps", "podsecuritypolicies", "use")).
		role("", "looks", rule("policy", "podsecuritypolicies", "list")).
		bind("web", "only", groupSubject("g")).bindKind("web", "Role", "home", groupSubject("g")).bind("", "only", groupSubject("g")).
		aggregated("source", "into", nil, useRule("a")).
		aggregated("sum", "x", []string{"into"}, useRule("a")).
		aggregated("own", "x", []string{"nobody"}, useRule("a")).
		aggregated("unwritten", "x", []string{"nobody"}, useRule("a"))
	for i := range c.inv.Roles {
		r := &c.inv.Roles[i]
		r.Stored = r.Name != "unwritten"
		if r.Name == "source" {
			r.Aggregation = nil
		}
	}
	c.inv.Roles = append(c.inv.Roles, inventory.Role{Name: "mixed", Rules: []rbacv1.PolicyRule{useRule("a")}, OtherRules: true, RuleIndexes: []int{3}})
	type leftover struct {
		Role     string
		Found    access.LeftoverRole
		Bindings []string
	}
	want := []leftover{
		{"ClusterRole every", access.LeftoverRole{EveryPolicy: true, OnlyPolicies: true}, nil},
		{"ClusterRole mixed", access.LeftoverRole{Policies: []string{"a"}, RemovalPatch: `[{"op":"test","path":"/rules/3/resources","value":["podsecuritypolicies"]},{"op":"remove","path":"/rules/3"}]`}, nil},
		{"ClusterRole only", access.LeftoverRole{Policies: []string{"a", "b"}, OnlyPolicies: true}, []string{"/b", "web/b"}},
		{"ClusterRole own", access.LeftoverRole{Policies: []string{"a"}, OnlyPolicies: true}, nil},
		{"ClusterRole source", access.LeftoverRole{Policies: []string{"a"}, OnlyPolicies: true}, nil},
		{"Role web/home", access.LeftoverRole{Policies: []string{"a"}, OnlyPolicies: true}, []string{"web/b"}},
	}
	bound := map[string][]string{}
	for i := range c.inv.Bindings {
		b := &c.inv.Bindings[i]
		bound[access.RoleReference(b)] = append(bound[access.RoleReference(b)], b.Namespace+"/"+b.Name)
	}
	var got []leftover
	for _, r := range access.Resolve(&c.inv).GrantingRoles {
		reference := "ClusterRole " + r.Source.Name
		if r.Source.Namespace != "" {
			reference = "Role " + r.Source.Namespace + "/" + r.Source.Name
		}
		if found, ok := access.LeftoverRoleOf(r.Source); ok && !r.BuiltIn && !r.Aggregated {
			slices.Sort(bound[reference])
			got = append(got, leftover{reference, found, bound[reference]})
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLabellers(t *testing.T) {
	t.Parallel()
	c := policies().
		role("", "makes", rule("", "namespaces", "create"), rule("", "namespaces", "patch")).
		role("", "one", rule("", "namespaces", "update", "web"), rule("", "namespaces", "create", "web")).
		role("", "looks", rule("", "namespaces", "list")).
		role("", "status", rule("", "namespaces/status", "patch")).
		role("", "source", rule("", "*", "patch")).
		bind("", "makes", accountSubject("ci", "deployer")).
		bind("web", "makes", groupSubject("owners")).
		bind("web", "one", user("ann")).
		bind("shop", "one", user("bob")).
		bind("", "looks", groupSubject("everybody")).
		bind("", "status", groupSubject("everybody")).
		bind("", "sum", groupSubject("ops")).
		bind("", "cluster-admin", groupSubject("admins"), groupSubject("system:masters")).
		bind("", "system:controller:namespace-controller", accountSubject("kube-system", "namespace-controller"))
	for i := range c.inv.Roles {
		if c.inv.Roles[i].Name == "source" {
			c.inv.Roles[i].Labels = map[string]string{"into": "true"}
		}
	}
	c.inv.Roles = append(c.inv.Roles, inventory.Role{
		Name: "sum", Labels: map[string]string{"into": "true"}, // itself among those it selects
		Aggregation: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"into": "true"}}}},
	})
	all := []string{"create", "update", "patch"}
	want := []access.NamespaceWriter{
		{Subject: access.Subject{Kind: access.GroupKind, Name: "admins"}, Verbs: all, Binding: "ClusterRoleBinding b", Role: "ClusterRole cluster-admin", Administrator: true},
		{Subject: access.Subject{Kind: access.GroupKind, Name: "ops"}, Verbs: []string{"patch"}, Binding: "ClusterRoleBinding b", Role: "ClusterRole sum"},
		{Subject: access.Subject{Kind: access.ServiceAccountKind, Namespace: "ci", Name: "deployer"}, Verbs: []string{"create", "patch"}, Binding: "ClusterRoleBinding b", Role: "ClusterRole makes"},
		{Subject: access.Subject{Kind: access.GroupKind, Name: "owners"}, Namespace: "web", Verbs: []string{"patch"}, Binding: "RoleBinding web/b", Role: "ClusterRole makes"},
		{Subject: access.Subject{Kind: access.UserKind, Name: "ann"}, Namespace: "web", Verbs: []string{"update"}, Binding: "RoleBinding web/b", Role: "ClusterRole one"},
	}
	if diff := cmp.Diff(want, access.NamespaceWriters(c.inv.Roles, c.inv.Bindings)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
