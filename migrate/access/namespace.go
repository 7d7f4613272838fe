package access

import (
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// NamespaceAccess are the policies that RBAC lets the pods of one namespace use, sorted by name. Policies that nobody
// who matters there may use are absent, and so are those that only members of system:masters may use.
type NamespaceAccess []NamespacePolicy

// NamespacePolicy says whether RBAC lets somebody in a namespace use a policy that counts there, and if it does not
// count, why.
type NamespacePolicy struct {
	Policy string
	// Counted is true if an account of the namespace, the creator of its pods, or somebody to whom it was granted may use
	// the policy.
	Counted bool
	// OnlyControllers is true if it counts only because a cluster-wide grant is to the controllers, and so would count in
	// every namespace with such workloads. Set only if Counted.
	OnlyControllers bool
	// Everybody is true if every authenticated (or anonymous) request, or every service account, may use it everywhere.
	Everybody bool
	// Administrators is true if somebody may use it who may use every policy everywhere.
	Administrators bool
	// Why says why it does not count, with the first grant as evidence; empty if it does.
	Why string
}

// namespaceContext is who creates the pods of a namespace, to decide which RBAC grants matter there.
type namespaceContext struct {
	name string
	// controllers that create pods here, by their service account.
	controllers map[string]bool
	// mirrorPods is true if the kubelet creates mirror pods here.
	mirrorPods bool
	// empty is true if nothing runs here: any controller may come to create pods.
	empty bool
	// podCreators may create pods here, clusterPodCreators in every namespace.
	podCreators, clusterPodCreators *podCreators
}

// newNamespaceContext returns the context of a namespace for the evaluation of RBAC grants, from its workloads.
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

// anyController reports whether some controller creates pods in the namespace of the RBAC grants, or may later.
func (p *namespaceContext) anyController() bool { return p.empty || len(p.controllers) > 0 }

// mayCreatePods reports whether RBAC lets an identity create pods in the namespace.
func (p *namespaceContext) mayCreatePods(who subjectClass) bool {
	return p.podCreators.include(who) || p.clusterPodCreators.include(who)
}

// podCreators are service accounts that RBAC lets create pods, without the controllers, which create pods only for
// workloads of their kind.
type podCreators struct {
	// allAccounts is true if every service account may.
	allAccounts bool
	// wholeNamespaces has the namespaces all of whose accounts may.
	wholeNamespaces map[string]bool
	// accounts are single ones that may.
	accounts map[subjectClass]bool
	// someOfNamespace has the namespaces at least one of whose accounts may.
	someOfNamespace map[string]bool
}

// podCreatorsAmong picks the service accounts that grants let create pods.
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

// include reports whether an RBAC identity may be one of these pod creators.
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

// indexNamespaces computes what RBAC grants in every namespace alike, so that a question about one costs only what is
// its own.
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

// indexPolicyUse records a cluster-wide grant to use policies: what it means for every namespace, and whose it is.
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

// NamespaceAccess returns the policies that RBAC lets somebody in a namespace use, and which of them count there: those
// usable by
//   - its service accounts;
//   - the controllers that create the pods of its workloads (all controllers, if there are no workloads), and the
//     kubelet if there are mirror pods;
//   - service accounts of other namespaces that may also create pods here: a cluster-wide grant to the agent of
//     some other namespace says nothing about this one;
//   - users and groups to whom a RoleBinding here, or a ClusterRoleBinding, grants it.
//
// Grants to everybody, and to those who may use every policy everywhere and are not the namespace's own accounts, do not
// count. workloads are those of the namespace.
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

// addClusterWideGrants adds the grants of ClusterRoleBindings that matter in some namespaces only.
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

// isControllerHere reports whether an identity is the service account of a controller that creates pods in the
// namespace.
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

// mayBeController reports whether some of the service accounts of an RBAC subject may be controllers, which create pods
// in some namespaces and not in others.
func (p subjectClass) mayBeController() bool {
	return isPodController(p) || p.kind == namespaceAccountsClass && p.namespace == kubeSystem
}

// foreignNamespaces returns the other namespaces with accounts that a RoleBinding lets create pods here, or that are
// controllers.
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

// classifyLocalGrant returns whether a grant by a RoleBinding lets pods of its namespace use policies, and if not, why.
func (p *namespaceContext) classifyLocalGrant(e *subjectGrant) policyAccess {
	who := classifyIdentity(e.identity)
	if why := p.whyIrrelevant(who); why != "" {
		return irrelevantAccess(e, fmt.Sprintf("%s may use it here, but %s (%s)", e.subject, why, e.reference))
	}
	if who.kind == mastersClass {
		return administratorAccess(e)
	}
	return countedAccess()
}

// whyIrrelevant says why a grant of this namespace to somebody cannot matter for a pod in it; "" if it can.
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

// sharedAnswerKey is the cache key of the answer about RBAC grants in a namespace where no grants of its own count but
// those of every policy: then no evidence is given that differs from one namespace to the next.
type sharedAnswerKey struct{ own, counted, controllers, everybody, administrators bool }

// namespaceAccess joins the grants of ClusterRoleBindings with those of a namespace.
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

// joinAccess returns for each policy whether it counts in a namespace, from its RBAC grants and the cluster-wide ones.
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

// withoutOwnAccounts returns what cluster-wide RBAC grants say of every policy, without those to the service accounts
// of a namespace: there they are no administrators. They make every policy count there, so that of the others only the
// number matters.
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
