package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Policy is one PodSecurityPolicy of the Plan: its spec as read, and what it means in terms of the standards.
type Policy struct {
	Name string `json:"name" format:"name"`
	// ClosestLevel is the nominal level, never an equivalent one. This and the next three are absent if the policy admits
	// nothing.
	ClosestLevel api.Level `json:"closestLevel,omitempty"`
	// CompliesAsWritten is the strictest level that every pod which the policy admits meets as its author wrote it.
	CompliesAsWritten api.Level `json:"compliesAsWritten,omitempty"`
	// CompliesAfterMutation is the strictest level that every pod which the policy admits meets with the values that it sets.
	CompliesAfterMutation api.Level `json:"compliesAfterMutation,omitempty"`
	// NoLooserThan is the loosest level that allows nothing which the policy forbids, or none.
	NoLooserThan api.Level `json:"noLooserThan,omitempty" values:"privileged baseline restricted none"`
	// AdmitsNothing: no pod can be admitted; Why says the reasons.
	AdmitsNothing    bool              `json:"admitsNothing"`
	AdmitsNothingWhy []message.Message `json:"admitsNothingWhy,omitempty"`
	// MutatingFields: fields and annotations by which it sets values in pods.
	MutatingFields []string `json:"mutatingFields"`
	// ProviderDefault is true for a policy that a Kubernetes distribution installs by default.
	ProviderDefault bool          `json:"providerDefault"`
	Checks          []PolicyCheck `json:"checks"`
	// Conditions are the IDs of those of Checks that belong to ClosestLevel and that the policy does not guarantee. Where a
	// check of restricted replaces one of baseline, it alone counts at restricted.
	Conditions []string `json:"conditions"`
	// NearestMiss: what keeps it from the next stricter level.
	NearestMiss []message.Message `json:"nearestMiss,omitempty"`
	// Lost: what it forbids or forces and the closest level does not.
	Lost []LostConstraint `json:"lost"`
	// RequiredTemplateValues: what templates must state themselves once it no longer sets it.
	RequiredTemplateValues []RequiredTemplateValue `json:"requiredTemplateValues,omitempty"`
	// Fields explains what the policy states, field by field.
	Fields []PolicyField `json:"fields,omitempty"`
	// Simplified is step 2 of the official migration guide; absent if the policy sets nothing that this is about, or admits
	// nothing.
	Simplified *SimplifiedPolicy `json:"simplified,omitempty"`
	// Unused: nobody may use it but Plan.ClusterAdministrators, who may use every policy.
	Unused bool `json:"unused,omitempty"`
	// Problems: unknown fields, values that API validation refuses. At most 20 are kept, since a hostile document must not
	// make a plan that is longer than itself: psp-problems-more then says how many others there are.
	Problems []pspparse.Problem `json:"problems,omitempty"`
	Position pspparse.Position  `json:"position,omitzero"`

	// APIVersion, Annotations and Spec are as they were read, but for kubectl's last-applied annotation. Lines gives the line
	// of each field that the document states, by its path: "spec.hostPorts[0].min".
	APIVersion  string            `json:"apiVersion"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        pspparse.Spec     `json:"spec"`
	Lines       map[string]int    `json:"lines,omitempty"`
}

// SimplifiedPolicy is, in the Plan, a PodSecurityPolicy without its mutating fields and without what the standards do
// not know.
type SimplifiedPolicy struct {
	Changes []SimplifiedField `json:"changes"`
	Clone   NonMutatingClone  `json:"clone"`
}

// SimplifiedField is, in the Plan, what becomes of one field of a policy in its simplified clone.
type SimplifiedField struct {
	// Field is a spec field or part of one, or the key of an annotation.
	Field string `json:"field"`
	// Class is mutating (it only mutates), outOfScope (no level checks it) or stillMutating (it forbids by mutation;
	// the guide leaves it in place).
	Class string `json:"class" values:"mutating outOfScope stillMutating"`
	// Becomes says what is done to it: "removed", "RunAsAny".
	Becomes message.Message `json:"becomes"`
	// Opens says what the clone lets pass and the policy does not; absent for nothing.
	Opens *message.Message `json:"opens,omitempty"`
}

// NonMutatingClone is, in the Plan, the clone of a PodSecurityPolicy that mutates no pods.
type NonMutatingClone struct {
	// Name sorts before the policy's; absent if there is no such name that is valid and free.
	Name string `json:"name,omitempty"`
	// Exists: there is such a policy of that name already.
	Exists      bool              `json:"exists,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        pspparse.Spec     `json:"spec"`
}

// PolicyCheck is, in the Plan, the status of one check of the standards for a policy.
type PolicyCheck struct {
	Check string    `json:"check"`
	Level api.Level `json:"level"`
	// Status says what holds for the pods that the policy admits: guaranteed (every one passes as written), by-mutation (every
	// one passes with what the policy sets), in-effect (the effect is ensured, the field that the check wants is not),
	// not-ensured (some fail), impossible (none can pass) or unknown (a policy says nothing about it).
	Status mapping.Status `json:"status" values:"guaranteed by-mutation in-effect not-ensured impossible unknown"`
	Fields []string       `json:"fields,omitempty"`
	// Values of a list that decide the status: the capabilities beyond what the check accepts.
	Values []string        `json:"values,omitempty"`
	Note   message.Message `json:"note"`
}

// LostConstraint is, in the Plan, a constraint that a policy has and a level has not.
type LostConstraint struct {
	Field string `json:"field"`
	mapping.Value
	// Class is security (a restriction is gone), functional (a value that the policy set is gone) or drift (only the
	// standard is newer than the policy).
	Class mapping.LossClass `json:"class" values:"security functional drift"`
	// NewlyAdmits are the items that the level accepts and the policy does not, where both have a list of them.
	NewlyAdmits []string `json:"newlyAdmits,omitempty"`
	// Note says what becomes possible, and what can take the place of the constraint.
	Note message.Message `json:"note"`
	// Policies is set in Plan.StandardsDrift and Namespace.Lost: which policies it is about, or EveryPolicy.
	Policies []string `json:"policies,omitempty"`
	// MayBeCoveredBy is set in Namespace.Lost: what else refuses pods there and, by its name, may forbid the same.
	MayBeCoveredBy []string `json:"mayBeCoveredBy,omitempty"`
}

// RequiredTemplateValue is, in the Plan, a value that templates must state once a policy no longer sets it.
type RequiredTemplateValue struct {
	Field string `json:"field"`
	Path  string `json:"path"`
	// Value is compact JSON: true, ["ALL"], {"type":"RuntimeDefault"}. Text has it for a reader.
	Value string `json:"value,omitempty"`
	// Note says where templates need the value, and what the levels ask for.
	Note message.Message `json:"note"`
}

// PolicyField explains, in the Plan, one field or annotation of a policy.
type PolicyField struct {
	Name string `json:"name"`
	mapping.Value
	Line int `json:"line,omitempty"`
	// Meaning says what the field does to pods, and how the standards treat that.
	Meaning  message.Message `json:"meaning"`
	Mutating bool            `json:"mutating,omitempty"`
}
