package custom

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// rancherPolicyResources are Rancher's templates of PodSecurityPolicies, and what binds them to projects; see the types of
// management.cattle.io/v3 in rancher/rancher, pkg/apis, up to v2.7.
func rancherPolicyResources() []KnownResource {
	const group = "management.cattle.io"
	return []KnownResource{
		{Group: group, Versions: []string{"v3"}, Name: "podsecuritypolicytemplates", Kind: "PodSecurityPolicyTemplate", Purpose: RefusesPods},
		{Group: group, Versions: []string{"v3"}, Name: "podsecuritypolicytemplateprojectbindings", Kind: "PodSecurityPolicyTemplateProjectBinding", Namespaced: true, Purpose: RefusesPods},
		{Group: group, Versions: []string{"v3"}, Name: "clusters", Kind: "Cluster", Purpose: RefusesPods},
		{Group: "provisioning.cattle.io", Versions: []string{"v1"}, Name: "clusters", Kind: "Cluster", Namespaced: true, Purpose: RefusesPods},
	}
}

// readRancherPolicies adds a template, or what uses one.
func readRancherPolicies(sink inventory.CustomSink, o RawObject) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	switch {
	case group == "management.cattle.io" && o.Kind == "PodSecurityPolicyTemplate":
		sink.AddPolicyTemplate(o.Name, o.Position)
	case group == "management.cattle.io" && o.Kind == "PodSecurityPolicyTemplateProjectBinding":
		var binding struct {
			Template string `json:"podSecurityPolicyTemplateId"`
			Project  string `json:"targetProjectId"`
		}
		if _ = json.Unmarshal(o.JSON, &binding); binding.Template != "" {
			sink.AddPolicyTemplateUser(binding.Template, fmt.Sprintf("project %q", binding.Project), o.Position)
		}
	case (group == "management.cattle.io" || group == "provisioning.cattle.io") && o.Kind == "Cluster":
		return addRancherDefault(sink, o)
	default:
		return false
	}
	return true
}

// addRancherDefault adds the template that a cluster has as its default, and returns whether it has one. What Rancher shows as
// defaultPodSecurityPolicyTemplateId in its own API is stored under another name.
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
