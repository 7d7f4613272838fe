package access

import (
	"cmp"
	"fmt"
)

// gathered is what grants say about a policy in one namespace. It keeps of the grants no more than an answer tells: there
// may be many, and each may be for many policies.
type gathered struct {
	// counted by other grants than those to the controllers that hold everywhere; by such.
	counted, controllers      bool
	everybody, administrators tally
	// apart is the first that holds in the namespace for something that creates no pods there, and why.
	apart *edge
	why   string
}

// tally is the first of some grants, as evidence, and their number.
type tally struct {
	first *edge
	n     int
}

func (t *tally) merge(o tally) {
	if o.n > 0 && (t.n == 0 || compareEvidence(*o.first, *t.first) < 0) {
		t.first = o.first
	}
	t.n += o.n
}

// merge adds what other grants say; the order does not matter.
func (b *gathered) merge(o *gathered) {
	b.counted, b.controllers = b.counted || o.counted, b.controllers || o.controllers
	b.everybody.merge(o.everybody)
	b.administrators.merge(o.administrators)
	if o.apart != nil && (b.apart == nil || compareEdges(*o.apart, *b.apart) < 0) {
		b.apart, b.why = o.apart, o.why
	}
}

// byRole gathers what is said of all policies of a role at once, and of the roles that are like it.
type byRole map[*role]*gathered

func (r byRole) add(e *edge, said gathered) {
	at := r[e.role.like]
	if at == nil {
		at = &gathered{}
		r[e.role.like] = at
	}
	at.merge(&said)
}

func counted() gathered                  { return gathered{counted: true} }
func controllers() gathered              { return gathered{controllers: true} }
func everyone(e *edge) gathered          { return gathered{everybody: tally{e, 1}} }
func administrator(e *edge) gathered     { return gathered{administrators: tally{e, 1}} }
func apart(e *edge, why string) gathered { return gathered{apart: e, why: why} }

// byPolicy is what is said of policies by name, and of all of them.
type byPolicy struct {
	named map[string]*gathered
	every *gathered // nil if nothing is
}

func (r byRole) byPolicy() byPolicy {
	out := byPolicy{named: map[string]*gathered{}}
	for role, said := range r {
		if role.reach.every {
			if out.every == nil {
				out.every = &gathered{}
			}
			out.every.merge(said)
			continue
		}
		for _, name := range role.reach.named {
			if out.named[name] == nil {
				out.named[name] = &gathered{}
			}
			out.named[name].merge(said)
		}
	}
	return out
}

// of is what is said of one policy; nil if nothing is.
func (p byPolicy) of(name string) *gathered {
	named := p.named[name]
	if named == nil || p.every == nil {
		return cmp.Or(named, p.every)
	}
	both := *named
	both.merge(p.every)
	return &both
}

func (b *gathered) answer(policy string) NamespacePolicy {
	out := NamespacePolicy{
		Policy:         policy,
		Counted:        b.counted || b.controllers,
		Everybody:      b.everybody.n > 0,
		Administrators: b.administrators.n > 0,
	}
	switch {
	case out.Counted:
		out.Controllers = !b.counted
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
func (t tally) String() string {
	text := fmt.Sprintf("%s (%s)", t.first.subject, t.first.binding)
	if t.n > 1 {
		text += fmt.Sprintf(" and %d more", t.n-1)
	}
	return text
}
