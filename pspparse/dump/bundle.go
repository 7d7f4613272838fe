package dump

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// The layout is that of replicatedhq/troubleshoot: pkg/collect/cluster_resources.go and pkg/constants, in all of its versions.

// bundleEntry says what to do with an entry of a support bundle.
func (l *Layout) bundleEntry(parts []string) Action {
	if parts[0] != "cluster-resources" || len(parts) < 2 || len(parts) > 4 {
		return Action{}
	}
	last := parts[len(parts)-1]
	first := parts[1]
	switch {
	case first == "custom-resources" && strings.HasSuffix(last, ".json"),
		// v0.56.0 to v0.64 put custom resources below the name of their definitions (mended by commit 51f626b9).
		first == "custom-resource-definitions" && len(parts) > 2 && strings.HasSuffix(last, ".json"):
		return Action{Verb: Read}
	// v0.56.0 to v0.123.15 put replica sets into a folder named like a file (mended by commit 9343b43e).
	case first == "statefulsets-errors.json" && len(parts) == 3 && strings.HasSuffix(last, ".json"):
		return l.resource("apps", "replicasets")
	case len(parts) == 2 && strings.HasSuffix(first, "-errors.json"):
		return Action{Verb: ReadErrors}
	case len(parts) == 2:
		return l.bundleClusterFile(first)
	case len(parts) != 3 || !strings.HasSuffix(last, ".json"):
		return Action{}
	}
	group := groupOfResource(first)
	if k, ok := kindOfResource(group, first); ok && k.resource != "podtemplates" {
		if first == "pods" {
			l.podLists[withoutExtension(last)] = true
		}
		return l.resource(group, first)
	}
	return Action{}
}

// bundleClusterFile says what to do with a file that holds objects of the whole cluster. Some versions wrote cluster roles and their
// bindings without an extension.
func (l *Layout) bundleClusterFile(name string) Action {
	switch strings.TrimSuffix(name, ".json") {
	case "namespaces":
		return l.resource("", "namespaces")
	case "clusterroles":
		return l.resource("rbac.authorization.k8s.io", "clusterroles")
	case "clusterrolebindings", "clusterRoleBindings":
		return l.resource("rbac.authorization.k8s.io", "clusterrolebindings")
	case "mutating-webhook-configurations":
		return l.resource("admissionregistration.k8s.io", "mutatingwebhookconfigurations")
	case "validating-webhook-configurations":
		return l.resource("admissionregistration.k8s.io", "validatingwebhookconfigurations")
	}
	return Action{}
}

// AddErrors takes the content of an entry with what the program of the dump failed to collect: a map from namespaces to messages, or
// a list of messages. Anything else is one failure of the whole resource.
func (l *Layout) AddErrors(name string, data []byte) {
	resource := strings.TrimSuffix(path.Base(name), "-errors.json")
	var byNamespace map[string]string
	var list []string
	switch {
	case json.Unmarshal(data, &byNamespace) == nil:
		for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
			l.podLists[namespace] = l.podLists[namespace] || resource == "pods"
			l.addFailure(failure{resource: resource, namespace: namespace, reason: byNamespace[namespace]})
		}
	case json.Unmarshal(data, &list) == nil:
		for _, reason := range list {
			l.addFailure(failure{resource: resource, reason: reason})
		}
	default:
		l.addFailure(failure{resource: resource, reason: fmt.Sprintf("its list of errors (%d bytes) cannot be read", len(data))})
	}
}

// bundleGaps returns the namespaces of a support bundle of which it has the object and no pods: the collector leaves out, without an
// error, what it may not read.
func (l *Layout) bundleGaps() []inventory.Gap {
	var out []inventory.Gap
	for _, namespace := range slices.Sorted(maps.Keys(l.declared)) {
		if !l.podLists[namespace] && len(out) < maxErrors {
			out = append(out, notCollected("pods", namespace, "the collector left the namespace out, as it does with one that it may not read"))
		}
	}
	return out
}
