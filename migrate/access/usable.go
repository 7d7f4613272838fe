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

// UsablePolicy is a PodSecurityPolicy that RBAC lets an identity use. Grants.PolicyGrants has the grants.
type UsablePolicy struct {
	Policy string
	// Everybody is true if only cluster-wide grants to everybody let it use the policy.
	Everybody bool
}

// PoliciesUsableBy returns the policies that RBAC lets a principal use for a pod in a namespace, by name. Members of
// system:masters may use every policy whatever RBAC says.
func (g *Grants) PoliciesUsableBy(namespace string, p Principal) []UsablePolicy {
	return g.usablePolicies(namespace, identitiesOf(p))
}

// PoliciesUsableByWorkload returns the policies that RBAC lets the pods of a workload use, by name: those that the
// service accounts of the pods may use, and those that the creator of the pods may use (a controller; for mirror pods,
// which have no account, the kubelet). Who creates a bare pod, or the pods of an owner of an unknown kind, is not
// known: then only what every request may use is added.
func (g *Grants) PoliciesUsableByWorkload(w *inventory.Workload) []UsablePolicy {
	return g.usablePolicies(w.Namespace, identitiesOf(podPrincipals(w)...))
}

// identitiesOf returns the RBAC identities of one or several principals, each once.
func identitiesOf(principals ...Principal) []identity {
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

// usablePolicies returns the policies that RBAC lets identities use in a namespace. Each role is read once, however
// many bindings refer to it.
func (g *Grants) usablePolicies(namespace string, ids []identity) []UsablePolicy {
	var few [16]namingRole
	u := rolesInUse{roles: few[:0]}
	u.everyPolicy = slices.Contains(ids, identity{group: true, name: mastersGroup})
	u.notAsEverybody = u.everyPolicy
	for _, id := range ids {
		g.forEachGrant(namespace, id, func(e *subjectGrant) {
			switch {
			case e.role.granted.everyPolicy:
				u.everyPolicy, u.notAsEverybody = true, u.notAsEverybody || !e.isForEverybody()
			case e.role.granted.anyPolicy():
				u.roles = append(u.roles, namingRole{e.role.representative, !e.isForEverybody()})
			}
		})
	}
	u.sortRoles()
	var key [32]byte
	return g.cache.usablePolicies(u.key(key[:0]), func() []UsablePolicy { return u.policies(g.policies) })
}

// rolesInUse are the RBAC roles by which somebody may use policies.
type rolesInUse struct {
	// everyPolicy is true if a role names no policy; notAsEverybody if such a role is granted not only to everybody.
	everyPolicy, notAsEverybody bool
	roles                       []namingRole
}

// namingRole is the representative of RBAC roles that name policies. notAsEverybody is true if it is not held only as
// everybody holds it.
type namingRole struct {
	role           *resolvedRole
	notAsEverybody bool
}

// sortRoles sorts the RBAC roles and keeps each once.
func (u *rolesInUse) sortRoles() {
	slices.SortFunc(u.roles, func(a, b namingRole) int {
		switch {
		case a.role != b.role:
			return cmp.Compare(a.role.number, b.role.number)
		case a.notAsEverybody == b.notAsEverybody:
			return 0
		case a.notAsEverybody:
			return -1
		}
		return 1
	})
	u.roles = slices.CompactFunc(u.roles, func(a, b namingRole) bool { return a.role == b.role }) // keeps the first, which is own if any is
}

// policies returns the policies that these RBAC roles let use, by name, out of all that were read.
func (u *rolesInUse) policies(all []string) []UsablePolicy {
	named := map[string]bool{}
	for _, n := range u.roles {
		for _, name := range n.role.granted.policies {
			named[name] = named[name] || n.notAsEverybody
		}
	}
	names := all
	if !u.everyPolicy {
		names = slices.Sorted(maps.Keys(named))
	}
	var out []UsablePolicy
	for _, name := range names {
		out = append(out, UsablePolicy{Policy: name, Everybody: !u.notAsEverybody && !named[name]})
	}
	return out
}

// key appends to b a cache key that is equal for RBAC identities that may use the same policies by the same roles.
func (u *rolesInUse) key(b []byte) []byte {
	b = append(b, boolBit(u.everyPolicy)|boolBit(u.notAsEverybody)<<1)
	for _, n := range u.roles {
		b = binary.AppendUvarint(b, n.role.number<<1|uint64(boolBit(n.notAsEverybody)))
	}
	return b
}

// boolBit returns 1 for true and 0 for false, for a cache key of RBAC answers.
func boolBit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// answerCache keeps answers about RBAC grants that many namespaces and workloads share. There may be many of those, and
// many policies.
type answerCache struct {
	lock            sync.Mutex
	usables         map[string][]UsablePolicy
	namespaceAccess map[sharedAnswerKey]NamespaceAccess
}

// usablePolicies returns the policies that RBAC lets use, by cache key, computed once.
func (r *answerCache) usablePolicies(key []byte, answer func() []UsablePolicy) []UsablePolicy {
	r.lock.Lock()
	defer r.lock.Unlock()
	found, ok := r.usables[string(key)]
	if !ok {
		if r.usables == nil {
			r.usables = map[string][]UsablePolicy{}
		}
		found = answer()
		r.usables[string(key)] = found
	}
	return found
}

// IsShared reports whether other namespaces get the same answer about RBAC grants from NamespaceAccess, too.
func (g *Grants) IsShared(a NamespaceAccess) bool {
	g.cache.lock.Lock()
	defer g.cache.lock.Unlock()
	for _, known := range g.cache.namespaceAccess { // a few
		if len(known) > 0 && len(a) > 0 && &known[0] == &a[0] {
			return true
		}
	}
	return len(a) == 0
}

// forNamespace returns the NamespaceAccess, which policies may be used, of a cache key, computed once.
func (r *answerCache) forNamespace(key sharedAnswerKey, answer func() NamespaceAccess) NamespaceAccess {
	r.lock.Lock()
	defer r.lock.Unlock()
	found, ok := r.namespaceAccess[key]
	if !ok {
		if r.namespaceAccess == nil {
			r.namespaceAccess = map[sharedAnswerKey]NamespaceAccess{}
		}
		found = answer()
		r.namespaceAccess[key] = found
	}
	return found
}

// forEachGrant calls visit with the RBAC grants that an identity has in a namespace: the cluster-wide ones and those of
// the namespace. Bindings of other namespaces never count.
func (g *Grants) forEachGrant(namespace string, id identity, visit func(*subjectGrant)) {
	for _, scope := range [...]string{"", namespace} {
		edges := g.grantsHeldIn(scope, id)
		for i := range edges {
			visit(&edges[i])
		}
	}
}

// PodCreators returns the service accounts of a namespace that RBAC lets create pods in it, sorted. The built-in
// controllers are left out, and so is a right that every account has everywhere, which PodCreationForAllAccounts returns.
// Each principal has the groups of a request, so that it can be passed to PoliciesUsableBy.
func (g *Grants) PodCreators(namespace string) []Principal {
	found := map[string]bool{}
	for _, edges := range [][]subjectGrant{g.podCreationGrants[namespace], g.grantsIn(namespace)} {
		for i := range edges {
			for _, name := range g.podCreatingAccounts(&edges[i], namespace) {
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

// PodCreationForAllAccounts returns the bindings by which every service account may create pods in every namespace, sorted.
func (g *Grants) PodCreationForAllAccounts() []string { return g.podCreationForAll }

// indexPodCreation records a cluster-wide RBAC grant to create pods for PodCreators.
func (g *Grants) indexPodCreation(e *subjectGrant) {
	switch p := classifyIdentity(e.identity); {
	case isBuiltinControllerRole(e.role):
	case p.kind == accountClass, p.kind == namespaceAccountsClass:
		if g.podCreationGrants == nil {
			g.podCreationGrants = map[string][]subjectGrant{}
		}
		g.podCreationGrants[p.namespace] = append(g.podCreationGrants[p.namespace], *e)
	case p.kind == everybodyClass && includesServiceAccounts(e.identity):
		if !slices.Contains(g.podCreationForAll, e.reference) {
			g.podCreationForAll = append(g.podCreationForAll, e.reference)
		}
	}
}

// isBuiltinControllerRole reports whether an RBAC role is that of a controller of the control plane.
func isBuiltinControllerRole(r *resolvedRole) bool {
	return strings.HasPrefix(r.key.name, "system:controller:")
}

// podCreatingAccounts returns the service accounts of a namespace that an RBAC grant lets create pods in it.
func (g *Grants) podCreatingAccounts(e *subjectGrant, namespace string) []string {
	if !e.role.granted.createPods || isBuiltinControllerRole(e.role) {
		return nil
	}
	switch p := classifyIdentity(e.identity); {
	case p.kind == accountClass && p.namespace == namespace && !isPodController(p):
		return []string{p.name}
	case p.kind == namespaceAccountsClass && p.namespace == namespace, p.kind == everybodyClass && includesServiceAccounts(e.identity):
		return g.serviceAccountsOf(namespace)
	}
	return nil
}

// includesServiceAccounts reports whether an RBAC group means everybody, service accounts that send requests among
// them.
func includesServiceAccounts(id identity) bool {
	return id.name == accountsGroup || id.name == authenticatedGroup
}

// serviceAccountsOf returns the service accounts of a namespace for RBAC grants to all of them: those that were read,
// those that workloads run as, and "default", which every namespace has.
func (g *Grants) serviceAccountsOf(namespace string) []string {
	names := g.serviceAccounts[namespace]
	if at, found := slices.BinarySearch(names, "default"); !found {
		return slices.Insert(slices.Clone(names), at, "default")
	}
	return names
}
