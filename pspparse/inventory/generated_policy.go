package inventory

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// GeneratedPolicy is, in an inventory, an admission policy of Kubernetes or the binding of one that the command generate wrote,
// by its labels. Anybody may write such labels: it says what is there, and proves nothing about it.
type GeneratedPolicy struct {
	// Kind and Name are those of the object.
	Kind string `json:"kind" values:"MutatingAdmissionPolicy MutatingAdmissionPolicyBinding ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"`
	Name string `json:"name"`
	// Set and Mode are what its labels say: the set of namespaces that it belongs to, and what it keeps of PodSecurityPolicy; absent for
	// what guards labels, and for a mode that is not known.
	Set  string `json:"set"`
	Mode string `json:"mode,omitempty" values:"delta continuity restricted-but-for"`
	// PolicyName is, of a binding, the policy that it puts into force. Actions are its validation actions; a
	// MutatingAdmissionPolicyBinding has none.
	PolicyName string   `json:"policyName,omitempty"`
	Actions    []string `json:"actions,omitempty" values:"Audit Deny Warn"`
	// AsksGrants is true for a policy that asks RBAC who may use a PodSecurityPolicy.
	AsksGrants bool `json:"asksGrants,omitempty"`
	// Changed is true for a MutatingAdmissionPolicy for pods that is not as the command generate wrote it.
	Changed bool `json:"changed,omitempty"`
	// Position is where the object's document starts; zero for a live object.
	Position pspparse.Position `json:"position,omitzero"`
}

// AddGeneratedPolicy adds to the inventory an admission policy that the command generate wrote, or a binding of one.
func (b *Builder) AddGeneratedPolicy(p GeneratedPolicy) {
	b.generatedPolicies = append(b.generatedPolicies, p)
}

// sortedGeneratedPolicies returns the inventory's policies that the command generate wrote, in order, each once.
func (b *Builder) sortedGeneratedPolicies() []GeneratedPolicy {
	out := slices.Clone(b.generatedPolicies)
	slices.SortFunc(out, func(x, y GeneratedPolicy) int {
		return cmp.Or(cmp.Compare(x.Set, y.Set), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name), comparePositions(x.Position, y.Position))
	})
	return slices.CompactFunc(out, func(x, y GeneratedPolicy) bool { return x.Kind == y.Kind && x.Name == y.Name })
}
