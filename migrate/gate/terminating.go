package gate

import (
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// withoutTerminating returns, for the gate, a plan without the namespaces that are being deleted, and those.
// Nothing is to be done in them.
func withoutTerminating(p *migrate.Plan) (without *migrate.Plan, terminating []message.Message) {
	for i := range p.Namespaces {
		if p.Namespaces[i].Terminating {
			terminating = append(terminating, namespaceObject(&p.Namespaces[i]))
		}
	}
	if len(terminating) == 0 {
		return p, nil
	}
	rest := *p
	rest.Namespaces = slices.DeleteFunc(slices.Clone(p.Namespaces), func(ns migrate.Namespace) bool { return ns.Terminating })
	return &rest, terminating
}
