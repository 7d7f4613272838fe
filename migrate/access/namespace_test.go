package access_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// refNamespace judges one grant at a time by the words of Grants.Namespace, and returns what the policy then is there.
func refNamespace(inv *inventory.Inventory, grants []access.Grant, namespace, policy string) (counted, everybody, administrators, apart bool) {
	workloads := workloadsOf(inv, namespace)
	for _, g := range grants {
		if g.Policy != policy || g.Namespace != "" && g.Namespace != namespace {
			continue
		}
		user, group := g.Subject.Name, ""
		switch g.Subject.Kind {
		case access.GroupKind:
			user, group = "", g.Subject.Name
		case access.ServiceAccountKind:
			user = "system:serviceaccount:" + g.Subject.Namespace + ":" + g.Subject.Name
		}
		home, name := "", ""
		if rest, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
			home, name, _ = strings.Cut(rest, ":")
		} else if rest, ok := strings.CutPrefix(group, "system:serviceaccounts:"); ok {
			home = rest
		}
		everyone := user == "system:anonymous" || slices.Contains([]string{"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}, group)
		everywhere := g.Namespace == ""
		switch {
		case home == namespace:
			counted = true
		case group == "system:masters", everywhere && g.AllPolicies && !everyone:
			administrators = true
		case everywhere && everyone:
			everybody = true
		case group == "system:nodes" || strings.HasPrefix(user, "system:node:"):
			if refMirror(workloads) || !everywhere && len(workloads) == 0 {
				counted = true
			} else if !everywhere {
				apart = true
			}
		case user == "system:kube-controller-manager":
			if len(refMakers(workloads)) > 0 {
				counted = true
			} else if !everywhere {
				apart = true
			}
		case home == "" || refForeign(inv, namespace, home, name, refMakers(workloads)):
			counted = true
		case !everywhere:
			apart = true
		}
	}
	return counted, everybody, administrators, apart && !counted && !everybody && !administrators
}

func refMirror(workloads []inventory.Workload) bool {
	return slices.ContainsFunc(workloads, func(w inventory.Workload) bool {
		return slices.ContainsFunc(w.PodGroups, func(p inventory.PodGroup) bool { return p.Mirror })
	})
}

var controllerNames = []string{"replicaset-controller", "daemon-set-controller", "statefulset-controller", "job-controller", "replication-controller"}

func refMakers(workloads []inventory.Workload) []string {
	if len(workloads) == 0 {
		return controllerNames
	}
	var out []string
	for _, w := range workloads {
		if p, ok := access.ControllerPrincipal(w.Kind); ok {
			out = append(out, p.Description)
		}
	}
	return out
}

// refForeign: an account of another namespace, or with name "" any of them, that makes pods here.
func refForeign(inv *inventory.Inventory, namespace, home, name string, makers []string) bool {
	candidates := []string{name}
	if name == "" {
		candidates = append(slices.Clone(genAccounts), controllerNames...)
	}
	return slices.ContainsFunc(candidates, func(name string) bool {
		if home == "kube-system" && slices.Contains(controllerNames, name) {
			return slices.Contains(makers, name)
		}
		return refCreatePods(inv, namespace, access.ServiceAccountRequester(home, name))
	})
}

func TestNamespaceReference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 4))}
		inv := g.inventory()
		grants := access.Resolve(inv)
		all := allGrants(grants, genPolicies...)
		for _, namespace := range append([]string{"elsewhere"}, genNamespaces...) {
			got := grants.NamespaceAccess(namespace, workloadsOf(inv, namespace))
			for _, policy := range genPolicies {
				var want []bool
				counted, everybody, administrators, apart := refNamespace(inv, all, namespace, policy)
				if counted || everybody || administrators || apart {
					want = []bool{counted, everybody, administrators}
				}
				if diff := cmp.Diff(want, flags(t, got, policy)); diff != "" {
					t.Fatalf("seed %d: namespace %q, policy %q: counted, everybody, administrators (-want +got):\n%s\n%+v", seed, namespace, policy, diff, got)
				}
			}
		}
	}
}

// flags of one policy; nil if it is absent. An answer must carry a reason just where it does not count.
func flags(t *testing.T, in access.NamespaceAccess, policy string) []bool {
	t.Helper()
	for _, p := range in {
		if p.Policy != policy {
			continue
		}
		if p.Counted != (p.Why == "") {
			t.Errorf("%q: counted is %t, and why is %q", policy, p.Counted, p.Why)
		}
		return []bool{p.Counted, p.Everybody, p.Administrators}
	}
	return nil
}

func TestNamespace(t *testing.T) {
	t.Parallel()
	deployment := []inventory.Workload{{Namespace: "web", Kind: "Deployment", Name: "api", ServiceAccount: "api"}}
	bare := []inventory.Workload{{Namespace: "web", Kind: "Pod", Name: "once", ServiceAccount: "default", PodGroups: []inventory.PodGroup{{ServiceAccount: "default", Count: 1}}}}
	mirror := []inventory.Workload{{Namespace: "web", Kind: "Pod", Name: "static", PodGroups: []inventory.PodGroup{{Mirror: true, Count: 1}}}}
	in := func(namespace string, s rbacv1.Subject) *cluster {
		return policies("p").role("", "r", useRule("p")).role("", "creator", rule("", "pods", "create")).bind(namespace, "r", s)
	}
	admin := func(s rbacv1.Subject) *cluster { return policies("p").bind("", "cluster-admin", s) }
	counted, controllers := access.NamespacePolicy{Policy: "p", Counted: true}, access.NamespacePolicy{Policy: "p", Counted: true, OnlyControllers: true}
	everybody := func(who string) access.NamespacePolicy {
		return access.NamespacePolicy{Policy: "p", Everybody: true, Why: "everybody may use it everywhere: " + who + " (ClusterRoleBinding b)"}
	}
	administrators := func(who string) access.NamespacePolicy {
		return access.NamespacePolicy{Policy: "p", Administrators: true, Why: "only those who may use every policy everywhere may use it here: " + who + " (ClusterRoleBinding b)"}
	}
	apart := func(why string) access.NamespacePolicy { return access.NamespacePolicy{Policy: "p", Why: why} }

	for name, tc := range map[string]struct {
		in        *cluster
		workloads []inventory.Workload
		want      []access.NamespacePolicy
	}{
		"an account of the namespace":           {in("web", accountSubject("", "x")), deployment, []access.NamespacePolicy{counted}},
		"granted from the cluster":              {in("", accountSubject("web", "x")), deployment, []access.NamespacePolicy{counted}},
		"named as a user":                       {in("", user("system:serviceaccount:web:x")), deployment, []access.NamespacePolicy{counted}},
		"all accounts of the namespace":         {in("", groupSubject("system:serviceaccounts:web")), deployment, []access.NamespacePolicy{counted}},
		"its account may use everything":        {admin(accountSubject("web", "x")), deployment, []access.NamespacePolicy{counted}},
		"everybody, here":                       {in("web", groupSubject("system:authenticated")), deployment, []access.NamespacePolicy{counted}},
		"everybody, everywhere":                 {in("", groupSubject("system:authenticated")), deployment, []access.NamespacePolicy{everybody("group system:authenticated")}},
		"every account, everywhere":             {in("", groupSubject("system:serviceaccounts")), deployment, []access.NamespacePolicy{everybody("group system:serviceaccounts")}},
		"anonymous, everywhere":                 {in("", groupSubject("system:unauthenticated")), nil, []access.NamespacePolicy{everybody("group system:unauthenticated")}},
		"everybody may use everything":          {admin(groupSubject("system:authenticated")), deployment, []access.NamespacePolicy{everybody("group system:authenticated")}},
		"system:masters":                        {admin(groupSubject("system:masters")), deployment, []access.NamespacePolicy{administrators("group system:masters")}},
		"system:masters, one policy":            {in("web", groupSubject("system:masters")), deployment, []access.NamespacePolicy{{Policy: "p", Administrators: true, Why: "only those who may use every policy everywhere may use it here: group system:masters (RoleBinding web/b)"}}},
		"a group of administrators":             {admin(groupSubject("ops")), deployment, []access.NamespacePolicy{administrators("group ops")}},
		"an account of elsewhere as one":        {admin(accountSubject("kube-system", "tiller")), deployment, []access.NamespacePolicy{administrators("service account kube-system/tiller")}},
		"an administrator of the namespace":     {policies("p").bind("web", "cluster-admin", user("eve")), deployment, []access.NamespacePolicy{counted}},
		"a user, everywhere":                    {in("", user("eve")), deployment, []access.NamespacePolicy{counted}},
		"a group, here":                         {in("web", groupSubject("dev")), deployment, []access.NamespacePolicy{counted}},
		"a group, elsewhere":                    {in("ci", groupSubject("dev")), deployment, nil},
		"an agent of another namespace":         {in("", accountSubject("metallb-system", "speaker")), deployment, nil},
		"all accounts of another namespace":     {in("", groupSubject("system:serviceaccounts:ci")), deployment, nil},
		"an operator that creates pods":         {in("", accountSubject("ci", "runner")).bind("", "creator", accountSubject("ci", "runner")), deployment, []access.NamespacePolicy{counted}},
		"an operator that creates pods here":    {in("", accountSubject("ci", "runner")).bind("web", "creator", accountSubject("ci", "runner")), deployment, []access.NamespacePolicy{counted}},
		"an operator that creates pods there":   {in("", accountSubject("ci", "runner")).bind("ci", "creator", accountSubject("ci", "runner")), deployment, nil},
		"one of those accounts creates pods":    {in("", groupSubject("system:serviceaccounts:ci")).bind("web", "creator", accountSubject("ci", "runner")), deployment, []access.NamespacePolicy{counted}},
		"it may edit, which was not read":       {in("", accountSubject("ci", "runner")).bind("web", "edit", accountSubject("ci", "runner")), deployment, []access.NamespacePolicy{counted}},
		"every account creates pods here":       {in("", accountSubject("ci", "runner")).bind("web", "creator", groupSubject("system:authenticated")), deployment, []access.NamespacePolicy{counted}},
		"granted here, creates no pods":         {in("web", accountSubject("ci", "runner")), deployment, []access.NamespacePolicy{apart("service account ci/runner may use it here, but it may not create pods here (RoleBinding web/b)")}},
		"granted here, creates pods":            {in("web", accountSubject("ci", "runner")).bind("", "creator", groupSubject("system:serviceaccounts:ci")), deployment, []access.NamespacePolicy{counted}},
		"the controller of its pods":            {in("", accountSubject("kube-system", "replicaset-controller")), deployment, []access.NamespacePolicy{controllers}},
		"the controller of its pods, here":      {in("web", accountSubject("kube-system", "replicaset-controller")), deployment, []access.NamespacePolicy{counted}},
		"another controller":                    {in("", accountSubject("kube-system", "daemon-set-controller")), deployment, nil},
		"another controller, here":              {in("web", accountSubject("kube-system", "daemon-set-controller")), deployment, []access.NamespacePolicy{apart("service account kube-system/daemon-set-controller may use it here, but it makes no pods here (RoleBinding web/b)")}},
		"another controller, which may create":  {in("", accountSubject("kube-system", "daemon-set-controller")).bind("", "creator", accountSubject("kube-system", "daemon-set-controller")), deployment, nil},
		"all controllers, nothing runs":         {in("", accountSubject("kube-system", "daemon-set-controller")), nil, []access.NamespacePolicy{controllers}},
		"all controllers by their group":        {in("", groupSubject("system:serviceaccounts:kube-system")), deployment, []access.NamespacePolicy{controllers}},
		"all controllers by their group, here":  {in("web", groupSubject("system:serviceaccounts:kube-system")), deployment, []access.NamespacePolicy{counted}},
		"all controllers, listed twice":         {in("", groupSubject("system:serviceaccounts:kube-system")).bind("", "r", groupSubject("system:serviceaccounts:kube-system"), groupSubject("system:serviceaccounts:kube-system")), deployment, []access.NamespacePolicy{controllers}},
		"all controllers, as one may create":    {in("", groupSubject("system:serviceaccounts:kube-system")).bind("", "creator", accountSubject("kube-system", "operator")), deployment, []access.NamespacePolicy{controllers}},
		"one may create, and no controller":     {in("", groupSubject("system:serviceaccounts:kube-system")).bind("", "creator", accountSubject("kube-system", "operator")), bare, []access.NamespacePolicy{counted}},
		"two of no use here":                    {in("web", user("system:node:n1")).bind("web", "r", user("system:kube-controller-manager")), bare, []access.NamespacePolicy{apart("user system:kube-controller-manager may use it here, but no controller makes pods here (RoleBinding web/b)")}},
		"another controller, as all may create": {in("", accountSubject("kube-system", "daemon-set-controller")).bind("", "creator", groupSubject("system:serviceaccounts:kube-system")), deployment, nil},
		"only controllers may create, here":     {in("web", groupSubject("system:serviceaccounts:kube-system")).bind("", "creator", accountSubject("kube-system", "job-controller")), bare, []access.NamespacePolicy{apart("group system:serviceaccounts:kube-system may use it here, but it may not create pods here (RoleBinding web/b)")}},
		"no controller makes pods here":         {in("", groupSubject("system:serviceaccounts:kube-system")), bare, nil},
		"the controller manager itself":         {in("", user("system:kube-controller-manager")), deployment, []access.NamespacePolicy{controllers}},
		"the controller manager has no part":    {in("web", user("system:kube-controller-manager")), bare, []access.NamespacePolicy{apart("user system:kube-controller-manager may use it here, but no controller makes pods here (RoleBinding web/b)")}},
		"controllers as administrators":         {admin(groupSubject("system:serviceaccounts:kube-system")), deployment, []access.NamespacePolicy{administrators("group system:serviceaccounts:kube-system")}},
		"kubelets, mirror pods":                 {in("", groupSubject("system:nodes")), mirror, []access.NamespacePolicy{counted}},
		"kubelets, no mirror pods":              {in("", groupSubject("system:nodes")), deployment, nil},
		"kubelets, no mirror pods, here":        {in("web", groupSubject("system:nodes")), deployment, []access.NamespacePolicy{apart("group system:nodes may use it here, but no mirror pod runs here (RoleBinding web/b)")}},
		"kubelets, nothing runs":                {in("", groupSubject("system:nodes")), nil, nil},
		"kubelets, nothing runs, granted here":  {in("web", user("system:node:n1")), nil, []access.NamespacePolicy{counted}},
		"counted and everybody":                 {in("", groupSubject("system:authenticated")).bind("web", "r", user("eve")), deployment, []access.NamespacePolicy{{Policy: "p", Counted: true, Everybody: true}}},
		"everybody and administrators":          {in("", groupSubject("system:authenticated")).bind("", "cluster-admin", user("eve")), deployment, []access.NamespacePolicy{{Policy: "p", Everybody: true, Administrators: true, Why: "everybody may use it everywhere: group system:authenticated (ClusterRoleBinding b)"}}},
		"by more than one":                      {admin(groupSubject("ops")).bind("", "cluster-admin", user("eve")), nil, []access.NamespacePolicy{{Policy: "p", Administrators: true, Why: "only those who may use every policy everywhere may use it here: group ops (ClusterRoleBinding b) and 1 more"}}},
		"a controller and somebody else, twice": {in("", groupSubject("system:serviceaccounts:kube-system")).bind("", "r", user("eve")), deployment, []access.NamespacePolicy{counted}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(access.NamespaceAccess(tc.want), tc.in.resolve().NamespaceAccess("web", tc.workloads)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamespaceEvidence(t *testing.T) {
	t.Parallel()
	g := policies("a", "b").
		role("", "a", useRule("a")).
		bind("", "a", user("eve"), groupSubject("system:authenticated")).
		bind("", "cluster-admin", groupSubject("ops"), accountSubject("web", "deployer")).
		bind("web", "a", accountSubject("", "api")).
		resolve()
	const why = "only those who may use every policy everywhere may use it here: group ops (ClusterRoleBinding b) and 1 more"
	for namespace, want := range map[string]access.NamespaceAccess{
		"web": {
			{Policy: "a", Counted: true, Everybody: true, Administrators: true},
			{Policy: "b", Counted: true, Administrators: true},
		},
		"ci": {
			{Policy: "a", Counted: true, Everybody: true, Administrators: true},
			{Policy: "b", Administrators: true, Why: why},
		},
	} {
		if diff := cmp.Diff(want, g.NamespaceAccess(namespace, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", namespace, diff)
		}
	}
}

// TestNamespaceOfControllers: in kube-system the controllers are accounts of the namespace like any other.
func TestNamespaceOfControllers(t *testing.T) {
	t.Parallel()
	g := policies("p").role("", "r", useRule("p")).bind("", "r", accountSubject("kube-system", "replicaset-controller")).resolve()
	want := access.NamespaceAccess{{Policy: "p", Counted: true}}
	if diff := cmp.Diff(want, g.NamespaceAccess("kube-system", nil)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
