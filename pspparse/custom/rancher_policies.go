package custom

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// rancherPolicyResources returns Rancher's templates of PodSecurityPolicies, and what binds them to projects and clusters.
// See the types of management.cattle.io/v3 in rancher/rancher, pkg/apis, up to v2.7.
func rancherPolicyResources() []KnownResource {
	return []KnownResource{
		{Group: rancherManagement, Versions: []string{"v3"}, Name: "podsecuritypolicytemplates", Kind: "PodSecurityPolicyTemplate", Purpose: RefusesPods},
		{Group: rancherManagement, Versions: []string{"v3"}, Name: "podsecuritypolicytemplateprojectbindings", Kind: "PodSecurityPolicyTemplateProjectBinding", Namespaced: true, Purpose: RefusesPods},
		{Group: rancherManagement, Versions: []string{"v3"}, Name: "clusters", Kind: "Cluster", Purpose: RefusesPods},
		{Group: rancherProvisioning, Versions: []string{"v1"}, Name: "clusters", Kind: "Cluster", Namespaced: true, Purpose: RefusesPods},
	}
}

// readRancherPolicies adds a template of PodSecurityPolicies, or what uses one. It returns false for any other kind, and
// for a cluster that uses none.
func readRancherPolicies(sink inventory.CustomSink, o RawObject) bool {
	group := o.group()
	switch {
	case group == rancherManagement && o.Kind == "PodSecurityPolicyTemplate":
		sink.AddPolicyTemplate(o.Name, o.Position)
	case group == rancherManagement && o.Kind == "PodSecurityPolicyTemplateProjectBinding":
		var binding struct {
			Template string `json:"podSecurityPolicyTemplateId"`
			Project  string `json:"targetProjectId"`
		}
		if _ = json.Unmarshal(o.JSON, &binding); binding.Template != "" {
			sink.AddPolicyTemplateUser(binding.Template, fmt.Sprintf("project %q", binding.Project), o.Position)
		}
	case (group == rancherManagement || group == rancherProvisioning) && o.Kind == "Cluster":
		return addRancherDefault(sink, o)
	default:
		return false
	}
	return true
}

// addRancherDefault adds the policy template that a cluster uses by default, and reports whether it has one. What Rancher's
// own API shows as defaultPodSecurityPolicyTemplateId is stored under another name.
func addRancherDefault(sink inventory.CustomSink, o RawObject) bool {
	var cluster struct {
		Spec struct {
			Template string `json:"defaultPodSecurityPolicyTemplateName"`
			ID       string `json:"defaultPodSecurityPolicyTemplateId"`
		} `json:"spec"`
	}
	_ = json.Unmarshal(o.JSON, &cluster) // what is no template name says nothing
	found := false
	for _, template := range []string{cluster.Spec.Template, cluster.Spec.ID} {
		if template != "" {
			found = true
			sink.AddPolicyTemplateUser(template, fmt.Sprintf("cluster %q", strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")), o.Position)
		}
	}
	return found
}
