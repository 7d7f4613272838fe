// Package pss evaluates pods against the Pod Security Standards at any of their versions, through the checks of
// k8s.io/pod-security-admission. It copies no rule of that library.
package pss

import (
	"slices"

	"k8s.io/pod-security-admission/api"
)

// Violation is one check that a pod fails, in the library's own words.
type Violation struct {
	// Check is the library's ID, Level the level the check belongs to.
	Check string
	Level api.Level
	// Reason is the short form, Detail names containers and values; both verbatim. Detail may be empty.
	Reason, Detail string
}

// Verdict on one pod at one version.
type Verdict struct {
	// Level is the strictest level the pod meets together with every looser one.
	Level api.Level
	// Violations: every baseline check that fails, then every restricted check that fails, each sorted by ID. A
	// baseline check stays listed where a restricted one overrides it.
	Violations []Violation
}

// Equal reports whether both verdicts have the same level and the same violations.
func (v Verdict) Equal(other Verdict) bool {
	return v.Level == other.Level && slices.Equal(v.Violations, other.Violations)
}
