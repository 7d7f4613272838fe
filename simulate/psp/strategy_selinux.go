package psp

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// pkg/security/podsecuritypolicy/selinux: with MustRunAs everything must be what the policy says, unset included. The pod's
// options count even if every container has its own; a container's own replace the pod's as a whole.

func (t *trial) validatePodSELinux() {
	if want := t.policy.fills.seLinuxOptions; want != nil {
		t.validateSELinux("spec.securityContext.seLinuxOptions", want, t.security.SELinuxOptions)
	}
}

func (t *trial) validateContainerSELinux(c *container) {
	if want := t.policy.fills.seLinuxOptions; want != nil {
		t.validateSELinux(c.path("securityContext.seLinuxOptions"), want, cmp.Or(c.security.SELinuxOptions, t.security.SELinuxOptions))
	}
}

func (t *trial) validateSELinux(field string, want, got *corev1.SELinuxOptions) {
	if t.level == nil || *t.level != got.Level {
		t.level, t.sameLevel = &got.Level, sameLevel(want.Level, got.Level)
	}
	if !t.sameLevel {
		t.invalid(field+".level", quoted(got.Level), "must be "+want.Level)
	}
	if want.Role != got.Role {
		t.invalid(field+".role", quoted(got.Role), "must be "+want.Role)
	}
	if want.Type != got.Type {
		t.invalid(field+".type", quoted(got.Type), "must be "+want.Type)
	}
	if want.User != got.User {
		t.invalid(field+".user", quoted(got.User), "must be "+want.User)
	}
}

// sameLevel lets the categories after the first colon come in any order. Ranges of them are not expanded.
func sameLevel(want, got string) bool {
	if want == got {
		return true
	}
	wantSensitivity, wantCategories, wantBoth := strings.Cut(want, ":")
	gotSensitivity, gotCategories, gotBoth := strings.Cut(got, ":")
	if !wantBoth || !gotBoth || wantSensitivity != gotSensitivity {
		return false
	}
	return slices.Equal(sortedCategories(wantCategories), sortedCategories(gotCategories))
}

func sortedCategories(list string) []string {
	return slices.Sorted(strings.SplitSeq(list, ","))
}
