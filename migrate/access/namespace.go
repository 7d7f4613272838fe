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
	// OnlyControllers: it counts only because a grant that holds everywhere reaches the controllers, and so would count in
	// every namespace with such workloads. Set only if Counted.
	OnlyControllers bool
	// Everybody: every authenticated (or anonymous) request, or every service account, may use it everywhere.
	Everybody bool
	// Administrators: somebody may use it who may use every policy everywhere.
	Administrators bool
	// Why it does not count, with the first of the evidence; empty if it does.
	Why string
}

// namespaceContext is a namespace as far as what creates its pods goes.
type namespaceContext struct {
	name        string
	controllers map[string]bool // controllers that make pods here, by account
	mirrorPods  bool            // the kubelet makes mirror pods here
	empty       bool            // nothing runs here: any controller may come to make pods
	// podCreators may create pods here, creatorsEverywhere in every namespace.
	podCreators, clusterPodCreators *podCreators
}

func newNamespaceContext(name string, workloads []inventory.Workload) *namespaceContext {
	p := &namespaceContext{name: name, controllers: map[string]bool{}, empty: len(workloads) == 0}
	for i := range workloads {
		w := &workloads[i]
		p.mirrorPods = p.mirrorPods || hasMirrorPods(w)
		if maker := controllerAccount(w.Kind); maker != "" {
			p.controllers[maker] = true
		}
	}
	return p
}

func (p *namespaceContext) anyController() bool { return p.empty || len(p.controllers) > 0 }

func (p *namespaceContext) mayCreatePods(who subjectClass) bool {
	return p.podCreators.include(who) || p.clusterPodCreators.include(who)
}

// podCreators are service accounts that RBAC lets create pods, the controllers aside: those create pods only for
// workloads of their kind.
type podCreators struct {
	allAccounts     bool            // every service account
	wholeNamespaces map[string]bool // all accounts of these namespaces
	accounts        map[subjectClass]bool
	someOfNamespace map[string]bool // at least one account of these namespaces
}

func podCreatorsAmong(edges []subjectGrant) *podCreators {
	c := &podCreators{wholeNamespaces: map[string]bool{}, accounts: map[subjectClass]bool{}, someOfNamespace: map[string]bool{}}
	for i := range edges {
		if !edges[i].role.granted.createPods {
			continue
		}
		p := classifyIdentity(edges[i].identity)
		switch {
		case p.kind == everybodyClass && includesServiceAccounts(edges[i].identity):
			c.allAccounts = true
		case p.kind == namespaceAccountsClass:
			c.wholeNamespaces[p.namespace] = true
			c.someOfNamespace[p.namespace] = true
		case p.kind == accountClass && !isPodController(p):
			c.accounts[p] = true
			c.someOfNamespace[p.namespace] = true
		}
	}
	return c
}

func (c *podCreators) include(who subjectClass) bool {
	switch who.kind {
	case accountClass:
		return c.allAccounts || c.wholeNamespaces[who.namespace] || c.accounts[who]
	case namespaceAccountsClass:
		return c.allAccounts || c.someOfNamespace[who.namespace]
	default:
		return false
	}
}

// indexNamespaces prepares what is the same for every namespace, so that a question about one costs only what is its own.
func (g *Grants) indexNamespaces() {
	everywhere := g.grantsIn("")
	g.clusterPodCreators = podCreatorsAmong(everywhere)
	g.accountGrants = map[string][]*subjectGrant{}
	said := accessByRole{}
	for i := range everywhere {
		e := &everywhere[i]
		if e.role.granted.createPods {
			g.indexPodCreation(e)
		}
		if e.role.granted.anyPolicy() {
			g.indexPolicyUse(said, e)
		}
	}
	g.clusterWideAccess = said.perPolicy()
	g.clusterWideAnswers = map[string]NamespacePolicy{}
	for _, policy := range g.policies {
		if b := g.clusterWideAccess.of(policy); b != nil {
			g.clusterWideAnswers[policy] = b.namespacePolicy(policy)
		}
	}
}

func (g *Grants) indexPolicyUse(into accessByRole, e *subjectGrant) {
	p := classifyIdentity(e.identity)
	every := e.role.granted.everyPolicy
	if p.kind == accountClass || p.kind == namespaceAccountsClass {
		g.accountGrants[p.namespace] = append(g.accountGrants[p.namespace], e)
	}
	switch {
	case p.kind == everybodyClass:
		into.add(e, everybodyAccess(e))
	case p.kind == mastersClass, every:
		into.add(e, administratorAccess(e))
	case p.kind == externalClass, !p.mayBeController() && g.clusterPodCreators.include(p):
		into.add(e, countedAccess())
	case p.kind == nodesClass, p.kind == controllerManagerClass:
		g.nodeAndManagerGrants = append(g.nodeAndManagerGrants, e)
	}
}

// NamespaceAccess tells which policies say something about a namespace: those usable by
//   - its service accounts;
//   - the controllers that create its pods, judged by the workloads (all controllers, if there are none), and the
//     kubelet if there are mirror pods;
//   - service accounts of other namespaces that may also create pods here: a grant that holds everywhere for the
//     agent of some other namespace says nothing about this one;
//   - users and groups to whom a RoleBinding here, or a ClusterRoleBinding, grants it.
//
// Grants to everybody, and to those who may use every policy everywhere and are not the namespace's own accounts, are
// set apart. Workloads are those of the namespace.
func (g *Grants) NamespaceAccess(namespace string, workloads []inventory.Workload) NamespaceAccess {
	at := newNamespaceContext(namespace, workloads)
	local := g.grantsIn(namespace)
	at.podCreators, at.clusterPodCreators = podCreatorsAmong(local), g.clusterPodCreators
	own := accessByRole{}
	g.addClusterWideGrants(own, at)
	for i := range local {
		if e := &local[i]; e.role.granted.anyPolicy() {
			own.add(e, at.classifyLocalGrant(e))
		}
	}
	return g.namespaceAccess(own.perPolicy(), namespace)
}

// addClusterWideGrants adds the grants that hold everywhere and yet matter in some namespaces only.
func (g *Grants) addClusterWideGrants(into accessByRole, at *namespaceContext) {
	for _, e := range g.accountGrants[at.name] {
		into.add(e, countedAccess())
	}
	for _, e := range g.nodeAndManagerGrants {
		switch kind := classifyIdentity(e.identity).kind; {
		case kind == nodesClass && at.mirrorPods:
			into.add(e, countedAccess())
		case kind == controllerManagerClass && at.anyController():
			into.add(e, controllerAccess())
		}
	}
	for home := range g.foreignNamespaces(at) {
		for _, e := range g.accountGrants[home] {
			switch p := classifyIdentity(e.identity); {
			case e.role.granted.everyPolicy: // an administrator
			case at.isControllerHere(p):
				into.add(e, controllerAccess())
			case !isPodController(p) && at.mayCreatePods(p):
				into.add(e, countedAccess())
			}
		}
	}
}

// isControllerHere is true for the accounts of the controllers that make pods here.
func (p *namespaceContext) isControllerHere(who subjectClass) bool {
	switch {
	case who.namespace != kubeSystem:
		return false
	case who.kind == namespaceAccountsClass:
		return p.anyController()
	default:
		return isPodController(who) && (p.empty || p.controllers[who.name])
	}
}

// mayBeController is true for the accounts of which some may be controllers: what they make differs from place to place.
func (p subjectClass) mayBeController() bool {
	return isPodController(p) || p.kind == namespaceAccountsClass && p.namespace == kubeSystem
}

// foreignNamespaces are the other namespaces with accounts that a RoleBinding lets create pods here, or that are controllers.
func (g *Grants) foreignNamespaces(at *namespaceContext) map[string]bool {
	out := map[string]bool{kubeSystem: true}
	if at.podCreators.allAccounts {
		for home := range g.accountGrants {
			out[home] = true
		}
	}
	for home := range at.podCreators.someOfNamespace {
		out[home] = true
	}
	delete(out, at.name)
	return out
}

// classifyLocalGrant says what a grant of a RoleBinding in the namespace itself says.
func (p *namespaceContext) classifyLocalGrant(e *subjectGrant) policyAccess {
	who := classifyIdentity(e.identity)
	if why := p.whyIrrelevant(who); why != "" {
		return irrelevantAccess(e, fmt.Sprintf("%s may use it here, but %s (%s)", e.subject, why, e.binding))
	}
	if who.kind == mastersClass {
		return administratorAccess(e)
	}
	return countedAccess()
}

// whyIrrelevant says why what was granted in the namespace to somebody cannot reach a pod in it; "" if it can.
func (p *namespaceContext) whyIrrelevant(who subjectClass) string {
	switch who.kind {
	case nodesClass:
		if !p.mirrorPods && !p.empty {
			return "no mirror pod runs here"
		}
	case controllerManagerClass:
		if !p.anyController() {
			return "no controller makes pods here"
		}
	case accountClass, namespaceAccountsClass:
		switch {
		case who.namespace == p.name || p.isControllerHere(who):
		case isPodController(who):
			return "it makes no pods here"
		case !p.mayCreatePods(who):
			return "it may not create pods here"
		}
	}
	return ""
}

// sharedAnswerKey is what an answer depends on in a namespace where nothing but grants of every policy count of its own: then no
// evidence is told that differs from one to the next.
type sharedAnswerKey struct{ own, counted, controllers, everybody, administrators bool }

// namespaceAccess joins what is the same everywhere with what is the namespace's own.
func (g *Grants) namespaceAccess(own accessByPolicy, namespace string) NamespaceAccess {
	everywhere := accessByPolicy{named: g.clusterWideAccess.named, every: g.withoutOwnAccounts(namespace)}
	join := func() NamespaceAccess { return g.joinAccess(own, everywhere) }
	switch {
	case len(own.named) > 0:
		return join()
	case own.every == nil:
		return g.cache.forNamespace(sharedAnswerKey{}, join)
	case !own.every.counted && !own.every.controllers:
		return join()
	}
	all := *own.every
	if everywhere.every != nil {
		all.merge(everywhere.every)
	}
	return g.cache.forNamespace(sharedAnswerKey{true, all.counted, all.controllers, all.everybody.count > 0, all.administrators.count > 0}, join)
}

func (g *Grants) joinAccess(own, everywhere accessByPolicy) NamespaceAccess {
	var out NamespaceAccess
	for _, policy := range g.policies {
		mine := own.of(policy)
		if mine == nil {
			if answer, found := g.clusterWideAnswers[policy]; found {
				out = append(out, answer)
			}
			continue
		}
		both := *mine
		if s := everywhere.of(policy); s != nil {
			both.merge(s)
		}
		out = append(out, both.namespacePolicy(policy))
	}
	return out
}

// withoutOwnAccounts is what is said of every policy everywhere, without the service accounts of a namespace: there they are no
// administrators. They let everything count there, so that of the others their number is all that matters.
func (g *Grants) withoutOwnAccounts(namespace string) *policyAccess {
	if g.clusterWideAccess.every == nil {
		return nil
	}
	out := *g.clusterWideAccess.every
	for _, e := range g.accountGrants[namespace] {
		if e.role.granted.everyPolicy {
			out.administrators.count--
		}
	}
	return &out
}
