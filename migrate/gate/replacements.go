package gate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// guardsSet is the set of the generated policies that guard the labels of namespaces. They stand for no PodSecurityPolicy.
const guardsSet = "guards"

// noteReplacements adds notes to the gate's result on the admission policies that the command generate wrote: which are in force and
// take the place of what is lost, which refuse nothing yet, and which guard labels.
func (j *upgradeCheck) noteReplacements() {
	var inForce, idle, guards []message.Message
	bound := map[[2]string][]*inventory.GeneratedPolicy{} // by kind and name of the policy
	there := map[[2]string]bool{}
	for i := range j.facts.GeneratedPolicies {
		p := &j.facts.GeneratedPolicies[i]
		if kind, isBinding := strings.CutSuffix(p.Kind, "Binding"); isBinding {
			bound[[2]string{kind, p.PolicyName}] = append(bound[[2]string{kind, p.PolicyName}], p)
			continue
		}
		there[[2]string{p.Kind, p.Name}] = true
	}
	for i := range j.facts.GeneratedPolicies {
		p := &j.facts.GeneratedPolicies[i]
		kind, isBinding := strings.CutSuffix(p.Kind, "Binding")
		if isBinding {
			if !there[[2]string{kind, p.PolicyName}] {
				idle = append(idle, replacementObject(p, "").With("missing", p.PolicyName))
			}
			continue
		}
		action := strictestAction(p.Kind, bound[[2]string{p.Kind, p.Name}])
		object := replacementObject(p, action).With("unbound", action == "")
		switch {
		case p.Set == guardsSet:
			guards = append(guards, object)
		case action == actionDeny || action == actionWrite:
			inForce = append(inForce, object)
		default:
			idle = append(idle, object)
		}
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

// What the gate says a generated policy does with pods.
const (
	actionDeny  = "deny"
	actionWarn  = "warn"
	actionAudit = "audit"
	actionWrite = "write"
)

// strictestAction returns, for the gate, what a generated policy of a kind does by its bindings; "" where nothing binds it.
func strictestAction(kind string, bindings []*inventory.GeneratedPolicy) string {
	if kind == "MutatingAdmissionPolicy" && len(bindings) > 0 {
		return actionWrite
	}
	for _, a := range []struct{ action, word string }{{"Deny", actionDeny}, {"Warn", actionWarn}, {"Audit", actionAudit}} {
		if slices.ContainsFunc(bindings, func(b *inventory.GeneratedPolicy) bool { return slices.Contains(b.Actions, a.action) }) {
			return a.word
		}
	}
	return ""
}

// replacementObject returns a generated policy or binding as the object that a note of the gate is about.
func replacementObject(p *inventory.GeneratedPolicy, action string) message.Message {
	return message.New("object-replacement", "kind", p.Kind, "name", p.Name, "set", p.Set, "mode", p.Mode, "action", action)
}

// grantsAreAsked reports, for the gate, whether a generated policy asks RBAC who may use a PodSecurityPolicy: then the roles that let
// use policies decide, with or without PodSecurityPolicies on the server.
func (j *upgradeCheck) grantsAreAsked() bool {
	return slices.ContainsFunc(j.facts.GeneratedPolicies, func(p inventory.GeneratedPolicy) bool { return p.AsksGrants })
}
