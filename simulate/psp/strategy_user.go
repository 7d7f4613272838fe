package psp

import (
	"cmp"
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
)

// User and group of a container: pkg/security/podsecuritypolicy/user and group, pkg/securitycontext/accessors.go.

// effectiveRunAsUser returns, for the rule of a policy, runAsUser of a container, else of its pod.
func (e *policyEvaluation) effectiveRunAsUser(c *podContainer) *int64 {
	return cmp.Or(c.securityContext.RunAsUser, e.podSecurityContext.RunAsUser)
}

// effectiveRunAsGroup returns, for the rule of a policy, runAsGroup of a container, else of its pod.
func (e *policyEvaluation) effectiveRunAsGroup(c *podContainer) *int64 {
	return cmp.Or(c.securityContext.RunAsGroup, e.podSecurityContext.RunAsGroup)
}

// effectiveRunAsNonRoot returns, for the rule of a policy, runAsNonRoot of a container, else of its pod.
func (e *policyEvaluation) effectiveRunAsNonRoot(c *podContainer) *bool {
	return cmp.Or(c.securityContext.RunAsNonRoot, e.podSecurityContext.RunAsNonRoot)
}

// validateUser adds a refusal if the PodSecurityPolicy does not allow the container's user. MustRunAs checks the user
// alone, MustRunAsNonRoot first runAsNonRoot. Upstream refuses a missing value, too; the mutation has written one by
// now.
func (e *policyEvaluation) validateUser(c *podContainer) {
	rule := &e.policy.spec.RunAsUser
	user := e.effectiveRunAsUser(c)
	switch rule.Rule {
	case pspparse.MustRunAs:
		if !e.policy.runAsUsers.contain(*user) && !e.refusalLimitReached() {
			e.addInvalidValue(c.fieldPath("securityContext.runAsUser"), numberValue(*user), fmt.Sprintf("must be in the ranges: %v", rule.Ranges))
		}
	case pspparse.MustRunAsNonRoot:
		nonRoot := e.effectiveRunAsNonRoot(c)
		switch {
		case nonRoot != nil && !*nonRoot:
			e.addInvalidValue(c.fieldPath("securityContext.runAsNonRoot"), booleanValue(false), "must be true")
		case user != nil && *user == 0:
			e.addInvalidValue(c.fieldPath("securityContext.runAsUser"), numberValue(*user), "running with the root UID is forbidden")
		}
	}
}

// validateGroup adds a refusal if the PodSecurityPolicy does not allow the container's group. Upstream's path ends at
// the security context.
func (e *policyEvaluation) validateGroup(c *podContainer) {
	if group := e.effectiveRunAsGroup(c); group != nil && e.policy.spec.RunAsGroup != nil {
		e.validateGroups(c.fieldPath("securityContext"), e.policy.spec.RunAsGroup, e.policy.runAsGroups, []int64{*group})
	}
}

// validateFSGroup adds a refusal if the PodSecurityPolicy does not allow the pod's fsGroup.
func (e *policyEvaluation) validateFSGroup() {
	if group := e.podSecurityContext.FSGroup; group != nil {
		e.validateGroups("spec.securityContext.fsGroup", &e.policy.spec.FSGroup, e.policy.fsGroups, []int64{*group})
	}
}

// validateSupplementalGroups adds refusals for the pod's supplemental groups that the PodSecurityPolicy does not allow.
// A list that is set and empty is not mutated, and refused.
func (e *policyEvaluation) validateSupplementalGroups() {
	const field = "spec.securityContext.supplementalGroups"
	rule, groups := &e.policy.spec.SupplementalGroups, e.podSecurityContext.SupplementalGroups
	if rule.Rule == pspparse.MustRunAs && len(groups) == 0 {
		e.addInvalidValue(field, fmt.Sprintf("%#v", groups), "unable to validate empty groups against required ranges")
	}
	e.validateGroups(field, rule, e.policy.supplementalGroups, groups)
}

// validateGroups adds a PodSecurityPolicy's refusal for each group out of its ranges, always with the whole list of
// groups.
func (e *policyEvaluation) validateGroups(field string, rule *pspparse.IDStrategy, allowed sortedRanges, groups []int64) {
	if rule.Rule == pspparse.RunAsAny {
		return
	}
	for _, group := range groups {
		if !allowed.contain(group) && !e.refusalLimitReached() {
			e.addInvalidValue(field, fmt.Sprintf("%#v", groups), fmt.Sprintf("group %d must be in the ranges: %v", group, rule.Ranges))
		}
	}
}
