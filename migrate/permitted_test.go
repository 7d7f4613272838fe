package migrate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// What the policies say about a namespace, and which of them say nothing.
func TestPermitted(t *testing.T) {
	t.Parallel()
	open, base, tight := policy(t, "open", anythingGoes), policy(t, "base", baselineLike), policy(t, "tight", restrictedLike)
	eks, rke := policy(t, "eks.privileged", anythingGoes), policy(t, "global-restricted-psp", restrictedLike)
	web := deployment("a/web", hardened())
	controller := account("kube-system/replicaset-controller")
	ops := rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: "ops"}
	const everywhere = "everybody may use it everywhere"
	tests := []struct {
		name    string
		objects []object
		level   api.Level
		by      []string
		apart   []ExcludedPolicy
	}{
		{name: "no policy", objects: []object{web}},
		{name: "a policy that nobody may use", objects: []object{web, open}},
		{name: "an account of another namespace", objects: []object{web, open, grant("open", "", account("b/x"))}},
		{name: "its account", objects: []object{web, open, grant("open", "a", account("a/default"))}, level: privileged, by: []string{"open"}},
		{
			name: "the least strict of several", objects: []object{web, tight, base, grant("tight", "a", everyAccountOf("a")), grant("base", "a", everyAccountOf("a"))},
			level: baseline, by: []string{"base", "tight"},
		},
		{
			name: "everybody, anything goes", objects: []object{web, open, tight, grant("open", "", everybody()), grant("tight", "a", everyAccountOf("a"))},
			level: restricted, by: []string{"tight"}, apart: []ExcludedPolicy{{"open", privileged, message.Message{Text: everywhere}}},
		},
		{
			name: "everybody, but it restricts", objects: []object{web, base, grant("base", "", everybody())},
			level: baseline, by: []string{"base"},
		},
		{
			name: "everybody, a provider's", objects: []object{web, eks, rke, grant("eks.privileged", "", everybody()), grant("global-restricted-psp", "", everybody())},
			apart: []ExcludedPolicy{
				{"eks.privileged", privileged, message.Message{Text: everywhere + ", a default of Amazon EKS"}},
				{"global-restricted-psp", restricted, message.Message{Text: everywhere + ", a default of RKE2"}},
			},
		},
		{
			name: "a provider's, granted to its own account", objects: []object{web, eks, grant("eks.privileged", "a", account("a/default"))},
			level: privileged, by: []string{"eks.privileged"},
		},
		{
			name: "the controllers, anything goes", objects: []object{web, open, grant("open", "", controller)},
			apart: []ExcludedPolicy{{"open", privileged, message.Message{Text: "the controllers that create pods may use it everywhere"}}},
		},
		{
			name: "the controllers, a provider's", objects: []object{web, rke, grant("global-restricted-psp", "", controller)},
			apart: []ExcludedPolicy{{"global-restricted-psp", restricted, message.Message{Text: "the controllers that create pods may use it everywhere, a default of RKE2"}}},
		},
		{name: "the controllers, but it restricts", objects: []object{web, base, grant("base", "", controller)}, level: baseline, by: []string{"base"}},
		{name: "the controllers, here", objects: []object{web, open, grant("open", "a", controller)}, level: privileged, by: []string{"open"}},
		{name: "a controller that makes no pods here", objects: []object{web, open, grant("open", "", account("kube-system/job-controller"))}},
		{name: "administrators", objects: []object{web, open, grant("", "", ops)}},
		{name: "one that admits nothing", objects: []object{web, policy(t, "never", admitsNothing), grant("never", "a", everyAccountOf("a"))}},
		{name: "one that admits nothing, for everybody", objects: []object{web, policy(t, "never", admitsNothing), grant("never", "", everybody())}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, cluster("v1.24.1"), Options{}, append(tt.objects, namespace("a"))...), "a")
			type result struct {
				Permitted api.Level
				By        []string
				Apart     []ExcludedPolicy
			}
			if diff := cmp.Diff(result{tt.level, tt.by, tt.apart}, result{ns.PermittedLevel, ns.PermittedBy, ns.ExcludedPolicies}, cmpopts.EquateEmpty(), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Administrators are told once, everybody is none, and every grant stands with its policy.
func TestAdministratorsAndUses(t *testing.T) {
	t.Parallel()
	p := build(t, cluster("v1.24.1"), Options{},
		policy(t, "base", baselineLike), namespace("a"),
		grant("", "", group("ops")), grant("", "", everybody()), grant("", "a", group("local")),
		grant("base", "a", account("a/x")), grant("base", "", rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: "jo"}))
	want := []PolicyGrant{
		{Subject: Subject{Group: "ops"}, Binding: "ClusterRoleBinding use---ops", Role: "ClusterRole use---ops"},
		{Subject: Subject{Group: "system:authenticated"}, Binding: "ClusterRoleBinding use---system-authenticated", Role: "ClusterRole use---system-authenticated"},
		{Subject: Subject{User: "jo"}, Binding: "ClusterRoleBinding use-base--jo", Role: "ClusterRole use-base--jo"},
		{Namespace: "a", Subject: Subject{Group: "local"}, Binding: "RoleBinding a/use--a-local", Role: "ClusterRole use--a-local"},
		{Namespace: "a", Subject: Subject{ServiceAccount: "a/x"}, Binding: "RoleBinding a/use-base-a-ax", Role: "ClusterRole use-base-a-ax"},
	}
	if diff := cmp.Diff(want[:1], p.ClusterAdministrators); diff != "" {
		t.Errorf("administrators (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, p.GrantsOf(&p.Policies[0]), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
	var every, named []string
	for _, r := range p.Roles {
		if r.Policies[0] == EveryPolicy {
			every = append(every, r.Reference())
		} else {
			named = append(named, r.Reference())
		}
	}
	if diff := cmp.Diff([]string{want[0].Role, want[1].Role, want[3].Role}, every); diff != "" {
		t.Errorf("roles of every policy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{want[2].Role, want[4].Role}, named); diff != "" {
		t.Errorf("roles that name the policy (-want +got):\n%s", diff)
	}
}

// A policy that nobody can be admitted by has no level, and its lists are there for scripts to go over.
func TestPolicyThatAdmitsNothing(t *testing.T) {
	t.Parallel()
	p := build(t, fromFiles(), Options{}, policy(t, "never", admitsNothing)).Policies[0]
	if p.ClosestLevel+p.CompliesAsWritten+p.CompliesAfterMutation+p.NoLooserThan != "" || !p.AdmitsNothing || !slices.Equal(message.Texts(p.AdmitsNothingWhy), []string{`runAsUser: unknown rule "Nonsense"`}) {
		t.Errorf("levels %q %q %q %q, admits nothing: %v (%s)", p.ClosestLevel, p.CompliesAsWritten, p.CompliesAfterMutation, p.NoLooserThan, p.AdmitsNothing, p.AdmitsNothingWhy)
	}
	if p.MutatingFields == nil || p.Conditions == nil || p.Lost == nil || p.Checks == nil {
		t.Error("a list that the contract promises is null")
	}
}

// Accounts that make pods on their own and may use more than the level leaves them.
func TestPodCreators(t *testing.T) {
	t.Parallel()
	open, base, tight := policy(t, "open", anythingGoes), policy(t, "base", baselineLike), policy(t, "tight", restrictedLike)
	runner := account("a/runner")
	const caution = "service account a/runner can create pods on its own here and may use looser policies (base): what it creates may be refused by enforce=restricted"
	tests := []struct {
		name    string
		opts    Options
		objects []object
		want    []string
	}{
		{name: "a looser policy", objects: []object{base, tight, grant("base", "a", runner), grant("tight", "a", runner)}, want: []string{caution}},
		{name: "no looser policy", objects: []object{tight, grant("tight", "a", runner)}},
		{
			name:    "an account of another namespace, which is no principal of this one",
			objects: []object{base, podCreator("", account("b/operator")), grant("base", "", account("b/operator"))},
		},
		{name: "one that admits nothing", objects: []object{policy(t, "never", admitsNothing), grant("never", "a", runner)}},
		{
			name: "everybody's policy", objects: []object{open, grant("open", "", everybody())},
			want: []string{"service account a/runner can create pods on its own here and may use looser policies (open): what it creates may be refused by enforce=restricted"},
		},
		{
			name: "a provider's", objects: []object{policy(t, "eks.privileged", anythingGoes), grant("eks.privileged", "", everybody())},
			want: []string{"service account a/runner can create pods on its own here and may use looser policies (eks.privileged): what it creates may be refused by enforce=restricted"},
		},
		{
			name: "no policies", want: []string{"service account a/runner can create pods on its own here and no policy limits that today: what it creates may be refused by enforce=restricted"},
		},
		{
			name: "policies that nobody asks", objects: []object{tight, grant("tight", "a", runner), running("a/web-1", "", hardened())},
			want: []string{"service account a/runner can create pods on its own here and no policy limits that today: what it creates may be refused by enforce=restricted"},
		},
		{
			name: "several accounts", objects: []object{
				base, grant("base", "a", everyAccountOf("a")), podCreator("a", account("a/jenkins")), podCreator("", account("a/argo")), podCreator("a", account("a/spark")),
			},
			want: []string{"service accounts a/argo, a/jenkins, a/runner, 1 more can create pods on their own here and may use looser policies (base): what they create may be refused by enforce=restricted"},
		},
		{
			name: "every account here", objects: []object{base, grant("base", "a", everyAccountOf("a")), podCreator("a", everyAccountOf("a"))},
			want: []string{"service accounts a/default, a/runner can create pods on their own here and may use looser policies (base): what they create may be refused by enforce=restricted"},
		},
		{name: "the label of today refuses it already", objects: []object{base, grant("base", "a", runner), namespace("a", "enforce=restricted")}},
		{
			name: "a built-in controller", objects: []object{base, tight, grant("tight", "a", runner), grant("base", "a", account("a/other")), func(b *inventory.Builder) {
				b.AddRole(inventory.Role{Name: "system:controller:job-controller", Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"create"}}}})
				b.AddBinding(inventory.Binding{Name: "c", RoleKind: "ClusterRole", RoleName: "system:controller:job-controller", Subjects: []rbacv1.Subject{account("a/other")}})
			}},
		},
		{
			name: "everybody's, and its own too", objects: []object{base, open, grant("open", "", everybody()), grant("open", "a", runner), grant("base", "a", runner)},
			want: []string{"service account a/runner can create pods on its own here and may use looser policies (base, open): what it creates may be refused by enforce=restricted"},
		},
		{name: "as loose as the level", opts: Options{Enforce: baseline}, objects: []object{base, grant("base", "a", runner)}},
		{
			name: "enforce is withheld", objects: []object{base, grant("base", "a", runner), gap("pods", "a")},
			want: []string{"not everything could be read (see gaps): the needed level is an upper bound, and no enforce is recommended"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			objects := append(tt.objects, deployment("a/web", as("runner", hardened())), podCreator("a", runner))
			if tt.name != "the label of today refuses it already" {
				objects = append(objects, namespace("a"))
			}
			got := message.Texts(only(t, build(t, cluster("v1.24.1"), tt.opts, objects...), "a").Cautions)
			got = slices.DeleteFunc(got, func(s string) bool { return s == refusedToday }) // another story
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A right that every account has everywhere is told once for the plan, and not in each of many namespaces.
func TestPodCreatorsEverywhere(t *testing.T) {
	t.Parallel()
	base, tight := policy(t, "base", baselineLike), policy(t, "tight", restrictedLike)
	all := group("system:serviceaccounts")
	const start = "every service account can create pods on its own in every namespace (ClusterRoleBinding make-pods--system-serviceaccounts) and "
	for _, tt := range []struct {
		name    string
		objects []object
		want    []string
	}{
		{"no policies", nil, []string{start + "no policy limits that today: what they create in 2000 namespaces (n0, n1, n10, 1997 more) may be refused by the recommended level"}},
		{"a looser policy", []object{base, grant("base", "", everybody())}, []string{start + "may use looser policies (base): what they create in 2000 namespaces (n0, n1, n10, 1997 more) may be refused by the recommended level"}},
		{"a looser policy in one", []object{base, tight, grant("base", "n7", everyAccountOf("n7"))}, []string{start + "may use looser policies (base): what they create in 1 namespace (n7) may be refused by the recommended level"}},
		{"none", []object{tight, grant("tight", "", everybody())}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			objects := append(tt.objects, podCreator("", all))
			for i := range 2000 {
				objects = append(objects, deployment(fmt.Sprintf("n%d/web", i), hardened()))
			}
			p := build(t, cluster("v1.24.1"), Options{}, objects...)
			if diff := cmp.Diff(tt.want, message.Texts(p.Cautions), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, ns := range p.Namespaces {
				if slices.ContainsFunc(message.Texts(ns.Cautions), func(s string) bool { return strings.Contains(s, "create pods") }) {
					t.Fatalf("%s: %q", ns.Name, ns.Cautions)
				}
			}
		})
	}
}

// What is lost in a namespace: of the policies seen on its pods, else of those meant for it, against the level.
func TestNamespaceLost(t *testing.T) {
	t.Parallel()
	tight, base := policy(t, "tight", restrictedLike), policy(t, "base", baselineLike)
	lost := func(ns Namespace) map[string][]string {
		out := map[string][]string{}
		for _, l := range ns.Lost {
			if l.Class == "drift" {
				t.Errorf("drift in a namespace: %+v", l)
			}
			if l.Field == "readOnlyRootFilesystem" || l.Field == "allowPrivilegeEscalation" || l.Field == "volumes" {
				out[l.Field] = l.Policies
			}
		}
		return out
	}
	both := []object{tight, base, namespace("a"), grant("tight", "a", everyAccountOf("a")), grant("base", "a", everyAccountOf("a"))}
	tests := []struct {
		name    string
		opts    Options
		objects []object
		want    map[string][]string
	}{
		{"observed, at restricted", Options{Enforce: restricted}, []object{running("a/p", "tight", hardened()), running("a/q", "base", hardened())}, map[string][]string{
			"readOnlyRootFilesystem": {"tight"}, "volumes": {"base", "tight"},
		}},
		{"observed is one only", Options{}, []object{running("a/q", "base", plain())}, map[string][]string{"volumes": {"base"}}},
		{"observed was not read", Options{}, []object{running("a/q", "gone", plain())}, map[string][]string{}},
		{"observed, at baseline", Options{}, []object{running("a/p", "tight", hardened()), running("a/q", "base", hardened())}, map[string][]string{
			"allowPrivilegeEscalation": {"tight"}, "readOnlyRootFilesystem": {"tight"}, "volumes": {"base", "tight"},
		}},
		{"none observed", Options{}, []object{deployment("a/web", plain())}, map[string][]string{
			"allowPrivilegeEscalation": {"tight"},
			"readOnlyRootFilesystem":   {"tight"}, "volumes": {"base", "tight"},
		}},
		{"withheld: at the needed level", Options{}, []object{deployment("a/web", plain()), gap("pods", "a")}, map[string][]string{
			"allowPrivilegeEscalation": {"tight"},
			"readOnlyRootFilesystem":   {"tight"}, "volumes": {"base", "tight"},
		}},
		{"left alone", Options{EmptyNamespaces: EmptySkip}, nil, map[string][]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ns := only(t, build(t, cluster("v1.24.1"), tt.opts, append(tt.objects, both...)...), "a")
			if diff := cmp.Diff(tt.want, lost(ns), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Constraints that several policies share are told once, with all of them; another value is another constraint.
func TestMergeLost(t *testing.T) {
	t.Parallel()
	ids := func(from, to int64) mapping.Value {
		return mapping.Value{Ranges: []pspparse.IDRange{{Min: from, Max: to}}}
	}
	of := func(field string, value mapping.Value, class mapping.LossClass, policy string) *policyLoss {
		return newPolicyLoss(mapping.LostConstraint{Field: field, Value: value, Class: class}, policy)
	}
	got := mergePolicyLosses([]*policyLoss{
		of("runAsUser", ids(1, 2), "security", "b"), of("runAsUser", ids(1, 3), "security", "c"), of("volumes", mapping.Value{}, "functional", "b"),
		of("runAsUser", ids(1, 2), "security", "a"), of("runAsUser", ids(1, 2), "security", "b"),
	})
	want := []LostConstraint{
		{Field: "volumes", Class: "functional", Policies: []string{"b"}},
		{Field: "runAsUser", Value: ids(1, 2), Class: "security", Policies: []string{"a", "b"}},
		{Field: "runAsUser", Value: ids(1, 3), Class: "security", Policies: []string{"c"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A policy that only those who may use everything may use is unused: else no cluster with administrators had any.
func TestUnusedPolicies(t *testing.T) {
	t.Parallel()
	everything := rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}
	p := build(t, cluster("v1.24.1"), Options{}, policy(t, "granted", baselineLike), policy(t, "left", restrictedLike),
		grant("granted", "a", everyAccountOf("a")), bound(everything, "all", "", group("ops")))
	got := map[string]bool{}
	for _, po := range p.Policies {
		got[po.Name] = po.Unused
	}
	if diff := cmp.Diff(map[string]bool{"granted": false, "left": true}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Where policies decide, a binding to a role that is not among the files leaves open what else is permitted.
func TestRolesNotAmongTheFiles(t *testing.T) {
	t.Parallel()
	const told = "1 binding points to a role that was not read (RoleBinding a/lost): more may be permitted here than is shown"
	lost := func(b *inventory.Builder) {
		b.AddBinding(inventory.Binding{Namespace: "a", Name: "lost", RoleKind: "ClusterRole", RoleName: "psp:gone", Subjects: []rbacv1.Subject{everyAccountOf("a")}})
	}
	for _, tt := range []struct {
		name    string
		source  inventory.Source
		opts    Options
		objects []object
		want    bool
	}{
		{"files, nothing runs", fromFiles(), Options{}, nil, true},
		{"files, what runs decides", fromFiles(), Options{}, []object{deployment("a/web", plain())}, false},
		{"files, policies decide", fromFiles(), Options{Basis: BasisPolicies}, []object{deployment("a/web", plain())}, true},
		{"a cluster, where the role does not exist", cluster("v1.24.1"), Options{}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, tt.source, tt.opts, append(tt.objects, namespace("a"), lost)...), "a")
			if got := slices.Contains(message.Texts(ns.Cautions), told); got != tt.want {
				t.Errorf("cautions %q; want %q among them: %t", ns.Cautions, told, tt.want)
			}
		})
	}
}
