package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
supplementalGroupsControl is about supplemental groups.

PSP field: spec.supplementalGroups. MustRunAs refuses an explicitly empty list as well. Check: none at any level.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func supplementalGroupsControl() pspControl {
	return pspControl{fields: []string{"supplementalGroups"}, assess: assessSupplementalGroups, constraints: supplementalGroupConstraints}
}

// assessSupplementalGroups compares spec.supplementalGroups of a PodSecurityPolicy with the standards.
func assessSupplementalGroups(p *pspparse.Policy, _ api.Version) controlResult {
	return groupStrategyField{
		field: "supplementalGroups", strategy: p.Spec.SupplementalGroups,
		templatePath: "spec.securityContext.supplementalGroups", isList: true,
		lossNote: message.New("lost-supplemental-group"),
	}.assess(p)
}

// supplementalGroupConstraints returns what a policy's supplementalGroups strategy demands of pods and writes into them.
func supplementalGroupConstraints(p *pspparse.Policy) []Constraint {
	return idConstraints(SupplementalGroupsField, p.Spec.SupplementalGroups)
}
