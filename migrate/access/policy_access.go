package access

import (
	"cmp"
	"fmt"
)

// policyAccess is what RBAC grants say about the use of a policy in one namespace. Of the grants it keeps no more than
// an answer needs: there may be many, and each may be for many policies.
type policyAccess struct {
	// counted is true for other grants than cluster-wide ones to controllers; controllers for those.
	counted, controllers      bool
	everybody, administrators evidenceCount
	// irrelevant is the first grant in the namespace to something that creates no pods there; why is the reason.
	irrelevant *subjectGrant
	why        string
}

// evidenceCount is the first of some RBAC grants, as evidence, and their number.
type evidenceCount struct {
	first *subjectGrant
	count int
}

// merge adds other RBAC grants of the same kind; the order does not matter.
func (t *evidenceCount) merge(o evidenceCount) {
	if o.count > 0 && (t.count == 0 || compareEvidence(*o.first, *t.first) < 0) {
		t.first = o.first
	}
	t.count += o.count
}

// merge adds what other RBAC grants say of the policy; the order does not matter.
func (b *policyAccess) merge(o *policyAccess) {
	b.counted, b.controllers = b.counted || o.counted, b.controllers || o.controllers
	b.everybody.merge(o.everybody)
	b.administrators.merge(o.administrators)
	if o.irrelevant != nil && (b.irrelevant == nil || compareSubjectGrants(*o.irrelevant, *b.irrelevant) < 0) {
		b.irrelevant, b.why = o.irrelevant, o.why
	}
}

// accessByRole collects what RBAC grants say of all policies of a role at once, by the representative of the role.
type accessByRole map[*resolvedRole]*policyAccess

// add merges what one RBAC grant says of the policies of a role.
func (r accessByRole) add(e *subjectGrant, said policyAccess) {
	at := r[e.role.representative]
	if at == nil {
		at = &policyAccess{}
		r[e.role.representative] = at
	}
	at.merge(&said)
}

// countedAccess returns the access of an RBAC grant that makes its policies count.
func countedAccess() policyAccess { return policyAccess{counted: true} }

// controllerAccess returns the access of a cluster-wide RBAC grant to a controller that creates pods in the namespace.
func controllerAccess() policyAccess { return policyAccess{controllers: true} }

// everybodyAccess returns the access of a cluster-wide RBAC grant to everybody.
func everybodyAccess(e *subjectGrant) policyAccess {
	return policyAccess{everybody: evidenceCount{e, 1}}
}

// administratorAccess returns the access of an RBAC grant to those who may use every policy everywhere.
func administratorAccess(e *subjectGrant) policyAccess {
	return policyAccess{administrators: evidenceCount{e, 1}}
}

// irrelevantAccess returns the access of an RBAC grant that cannot matter in the namespace, with the reason.
func irrelevantAccess(e *subjectGrant, why string) policyAccess {
	return policyAccess{irrelevant: e, why: why}
}

// accessByPolicy is what RBAC grants say of policies by name, and of every policy.
type accessByPolicy struct {
	named map[string]*policyAccess
	// every is nil if no grant is of every policy.
	every *policyAccess
}

// perPolicy converts what RBAC grants say of roles to what they say of the policies of these roles.
func (r accessByRole) perPolicy() accessByPolicy {
	out := accessByPolicy{named: map[string]*policyAccess{}}
	for role, said := range r {
		if role.granted.everyPolicy {
			if out.every == nil {
				out.every = &policyAccess{}
			}
			out.every.merge(said)
			continue
		}
		for _, name := range role.granted.policies {
			if out.named[name] == nil {
				out.named[name] = &policyAccess{}
			}
			out.named[name].merge(said)
		}
	}
	return out
}

// of returns what RBAC grants say of one policy; nil if nothing.
func (p accessByPolicy) of(name string) *policyAccess {
	named := p.named[name]
	if named == nil || p.every == nil {
		return cmp.Or(named, p.every)
	}
	both := *named
	both.merge(p.every)
	return &both
}

// namespacePolicy returns whether the policy counts in a namespace by its RBAC grants, with the evidence.
func (b *policyAccess) namespacePolicy(policy string) NamespacePolicy {
	out := NamespacePolicy{
		Policy:         policy,
		Counted:        b.counted || b.controllers,
		Everybody:      b.everybody.count > 0,
		Administrators: b.administrators.count > 0,
	}
	switch {
	case out.Counted:
		out.OnlyControllers = !b.counted
	case out.Everybody:
		out.Why = "everybody may use it everywhere: " + b.everybody.String()
	case out.Administrators:
		out.Why = "only those who may use every policy everywhere may use it here: " + b.administrators.String()
	default:
		out.Why = b.why
	}
	return out
}

// String returns the RBAC evidence for a sentence: "group dev (ClusterRoleBinding psp) and 2 more".
func (t evidenceCount) String() string {
	text := fmt.Sprintf("%s (%s)", t.first.subject, t.first.reference)
	if t.count > 1 {
		text += fmt.Sprintf(" and %d more", t.count-1)
	}
	return text
}
