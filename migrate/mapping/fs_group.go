package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
fsGroupControl is about the group that owns a pod's volumes.

PSP field: spec.fsGroup. Check: none at any level. Losing the value is a functional risk: pods that pass every check may
no longer be able to write to their volumes.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func fsGroupControl() pspControl {
	return pspControl{fields: []string{"fsGroup"}, assess: assessFSGroup, constraints: fsGroupConstraints}
}

// assessFSGroup compares spec.fsGroup of a PodSecurityPolicy with the standards.
func assessFSGroup(p *pspparse.Policy, _ api.Version) controlResult {
	return groupStrategyField{
		field: "fsGroup", strategy: p.Spec.FSGroup,
		templatePath: "spec.securityContext.fsGroup",
		lossNote:     message.New("lost-fs-group"),
	}.assess(p)
}

// fsGroupConstraints returns what a policy's fsGroup strategy demands of pods and writes into them.
func fsGroupConstraints(p *pspparse.Policy) []Constraint {
	return idConstraints(FSGroupField, p.Spec.FSGroup)
}
