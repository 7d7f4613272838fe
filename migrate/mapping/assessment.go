package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Status is what a PodSecurityPolicy ensures of one check of the Pod Security Standards, for the pods that it admits.
type Status string

// The statuses of a check.
const (
	// StatusGuaranteed: every pod that the policy admits passes the check, as its author wrote it.
	StatusGuaranteed Status = "guaranteed"
	// StatusByMutation: every admitted pod passes once the policy has set its default values; some do not as written.
	StatusByMutation Status = "by-mutation"
	// StatusInEffect: the security effect is ensured, the field that the check wants is not.
	StatusInEffect Status = "in-effect"
	// StatusNotEnsured: some admitted pods pass, some fail.
	StatusNotEnsured Status = "not-ensured"
	// StatusImpossible: no Linux pod that the policy admits can pass.
	StatusImpossible Status = "impossible"
	// StatusUnknown: the policy has no field for what the check looks at.
	StatusUnknown Status = "unknown"
)

// LevelNone is Assessment.NoLooserThan where every level allows something that the policy forbids.
const LevelNone api.Level = "none"

// Assessment is what one PodSecurityPolicy means in terms of the Pod Security Standards, at one version of them.
type Assessment struct {
	// Version of the standards: a minor that the library knows, never "latest".
	Version api.Version
	// Closest is the nominal level; "" if the policy admits nothing.
	Closest api.Level
	// CompliesAsWritten is the strictest level that all admitted pods meet as they are written; "" if the policy admits nothing.
	CompliesAsWritten api.Level
	// CompliesAfterMutation is the strictest level that all admitted pods meet with the values that the policy sets; "" if the
	// policy admits nothing.
	CompliesAfterMutation api.Level
	// NoLooserThan is the least strict level that forbids all that the policy forbids, or LevelNone; "" if the policy admits
	// nothing. What newer standards allow (DriftLoss) does not count.
	NoLooserThan api.Level
	// AdmitsNothing says why no pod can be admitted by this policy; empty if some can.
	AdmitsNothing []message.Message
	// Mutating has the fields and annotations that set values in pods, by the name of the spec field ("runAsUser") or the key
	// of the annotation, sorted.
	Mutating []string
	// Checks has every check that exists at Version: baseline first, each level by ID.
	Checks []Check
	// LostConstraints are what the policy forbids or enforces and Closest does not, sorted by field. LostConstraintsAt returns
	// those of other levels.
	LostConstraints []LostConstraint
	// RequiredTemplateValues are the values that the policy sets and that templates must state without it, in spec order.
	RequiredTemplateValues []RequiredTemplateValue
	// NearestMiss is what keeps the policy from the next stricter level, by its core checks: "hostPath (read-only, /var/log)".
	// Empty at restricted.
	NearestMiss []message.Message
	// Fields explains every field and annotation that the policy states or that is loose by omission, in spec order.
	Fields []FieldExplanation
}

// Check is the status of one check of the Pod Security Standards for a PodSecurityPolicy.
type Check struct {
	// ID of the check in the library (policy.CheckID).
	ID string
	// Level that the check belongs to: baseline or restricted.
	Level  api.Level
	Status Status
	// Fields of the policy that decide the status.
	Fields []string
	// Values decide the status where they are part of a list: the capabilities beyond what the check accepts.
	Values []string
	// Note gives the reason of the status, with what decides it.
	Note message.Message
	// Core is true for checks that decide Assessment.Closest: those of privilege, of the host and of root. Checks of seccomp,
	// AppArmor and SELinux, and those that policies have no field for, are conditions only.
	Core bool
}

// LossClass says what kind of protection is lost with a constraint of a PodSecurityPolicy.
type LossClass string

// The classes of lost constraints.
const (
	// SecurityLoss: a restriction is gone.
	SecurityLoss LossClass = "security"
	// FunctionalLoss: a value that the policy set in pods is gone.
	FunctionalLoss LossClass = "functional"
	// DriftLoss: the level allows more only because the standard is newer than the policy.
	DriftLoss LossClass = "drift"
)

// LostConstraint is something that a PodSecurityPolicy forbids or enforces and a level does not.
type LostConstraint struct {
	// Field is the name of a spec field or the key of an annotation.
	Field string
	// Value of the field. Of DriftLoss it may be what the standard allows and the policy does not.
	Value
	Class LossClass
	// NewlyAdmits are the entries that the level accepts and the policy refuses, where both have a list of them.
	NewlyAdmits []string
	// Note says what becomes possible, and what can take the place of the constraint.
	Note message.Message
}

// RequiredTemplateValue is, in an Assessment, a value that pod templates must state once the policy no longer sets it.
type RequiredTemplateValue struct {
	// Field is the policy's field or annotation that sets it.
	Field string
	// Path of the field in a pod template: "containers[*].securityContext.runAsNonRoot".
	Path string
	// Value is compact JSON: true, ["ALL"], {"type":"RuntimeDefault"}. TemplateText writes it for people.
	Value string
	// Note says where templates need the value, and what the levels ask for.
	Note message.Message
}

// FieldExplanation says what one field or annotation of a PodSecurityPolicy does to pods.
type FieldExplanation struct {
	// Name of the spec field, or key of the annotation.
	Name string
	// Value as stated, or the default that is in force; zero if the field is absent.
	Value
	// Line of the field in its file; 0 if it is absent or not from a file.
	Line int
	// Meaning says what the field does to pods, and how the standards treat that.
	Meaning message.Message
	// Mutating is true if the field sets values in pods.
	Mutating bool
}
