package custom

import (
	"encoding/json"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// podSecurityConfiguration is the part of a PodSecurityConfiguration read as a custom object that is read.
type podSecurityConfiguration struct {
	Kind       string
	Defaults   struct{ Enforce string }
	Exemptions struct{ Usernames, RuntimeClasses, Namespaces []string }
}

// exempts reports whether a PodSecurityConfiguration read as a custom object exempts anything.
func (c *podSecurityConfiguration) exempts() bool {
	e := &c.Exemptions
	return len(e.Usernames)+len(e.RuntimeClasses)+len(e.Namespaces) > 0
}

// readPodSecurityConfiguration adds a configuration of Pod Security admission that stands among manifests: a
// PodSecurityConfiguration, or an AdmissionConfiguration that has one or names a file for it. It returns false for any
// other kind.
func readPodSecurityConfiguration(sink inventory.CustomSink, o RawObject) bool {
	group := o.group()
	var c podSecurityConfiguration
	switch {
	case group == "pod-security.admission.config.k8s.io" && o.Kind == "PodSecurityConfiguration":
		_ = json.Unmarshal(o.JSON, &c) // what it cannot decode says nothing
	case group == "apiserver.config.k8s.io" && o.Kind == "AdmissionConfiguration":
		var a struct {
			Plugins []struct {
				Name          string
				Configuration *podSecurityConfiguration
			}
		}
		_ = json.Unmarshal(o.JSON, &a)
		found := false
		for _, p := range a.Plugins {
			if p.Name == "PodSecurity" {
				if found = true; p.Configuration != nil {
					c = *p.Configuration
				}
			}
		}
		if !found {
			return false
		}
	default:
		return false
	}
	sink.AddAdmissionConfigTemplate(inventory.AdmissionConfigTemplate{
		ConfigKind: o.Kind, Enforce: c.Defaults.Enforce, Position: o.Position, Exempts: c.exempts(),
	})
	return true
}
