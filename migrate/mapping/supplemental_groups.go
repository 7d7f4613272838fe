package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Supplemental groups.

PSP field: spec.supplementalGroups. Under MustRunAs an explicitly empty list is refused as well. Check: none at any level.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func supplementalGroups() control {
	return control{fields: []string{"supplementalGroups"}, judge: judgeSupplementalGroups}
}

func judgeSupplementalGroups(p *pspparse.Policy, _ api.Version) finding {
	return groupRule{
		field: "supplementalGroups", strategy: p.Spec.SupplementalGroups,
		path: "spec.securityContext.supplementalGroups", list: true, emptyRefused: true,
		gone: "the group is no longer filled in: access to shared volumes through it is lost",
	}.judge(p)
}
