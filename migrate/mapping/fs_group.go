package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
The group that owns a pod's volumes.

PSP field: spec.fsGroup. Check: none at any level. Losing the value is a functional risk: pods that pass every check may
no longer be able to write to their volumes.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func fsGroup() control {
	return control{fields: []string{"fsGroup"}, judge: judgeFSGroup}
}

func judgeFSGroup(p *pspparse.Policy, _ api.Version) finding {
	return groupRule{
		field: "fsGroup", strategy: p.Spec.FSGroup,
		path: "spec.securityContext.fsGroup",
		gone: "the group is no longer filled in: pods may lose write access to their volumes",
	}.judge(p)
}
