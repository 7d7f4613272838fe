package inventory

// GapPart is what a gap can change of the namespaces that it touches.
type GapPart string

// The parts. A gap without one can change anything.
const (
	// PartWorkloads: what runs, and what may run again.
	PartWorkloads GapPart = "workloads"
	// PartGrants: who may use which policy and who may create pods, service accounts included.
	PartGrants GapPart = "grants"
	// PartPolicies: what the policies are.
	PartPolicies GapPart = "policies"
	// PartLabels: the Pod Security labels of the namespaces, and no other.
	PartLabels GapPart = "labels"
)

// PartOfKind returns what objects of a kind can change; "" for a kind that is not read. That of a Namespace is "", too: its labels
// and annotations may ask for more than a level, such as a sidecar in its pods. An empty apiVersion is Kubernetes' own.
func PartOfKind(apiVersion, kind string) GapPart {
	if k, ok := kindByName(kind); !ok || isForeignGroup(k, apiVersion) {
		return ""
	}
	switch kind {
	case "Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob":
		return PartWorkloads
	case "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding":
		return PartGrants
	case "PodSecurityPolicy":
		return PartPolicies
	}
	return ""
}

// MayHide tells whether the gap may hide something of a part.
func (g *Gap) MayHide(p GapPart) bool { return g.Affects == "" || g.Affects == p }
