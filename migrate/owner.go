package migrate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// marks are the labels and annotations by which another tool says that it writes a Namespace object. Keys ending in
// "/" are prefixes; a value, where given, must match.
func marks() []struct{ key, value, owner string } {
	return []struct{ key, value, owner string }{
		{"argocd.argoproj.io/tracking-id", "", "Argo CD"},
		{"argocd.argoproj.io/instance", "", "Argo CD"},
		{"kustomize.toolkit.fluxcd.io/name", "", "Flux"},
		{"helm.toolkit.fluxcd.io/name", "", "Flux"},
		{"fluxcd.io/sync-checksum", "", "Flux v1"},
		{"meta.helm.sh/release-name", "", "Helm"},
		{"app.kubernetes.io/managed-by", "Helm", "Helm"},
		{"configmanagement.gke.io/managed", "enabled", "Config Sync"},
		{"configsync.gke.io/resource-id", "", "Config Sync"},
		{"kapp.k14s.io/app", "", "kapp"},
		{"objectset.rio.cattle.io/id", "", "Rancher Fleet"},
		{"hnc.x-k8s.io/subnamespace-of", "", "Hierarchical Namespace Controller"},
		{"capsule.clastix.io/tenant", "", "Capsule"},
		{"security.openshift.io/scc.podSecurityLabelSync", "true", "the OpenShift label syncer"},
	}
}

// owner names the tool that manages the namespace's Pod Security labels, "" if a person does: the field manager of
// such a label if it is not an interactive kubectl, else a well-known mark of a controller on the object.
func owner(ns *inventory.Namespace) string {
	for _, key := range LabelKeys() {
		for _, manager := range ns.LabelManagers[key] {
			if !interactive(manager) {
				return "field manager " + manager
			}
		}
	}
	for _, m := range marks() {
		for _, meta := range []map[string]string{ns.Annotations, ns.Labels} {
			if v, ok := meta[m.key]; ok && (m.value == "" || m.value == v) {
				return m.owner
			}
		}
	}
	return ""
}

// interactive field managers: kubectl's own, under which a person or a script of ours works. Names with a slash come
// from kubectl plugins and builds ("kubectl.exe").
func interactive(manager string) bool {
	return strings.HasPrefix(manager, "kubectl") || slices.Contains([]string{"psp2pss", "before-first-apply"}, manager)
}

// system is true for namespaces of Kubernetes itself and of a provider's platform: they are judged like any other and
// marked, since their content is not the admin's to change.
func system(name string) bool {
	for _, prefix := range []string{"kube-", "openshift-", "gke-", "gmp-", "cattle-", "vmware-system-", "tkg-", "aks-", "amazon-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"openshift", "calico-system", "calico-apiserver", "tigera-operator", "config-management-system", "asm-system",
		"azure-arc", "fleet-system", "ibm-system", "ibm-operators", "pks-system", "rancher-operator-system",
	}, name)
}
