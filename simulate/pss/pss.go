// Package pss evaluates pods against the Pod Security Standards at any of their versions, through the checks of
// k8s.io/pod-security-admission. It copies no rule of that library.
package pss

import (
	"slices"

	"k8s.io/pod-security-admission/api"
)

// Violation is one check of the Pod Security Standards that a pod fails, in the words of the library.
type Violation struct {
	// Check is the library's ID, Level the level that the check belongs to.
	Check string
	Level api.Level
	// Reason is the short form, Detail names containers and values; both verbatim. Detail may be empty.
	Reason, Detail string
}

// Verdict is the level of the Pod Security Standards that a pod meets at one version, and the checks that it fails.
type Verdict struct {
	// Level is the strictest level that the pod meets together with every looser one.
	Level api.Level
	// Violations are the baseline checks that the pod fails, then the restricted checks, each sorted by ID. A baseline
	// check is listed even where a restricted check overrides it.
	Violations []Violation
}

// Equal reports whether two verdicts on pods have the same level and the same violations.
func (v Verdict) Equal(other Verdict) bool {
	return v.Level == other.Level && slices.Equal(v.Violations, other.Violations)
}
