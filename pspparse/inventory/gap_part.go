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

// PartOfKind returns what objects of a kind can change of a namespace; "" for a kind that is not read, and for a kind that can
// change anything. An empty apiVersion stands for that of Kubernetes itself.
func PartOfKind(apiVersion, kind string) GapPart {
	k := kindByName(kind)
	if k == nil || k.isForeign(apiVersion) {
		return ""
	}
	return k.part
}

// MayHide tells whether the gap may hide something of a part.
func (g *Gap) MayHide(p GapPart) bool { return g.Affects == "" || g.Affects == p }
