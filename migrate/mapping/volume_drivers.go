package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
csiDriversControl is about the drivers that an inline CSI volume may name.

PSP field: spec.allowedCSIDrivers; none means every driver. It matters only where spec.volumes has csi or *.
Check: none; inline CSI is accepted even at restricted, so the list is lost at every level.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func csiDriversControl() pspControl {
	return driverListControl("allowedCSIDrivers", "csi", message.New("field-csi-drivers"), message.New("lost-csi-drivers"), func(s *pspparse.Spec) []string {
		drivers := make([]string, 0, len(s.AllowedCSIDrivers))
		for _, driver := range s.AllowedCSIDrivers {
			drivers = append(drivers, driver.Name)
		}
		return drivers
	}, func(drivers []string) Constraint { return CSIDrivers{drivers} }, levels.LooseToStrict()...)
}

/*
flexVolumesControl is about the drivers that a flexVolume may name.

PSP field: spec.allowedFlexVolumes; none means every driver. It matters only where spec.volumes has flexVolume or *.
Check: none; restricted refuses flexVolume altogether (restrictedVolumes).

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func flexVolumesControl() pspControl {
	return driverListControl("allowedFlexVolumes", "flexVolume", message.New("field-flex-volume-drivers"), message.New("lost-flex-volume-drivers"), func(s *pspparse.Spec) []string {
		drivers := make([]string, 0, len(s.AllowedFlexVolumes))
		for _, driver := range s.AllowedFlexVolumes {
			drivers = append(drivers, driver.Driver)
		}
		return drivers
	}, func(drivers []string) Constraint { return FlexVolumeDrivers{drivers} }, api.LevelPrivileged, api.LevelBaseline)
}

// driverListControl returns the control of a list of volume drivers in a PodSecurityPolicy, which is lost at the given
// levels. It has an effect only where the policy allows the type of volume.
func driverListControl(field, volumeType string, meaning, loss message.Message, driversOf func(*pspparse.Spec) []string, demand func([]string) Constraint, lostAt ...api.Level) pspControl {
	constraints := func(p *pspparse.Policy) []Constraint {
		if drivers := driversOf(&p.Spec); len(drivers) > 0 && allowsVolume(p, volumeType) {
			return []Constraint{demand(drivers)}
		}
		return nil
	}
	return pspControl{fields: []string{field}, constraints: constraints, assess: func(p *pspparse.Policy, _ api.Version) (f controlResult) {
		drivers := driversOf(&p.Spec)
		meaning := meaning
		switch {
		case !allowsVolume(p, volumeType):
			meaning = message.New("field-without-volume-type", "type", volumeType)
		case len(constraints(p)) > 0:
			f.recordRefusal(field, listValue(drivers), loss, lostAt...)
		}
		f.explainStatedField(p, field, listValue(drivers), meaning)
		return f
	}}
}
