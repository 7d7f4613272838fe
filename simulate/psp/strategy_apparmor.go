package psp

import (
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
)

// appArmorRule is pkg/security/podsecuritypolicy/apparmor: without a list everything goes, with a list every container
// must have a profile in it, and there is no wildcard.
type appArmorRule struct {
	allowed map[string]bool // nil without a list
	list    string          // for messages
}

func appArmorRuleOf(p *pspparse.Policy) appArmorRule {
	list, _ := p.AppArmor()
	if list == nil {
		return appArmorRule{}
	}
	return appArmorRule{allowed: setOf(pspparse.SplitProfiles(*list)), list: *list}
}

func (t *trial) validateAppArmor(c *container) {
	r := &t.policy.appArmor
	switch profile := t.annotations[c.appArmorKey]; {
	case r.allowed == nil:
	case profile == "":
		t.forbid(annotationPath(c.appArmorKey), "AppArmor profile must be set")
	case !r.allowed[profile] && !t.enough():
		t.forbid(annotationPath(c.appArmorKey), fmt.Sprintf("%s is not an allowed profile. Allowed values: %q", profile, r.list))
	}
}
