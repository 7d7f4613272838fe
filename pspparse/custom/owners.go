package custom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ownerResources are the kinds that write labels on namespaces.
func ownerResources() []Resource {
	return []Resource{
		{Group: "argoproj.io", Versions: []string{"v1alpha1"}, Name: "applications", Kind: "Application", Namespaced: true, Purpose: WritesLabels},
		{Group: "argoproj.io", Versions: []string{"v1alpha1"}, Name: "applicationsets", Kind: "ApplicationSet", Namespaced: true, Purpose: WritesLabels},
		{Group: "capsule.clastix.io", Versions: []string{"v1beta2", "v1beta1"}, Name: "tenants", Kind: "Tenant", Purpose: WritesLabels},
		{Group: "fleet.cattle.io", Versions: []string{"v1alpha1"}, Name: "bundles", Kind: "Bundle", Namespaced: true, Purpose: WritesLabels},
		{Group: "fleet.cattle.io", Versions: []string{"v1alpha1"}, Name: "helmops", Kind: "HelmOp", Namespaced: true, Purpose: WritesLabels},
		{Group: "hnc.x-k8s.io", Versions: []string{"v1alpha2"}, Name: "hierarchyconfigurations", Kind: "HierarchyConfiguration", Namespaced: true, Purpose: WritesLabels},
		{Group: "hnc.x-k8s.io", Versions: []string{"v1alpha2"}, Name: "subnamespaceanchors", Kind: "SubnamespaceAnchor", Namespaced: true, Purpose: WritesLabels},
	}
}

// readOwner adds the labels that an object writes on namespaces. Whatever else it may be is left to the readers: it says
// nothing of pods.
func readOwner(b *inventory.Builder, o Object) {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	var err error
	switch group + " " + o.Kind {
	case "argoproj.io Application":
		err = application(b, o)
	case "argoproj.io ApplicationSet":
		err = applicationSet(b, o)
	case "capsule.clastix.io Tenant":
		err = tenant(b, o)
	case "fleet.cattle.io Bundle", "fleet.cattle.io HelmOp":
		err = bundle(b, o)
	case "hnc.x-k8s.io HierarchyConfiguration":
		err = hierarchy(b, o)
	case "hnc.x-k8s.io SubnamespaceAnchor":
		err = anchor(b, o)
	}
	if err != nil {
		b.AddNote(inventory.Note{What: o.name(), Why: fmt.Sprintf("the labels that it may write on namespaces could not be read: %v", err), Position: o.Position})
	}
}

func (o *Object) name() string { return inventory.ObjectName(o.Kind, o.Namespace, o.Name) }

// writer is one of a map of labels in the object.
func (o *Object) writer(field string, labels map[string]string) inventory.LabelWriter {
	return inventory.LabelWriter{Object: o.name(), Path: field, Labels: labels, Form: inventory.LabelMap, Position: o.Position}
}

// unmarshal reads what has the types that it should have.
func unmarshal(data []byte, into any) error {
	err := kjson.UnmarshalCaseSensitivePreserveInts(data, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s is a %s", wrong.Field, wrong.Value)
	}
	return err
}

// metadata of namespaces, as far as it is labels.
type metadata struct {
	Labels map[string]string `json:"labels"`
}

// argoSpec is the spec of an Application, and what an ApplicationSet makes them of.
type argoSpec struct {
	Destination struct {
		Namespace string `json:"namespace"`
		Server    string `json:"server"`
		Name      string `json:"name"`
	} `json:"destination"`
	SyncPolicy struct {
		SyncOptions              []string  `json:"syncOptions"`
		ManagedNamespaceMetadata *metadata `json:"managedNamespaceMetadata"`
	} `json:"syncPolicy"`
}

// A namespace has these labels at each sync if Argo CD creates it where it is missing (controller/sync_namespace.go).
func (s *argoSpec) writes() bool {
	return s.SyncPolicy.ManagedNamespaceMetadata != nil && slices.Contains(s.SyncPolicy.SyncOptions, "CreateNamespace=true")
}

// elsewhere names another cluster than the one that Argo CD runs in; "" for that one.
func (s *argoSpec) elsewhere() string {
	server := strings.TrimSuffix(s.Destination.Server, "/")
	switch {
	case strings.Contains(server+s.Destination.Name, "{{"):
		return ""
	case server != "" && server != "https://kubernetes.default.svc":
		return server
	case s.Destination.Name != "in-cluster":
		return s.Destination.Name
	}
	return ""
}

const (
	argoLabels = "spec.syncPolicy.managedNamespaceMetadata.labels"
	setLabels  = "spec.template." + argoLabels
)

func application(b *inventory.Builder, o Object) error {
	var a struct {
		Metadata struct {
			OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
		} `json:"metadata"`
		Spec argoSpec `json:"spec"`
	}
	if err := unmarshal(o.JSON, &a); err != nil {
		return err
	}
	if !a.Spec.writes() {
		return nil
	}
	w := o.writer(argoLabels, a.Spec.SyncPolicy.ManagedNamespaceMetadata.Labels)
	for _, owner := range a.Metadata.OwnerReferences {
		if owner.Kind == "ApplicationSet" { // which puts back what it made
			w.Object, w.Path = inventory.ObjectName(owner.Kind, o.Namespace, owner.Name), setLabels
			break
		}
	}
	w.Elsewhere, w.Reach.Namespace = a.Spec.elsewhere(), a.Spec.Destination.Namespace
	b.AddLabelWriter(w)
	return nil
}

func applicationSet(b *inventory.Builder, o Object) error {
	var a struct {
		Spec struct {
			Template struct {
				Spec argoSpec `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := unmarshal(o.JSON, &a); err != nil {
		return err
	}
	spec := &a.Spec.Template.Spec
	if !spec.writes() {
		return nil
	}
	w := o.writer(setLabels, spec.SyncPolicy.ManagedNamespaceMetadata.Labels)
	w.Elsewhere = spec.elsewhere()
	if strings.Contains(spec.Destination.Namespace, "{{") {
		w.New = "the namespaces that its generators name"
	} else {
		w.Reach.Namespace = spec.Destination.Namespace
	}
	b.AddLabelWriter(w)
	return nil
}

// tenant reads a Tenant of Capsule: v1beta2 has both fields, v1beta1 the first, v1alpha1 another one.
func tenant(b *inventory.Builder, o Object) error {
	var t struct {
		Spec struct {
			NamespaceOptions struct {
				AdditionalMetadata     metadata `json:"additionalMetadata"`
				AdditionalMetadataList []struct {
					Labels            map[string]string     `json:"labels"`
					NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
				} `json:"additionalMetadataList"`
			} `json:"namespaceOptions"`
			NamespacesMetadata struct {
				AdditionalLabels map[string]string `json:"additionalLabels"`
			} `json:"namespacesMetadata"`
		} `json:"spec"`
	}
	if err := unmarshal(o.JSON, &t); err != nil {
		return err
	}
	add := func(field string, labels map[string]string, selector *metav1.LabelSelector) {
		w := o.writer(field, labels)
		w.New = "all namespaces of the tenant"
		if selector != nil {
			w.New = "those namespaces of the tenant that its selector matches"
		}
		w.Reach = inventory.Reach{Tenant: o.Name, Selector: selector}
		b.AddLabelWriter(w)
	}
	add("spec.namespaceOptions.additionalMetadata.labels", t.Spec.NamespaceOptions.AdditionalMetadata.Labels, nil)
	add("spec.namespacesMetadata.additionalLabels", t.Spec.NamespacesMetadata.AdditionalLabels, nil)
	for i, item := range t.Spec.NamespaceOptions.AdditionalMetadataList {
		add(fmt.Sprintf("spec.namespaceOptions.additionalMetadataList[%d].labels", i), item.Labels, item.NamespaceSelector)
	}
	return nil
}

// pairs are labels as HNC has them.
type pairs []struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (p pairs) labels() map[string]string {
	out := make(map[string]string, len(p))
	for _, l := range p {
		out[l.Key] = l.Value
	}
	return out
}

func hierarchy(b *inventory.Builder, o Object) error {
	var h struct {
		Spec struct {
			Parent string `json:"parent"`
			Labels pairs  `json:"labels"`
		} `json:"spec"`
	}
	if err := unmarshal(o.JSON, &h); err != nil {
		return err
	}
	b.AddParent(o.Namespace, h.Spec.Parent)
	below(b, o, o.Namespace, h.Spec.Labels)
	return nil
}

// anchor reads what makes a namespace below the one it is in; from HNC v1.1 on it may have labels for it.
func anchor(b *inventory.Builder, o Object) error {
	var a struct {
		Spec struct {
			Labels pairs `json:"labels"`
		} `json:"spec"`
	}
	if err := unmarshal(o.JSON, &a); err != nil {
		return err
	}
	b.AddParent(o.Name, o.Namespace)
	below(b, o, o.Name, a.Spec.Labels)
	return nil
}

func below(b *inventory.Builder, o Object, namespace string, labels pairs) {
	w := o.writer("spec.labels", labels.labels())
	w.Form, w.New = inventory.LabelPairs, inventory.ObjectName("the namespace", "", namespace)+" and all below it"
	w.Reach = inventory.Reach{Namespace: namespace, Below: true}
	b.AddLabelWriter(w)
}

// fleetOptions are what Fleet deploys a bundle with, to a namespace that it sets exactly these labels on: others go.
type fleetOptions struct {
	Namespace        string            `json:"namespace"`
	DefaultNamespace string            `json:"defaultNamespace"`
	NamespaceLabels  map[string]string `json:"namespaceLabels"`
}

// add takes the namespace of another one where it has none.
func (f *fleetOptions) add(b *inventory.Builder, w inventory.LabelWriter, or *fleetOptions) {
	if f.NamespaceLabels == nil {
		return
	}
	w.Labels, w.Prunes = f.NamespaceLabels, true
	w.Reach.Namespace = cmp.Or(f.Namespace, or.Namespace, f.DefaultNamespace, or.DefaultNamespace, "default")
	b.AddLabelWriter(w)
}

// bundle reads a Bundle or HelmOp of Fleet. Those of the namespace fleet-local are for the cluster that they are in.
func bundle(b *inventory.Builder, o Object) error {
	var f struct {
		Spec struct {
			fleetOptions
			Targets []fleetOptions `json:"targets"`
		} `json:"spec"`
	}
	if err := unmarshal(o.JSON, &f); err != nil {
		return err
	}
	w := o.writer("spec.namespaceLabels", nil)
	if o.Namespace != "fleet-local" {
		w.Elsewhere = "those that its targets name"
	}
	f.Spec.add(b, w, &f.Spec.fleetOptions)
	for i := range f.Spec.Targets {
		w.Path = fmt.Sprintf("spec.targets[%d].namespaceLabels", i)
		f.Spec.Targets[i].add(b, w, &f.Spec.fleetOptions)
	}
	return nil
}

// ReadUnnamed adds what a document without apiVersion and kind says of the labels of namespaces: a fleet.yaml, or the state
// of Terraform. It returns false, and adds nothing, for any other.
func ReadUnnamed(b *inventory.Builder, data []byte, at pspparse.Position) bool {
	switch path.Base(strings.ReplaceAll(at.File, `\`, "/")) {
	case "fleet.yaml", "fleet.yml":
		return fleetFile(b, data, at)
	}
	return bytes.Contains(data, []byte(`"terraform_version"`)) && terraformLabels(b, data, at)
}

func fleetFile(b *inventory.Builder, data []byte, at pspparse.Position) bool {
	var f struct {
		fleetOptions
		TargetCustomizations []fleetOptions `json:"targetCustomizations"`
	}
	if unmarshal(data, &f) != nil {
		return false
	}
	w := inventory.LabelWriter{Object: "fleet.yaml", Path: "namespaceLabels", Form: inventory.LabelMap, Position: at}
	f.add(b, w, &f.fleetOptions)
	for i := range f.TargetCustomizations {
		w.Path = fmt.Sprintf("targetCustomizations[%d].namespaceLabels", i)
		f.TargetCustomizations[i].add(b, w, &f.fleetOptions)
	}
	return true
}

// terraformState is version 4 of Terraform's state, as far as resources of the provider hashicorp/kubernetes go.
type terraformState struct {
	Resources []struct {
		Module    string `json:"module"`
		Mode      string `json:"mode"`
		Type      string `json:"type"`
		Name      string `json:"name"`
		Instances []struct {
			Attributes struct {
				Kind     string            `json:"kind"`
				Labels   map[string]string `json:"labels"`
				Metadata []struct {
					Name   string            `json:"name"`
					Labels map[string]string `json:"labels"`
				} `json:"metadata"`
			} `json:"attributes"`
		} `json:"instances"`
	} `json:"resources"`
}

// terraformLabels reads a state. Terraform leaves out keys of kubernetes.io that it did not write itself, so its state has those that it puts back.
func terraformLabels(b *inventory.Builder, data []byte, at pspparse.Position) bool {
	var s terraformState
	err := kjson.UnmarshalCaseSensitivePreserveInts(data, &s)
	if wrong := new(json.UnmarshalTypeError); err != nil && !errors.As(err, &wrong) {
		return false // attributes of other resources may have any type
	}
	for _, r := range s.Resources {
		field := "metadata.labels"
		switch {
		case r.Mode != "managed":
			continue
		case r.Type == "kubernetes_labels":
			field = "labels"
		case r.Type != "kubernetes_namespace" && r.Type != "kubernetes_namespace_v1":
			continue
		}
		name := r.Type + "." + r.Name
		if r.Module != "" {
			name = r.Module + "." + name
		}
		for i := range r.Instances {
			a := &r.Instances[i].Attributes
			if len(a.Metadata) == 0 || r.Type == "kubernetes_labels" && a.Kind != "Namespace" {
				continue
			}
			labels := a.Metadata[0].Labels
			if r.Type == "kubernetes_labels" {
				labels = a.Labels
			}
			b.AddLabelWriter(inventory.LabelWriter{
				Object: inventory.ObjectName("Terraform's", "", name), Path: field, Labels: labels, Form: inventory.LabelHCL, Position: at,
				Reach: inventory.Reach{Namespace: a.Metadata[0].Name},
			})
		}
	}
	return true
}
