package inventory

// GapPart is the part of a namespace (grants, labels, policies, workloads) that a gap of the inventory can change. A
// gap without one can change anything.
type GapPart string

// The parts.
const (
	// PartWorkloads is what runs, and what may run again.
	PartWorkloads GapPart = "workloads"
	// PartGrants is who may use which policy and who may create pods, service accounts included.
	PartGrants GapPart = "grants"
	// PartPolicies is what the PodSecurityPolicies are.
	PartPolicies GapPart = "policies"
	// PartLabels is the Pod Security labels of namespaces, and no other labels.
	PartLabels GapPart = "labels"
)

// PartOfKind returns the part of a namespace that objects of a kind can change; "" for a kind that is not read, and for
// a kind that can change anything. An empty apiVersion stands for that of Kubernetes itself.
func PartOfKind(apiVersion, kind string) GapPart {
	k := kindByName(kind)
	if k == nil || k.isForeign(apiVersion) {
		return ""
	}
	return k.part
}

// MayHide reports whether the inventory's gap may hide something of a part of a namespace.
func (g *Gap) MayHide(p GapPart) bool { return g.Affects == "" || g.Affects == p }
