package psp

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// pkg/security/podsecuritypolicy/selinux: with MustRunAs everything must be what the policy says, unset included. The pod's
// options count even if every container has its own; a container's own replace the pod's as a whole.

// validatePodSELinux adds a refusal if the pod's SELinux options are not those of the PodSecurityPolicy. The pod's
// options count even if every container has its own.
func (e *policyEvaluation) validatePodSELinux() {
	if want := e.policy.mutation.seLinuxOptions; want != nil {
		e.validateSELinux("spec.securityContext.seLinuxOptions", want, e.podSecurityContext.SELinuxOptions)
	}
}

// validateContainerSELinux adds a refusal if the container's SELinux options are not those of the PodSecurityPolicy. A
// container's own options replace the pod's as a whole.
func (e *policyEvaluation) validateContainerSELinux(c *podContainer) {
	if want := e.policy.mutation.seLinuxOptions; want != nil {
		e.validateSELinux(c.fieldPath("securityContext.seLinuxOptions"), want, cmp.Or(c.securityContext.SELinuxOptions, e.podSecurityContext.SELinuxOptions))
	}
}

// validateSELinux adds a PodSecurityPolicy's refusal for each SELinux option that differs from the policy's. It follows
// pkg/security/podsecuritypolicy/selinux: with MustRunAs every option must be the policy's, unset ones included.
func (e *policyEvaluation) validateSELinux(field string, want, got *corev1.SELinuxOptions) {
	if e.lastSELinuxLevel == nil || *e.lastSELinuxLevel != got.Level {
		e.lastSELinuxLevel, e.lastSELinuxLevelAllowed = &got.Level, equivalentSELinuxLevels(want.Level, got.Level)
	}
	if !e.lastSELinuxLevelAllowed {
		e.addInvalidValue(field+".level", quotedValue(got.Level), "must be "+want.Level)
	}
	if want.Role != got.Role {
		e.addInvalidValue(field+".role", quotedValue(got.Role), "must be "+want.Role)
	}
	if want.Type != got.Type {
		e.addInvalidValue(field+".type", quotedValue(got.Type), "must be "+want.Type)
	}
	if want.User != got.User {
		e.addInvalidValue(field+".user", quotedValue(got.User), "must be "+want.User)
	}
}

// equivalentSELinuxLevels reports whether the SELinux levels of a policy and a pod are equal, with their categories in
// any order. Category ranges are not expanded.
func equivalentSELinuxLevels(want, got string) bool {
	if want == got {
		return true
	}
	wantSensitivity, wantCategories, wantBoth := strings.Cut(want, ":")
	gotSensitivity, gotCategories, gotBoth := strings.Cut(got, ":")
	if !wantBoth || !gotBoth || wantSensitivity != gotSensitivity {
		return false
	}
	return slices.Equal(sortedSELinuxCategories(wantCategories), sortedSELinuxCategories(gotCategories))
}

// sortedSELinuxCategories returns the categories of the SELinux level of a policy or a pod, sorted.
func sortedSELinuxCategories(list string) []string {
	return slices.Sorted(strings.SplitSeq(list, ","))
}
