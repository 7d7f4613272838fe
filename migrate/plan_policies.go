package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Policy is one PodSecurityPolicy, assessed.
type Policy struct {
	Name string `json:"name"`
	// ClosestLevel is the nominal level, never an equivalent one; absent if the policy admits nothing. Safe, Held and Cover
	// are the strict bounds: no pod it admits breaks; all pods it has mutated comply; nothing it forbids is allowed
	// (or "none").
	ClosestLevel          api.Level `json:"closest,omitempty"`
	CompliesAsWritten     api.Level `json:"safe,omitempty"`
	CompliesAfterMutation api.Level `json:"held,omitempty"`
	NoLooserThan          api.Level `json:"cover,omitempty" values:"privileged baseline restricted none"`
	// AdmitsNothing: no pod can be admitted; Why says the reason.
	AdmitsNothing    bool   `json:"admitsNothing"`
	AdmitsNothingWhy string `json:"admitsNothingWhy,omitempty"`
	// MutatingFields: fields and annotations that fill values into pods.
	MutatingFields []string `json:"mutating"`
	// ProviderDefault is true for a policy that a Kubernetes distribution installs by default.
	ProviderDefault bool          `json:"provider"`
	Checks          []PolicyCheck `json:"checks"`
	// NearestMiss: what keeps it from the next stricter level.
	NearestMiss string `json:"nearestMiss,omitempty"`
	// LevelChoices are offered where one word would mislead: one core check alone makes the policy privileged.
	LevelChoices []string `json:"choices,omitempty"`
	// Lost: what it forbids or forces and the closest level does not.
	Lost []LostConstraint `json:"lost"`
	// RequiredTemplateValues: what templates must state themselves once it no longer fills it in.
	RequiredTemplateValues []RequiredTemplateValue `json:"writeDown,omitempty"`
	// Fields explains what the policy states, field by field.
	Fields []PolicyField `json:"fields,omitempty"`
	// Simplified is step 2 of the official migration guide; absent if the policy sets nothing that this is about, or admits
	// nothing.
	Simplified *SimplifiedPolicy `json:"simplify,omitempty"`
	// UsedBy: every subject to which a grant by its name lets use it, with the evidence; Plan.Uses adds those of
	// Plan.UsersOfEveryPolicy.
	UsedBy []PolicyGrant `json:"usedBy"`
	// SameUsersAs names a policy before this one that is named by the same grants, where they are more than ten: then they stand
	// there, and UsedBy is empty.
	SameUsersAs string `json:"usedByAs,omitempty"`
	// Unused: nobody may use it but Plan.Administrators, who may use every policy.
	Unused bool `json:"unused,omitempty"`
	// Problems: unknown fields, values that API validation refuses.
	Problems []pspparse.Problem `json:"problems,omitempty"`
	Position pspparse.Position  `json:"position,omitzero"`
}

// SimplifiedPolicy is a policy without what fills values in and without what the standards do not know.
type SimplifiedPolicy struct {
	Changes []SimplifiedField `json:"changes"`
	Clone   NonMutatingClone  `json:"clone"`
}

// SimplifiedField is what becomes of one field of a policy in its clone.
type SimplifiedField struct {
	// Field is a spec field or part of one, or the key of an annotation.
	Field string `json:"field"`
	// Class is mutating (it only fills in), outOfScope (no level looks at it) or stillMutating (it forbids by filling in;
	// the guide leaves it in place).
	Class string `json:"class" values:"mutating outOfScope stillMutating"`
	// Becomes says what is done to it: "removed", "RunAsAny".
	Becomes string `json:"becomes"`
	// Opens says what the clone lets pass and the policy does not; absent for nothing.
	Opens string `json:"opens,omitempty"`
}

// NonMutatingClone is the policy that fills nothing in.
type NonMutatingClone struct {
	// Name sorts before the policy's; absent if there is no such name that is valid and free.
	Name string `json:"name,omitempty"`
	// Exists: there is such a policy of that name already.
	Exists      bool              `json:"exists,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        pspparse.Spec     `json:"spec"`
}

// PolicyCheck is the status of one check of the standards for a policy: G guaranteed, M by mutation, E in effect, N not
// ensured, X impossible, U unknown.
type PolicyCheck struct {
	Check  string    `json:"check"`
	Level  api.Level `json:"level"`
	Status string    `json:"status" values:"G M E N X U"`
	Fields []string  `json:"fields,omitempty"`
	Note   string    `json:"note,omitempty"`
}

// LostConstraint is a constraint that a policy has and the level has not.
type LostConstraint struct {
	Field string `json:"field"`
	Value string `json:"value,omitempty"`
	// Class is security, functional or drift.
	Class string `json:"class" values:"security functional drift"`
	Note  string `json:"note,omitempty"`
	// Policies is set in Plan.Drift and Namespace.Lost: which policies it is about, or EveryPolicy.
	Policies []string `json:"policies,omitempty"`
	// MayBeCoveredBy is set in Namespace.Lost: what else refuses pods there and, by its name, may forbid the same. Up to three.
	MayBeCoveredBy []string `json:"mayCover,omitempty"`
}

// RequiredTemplateValue is a value that templates must state once a policy no longer fills it in.
type RequiredTemplateValue struct {
	Field string `json:"field"`
	Path  string `json:"path"`
	Value string `json:"value,omitempty"`
	Note  string `json:"note,omitempty"`
}

// PolicyField explains one field or annotation of a policy.
type PolicyField struct {
	Name     string `json:"name"`
	Value    string `json:"value,omitempty"`
	Line     int    `json:"line,omitempty"`
	Meaning  string `json:"meaning"`
	Mutating bool   `json:"mutating,omitempty"`
}

// PolicyGrant is one grant: exactly one of ServiceAccount ("namespace/name"), User and Group is set.
type PolicyGrant struct {
	// Namespace in which the grant holds; absent means everywhere.
	Namespace      string `json:"namespace,omitempty"`
	ServiceAccount string `json:"serviceAccount,omitempty"`
	User           string `json:"user,omitempty"`
	Group          string `json:"group,omitempty"`
	// Via: the binding, then the role: ["RoleBinding web/psp", "ClusterRole psp:restricted"].
	Via []string `json:"via"`
}

