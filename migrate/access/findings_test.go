package access_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func TestDangling(t *testing.T) {
	t.Parallel()
	bound := func(s ...rbacv1.Subject) *cluster {
		return policies("p").role("", "r", useRule("p")).bind("", "r", s...)
	}
	roleOf := func(rules ...rbacv1.PolicyRule) *cluster { return policies("p").role("", "r", rules...) }
	many := policies("p").role("", "r", useRule("p"))
	for i := range 5 {
		many.bind(fmt.Sprintf("ns%d", i), "r", rbacv1.Subject{Kind: "user", Name: "eve"})
		many.inv.Bindings[i].Position = pspparse.Position{File: "b.yaml", Line: i + 1}
	}
	inBinding := func(i int) access.RBACObject {
		return access.RBACObject{Object: fmt.Sprintf("RoleBinding ns%d/b", i), Position: pspparse.Position{File: "b.yaml", Line: i + 1}}
	}
	placed := roleOf(useRule("gone"))
	placed.inv.Roles[0].Position = pspparse.Position{File: "r.yaml", Line: 7}
	notAggregated := policies("p").role("web", "s", useRule("gone"))
	notAggregated.inv.Roles[0].Aggregation = &rbacv1.AggregationRule{}
	binding, clusterRole := "ClusterRoleBinding b", "ClusterRole r"
	for name, tc := range map[string]struct {
		in   *cluster
		want []access.RBACFinding
	}{
		"nothing odd": {bound(user("eve"), accountSubject("web", "api")), nil},
		"role not read": {
			policies("p").bind("", "gone", user("eve")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: "ClusterRole gone"}, Reason: message.Message{Text: "was not read, bound by ClusterRoleBinding b: what it grants is not known, and nothing if it does not exist"}}},
		},
		"role not read, bound more than once": {
			policies("p").bindKind("web", "Role", "gone", user("eve")).bindKind("web", "Role", "gone", user("eve")).bind("ci", "gone", user("eve")),
			[]access.RBACFinding{
				{RBACObject: access.RBACObject{Object: "ClusterRole gone"}, Reason: message.Message{Text: "was not read, bound by RoleBinding ci/b: what it grants is not known, and nothing if it does not exist"}},
				{RBACObject: access.RBACObject{Object: "Role web/gone"}, Reason: message.Message{Text: "was not read, bound by RoleBinding web/b and 1 more: what it grants is not known, and nothing if it does not exist"}},
			},
		},
		"the first binding in order is the example": {
			policies("p").bind("web", "gone", user("eve")).bind("ci", "gone", user("eve")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: "ClusterRole gone"}, Reason: message.Message{Text: "was not read, bound by RoleBinding ci/b and 1 more: what it grants is not known, and nothing if it does not exist"}}},
		},
		"bootstrap roles need not be read": {
			policies("p").bind("", "view", user("eve")).bind("web", "edit", user("eve")).bind("web", "admin", user("eve")).bind("", "system:node", user("eve")).
				bind("", "cluster-admin", user("eve")).bindKind("kube-system", "Role", "extension-apiserver-authentication-reader", user("eve")),
			nil,
		},
		"ClusterRoleBinding to a Role": {
			policies("p").bindKind("", "Role", "r", user("eve")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: "refers to a Role (r), and a ClusterRoleBinding grants only ClusterRoles: it grants nothing"}}},
		},
		"unknown kind of role": {
			policies("p").bindKind("web", "clusterrole", "r", user("eve")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: "RoleBinding web/b"}, Reason: message.Message{Text: `refers to a role of kind "clusterrole", neither Role nor ClusterRole (case matters): it grants nothing`}}},
		},
		"kind of subject in the wrong case": {
			bound(rbacv1.Subject{Kind: "serviceaccount", Namespace: "web", Name: "api"}),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject "api" has the kind "serviceaccount", none of User, Group and ServiceAccount (case matters): it never matches`}}},
		},
		"null subject": {
			bound(rbacv1.Subject{}),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject "" has the kind "", none of User, Group and ServiceAccount (case matters): it never matches`}}},
		},
		"account without namespace": {
			bound(accountSubject("", "api")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject ServiceAccount "api" has no namespace, which a ClusterRoleBinding cannot supply: it never matches`}}},
		},
		"apiGroup of an account": {
			bound(rbacv1.Subject{Kind: "ServiceAccount", APIGroup: "rbac.authorization.k8s.io", Namespace: "web", Name: "api"}),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject ServiceAccount "api" has the apiGroup "rbac.authorization.k8s.io", where only "" is accepted: it never matches`}}},
		},
		"apiGroup of a user": {
			bound(rbacv1.Subject{Kind: "User", APIGroup: "rbac.authorization.k8s.io/v1", Name: "eve"}),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject User "eve" has the apiGroup "rbac.authorization.k8s.io/v1", where only "rbac.authorization.k8s.io" is accepted: it never matches`}}},
		},
		"the right apiGroup": {bound(rbacv1.Subject{Kind: "Group", APIGroup: "rbac.authorization.k8s.io", Name: "ops"}), nil},
		"wildcard":           {bound(groupSubject("*")), []access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject Group "*" is a name like any other, not a wildcard: it never matches`}}}},
		"group named as a user": {
			bound(user("system:serviceaccounts:web")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject User "system:serviceaccounts:web" is the name of a group: it never matches`}}},
		},
		"account named as a group": {
			bound(groupSubject("system:serviceaccount:web:api")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject Group "system:serviceaccount:web:api" is the name of a user: it never matches`}}},
		},
		"account named as the accounts of its namespace": {
			bound(accountSubject("web", "system:serviceaccounts:web")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject ServiceAccount "system:serviceaccounts:web" is the name of a group: it never matches`}}},
		},
		"account under its user name": {
			bound(accountSubject("web", "system:serviceaccount:web:api")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject ServiceAccount "system:serviceaccount:web:api" is the name of a user, and an account is named by its own name and its namespace: it never matches`}}},
		},
		"account under a name that none can have": {
			bound(accountSubject("web", "web/Api")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject ServiceAccount "web/Api" has a name that no account can have: it never matches`}}},
		},
		"account of a namespace that none can be": {
			bound(accountSubject("web.prod", "api")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject ServiceAccount "api" has the namespace "web.prod", a name that no namespace can have: it never matches`}}},
		},
		"user that is nobody":           {bound(user("system:anonymous0")), nil},
		"group without a name":          {bound(groupSubject("")), []access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject Group has no name: it never matches`}}}},
		"group of a node":               {bound(groupSubject("system:node:n1")), []access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: `subject Group "system:node:n1" is the name of a user: it never matches`}}}},
		"group as certificates have it": {bound(groupSubject("system:kube-controller-manager")), nil},
		"no subjects":                   {bound(), []access.RBACFinding{{RBACObject: access.RBACObject{Object: binding}, Reason: message.Message{Text: "has no subjects: it grants nothing"}}}},
		"subjects of other roles are not our business": {
			policies("p").role("", "r", rule("", "pods", "create")).bind("", "r", accountSubject("", "api")), nil,
		},
		"the same remark about many": {
			many, []access.RBACFinding{{RBACObject: inBinding(0), Others: []access.RBACObject{inBinding(1), inBinding(2), inBinding(3), inBinding(4)}, Reason: message.Message{Text: `subject "eve" has the kind "user", none of User, Group and ServiceAccount (case matters): it never matches`}}},
		},
		"list without use": {
			roleOf(rbacv1.PolicyRule{APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}, Verbs: []string{"get", "list"}}),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names podsecuritypolicies, but not the verb use ("get", "list"): it grants no use`}}},
		},
		"a role to look at everything with": {roleOf(rule("", "pods", "list"), rule("policy", "podsecuritypolicies", "list")), nil},
		"list beside use":                   {roleOf(useRule("p"), rule("policy", "podsecuritypolicies", "list")), nil},
		"reading everything is fine":        {roleOf(rule("*", "*", "get")), nil},
		"wrong API group": {
			roleOf(rule("", "podsecuritypolicies", "use")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names podsecuritypolicies in the wrong API group (""): admission asks in policy and extensions only, so it grants no use`}}},
		},
		"*/*": {roleOf(rule("*", "*/*", "*")), []access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names the resource "*/*", and only podsecuritypolicies and * match: it grants no use`}}}},
		"a subresource beside the resource": {
			roleOf(rbacv1.PolicyRule{APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies", "podsecuritypolicies/*"}, Verbs: []string{"use"}}), nil,
		},
		"*/* beside *": {roleOf(rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*", "*/*"}, Verbs: []string{"*"}}), nil},
		"singular":     {roleOf(rule("policy", "podsecuritypolicy", "use")), []access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names the resource "podsecuritypolicy", and only podsecuritypolicies and * match: it grants no use`}}}},
		"mixed case": {
			roleOf(rule("policy", "PodSecurityPolicies", "use")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names the resource "PodSecurityPolicies", and only podsecuritypolicies and * match: it grants no use`}}},
		},
		"policy *":      {roleOf(useRule("*")), []access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names the policy "*", which is a name like any other, not a wildcard: it grants no use`}}}},
		"unread policy": {roleOf(useRule("gone", "p")), []access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names policy "gone" that was not read`}}}},
		"position of a role": {placed, []access.RBACFinding{{
			RBACObject: access.RBACObject{Object: clusterRole, Position: pspparse.Position{File: "r.yaml", Line: 7}}, Reason: message.Message{Text: `names policy "gone" that was not read`},
		}}},
		"unread policies": {
			roleOf(useRule("e", "d"), useRule("c", "b", "a")),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names policies "a", "b", "c" and 2 more that were not read`}}},
		},
		"overwritten by aggregation": {
			policies("p").aggregated("r", "x", []string{"y"}, useRule("p")).role("", "s", rule("", "configmaps", "get")).label("y"),
			[]access.RBACFinding{{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: "the rules written in it that grant the use of policies are overwritten by its aggregationRule"}}},
		},
		"not overwritten by aggregation": {
			policies("p").aggregated("r", "x", []string{"y"}, useRule("p"), useRule("*")),
			[]access.RBACFinding{
				{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: `names the policy "*", which is a name like any other, not a wildcard: it grants no use`}},
				{RBACObject: access.RBACObject{Object: clusterRole}, Reason: message.Message{Text: "the rules written in it that grant the use of policies hold only because its aggregationRule selects no rules: once it does, and before v1.21 at once, they are overwritten"}},
			},
		},
		"nothing to be overwritten":     {policies("p").aggregated("r", "x", []string{"y"}, rule("", "pods", "create")), nil},
		"a Role has no aggregationRule": {notAggregated, []access.RBACFinding{{RBACObject: access.RBACObject{Object: "Role web/s"}, Reason: message.Message{Text: `names policy "gone" that was not read`}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.in.resolve().Dangling, messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmptyInventory(t *testing.T) {
	t.Parallel()
	g := access.Resolve(&inventory.Inventory{})
	if got := g.NamespaceAccess("web", nil); got != nil {
		t.Errorf("Namespace = %+v, want nothing", got)
	}
	if got := g.PoliciesUsableBy("web", access.Principal{Groups: []string{"system:masters"}}); got != nil {
		t.Errorf("UsableBy = %+v, want nothing", got)
	}
	if got := g.PodCreators("web"); len(got) != 0 {
		t.Errorf("PodCreators = %+v, want nothing", got)
	}
}

// A role that was not read names all bindings to it, though its text names one.
func TestMissingRoleHasAllBindings(t *testing.T) {
	t.Parallel()
	in := policies("p").bind("web", "gone", user("eve")).bind("ci", "gone", user("eve")).bind("db", "gone", user("eve"))
	found := in.resolve().Dangling
	if len(found) != 1 {
		t.Fatalf("findings: %v", found)
	}
	want := []string{"RoleBinding ci/b", "RoleBinding db/b", "RoleBinding web/b"}
	if diff := cmp.Diff(any(want), found[0].Reason.Args.Get("bindings")); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
}
