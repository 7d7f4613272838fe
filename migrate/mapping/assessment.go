package mapping

import (
	"k8s.io/pod-security-admission/api"
)

// Status of one check for one policy at one version: what can be said of the pods the policy admits.
type Status string

// The statuses.
const (
	StatusGuaranteed Status = "guaranteed"  // every pod the policy admits passes, as its author wrote it
	StatusByMutation Status = "by-mutation" // every pod passes once the policy has filled in its values; some do not as written
	StatusInEffect   Status = "in-effect"   // the security effect is ensured, the field that the check wants is not
	StatusNotEnsured Status = "not-ensured" // some pass, some fail
	StatusImpossible Status = "impossible"  // no pod (Linux) that the policy admits can pass
	StatusUnknown    Status = "unknown"     // the policy cannot speak about it
)

// LevelNone is Assessment.NoLooserThan where no level forbids all that the policy forbids.
const LevelNone api.Level = "none"

// Assessment is everything that follows from the policy alone, at one version.
type Assessment struct {
	// Version is the concrete version judged at: never "latest" nor newer than the library's newest.
	Version api.Version
	// Closest is the nominal level; "" if the policy admits nothing.
	Closest api.Level
	// CompliesAsWritten, CompliesAfterMutation: the strictest level that all authored / all mutated pods meet; "" if the policy admits nothing.
	CompliesAsWritten, CompliesAfterMutation api.Level
	// NoLooserThan: the least strict level that forbids all that the policy forbids (drift set aside), or LevelNone; "" if
	// the policy admits nothing.
	NoLooserThan api.Level
	// AdmitsNothing says why no pod can be admitted by this policy; "" if some can.
	AdmitsNothing string
	// Mutating: the spec fields and annotations that fill values into pods, by their spec name ("runAsUser") or
	// annotation key, sorted.
	Mutating []string
	// Checks has every check of the library in force at Version, baseline first, each by ID.
	Checks []Check
	// LostConstraints: what the policy forbids or forces and Closest does not; sorted by field. LostAt gives other levels.
	LostConstraints []LostConstraint
	// RequiredTemplateValues: what the policy fills in today and templates must state themselves without it.
	RequiredTemplateValues []RequiredTemplateValue
	// NearestMiss says what keeps the policy from the next stricter level ("would be baseline but for hostPath
	// (read-only, /var/log)"); it names every core check that stands in the way. "" at restricted.
	NearestMiss string
	// Choices are offered where one word would mislead: the policy is privileged because of one core check alone.
	Choices []string
	// Fields explains every field and annotation that the policy states or that is loose by omission, in spec order.
	Fields []FieldExplanation
}

// Check is the status of one library check.
type Check struct {
	ID     string    // policy.CheckID
	Level  api.Level // baseline or restricted
	Status Status
	Fields []string // the policy's fields that decide it
	// Values are what decides the status where that is part of a list: the capabilities beyond what the check accepts.
	Values []string
	Note   string // one clause: why this status, with the first of the values
	// Core is false for the profile tier (seccomp, AppArmor, SELinux) and the uncovered tier, which are conditions and
	// never decide Closest.
	Core bool
}

// LossClass of a lost constraint.
type LossClass string

// The classes.
const (
	SecurityLoss   LossClass = "security"   // a restriction is gone
	FunctionalLoss LossClass = "functional" // a value that the policy supplied is gone
	DriftLoss      LossClass = "drift"      // differs only because the standard is newer than the policy
)

// LostConstraint is one constraint that the policy has and a level has not.
type LostConstraint struct {
	Field string
	Value Value
	Class LossClass
	// NewlyAdmits are the items that the level accepts and the policy does not, where both have a list of them.
	NewlyAdmits []string
	Note        string // what becomes possible, and a compensating control
}

// RequiredTemplateValue is one value that templates must state once the policy no longer fills it in.
type RequiredTemplateValue struct {
	Field string // the policy's field or annotation
	Path  string // where a template states it: "containers[*].securityContext.runAsNonRoot"
	Value string // the value the policy fills in, as compact JSON: true, ["ALL"], {"type":"RuntimeDefault"}
	Note  string
}

// FieldExplanation is the explanation of one field or annotation.
type FieldExplanation struct {
	Name     string // spec field name or annotation key
	Value    Value  // as stated; zero if absent
	Line     int    // 0 if absent or unknown
	Meaning  string // one clause: what it does to pods, and how the standards see it
	Mutating bool
}
