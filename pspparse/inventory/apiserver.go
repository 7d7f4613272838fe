package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// APIServer is an API server that a kubelet runs as a static pod, as its mirror pod shows it.
type APIServer struct {
	// Pod is the name of the mirror pod in the namespace kube-system.
	Pod string `json:"pod"`
	// Flags are those of AdmissionFlags that are set, by name without dashes. A list that is given more than once is put
	// together, as the server does.
	Flags    map[string]string `json:"flags,omitempty"`
	Position pspparse.Position `json:"position,omitzero"`
}

// The flags of an API server that say what its admission does.
const (
	// FlagEnablePlugins turns admission plugins on that are off by default.
	FlagEnablePlugins = "enable-admission-plugins"
	// FlagDisablePlugins turns admission plugins off that are on by default.
	FlagDisablePlugins = "disable-admission-plugins"
	// FlagAdmissionControl is deprecated: it names all admission plugins that run.
	FlagAdmissionControl = "admission-control"
	// FlagAdmissionConfigFile names the file with the admission configuration.
	FlagAdmissionConfigFile = "admission-control-config-file"
	// FlagFeatureGates sets feature gates.
	FlagFeatureGates = "feature-gates"
)

// AdmissionFlags returns the names of the flags that an inventory keeps of an API server that say what its admission
// does.
func AdmissionFlags() []string {
	return []string{FlagEnablePlugins, FlagDisablePlugins, FlagAdmissionControl, FlagAdmissionConfigFile, FlagFeatureGates}
}

// FlagNames reports whether a flag of an inventory's API server that takes a list names an item.
func (s *APIServer) FlagNames(flag, item string) bool {
	return slices.Contains(strings.Split(s.Flags[flag], ","), item)
}

// FeatureGate returns what --feature-gates of the API server sets a gate to, the last value if there are several; set
// is false if it sets none.
func (s *APIServer) FeatureGate(name string) (on, set bool) {
	for item := range strings.SplitSeq(s.Flags[FlagFeatureGates], ",") {
		key, value, found := strings.Cut(strings.TrimSpace(item), "=")
		if found && strings.TrimSpace(key) == name {
			on, set = strings.EqualFold(strings.TrimSpace(value), "true"), true
		}
	}
	return on, set
}

const (
	// kubeAPIServer is the name of the API server's program.
	kubeAPIServer = "kube-apiserver"
	// apiServerPrefix begins the names of its mirror pods, which go on with the name of the node.
	apiServerPrefix = kubeAPIServer + "-"
)

// isAPIServer reports whether metadata is that of the mirror pod of an API server of this cluster. Pods with such names that
// are no mirror pods may serve another cluster: hosted control planes are Deployments and StatefulSets.
func isAPIServer(m *ObjectMeta) bool {
	_, mirror := m.Annotations[mirrorAnnotation]
	return mirror && m.Namespace == metav1.NamespaceSystem && strings.HasPrefix(m.Name, apiServerPrefix) && IsDNSSubdomain(m.Name)
}

// AddAPIServer keeps the admission flags of a pod that runs an API server. Any other pod, one that has finished, and one
// whose command does not show is ignored.
func (b *Builder) AddAPIServer(m ObjectMeta, containers []corev1.Container, phase corev1.PodPhase, at pspparse.Position) {
	if !isAPIServer(&m) || phase == corev1.PodSucceeded || phase == corev1.PodFailed {
		return
	}
	for i := range containers {
		c := &containers[i]
		words := commandWords(slices.Concat(c.Command, c.Args))
		if c.Name != kubeAPIServer && !slices.ContainsFunc(words, func(w string) bool { return path.Base(w) == kubeAPIServer }) {
			continue
		}
		if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") }) {
			b.apiServers = append(b.apiServers, APIServer{Pod: m.Name, Flags: parseAdmissionFlags(words), Position: at})
			return
		}
	}
}

// decodeAPIServer adds a pod from JSON if it runs an API server. Commands are decoded for these pods alone. What cannot be
// decoded is ignored, since a server stores no such pod.
func (b *Builder) decodeAPIServer(m ObjectMeta, data []byte, phase corev1.PodPhase, at pspparse.Position) {
	if !isAPIServer(&m) {
		return
	}
	var pod struct {
		Spec struct {
			Containers []struct {
				Name    string   `json:"name"`
				Command []string `json:"command"`
				Args    []string `json:"args"`
			} `json:"containers"`
		} `json:"spec"`
	}
	if unmarshalStrict(data, &pod) != nil {
		return
	}
	containers := make([]corev1.Container, 0, len(pod.Spec.Containers))
	for _, c := range pod.Spec.Containers {
		containers = append(containers, corev1.Container{Name: c.Name, Command: c.Command, Args: c.Args})
	}
	b.AddAPIServer(m, containers, phase, at)
}

// commandWords returns the words of the command of an API server's pod, with shell scripts in it cut into words as well
// as that can be done without a shell.
func commandWords(command []string) []string {
	var words []string
	for _, word := range command {
		if !strings.Contains(word, kubeAPIServer+" ") {
			words = append(words, word)
			continue
		}
		for _, w := range strings.Fields(word) {
			words = append(words, strings.Trim(w, `"'\`))
		}
	}
	return words
}

// parseAdmissionFlags returns the AdmissionFlags, which an inventory keeps, among the words of an API server's command,
// read as the API server does: an underscore counts as a dash, and the value may be the next word.
func parseAdmissionFlags(words []string) map[string]string {
	flags := map[string]string{}
	for i, word := range words {
		name, ok := strings.CutPrefix(word, "--")
		if !ok {
			continue
		}
		name, value, given := strings.Cut(name, "=")
		if !given && i+1 < len(words) {
			value = words[i+1]
		}
		name, value = strings.ReplaceAll(name, "_", "-"), strings.Trim(value, `"'`)
		switch {
		case !slices.Contains(AdmissionFlags(), name):
		case name != FlagAdmissionConfigFile && flags[name] != "":
			flags[name] += "," + value
		default:
			flags[name] = value
		}
	}
	return flags
}

// resolveDuplicateAPIServers returns the inventory's API servers in order, those with equal flags once. A pod that was
// read at two times may have had two sets of flags: then both are kept.
func resolveDuplicateAPIServers(all []APIServer) []APIServer {
	slices.SortFunc(all, func(a, b APIServer) int {
		if a.Pod != b.Pod {
			return cmp.Compare(a.Pod, b.Pod)
		}
		// Maps print in order of their keys.
		return cmp.Or(cmp.Compare(fmt.Sprint(a.Flags), fmt.Sprint(b.Flags)), comparePositions(a.Position, b.Position))
	})
	return slices.CompactFunc(all, func(a, b APIServer) bool { return a.Pod == b.Pod && maps.Equal(a.Flags, b.Flags) })
}

// The admission plugins whose names in flags matter.
const (
	// PluginPodSecurityPolicy is the admission plugin that enforces PodSecurityPolicies.
	PluginPodSecurityPolicy = "PodSecurityPolicy"
	// PluginPodSecurity is the admission plugin that enforces the Pod Security Standards by labels of namespaces.
	PluginPodSecurity = "PodSecurity"
)

// EnablesPlugin returns the flag of an inventory's API server that turns on an admission plugin which is off by
// default; "" if none does.
func (s *APIServer) EnablesPlugin(plugin string) string {
	for _, flag := range []string{FlagEnablePlugins, FlagAdmissionControl} {
		if s.FlagNames(flag, plugin) {
			return flag
		}
	}
	return ""
}

// PodSecurityDisabledReason returns why an inventory's API server of v1.minor runs without the plugin PodSecurity, so
// that labels do nothing; "" if it runs it. The plugin is on by default where its feature gate is: an alpha one in
// v1.22, a beta one in v1.23 and v1.24, and none from v1.25 on. With a minor of 0 only what holds for every release
// counts.
func (s *APIServer) PodSecurityDisabledReason(minor int) string {
	if s.FlagNames(FlagDisablePlugins, PluginPodSecurity) {
		return "--" + FlagDisablePlugins + " names it"
	}
	if _, given := s.Flags[FlagAdmissionControl]; given && !s.FlagNames(FlagAdmissionControl, PluginPodSecurity) {
		return "--" + FlagAdmissionControl + " does not name it"
	}
	on, set := s.FeatureGate(PluginPodSecurity)
	alpha, _ := s.FeatureGate("AllAlpha")
	beta, allBeta := s.FeatureGate("AllBeta")
	switch {
	case set && !on:
		return "--" + FlagFeatureGates + " has PodSecurity=false"
	case set:
		return ""
	case minor == 22 && !alpha:
		return "v1.22 runs it only with PodSecurity=true in --" + FlagFeatureGates
	case (minor == 23 || minor == 24) && allBeta && !beta:
		return "--" + FlagFeatureGates + " has AllBeta=false"
	}
	return ""
}
