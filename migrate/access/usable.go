package access

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Usable is a policy that an identity may use; Grants.Policy tells the evidence.
type Usable struct {
	Policy string
	// Everybody is true if only grants to everybody, everywhere, let it use the policy.
	Everybody bool
}

// UsableBy lists the policies that a principal may use for a pod in a namespace, sorted by name. Members of
// system:masters may use every policy whatever RBAC says.
func (g *Grants) UsableBy(namespace string, p Principal) []Usable {
	return g.usable(namespace, identities(p))
}

// UsableByWorkload lists the policies that the pods of a workload can be admitted by: those that the accounts they run
// as may use, and those that what creates them may use (a controller; the kubelet for mirror pods, which have no
// account). Who creates a bare pod, or the pods of an owner of an unknown kind, is not known: then only what every
// request may use is added.
func (g *Grants) UsableByWorkload(w *inventory.Workload) []Usable {
	return g.usable(w.Namespace, identities(principals(w)...))
}

// identities of one or several principals, each once.
func identities(principals ...Principal) []identity {
	var out []identity
	for _, p := range principals {
		if p.User != "" {
			out = append(out, identity{name: p.User})
		}
		for _, group := range p.Groups {
			out = append(out, identity{group: true, name: group})
		}
	}
	slices.SortFunc(out, compareIdentities)
	return slices.Compact(out)
}

// usable looks at each role once, however many bindings lead to it.
func (g *Grants) usable(namespace string, ids []identity) []Usable {
	var few [16]naming
	u := use{roles: few[:0]}
	u.every = slices.Contains(ids, identity{group: true, name: mastersGroup})
	u.own = u.every
	for _, id := range ids {
		g.edgesOf(namespace, id, func(e *edge) {
			switch {
			case e.role.reach.every:
				u.every, u.own = true, u.own || !e.everybody()
			case e.role.reach.uses():
				u.roles = append(u.roles, naming{e.role.like, !e.everybody()})
			}
		})
	}
	u.settle()
	var key [32]byte
	return g.remembered.usable(u.key(key[:0]), func() []Usable { return u.policies(g.policies) })
}

// use is what somebody has that lets use policies.
type use struct {
	// every: a role that names no policy; own: not only as everybody has it.
	every, own bool
	roles      []naming
}

// naming is a role that names policies, and those that are like it. It is own if not only everybody has it.
type naming struct {
	role *role
	own  bool
}

// settle has each role once.
func (u *use) settle() {
	slices.SortFunc(u.roles, func(a, b naming) int {
		switch {
		case a.role != b.role:
			return cmp.Compare(a.role.number, b.role.number)
		case a.own == b.own:
			return 0
		case a.own:
			return -1
		}
		return 1
	})
	u.roles = slices.CompactFunc(u.roles, func(a, b naming) bool { return a.role == b.role }) // keeps the first, which is own if any is
}

func (u *use) policies(all []string) []Usable {
	named := map[string]bool{}
	for _, n := range u.roles {
		for _, name := range n.role.reach.named {
			named[name] = named[name] || n.own
		}
	}
	names := all
	if !u.every {
		names = slices.Sorted(maps.Keys(named))
	}
	var out []Usable
	for _, name := range names {
		out = append(out, Usable{Policy: name, Everybody: !u.own && !named[name]})
	}
	return out
}

// key appends to b what is the same for those who may use the same policies by the same roles.
func (u *use) key(b []byte) []byte {
	b = append(b, bit(u.every)|bit(u.own)<<1)
	for _, n := range u.roles {
		b = binary.AppendUvarint(b, n.role.number<<1|uint64(bit(n.own)))
	}
	return b
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// remembered are answers that many namespaces and workloads share. There may be many of those, and many policies.
type remembered struct {
	lock    sync.Mutex
	usables map[string][]Usable
	access  map[shared]NamespaceAccess
}

func (r *remembered) usable(key []byte, answer func() []Usable) []Usable {
	r.lock.Lock()
	defer r.lock.Unlock()
	found, ok := r.usables[string(key)]
	if !ok {
		if r.usables == nil {
			r.usables = map[string][]Usable{}
		}
		found = answer()
		r.usables[string(key)] = found
	}
	return found
}

// Shared is true for an answer of Namespace that other namespaces get, too.
func (g *Grants) Shared(a NamespaceAccess) bool {
	g.remembered.lock.Lock()
	defer g.remembered.lock.Unlock()
	for _, known := range g.remembered.access { // a few
		if len(known) > 0 && len(a) > 0 && &known[0] == &a[0] {
			return true
		}
	}
	return len(a) == 0
}

func (r *remembered) namespace(key shared, answer func() NamespaceAccess) NamespaceAccess {
	r.lock.Lock()
	defer r.lock.Unlock()
	found, ok := r.access[key]
	if !ok {
		if r.access == nil {
			r.access = map[shared]NamespaceAccess{}
		}
		found = answer()
		r.access[key] = found
	}
	return found
}

// edgesOf visits what an identity holds in a namespace: what it holds everywhere, and there. Bindings of other
// namespaces never count.
func (g *Grants) edgesOf(namespace string, id identity, visit func(*edge)) {
	for _, scope := range [...]string{"", namespace} {
		edges := g.held(scope, id)
		for i := range edges {
			visit(&edges[i])
		}
	}
}

// CanCreatePods tells whether RBAC lets a principal create pods in a namespace (everywhere, for ""). Creating something
// that makes pods is not the same: then a controller creates them.
func (g *Grants) CanCreatePods(namespace string, p Principal) bool {
	for _, id := range identities(p) {
		if id == (identity{group: true, name: mastersGroup}) {
			return true
		}
		can := false
		g.edgesOf(namespace, id, func(e *edge) { can = can || e.role.reach.pods })
		if can {
			return true
		}
	}
	return false
}

// PodCreators are the service accounts of a namespace that RBAC lets create pods in it, sorted; the built-in controllers are
// left out, and so is a right that every account has everywhere, which CreatedByAll tells. Each carries the groups of a
// request, so that it can be handed to UsableBy.
func (g *Grants) PodCreators(namespace string) []Principal {
	found := map[string]bool{}
	for _, edges := range [][]edge{g.creatingByHome[namespace], g.in(namespace)} {
		for i := range edges {
			for _, name := range g.creators(&edges[i], namespace) {
				found[name] = true
			}
		}
	}
	out := make([]Principal, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, ServiceAccountRequester(namespace, name))
	}
	return out
}

// CreatedByAll are the bindings by which every service account may create pods in every namespace, sorted.
func (g *Grants) CreatedByAll() []string { return g.creatingByAll }

// indexCreating files what lets somebody create pods in every namespace, so that PodCreators finds it.
func (g *Grants) indexCreating(e *edge) {
	switch p := partyOf(e.id); {
	case isBuiltinController(e.role):
	case p.kind == account, p.kind == accounts:
		if g.creatingByHome == nil {
			g.creatingByHome = map[string][]edge{}
		}
		g.creatingByHome[p.home] = append(g.creatingByHome[p.home], *e)
	case p.kind == everybody && reachesAccounts(e.id):
		if !slices.Contains(g.creatingByAll, e.binding) {
			g.creatingByAll = append(g.creatingByAll, e.binding)
		}
	}
}

func isBuiltinController(r *role) bool { return strings.HasPrefix(r.key.name, "system:controller:") }

// creators are the accounts of a namespace that a grant lets create pods in it.
func (g *Grants) creators(e *edge, namespace string) []string {
	if !e.role.reach.pods || isBuiltinController(e.role) {
		return nil
	}
	switch p := partyOf(e.id); {
	case p.kind == account && p.home == namespace && !isPodMaker(p):
		return []string{p.name}
	case p.kind == accounts && p.home == namespace, p.kind == everybody && reachesAccounts(e.id):
		return g.accountsOf(namespace)
	}
	return nil
}

// reachesAccounts: of the groups that mean everybody, a service account that sends a request is in these.
func reachesAccounts(id identity) bool {
	return id.name == accountsGroup || id.name == authenticatedGroup
}

// accountsOf a namespace: those read, those in use, and the one that every namespace has.
func (g *Grants) accountsOf(namespace string) []string {
	names := g.accounts[namespace]
	if at, found := slices.BinarySearch(names, "default"); !found {
		return slices.Insert(slices.Clone(names), at, "default")
	}
	return names
}
