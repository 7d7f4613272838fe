package dump

// Kind is what kind of dump it is, in the words in which people are told.
type Kind string

// The kinds, in the order in which they are looked for.
const (
	Plain         Kind = ""
	Velero        Kind = "Velero backup"
	SupportBundle Kind = "support bundle of troubleshoot.sh"
	MustGather    Kind = "must-gather"
	Sonobuoy      Kind = "sonobuoy snapshot"
	RancherBackup Kind = "backup of Rancher's operator"
	RancherBundle Kind = "support bundle of Harvester or Longhorn"
	Gather        Kind = "dump of kubectl gather"
	ClusterInfo   Kind = "kubectl cluster-info dump"
)

// Header is an apiVersion and a kind.
type Header struct{ APIVersion, Kind string }

// Verb is what is done with an entry of a dump.
type Verb int

const (
	// Skip leaves the entry alone: it is a log, or of a kind that no answer depends on.
	Skip Verb = iota
	// Read reads the objects in it.
	Read
	// ReadErrors hands its content to Layout.AddErrors: it says what the program failed to collect.
	ReadErrors
	// SkipSecret leaves an entry alone that holds Secrets: it is not even opened.
	SkipSecret
)

// Action says what is done with an entry of a dump.
type Action struct {
	Verb Verb
	// Items is what the objects in the entry are that do not say it themselves: those of a bare array, or of a list that says
	// its kind behind its items.
	Items Header
	// NullText is true where "null" in quotes stands for null and for the empty text.
	NullText bool
}

// resourceKind is a resource of Kubernetes' API that the analysis reads.
type resourceKind struct {
	group, resource string
	// singular is the word for people, in the plural.
	words  string
	header Header
}

// resourceKinds returns the resources that the analysis reads, in the order in which they are named as missing.
func resourceKinds() []resourceKind {
	return []resourceKind{
		{"policy", "podsecuritypolicies", "PodSecurityPolicies", Header{"policy/v1beta1", "PodSecurityPolicy"}},
		{"", "namespaces", "namespaces", Header{"v1", "Namespace"}},
		{"", "pods", "pods", Header{"v1", "Pod"}},
		{"", "replicationcontrollers", "replication controllers", Header{"v1", "ReplicationController"}},
		{"", "podtemplates", "pod templates", Header{"v1", "PodTemplate"}},
		{"apps", "deployments", "deployments", Header{"apps/v1", "Deployment"}},
		{"apps", "replicasets", "replica sets", Header{"apps/v1", "ReplicaSet"}},
		{"apps", "statefulsets", "stateful sets", Header{"apps/v1", "StatefulSet"}},
		{"apps", "daemonsets", "daemon sets", Header{"apps/v1", "DaemonSet"}},
		{"batch", "jobs", "jobs", Header{"batch/v1", "Job"}},
		{"batch", "cronjobs", "cron jobs", Header{"batch/v1", "CronJob"}},
		{"", "serviceaccounts", "service accounts", Header{"v1", "ServiceAccount"}},
		{"rbac.authorization.k8s.io", "clusterroles", "cluster roles", Header{"rbac.authorization.k8s.io/v1", "ClusterRole"}},
		{"rbac.authorization.k8s.io", "clusterrolebindings", "cluster role bindings", Header{"rbac.authorization.k8s.io/v1", "ClusterRoleBinding"}},
		{"rbac.authorization.k8s.io", "roles", "roles", Header{"rbac.authorization.k8s.io/v1", "Role"}},
		{"rbac.authorization.k8s.io", "rolebindings", "role bindings", Header{"rbac.authorization.k8s.io/v1", "RoleBinding"}},
		{"admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", Header{"admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"}},
		{"admissionregistration.k8s.io", "validatingwebhookconfigurations", "", Header{"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"}},
		{"", "configmaps", "", Header{"v1", "ConfigMap"}},
	}
}

// kindOfResource returns the resource of that name and group; false for one that is not read by its name. Dumps of old servers name
// workloads and policies by the group extensions.
func kindOfResource(group, resource string) (resourceKind, bool) {
	for _, k := range resourceKinds() {
		if k.resource == resource && (k.group == group || group == "extensions" && (k.group == "apps" || k.group == "policy")) {
			return k, true
		}
	}
	return resourceKind{}, false
}

// isTedious reports whether a resource has many objects in every cluster, none of which makes pods or decides about them.
func isTedious(group, resource string) bool {
	switch resource {
	case "events", "endpoints", "endpointslices", "leases", "nodes", "componentstatuses", "controllerrevisions", "persistentvolumes",
		"persistentvolumeclaims", "certificatesigningrequests", "csinodes", "storageclasses", "volumeattachments", "priorityclasses",
		"flowschemas", "prioritylevelconfigurations", "customresourcedefinitions", "apiservices":
		return group == "" || group == "apps" || group == "events.k8s.io" || hasSuffixDotted(group, "k8s.io")
	}
	return false
}

// hasSuffixDotted reports whether an API group is of a domain.
func hasSuffixDotted(group, domain string) bool {
	return len(group) > len(domain) && group[len(group)-len(domain)-1:] == "."+domain
}
