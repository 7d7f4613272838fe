package access

import (
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// NamespaceAccess are the policies that pods of one namespace may meet, sorted by name; those that nobody who matters
// there may use are absent, and so are those that only system:masters may use by being system:masters.
type NamespaceAccess []NamespacePolicy

// NamespacePolicy tells whether a policy says something about a namespace, and why not.
type NamespacePolicy struct {
	Policy string
	// Counted: an account of the namespace, what creates its pods, or somebody to whom it was granted may use it.
	Counted bool
	// Controllers: it counts only because a grant that holds everywhere reaches the controllers, and so would count in
	// every namespace with such workloads. Set only if Counted.
	Controllers bool
	// Everybody: every authenticated (or anonymous) request, or every service account, may use it everywhere.
	Everybody bool
	// Administrators: somebody may use it who may use every policy everywhere.
	Administrators bool
	// Why it does not count, with the first of the evidence; empty if it does.
	Why string
}

// place is a namespace as far as what creates its pods goes.
type place struct {
	name   string
	makers map[string]bool // controllers that make pods here, by account
	mirror bool            // the kubelet makes mirror pods here
	empty  bool            // nothing runs here: any controller may come to make pods
	// creators may create pods here, creatorsEverywhere in every namespace.
	creators, creatorsEverywhere *creators
}

func placeOf(name string, workloads []inventory.Workload) *place {
	p := &place{name: name, makers: map[string]bool{}, empty: len(workloads) == 0}
	for i := range workloads {
		w := &workloads[i]
		p.mirror = p.mirror || mirrored(w)
		if maker := podMaker(w.Kind); maker != "" {
			p.makers[maker] = true
		}
	}
	return p
}

func (p *place) anyMaker() bool { return p.empty || len(p.makers) > 0 }

func (p *place) mayCreate(who party) bool {
	return p.creators.include(who) || p.creatorsEverywhere.include(who)
}

// creators are service accounts that RBAC lets create pods, the controllers aside: those create pods only for
// workloads of their kind.
type creators struct {
	all      bool            // every service account
	homes    map[string]bool // all accounts of these namespaces
	accounts map[party]bool
	some     map[string]bool // at least one account of these namespaces
}

func creatorsAmong(edges []edge) *creators {
	c := &creators{homes: map[string]bool{}, accounts: map[party]bool{}, some: map[string]bool{}}
	for i := range edges {
		if !edges[i].role.reach.pods {
			continue
		}
		p := partyOf(edges[i].id)
		switch {
		case p.kind == everybody && reachesAccounts(edges[i].id):
			c.all = true
		case p.kind == accounts:
			c.homes[p.home] = true
			c.some[p.home] = true
		case p.kind == account && !isPodMaker(p):
			c.accounts[p] = true
			c.some[p.home] = true
		}
	}
	return c
}

func (c *creators) include(who party) bool {
	switch who.kind {
	case account:
		return c.all || c.homes[who.home] || c.accounts[who]
	case accounts:
		return c.all || c.some[who.home]
	default:
		return false
	}
}

// index prepares what is the same for every namespace, so that a question about one costs only what is its own.
func (g *Grants) index() {
	everywhere := g.in("")
	g.creatorsEverywhere = creatorsAmong(everywhere)
	g.byHome = map[string][]*edge{}
	said := byRole{}
	for i := range everywhere {
		e := &everywhere[i]
		if e.role.reach.pods {
			g.indexCreating(e)
		}
		if e.role.reach.uses() {
			g.indexUse(said, e)
		}
	}
	g.base = said.byPolicy()
	g.answers = map[string]NamespacePolicy{}
	for _, policy := range g.policies {
		if b := g.base.of(policy); b != nil {
			g.answers[policy] = b.answer(policy)
		}
	}
}

func (g *Grants) indexUse(into byRole, e *edge) {
	p := partyOf(e.id)
	every := e.role.reach.every
	if p.kind == account || p.kind == accounts {
		g.byHome[p.home] = append(g.byHome[p.home], e)
	}
	switch {
	case p.kind == everybody:
		into.add(e, everyone(e))
	case p.kind == masters, every:
		into.add(e, administrator(e))
	case p.kind == person, !p.mayMake() && g.creatorsEverywhere.include(p):
		into.add(e, counted())
	case p.kind == nodes, p.kind == manager:
		g.special = append(g.special, e)
	}
}

// Namespace tells which policies say something about a namespace: those usable by
//   - its service accounts;
//   - the controllers that create its pods, judged by the workloads (all controllers, if there are none), and the
//     kubelet if there are mirror pods;
//   - service accounts of other namespaces that may also create pods here: a grant that holds everywhere for the
//     agent of some other namespace says nothing about this one;
//   - users and groups to whom a RoleBinding here, or a ClusterRoleBinding, grants it.
//
// Grants to everybody, and to those who may use every policy everywhere and are not the namespace's own accounts, are
// set apart. Workloads are those of the namespace.
func (g *Grants) Namespace(namespace string, workloads []inventory.Workload) NamespaceAccess {
	at := placeOf(namespace, workloads)
	local := g.in(namespace)
	at.creators, at.creatorsEverywhere = creatorsAmong(local), g.creatorsEverywhere
	own := byRole{}
	g.gatherEverywhere(own, at)
	for i := range local {
		if e := &local[i]; e.role.reach.uses() {
			own.add(e, at.judge(e))
		}
	}
	return g.answer(own.byPolicy(), namespace)
}

// gatherEverywhere adds the grants that hold everywhere and yet matter in some namespaces only.
func (g *Grants) gatherEverywhere(into byRole, at *place) {
	for _, e := range g.byHome[at.name] {
		into.add(e, counted())
	}
	for _, e := range g.special {
		switch kind := partyOf(e.id).kind; {
		case kind == nodes && at.mirror:
			into.add(e, counted())
		case kind == manager && at.anyMaker():
			into.add(e, controllers())
		}
	}
	for home := range g.foreignHomes(at) {
		for _, e := range g.byHome[home] {
			switch p := partyOf(e.id); {
			case e.role.reach.every: // an administrator
			case at.made(p):
				into.add(e, controllers())
			case !isPodMaker(p) && at.mayCreate(p):
				into.add(e, counted())
			}
		}
	}
}

// made is true for the accounts of the controllers that make pods here.
func (p *place) made(who party) bool {
	switch {
	case who.home != kubeSystem:
		return false
	case who.kind == accounts:
		return p.anyMaker()
	default:
		return isPodMaker(who) && (p.empty || p.makers[who.name])
	}
}

// mayMake is true for the accounts of which some may be controllers: what they make differs from place to place.
func (p party) mayMake() bool {
	return isPodMaker(p) || p.kind == accounts && p.home == kubeSystem
}

// foreignHomes are the other namespaces with accounts that a RoleBinding lets create pods here, or that are controllers.
func (g *Grants) foreignHomes(at *place) map[string]bool {
	out := map[string]bool{kubeSystem: true}
	if at.creators.all {
		for home := range g.byHome {
			out[home] = true
		}
	}
	for home := range at.creators.some {
		out[home] = true
	}
	delete(out, at.name)
	return out
}

// judge says what a grant of a RoleBinding in the namespace itself says.
func (p *place) judge(e *edge) gathered {
	who := partyOf(e.id)
	if why := p.disregards(who); why != "" {
		return apart(e, fmt.Sprintf("%s may use it here, but %s (%s)", e.subject, why, e.binding))
	}
	if who.kind == masters {
		return administrator(e)
	}
	return counted()
}

// disregards says why what was granted in the namespace to somebody cannot reach a pod in it; "" if it can.
func (p *place) disregards(who party) string {
	switch who.kind {
	case nodes:
		if !p.mirror && !p.empty {
			return "no mirror pod runs here"
		}
	case manager:
		if !p.anyMaker() {
			return "no controller makes pods here"
		}
	case account, accounts:
		switch {
		case who.home == p.name || p.made(who):
		case isPodMaker(who):
			return "it makes no pods here"
		case !p.mayCreate(who):
			return "it may not create pods here"
		}
	}
	return ""
}

// shared is what an answer depends on in a namespace where nothing but grants of every policy count of its own: then no
// evidence is told that differs from one to the next.
type shared struct{ own, counted, controllers, everybody, administrators bool }

// answer joins what is the same everywhere with what is the namespace's own.
func (g *Grants) answer(own byPolicy, namespace string) NamespaceAccess {
	everywhere := byPolicy{named: g.base.named, every: g.withoutHome(namespace)}
	join := func() NamespaceAccess { return g.join(own, everywhere) }
	switch {
	case len(own.named) > 0:
		return join()
	case own.every == nil:
		return g.remembered.namespace(shared{}, join)
	case !own.every.counted && !own.every.controllers:
		return join()
	}
	all := *own.every
	if everywhere.every != nil {
		all.merge(everywhere.every)
	}
	return g.remembered.namespace(shared{true, all.counted, all.controllers, all.everybody.n > 0, all.administrators.n > 0}, join)
}

func (g *Grants) join(own, everywhere byPolicy) NamespaceAccess {
	var out NamespaceAccess
	for _, policy := range g.policies {
		mine := own.of(policy)
		if mine == nil {
			if answer, found := g.answers[policy]; found {
				out = append(out, answer)
			}
			continue
		}
		both := *mine
		if s := everywhere.of(policy); s != nil {
			both.merge(s)
		}
		out = append(out, both.answer(policy))
	}
	return out
}

// withoutHome is what is said of every policy everywhere, without the service accounts of a namespace: there they are no
// administrators. They let everything count there, so that of the others their number is all that matters.
func (g *Grants) withoutHome(namespace string) *gathered {
	if g.base.every == nil {
		return nil
	}
	out := *g.base.every
	for _, e := range g.byHome[namespace] {
		if e.role.reach.every {
			out.administrators.n--
		}
	}
	return &out
}
