package access

import (
	"cmp"
	"encoding/binary"
	"slices"

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
	narrow(roles, g.policies)
	for i := range inv.Bindings {
		g.bind(&inv.Bindings[i], roles, f)
	}
	slices.SortFunc(g.edges, compareEdges)
	g.edges = slices.CompactFunc(g.edges, func(a, b edge) bool { return compareEdges(a, b) == 0 })
	g.edges = slices.Clip(g.edges)

	g.index()
	g.indexRoles()
	g.Administrators = g.administrators()
	g.Unused = g.unused()
	g.Dangling, g.Unread = f.sorted(), f.unreadLabels()
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

// compareEvidence is the order in which grants of one policy are told, a total one.
func compareEvidence(a, b edge) int {
	return cmp.Or(
		cmp.Compare(a.namespace, b.namespace),
		compareSubjects(a.subject, b.subject),
		cmp.Compare(a.binding, b.binding),
		cmp.Compare(a.role.label, b.role.label),
	)
}

// indexRoles finds the edges of a policy by way of its roles. An edge for each policy would be many where many may use
// many; what is kept is no more than what was read.
func (g *Grants) indexRoles() {
	g.byRole = map[*role][]*edge{}
	for i := range g.edges {
		if e := &g.edges[i]; e.role.reach.uses() {
			g.byRole[e.role.like] = append(g.byRole[e.role.like], e)
		}
	}
	g.naming = map[string][]*role{}
	for r := range g.byRole {
		if r.reach.every {
			g.unnamed = append(g.unnamed, r)
		}
		for _, name := range r.reach.named {
			g.naming[name] = append(g.naming[name], r)
		}
	}
}

// Policy returns the grants of one policy that was read, sorted by namespace, subject, binding, role.
func (g *Grants) Policy(name string) []Grant {
	if _, found := slices.BinarySearch(g.policies, name); !found {
		return nil
	}
	return grants(append(g.edgesOfEvery(), g.edgesNaming(name)...), name)
}

// Naming returns those of the grants of a policy that was read whose roles name it, in the same order. Policies that are named
// by the same roles have the same ones, and the same text as by.
func (g *Grants) Naming(name string) (by string, told func() []Grant) {
	var key []byte
	for _, r := range g.naming[name] {
		key = binary.AppendUvarint(key, r.number)
	}
	return string(key), func() []Grant { return grants(g.edgesNaming(name), name) }
}

// OfEvery returns the grants whose roles name no policy, in the same order: each is one of every policy.
func (g *Grants) OfEvery() []Grant { return grants(g.edgesOfEvery(), "") }

func (g *Grants) edgesNaming(policy string) []*edge {
	var out []*edge
	for _, r := range g.naming[policy] {
		out = append(out, g.byRole[r]...)
	}
	return out
}

func (g *Grants) edgesOfEvery() []*edge {
	var out []*edge
	for _, r := range g.unnamed {
		out = append(out, g.byRole[r]...)
	}
	return out
}

// grants tells edges as grants of one policy, or of all for "", in order.
func grants(edges []*edge, policy string) []Grant {
	slices.SortFunc(edges, func(a, b *edge) int { return compareEvidence(*a, *b) })
	out := make([]Grant, 0, len(edges))
	for _, e := range edges {
		out = append(out, Grant{
			Policy:      policy,
			Namespace:   e.namespace,
			Subject:     e.subject,
			Binding:     e.binding,
			Role:        e.role.label,
			AllPolicies: e.role.reach.every,
		})
	}
	return out
}

func (g *Grants) administrators() []Grant {
	var edges []*edge
	everywhere := g.in("")
	for i := range everywhere {
		if e := &everywhere[i]; e.administrators() {
			edges = append(edges, e)
		}
	}
	return grants(edges, "")
}

func (g *Grants) unused() []string {
	used := map[string]bool{}
	for r, edges := range g.byRole {
		if !slices.ContainsFunc(edges, byName) {
			continue
		}
		if r.reach.every {
			return nil
		}
		for _, name := range r.reach.named {
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

// byName is true for what somebody granted on purpose: cluster administrators may use every policy anyway. A service
// account counts even so, since pods may run as it.
func byName(e *edge) bool {
	kind := partyOf(e.id).kind
	return !e.administrators() || kind == account || kind == accounts
}
