package access_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// cluster is an inventory in the making.
type cluster struct{ inv inventory.Inventory }

func policies(names ...string) *cluster {
	c := &cluster{}
	for _, name := range names {
		c.inv.Policies = append(c.inv.Policies, &pspparse.Policy{Name: name})
	}
	return c
}

// role adds a Role, or a ClusterRole if the namespace is empty.
func (c *cluster) role(namespace, name string, rules ...rbacv1.PolicyRule) *cluster {
	c.inv.Roles = append(c.inv.Roles, inventory.Role{Namespace: namespace, Name: name, Rules: rules})
	return c
}

// aggregated adds a ClusterRole with its labels, selecting each of the given labels.
func (c *cluster) aggregated(name, label string, selects []string, rules ...rbacv1.PolicyRule) *cluster {
	r := inventory.Role{Name: name, Rules: rules, Labels: map[string]string{label: "true"}, Aggregation: &rbacv1.AggregationRule{}}
	for _, s := range selects {
		r.Aggregation.ClusterRoleSelectors = append(r.Aggregation.ClusterRoleSelectors, metav1.LabelSelector{MatchLabels: map[string]string{s: "true"}})
	}
	c.inv.Roles = append(c.inv.Roles, r)
	return c
}

// bind adds a binding "b" of a ClusterRole; everywhere, if the namespace is empty.
func (c *cluster) bind(namespace, role string, subjects ...rbacv1.Subject) *cluster {
	return c.bindKind(namespace, "ClusterRole", role, subjects...)
}

func (c *cluster) bindKind(namespace, kind, role string, subjects ...rbacv1.Subject) *cluster {
	c.inv.Bindings = append(c.inv.Bindings, inventory.Binding{Namespace: namespace, Name: "b", RoleKind: kind, RoleName: role, Subjects: subjects})
	return c
}

func (c *cluster) resolve() *access.Grants { return access.Resolve(&c.inv) }

func rule(group, resource, verb string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{verb}, ResourceNames: names}
}

// useRule is a rule that lets use the named policies, or every one.
func useRule(names ...string) rbacv1.PolicyRule {
	return rule("policy", "podsecuritypolicies", "use", names...)
}

func user(name string) rbacv1.Subject { return rbacv1.Subject{Kind: "User", Name: name} }

// groupSubject is a group as the subject of a binding.
func groupSubject(name string) rbacv1.Subject { return rbacv1.Subject{Kind: "Group", Name: name} }

// accountSubject is a service account as the subject of a binding.
func accountSubject(namespace, name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: name}
}

// TestTraps are the cases that RBAC is most often misread in, asked for a pod in namespace web that runs as api.
func TestTraps(t *testing.T) {
	t.Parallel()
	api := access.ServiceAccountPrincipal("web", "api")
	replicaSets, _ := access.ControllerPrincipal("Deployment")
	yes, no := []string{"p"}, []string{}
	one := func(namespace string, r rbacv1.PolicyRule, s rbacv1.Subject) *cluster {
		return policies("p").role("", "r", r).bind(namespace, "r", s)
	}
	for name, tc := range map[string]struct {
		in   *cluster
		who  access.Principal
		want []string
	}{
		"T72 a pod's account is not authenticated":     {one("", useRule("p"), groupSubject("system:authenticated")), api, no},
		"T72 whoever sends the request is":             {one("", useRule("p"), groupSubject("system:authenticated")), access.AnyRequester(), yes},
		"T72 so is a controller":                       {one("", useRule("p"), groupSubject("system:authenticated")), replicaSets, yes},
		"T73 group extensions":                         {one("web", rule("extensions", "podsecuritypolicies", "use", "p"), accountSubject("web", "api")), api, yes},
		"T73 group *":                                  {one("web", rule("*", "podsecuritypolicies", "use", "p"), accountSubject("web", "api")), api, yes},
		"T73 core group":                               {one("web", rule("", "podsecuritypolicies", "use", "p"), accountSubject("web", "api")), api, no},
		"T73 no group":                                 {one("web", rbacv1.PolicyRule{Resources: []string{"*"}, Verbs: []string{"*"}}, accountSubject("web", "api")), api, no},
		"T74 resource name *":                          {one("web", useRule("*"), accountSubject("web", "api")), api, no},
		"T74 resource */*":                             {one("web", rule("policy", "*/*", "use"), accountSubject("web", "api")), api, no},
		"T74 a subresource":                            {one("web", rule("policy", "podsecuritypolicies/*", "use"), accountSubject("web", "api")), api, no},
		"T74 resource *":                               {one("web", rule("policy", "*", "use"), accountSubject("web", "api")), api, yes},
		"T75 no namespace, RoleBinding":                {one("web", useRule("p"), accountSubject("", "api")), api, yes},
		"T75 no namespace, ClusterRoleBinding":         {one("", useRule("p"), accountSubject("", "api")), api, no},
		"T76 RoleBinding of elsewhere":                 {one("ci", useRule("p"), accountSubject("web", "api")), api, no},
		"T77 account named as a user":                  {one("web", useRule("p"), user("system:serviceaccount:web:api")), api, yes},
		"T78 controller without a namespace":           {one("web", useRule("p"), accountSubject("", "replicaset-controller")), replicaSets, no},
		"T78 controller with its namespace":            {one("web", useRule("p"), accountSubject("kube-system", "replicaset-controller")), replicaSets, yes},
		"T79 what only the account may use":            {one("web", useRule("p"), accountSubject("web", "api")), replicaSets, no},
		"T79 what only the requester may use":          {one("web", useRule("p"), accountSubject("kube-system", "replicaset-controller")), api, no},
		"T80 the kubelet is no service account":        {one("", useRule("p"), groupSubject("system:serviceaccounts")), access.NodePrincipal("n1"), no},
		"T80 the kubelet by its group":                 {one("", useRule("p"), groupSubject("system:nodes")), access.NodePrincipal("n1"), yes},
		"T80 the kubelet by its name":                  {one("", useRule("p"), user("system:node:n1")), access.NodePrincipal("n1"), yes},
		"T81 system:masters needs no binding":          {policies("p"), access.Principal{User: "admin", Groups: []string{"system:masters"}}, yes},
		"T82 own rules of an aggregated role":          {policies("p").aggregated("r", "x", []string{"y"}, useRule("p")).role("", "s", rule("", "configmaps", "get")).label("y").bind("web", "r", accountSubject("web", "api")), api, no},
		"T82 it selects nothing":                       {policies("p").aggregated("r", "x", []string{"nothing"}, useRule("p")).bind("web", "r", accountSubject("web", "api")), api, yes},
		"T82 it selects only itself":                   {policies("p").aggregated("r", "x", []string{"x"}, useRule("p")).bind("web", "r", accountSubject("web", "api")), api, yes},
		"T82 it selects another":                       {policies("p").aggregated("r", "x", []string{"y"}).aggregated("s", "y", []string{"z"}).role("", "t", useRule("p")).label("z").bind("web", "r", accountSubject("web", "api")), api, yes},
		"verbs are case-sensitive":                     {one("web", rule("policy", "podsecuritypolicies", "Use"), accountSubject("web", "api")), api, no},
		"verb *":                                       {one("web", rule("policy", "podsecuritypolicies", "*"), accountSubject("web", "api")), api, yes},
		"apiGroup of an account":                       {one("web", useRule("p"), rbacv1.Subject{Kind: "ServiceAccount", APIGroup: "rbac.authorization.k8s.io", Name: "api"}), api, no},
		"apiGroup of a group":                          {one("web", useRule("p"), rbacv1.Subject{Kind: "Group", APIGroup: "rbac.authorization.k8s.io", Name: "system:serviceaccounts"}), api, yes},
		"another apiGroup of a group":                  {one("web", useRule("p"), rbacv1.Subject{Kind: "Group", APIGroup: "v1", Name: "system:serviceaccounts"}), api, no},
		"kinds are case-sensitive":                     {one("web", useRule("p"), rbacv1.Subject{Kind: "serviceaccount", Namespace: "web", Name: "api"}), api, no},
		"group of a namespace's accounts":              {one("web", useRule("p"), groupSubject("system:serviceaccounts:web")), api, yes},
		"group of another namespace's accounts":        {one("web", useRule("p"), groupSubject("system:serviceaccounts:ci")), api, no},
		"group of kube-system's accounts":              {one("web", useRule("p"), groupSubject("system:serviceaccounts:kube-system")), replicaSets, yes},
		"user * is no wildcard":                        {one("web", useRule("p"), user("*")), api, no},
		"cluster-admin is a known built-in role":       {policies("p").bind("web", "cluster-admin", accountSubject("web", "api")), api, yes},
		"cluster-admin as it was read":                 {policies("p").role("", "cluster-admin").bind("web", "cluster-admin", accountSubject("web", "api")), api, no},
		"edit gives no use":                            {policies("p").bind("web", "edit", accountSubject("web", "api")), api, no},
		"admin takes in edit, and what the files add":  {policies("p").role("", "r", useRule("p")).label("rbac.authorization.k8s.io/aggregate-to-edit").bind("web", "admin", accountSubject("web", "api")), api, yes},
		"ClusterRoleBinding to a Role":                 {policies("p").role("web", "r", useRule("p")).bindKind("", "Role", "r", accountSubject("web", "api")), api, no},
		"Role of the same name in another namespace":   {policies("p").role("ci", "r", useRule("p")).bindKind("web", "Role", "r", accountSubject("web", "api")), api, no},
		"Role is not a ClusterRole of the same name":   {policies("p").role("web", "r", useRule("p")).bind("web", "r", accountSubject("web", "api")), api, no},
		"Role in its namespace":                        {policies("p").role("web", "r", useRule("p")).bindKind("web", "Role", "r", accountSubject("web", "api")), api, yes},
		"an aggregation rule selects no Roles":         {policies("p").aggregated("r", "x", []string{"y"}).role("web", "s", useRule("p")).label("y").bind("web", "r", accountSubject("web", "api")), api, no},
		"a policy that was not read":                   {one("web", useRule("gone"), accountSubject("web", "api")), api, no},
		"anonymous requests are not authenticated":     {one("web", useRule("p"), groupSubject("system:unauthenticated")), access.AnyRequester(), no},
		"an account of the same name in another place": {one("web", useRule("p"), accountSubject("ci", "api")), api, no},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, names(tc.in.resolve().PoliciesUsableBy("web", tc.who))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// label labels the role added last.
func (c *cluster) label(label string) *cluster {
	c.inv.Roles[len(c.inv.Roles)-1].Labels = map[string]string{label: "true"}
	return c
}

func TestAggregationTakesTheServersWord(t *testing.T) {
	t.Parallel()
	c := policies("p").aggregated("r", "x", []string{"nothing"}, useRule("p")).bind("web", "r", accountSubject("web", "api"))
	c.inv.Roles[0].Stored = true
	want := []access.Grant{{
		Policy: "p", Namespace: "web", Subject: access.Subject{Kind: access.ServiceAccountKind, Namespace: "web", Name: "api"},
		Binding: "RoleBinding web/b", Role: "ClusterRole r",
	}}
	if diff := cmp.Diff(want, c.resolve().PolicyGrants("p")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEmptySelectorTakesEverything(t *testing.T) {
	t.Parallel()
	c := policies("p").bind("web", "r", user("eve"))
	c.inv.Roles = append(c.inv.Roles, inventory.Role{Name: "r", Aggregation: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{}}}})
	if diff := cmp.Diff([]string{"p"}, names(c.resolve().PoliciesUsableBy("web", access.Principal{User: "eve"}))); diff != "" {
		t.Errorf("cluster-admin is not among the roles taken (-want +got):\n%s", diff)
	}
}

// TestBootstrapLabel: every role that a server makes itself carries a label, cluster-admin among them.
func TestBootstrapLabel(t *testing.T) {
	t.Parallel()
	const label = "kubernetes.io/bootstrapping"
	for name, tc := range map[string]struct {
		selector metav1.LabelSelector
		want     []string
	}{
		"selected":     {metav1.LabelSelector{MatchLabels: map[string]string{label: "rbac-defaults"}}, []string{"p", "q"}},
		"not selected": {metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: label, Operator: metav1.LabelSelectorOpDoesNotExist}}}, []string{"p"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := policies("p", "q").role("", "s", useRule("p")).bind("web", "r", user("eve"))
			c.inv.Roles = append(c.inv.Roles, inventory.Role{Name: "r", Aggregation: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{tc.selector}}})
			if diff := cmp.Diff(tc.want, names(c.resolve().PoliciesUsableBy("web", access.Principal{User: "eve"}))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnjudged(t *testing.T) {
	t.Parallel()
	const why = "they select each other through aggregationRule, and whether the rules written in them survive that is a matter of timing; read these ClusterRoles from the cluster instead, or move the rules to a ClusterRole without aggregationRule"
	circle := func() *cluster {
		return policies("p").aggregated("a", "in-a", []string{"in-b"}, useRule("p")).aggregated("b", "in-b", []string{"in-a"})
	}
	for name, tc := range map[string]struct {
		in   *cluster
		want []inventory.Gap
	}{
		"bound in a namespace": {circle().bind("web", "b", user("eve")), []inventory.Gap{{What: "ClusterRole a, ClusterRole b", Why: message.Message{Text: why}, Namespaces: []string{"web"}, Affects: inventory.PartGrants}}},
		"bound everywhere":     {circle().bind("web", "b", user("eve")).bind("", "a", user("eve")), []inventory.Gap{{What: "ClusterRole a, ClusterRole b", Why: message.Message{Text: why}, Namespaces: []string{"*"}, Affects: inventory.PartGrants}}},
		"bound through a role that takes from the circle": {
			circle().aggregated("c", "none", []string{"in-a"}).bind("web", "c", user("eve")),
			[]inventory.Gap{{What: "ClusterRole a, ClusterRole b", Why: message.Message{Text: why}, Namespaces: []string{"web"}, Affects: inventory.PartGrants}},
		},
		"fed by a role that keeps its own rules": {
			policies("p").aggregated("a", "in-a", []string{"in-b"}).aggregated("b", "in-b", []string{"in-a", "in-c"}).aggregated("c", "in-c", []string{"nothing"}, useRule("p")).bind("web", "a", user("eve")), nil,
		},
		"fed by a role that is overwritten itself": {
			policies("p").aggregated("a", "in-a", []string{"in-b"}).aggregated("b", "in-b", []string{"in-a", "in-c"}).aggregated("c", "in-c", []string{"in-d"}, useRule("p")).
				role("", "d", rule("", "configmaps", "get")).label("in-d").bind("web", "a", user("eve")),
			[]inventory.Gap{{What: "ClusterRole a, ClusterRole b", Why: message.Message{Text: why}, Namespaces: []string{"web"}, Affects: inventory.PartGrants}},
		},
		"three in a circle": {
			policies("p").aggregated("a", "in-a", []string{"in-b"}).aggregated("b", "in-b", []string{"in-c"}).aggregated("c", "in-c", []string{"in-a"}, useRule("p")).bind("web", "a", user("eve")),
			[]inventory.Gap{{What: "ClusterRole a, ClusterRole b, ClusterRole c", Why: message.Message{Text: why}, Namespaces: []string{"web"}, Affects: inventory.PartGrants}},
		},
		"a circle that takes from another": {
			policies("p").aggregated("a", "in-a", []string{"in-b"}).aggregated("b", "in-b", []string{"in-a"}).
				aggregated("c", "in-c", []string{"in-a", "in-d"}, useRule("p")).aggregated("d", "in-d", []string{"in-c"}).bind("web", "a", user("eve")).bind("ci", "d", user("eve")),
			[]inventory.Gap{{What: "ClusterRole c, ClusterRole d", Why: message.Message{Text: why}, Namespaces: []string{"ci"}, Affects: inventory.PartGrants}},
		},
		"bound nowhere":             {circle(), nil},
		"a Role of the same name":   {circle().bindKind("web", "Role", "a", user("eve")), nil},
		"granted by another anyway": {circle().role("", "c", useRule("p")).label("in-a").bind("web", "b", user("eve")), nil},
		"no rules of its own": {
			policies("p").aggregated("a", "in-a", []string{"in-b"}).aggregated("b", "in-b", []string{"in-a"}).bind("", "a", user("eve")), nil,
		},
		"a role that selects itself": {policies("p").aggregated("a", "x", []string{"x"}, useRule("p")).bind("", "a", user("eve")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.in.resolve().UnresolvedRoles, messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnjudgedSelector: no server takes such a role, so neither its own rules nor any others hold for certain.
func TestUnjudgedSelector(t *testing.T) {
	t.Parallel()
	near := metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "x", Operator: "Near"}}}
	for name, tc := range map[string]struct {
		selectors []metav1.LabelSelector
		why       string
	}{
		"unknown operator": {[]metav1.LabelSelector{near}, `reading selector 1 of the aggregation rule: "Near" is not a valid label selector operator; correct the selector`},
		"no selector":      {nil, "reading the aggregation rule: it has no selector; correct the selector"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := policies("p").bind("web", "r", user("eve"))
			c.inv.Roles = append(c.inv.Roles, inventory.Role{
				Name: "r", Aggregation: &rbacv1.AggregationRule{ClusterRoleSelectors: tc.selectors}, Rules: []rbacv1.PolicyRule{useRule("p")},
				Position: pspparse.Position{File: "r.yaml", Line: 4},
			})
			g := c.resolve()
			want := []inventory.Gap{{What: "ClusterRole r", Why: message.Message{Text: tc.why}, Namespaces: []string{"web"}, Position: pspparse.Position{File: "r.yaml", Line: 4}, Affects: inventory.PartGrants}}
			if diff := cmp.Diff(want, g.UnresolvedRoles, messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if all := g.PolicyGrants("p"); len(all) > 0 {
				t.Errorf("grants %v, want none", all)
			}
		})
	}
}

// TestOwnRules: the rules written in an aggregated role hold as long as it selects no rules at all, whatever they are about.
func TestOwnRules(t *testing.T) {
	t.Parallel()
	own := func(selects ...string) *cluster {
		return policies("p").aggregated("r", "x", selects, useRule("p")).bind("web", "r", user("eve"))
	}
	yes, no := []string{"p"}, []string{}
	for name, tc := range map[string]struct {
		in   *cluster
		want []string
	}{
		"selects a role without rules":          {own("y").role("", "s").label("y"), yes},
		"selects a role of other rules":         {own("y").role("", "s").label("y").others(), no},
		"and beside it one without":             {own("y", "z").role("", "s").label("z").role("", "t").label("y").others(), no},
		"other rules beside its own":            {own("nothing").others(), yes},
		"selects an aggregated one":             {own("y").aggregated("s", "y", []string{"z"}), yes},
		"which selects other rules":             {own("y").aggregated("s", "y", []string{"z"}).role("", "t").label("z").others(), no},
		"which keeps rules of its own":          {own("y").aggregated("s", "y", []string{"z"}, rule("", "pods", "create")), no},
		"which keeps other rules of its own":    {own("y").aggregated("s", "y", []string{"z"}).others(), no},
		"selects the server's own":              {own("rbac.authorization.k8s.io/aggregate-to-view"), no},
		"selects an aggregated one of those":    {own("rbac.authorization.k8s.io/aggregate-to-edit"), no},
		"selects a Role":                        {own("y").role("web", "s", useRule("q")).label("y"), yes},
		"as a server has it":                    {own("y").role("", "s").label("y").others().live("r"), yes},
		"selects one as a server has it":        {own("y").aggregated("s", "y", []string{"nothing"}, rule("", "pods", "create")).live("s"), no},
		"selects an empty one as a server does": {own("y").aggregated("s", "y", []string{"x"}).live("s"), yes},
		"another takes them, then":              {own("y").aggregated("s", "s", []string{"x"}).bind("web", "s", user("eve")), yes},
		"another takes none, then":              {policies("p").aggregated("r", "x", []string{"y"}, useRule("p")).role("", "t").label("y").others().aggregated("s", "s", []string{"x"}).bind("web", "s", user("eve")), no},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, names(tc.in.resolve().PoliciesUsableBy("web", access.Principal{User: "eve"}))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// others gives the role added last rules that are of no interest here.
func (c *cluster) others() *cluster {
	c.inv.Roles[len(c.inv.Roles)-1].OtherRules = true
	return c
}

// live makes a ClusterRole one that a server wrote.
func (c *cluster) live(name string) *cluster {
	for i := range c.inv.Roles {
		c.inv.Roles[i].Stored = c.inv.Roles[i].Stored || c.inv.Roles[i].Name == name
	}
	return c
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	g := policies("b", "a").
		role("", "some", useRule("b", "gone")).
		role("web", "all", useRule(), useRule("a")).
		bind("", "some", groupSubject("ops"), groupSubject("ops")).
		bindKind("web", "Role", "all", accountSubject("", "api")).
		resolve()
	api := access.Subject{Kind: access.ServiceAccountKind, Namespace: "web", Name: "api"}
	ops := access.Subject{Kind: access.GroupKind, Name: "ops"}
	want := []access.Grant{
		{Policy: "a", Namespace: "web", Subject: api, Binding: "RoleBinding web/b", Role: "Role web/all", AllPolicies: true},
		{Policy: "b", Subject: ops, Binding: "ClusterRoleBinding b", Role: "ClusterRole some"},
		{Policy: "b", Namespace: "web", Subject: api, Binding: "RoleBinding web/b", Role: "Role web/all", AllPolicies: true},
	}
	if diff := cmp.Diff(want, allGrants(g, "a", "b", "gone")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAdministrators(t *testing.T) {
	t.Parallel()
	g := policies("p").role("", "p", useRule("p")).role("", "pods", rule("", "pods", "create")).
		bind("", "cluster-admin", user("root"), groupSubject("system:authenticated"), accountSubject("kube-system", "tiller"), groupSubject("ops")).
		bind("", "p", groupSubject("system:masters"), user("eve")).
		bind("", "pods", groupSubject("system:masters")).
		bind("web", "cluster-admin", user("lead")).
		resolve()
	grant := func(kind access.SubjectKind, namespace, name, role string) access.Grant {
		return access.Grant{Subject: access.Subject{Kind: kind, Namespace: namespace, Name: name}, Binding: "ClusterRoleBinding b", Role: "ClusterRole " + role, AllPolicies: role == "cluster-admin"}
	}
	want := []access.Grant{
		grant(access.GroupKind, "", "ops", "cluster-admin"), grant(access.GroupKind, "", "system:masters", "p"),
		grant(access.ServiceAccountKind, "kube-system", "tiller", "cluster-admin"), grant(access.UserKind, "", "root", "cluster-admin"),
	}
	if diff := cmp.Diff(want, g.Administrators); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnused(t *testing.T) {
	t.Parallel()
	base := func() *cluster {
		return policies("a", "b").role("", "a", useRule("a")).bind("web", "a", user("eve"))
	}
	for name, tc := range map[string]struct {
		in   *cluster
		want []string
	}{
		"never granted":                            {base(), []string{"b"}},
		"cluster administrators do not count":      {base().bind("", "cluster-admin", groupSubject("system:masters"), groupSubject("ops"), user("root")), []string{"b"}},
		"an account that may use everything does":  {base().bind("", "cluster-admin", accountSubject("kube-system", "tiller")), nil},
		"so do all accounts of a namespace":        {base().bind("", "cluster-admin", groupSubject("system:serviceaccounts:ci")), nil},
		"and everybody":                            {base().bind("", "cluster-admin", groupSubject("system:authenticated")), nil},
		"and an administrator of one namespace":    {base().bind("web", "cluster-admin", groupSubject("ops")), nil},
		"a subject that never matches does not":    {base().role("", "b", useRule("b")).bind("", "b", accountSubject("", "api")), []string{"b"}},
		"nor a role of rules that do not grant it": {base().role("", "b", rule("policy", "podsecuritypolicies", "get", "b")).bind("", "b", user("eve")), []string{"b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.in.resolve().UnusedPolicies); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
