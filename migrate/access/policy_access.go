package access

import (
	"cmp"
	"fmt"
)

// policyAccess is what grants say about a policy in one namespace. It keeps of the grants no more than an answer tells: there
// may be many, and each may be for many policies.
type policyAccess struct {
	// counted by other grants than those to the controllers that hold everywhere; by such.
	counted, controllers      bool
	everybody, administrators evidenceCount
	// irrelevant is the first that holds in the namespace for something that creates no pods there, and why.
	irrelevant *subjectGrant
	why        string
}

// evidenceCount is the first of some grants, as evidence, and their number.
type evidenceCount struct {
	first *subjectGrant
	count int
}

func (t *evidenceCount) merge(o evidenceCount) {
	if o.count > 0 && (t.count == 0 || compareEvidence(*o.first, *t.first) < 0) {
		t.first = o.first
	}
	t.count += o.count
}

// merge adds what other grants say; the order does not matter.
func (b *policyAccess) merge(o *policyAccess) {
	b.counted, b.controllers = b.counted || o.counted, b.controllers || o.controllers
	b.everybody.merge(o.everybody)
	b.administrators.merge(o.administrators)
	if o.irrelevant != nil && (b.irrelevant == nil || compareSubjectGrants(*o.irrelevant, *b.irrelevant) < 0) {
		b.irrelevant, b.why = o.irrelevant, o.why
	}
}

// accessByRole gathers what is said of all policies of a role at once, and of the roles that are like it.
type accessByRole map[*resolvedRole]*policyAccess

func (r accessByRole) add(e *subjectGrant, said policyAccess) {
	at := r[e.role.representative]
	if at == nil {
		at = &policyAccess{}
		r[e.role.representative] = at
	}
	at.merge(&said)
}

func countedAccess() policyAccess    { return policyAccess{counted: true} }
func controllerAccess() policyAccess { return policyAccess{controllers: true} }
func everybodyAccess(e *subjectGrant) policyAccess {
	return policyAccess{everybody: evidenceCount{e, 1}}
}

func administratorAccess(e *subjectGrant) policyAccess {
	return policyAccess{administrators: evidenceCount{e, 1}}
}

func irrelevantAccess(e *subjectGrant, why string) policyAccess {
	return policyAccess{irrelevant: e, why: why}
}

// accessByPolicy is what is said of policies by name, and of all of them.
type accessByPolicy struct {
	named map[string]*policyAccess
	every *policyAccess // nil if nothing is
}

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

// of is what is said of one policy; nil if nothing is.
func (p accessByPolicy) of(name string) *policyAccess {
	named := p.named[name]
	if named == nil || p.every == nil {
		return cmp.Or(named, p.every)
	}
	both := *named
	both.merge(p.every)
	return &both
}

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

// String is the evidence.
func (t evidenceCount) String() string {
	text := fmt.Sprintf("%s (%s)", t.first.subject, t.first.binding)
	if t.count > 1 {
		text += fmt.Sprintf(" and %d more", t.count-1)
	}
	return text
}
