package custom_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

func TestRancherAdmission(t *testing.T) {
	t.Parallel()
	template := func(name, configuration string) custom.RawObject {
		return custom.RawObject{APIVersion: "management.cattle.io/v3", Kind: "PodSecurityAdmissionConfigurationTemplate", Name: name, JSON: []byte(`{"configuration":` + configuration + `}`), Position: pspparse.Position{File: "a", Line: 1}}
	}
	cluster := func(group, namespace, name, spec string) custom.RawObject {
		return custom.RawObject{APIVersion: group, Kind: "Cluster", Namespace: namespace, Name: name, JSON: []byte(`{"spec":` + spec + `}`), Position: pspparse.Position{File: "a", Line: 2}}
	}
	const uses = `{"defaultPodSecurityAdmissionConfigurationTemplateName":"cis"}`
	objects := []custom.RawObject{
		template("cis", `{"defaults":{"enforce":"restricted"},"exemptions":{"namespaces":["kube-system"]}}`),
		template("cis", `{"defaults":{"enforce":"restricted"},"exemptions":{"namespaces":["kube-system"]}}`), // read twice
		template("open", `{"defaults":{"enforce":"privileged"},"exemptions":{"runtimeClasses":[]}}`),
		template("wrong", `{"defaults":7}`),
		cluster("provisioning.cattle.io/v1", "fleet-default", "prod", uses),
		cluster("management.cattle.io/v3", "", "c-1", uses),
		cluster("provisioning.cattle.io/v1", "fleet-default", "dev", `{}`),
		cluster("provisioning.cattle.io/v1", "fleet-default", "odd", `7`),
	}
	at := func(line int) pspparse.Position { return pspparse.Position{File: "a", Line: line} }
	wantTemplates := []inventory.AdmissionConfigTemplate{
		{Name: "cis", Enforce: "restricted", Exempts: true, Position: at(1)},
		{Name: "open", Enforce: "privileged", Position: at(1)},
		{Name: "wrong", Position: at(1)},
	}
	wantUses := []inventory.AdmissionConfigTemplateUse{{Cluster: "c-1", Template: "cis", Position: at(2)}, {Cluster: "fleet-default/prod", Template: "cis", Position: at(2)}}
	for range 2 { // in either order
		b := inventory.NewBuilder()
		for _, o := range objects {
			if !custom.ReadObject(b, o) {
				t.Errorf("%s %s is not read", o.Kind, o.Name)
			}
		}
		inv := b.Build(inventory.Source{})
		if diff := cmp.Diff(wantTemplates, inv.AdmissionConfigTemplates); diff != "" {
			t.Errorf("templates (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantUses, inv.AdmissionConfigTemplateUses); diff != "" {
			t.Errorf("uses (-want +got):\n%s", diff)
		}
		slices.Reverse(objects)
	}
	b := inventory.NewBuilder()
	if other := cluster("cluster.x-k8s.io/v1beta1", "a", "b", uses); custom.ReadObject(b, other) || len(b.Build(inventory.Source{}).AdmissionConfigTemplateUses) > 0 {
		t.Error("a Cluster of another group was read")
	}
}
