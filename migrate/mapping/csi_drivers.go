package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Which drivers an inline CSI volume may name.

PSP field: spec.allowedCSIDrivers; none means every driver. It matters only where spec.volumes has csi or *.
Check: none; inline CSI is accepted even at restricted, so the list is lost at every level.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func csiDriversControl() pspControl {
	return pspControl{fields: []string{"allowedCSIDrivers"}, assess: assessCSIDrivers}
}

func assessCSIDrivers(p *pspparse.Policy, _ api.Version) (f controlResult) {
	drivers := make([]string, 0, len(p.Spec.AllowedCSIDrivers))
	for _, driver := range p.Spec.AllowedCSIDrivers {
		drivers = append(drivers, driver.Name)
	}
	value := values(drivers...)
	meaning := "inline CSI volumes may use these drivers only; no level knows such a list"
	switch {
	case !allowsVolume(p, "csi"):
		meaning = "without effect: volumes does not allow csi"
	case len(drivers) > 0:
		f.recordRefusal("allowedCSIDrivers", value,
			"every inline CSI driver becomes possible; an admission policy can keep the list", levelsLooseToStrict()...)
	}
	f.explainStatedField(p, "allowedCSIDrivers", value, meaning)
	return f
}
