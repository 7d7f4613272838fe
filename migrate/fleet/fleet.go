package fleet

import (
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// Kind is the kind of a Fleet document; its apiVersion is that of the Plan.
const Kind = "Fleet"

// Fleet is what is known of several clusters, side by side. It round-trips through JSON.
type Fleet struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Clusters by name; those of one name by the UID of kube-system, and then by what was read of them.
	Clusters []Cluster `json:"clusters"`
}

// Cluster is what a Fleet keeps of one cluster: rows of its Plan and of the gate's answer that can be compared with those of others.
type Cluster struct {
	// Name is the kubeconfig context, or that of the file that its plan was in.
	Name string `json:"name"`
	// UID is that of the namespace kube-system, by which a cluster that was read twice is known; absent where that is not known.
	UID string `json:"uid,omitempty"`
	// Error says why the cluster could not be read; then nothing else is known of it.
	Error         string `json:"error,omitempty"`
	Source        string `json:"source,omitempty"`
	ServerVersion string `json:"serverVersion,omitempty"`
	TargetVersion string `json:"targetVersion,omitempty"`
	// ReadAt is when it was read, in RFC 3339; absent where that is not known.
	ReadAt string `json:"readAt,omitempty"`
	// Redacted is true where names are pseudonyms: those of another key say nothing beside them.
	Redacted bool `json:"redacted,omitempty"`
	// Status is the answer of the gate, and Verdict the same in a sentence.
	Status  string `json:"status,omitempty" values:"ready not-ready unknown"`
	Verdict string `json:"verdict,omitempty"`
	// Reasons against the upgrade, and Questions that are open, in the gate's order.
	Reasons   []GateItem `json:"reasons"`
	Questions []GateItem `json:"questions"`
	Workloads int        `json:"workloads"`
	// Refusing is in how many namespaces the recommended level would refuse what runs there: it was asked for all the same.
	Refusing   int                     `json:"refusing,omitempty"`
	Namespaces []Namespace             `json:"namespaces"`
	Policies   []Policy                `json:"policies"`
	Fixes      []Fix                   `json:"fixes"`
	Blockers   []handover.BlockerCount `json:"blockers"`
	// Lost has the fields of policies that the recommended levels do not keep.
	Lost []Loss `json:"lost"`
	// Gaps is how many there are, and Unseen are sentences on them and on what else could not be seen, the first few.
	Gaps   int      `json:"gaps"`
	Unseen []string `json:"unseen"`
}

// GateItem is, in a Fleet, a reason against the upgrade of a cluster, or a question that is open.
type GateItem struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Namespace is a namespace of a cluster in a Fleet, with its levels: "none" without one, "unknown" where that is not known.
type Namespace struct {
	Name        string `json:"name"`
	Today       string `json:"today" values:"restricted baseline privileged none unknown"`
	Recommended string `json:"recommended" values:"restricted baseline privileged none unknown"`
	WithPatches string `json:"withPatches" values:"restricted baseline privileged none unknown"`
}

// Policy is a PodSecurityPolicy of a cluster in a Fleet.
type Policy struct {
	Name string `json:"name"`
	// Content is a digest of its spec, and of the annotations that admission reads: two policies that have the same do the same.
	Content string `json:"content"`
	// Closest is its closest level; absent if it admits nothing.
	Closest string `json:"closest,omitempty"`
}

// Fix is, in a Fleet, what is to be done about workloads of one kind, name and images of a cluster, wherever they are in it outside of
// the namespaces of Kubernetes itself.
type Fix struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Images of their containers without tag and digest, sorted; empty where they are not known.
	Images []string `json:"images"`
	// Chart is the name of the Helm chart that they come from, without its version; absent where none is known.
	Chart string `json:"chart,omitempty"`
	// Checks of the standards that they fail and that keep their namespaces from the next level, sorted.
	Checks []string `json:"checks"`
	// Template is true where policies set values in their pods today that their templates have to state.
	Template bool `json:"template,omitempty"`
	// Workloads and Namespaces are how many of the cluster they are.
	Workloads  int `json:"workloads"`
	Namespaces int `json:"namespaces"`
}

// Loss is, in a Fleet, the fields of policies of one class that the recommended levels do not keep, and in how many namespaces.
type Loss struct {
	Class      string   `json:"class" values:"security functional drift"`
	Fields     []string `json:"fields"`
	Namespaces int      `json:"namespaces"`
}
