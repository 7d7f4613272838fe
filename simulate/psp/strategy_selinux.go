package psp

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// pkg/security/podsecuritypolicy/selinux: with MustRunAs everything must be what the policy says, unset included. The pod's
// options count even if every container has its own; a container's own replace the pod's as a whole.

func (t *evaluation) validatePodSELinux() {
	if want := t.policy.mutation.seLinuxOptions; want != nil {
		t.validateSELinux("spec.securityContext.seLinuxOptions", want, t.podSecurityContext.SELinuxOptions)
	}
}

func (t *evaluation) validateContainerSELinux(c *podContainer) {
	if want := t.policy.mutation.seLinuxOptions; want != nil {
		t.validateSELinux(c.fieldPath("securityContext.seLinuxOptions"), want, cmp.Or(c.securityContext.SELinuxOptions, t.podSecurityContext.SELinuxOptions))
	}
}

func (t *evaluation) validateSELinux(field string, want, got *corev1.SELinuxOptions) {
	if t.lastSELinuxLevel == nil || *t.lastSELinuxLevel != got.Level {
		t.lastSELinuxLevel, t.lastSELinuxLevelAllowed = &got.Level, equivalentSELinuxLevels(want.Level, got.Level)
	}
	if !t.lastSELinuxLevelAllowed {
		t.addInvalidValue(field+".level", quotedValue(got.Level), "must be "+want.Level)
	}
	if want.Role != got.Role {
		t.addInvalidValue(field+".role", quotedValue(got.Role), "must be "+want.Role)
	}
	if want.Type != got.Type {
		t.addInvalidValue(field+".type", quotedValue(got.Type), "must be "+want.Type)
	}
	if want.User != got.User {
		t.addInvalidValue(field+".user", quotedValue(got.User), "must be "+want.User)
	}
}

// equivalentSELinuxLevels lets the categories after the first colon come in any order. Ranges of them are not expanded.
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

func sortedSELinuxCategories(list string) []string {
	return slices.Sorted(strings.SplitSeq(list, ","))
}
