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
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// labelWriterResources returns the kinds whose objects write labels on namespaces.
func labelWriterResources() []KnownResource {
	return []KnownResource{
		{Group: "argoproj.io", Versions: []string{"v1alpha1"}, Name: "applications", Kind: "Application", Namespaced: true, Purpose: WritesLabels},
		{Group: "argoproj.io", Versions: []string{"v1alpha1"}, Name: "applicationsets", Kind: "ApplicationSet", Namespaced: true, Purpose: WritesLabels},
		{Group: "capsule.clastix.io", Versions: []string{"v1beta2", "v1beta1"}, Name: "tenants", Kind: "Tenant", Purpose: WritesLabels},
		{Group: "fleet.cattle.io", Versions: []string{"v1alpha1"}, Name: "bundles", Kind: "Bundle", Namespaced: true, Purpose: WritesLabels},
		{Group: "fleet.cattle.io", Versions: []string{"v1alpha1"}, Name: "helmops", Kind: "HelmOp", Namespaced: true, Purpose: WritesLabels},
		{Group: "hnc.x-k8s.io", Versions: []string{"v1alpha2"}, Name: "hierarchyconfigurations", Kind: "HierarchyConfiguration", Namespaced: true, Purpose: WritesLabels},
		{Group: "hnc.x-k8s.io", Versions: []string{"v1alpha2"}, Name: "subnamespaceanchors", Kind: "SubnamespaceAnchor", Namespaced: true, Purpose: WritesLabels},
	}
}

// readLabelWriter adds the labels that an object writes on namespaces: of Argo CD, Capsule, Fleet or the hierarchical
// namespace controller (HNC). Labels that cannot be read become a note.
func readLabelWriter(sink inventory.CustomSink, o RawObject) {
	group := o.group()
	var err error
	switch group + " " + o.Kind {
	case "argoproj.io Application":
		err = readArgoApplication(sink, o)
	case "argoproj.io ApplicationSet":
		err = readArgoApplicationSet(sink, o)
	case "capsule.clastix.io Tenant":
		err = readCapsuleTenant(sink, o)
	case "fleet.cattle.io Bundle", "fleet.cattle.io HelmOp":
		err = readFleetBundle(sink, o)
	case "hnc.x-k8s.io HierarchyConfiguration":
		err = readHNCHierarchy(sink, o)
	case "hnc.x-k8s.io SubnamespaceAnchor":
		err = readHNCAnchor(sink, o)
	}
	if err != nil {
		sink.AddNote(inventory.Note{What: o.objectText(), Why: message.New("label-writer-unread", "error", err), Position: o.Position})
	}
}

// objectText returns the kind and the name of the custom object for a message.
func (o *RawObject) objectText() string { return inventory.ObjectText(o.Kind, o.Namespace, o.Name) }

// labelWriter returns the LabelWriter for a map of namespace labels that the custom object has in a field.
func (o *RawObject) labelWriter(field string, labels map[string]string) inventory.LabelWriter {
	return inventory.LabelWriter{Object: o.objectText(), Path: field, Labels: labels, Syntax: inventory.LabelMap, Position: o.Position}
}

// unmarshalTyped decodes a custom object's JSON as API servers do, with case-sensitive keys, and says of a wrong type
// only which field has it.
func unmarshalTyped(data []byte, into any) error {
	err := kjson.UnmarshalCaseSensitivePreserveInts(data, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s is a %s", wrong.Field, wrong.Value)
	}
	return err
}

// namespaceMetadata is the metadata that a custom object gives to namespaces, as far as it is labels.
type namespaceMetadata struct {
	Labels map[string]string `json:"labels"`
}

// argoSpec is the spec of an Application of Argo CD, and of the template of an ApplicationSet.
type argoSpec struct {
	Destination struct {
		Namespace string `json:"namespace"`
		Server    string `json:"server"`
		Name      string `json:"name"`
	} `json:"destination"`
	SyncPolicy struct {
		SyncOptions              []string           `json:"syncOptions"`
		ManagedNamespaceMetadata *namespaceMetadata `json:"managedNamespaceMetadata"`
	} `json:"syncPolicy"`
}

// writesLabels reports whether Argo CD writes labels on the namespace at each sync: it does if it creates the namespace where
// it is missing (controller/sync_namespace.go).
func (s *argoSpec) writesLabels() bool {
	return s.SyncPolicy.ManagedNamespaceMetadata != nil && slices.Contains(s.SyncPolicy.SyncOptions, "CreateNamespace=true")
}

// otherCluster returns the cluster that the Argo CD application is deployed to; "" for the one that Argo CD runs in.
func (s *argoSpec) otherCluster() string {
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
	// argoLabelsPath is the field of an Application with labels for its namespace.
	argoLabelsPath = "spec.syncPolicy.managedNamespaceMetadata.labels"
	// applicationSetLabelsPath is the field of an ApplicationSet with labels for the namespaces of its Applications.
	applicationSetLabelsPath = "spec.template." + argoLabelsPath
)

// readArgoApplication adds the namespace labels of an Application of Argo CD.
func readArgoApplication(sink inventory.CustomSink, o RawObject) error {
	var a struct {
		Metadata struct {
			OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
		} `json:"metadata"`
		Spec argoSpec `json:"spec"`
	}
	if err := unmarshalTyped(o.JSON, &a); err != nil {
		return err
	}
	if !a.Spec.writesLabels() {
		return nil
	}
	w := o.labelWriter(argoLabelsPath, a.Spec.SyncPolicy.ManagedNamespaceMetadata.Labels)
	for _, owner := range a.Metadata.OwnerReferences {
		if owner.Kind == "ApplicationSet" { // which puts back what it made
			w.Object, w.Path = inventory.ObjectText(owner.Kind, o.Namespace, owner.Name), applicationSetLabelsPath
			break
		}
	}
	w.OtherCluster, w.Target.Namespace = a.Spec.otherCluster(), a.Spec.Destination.Namespace
	sink.AddLabelWriter(w)
	return nil
}

// readArgoApplicationSet adds the namespace labels of an ApplicationSet of Argo CD.
func readArgoApplicationSet(sink inventory.CustomSink, o RawObject) error {
	var a struct {
		Spec struct {
			Template struct {
				Spec argoSpec `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := unmarshalTyped(o.JSON, &a); err != nil {
		return err
	}
	spec := &a.Spec.Template.Spec
	if !spec.writesLabels() {
		return nil
	}
	w := o.labelWriter(applicationSetLabelsPath, spec.SyncPolicy.ManagedNamespaceMetadata.Labels)
	w.OtherCluster = spec.otherCluster()
	if strings.Contains(spec.Destination.Namespace, "{{") {
		w.NewNamespaces = "the namespaces that its generators name"
	} else {
		w.Target.Namespace = spec.Destination.Namespace
	}
	sink.AddLabelWriter(w)
	return nil
}

// readCapsuleTenant adds the namespace labels of a Tenant of Capsule. v1beta2 has both fields, v1beta1 the first, v1alpha1
// another one.
func readCapsuleTenant(sink inventory.CustomSink, o RawObject) error {
	var t struct {
		Spec struct {
			NamespaceOptions struct {
				AdditionalMetadata     namespaceMetadata `json:"additionalMetadata"`
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
	if err := unmarshalTyped(o.JSON, &t); err != nil {
		return err
	}
	add := func(field string, labels map[string]string, selector *metav1.LabelSelector) {
		w := o.labelWriter(field, labels)
		w.NewNamespaces = "all namespaces of the tenant"
		if selector != nil {
			w.NewNamespaces = "those namespaces of the tenant that its selector matches"
		}
		w.Target = inventory.LabelWriterTarget{Tenant: o.Name, Selector: selector}
		sink.AddLabelWriter(w)
	}
	add("spec.namespaceOptions.additionalMetadata.labels", t.Spec.NamespaceOptions.AdditionalMetadata.Labels, nil)
	add("spec.namespacesMetadata.additionalLabels", t.Spec.NamespacesMetadata.AdditionalLabels, nil)
	for i, item := range t.Spec.NamespaceOptions.AdditionalMetadataList {
		add(fmt.Sprintf("spec.namespaceOptions.additionalMetadataList[%d].labels", i), item.Labels, item.NamespaceSelector)
	}
	return nil
}

// hncLabels are labels as objects of HNC have them, a list of keys and values.
type hncLabels []struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// toMap returns the labels of an HNC object as a map.
func (p hncLabels) toMap() map[string]string {
	out := make(map[string]string, len(p))
	for _, l := range p {
		out[l.Key] = l.Value
	}
	return out
}

// readHNCHierarchy adds the labels and the parent of a HierarchyConfiguration of HNC.
func readHNCHierarchy(sink inventory.CustomSink, o RawObject) error {
	var h struct {
		Spec struct {
			Parent string    `json:"parent"`
			Labels hncLabels `json:"labels"`
		} `json:"spec"`
	}
	if err := unmarshalTyped(o.JSON, &h); err != nil {
		return err
	}
	sink.AddNamespaceParent(o.Namespace, h.Spec.Parent)
	addHNCLabelWriter(sink, o, o.Namespace, h.Spec.Labels)
	return nil
}

// readHNCAnchor adds the labels and the parent of a SubnamespaceAnchor of HNC, which makes a namespace below its own. It
// may have labels from HNC v1.1 on.
func readHNCAnchor(sink inventory.CustomSink, o RawObject) error {
	var a struct {
		Spec struct {
			Labels hncLabels `json:"labels"`
		} `json:"spec"`
	}
	if err := unmarshalTyped(o.JSON, &a); err != nil {
		return err
	}
	sink.AddNamespaceParent(o.Name, o.Namespace)
	addHNCLabelWriter(sink, o, o.Name, a.Spec.Labels)
	return nil
}

// addHNCLabelWriter adds an object of HNC that writes labels on a namespace and on all below it.
func addHNCLabelWriter(sink inventory.CustomSink, o RawObject, namespace string, labels hncLabels) {
	w := o.labelWriter("spec.labels", labels.toMap())
	w.Syntax, w.NewNamespaces = inventory.LabelPairs, inventory.ObjectText("the namespace", "", namespace)+" and all below it"
	w.Target = inventory.LabelWriterTarget{Namespace: namespace, IncludeDescendants: true}
	sink.AddLabelWriter(w)
}

// fleetOptions are the options that Fleet deploys a bundle with. Where they have labels for the namespace, Fleet sets
// exactly these and removes others.
type fleetOptions struct {
	Namespace        string            `json:"namespace"`
	DefaultNamespace string            `json:"defaultNamespace"`
	NamespaceLabels  map[string]string `json:"namespaceLabels"`
}

// addLabelWriter adds the namespace labels of Fleet's options. Where they name no namespace, those of or count.
func (f *fleetOptions) addLabelWriter(sink inventory.CustomSink, w inventory.LabelWriter, or *fleetOptions) {
	if f.NamespaceLabels == nil {
		return
	}
	w.Labels, w.PrunesLabels = f.NamespaceLabels, true
	w.Target.Namespace = cmp.Or(f.Namespace, or.Namespace, f.DefaultNamespace, or.DefaultNamespace, "default")
	sink.AddLabelWriter(w)
}

// readFleetBundle adds the namespace labels of a Bundle or HelmOp of Fleet. One in the namespace fleet-local is for the
// cluster that it is in.
func readFleetBundle(sink inventory.CustomSink, o RawObject) error {
	var f struct {
		Spec struct {
			fleetOptions
			Targets []fleetOptions `json:"targets"`
		} `json:"spec"`
	}
	if err := unmarshalTyped(o.JSON, &f); err != nil {
		return err
	}
	w := o.labelWriter("spec.namespaceLabels", nil)
	if o.Namespace != "fleet-local" {
		w.OtherCluster = "those that its targets name"
	}
	f.Spec.addLabelWriter(sink, w, &f.Spec.fleetOptions)
	for i := range f.Spec.Targets {
		w.Path = fmt.Sprintf("spec.targets[%d].namespaceLabels", i)
		f.Spec.Targets[i].addLabelWriter(sink, w, &f.Spec.fleetOptions)
	}
	return nil
}

// ReadWithoutKind adds the namespace labels of a document without apiVersion and kind: a fleet.yaml, or a Terraform state.
// It returns false, and adds nothing, for any other document.
func ReadWithoutKind(sink inventory.CustomSink, data []byte, at pspparse.Position) bool {
	switch path.Base(strings.ReplaceAll(at.File, `\`, "/")) {
	case "fleet.yaml", "fleet.yml":
		return readFleetFile(sink, data, at)
	}
	return bytes.Contains(data, []byte(`"terraform_version"`)) && readTerraformState(sink, data, at)
}

// readFleetFile adds the namespace labels of a fleet.yaml; false for a document that cannot be decoded as one.
func readFleetFile(sink inventory.CustomSink, data []byte, at pspparse.Position) bool {
	var f struct {
		fleetOptions
		TargetCustomizations []fleetOptions `json:"targetCustomizations"`
	}
	if unmarshalTyped(data, &f) != nil {
		return false
	}
	w := inventory.LabelWriter{Object: "fleet.yaml", Path: "namespaceLabels", Syntax: inventory.LabelMap, Position: at}
	f.addLabelWriter(sink, w, &f.fleetOptions)
	for i := range f.TargetCustomizations {
		w.Path = fmt.Sprintf("targetCustomizations[%d].namespaceLabels", i)
		f.TargetCustomizations[i].addLabelWriter(sink, w, &f.fleetOptions)
	}
	return true
}

// terraformState is version 4 of a Terraform state, as far as resources of the provider hashicorp/kubernetes go.
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

// readTerraformState adds the namespace labels of a Terraform state; false for a document that cannot be decoded as one.
// Terraform leaves out keys of kubernetes.io that it did not write, so the state has those that it would put back.
func readTerraformState(sink inventory.CustomSink, data []byte, at pspparse.Position) bool {
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
			sink.AddLabelWriter(inventory.LabelWriter{
				Object: inventory.ObjectText("Terraform's", "", name), Path: field, Labels: labels, Syntax: inventory.LabelHCL, Position: at,
				Target: inventory.LabelWriterTarget{Namespace: a.Metadata[0].Name},
			})
		}
	}
	return true
}
