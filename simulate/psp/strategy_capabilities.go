package psp

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// capabilityRule is pkg/security/podsecuritypolicy/capabilities. Names are compared as they are: "ALL" is one like any
// other, on both sides, and "*" means something in the list of allowed ones only.
type capabilityRule struct {
	add, drop map[corev1.Capability]bool
	// allowedAdd are the allowed ones and those that the policy adds itself.
	allowedAdd map[corev1.Capability]bool
	allowAny   bool
}

func newCapabilityRule(s *pspparse.Spec) capabilityRule {
	return capabilityRule{
		add:        capabilitySet(s.DefaultAddCapabilities),
		drop:       capabilitySet(s.RequiredDropCapabilities),
		allowedAdd: capabilitySet(slices.Concat(s.AllowedCapabilities, s.DefaultAddCapabilities)),
		allowAny:   slices.Contains(s.AllowedCapabilities, "*"),
	}
}

// mutateCapabilities returns the container's capabilities with what the policy adds, but for what the container drops by name, and
// with what it drops. Where nothing is missing they stay as they are, in whatever order; else both lists are sorted, and
// each name is told once.
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

func capabilityUnion(a, b []corev1.Capability) []corev1.Capability {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// validateCapabilities: upstream also demands what is required to be dropped; it was filled in.
func (t *evaluation) validateCapabilities(c *podContainer) {
	r := &t.policy.capabilities
	if c.securityContext.Capabilities == nil || r.allowAny {
		return
	}
	for _, added := range c.securityContext.Capabilities.Add {
		if !r.allowedAdd[added] {
			t.addInvalidValue(c.fieldPath("securityContext.capabilities.add"), quotedValue(string(added)), "capability may not be added")
		}
	}
}
