package psp

import (
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
)

// appArmorRule is the AppArmor rule of a PodSecurityPolicy: the list of allowed profiles, if there is one. It follows
// pkg/security/podsecuritypolicy/apparmor: with a list every container must have a profile in it, and there is no wildcard.
type appArmorRule struct {
	allowed  map[string]bool // nil without a list
	listText string          // for messages
}

// newAppArmorRule reads the AppArmor rule from a PodSecurityPolicy.
func newAppArmorRule(p *pspparse.Policy) appArmorRule {
	list, _ := p.AppArmorProfiles()
	if list == nil {
		return appArmorRule{}
	}
	return appArmorRule{allowed: stringSet(pspparse.SplitProfiles(*list)), listText: *list}
}

// validateAppArmor adds a refusal if the PodSecurityPolicy does not allow the container's AppArmor profile.
func (e *policyEvaluation) validateAppArmor(c *podContainer) {
	r := &e.policy.appArmor
	switch profile := e.annotations[c.appArmorKey]; {
	case r.allowed == nil:
	case profile == "":
		e.addForbidden(annotationFieldPath(c.appArmorKey), "AppArmor profile must be set")
	case !r.allowed[profile] && !e.refusalLimitReached():
		e.addForbidden(annotationFieldPath(c.appArmorKey), fmt.Sprintf("%s is not an allowed profile. Allowed values: %q", profile, r.listText))
	}
}
