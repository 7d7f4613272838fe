package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	roleKind        = "Role"
	clusterRoleKind = "ClusterRole"
)

// edge is one subject of one binding to a role that lets it use policies or create pods. Everything that is asked is
// answered from edges; they are expanded to grants only where somebody wants to read them.
type edge struct {
	namespace string // where it holds; "" is everywhere
	id        identity
	subject   Subject
	binding   string // as evidence
	role      *role
}

func compareEdges(a, b edge) int {
	return cmp.Or(
		cmp.Compare(a.namespace, b.namespace),
		compareIdentities(a.id, b.id),
		compareSubjects(a.subject, b.subject),
		cmp.Compare(a.binding, b.binding),
		cmp.Compare(a.role.label, b.role.label),
	)
}

// Resolve reads the RBAC of an inventory. It does not keep the inventory.
func Resolve(inv *inventory.Inventory) *Grants {
	g := &Grants{policies: policyNames(inv), accounts: accountNames(inv)}
	roles := readRoles(inv)
	aggregation := aggregate(roles)
	circles := aggregation.circles()

	f := &findings{known: g.policies}
	f.roles(inv, roles, aggregation.overwritten(circles))
	for _, r := range roles {
		r.reach.among(g.policies)
	}
	for i := range inv.Bindings {
		g.bind(&inv.Bindings[i], roles, f)
	}
	slices.SortFunc(g.edges, compareEdges)
	g.edges = slices.CompactFunc(g.edges, func(a, b edge) bool { return compareEdges(a, b) == 0 })
	g.edges = slices.Clip(g.edges)

	g.index()
	g.expandAll()
	g.Unused = g.unused()
	g.Dangling = f.sorted()
	g.UnreadRoles = f.unreadIn // in order, since the bindings are
	g.Unjudged = aggregation.unjudged(circles, inv.Bindings)
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

// accountNames are the service accounts of each namespace that exist or that something runs as.
func accountNames(inv *inventory.Inventory) map[string][]string {
	out := map[string][]string{}
	for i := range inv.ServiceAccounts {
		a := &inv.ServiceAccounts[i]
		out[a.Namespace] = append(out[a.Namespace], a.Name)
	}
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		out[w.Namespace] = append(out[w.Namespace], podAccounts(w)...)
	}
	for namespace, names := range out {
		slices.Sort(names)
		out[namespace] = slices.Compact(names)
	}
	return out
}

// bind turns one binding into edges. What can never match goes to the findings.
func (g *Grants) bind(b *inventory.Binding, roles map[roleKey]*role, f *findings) {
	r := f.referenced(b, roles)
	if r == nil {
		return
	}
	if r.reach.uses() {
		f.subjects(b)
	}
	if !r.reach.uses() && !r.reach.pods {
		return
	}
	label := bindingLabel(b)
	for _, s := range b.Subjects {
		subject, id, ok := readSubject(s, b.Namespace)
		if ok {
			g.edges = append(g.edges, edge{namespace: b.Namespace, id: id, subject: subject, binding: label, role: r})
		}
	}
}

func bindingLabel(b *inventory.Binding) string {
	if b.Namespace == "" {
		return "ClusterRoleBinding " + b.Name
	}
	return "RoleBinding " + b.Namespace + "/" + b.Name
}

// in are the edges of one namespace; of the whole cluster for "".
func (g *Grants) in(namespace string) []edge {
	byNamespace := func(e edge, ns string) int { return cmp.Compare(e.namespace, ns) }
	from, found := slices.BinarySearchFunc(g.edges, namespace, byNamespace)
	if !found {
		return nil
	}
	to, _ := slices.BinarySearchFunc(g.edges, namespace+"\x00", byNamespace)
	return g.edges[from:to]
}

// held are the edges of one identity in one namespace, without those that hold everywhere.
func (g *Grants) held(namespace string, id identity) []edge {
	from, found := slices.BinarySearchFunc(g.edges, id, func(e edge, id identity) int {
		return cmp.Or(cmp.Compare(e.namespace, namespace), compareIdentities(e.id, id))
	})
	if !found {
		return nil
	}
	to := from
	for to < len(g.edges) && g.edges[to].namespace == namespace && g.edges[to].id == id {
		to++
	}
	return g.edges[from:to]
}

// expand appends the grants that an edge stands for.
func (g *Grants) expand(e *edge, out []Grant) []Grant {
	names := e.role.reach.named
	if e.role.reach.every {
		names = g.policies
	}
	for _, name := range names {
		out = append(out, e.grant(name))
	}
	return out
}

func (e *edge) grant(policy string) Grant {
	return Grant{
		Policy:      policy,
		Namespace:   e.namespace,
		Subject:     e.subject,
		Binding:     e.binding,
		Role:        e.role.label,
		AllPolicies: e.role.reach.every,
	}
}

// compareGrants is a total order: nothing else tells two grants apart.
func compareGrants(a, b Grant) int {
	return cmp.Or(
		cmp.Compare(a.Policy, b.Policy),
		cmp.Compare(a.Namespace, b.Namespace),
		compareSubjects(a.Subject, b.Subject),
		cmp.Compare(a.Binding, b.Binding),
		cmp.Compare(a.Role, b.Role),
	)
}

func sortGrants(in []Grant) []Grant {
	slices.SortFunc(in, compareGrants)
	return slices.Compact(in)
}

func (g *Grants) expandAll() {
	size := 0
	for i := range g.edges {
		if r := &g.edges[i].role.reach; r.every {
			size += len(g.policies)
		} else {
			size += len(r.named)
		}
	}
	g.All = make([]Grant, 0, size)
	for i := range g.edges {
		g.All = g.expand(&g.edges[i], g.All)
	}
	g.All = sortGrants(g.All)
}

// Policy returns the grants of one policy, a part of All.
func (g *Grants) Policy(name string) []Grant {
	from, found := slices.BinarySearchFunc(g.All, name, func(x Grant, name string) int { return cmp.Compare(x.Policy, name) })
	if !found {
		return nil
	}
	to := from
	for to < len(g.All) && g.All[to].Policy == name {
		to++
	}
	return g.All[from:to]
}

func (g *Grants) unused() []string {
	var out []string
	for _, name := range g.policies {
		if !slices.ContainsFunc(g.Policy(name), byName) {
			out = append(out, name)
		}
	}
	return out
}

// byName is true for a grant that somebody gave on purpose: cluster administrators may use every policy anyway. A
// service account counts even so, since pods may run as it.
func byName(g Grant) bool {
	return !g.Administrators() || g.Subject.Kind == ServiceAccount || strings.HasPrefix(g.Subject.Name, accountPrefix) ||
		strings.HasPrefix(g.Subject.Name, accountsPrefix)
}
