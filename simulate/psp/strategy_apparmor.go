package psp

import (
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
)

// appArmorRule is pkg/security/podsecuritypolicy/apparmor: without a list everything goes, with a list every container
// must have a profile in it, and there is no wildcard.
type appArmorRule struct {
	allowed  map[string]bool // nil without a list
	listText string          // for messages
}

func newAppArmorRule(p *pspparse.Policy) appArmorRule {
	list, _ := p.AppArmorProfiles()
	if list == nil {
		return appArmorRule{}
	}
	return appArmorRule{allowed: stringSet(pspparse.SplitProfiles(*list)), listText: *list}
}

func (t *evaluation) validateAppArmor(c *podContainer) {
	r := &t.policy.appArmor
	switch profile := t.annotations[c.appArmorKey]; {
	case r.allowed == nil:
	case profile == "":
		t.addForbidden(annotationFieldPath(c.appArmorKey), "AppArmor profile must be set")
	case !r.allowed[profile] && !t.refusalLimitReached():
		t.addForbidden(annotationFieldPath(c.appArmorKey), fmt.Sprintf("%s is not an allowed profile. Allowed values: %q", profile, r.listText))
	}
}
