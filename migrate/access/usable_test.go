package access_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// TestUsableByWorkload grants one policy per identity, each named after it, and asks which of them the pods may use.
func TestUsableByWorkload(t *testing.T) {
	t.Parallel()
	subjects := map[string]rbacv1.Subject{
		"api": accountSubject("web", "api"), "default": accountSubject("web", "default"), "old": accountSubject("web", "old"),
		"accounts": groupSubject("system:serviceaccounts"), "authenticated": groupSubject("system:authenticated"), "unauthenticated": groupSubject("system:unauthenticated"),
		"controllers": groupSubject("system:serviceaccounts:kube-system"), "manager": user("system:kube-controller-manager"), "nodes": groupSubject("system:nodes"),
		"replicaset": accountSubject("kube-system", "replicaset-controller"), "daemonset": accountSubject("kube-system", "daemon-set-controller"),
		"statefulset": accountSubject("kube-system", "statefulset-controller"), "job": accountSubject("kube-system", "job-controller"),
		"replication": accountSubject("kube-system", "replication-controller"), "deployment": accountSubject("kube-system", "deployment-controller"), "human": user("eve"),
	}
	c := policies()
	for name, s := range subjects {
		c.inv.Policies = append(c.inv.Policies, policies(name).inv.Policies...)
		c.role("", name, useRule(name)).bind("", name, s)
	}
	g := c.resolve()
	controlled := func(maker string) []string {
		return []string{"accounts", "api", "authenticated", "controllers", "manager", maker}
	}
	template := &inventory.Shape{}
	for name, tc := range map[string]struct {
		in   inventory.Workload
		want []string
	}{
		"Deployment":            {inventory.Workload{Kind: "Deployment", ServiceAccount: "api", Template: template}, controlled("replicaset")},
		"ReplicaSet":            {inventory.Workload{Kind: "ReplicaSet", ServiceAccount: "api", Template: template}, controlled("replicaset")},
		"DaemonSet":             {inventory.Workload{Kind: "DaemonSet", ServiceAccount: "api", Template: template}, []string{"accounts", "api", "authenticated", "controllers", "daemonset", "manager"}},
		"StatefulSet":           {inventory.Workload{Kind: "StatefulSet", ServiceAccount: "api", Template: template}, controlled("statefulset")},
		"Job":                   {inventory.Workload{Kind: "Job", ServiceAccount: "api", Template: template}, []string{"accounts", "api", "authenticated", "controllers", "job", "manager"}},
		"CronJob":               {inventory.Workload{Kind: "CronJob", ServiceAccount: "api", Template: template}, []string{"accounts", "api", "authenticated", "controllers", "job", "manager"}},
		"ReplicationController": {inventory.Workload{Kind: "ReplicationController", ServiceAccount: "api", Template: template}, controlled("replication")},
		"unknown owner":         {inventory.Workload{Kind: "Rollout", PodGroups: []inventory.PodGroup{{ServiceAccount: "api"}}}, []string{"accounts", "api", "authenticated"}},
		"bare pod":              {inventory.Workload{Kind: "Pod", PodGroups: []inventory.PodGroup{{}}}, []string{"accounts", "authenticated", "default"}},
		"mirror pod":            {inventory.Workload{Kind: "Pod", ServiceAccount: "default", PodGroups: []inventory.PodGroup{{Mirror: true}}}, []string{"authenticated", "nodes"}},
		"no account named":      {inventory.Workload{Kind: "PodTemplate", Template: template}, []string{"accounts", "authenticated", "default"}},
		"pods of an older template": {
			inventory.Workload{Kind: "Deployment", ServiceAccount: "api", Template: template, PodGroups: []inventory.PodGroup{{ServiceAccount: "old"}}},
			[]string{"accounts", "api", "authenticated", "controllers", "manager", "old", "replicaset"},
		},
		"owner not read": {
			inventory.Workload{Kind: "ReplicaSet", ServiceAccount: "ignored", PodGroups: []inventory.PodGroup{{ServiceAccount: "api"}, {ServiceAccount: "old"}}},
			[]string{"accounts", "api", "authenticated", "controllers", "manager", "old", "replicaset"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.in.Namespace = "web"
			if diff := cmp.Diff(tc.want, names(g.PoliciesUsableByWorkload(&tc.in))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUsableThroughEverybody: what else lets one use a policy takes it out of everybody's.
func TestUsableThroughEverybody(t *testing.T) {
	t.Parallel()
	everybodys := func() *cluster {
		return policies("a", "b").role("", "a", useRule("a")).bind("", "a", groupSubject("system:authenticated"))
	}
	only, own, b := access.UsablePolicy{Policy: "a", Everybody: true}, access.UsablePolicy{Policy: "a"}, access.UsablePolicy{Policy: "b"}
	for name, tc := range map[string]struct {
		in     *cluster
		groups []string
		want   []access.UsablePolicy
	}{
		"only everybody":                   {everybodys(), nil, []access.UsablePolicy{only}},
		"everybody twice":                  {everybodys().bind("", "a", groupSubject("system:serviceaccounts"), groupSubject("system:authenticated")), nil, []access.UsablePolicy{only}},
		"everybody here":                   {everybodys().bind("web", "a", groupSubject("system:authenticated")), nil, []access.UsablePolicy{own}},
		"everybody there":                  {everybodys().bind("ci", "a", groupSubject("system:authenticated")), nil, []access.UsablePolicy{only}},
		"by name":                          {everybodys().bind("", "a", user("eve")), nil, []access.UsablePolicy{own}},
		"by another role":                  {everybodys().role("web", "r", useRule("a")).bindKind("web", "Role", "r", user("eve")), nil, []access.UsablePolicy{own}},
		"another policy by name":           {everybodys().role("", "b", useRule("b")).bind("", "b", user("eve")), nil, []access.UsablePolicy{only, b}},
		"everything, as everybody":         {everybodys().bind("", "cluster-admin", groupSubject("system:authenticated")), nil, []access.UsablePolicy{only, {Policy: "b", Everybody: true}}},
		"everything by name":               {everybodys().bind("", "cluster-admin", user("eve")), nil, []access.UsablePolicy{own, b}},
		"everything, and one by name":      {everybodys().bind("", "cluster-admin", groupSubject("system:authenticated")).bind("web", "a", user("eve")), nil, []access.UsablePolicy{own, {Policy: "b", Everybody: true}}},
		"system:masters":                   {everybodys(), []string{"system:masters"}, []access.UsablePolicy{own, b}},
		"a role that lets nothing be used": {everybodys().role("", "pods", rule("", "pods", "create")).bind("web", "pods", user("eve")), nil, []access.UsablePolicy{only}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := access.Principal{User: "eve", Groups: append(tc.groups, "system:authenticated", "system:serviceaccounts")}
			if diff := cmp.Diff(tc.want, tc.in.resolve().PoliciesUsableBy("web", who)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	controller, ok := access.ControllerPrincipal("CronJob")
	if _, unknown := access.ControllerPrincipal("Rollout"); !ok || unknown {
		t.Errorf("CronJob known: %t, Rollout known: %t; want true, false", ok, unknown)
	}
	for _, tc := range []struct{ got, want access.Principal }{
		{access.ServiceAccountPrincipal("web", "api"), access.Principal{
			User: "system:serviceaccount:web:api", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:web"}, Description: "service account web/api",
		}},
		{access.ServiceAccountRequester("web", "api"), access.Principal{
			User: "system:serviceaccount:web:api", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:web", "system:authenticated"}, Description: "service account web/api",
		}},
		{controller, access.Principal{
			User:   "system:serviceaccount:kube-system:job-controller",
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"}, Description: "job-controller",
		}},
		{access.ControllerManagerPrincipal(), access.Principal{User: "system:kube-controller-manager", Groups: []string{"system:authenticated"}, Description: "the controller manager"}},
		{access.NodePrincipal("n1"), access.Principal{User: "system:node:n1", Groups: []string{"system:nodes", "system:authenticated"}, Description: "the kubelet (mirror pods)"}},
		{access.NodePrincipal(""), access.Principal{Groups: []string{"system:nodes", "system:authenticated"}, Description: "the kubelet (mirror pods)"}},
		{access.AnyRequester(), access.Principal{Groups: []string{"system:authenticated"}, Description: "whoever creates the pod"}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestPodCreators(t *testing.T) {
	t.Parallel()
	create := rule("", "pods", "create")
	base := func() *cluster {
		c := policies("p").role("", "creator", create).role("", "system:controller:persistent-volume-binder", create)
		c.inv.ServiceAccounts = []inventory.ServiceAccount{{Namespace: "web", Name: "api"}, {Namespace: "ci", Name: "runner"}}
		c.inv.Workloads = []inventory.Workload{{Namespace: "web", Kind: "Pod", ServiceAccount: "used"}}
		return c
	}
	here := access.ServiceAccountRequester
	for name, tc := range map[string]struct {
		in   *cluster
		want []access.Principal
	}{
		"nobody":                      {base(), []access.Principal{}},
		"an account, here":            {base().bind("web", "creator", accountSubject("", "api")), []access.Principal{here("web", "api")}},
		"an account, elsewhere":       {base().bind("ci", "creator", accountSubject("web", "api")), []access.Principal{}},
		"an account, everywhere":      {base().bind("", "creator", accountSubject("web", "api")), []access.Principal{here("web", "api")}},
		"another's, everywhere":       {base().bind("", "creator", accountSubject("ci", "runner")), []access.Principal{}},
		"another's, here":             {base().bind("web", "creator", accountSubject("ci", "runner")), []access.Principal{}},
		"both":                        {base().bind("", "creator", accountSubject("web", "api")).bind("web", "edit", user("system:serviceaccount:web:api")), []access.Principal{here("web", "api")}},
		"all of the namespace":        {base().bind("web", "admin", groupSubject("system:serviceaccounts:web")), []access.Principal{here("web", "api"), here("web", "default"), here("web", "used")}},
		"all there are":               {base().bind("", "creator", groupSubject("system:serviceaccounts")), []access.Principal{}},
		"all there are, here":         {base().bind("web", "creator", groupSubject("system:authenticated")), []access.Principal{here("web", "api"), here("web", "default"), here("web", "used")}},
		"all of another":              {base().bind("web", "creator", groupSubject("system:serviceaccounts:ci")), []access.Principal{}},
		"people":                      {base().bind("web", "creator", user("eve"), groupSubject("dev"), groupSubject("system:unauthenticated"), groupSubject("system:nodes")), []access.Principal{}},
		"built-in controllers":        {base().bind("", "system:controller:persistent-volume-binder", accountSubject("kube-system", "persistent-volume-binder")).bind("", "creator", accountSubject("kube-system", "job-controller")), []access.Principal{}},
		"what makes pods is not":      {base().role("", "d", rule("apps", "deployments", "create")).bind("web", "d", accountSubject("", "api")), []access.Principal{}},
		"nor a pod of one name":       {base().role("", "d", rule("", "pods", "create", "one")).bind("web", "d", accountSubject("", "api")), []access.Principal{}},
		"nor a subresource":           {base().role("", "d", rule("", "pods/exec", "create")).bind("web", "d", accountSubject("", "api")), []access.Principal{}},
		"a cluster administrator":     {base().bind("", "cluster-admin", accountSubject("web", "tiller")), []access.Principal{here("web", "tiller")}},
		"an account that none can be": {base().bind("web", "creator", accountSubject("web", "system:serviceaccounts:web")), []access.Principal{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := tc.in.resolve()
			got := g.PodCreators("web")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, p := range got {
				if !g.CanCreatePods("web", p) {
					t.Errorf("%s is told, and cannot", p.Description)
				}
			}
		})
	}
}

// What a namespace costs does not grow with the accounts of others that may create pods everywhere, nor with how often
// everybody may.
func TestPodCreatorsOfMany(t *testing.T) { //nolint:paralleltest // it counts the allocations of the whole program
	cost := func(n int) float64 {
		c := policies("p").role("", "creator", rule("", "pods", "create"))
		for i := range n {
			c.bind("", "creator", accountSubject(fmt.Sprintf("ns-%d", i), "a"), groupSubject("system:serviceaccounts"), groupSubject(fmt.Sprintf("system:serviceaccounts:ns-%d", i)))
		}
		g := c.resolve()
		return testing.AllocsPerRun(10, func() { g.PodCreators("web") })
	}
	if few, many := cost(2), cost(200); many > few {
		t.Errorf("%v allocations beside 200 namespaces, %v beside 2", many, few)
	}
}

func ExampleGrants_PoliciesUsableBy() {
	g := policies("restricted", "privileged").
		role("", "psp:restricted", useRule("restricted")).
		bind("web", "psp:restricted", groupSubject("system:serviceaccounts:web")).
		resolve()
	for _, u := range g.PoliciesUsableBy("web", access.ServiceAccountPrincipal("web", "api")) {
		for _, via := range g.PolicyGrants(u.Policy) {
			fmt.Printf("%s, by %s to %s for %s\n", u.Policy, via.Binding, via.Role, via.Subject)
		}
	}
	// Output: restricted, by RoleBinding web/b to ClusterRole psp:restricted for group system:serviceaccounts:web
}
