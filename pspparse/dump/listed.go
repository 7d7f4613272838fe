package dump

import (
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// notCollected returns the gap of a resource that a dump should have of a namespace.
func notCollected(resource, namespace, reason string) inventory.Gap {
	in := []string{inventory.AllNamespaces}
	if inventory.IsDNSLabel(namespace) {
		in = []string{namespace}
	}
	return inventory.Gap{Why: message.New("dump-not-collected", "resource", resource, "namespace", namespace, "error", reason), Namespaces: in, Affects: inventory.PartWorkloads}
}

// mustGatherEntry says what to do with an entry of a must-gather (openshift/oc: pkg/cli/admin/inspect). Pods are there twice, by
// themselves and in the list of their namespace, read at two moments.
func (l *Layout) mustGatherEntry(parts []string) Action {
	last := parts[len(parts)-1]
	if !strings.HasSuffix(last, ".yaml") {
		return Action{}
	}
	switch {
	case parts[0] == "cluster-scoped-resources" && len(parts) == 3:
		return l.resource(coreGroup(parts[1]), withoutExtension(last))
	case parts[0] == "cluster-scoped-resources" && len(parts) == 4:
		return l.resource(coreGroup(parts[1]), parts[2])
	case parts[0] != "namespaces" || len(parts) < 3:
	case len(parts) == 3 && withoutExtension(last) == parts[1]:
		return l.resource("", "namespaces")
	case parts[2] == "pods":
		if len(parts) == 5 && withoutExtension(last) == parts[3] {
			return l.resource("", "pods")
		}
	case len(parts) == 4:
		return l.resource(coreGroup(parts[2]), withoutExtension(last))
	case len(parts) == 5:
		return l.resource(coreGroup(parts[2]), parts[3])
	}
	return Action{}
}

// sonobuoyEntry says what to do with an entry of a sonobuoy snapshot (vmware-tanzu/sonobuoy: pkg/discovery/query.go): lists named
// group_version_resource.json.
func (l *Layout) sonobuoyEntry(parts []string) Action {
	last := parts[len(parts)-1]
	isList := len(parts) == 4 && parts[1] == "ns" || len(parts) == 3 && parts[1] == "cluster"
	if parts[0] != "resources" || !isList || !strings.HasSuffix(last, ".json") {
		return Action{}
	}
	names := strings.Split(withoutExtension(last), "_")
	if len(names) == 1 { // older versions: Pods.json
		resource := strings.ToLower(names[0])
		return l.resource(groupOfResource(resource), resource)
	}
	if len(names) != 3 {
		return Action{}
	}
	return l.resource(coreGroup(names[0]), names[2])
}

// rancherBackupEntry says what to do with an entry of a backup of Rancher's operator (rancher/backup-restore-operator:
// pkg/resourcesets/collector.go): resource.group#version/[namespace/]name.json.
func (l *Layout) rancherBackupEntry(parts []string) Action {
	if len(parts) < 2 || len(parts) > 3 || !strings.HasSuffix(parts[len(parts)-1], ".json") {
		return Action{}
	}
	name, _, versioned := strings.Cut(parts[0], "#")
	resource, group, dotted := strings.Cut(name, ".")
	if !versioned || !dotted {
		return Action{}
	}
	return l.resource(group, resource)
}

// rancherBundleEntry says what to do with an entry of a support bundle of Harvester or Longhorn (rancher/support-bundle-kit:
// pkg/manager/client/discovery.go). Its program writes "null" in quotes for null and for the empty text.
func (l *Layout) rancherBundleEntry(parts []string) Action {
	last := parts[len(parts)-1]
	if parts[0] != "yamls" || len(parts) < 4 || !strings.HasSuffix(last, ".yaml") {
		return Action{}
	}
	below := parts[2 : len(parts)-1] // group/version, or the version alone for core
	if parts[1] == "namespaced" {
		below = below[1:]
	}
	group := ""
	switch len(below) {
	case 1:
	case 2:
		group = below[0]
	default:
		return Action{}
	}
	a := l.resource(group, withoutExtension(last))
	a.NullText = true
	return a
}

// gatherEntry says what to do with an entry of a dump of kubectl gather, of the clusters that are read (nirs/kubectl-gather: pkg/gather):
// CLUSTER/namespaces/NS/[group/]resource/NAME.yaml and CLUSTER/cluster/[group/]resource/NAME.yaml.
func (l *Layout) gatherEntry(parts []string) Action {
	if len(parts) < 4 || !strings.HasSuffix(parts[len(parts)-1], ".yaml") || !slices.Contains(l.clusters, parts[0]) {
		return Action{}
	}
	below := parts[2 : len(parts)-1]
	switch parts[1] {
	case "cluster":
	case "namespaces":
		below = below[1:]
	default:
		return Action{}
	}
	switch len(below) {
	case 1:
		return l.resource("", below[0])
	case 2:
		return l.resource(below[0], below[1])
	}
	return Action{}
}

// clusterInfoLists returns the lists that kubectl cluster-info dump writes for each namespace, and the resource of each: "" for one that
// is not read (kubernetes/kubectl: pkg/cmd/clusterinfo/clusterinfo_dump.go).
func clusterInfoLists() map[string]string {
	return map[string]string{
		"events": "", "services": "", "replication-controllers": "replicationcontrollers", "daemonsets": "daemonsets",
		"deployments": "deployments", "replicasets": "replicasets", "pods": "pods",
	}
}

// NewClusterInfoStream returns the layout of a cluster-info dump that was printed as one stream: it has every list that such a dump
// has.
func NewClusterInfoStream() *Layout {
	l := NewLayout([]Root{{Kind: ClusterInfo}})
	for _, resource := range clusterInfoLists() {
		l.seen[resourceID{groupOfResource(resource), resource}] = true
	}
	return l
}

// clusterInfoEntry says what to do with an entry of a cluster-info dump.
func (l *Layout) clusterInfoEntry(parts []string) Action {
	if len(parts) != 2 || !isObjectFile(parts[1]) {
		return Action{}
	}
	resource, known := clusterInfoLists()[withoutExtension(parts[1])]
	if !known {
		return Action{}
	}
	l.listFiles[parts[0]]++
	if resource == "" {
		return Action{}
	}
	return l.resource(groupOfResource(resource), resource)
}

// clusterInfoGaps returns the namespaces at which the program of a cluster-info dump ended: a list that fails ends it, and nothing
// says so.
func (l *Layout) clusterInfoGaps() []inventory.Gap {
	var out []inventory.Gap
	for _, namespace := range slices.Sorted(maps.Keys(l.listFiles)) {
		if l.listFiles[namespace] < len(clusterInfoLists()) {
			out = append(out, notCollected("workloads", namespace, "lists are missing: the command ended there, so namespaces after it may be missing, too"))
		}
	}
	return out
}
