package custom

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// A template is a gap that touches no namespace, unless the policy that Rancher made of it was read, or nothing uses it.
func TestRancherPolicyTemplates(t *testing.T) {
	t.Parallel()
	at := func(line int) pspparse.Position { return pspparse.Position{File: "rancher.yaml", Line: line} }
	template := func(name string, line int) RawObject {
		return RawObject{APIVersion: "management.cattle.io/v3", Kind: "PodSecurityPolicyTemplate", Name: name, JSON: []byte(`{"spec":{"privileged":true}}`), Position: at(line)}
	}
	binding := func(template, project string, line int) RawObject {
		return RawObject{
			APIVersion: "management.cattle.io/v3", Kind: "PodSecurityPolicyTemplateProjectBinding", Namespace: "p-1", Name: "b",
			JSON: []byte(`{"podSecurityPolicyTemplateId":"` + template + `","targetProjectId":"` + project + `"}`), Position: at(line),
		}
	}
	cluster := func(apiVersion, namespace, field string, line int) RawObject {
		return RawObject{APIVersion: apiVersion, Kind: "Cluster", Namespace: namespace, Name: "prod", JSON: []byte(`{"spec":{"` + field + `":"restricted"}}`), Position: at(line)}
	}
	live := func(o RawObject) RawObject {
		o.Position = pspparse.Position{}
		return o
	}
	const (
		what = `PodSecurityPolicyTemplate "restricted"`
		made = ", and makes that again as long as a cluster or project uses the template: take the template away from them first"
		gap  = ", and grants that there: it is not evaluated here; read those clusters, or its spec as a PodSecurityPolicy of that name"
		in   = `Rancher makes the PodSecurityPolicy "restricted-psp" of it in every cluster that uses it`
	)
	policy := &pspparse.Policy{Name: "restricted-psp"}
	renamed := &pspparse.Policy{Name: "ours", Annotations: map[string]string{"serviceaccount.cluster.cattle.io/pod-security": "restricted"}}
	tests := []struct {
		name    string
		objects []RawObject
		policy  *pspparse.Policy
		gaps    []inventory.Gap
		notes   []inventory.Note
	}{
		{name: "a template in files", objects: []RawObject{template("restricted", 3)}, gaps: []inventory.Gap{{What: what, Why: message.Message{Text: in + gap}, Position: at(3)}}},
		{
			name: "a template that is used", objects: []RawObject{
				template("restricted", 9), binding("restricted", "c-1:p-1", 20), binding("restricted", "c-1:p-1", 30), binding("", "c-1:p-2", 40),
				cluster("management.cattle.io/v3", "", "defaultPodSecurityPolicyTemplateName", 50), cluster("provisioning.cattle.io/v1", "fleet-default", "defaultPodSecurityPolicyTemplateName", 60),
			},
			gaps: []inventory.Gap{{What: what, Why: message.Message{Text: in + ` (cluster "fleet-default/prod", cluster "prod", project "c-1:p-1")` + gap}, Position: at(9)}},
		},
		{
			name: "only what uses it", objects: []RawObject{cluster("management.cattle.io/v3", "", "defaultPodSecurityPolicyTemplateId", 5)},
			gaps: []inventory.Gap{{What: what, Why: message.Message{Text: in + ` (cluster "prod")` + gap}, Position: at(5)}},
		},
		{
			name: "with its policy", objects: []RawObject{template("restricted", 3), binding("restricted", "c-1:p-1", 7)}, policy: policy,
			notes: []inventory.Note{{What: what, Why: message.Message{Text: `Rancher makes the PodSecurityPolicy "restricted-psp" of it (project "c-1:p-1")` + made}, Position: at(3)}},
		},
		{
			name: "with its policy, known by the annotation", objects: []RawObject{template("restricted", 3)}, policy: renamed,
			notes: []inventory.Note{{What: what, Why: message.Message{Text: `Rancher makes the PodSecurityPolicy "ours" of it` + made}, Position: at(3)}},
		},
		{
			name: "brought along by Rancher, and used by nothing", objects: []RawObject{live(template("restricted", 3))}, policy: &pspparse.Policy{Name: "restricted"},
			notes: []inventory.Note{{What: what, Why: message.Message{Text: "no cluster or project in this Rancher uses it: no policy is made of it"}}},
		},
	}
	for _, tt := range tests {
		b := inventory.NewBuilder()
		for _, o := range tt.objects {
			if !ReadObject(b, o) {
				t.Errorf("%s: %s is not read", tt.name, o.Kind)
			}
		}
		if tt.policy != nil {
			b.AddPolicy(tt.policy)
		}
		inv := b.Build(inventory.Source{})
		if diff := cmp.Diff(tt.gaps, inv.Gaps, messageText()); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.notes, inv.Notes, messageText()); diff != "" {
			t.Errorf("%s: notes (-want +got):\n%s", tt.name, diff)
		}
	}
	for _, o := range []RawObject{
		{APIVersion: "example.com/v1", Kind: "PodSecurityPolicyTemplate", Name: "x"},
		cluster("management.cattle.io/v3", "", "description", 5), // it has no template, and is left to others
		{APIVersion: "cluster.x-k8s.io/v1beta1", Kind: "Cluster", Name: "x", JSON: []byte(`{}`)},
	} {
		if b := inventory.NewBuilder(); readRancherPolicies(b, o) {
			t.Errorf("%s of %s is taken for Rancher's", o.Kind, o.APIVersion)
		}
	}
}
