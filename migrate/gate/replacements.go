package gate

import (
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/generated"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// noteReplacements adds notes to the gate's result on the admission policies that the command generate wrote: which are in force and
// take the place of what is lost, which refuse nothing yet, and which guard labels.
func (j *upgradeCheck) noteReplacements() {
	var inForce, idle, guards []message.Message
	policies, loose := j.plan.BoundPolicies()
	for _, p := range policies {
		object := replacementObject(p.GeneratedPolicy, p.Effect).With("unbound", p.Effect == migrate.Unbound)
		switch {
		case p.Set == generated.GuardSet: // they stand for no PodSecurityPolicy
			guards = append(guards, object)
		case p.Effect == migrate.EffectOfDeny || p.Effect == migrate.EffectOfWrite:
			inForce = append(inForce, object)
		default:
			idle = append(idle, object)
		}
	}
	for _, b := range loose {
		idle = append(idle, replacementObject(b, "").With("missing", b.PolicyName))
	}
	if len(inForce) > 0 {
		j.addNote(inForce, message.New("replacements-in-force"))
	}
	if len(idle) > 0 {
		j.addNote(idle, message.New("replacements-idle"))
	}
	if len(guards) > 0 {
		j.addNote(guards, message.New("replacements-guards"))
	}
}

// replacementObject returns a generated policy or binding as the object that a note of the gate is about.
func replacementObject(p *inventory.GeneratedPolicy, effect migrate.PolicyEffect) message.Message {
	return message.New("object-replacement", "kind", p.Kind, "name", p.Name, "set", p.Set, "mode", p.Mode, "action", string(effect), "changed", p.Changed)
}

// grantsAreAsked reports, for the gate, whether a generated policy asks RBAC who may use a PodSecurityPolicy: then the roles that let
// use policies decide, with or without PodSecurityPolicies on the server.
func (j *upgradeCheck) grantsAreAsked() bool {
	return slices.ContainsFunc(j.plan.GeneratedPolicies, func(p inventory.GeneratedPolicy) bool { return p.AsksGrants })
}
