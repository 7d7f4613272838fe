package custom

import (
	"encoding/json"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// podSecurityConfiguration is a PodSecurityConfiguration.
type podSecurityConfiguration struct {
	Kind       string
	Defaults   struct{ Enforce string }
	Exemptions struct{ Usernames, RuntimeClasses, Namespaces []string }
}

// readPodSecurityConfiguration adds a configuration of Pod Security that stands among the manifests: an AdmissionConfiguration that has one
// or refers to a file with one, or a PodSecurityConfiguration.
func readPodSecurityConfiguration(sink inventory.CustomSink, o RawObject) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
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
	e := &c.Exemptions
	sink.AddAdmissionConfigTemplate(inventory.AdmissionConfigTemplate{
		ConfigKind: o.Kind, Enforce: c.Defaults.Enforce, Position: o.Position, Exempts: len(e.Usernames)+len(e.RuntimeClasses)+len(e.Namespaces) > 0,
	})
	return true
}
