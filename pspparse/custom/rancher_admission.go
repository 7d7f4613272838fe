package custom

import (
	"encoding/json"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	// rancherManagement is the API group of Rancher's own objects.
	rancherManagement = "management.cattle.io"
	// rancherProvisioning is the API group of the clusters that Rancher sets up.
	rancherProvisioning = "provisioning.cattle.io"
)

// rancherAdmissionResources returns Rancher's templates for the configuration of Pod Security admission. The clusters that
// are given one are among rancherPolicyResources.
func rancherAdmissionResources() []KnownResource {
	return []KnownResource{
		{Group: rancherManagement, Versions: []string{"v3"}, Name: "podsecurityadmissionconfigurationtemplates", Kind: "PodSecurityAdmissionConfigurationTemplate", Purpose: RefusesPods},
	}
}

// readRancherAdmission adds a template for the configuration of Pod Security admission, or which one a cluster uses. What
// cannot be decoded is ignored, as Rancher does. It returns false for any other kind.
func readRancherAdmission(sink inventory.CustomSink, o RawObject) bool {
	group := o.group()
	switch {
	case group == rancherManagement && o.Kind == "PodSecurityAdmissionConfigurationTemplate":
		var t struct {
			Configuration podSecurityConfiguration
		}
		_ = json.Unmarshal(o.JSON, &t)
		sink.AddAdmissionConfigTemplate(inventory.AdmissionConfigTemplate{
			Name: o.Name, Enforce: t.Configuration.Defaults.Enforce, Position: o.Position,
			Exempts: t.Configuration.exempts(),
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
