package psp

import (
	"cmp"
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
)

// User and group of a container: pkg/security/podsecuritypolicy/user and group, pkg/securitycontext/accessors.go.

// The effective value is the container's, else the pod's.
func (t *trial) runAsUser(c *container) *int64 {
	return cmp.Or(c.security.RunAsUser, t.security.RunAsUser)
}

func (t *trial) runAsGroup(c *container) *int64 {
	return cmp.Or(c.security.RunAsGroup, t.security.RunAsGroup)
}

func (t *trial) runAsNonRoot(c *container) *bool {
	return cmp.Or(c.security.RunAsNonRoot, t.security.RunAsNonRoot)
}

// validateUser: MustRunAs looks at the user alone, MustRunAsNonRoot first at runAsNonRoot. Upstream refuses a missing
// value, too: there is none left once the policy has filled in.
func (t *trial) validateUser(c *container) {
	rule := &t.policy.spec.RunAsUser
	user := t.runAsUser(c)
	switch rule.Rule {
	case pspparse.MustRunAs:
		if !t.policy.users.include(*user) && !t.enough() {
			t.invalid(c.path("securityContext.runAsUser"), number(*user), fmt.Sprintf("must be in the ranges: %v", rule.Ranges))
		}
	case pspparse.MustRunAsNonRoot:
		nonRoot := t.runAsNonRoot(c)
		switch {
		case nonRoot != nil && !*nonRoot:
			t.invalid(c.path("securityContext.runAsNonRoot"), boolean(false), "must be true")
		case user != nil && *user == 0:
			t.invalid(c.path("securityContext.runAsUser"), number(*user), "running with the root UID is forbidden")
		}
	}
}

// validateGroup: upstream's path ends at the security context.
func (t *trial) validateGroup(c *container) {
	if group := t.runAsGroup(c); group != nil && t.policy.spec.RunAsGroup != nil {
		t.validateGroups(c.path("securityContext"), t.policy.spec.RunAsGroup, t.policy.groups, []int64{*group})
	}
}

func (t *trial) validateFSGroup() {
	if group := t.security.FSGroup; group != nil {
		t.validateGroups("spec.securityContext.fsGroup", &t.policy.spec.FSGroup, t.policy.fsGroups, []int64{*group})
	}
}

// validateSupplementalGroups: a list that its author left empty on purpose is not filled in, and refused.
func (t *trial) validateSupplementalGroups() {
	const field = "spec.securityContext.supplementalGroups"
	rule, groups := &t.policy.spec.SupplementalGroups, t.security.SupplementalGroups
	if rule.Rule == pspparse.MustRunAs && len(groups) == 0 {
		t.invalid(field, fmt.Sprintf("%#v", groups), "unable to validate empty groups against required ranges")
	}
	t.validateGroups(field, rule, t.policy.supplementalGroups, groups)
}

// validateGroups tells each group that is out of range, always with the whole list.
func (t *trial) validateGroups(field string, rule *pspparse.IDStrategy, allowed spans, groups []int64) {
	if rule.Rule == pspparse.RunAsAny {
		return
	}
	for _, group := range groups {
		if !allowed.include(group) && !t.enough() {
			t.invalid(field, fmt.Sprintf("%#v", groups), fmt.Sprintf("group %d must be in the ranges: %v", group, rule.Ranges))
		}
	}
}
