package custom

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// allKinds stands for all kinds of a group.
const allKinds = "*"

// kindsWithoutPods returns the custom kinds of an API group that are known to hold no pod and to make none.
func kindsWithoutPods(group string) []string {
	switch group {
	case "":
		return []string{
			"Binding", "ComponentStatus", "ConfigMap", "Endpoints", "Event", "LimitRange", "Node", "PersistentVolume",
			"PersistentVolumeClaim", "ResourceQuota", "Secret", "SecurityContextConstraints", "Service", "Status", "APIGroup", "APIGroupList", "APIResourceList", "APIVersions",
		}
	case "apps":
		return []string{"ControllerRevision", "Scale"}
	case "extensions":
		return []string{"Ingress", "NetworkPolicy", "Scale", "ThirdPartyResource"}
	case "policy":
		return []string{"PodDisruptionBudget", "Eviction"}
	case "autoscaling":
		return []string{"HorizontalPodAutoscaler", "Scale"}
	case "batch": // all of its kinds make pods
		return nil
	case "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
		"certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io",
		"networking.k8s.io", "node.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
		"audit.k8s.io", "apiserver.config.k8s.io", "apiserver.k8s.io", "kubelet.config.k8s.io", "kubeproxy.config.k8s.io",
		"kubescheduler.config.k8s.io", "client.authentication.k8s.io", "metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io",
		"snapshot.storage.k8s.io", "groupsnapshot.storage.k8s.io", "autoscaling.k8s.io", "gateway.networking.k8s.io", "wgpolicyk8s.io",
		"policy.networking.k8s.io":
		return []string{allKinds}
	}
	if kinds := policyEngineKinds(group); kinds != nil {
		return kinds
	}
	return customKindsWithoutPods(group)
}

// policyEngineKinds returns the kinds of a policy engine's group, which speak of pods and make none.
func policyEngineKinds(group string) []string {
	switch group {
	case "kyverno.io":
		return []string{
			"ClusterPolicy", "Policy", "ClusterCleanupPolicy", "CleanupPolicy", "PolicyException", "UpdateRequest",
			"AdmissionReport", "ClusterAdmissionReport", "BackgroundScanReport", "ClusterBackgroundScanReport", "GlobalContextEntry",
		}
	case "policies.kyverno.io", "reports.kyverno.io", "openreports.io",
		"templates.gatekeeper.sh", "constraints.gatekeeper.sh", "mutations.gatekeeper.sh", "config.gatekeeper.sh", "status.gatekeeper.sh",
		"expansion.gatekeeper.sh", "externaldata.gatekeeper.sh",
		"policies.kubewarden.io", "security.openshift.io":
		return []string{allKinds}
	}
	return nil
}

// customKindsWithoutPods returns the kinds of other projects' groups that hold no pod and make none.
func customKindsWithoutPods(group string) []string {
	switch group {
	// Certificates and secrets.
	case "cert-manager.io":
		return []string{"Certificate", "CertificateRequest"}
	case "acme.cert-manager.io":
		return []string{"Order"}
	case "trust.cert-manager.io", "external-secrets.io", "generators.external-secrets.io", "bitnami.com", "secrets-store.csi.x-k8s.io":
		return []string{allKinds}
	// What is to be scraped, and when to alert.
	case "monitoring.coreos.com":
		return []string{"ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe", "ScrapeConfig", "AlertmanagerConfig"}
	case "operator.victoriametrics.com":
		return []string{"VMServiceScrape", "VMPodScrape", "VMRule", "VMProbe", "VMNodeScrape", "VMStaticScrape", "VMScrapeConfig", "VMUser", "VMAlertmanagerConfig"}
	// Networks.
	case "networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io", "traefik.io", "traefik.containo.us",
		"hub.traefik.io", "metallb.io", "projectcalico.org", "crd.projectcalico.org", "cilium.io", "k8s.cni.cncf.io", "linkerd.io",
		"policy.linkerd.io", "split.smi-spec.io", "externaldns.k8s.io", "configuration.konghq.com",
		"route.openshift.io":
		return []string{allKinds}
	// What deploys other objects, which are read where they are.
	case "argoproj.io":
		return []string{"AppProject"}
	case "source.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io", "image.toolkit.fluxcd.io":
		return []string{allKinds}
	// Machines. What runs on them is another cluster's, or the kubelet's.
	case "cluster.x-k8s.io", "machine.openshift.io", "machineconfiguration.openshift.io", "karpenter.sh", "karpenter.k8s.aws":
		return []string{allKinds}
	// What other tools read, and no API server.
	case "kind.x-k8s.io", "k3d.io", "kubeadm.k8s.io", "skaffold", "eksctl.io", "kops.k8s.io", "backstage.io", "kustomize.config.k8s.io":
		return []string{allKinds}
	// Scaling.
	case "keda.sh":
		return []string{"ScaledObject", "TriggerAuthentication", "ClusterTriggerAuthentication"}
	case "autoscaling.gke.io":
		return []string{allKinds}
	}
	if strings.HasSuffix(group, ".cluster.x-k8s.io") {
		return []string{allKinds}
	}
	return nil
}

// holdsNoPod reports whether a custom kind of a group is known to hold no pod and to make none.
func holdsNoPod(group, kind string) bool {
	kinds := kindsWithoutPods(group)
	return slices.Contains(kinds, kind) || slices.Contains(kinds, allKinds)
}

// MayHoldManifestText reports whether the strings of a custom object of a kind may be manifests: the kind is not known,
// and deploys no chart of its own.
func MayHoldManifestText(group, kind string) bool {
	return !holdsNoPod(group, kind) && !groupDeploysChart(group, kind) && !generatesObjects(group, kind)
}

// reportUnexpectedTemplate adds a gap for an object of another project's kind that is known to make no pods, and holds a
// whole pod template all the same: a new version of the kind may make them.
func reportUnexpectedTemplate(sink inventory.CustomSink, o RawObject, group string) bool {
	if len(customKindsWithoutPods(group)) == 0 || !bytes.Contains(o.JSON, []byte(`"containers"`)) {
		return false
	}
	tree, why := parseTree(o.JSON)
	f := searchTemplates(tree, false)
	if why != "" || len(f.templates) == 0 {
		return false
	}
	sink.AddObjectGap(inventory.Gap{
		What: customObjectText(o), Position: o.Position, Namespaces: gapNamespaces(o),
		Why: message.New("kind-holds-template", "kind", quote(o.Kind), "version", ofAPIVersion(o.APIVersion), "path", f.templates[0].Path),
	})
	return true
}

// groupDeploysChart reports whether custom objects of a kind deploy a chart or a folder, with values or patches of
// their own.
func groupDeploysChart(group, kind string) bool {
	switch group {
	case "helm.toolkit.fluxcd.io", "helm.fluxcd.io", "kustomize.toolkit.fluxcd.io", "helm.cattle.io":
		return true
	case "argoproj.io":
		return kind == "Application" || kind == "ApplicationSet"
	}
	return false
}

// DeploysChart reports whether custom objects of a kind (Argo CD, Flux, Helm operators) deploy a chart or a folder, so
// that no file shows their pods.
func DeploysChart(apiVersion, kind string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return groupDeploysChart(group, kind)
}

// generatesObjects reports whether objects of a kind are Kyverno policies that may make objects of their own.
func generatesObjects(group, kind string) bool {
	return group == "kyverno.io" && (kind == "Policy" || kind == "ClusterPolicy")
}

// generatedObjects returns the pods and workloads that a Kyverno policy generates, with the namespaces that they go to.
func generatedObjects(tree map[string]any) []innerObject {
	var out []innerObject
	spec, _ := tree["spec"].(map[string]any)
	rules, _ := spec["rules"].([]any)
	for i, rule := range rules {
		r, _ := rule.(map[string]any)
		g, _ := r["generate"].(map[string]any)
		each, _ := g["foreach"].([]any)
		for _, v := range append([]any{g}, each...) {
			m, _ := v.(map[string]any)
			kind, _ := m["kind"].(string)
			namespace, _ := m["namespace"].(string)
			if makesPods(kind) {
				out = append(out, innerObject{path: fmt.Sprintf("spec.rules[%d].generate", i), kind: kind, namespace: namespace})
			}
		}
	}
	return out
}
