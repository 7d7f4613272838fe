package migrate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// platformNamespaceMarks returns, for a Plan's label owners, the labels and annotations by which platforms mark the
// namespaces whose labels they write. A value, where given, must match.
func platformNamespaceMarks() []struct{ key, value, owner string } {
	return []struct{ key, value, owner string }{
		{"hnc.x-k8s.io/subnamespace-of", "", "Hierarchical Namespace Controller"},
		{"capsule.clastix.io/tenant", "", "Capsule"},
		{"security.openshift.io/scc.podSecurityLabelSync", "true", OpenShiftLabelSyncer},
	}
}

// labelOwner returns the name of the tool that manages the namespace's Pod Security labels, "" if a person does: the
// object that writes them, the field manager of such a label if it is not an interactive kubectl, or who has left a
// well-known mark on the namespace.
func labelOwner(ns *inventory.Namespace) string {
	if object := firstLabelWriter(ns); object != "" {
		return object
	}
	for _, key := range inventory.PodSecurityLabelKeys() {
		for _, manager := range ns.LabelManagers[key] {
			if !isInteractiveFieldManager(manager) {
				return "field manager " + manager
			}
		}
	}
	if m := inventory.ManagerOf(ns.Labels, ns.Annotations); m.Tool != "" {
		return m.Tool
	}
	for _, p := range platformNamespaceMarks() {
		for _, meta := range []map[string]string{ns.Annotations, ns.Labels} {
			if v, ok := meta[p.key]; ok && (p.value == "" || p.value == v) {
				return p.owner
			}
		}
	}
	if isSyncedByOpenShift(ns) {
		return OpenShiftLabelSyncer
	}
	return ""
}

// isInteractiveFieldManager reports, for a Plan's label owners, whether a field manager of namespace labels stands for
// a person or a script: kubectl, its plugins and builds ("kubectl.exe"), and this tool.
func isInteractiveFieldManager(manager string) bool {
	return strings.HasPrefix(manager, "kubectl") || slices.Contains([]string{"psp2pss", "before-first-apply"}, manager)
}

// IsSystemNamespace reports whether a Plan's namespace is one of Kubernetes itself or of a provider's platform: such
// are evaluated like any other and marked, since their content is not the admin's to change.
func IsSystemNamespace(name string) bool {
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
