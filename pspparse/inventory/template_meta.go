package inventory

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// TemplateMeta is, in the Inventory, what changing a pod template needs to know beside the template's Shape: who else
// writes the object that holds it, and what it has that a Shape leaves out. Equal ones are one pointer. It is never
// changed after it was made.
type TemplateMeta struct {
	// Manager is who writes the object, as its labels and annotations say.
	Manager Manager
	// Chart is the label helm.sh/chart: name and version in one, "grafana-6.58.7".
	Chart string
	// Images are those of the init containers and then of the containers, without tag and digest.
	Images []string
	// SecurityContext, Metadata and Annotations say whether the template has these objects at all: a Shape always has the
	// first. Metadata without labels and annotations counts as none: there is nothing in it to lose.
	SecurityContext, Metadata, Annotations bool
	// Windows is true where the node selector asks for Windows nodes.
	Windows bool
}

// Manager is a tool, such as Helm or Argo CD, that writes a workload's object and would undo changes by others.
type Manager struct {
	// Tool is its name, "" if there is none.
	Tool string
	// Source is what it makes the object from, in its own words: "release web/grafana"; "" if that is not known.
	Source string
}

// managerMark is a label or an annotation by which a tool (Helm, Argo CD, ...) marks the objects that it writes.
type managerMark struct {
	// key has this value, or any if value is "".
	key, value, tool string
	// source names what the tool makes objects from; nameKey and namespaceKey are the keys that hold its name.
	source, nameKey, namespaceKey string
}

// managerMarks returns the marks by which an inventory knows what manages a workload, in the order of precedence: Argo
// CD and Flux render charts themselves, and Helm's own marks stay on the objects.
func managerMarks() [11]managerMark {
	const (
		instance = "app.kubernetes.io/instance"
		flux     = "kustomize.toolkit.fluxcd.io/"
		fluxHelm = "helm.toolkit.fluxcd.io/"
		helm     = "meta.helm.sh/release-"
	)
	return [...]managerMark{
		{"argocd.argoproj.io/tracking-id", "", "Argo CD", "application", "argocd.argoproj.io/tracking-id", ""},
		{"argocd.argoproj.io/instance", "", "Argo CD", "application", "argocd.argoproj.io/instance", ""},
		{flux + "name", "", "Flux", "Kustomization", flux + "name", flux + "namespace"},
		{fluxHelm + "name", "", "Flux", "HelmRelease", fluxHelm + "name", fluxHelm + "namespace"},
		{"fluxcd.io/sync-checksum", "", "Flux v1", "", "", ""},
		{helm + "name", "", "Helm", "release", helm + "name", helm + "namespace"},
		{"app.kubernetes.io/managed-by", "Helm", "Helm", "release", instance, ""},
		{"configmanagement.gke.io/managed", "enabled", "Config Sync", "", "", ""},
		{"configsync.gke.io/resource-id", "", "Config Sync", "", "", ""},
		{"kapp.k14s.io/app", "", "kapp", "", "", ""},
		{"objectset.rio.cattle.io/id", "", "Rancher Fleet", "", "", ""},
	}
}

// ManagerOf returns the tool (Helm, Argo CD, ...) that writes a workload's object, by its labels and annotations; zero
// if none is known.
func ManagerOf(labels, annotations map[string]string) Manager {
	of := func(key string) (string, bool) {
		v, ok := annotations[key]
		if !ok {
			v, ok = labels[key]
		}
		return v, ok
	}
	for _, m := range managerMarks() {
		if _, ok := of(m.key); !ok || m.value != "" && labels[m.key] != m.value && annotations[m.key] != m.value {
			continue
		}
		name, _ := of(m.nameKey)
		name, _, _ = strings.Cut(name, ":") // a tracking ID goes on with the object
		if m.source == "" || name == "" {
			return Manager{Tool: m.tool}
		}
		if namespace, ok := of(m.namespaceKey); ok && namespace != "" {
			name = namespace + "/" + name
		}
		return Manager{Tool: m.tool, Source: m.source + " " + name}
	}
	return Manager{}
}

// templateMeta returns the one TemplateMeta of all pod templates that have the same.
func (b *Builder) templateMeta(m *ObjectMeta, t *corev1.PodTemplateSpec) *TemplateMeta {
	o := TemplateMeta{
		Manager:         ManagerOf(m.Labels, m.Annotations),
		Chart:           m.Labels["helm.sh/chart"],
		SecurityContext: t.Spec.SecurityContext != nil,
		Metadata:        t.Labels != nil || t.Annotations != nil,
		Annotations:     t.Annotations != nil,
		Windows:         selectsWindowsNodes(t.Spec.NodeSelector),
	}
	for _, list := range [][]corev1.Container{t.Spec.InitContainers, t.Spec.Containers} {
		for i := range list {
			o.Images = append(o.Images, b.internString(imageRepository(list[i].Image)))
		}
	}
	key := strings.Join(append([]string{
		o.Manager.Tool, o.Manager.Source, o.Chart, flagText(o.SecurityContext), flagText(o.Metadata), flagText(o.Annotations), flagText(o.Windows),
	}, o.Images...), "\x00")
	known, ok := b.templateMetas[key]
	if !ok {
		known = &o
		b.templateMetas[key] = known
	}
	return known
}

// selectsWindowsNodes reports whether the node selector of an inventory's workload asks for Windows. The label had
// another name until v1.19.
func selectsWindowsNodes(nodes map[string]string) bool {
	return nodes[corev1.LabelOSStable] == string(corev1.Windows) || nodes["beta.kubernetes.io/os"] == string(corev1.Windows)
}

// flagText returns a text for true and one for false, as part of a template's key in the inventory.
func flagText(set bool) string {
	if set {
		return "1"
	}
	return ""
}

// imageRepository returns, for an inventory's workload, a container image's name without tag and digest:
// "registry:5000/web" of "registry:5000/web:v1@sha256:...".
func imageRepository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if tag := strings.LastIndexByte(image, ':'); tag > strings.LastIndexByte(image, '/') {
		image = image[:tag]
	}
	return image
}
