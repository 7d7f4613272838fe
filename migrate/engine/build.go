package engine

import (
	"cmp"
	"fmt"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Options say which decision table Build makes of a Plan.
type Options struct {
	Mode Mode
	// Grants: "" is dynamic where MaxAsked allows it, else static. Table.Grants says which it became. Dynamic grants that are asked for
	// and that MaxAsked does not allow are a TooManyAskedError.
	Grants Grants
	// MaxAsked is of how many policies an engine can ask for one pod who may use them; 0 is any number.
	MaxAsked int
	// MaxAskedFor returns MaxAsked where that depends on the policies: on whether rules of both API groups let use one, and on whether
	// the sender of a request counts. Nil where it does not.
	MaxAskedFor func(bothGroups, byRequester bool) int
	// Version of the standards that the labels name ("v1.25"); Plan.TargetVersion where it is "".
	Version string
	// IncludeSystem: the system namespaces of the Plan, too. They are in the table without it where the Plan has no others, since
	// then its scope has named them.
	IncludeSystem bool
	// RefuseAll: also namespaces where nobody may use a policy, so that every pod is refused.
	RefuseAll bool
	// MaxExceptions is how many workloads of a namespace may fail a check that RestrictedButFor enforces there; they are named as its
	// exceptions. A check that more fail is left out.
	MaxExceptions int
}

// TooManyAskedError is the error of Build where dynamic grants are asked for, and for one pod an engine would have to ask about more
// policies than it can.
type TooManyAskedError struct {
	// Policies is about how many, and Limit about how many it can.
	Policies, Limit int
}

// Error implements error.
func (e *TooManyAskedError) Error() string {
	return fmt.Sprintf("a pod could make the API server ask about the grants of %d policies, and %d are possible", e.Policies, e.Limit)
}

// Build returns the decision table of a Plan for one mode. It returns an error for a mode, a way of grants and a version that there
// are not, and for dynamic grants that there cannot be. What else the table cannot have is a remark in it.
func Build(p *migrate.Plan, o Options) (*Table, error) {
	switch o.Grants {
	case "", DynamicGrants, StaticGrants:
	default:
		return nil, fmt.Errorf("grants %q are neither %s nor %s", o.Grants, DynamicGrants, StaticGrants)
	}
	o.Version = cmp.Or(o.Version, p.TargetVersion)
	if _, err := api.ParseVersion(o.Version); err != nil {
		return nil, fmt.Errorf("the version of the standards: %w", err)
	}
	b := &builder{plan: p, opts: o, table: &Table{Mode: o.Mode}}
	b.chooseNamespaces()
	switch o.Mode {
	case Delta:
		b.buildDelta()
	case Continuity:
		b.buildContinuity()
	case RestrictedButFor:
		if err := b.buildRestrictedButFor(); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("mode %q is none of %s, %s and %s", o.Mode, Delta, Continuity, RestrictedButFor)
	}
	if b.tooMany != nil {
		return nil, b.tooMany
	}
	b.finish()
	return b.table, nil
}

// builder makes one decision table.
type builder struct {
	plan  *migrate.Plan
	opts  Options
	table *Table
	// namespaces of the Plan that the table is about, by name.
	namespaces []*migrate.Namespace
	candidates []*candidate
	grants     *grantIndex
	// tooMany is set where dynamic grants are asked for and cannot be.
	tooMany *TooManyAskedError
	// work counts the alternatives that were made and the policies of grant sets that were joined, which tests hold down.
	work int
}

// nothing adds a remark on namespaces for which there is nothing to enforce.
func (b *builder) nothing(m message.Message, namespaces []string) {
	b.table.Nothing = append(b.table.Nothing, Remark{Message: m, Namespaces: namespaces})
}

// leaveOut adds a remark on namespaces that the table does not treat as their policies did.
func (b *builder) leaveOut(m message.Message, namespaces []string) {
	b.table.LeftOut = append(b.table.LeftOut, Remark{Message: m, Namespaces: namespaces})
}

// chooseNamespaces sets the namespaces of the Plan that the table is about, and says which it leaves out.
func (b *builder) chooseNamespaces() {
	system := b.opts.IncludeSystem || b.scopeIsSystem()
	var passed, terminating []string
	for i := range b.plan.Namespaces {
		switch ns := &b.plan.Namespaces[i]; {
		case ns.System && !system:
			passed = append(passed, ns.Name)
		case ns.Terminating:
			terminating = append(terminating, ns.Name)
		default:
			b.namespaces = append(b.namespaces, ns)
		}
	}
	if len(passed) > 0 {
		b.leaveOut(message.New("engine-system-namespaces", "namespaces", passed), passed)
	}
	if len(terminating) > 0 {
		b.nothing(message.New("engine-terminating", "namespaces", terminating), terminating)
	}
}

// scopeIsSystem reports whether the Plan was written for some namespaces only, all of them system ones.
func (b *builder) scopeIsSystem() bool {
	for i := range b.plan.Namespaces {
		if !b.plan.Namespaces[i].System {
			return false
		}
	}
	return b.plan.NamespacesLeftOut > 0
}
