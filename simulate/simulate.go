// Package simulate owns the judgement of one workload: against a level and version through the library of Pod Security
// Admission, as written and on the day after (when no policy fills anything in); what edits would change that; and by
// PodSecurityPolicy admission: which policy admits a pod and what it fills in, or every reason against it. It takes pods and
// inventory shapes and returns verdicts and edits; it never decides what a namespace should get, and copies no rule of the
// library. Of the rules of PodSecurityPolicy admission there is no library any more: each file names the one of Kubernetes
// v1.24.17 that it follows, and fixtures/controlplane/admission compares the two.
package simulate

import (
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
