package custom

import (
	"encoding/json"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	rancherManagement   = "management.cattle.io"
	rancherProvisioning = "provisioning.cattle.io"
)

// rancherAdmissionResources are Rancher's templates of the configuration of Pod Security, and the clusters that are given one.
func rancherAdmissionResources() []KnownResource {
	return []KnownResource{
		{Group: rancherManagement, Versions: []string{"v3"}, Name: "podsecurityadmissionconfigurationtemplates", Kind: "PodSecurityAdmissionConfigurationTemplate", Purpose: RefusesPods},
		{Group: rancherManagement, Versions: []string{"v3"}, Name: "clusters", Kind: "Cluster", Purpose: RefusesPods},
		{Group: rancherProvisioning, Versions: []string{"v1"}, Name: "clusters", Kind: "Cluster", Namespaced: true, Purpose: RefusesPods},
	}
}

// readRancherAdmission adds a template, or which one a cluster uses. What it cannot decode says nothing: Rancher does not
// either.
func readRancherAdmission(sink inventory.CustomSink, o RawObject) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	switch {
	case group == rancherManagement && o.Kind == "PodSecurityAdmissionConfigurationTemplate":
		var t struct {
			Configuration struct {
				Defaults   struct{ Enforce string }
				Exemptions struct{ Usernames, RuntimeClasses, Namespaces []string }
			}
		}
		_ = json.Unmarshal(o.JSON, &t)
		e := &t.Configuration.Exemptions
		sink.AddAdmissionConfigTemplate(inventory.AdmissionConfigTemplate{
			Name: o.Name, Enforce: t.Configuration.Defaults.Enforce, Position: o.Position,
			Exempts: len(e.Usernames)+len(e.RuntimeClasses)+len(e.Namespaces) > 0,
		})
	case (group == rancherManagement || group == rancherProvisioning) && o.Kind == "Cluster":
		var c struct {
			Spec struct {
				Template string `json:"defaultPodSecurityAdmissionConfigurationTemplateName"`
			}
		}
		if _ = json.Unmarshal(o.JSON, &c); c.Spec.Template != "" {
			name := o.Name
			if o.Namespace != "" {
				name = o.Namespace + "/" + o.Name
			}
			sink.AddAdmissionConfigTemplateUse(inventory.AdmissionConfigTemplateUse{Cluster: name, Template: c.Spec.Template, Position: o.Position})
		}
	default:
		return false
	}
	return true
}
