package psp

import (
	"cmp"
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
)

// User and group of a container: pkg/security/podsecuritypolicy/user and group, pkg/securitycontext/accessors.go.

// The effective value is the container's, else the pod's.
func (t *evaluation) effectiveRunAsUser(c *podContainer) *int64 {
	return cmp.Or(c.securityContext.RunAsUser, t.podSecurityContext.RunAsUser)
}

func (t *evaluation) effectiveRunAsGroup(c *podContainer) *int64 {
	return cmp.Or(c.securityContext.RunAsGroup, t.podSecurityContext.RunAsGroup)
}

func (t *evaluation) effectiveRunAsNonRoot(c *podContainer) *bool {
	return cmp.Or(c.securityContext.RunAsNonRoot, t.podSecurityContext.RunAsNonRoot)
}

// validateUser: MustRunAs looks at the user alone, MustRunAsNonRoot first at runAsNonRoot. Upstream refuses a missing
// value, too: there is none left once the policy has filled in.
func (t *evaluation) validateUser(c *podContainer) {
	rule := &t.policy.spec.RunAsUser
	user := t.effectiveRunAsUser(c)
	switch rule.Rule {
	case pspparse.MustRunAs:
		if !t.policy.runAsUsers.contain(*user) && !t.refusalLimitReached() {
			t.addInvalidValue(c.fieldPath("securityContext.runAsUser"), numberValue(*user), fmt.Sprintf("must be in the ranges: %v", rule.Ranges))
		}
	case pspparse.MustRunAsNonRoot:
		nonRoot := t.effectiveRunAsNonRoot(c)
		switch {
		case nonRoot != nil && !*nonRoot:
			t.addInvalidValue(c.fieldPath("securityContext.runAsNonRoot"), booleanValue(false), "must be true")
		case user != nil && *user == 0:
			t.addInvalidValue(c.fieldPath("securityContext.runAsUser"), numberValue(*user), "running with the root UID is forbidden")
		}
	}
}

// validateGroup: upstream's path ends at the security context.
func (t *evaluation) validateGroup(c *podContainer) {
	if group := t.effectiveRunAsGroup(c); group != nil && t.policy.spec.RunAsGroup != nil {
		t.validateGroups(c.fieldPath("securityContext"), t.policy.spec.RunAsGroup, t.policy.runAsGroups, []int64{*group})
	}
}

func (t *evaluation) validateFSGroup() {
	if group := t.podSecurityContext.FSGroup; group != nil {
		t.validateGroups("spec.securityContext.fsGroup", &t.policy.spec.FSGroup, t.policy.fsGroups, []int64{*group})
	}
}

// validateSupplementalGroups: a list that its author left empty on purpose is not filled in, and refused.
func (t *evaluation) validateSupplementalGroups() {
	const field = "spec.securityContext.supplementalGroups"
	rule, groups := &t.policy.spec.SupplementalGroups, t.podSecurityContext.SupplementalGroups
	if rule.Rule == pspparse.MustRunAs && len(groups) == 0 {
		t.addInvalidValue(field, fmt.Sprintf("%#v", groups), "unable to validate empty groups against required ranges")
	}
	t.validateGroups(field, rule, t.policy.supplementalGroups, groups)
}

// validateGroups tells each group that is out of range, always with the whole list.
func (t *evaluation) validateGroups(field string, rule *pspparse.IDStrategy, allowed sortedRanges, groups []int64) {
	if rule.Rule == pspparse.RunAsAny {
		return
	}
	for _, group := range groups {
		if !allowed.contain(group) && !t.refusalLimitReached() {
			t.addInvalidValue(field, fmt.Sprintf("%#v", groups), fmt.Sprintf("group %d must be in the ranges: %v", group, rule.Ranges))
		}
	}
}
