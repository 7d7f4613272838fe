package patch

import (
	"regexp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// knownComponent is, for remarks on a patch, a program of which its project says how it works with the Pod Security
// Standards.
type knownComponent struct {
	// name for people.
	name string
	// container is the name of its container, or image the end of its image's name.
	container, image string
	// advice for its workloads, and the page of the project with it.
	advice, source string
}

// knownComponents lists, for remarks on a patch, components of which a page says how they work with the standards.
func knownComponents() []knownComponent {
	const (
		standards = "https://kubernetes.io/docs/concepts/security/pod-security-standards/#privileged"
		network   = "it sets up the network of its node: privileged is meant for it, in a namespace of its own"
		logs      = "it reads the logs of its node through host paths: keep it in a namespace of its own, at privileged"
	)
	return []knownComponent{
		{
			"the sidecar injector of Istio", "istio-init", "",
			"install Istio with its CNI plugin: then no pod of the mesh has an init container that needs NET_ADMIN and NET_RAW, and only the plugin's own namespace stays at privileged",
			"https://istio.io/latest/docs/setup/additional-setup/pod-security-admission/",
		},
		{
			"the proxy injector of Linkerd", "linkerd-init", "",
			"install Linkerd with its CNI plugin: then no pod of the mesh has an init container that needs NET_ADMIN",
			"https://linkerd.io/2/features/cni/",
		},
		{
			"the node part of a CSI driver", "", "csi-node-driver-registrar",
			"it mounts volumes for the kubelet and needs the host for that, while its controller part does not: keep it in a namespace of its own, at privileged",
			"https://kubernetes-csi.github.io/docs/deploying.html",
		},
		{
			"node-exporter", "", "node-exporter",
			"it reads the node's own network, processes and files: keep it in a namespace of its own, at privileged",
			"https://github.com/prometheus-operator/kube-prometheus/blob/main/docs/security.md",
		},
		{"Fluent Bit", "", "fluent-bit", logs, "https://github.com/fluent/helm-charts/blob/main/charts/fluent-bit/values.yaml"},
		{"Flannel", "", "flannel", network, standards},
		{"Calico", "", "calico/node", network, standards},
		{"Cilium", "", "cilium/cilium", network, standards},
		{
			"a runner of GitHub Actions", "", "actions-runner",
			"it runs whatever a workflow holds: keep runners in a namespace of their own, away from their controller and from production",
			"https://docs.github.com/en/actions/how-tos/manage-runners/use-actions-runner-controller/deploy-runner-scale-sets",
		},
	}
}

// matches reports whether a container of a workload to patch runs the component.
func (c knownComponent) matches(of migrate.TemplateContainer) bool {
	if c.container != "" {
		return of.Name == c.container
	}
	return of.Image == c.image || strings.HasSuffix(of.Image, "/"+c.image)
}

// KnownImage returns the end of an image's name by which remarks on a patch know its program; "" where none does.
func KnownImage(image string) string {
	for _, c := range knownComponents() {
		if c.image != "" && (image == c.image || strings.HasSuffix(image, "/"+c.image)) {
			return c.image
		}
	}
	return ""
}

// componentRemarks returns the remarks of a patch on the known components in the pods of a workload.
func componentRemarks(w *migrate.Workload) []message.Message {
	if w.Template == nil {
		return nil
	}
	var out []message.Message
	for _, c := range knownComponents() {
		if slices.ContainsFunc(w.Template.Containers, c.matches) {
			out = append(out, message.New("patch-known-component", "component", c.name, "advice", c.advice, "source", c.source))
		}
	}
	return out
}

// knownChart is a Helm chart of which it is known which values set security contexts, so that a patch can name them.
type knownChart struct {
	name string
	// image is part of an image's name, where a chart of that name is not the only one.
	image string
	// pod and container are the values that become the security context of the pod, and of its container.
	pod, container string
	source         string
}

// knownCharts lists Helm charts to patch and the values that set security contexts.
func knownCharts() []knownChart {
	return []knownChart{
		{"fluent-bit", "", "podSecurityContext", "securityContext", "https://github.com/fluent/helm-charts/blob/main/charts/fluent-bit/values.yaml"},
		{"grafana", "", "securityContext", "containerSecurityContext", "https://github.com/grafana/helm-charts/blob/main/charts/grafana/values.yaml"},
		{"metrics-server", "", "podSecurityContext", "securityContext", "https://github.com/kubernetes-sigs/metrics-server/blob/master/charts/metrics-server/values.yaml"},
		{"postgresql", "bitnami/", "primary.podSecurityContext", "primary.containerSecurityContext", "https://github.com/bitnami/charts/blob/main/bitnami/postgresql/values.yaml"},
		{"prometheus-node-exporter", "", "securityContext", "containerSecurityContext", "https://github.com/prometheus-community/helm-charts/blob/main/charts/prometheus-node-exporter/values.yaml"},
	}
}

// matchesWorkload reports, to patch its values, whether the containers of a workload are those of the Helm chart.
func (c knownChart) matchesWorkload(w *migrate.Workload) bool {
	return c.image == "" || w.Template != nil && slices.ContainsFunc(w.Template.Containers, func(of migrate.TemplateContainer) bool { return strings.Contains(of.Image, c.image) })
}

// chartLabelPattern matches the label helm.sh/chart: a name, a hyphen and a version, in which a plus has become an
// underscore.
var chartLabelPattern = regexp.MustCompile(`^([a-z0-9-]+)-v?\d+\.\d+\.\d+[0-9A-Za-z._-]*$`)

// chartRemarks returns the remarks of a patch on which values of a workload's Helm chart set security contexts.
func chartRemarks(w *migrate.Workload) []message.Message {
	if w.ManagedBy == nil {
		return nil
	}
	m := chartLabelPattern.FindStringSubmatch(w.ManagedBy.Chart)
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(knownCharts(), func(c knownChart) bool { return c.name == m[1] })
	if i < 0 || !knownCharts()[i].matchesWorkload(w) {
		return nil
	}
	c := knownCharts()[i]
	return []message.Message{message.New("patch-chart-values", "chart", c.name, "pod", c.pod, "container", c.container, "source", c.source)}
}
