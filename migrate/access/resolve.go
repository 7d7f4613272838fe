package access

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	roleKind        = "Role"
	clusterRoleKind = "ClusterRole"
)

// subjectGrant is one subject of one binding to a role that lets it use policies or create pods. Everything that is asked is
// answered from edges; they are expanded to grants only where somebody wants to read them.
type subjectGrant struct {
	namespace string // where it holds; "" is everywhere
	identity  identity
	subject   Subject
	binding   string // as evidence
	role      *resolvedRole
}

func compareSubjectGrants(a, b subjectGrant) int {
	return cmp.Or(
		cmp.Compare(a.namespace, b.namespace),
		compareIdentities(a.identity, b.identity),
		compareSubjects(a.subject, b.subject),
		cmp.Compare(a.binding, b.binding),
		cmp.Compare(a.role.reference, b.role.reference),
	)
}

// Resolve reads the RBAC of an inventory. It does not keep the inventory.
func Resolve(inv *inventory.Inventory) *Grants {
	g := &Grants{policies: policyNames(inv), serviceAccounts: serviceAccountNames(inv)}
	roles := resolveRoles(inv)
	aggregation := aggregateClusterRoles(roles)
	circles := aggregation.cyclicGroups()

	f := &rbacFindings{knownPolicies: g.policies}
	f.checkRoles(inv, roles, aggregation.overwrittenRoles(circles))
	dropUnknownPolicies(roles, g.policies)
	for i := range inv.Bindings {
		g.addBinding(&inv.Bindings[i], roles, f)
	}
	slices.SortFunc(g.subjectGrants, compareSubjectGrants)
	g.subjectGrants = slices.CompactFunc(g.subjectGrants, func(a, b subjectGrant) bool { return compareSubjectGrants(a, b) == 0 })
	g.subjectGrants = slices.Clip(g.subjectGrants)

	g.GrantingRoles = grantingRoles(inv, roles)
	g.indexNamespaces()
	g.indexRoles()
	g.Administrators = g.administratorGrants()
	g.UnusedPolicies = g.unusedPolicies()
	g.Dangling, g.MissingRoles = f.sorted(), f.missingRoleLabels()
	g.BindingsToMissingRoles = f.bindingsToMissing // in order, since the bindings are
	g.UnresolvedRoles = aggregation.unresolvedRoles(circles, inv.Bindings)
	return g
}

func policyNames(inv *inventory.Inventory) []string {
	names := make([]string, 0, len(inv.Policies))
	for _, p := range inv.Policies {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// serviceAccountNames are the service accounts of each namespace that exist or that something runs as.
func serviceAccountNames(inv *inventory.Inventory) map[string][]string {
	out := map[string][]string{}
	for i := range inv.ServiceAccounts {
		a := &inv.ServiceAccounts[i]
		out[a.Namespace] = append(out[a.Namespace], a.Name)
	}
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		out[w.Namespace] = append(out[w.Namespace], podServiceAccounts(w)...)
	}
	for namespace, names := range out {
		slices.Sort(names)
		out[namespace] = slices.Compact(names)
	}
	return out
}

// addBinding turns one binding into edges. What can never match goes to the findings.
func (g *Grants) addBinding(b *inventory.Binding, roles map[roleKey]*resolvedRole, f *rbacFindings) {
	r := f.referencedRole(b, roles)
	if r == nil {
		return
	}
	r.bound = true
	if r.granted.anyPolicy() {
		f.checkSubjects(b)
	}
	if !r.granted.anyPolicy() && !r.granted.createPods {
		return
	}
	label := bindingReference(b)
	for _, s := range b.Subjects {
		subject, id, ok := resolveSubject(s, b.Namespace)
		if ok {
			g.subjectGrants = append(g.subjectGrants, subjectGrant{namespace: b.Namespace, identity: id, subject: subject, binding: label, role: r})
		}
	}
}

func bindingReference(b *inventory.Binding) string {
	if b.Namespace == "" {
		return "ClusterRoleBinding " + b.Name
	}
	return "RoleBinding " + b.Namespace + "/" + b.Name
}

// grantsIn are the edges of one namespace; of the whole cluster for "".
func (g *Grants) grantsIn(namespace string) []subjectGrant {
	byNamespace := func(e subjectGrant, ns string) int { return cmp.Compare(e.namespace, ns) }
	from, found := slices.BinarySearchFunc(g.subjectGrants, namespace, byNamespace)
	if !found {
		return nil
	}
	to, _ := slices.BinarySearchFunc(g.subjectGrants, namespace+"\x00", byNamespace)
	return g.subjectGrants[from:to]
}

// grantsHeldIn are the edges of one identity in one namespace, without those that hold everywhere.
func (g *Grants) grantsHeldIn(namespace string, id identity) []subjectGrant {
	from, found := slices.BinarySearchFunc(g.subjectGrants, id, func(e subjectGrant, id identity) int {
		return cmp.Or(cmp.Compare(e.namespace, namespace), compareIdentities(e.identity, id))
	})
	if !found {
		return nil
	}
	to := from
	for to < len(g.subjectGrants) && g.subjectGrants[to].namespace == namespace && g.subjectGrants[to].identity == id {
		to++
	}
	return g.subjectGrants[from:to]
}

// compareEvidence is the order in which grants of one policy are told, a total one.
func compareEvidence(a, b subjectGrant) int {
	return cmp.Or(
		cmp.Compare(a.namespace, b.namespace),
		compareSubjects(a.subject, b.subject),
		cmp.Compare(a.binding, b.binding),
		cmp.Compare(a.role.reference, b.role.reference),
	)
}

// indexRoles finds the edges of a policy by way of its roles. An edge for each policy would be many where many may use
// many; what is kept is no more than what was read.
func (g *Grants) indexRoles() {
	g.grantsByRole = map[*resolvedRole][]*subjectGrant{}
	for i := range g.subjectGrants {
		if e := &g.subjectGrants[i]; e.role.granted.anyPolicy() {
			g.grantsByRole[e.role.representative] = append(g.grantsByRole[e.role.representative], e)
		}
	}
	g.rolesNaming = map[string][]*resolvedRole{}
	for r := range g.grantsByRole {
		if r.granted.everyPolicy {
			g.rolesOfEveryPolicy = append(g.rolesOfEveryPolicy, r)
		}
		for _, name := range r.granted.policies {
			g.rolesNaming[name] = append(g.rolesNaming[name], r)
		}
	}
}

// PolicyGrants returns the grants of one policy that was read, sorted by namespace, subject, binding, role.
func (g *Grants) PolicyGrants(name string) []Grant {
	if _, found := slices.BinarySearch(g.policies, name); !found {
		return nil
	}
	return toGrants(append(g.subjectGrantsOfEvery(), g.subjectGrantsNaming(name)...), name)
}

func (g *Grants) subjectGrantsNaming(policy string) []*subjectGrant {
	var out []*subjectGrant
	for _, r := range g.rolesNaming[policy] {
		out = append(out, g.grantsByRole[r]...)
	}
	return out
}

func (g *Grants) subjectGrantsOfEvery() []*subjectGrant {
	var out []*subjectGrant
	for _, r := range g.rolesOfEveryPolicy {
		out = append(out, g.grantsByRole[r]...)
	}
	return out
}

// toGrants tells edges as grants of one policy, or of all for "", in order.
func toGrants(edges []*subjectGrant, policy string) []Grant {
	slices.SortFunc(edges, func(a, b *subjectGrant) int { return compareEvidence(*a, *b) })
	out := make([]Grant, 0, len(edges))
	for _, e := range edges {
		out = append(out, Grant{
			Policy:      policy,
			Namespace:   e.namespace,
			Subject:     e.subject,
			Binding:     e.binding,
			Role:        e.role.reference,
			AllPolicies: e.role.granted.everyPolicy,
		})
	}
	return out
}

func (g *Grants) administratorGrants() []Grant {
	var edges []*subjectGrant
	everywhere := g.grantsIn("")
	for i := range everywhere {
		if e := &everywhere[i]; e.isAdministrator() {
			edges = append(edges, e)
		}
	}
	return toGrants(edges, "")
}

func (g *Grants) unusedPolicies() []string {
	used := map[string]bool{}
	for r, edges := range g.grantsByRole {
		if !slices.ContainsFunc(edges, grantedOnPurpose) {
			continue
		}
		if r.granted.everyPolicy {
			return nil
		}
		for _, name := range r.granted.policies {
			used[name] = true
		}
	}
	var out []string
	for _, name := range g.policies {
		if !used[name] {
			out = append(out, name)
		}
	}
	return out
}

// grantedOnPurpose is true for what somebody granted on purpose: cluster administrators may use every policy anyway. A service
// account counts even so, since pods may run as it.
func grantedOnPurpose(e *subjectGrant) bool {
	kind := classifyIdentity(e.identity).kind
	return !e.isAdministrator() || kind == accountClass || kind == namespaceAccountsClass
}
