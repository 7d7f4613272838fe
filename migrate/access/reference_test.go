package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// The reference below answers one question at a time, straight from the rules of RBAC as admission asks it: slow, and
// short enough to be read against them.

func refUse(inv *inventory.Inventory, namespace, policy string, p access.Principal) bool {
	return slices.Contains(p.Groups, "system:masters") ||
		refAllowed(inv, namespace, p, "use", "policy", "podsecuritypolicies", policy) ||
		refAllowed(inv, namespace, p, "use", "extensions", "podsecuritypolicies", policy)
}

func refCreatePods(inv *inventory.Inventory, namespace string, p access.Principal) bool {
	return slices.Contains(p.Groups, "system:masters") || refAllowed(inv, namespace, p, "create", "", "pods", "")
}

func refAllowed(inv *inventory.Inventory, namespace string, p access.Principal, verb, group, resource, name string) bool {
	for _, b := range inv.Bindings {
		if b.Namespace != "" && b.Namespace != namespace {
			continue
		}
		applies := slices.ContainsFunc(b.Subjects, func(s rbacv1.Subject) bool { return refSubject(s, b.Namespace, p) })
		if !applies {
			continue
		}
		for _, rule := range refRules(inv, b) {
			has := func(list []string, item string) bool {
				return slices.Contains(list, item) || slices.Contains(list, "*")
			}
			if has(rule.Verbs, verb) && has(rule.APIGroups, group) && has(rule.Resources, resource) &&
				(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, name)) {
				return true
			}
		}
	}
	return false
}

func refSubject(s rbacv1.Subject, bindingNamespace string, p access.Principal) bool {
	switch s.Kind {
	case "User":
		return s.Name == p.User
	case "Group":
		return slices.Contains(p.Groups, s.Name)
	case "ServiceAccount":
		namespace := s.Namespace
		if namespace == "" {
			namespace = bindingNamespace
		}
		return namespace != "" && p.User == "system:serviceaccount:"+namespace+":"+s.Name
	}
	return false
}

func refRules(inv *inventory.Inventory, b inventory.Binding) []rbacv1.PolicyRule {
	if b.RoleKind != "ClusterRole" && (b.RoleKind != "Role" || b.Namespace == "") {
		return nil
	}
	namespace := b.Namespace
	if b.RoleKind == "ClusterRole" {
		namespace = ""
	}
	for _, r := range inv.Roles {
		if r.Namespace == namespace && r.Name == b.RoleName {
			return r.Rules
		}
	}
	return nil
}

// refAggregate returns the inventory as the aggregation controller would leave it: it comes to the roles in any order, over
// and over, and applies to an aggregated one the rules of those that it selects, until nothing changes. No rules applied
// change nothing. Where roles select each other in a circle, the order may decide.
func refAggregate(g *generator, inv inventory.Inventory) inventory.Inventory {
	inv.Roles = slices.Clone(inv.Roles)
	for i := range inv.Roles {
		if inv.Roles[i].OtherRules {
			inv.Roles[i].Rules = append(slices.Clone(inv.Roles[i].Rules), rule("", "configmaps", "get"))
		}
	}
	for range 100 {
		changed := false
		for _, i := range g.Perm(len(inv.Roles)) {
			r := &inv.Roles[i]
			if r.Namespace != "" || r.Aggregation == nil || r.Stored {
				continue
			}
			rules := refSelected(&inv, r)
			if len(rules) > 0 && !equality.Semantic.DeepEqual(rules, r.Rules) {
				r.Rules = rules
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	return inv
}

// refSelected are the rules of all roles that the role selects, but itself.
func refSelected(inv *inventory.Inventory, role *inventory.Role) []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	for _, s := range role.Aggregation.ClusterRoleSelectors {
		for i := range inv.Roles {
			r := &inv.Roles[i]
			if r == role || r.Namespace != "" || !refSelects(s, r.Labels) {
				continue
			}
			for _, rule := range r.Rules {
				if !slices.ContainsFunc(rules, func(x rbacv1.PolicyRule) bool { return equality.Semantic.DeepEqual(x, rule) }) {
					rules = append(rules, rule)
				}
			}
		}
	}
	return rules
}

func refSelects(s metav1.LabelSelector, labels map[string]string) bool {
	for k, v := range s.MatchLabels {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// generator makes small clusters in which names collide as often as possible.
type generator struct {
	*rand.Rand
	aggregate bool
}

var (
	genNamespaces = []string{"web", "web-2", "kube-system"}
	genPolicies   = []string{"a", "b", "open"}
	genAccounts   = []string{"default", "runner", "replicaset-controller"}
	genNobodies   = []string{"system:serviceaccounts:web", "system:serviceaccount:web:runner", "Runner", ""}
	genVerbs      = []string{"use", "use", "use", "*", "get", "list", "create", "Use"}
	genGroups     = []string{"policy", "policy", "extensions", "*", "", "apps", "Policy"}
	genResources  = []string{"podsecuritypolicies", "podsecuritypolicies", "*", "pods", "*/*", "podsecuritypolicies/*", "podsecuritypolicy", "PodSecurityPolicies", "pods/exec"}
	genNames      = []string{"a", "b", "open", "*", "gone", ""}
	genSubjects   = []string{"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:web", "system:serviceaccounts:web-2", "system:serviceaccounts:kube-system", "system:nodes", "system:masters", "system:unauthenticated", "ops", "*", "system:serviceaccount:web:runner"}
	genUsers      = []string{"eve", "*", "system:serviceaccount:web:runner", "system:serviceaccount:kube-system:replicaset-controller", "system:kube-controller-manager", "system:node:n1", "system:anonymous", "system:authenticated"}
	genLabels     = []string{"x", "y", "z"}
	genKinds      = []string{"Deployment", "DaemonSet", "CronJob", "StatefulSet", "ReplicationController", "Pod", "Rollout"}
)

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

func some[T any](g *generator, from []T, most int) []T {
	var out []T
	for range g.IntN(most + 1) {
		out = append(out, pick(g, from))
	}
	return out
}

func (g *generator) inventory() *inventory.Inventory {
	inv := &inventory.Inventory{}
	for _, name := range genPolicies {
		inv.Policies = append(inv.Policies, &pspparse.Policy{Name: name})
	}
	for i := range 6 {
		inv.Roles = append(inv.Roles, g.clusterRole(fmt.Sprintf("c%d", i)))
	}
	for _, namespace := range genNamespaces {
		for i := range 2 {
			inv.Roles = append(inv.Roles, inventory.Role{Namespace: namespace, Name: fmt.Sprintf("c%d", i), Rules: g.rules()})
		}
	}
	for i := range 1 + g.IntN(8) {
		inv.Bindings = append(inv.Bindings, g.binding(i))
	}
	for _, namespace := range genNamespaces {
		for i := range g.IntN(3) {
			inv.Workloads = append(inv.Workloads, g.workload(namespace, i))
		}
	}
	return inv
}

func (g *generator) clusterRole(name string) inventory.Role {
	r := inventory.Role{Name: name, Rules: g.rules(), Labels: map[string]string{}, Stored: !g.aggregate, OtherRules: g.IntN(5) == 0}
	for _, l := range some(g, genLabels, 2) {
		r.Labels[l] = "1"
	}
	if g.aggregate && g.IntN(3) == 0 {
		r.Aggregation = &rbacv1.AggregationRule{}
		for _, l := range append(some(g, genLabels, 1), pick(g, genLabels)) {
			r.Aggregation.ClusterRoleSelectors = append(r.Aggregation.ClusterRoleSelectors, metav1.LabelSelector{MatchLabels: map[string]string{l: "1"}})
		}
	}
	return r
}

func (g *generator) rules() []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for range g.IntN(3) {
		out = append(out, rbacv1.PolicyRule{
			Verbs: some(g, genVerbs, 2), APIGroups: some(g, genGroups, 2), Resources: some(g, genResources, 2), ResourceNames: some(g, genNames, 2),
		})
	}
	if g.IntN(3) == 0 {
		out = append(out, rbacv1.PolicyRule{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods"}})
	}
	if g.IntN(3) == 0 {
		out = append(out, rbacv1.PolicyRule{Verbs: []string{"use"}, APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}, ResourceNames: some(g, genPolicies, 1)})
	}
	return out
}

func (g *generator) binding(i int) inventory.Binding {
	b := inventory.Binding{
		Namespace: pick(g, append([]string{"", ""}, genNamespaces...)), Name: fmt.Sprintf("b%d", i),
		RoleKind: pick(g, []string{"ClusterRole", "ClusterRole", "ClusterRole", "Role", "Role", "role"}), RoleName: fmt.Sprintf("c%d", g.IntN(7)),
	}
	for range 1 + g.IntN(2) {
		switch g.IntN(4) {
		case 0:
			b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: pick(g, []string{"User", "User", "user"}), Name: pick(g, genUsers)})
		case 1:
			b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: pick(g, []string{"Group", "Group", ""}), Name: pick(g, genSubjects)})
		default:
			b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: "ServiceAccount", Namespace: pick(g, append([]string{""}, genNamespaces...)), Name: pick(g, slices.Concat(genAccounts, genAccounts, genNobodies))})
		}
	}
	return b
}

func (g *generator) workload(namespace string, i int) inventory.Workload {
	w := inventory.Workload{Namespace: namespace, Kind: pick(g, genKinds), Name: fmt.Sprintf("w%d", i), ServiceAccount: pick(g, genAccounts)}
	if g.IntN(2) == 0 {
		w.Template = &inventory.Shape{Spec: corev1.PodSpec{}}
	}
	for range g.IntN(3) {
		mirror := g.IntN(4) == 0
		p := inventory.PodGroup{Mirror: mirror, Count: 1}
		if !mirror {
			p.ServiceAccount = pick(g, genAccounts)
		}
		w.PodGroups = append(w.PodGroups, p)
	}
	return w
}

// genPrincipals are the identities asked about: every account with and without the groups of a request, every user
// and group.
func genPrincipals() []access.Principal {
	var out []access.Principal
	for _, namespace := range genNamespaces {
		for _, name := range append([]string{"daemon-set-controller"}, genAccounts...) {
			out = append(out, access.ServiceAccountPrincipal(namespace, name), access.ServiceAccountRequester(namespace, name))
		}
	}
	// Nobody is a user or group of a name that the server gives to the other.
	nobody := []string{"*", "system:authenticated", "system:serviceaccount:web:runner"}
	for _, user := range genUsers {
		if slices.Contains(nobody[:2], user) {
			continue
		}
		out = append(out, access.Principal{User: user, Groups: []string{"system:authenticated"}, Description: "user " + user})
	}
	for _, group := range genSubjects {
		if slices.Contains(nobody, group) {
			continue
		}
		out = append(out, access.Principal{User: "mallory", Groups: []string{"system:authenticated", group}, Description: "group " + group})
	}
	return append(out, access.NodePrincipal(""), access.NodePrincipal("n1"), access.AnyRequester(), access.ControllerManagerPrincipal())
}

func names(usable []access.UsablePolicy) []string {
	out := []string{}
	for _, u := range usable {
		out = append(out, u.Policy)
	}
	return out
}

// TestReference compares every answer with the reference on random clusters, unless it is said that nobody can tell.
func TestReference(t *testing.T) {
	t.Parallel()
	principals := genPrincipals()
	unjudged := 0
	for seed := range uint64(400) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), aggregate: seed%2 == 1}
		inv := g.inventory()
		grants, settled := access.Resolve(inv), refAggregate(g, *inv)
		if len(grants.UnresolvedRoles) > 0 {
			unjudged++
			continue
		}
		for _, namespace := range append([]string{"", "elsewhere"}, genNamespaces...) {
			for _, p := range principals {
				want := []string{}
				for _, policy := range genPolicies {
					if refUse(&settled, namespace, policy, p) {
						want = append(want, policy)
					}
				}
				if diff := cmp.Diff(want, names(grants.PoliciesUsableBy(namespace, p))); diff != "" {
					t.Fatalf("seed %d: UsableBy(%q, %s) (-want +got):\n%s", seed, namespace, p.Description, diff)
				}
				if want, got := refCreatePods(&settled, namespace, p), grants.CanCreatePods(namespace, p); want != got {
					t.Fatalf("seed %d: CanCreatePods(%q, %s) = %t, want %t", seed, namespace, p.Description, got, want)
				}
			}
		}
	}
	if unjudged == 0 || unjudged > 30 {
		t.Errorf("%d of 200 clusters with aggregation are left unjudged, want some and not many", unjudged)
	}
}

// TestGrantsAreEvidence checks each grant by leaving nothing else in the cluster: its binding alone, asked for its
// subject, must give the policy, and everywhere the grant says.
func TestGrantsAreEvidence(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 2)), aggregate: seed%2 == 1}
		inv := g.inventory()
		settled := refAggregate(g, *inv)
		bindings := settled.Bindings
		for _, grant := range allGrants(access.Resolve(inv), genPolicies...) {
			settled.Bindings = slices.DeleteFunc(slices.Clone(bindings), func(b inventory.Binding) bool { return !strings.HasSuffix(grant.Binding, b.Name) })
			p := access.Principal{}
			switch grant.Subject.Kind {
			case access.GroupKind:
				p.Groups = []string{grant.Subject.Name}
			case access.UserKind:
				p.User = grant.Subject.Name
			default:
				p.User = "system:serviceaccount:" + grant.Subject.Namespace + ":" + grant.Subject.Name
			}
			namespace := grant.Namespace
			if namespace == "" {
				namespace = "elsewhere"
			}
			if !refUse(&settled, namespace, grant.Policy, p) {
				t.Fatalf("seed %d: %+v does not hold", seed, grant)
			}
			if _, role, _ := strings.Cut(grant.Role, " "); !strings.Contains(fmt.Sprint(settled.Bindings), role[strings.LastIndex(role, "/")+1:]) {
				t.Fatalf("seed %d: %+v names a role that its binding does not", seed, grant)
			}
		}
	}
}

// TestOrder: the order of the input changes nothing.
func TestOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 3)), aggregate: true}
		inv := g.inventory()
		want := everyAnswer(access.Resolve(inv), inv)
		inv.Roles, inv.Bindings = slices.Clone(inv.Roles), slices.Clone(inv.Bindings)
		g.Shuffle(len(inv.Bindings), func(i, j int) { inv.Bindings[i], inv.Bindings[j] = inv.Bindings[j], inv.Bindings[i] })
		g.Shuffle(len(inv.Roles), func(i, j int) { inv.Roles[i], inv.Roles[j] = inv.Roles[j], inv.Roles[i] })
		g.Shuffle(len(inv.Policies), func(i, j int) { inv.Policies[i], inv.Policies[j] = inv.Policies[j], inv.Policies[i] })
		if diff := cmp.Diff(want, everyAnswer(access.Resolve(inv), inv)); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

func allGrants(g *access.Grants, policies ...string) []access.Grant {
	var out []access.Grant
	for _, name := range policies {
		out = append(out, g.PolicyGrants(name)...)
	}
	return out
}

// answers is all that can be seen of Grants.
type answers struct {
	All, Admins []access.Grant
	Unused      []string
	Dangling    []access.RBACFinding
	Unjudged    []inventory.Gap
	Namespaces  map[string]access.NamespaceAccess
	Creators    map[string][]access.Principal
	Roles       []access.GrantingRole
}

// everyAnswer is all that the grants of a random inventory answer.
func everyAnswer(g *access.Grants, inv *inventory.Inventory) answers {
	a := answers{allGrants(g, genPolicies...), g.Administrators, g.UnusedPolicies, g.Dangling, g.UnresolvedRoles, map[string]access.NamespaceAccess{}, map[string][]access.Principal{}, g.GrantingRoles}
	for _, namespace := range genNamespaces {
		a.Namespaces[namespace] = g.NamespaceAccess(namespace, workloadsOf(inv, namespace))
		a.Creators[namespace] = g.PodCreators(namespace)
	}
	return a
}

func workloadsOf(inv *inventory.Inventory, namespace string) []inventory.Workload {
	var out []inventory.Workload
	for _, w := range inv.Workloads {
		if w.Namespace == namespace {
			out = append(out, w)
		}
	}
	return out
}
