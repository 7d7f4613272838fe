package migrate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// PolicyEffect is what an admission policy of a Plan that the command generate wrote does with pods, or with namespaces, by its bindings.
type PolicyEffect string

// The effects, the least first. One that writes cannot be compared with the others.
const (
	Unbound       PolicyEffect = ""
	EffectOfAudit PolicyEffect = "audit"
	EffectOfWarn  PolicyEffect = "warn"
	EffectOfDeny  PolicyEffect = "deny"
	EffectOfWrite PolicyEffect = "write"
)

// BoundPolicy is an admission policy of a Plan that the command generate wrote, with its effect.
type BoundPolicy struct {
	*inventory.GeneratedPolicy
	Effect PolicyEffect
}

// BoundPolicies returns the admission policies of the Plan that the command generate wrote, with what their bindings have them do, and the
// bindings whose policy is not there, both in the order of the Plan.
func (p *Plan) BoundPolicies() (policies []BoundPolicy, loose []*inventory.GeneratedPolicy) {
	type policy struct{ kind, name string }
	bindings := map[policy][]*inventory.GeneratedPolicy{}
	there := map[policy]bool{}
	for i := range p.GeneratedPolicies {
		g := &p.GeneratedPolicies[i]
		if kind, isBinding := strings.CutSuffix(g.Kind, "Binding"); isBinding {
			bindings[policy{kind, g.PolicyName}] = append(bindings[policy{kind, g.PolicyName}], g)
		} else {
			there[policy{g.Kind, g.Name}] = true
		}
	}
	for i := range p.GeneratedPolicies {
		g := &p.GeneratedPolicies[i]
		switch kind, isBinding := strings.CutSuffix(g.Kind, "Binding"); {
		case !isBinding:
			policies = append(policies, BoundPolicy{g, effectOf(g.Kind, bindings[policy{g.Kind, g.Name}])})
		case !there[policy{kind, g.PolicyName}]:
			loose = append(loose, g)
		}
	}
	return policies, loose
}

// effectOf returns what a policy of a Plan of a kind does by its bindings: the strictest of what they say.
func effectOf(kind string, bindings []*inventory.GeneratedPolicy) PolicyEffect {
	if kind == "MutatingAdmissionPolicy" && len(bindings) > 0 {
		return EffectOfWrite
	}
	for _, a := range []struct {
		action string
		effect PolicyEffect
	}{{"Deny", EffectOfDeny}, {"Warn", EffectOfWarn}, {"Audit", EffectOfAudit}} {
		if slices.ContainsFunc(bindings, func(b *inventory.GeneratedPolicy) bool { return slices.Contains(b.Actions, a.action) }) {
			return a.effect
		}
	}
	return Unbound
}
