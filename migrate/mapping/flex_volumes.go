package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Which drivers a flexVolume may name.

PSP field: spec.allowedFlexVolumes; none means every driver. It matters only where spec.volumes has flexVolume or *.
Check: none; restricted refuses flexVolume altogether (restrictedVolumes).

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func flexVolumesControl() pspControl {
	return pspControl{fields: []string{"allowedFlexVolumes"}, assess: assessFlexVolumes}
}

func assessFlexVolumes(p *pspparse.Policy, _ api.Version) (f controlResult) {
	drivers := make([]string, 0, len(p.Spec.AllowedFlexVolumes))
	for _, driver := range p.Spec.AllowedFlexVolumes {
		drivers = append(drivers, driver.Driver)
	}
	value := values(drivers...)
	meaning := "flexVolumes may use these drivers only; no level knows such a list"
	switch {
	case !allowsVolume(p, "flexVolume"):
		meaning = "without effect: volumes does not allow flexVolume"
	case len(drivers) > 0:
		f.recordRefusal("allowedFlexVolumes", value,
			"every flexVolume driver becomes possible; an admission policy can keep the list",
			api.LevelPrivileged, api.LevelBaseline)
	}
	f.explainStatedField(p, "allowedFlexVolumes", value, meaning)
	return f
}
