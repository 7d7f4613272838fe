package access

import (
	"fmt"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// NamespaceAccess are the policies that pods of one namespace may meet, sorted by name; those that nobody who matters
// there may use are absent, and so are those that only system:masters may use by being system:masters. The caller must
// not change the grants: namespaces share them.
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
	// Why it does not count; empty if it does.
	Why string
	// Via is the evidence for the first of counted, everybody, administrators and anything else that holds, sorted.
	Via []Grant
}

// gathered are the grants of one policy that matter in one namespace, by what they say about it.
type gathered struct {
	counted, everybody, administrators []Grant
	// apart hold in the namespace for something that creates no pods there; why tells it for the first of them.
	apart []Grant
	why   string
	// controllers of the counted are grants to the controllers that hold everywhere.
	controllers int
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
	g.base = map[string]*gathered{}
	for i := range everywhere {
		e := &everywhere[i]
		if e.role.reach.pods {
			g.creatingEverywhere = append(g.creatingEverywhere, *e)
		}
		if e.role.reach.uses() {
			g.indexUse(e)
		}
	}
	g.answers = make(map[string]NamespacePolicy, len(g.base))
	for policy, b := range g.base {
		b.sort()
		g.answers[policy] = b.answer(policy)
	}
}

func (g *Grants) indexUse(e *edge) {
	p := partyOf(e.id)
	every := e.role.reach.every
	if p.kind == account || p.kind == accounts {
		g.byHome[p.home] = append(g.byHome[p.home], e)
	}
	switch {
	case p.kind == everybody:
		g.gather(g.base, e, (*gathered).addEverybody)
	case p.kind == masters, every:
		g.gather(g.base, e, (*gathered).addAdministrator)
	case p.kind == person, !isPodMaker(p) && g.creatorsEverywhere.include(p):
		g.gather(g.base, e, (*gathered).addCounted)
	case p.kind == nodes, p.kind == manager:
		g.special = append(g.special, e)
	}
}

func (g *Grants) gather(into map[string]*gathered, e *edge, add func(*gathered, Grant)) {
	for _, grant := range g.expand(e, nil) {
		b := into[grant.Policy]
		if b == nil {
			b = &gathered{}
			into[grant.Policy] = b
		}
		add(b, grant)
	}
}

func (b *gathered) addCounted(x Grant)       { b.counted = append(b.counted, x) }
func (b *gathered) addEverybody(x Grant)     { b.everybody = append(b.everybody, x) }
func (b *gathered) addAdministrator(x Grant) { b.administrators = append(b.administrators, x) }

func (b *gathered) addController(x Grant) {
	b.controllers++
	b.addCounted(x)
}

// apart keeps the first reason: edges come in order.
func apart(why string) func(*gathered, Grant) {
	return func(b *gathered, x Grant) {
		if b.why == "" {
			b.why = why
		}
		b.apart = append(b.apart, x)
	}
}

func (b *gathered) sort() {
	b.counted, b.everybody = sortGrants(b.counted), sortGrants(b.everybody)
	b.administrators, b.apart = sortGrants(b.administrators), sortGrants(b.apart)
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
	own := map[string]*gathered{}
	g.gatherEverywhere(own, at)
	for i := range local {
		if local[i].role.reach.uses() {
			g.gatherLocal(own, at, &local[i])
		}
	}
	return g.answer(own, namespace)
}

// gatherEverywhere adds the grants that hold everywhere and yet matter in some namespaces only.
func (g *Grants) gatherEverywhere(into map[string]*gathered, at *place) {
	for _, e := range g.byHome[at.name] {
		g.gather(into, e, (*gathered).addCounted)
	}
	if at.name != kubeSystem && at.anyMaker() {
		for _, e := range g.byHome[kubeSystem] {
			if !e.role.reach.every && at.made(partyOf(e.id)) {
				g.gather(into, e, (*gathered).addController)
			}
		}
	}
	for _, e := range g.special {
		switch kind := partyOf(e.id).kind; {
		case kind == nodes && at.mirror:
			g.gather(into, e, (*gathered).addCounted)
		case kind == manager && at.anyMaker():
			g.gather(into, e, (*gathered).addController)
		}
	}
	for _, home := range g.foreignHomes(at) {
		for _, e := range g.byHome[home] {
			if p := partyOf(e.id); !e.role.reach.every && !isPodMaker(p) && at.creators.include(p) {
				g.gather(into, e, (*gathered).addCounted)
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

// foreignHomes are the other namespaces with accounts that a RoleBinding lets create pods here.
func (g *Grants) foreignHomes(at *place) []string {
	var out []string
	if at.creators.all {
		for home := range g.byHome {
			out = append(out, home)
		}
	} else {
		for home := range at.creators.some {
			out = append(out, home)
		}
	}
	return slices.DeleteFunc(out, func(home string) bool { return home == at.name })
}

// gatherLocal judges a grant of a RoleBinding in the namespace itself.
func (g *Grants) gatherLocal(into map[string]*gathered, at *place, e *edge) {
	p := partyOf(e.id)
	add := (*gathered).addCounted
	if p.kind == masters {
		add = (*gathered).addAdministrator
	}
	if why := at.disregards(p); why != "" {
		add = apart(fmt.Sprintf("%s may use it here, but %s (%s)", e.subject, why, e.binding))
	}
	g.gather(into, e, add)
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

// answer joins what is the same everywhere with what is the namespace's own.
func (g *Grants) answer(own map[string]*gathered, namespace string) NamespaceAccess {
	homemade := slices.ContainsFunc(g.byHome[namespace], func(e *edge) bool { return e.role.reach.every })
	var out NamespaceAccess
	for _, policy := range g.policies {
		mine, shared := own[policy], g.base[policy]
		switch {
		case mine == nil && shared == nil:
		case mine == nil:
			out = append(out, g.answers[policy])
		default:
			mine.sort()
			if shared != nil {
				mine.join(shared, namespace, homemade)
			}
			out = append(out, mine.answer(policy))
		}
	}
	return out
}

// join adds what holds everywhere; both are sorted. To its own namespace a service account is no administrator: if
// there is such a one, homemade, it is left out.
func (b *gathered) join(shared *gathered, namespace string, homemade bool) {
	b.counted = merge(b.counted, shared.counted)
	b.everybody = merge(b.everybody, shared.everybody)
	administrators := shared.administrators
	if homemade {
		administrators = slices.DeleteFunc(slices.Clone(administrators), func(x Grant) bool {
			return partyOf(x.Subject.identity()).home == namespace
		})
	}
	b.administrators = merge(b.administrators, administrators)
}

// merge does not touch its arguments, and returns one of them where it can.
func merge(a, b []Grant) []Grant {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	default:
		return sortGrants(slices.Concat(a, b))
	}
}

// answer wants the grants sorted.
func (b *gathered) answer(policy string) NamespacePolicy {
	out := NamespacePolicy{
		Policy:         policy,
		Counted:        len(b.counted) > 0,
		Everybody:      len(b.everybody) > 0,
		Administrators: len(b.administrators) > 0,
	}
	switch {
	case out.Counted:
		out.Via = b.counted
		out.Controllers = b.controllers == len(b.counted)
	case out.Everybody:
		out.Via = b.everybody
		out.Why = "everybody may use it everywhere: " + evidence(out.Via)
	case out.Administrators:
		out.Via = b.administrators
		out.Why = "only those who may use every policy everywhere may use it here: " + evidence(out.Via)
	default:
		out.Via = b.apart
		out.Why = b.why
	}
	return out
}

func evidence(via []Grant) string {
	text := fmt.Sprintf("%s (%s)", via[0].Subject, via[0].Binding)
	if n := len(via) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
