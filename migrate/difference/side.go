package difference

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// side is one of two compared Plans, with what is looked up in it.
type side struct {
	plan       *migrate.Plan
	namespaces map[string]*migrate.Namespace
	policies   map[string]*migrate.Policy
	roles      map[string]*migrate.Role
	// loosest are the loosest of the closest levels of the policies that roles let use, by role, as far as they were asked for.
	loosest map[string]api.Level
	// gaps are what gaps may hide, and ownGaps what those may that the other Plan does not have.
	gaps, ownGaps hiddenParts
	// unreadRoles are the roles that bindings refer to and that were not read.
	unreadRoles map[string]bool
}

// newSide returns a Plan with what Compare looks up in it.
func newSide(p *migrate.Plan) *side {
	s := &side{
		plan: p, namespaces: make(map[string]*migrate.Namespace, len(p.Namespaces)), policies: make(map[string]*migrate.Policy, len(p.Policies)),
		roles: make(map[string]*migrate.Role, len(p.Roles)), loosest: map[string]api.Level{}, gaps: hiddenBy(p, nil), unreadRoles: map[string]bool{},
	}
	for i := range p.Namespaces {
		s.namespaces[p.Namespaces[i].Name] = &p.Namespaces[i]
	}
	for i := range p.Policies {
		s.policies[p.Policies[i].Name] = &p.Policies[i]
	}
	for i := range p.Roles {
		s.roles[p.Roles[i].Reference()] = &p.Roles[i]
	}
	for i := range p.IneffectiveGrants {
		if g := &p.IneffectiveGrants[i]; g.RoleNotRead {
			s.unreadRoles[g.Subject] = true
			for _, other := range g.Others {
				s.unreadRoles[other.Subject] = true
			}
		}
	}
	return s
}

// hiddenParts are the parts of namespaces that gaps may hide, "" for all of them; those of every namespace under
// inventory.AllNamespaces.
type hiddenParts map[string]map[inventory.GapPart]bool

// hiddenBy returns what the gaps of a Plan may hide, but for those that are known.
func hiddenBy(p *migrate.Plan, known map[string]*migrate.Gap) hiddenParts {
	out := hiddenParts{}
	for key, g := range gapsOf(p) {
		if known[key] != nil {
			continue
		}
		for _, namespace := range g.Affects {
			if out[namespace] == nil {
				out[namespace] = map[inventory.GapPart]bool{}
			}
			out[namespace][inventory.GapPart(g.Changes)] = true
		}
	}
	return out
}

// of reports whether one of the parts of a namespace may be hidden; with "" of the whole cluster.
func (h hiddenParts) of(namespace string, parts ...inventory.GapPart) bool {
	for _, at := range []string{namespace, inventory.AllNamespaces} {
		if hidden := h[at]; hidden[""] || slices.ContainsFunc(parts, func(p inventory.GapPart) bool { return hidden[p] }) {
			return true
		}
	}
	return false
}

// mayHide reports whether a gap of the Plan may hide something of one of the parts of a namespace; with "" of the whole cluster.
func (s *side) mayHide(namespace string, parts ...inventory.GapPart) bool {
	return s.gaps.of(namespace, parts...)
}

// policiesMayBeHidden reports whether a gap of the Plan, about whatever namespace, may hide a policy.
func (s *side) policiesMayBeHidden() bool {
	for _, hidden := range s.gaps {
		if hidden[""] || hidden[inventory.PartPolicies] {
			return true
		}
	}
	return false
}

// unreadGrants returns the namespaces in which another Plan has a binding to a role that this one did not read.
func (s *side) unreadGrants(other *migrate.Plan) map[string]bool {
	out := map[string]bool{}
	for i := range other.Bindings {
		switch b := &other.Bindings[i]; {
		case s.unreadRoles[b.Role] && b.Namespace == "":
			out[inventory.AllNamespaces] = true
		case s.unreadRoles[b.Role]:
			out[b.Namespace] = true
		}
	}
	return out
}

// existence returns the op and the direction of what one of two Plans alone has: the direction that its coming or going means, or
// unknown where the other one may not have read it.
func existence(inBefore, hiddenBefore, hiddenAfter bool, coming Direction) (Op, Direction) {
	switch {
	case inBefore && hiddenAfter:
		return OpUnreadNow, Unknown
	case inBefore:
		return OpRemoved, coming.reversed()
	case hiddenBefore:
		return OpUnreadBefore, Unknown
	}
	return OpAdded, coming
}

// reversed returns the direction that the same change has if the two Plans are exchanged.
func (d Direction) reversed() Direction {
	switch d {
	case Looser:
		return Stricter
	case Stricter:
		return Looser
	}
	return d
}

// policyUses are the namespaces in which a policy may be used or was seen, by policy; migrate.EveryPolicy is one, too.
type policyUses map[string]map[string]bool

// add enters the namespaces of a Plan.
func (u policyUses) add(p *migrate.Plan) {
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		u.use(ns.Name, ns.PermittedBy...)
		u.use(ns.Name, ns.ObservedPolicies...)
		for k := range ns.ExcludedPolicies {
			u.use(ns.Name, ns.ExcludedPolicies[k].Policy)
		}
	}
}

// use enters that policies may be used in a namespace.
func (u policyUses) use(namespace string, policies ...string) {
	for _, name := range policies {
		if u[name] == nil {
			u[name] = map[string]bool{}
		}
		u[name][namespace] = true
	}
}

// inAny reports whether a policy may be used in one of some namespaces.
func (u policyUses) inAny(policy string, names map[string]bool) bool {
	few, many := u[policy], names
	if len(many) < len(few) {
		few, many = many, few
	}
	for name := range few {
		if many[name] {
			return true
		}
	}
	return false
}
