package psp

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// capabilityRule is the capability rule of a PodSecurityPolicy: what it adds, drops and allows. It follows
// pkg/security/podsecuritypolicy/capabilities. Names are compared literally: "ALL" is one like any other, and "*" is a
// wildcard in the list of allowed ones only.
type capabilityRule struct {
	add, drop map[corev1.Capability]bool
	// allowedAdd are the allowed capabilities and those that the policy adds itself.
	allowedAdd map[corev1.Capability]bool
	allowAny   bool
}

// newCapabilityRule reads the capability rule from the spec of a PodSecurityPolicy.
func newCapabilityRule(s *pspparse.Spec) capabilityRule {
	return capabilityRule{
		add:        capabilitySet(s.DefaultAddCapabilities),
		drop:       capabilitySet(s.RequiredDropCapabilities),
		allowedAdd: capabilitySet(slices.Concat(s.AllowedCapabilities, s.DefaultAddCapabilities)),
		allowAny:   slices.Contains(s.AllowedCapabilities, "*"),
	}
}

// mutateCapabilities returns a container's capabilities with those that the PodSecurityPolicy adds and drops. It does not
// add what the container drops by name. Where nothing is missing the argument is returned unchanged; else both lists are
// sorted, each name once.
func (r *capabilityRule) mutateCapabilities(own *corev1.Capabilities) *corev1.Capabilities {
	if len(r.add)+len(r.drop) == 0 {
		return own
	}
	written := podspec.OrEmpty(own)
	added, dropped := membershipTest(written.Add), membershipTest(written.Drop)
	var add, drop []corev1.Capability
	for c := range r.add {
		if !added(c) && !dropped(c) {
			add = append(add, c)
		}
	}
	for c := range r.drop {
		if !dropped(c) {
			drop = append(drop, c)
		}
	}
	if len(add)+len(drop) == 0 {
		return own
	}
	return &corev1.Capabilities{Add: capabilityUnion(written.Add, add), Drop: capabilityUnion(written.Drop, drop)}
}

// capabilityUnion returns the capability lists of a policy and a container as one sorted list, each name once.
func capabilityUnion(a, b []corev1.Capability) []corev1.Capability {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// validateCapabilities adds a refusal for each added capability that the PodSecurityPolicy does not allow. Upstream
// also checks required drops; the mutation has written them by now.
func (e *policyEvaluation) validateCapabilities(c *podContainer) {
	r := &e.policy.capabilities
	if c.securityContext.Capabilities == nil || r.allowAny {
		return
	}
	for _, added := range c.securityContext.Capabilities.Add {
		if !r.allowedAdd[added] {
			e.addInvalidValue(c.fieldPath("securityContext.capabilities.add"), quotedValue(string(added)), "capability may not be added")
		}
	}
}
