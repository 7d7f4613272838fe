package custom_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const enforce = "pod-security.kubernetes.io/enforce"

// objectOf is a document of YAML, as the readers of files and clusters hand it on.
func objectOf(t *testing.T, text string) custom.RawObject {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var head struct {
		APIVersion, Kind string
		Metadata         struct{ Namespace, Name string }
	}
	if err := yaml.Unmarshal(data, &head); err != nil {
		t.Fatal(err)
	}
	return custom.RawObject{APIVersion: head.APIVersion, Kind: head.Kind, Namespace: head.Metadata.Namespace, Name: head.Metadata.Name, JSON: data, Position: pspparse.Position{File: "f.yaml", Line: 3}}
}

// toldWriters are the writers of the namespace pay, and those of others, in words.
func toldWriters(inv *inventory.Inventory) []string {
	var out []string
	for i := range inv.Namespaces {
		for _, w := range inv.Namespaces[i].LabelWriters {
			out = append(out, inv.Namespaces[i].Name+": "+words(&w))
		}
	}
	for i := range inv.LabelWriters {
		w := &inv.LabelWriters[i]
		out = append(out, w.NewNamespaces+": "+words(w))
	}
	for _, n := range inv.Notes {
		out = append(out, "note: "+n.What+": "+n.Why.Text)
	}
	return out
}

func words(w *inventory.LabelWriter) string {
	text := fmt.Sprintf("%s, %s, %s %v", w.Object, w.Path, w.Syntax, w.Labels)
	if w.PrunesLabels {
		text += " and no other"
	}
	if w.OtherCluster != "" {
		text += " in " + w.OtherCluster
	}
	return text
}

func TestLabelOwners(t *testing.T) {
	t.Parallel()
	const labels, has = "labels: {pod-security.kubernetes.io/enforce: baseline, team: a}", "map map[pod-security.kubernetes.io/enforce:baseline]"
	argo := func(kind, before, destination, options string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: pay, namespace: argocd}\nspec: " + before +
			"{destination: {" + destination + "}, syncPolicy: {syncOptions: [" + options + "], managedNamespaceMetadata: {" + labels + "}}}"
	}
	capsule := func(spec string) string {
		return "apiVersion: capsule.clastix.io/v1beta2\nkind: Tenant\nmetadata: {name: oil}\nspec: {" + spec + "}"
	}
	fleet := func(namespace, spec string) string {
		return "apiVersion: fleet.cattle.io/v1alpha1\nkind: Bundle\nmetadata: {name: b, namespace: " + namespace + "}\nspec: {" + spec + "}"
	}
	const namespaceLabels = "namespaceLabels: {pod-security.kubernetes.io/enforce: baseline}"
	tests := []struct {
		name    string
		objects []string
		want    []string
	}{
		{
			"Application",
			[]string{argo("Application", "", "namespace: pay", "CreateNamespace=true")},
			[]string{"pay: Application argocd/pay, spec.syncPolicy.managedNamespaceMetadata.labels, " + has},
		},
		{"Application that creates none", []string{argo("Application", "", "namespace: pay", "CreateNamespace=false")}, nil},
		{
			"Application of another cluster",
			[]string{argo("Application", "", "namespace: pay, name: edge", "CreateNamespace=true")},
			[]string{"pay: Application argocd/pay, spec.syncPolicy.managedNamespaceMetadata.labels, " + has + " in edge"},
		},
		{
			"Application of this cluster",
			[]string{argo("Application", "", "namespace: pay, server: 'https://kubernetes.default.svc/'", "CreateNamespace=true")},
			[]string{"pay: Application argocd/pay, spec.syncPolicy.managedNamespaceMetadata.labels, " + has},
		},
		{
			"Application of a namespace that is not there",
			[]string{argo("Application", "", "namespace: new", "CreateNamespace=true")},
			[]string{"namespace new, which was not read: Application argocd/pay, spec.syncPolicy.managedNamespaceMetadata.labels, " + has},
		},
		{"Application of another API", []string{"apiVersion: app.k8s.io/v1beta1\nkind: Application\nmetadata: {name: pay, namespace: argocd}\nspec: {destination: {namespace: pay}, syncPolicy: {syncOptions: [CreateNamespace=true], managedNamespaceMetadata: {" + labels + "}}}"}, nil},
		{
			"Application that a set made",
			[]string{strings.Replace(argo("Application", "", "namespace: pay", "CreateNamespace=true"), "namespace: argocd", "namespace: argocd, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, name: teams}]", 1)},
			[]string{"pay: ApplicationSet argocd/teams, spec.template.spec.syncPolicy.managedNamespaceMetadata.labels, " + has},
		},
		{
			"ApplicationSet",
			[]string{argo("ApplicationSet", "{template: {spec: ", "namespace: pay", "CreateNamespace=true") + "}}"},
			[]string{"pay: ApplicationSet argocd/pay, spec.template.spec.syncPolicy.managedNamespaceMetadata.labels, " + has},
		},
		{
			"ApplicationSet with generated namespaces",
			[]string{argo("ApplicationSet", "{template: {spec: ", "namespace: '{{ns}}', server: '{{url}}'", "CreateNamespace=true") + "}}"},
			[]string{"the namespaces that its generators name: ApplicationSet argocd/pay, spec.template.spec.syncPolicy.managedNamespaceMetadata.labels, " + has},
		},
		{
			"Tenant",
			[]string{capsule("namespaceOptions: {additionalMetadata: {" + labels + "}}")},
			[]string{"oil-a: Tenant oil, spec.namespaceOptions.additionalMetadata.labels, " + has, "all namespaces of the tenant: Tenant oil, spec.namespaceOptions.additionalMetadata.labels, " + has},
		},
		{
			"Tenant with a selector",
			[]string{capsule("namespaceOptions: {additionalMetadataList: [{namespaceSelector: {matchLabels: {x: 'y'}}, " + labels + "}]}")},
			[]string{"those namespaces of the tenant that its selector matches: Tenant oil, spec.namespaceOptions.additionalMetadataList[0].labels, " + has},
		},
		{
			"Tenant of v1alpha1",
			[]string{capsule("namespacesMetadata: {additionalLabels: {pod-security.kubernetes.io/enforce: baseline}}")},
			[]string{"oil-a: Tenant oil, spec.namespacesMetadata.additionalLabels, " + has, "all namespaces of the tenant: Tenant oil, spec.namespacesMetadata.additionalLabels, " + has},
		},
		{"HierarchyConfiguration", []string{
			"apiVersion: hnc.x-k8s.io/v1alpha2\nkind: HierarchyConfiguration\nmetadata: {name: hierarchy, namespace: top}\nspec: {labels: [{key: pod-security.kubernetes.io/enforce, value: baseline}]}",
			"apiVersion: hnc.x-k8s.io/v1alpha2\nkind: HierarchyConfiguration\nmetadata: {name: hierarchy, namespace: pay}\nspec: {parent: middle}",
			"apiVersion: hnc.x-k8s.io/v1alpha2\nkind: SubnamespaceAnchor\nmetadata: {name: middle, namespace: top}",
		}, []string{
			"pay: HierarchyConfiguration top/hierarchy, spec.labels, pairs map[" + enforce + ":baseline]",
			"the namespace top and all below it: HierarchyConfiguration top/hierarchy, spec.labels, pairs map[" + enforce + ":baseline]",
		}},
		{
			"SubnamespaceAnchor",
			[]string{"apiVersion: hnc.x-k8s.io/v1alpha2\nkind: SubnamespaceAnchor\nmetadata: {name: pay, namespace: top}\nspec: {labels: [{key: pod-security.kubernetes.io/enforce, value: baseline}]}"},
			[]string{"pay: SubnamespaceAnchor top/pay, spec.labels, pairs map[" + enforce + ":baseline]", "the namespace pay and all below it: SubnamespaceAnchor top/pay, spec.labels, pairs map[" + enforce + ":baseline]"},
		},
		{
			"Bundle",
			[]string{fleet("fleet-local", "defaultNamespace: pay, "+namespaceLabels+", targets: [{namespace: oil-a, namespaceLabels: {a: b}}]")},
			[]string{"oil-a: Bundle fleet-local/b, spec.targets[0].namespaceLabels, map map[] and no other", "pay: Bundle fleet-local/b, spec.namespaceLabels, " + has + " and no other"},
		},
		{
			"Bundle of other clusters",
			[]string{fleet("fleet-default", "namespace: pay, "+namespaceLabels)},
			[]string{"pay: Bundle fleet-default/b, spec.namespaceLabels, " + has + " and no other in those that its targets name"},
		},
		{
			"labels of a wrong type",
			[]string{argo("Application", "", "namespace: [pay]", "CreateNamespace=true")},
			[]string{"note: Application argocd/pay: the labels that it may write on namespaces could not be read: spec.destination.namespace is a array"},
		},
		{"other labels", []string{"apiVersion: hnc.x-k8s.io/v1alpha2\nkind: HierarchyConfiguration\nmetadata: {name: hierarchy, namespace: pay}\nspec: {labels: [{key: team, value: a}]}"}, nil},
	}
	for _, tt := range tests {
		b := inventory.NewBuilder()
		b.AddNamespace(inventory.Namespace{Name: "pay"})
		b.AddNamespace(inventory.Namespace{Name: "oil-a", Labels: map[string]string{"capsule.clastix.io/tenant": "oil"}})
		for _, text := range tt.objects {
			custom.ReadObject(b, objectOf(t, text))
		}
		if diff := cmp.Diff(tt.want, toldWriters(b.Build(inventory.Source{}))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestUnnamedOwners(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text string
		known            bool
		want             []string
	}{
		{
			"fleet.yaml", "apps/fleet.yaml", "namespace: pay\nnamespaceLabels: {pod-security.kubernetes.io/enforce: baseline}\ntargetCustomizations: [{namespaceLabels: {pod-security.kubernetes.io/enforce: restricted}}]", true,
			[]string{"pay: fleet.yaml, namespaceLabels, map map[" + enforce + ":baseline] and no other", "pay: fleet.yaml, targetCustomizations[0].namespaceLabels, map map[" + enforce + ":restricted] and no other"},
		},
		{"another file", "values.yaml", "namespace: pay\nnamespaceLabels: {pod-security.kubernetes.io/enforce: baseline}", false, nil},
		{
			"state of Terraform", "terraform.tfstate", `{"terraform_version": "1", "resources": [
			{"mode": "managed", "module": "module.x", "type": "kubernetes_namespace", "name": "a", "instances": [{"attributes": {"metadata": [{"name": "pay", "labels": {"` + enforce + `": "baseline"}}]}}]},
			{"mode": "data", "type": "kubernetes_namespace", "name": "b", "instances": [{"attributes": {"metadata": [{"name": "pay", "labels": {"` + enforce + `": "baseline"}}]}}]},
			{"mode": "managed", "type": "kubernetes_labels", "name": "c", "instances": [{"attributes": {"kind": "Namespace", "labels": {"` + enforce + `": "restricted"}, "metadata": [{"name": "pay"}]}}]},
			{"mode": "managed", "type": "kubernetes_labels", "name": "d", "instances": [{"attributes": {"kind": "Pod", "labels": {"` + enforce + `": "restricted"}, "metadata": [{"name": "pay"}]}}]},
			{"mode": "managed", "type": "aws_instance", "name": "e", "instances": [{"attributes": {"metadata": "x", "labels": 1}}]}]}`, true,
			[]string{`pay: Terraform's "kubernetes_labels.c", labels, hcl map[` + enforce + `:restricted]`, `pay: Terraform's "module.x.kubernetes_namespace.a", metadata.labels, hcl map[` + enforce + `:baseline]`},
		},
	}
	for _, tt := range tests {
		data, err := yaml.YAMLToJSON([]byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		b := inventory.NewBuilder()
		b.AddNamespace(inventory.Namespace{Name: "pay"})
		if known := custom.ReadWithoutKind(b, data, pspparse.Position{File: tt.file}); known != tt.known {
			t.Errorf("%s: known is %t, want %t", tt.name, known, tt.known)
		}
		if diff := cmp.Diff(tt.want, toldWriters(b.Build(inventory.Source{}))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A tree that has no top, more writers of one tenant than are told, and values longer than a label can be end all the same.
func TestHostileOwners(t *testing.T) {
	t.Parallel()
	b := inventory.NewBuilder()
	b.AddNamespace(inventory.Namespace{Name: "a"})
	b.AddNamespace(inventory.Namespace{Name: "o", Labels: map[string]string{"capsule.clastix.io/tenant": "oil"}})
	b.AddNamespaceParent("a", "b")
	b.AddNamespaceParent("b", "a")
	for i := range 25 {
		b.AddLabelWriter(inventory.LabelWriter{Object: fmt.Sprint("Tenant ", i), Labels: map[string]string{enforce: "x"}, Target: inventory.LabelWriterTarget{Tenant: "oil"}})
		b.AddLabelWriter(inventory.LabelWriter{Object: fmt.Sprint("Above ", i), Labels: map[string]string{enforce: string(make([]byte, 1000))}, Target: inventory.LabelWriterTarget{Namespace: "b", IncludeDescendants: true}})
	}
	inv := b.Build(inventory.Source{})
	if a, o := len(inv.Namespaces[0].LabelWriters), len(inv.Namespaces[1].LabelWriters); a != 20 || o != 20 {
		t.Errorf("%d and %d writers, want 20 each", a, o)
	}
	if n := len(inv.Namespaces[0].LabelWriters[0].Labels[enforce]); n > 210 {
		t.Errorf("a value of %d bytes", n)
	}
	if len(inv.Notes) != 1 || inv.Notes[0].Why.Text != "of a namespace that more than 20 of them write to the rest is not listed: 10 objects" {
		t.Errorf("notes %+v", inv.Notes)
	}
}
