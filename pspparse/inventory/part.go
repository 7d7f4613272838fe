package inventory

// Part is what a gap can change of the namespaces that it touches.
type Part string

// The parts. A gap without one can change anything.
const (
	// Workloads: what runs, and what may run again.
	Workloads Part = "workloads"
	// Grants: who may use which policy and who may create pods, service accounts included.
	Grants Part = "grants"
	// Policies: what the policies are.
	Policies Part = "policies"
	// Labels: the Pod Security labels of the namespaces, and no other.
	Labels Part = "labels"
)

// PartOf returns what objects of a kind can change; "" for a kind that is not read. That of a Namespace is "", too: its labels
// and annotations may ask for more than a level, such as a sidecar in its pods. An empty apiVersion is Kubernetes' own.
func PartOf(apiVersion, kind string) Part {
	if k, ok := kindOf(kind); !ok || foreign(k, apiVersion) {
		return ""
	}
	switch kind {
	case "Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob":
		return Workloads
	case "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding":
		return Grants
	case "PodSecurityPolicy":
		return Policies
	}
	return ""
}

// Hides tells whether the gap may hide something of a part.
func (g *Gap) Hides(p Part) bool { return g.Changes == "" || g.Changes == p }
