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

// subjectGrant is one subject of one binding to a role that lets it use policies or create pods. Every question is answered
// from these; they become a Grant each only where a caller asks for Grants.
type subjectGrant struct {
	identity  identity
	subject   Subject
	binding   *inventory.Binding // it holds in the namespace of it; "" is everywhere
	reference string             // of the binding
	role      *resolvedRole
}

// compareSubjectGrants orders grants by namespace, then by who holds them.
func compareSubjectGrants(a, b subjectGrant) int {
	if c := cmp.Or(cmp.Compare(a.binding.Namespace, b.binding.Namespace), compareIdentities(a.identity, b.identity)); c != 0 {
		return c // most differ in these
	}
	return cmp.Or(
		compareSubjects(a.subject, b.subject),
		cmp.Compare(a.reference, b.reference),
		cmp.Compare(a.role.reference, b.role.reference),
	)
}

// Resolve reads the RBAC of an inventory. Of the inventory it keeps the bindings, and the roles that let use policies.
func Resolve(inv *inventory.Inventory) *Grants {
	g := &Grants{policies: policyNames(inv), serviceAccounts: serviceAccountNames(inv)}
	roles := resolveRoles(inv)
	aggregation := aggregateClusterRoles(roles)
	cycles := aggregation.cyclicGroups()

	f := &rbacFindings{knownPolicies: g.policies}
	f.checkRoles(inv, roles, aggregation.overwrittenRoles(cycles))
	dropUnknownPolicies(roles, g.policies)
	for i := range inv.Bindings {
		g.addBinding(&inv.Bindings[i], roles, f)
	}
	slices.SortFunc(g.subjectGrants, compareSubjectGrants)
	g.subjectGrants = slices.CompactFunc(g.subjectGrants, func(a, b subjectGrant) bool { return compareSubjectGrants(a, b) == 0 })
	g.subjectGrants = slices.Clip(g.subjectGrants)
	g.indexByNamespace()

	g.GrantingRoles = grantingRoles(inv, roles)
	g.indexNamespaces()
	g.indexRoles()
	g.Administrators = g.clusterAdministratorGrants()
	g.UnusedPolicies = g.unusedPolicies()
	g.Dangling, g.MissingRoles = f.sorted(), f.missingRoleLabels()
	g.BindingsToMissingRoles = f.bindingsToMissing // sorted, since the bindings are
	g.UnresolvedRoles = aggregation.unresolvedRoles(cycles, inv.Bindings)
	return g
}

// policyNames returns the names of the policies that were read, sorted, to look up names in RBAC rules.
func policyNames(inv *inventory.Inventory) []string {
	names := make([]string, 0, len(inv.Policies))
	for _, p := range inv.Policies {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// serviceAccountNames returns, by namespace, the names of the service accounts that were read or that a workload runs
// as, sorted.
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

// addBinding adds a grant for each subject of an RBAC binding that can match somebody. The others become findings.
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
	reference := bindingReference(b)
	for _, s := range b.Subjects {
		if subject, id, ok := resolveSubject(s, b.Namespace); ok {
			g.subjectGrants = append(g.subjectGrants, subjectGrant{identity: id, subject: subject, reference: reference, binding: b, role: r})
		}
	}
}

// bindingReference returns "ClusterRoleBinding NAME" or "RoleBinding NAMESPACE/NAME".
func bindingReference(b *inventory.Binding) string {
	if b.Namespace == "" {
		return "ClusterRoleBinding " + b.Name
	}
	return "RoleBinding " + b.Namespace + "/" + b.Name
}

// indexByNamespace sets up grantsIn. The grants are sorted.
func (g *Grants) indexByNamespace() {
	g.grantsByNamespace = map[string][]subjectGrant{}
	for rest := g.subjectGrants; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].binding.Namespace == rest[0].binding.Namespace {
			n++
		}
		g.grantsByNamespace[rest[0].binding.Namespace], rest = rest[:n:n], rest[n:]
	}
}

// grantsIn are the grants of the RoleBindings of a namespace; of the ClusterRoleBindings for "".
func (g *Grants) grantsIn(namespace string) []subjectGrant { return g.grantsByNamespace[namespace] }

// grantsHeldIn are the grants of grantsIn to one identity.
func (g *Grants) grantsHeldIn(namespace string, id identity) []subjectGrant {
	all := g.grantsIn(namespace)
	from, found := slices.BinarySearchFunc(all, id, func(e subjectGrant, id identity) int { return compareIdentities(e.identity, id) })
	if !found {
		return nil
	}
	to := from
	for to < len(all) && all[to].identity == id {
		to++
	}
	return all[from:to]
}

// compareEvidence orders the RBAC grants of one policy as they are listed.
func compareEvidence(a, b subjectGrant) int {
	return cmp.Or(
		cmp.Compare(a.binding.Namespace, b.binding.Namespace),
		compareSubjects(a.subject, b.subject),
		cmp.Compare(a.reference, b.reference),
		cmp.Compare(a.role.reference, b.role.reference),
	)
}

// indexRoles indexes the RBAC roles by the policies that they name, to find the grants of a policy. A grant for each
// policy would be many where many may use many; what is kept here is no more than what was read.
func (g *Grants) indexRoles() {
	g.grantsByRole = map[*resolvedRole][]*subjectGrant{}
	for i := range g.subjectGrants {
		if e := &g.subjectGrants[i]; e.role.granted.anyPolicy() {
			g.grantsByRole[e.role.representative] = append(g.grantsByRole[e.role.representative], e)
		}
	}
}

// PolicyGrants returns the RBAC grants of one policy that was read, sorted by namespace, subject, binding and role; nil
// for another one.
func (g *Grants) PolicyGrants(name string) []Grant {
	if _, found := slices.BinarySearch(g.policies, name); !found {
		return nil
	}
	var edges []*subjectGrant
	for r, granted := range g.grantsByRole {
		if r.granted.everyPolicy || slices.Contains(r.granted.policies, name) {
			edges = append(edges, granted...)
		}
	}
	return toGrants(edges, name)
}

// toGrants converts the RBAC grants of one policy, or of all policies for "", to the exported form, in order.
func toGrants(edges []*subjectGrant, policy string) []Grant {
	slices.SortFunc(edges, func(a, b *subjectGrant) int { return compareEvidence(*a, *b) })
	out := make([]Grant, 0, len(edges))
	for _, e := range edges {
		out = append(out, Grant{
			Policy:          policy,
			Namespace:       e.binding.Namespace,
			Subject:         e.subject,
			Binding:         e.reference,
			Role:            e.role.reference,
			BindingPosition: e.binding.Position,
			RolePosition:    e.role.source.Position,
			AllPolicies:     e.role.granted.everyPolicy,
		})
	}
	return out
}

// clusterAdministratorGrants returns the cluster-wide RBAC grants of every policy to others than everybody, such as
// cluster-admin.
func (g *Grants) clusterAdministratorGrants() []Grant {
	var edges []*subjectGrant
	everywhere := g.grantsIn("")
	for i := range everywhere {
		if e := &everywhere[i]; e.isAdministrator() {
			edges = append(edges, e)
		}
	}
	return toGrants(edges, "")
}

// unusedPolicies returns the policies that no RBAC grant but those of cluster administrators lets anybody use.
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

// grantedOnPurpose reports whether an RBAC grant is not merely one of cluster administrators, who may use every policy
// anyway. A grant to service accounts counts, since pods may run as them.
func grantedOnPurpose(e *subjectGrant) bool {
	kind := classifyIdentity(e.identity).kind
	return !e.isAdministrator() || kind == accountClass || kind == namespaceAccountsClass
}
