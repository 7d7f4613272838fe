// Package engine owns what something else has to enforce in the place of PodSecurityPolicy admission: from a Plan it makes one
// decision table, the same for every policy engine. The table says, for each set of namespaces, which policies a pod may satisfy,
// who may use them, and what of each is left to check. Rendering it as documents is the work of the packages below. The package is
// pure: it reads no cluster and writes no document.
package engine

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Mode is how much of PodSecurityPolicy admission is kept: delta, continuity or restricted-but-for.
type Mode string

// The modes.
const (
	// Delta adds to the labels of namespaces what the policies forbade and the labels do not. It writes nothing into pods.
	Delta Mode = "delta"
	// Continuity does all that the policies did, whatever the labels: it chooses a policy for each pod, writes into the pod what that
	// policy wrote, and says so in its annotation.
	Continuity Mode = "continuity"
	// RestrictedButFor adds to the labels of namespaces those checks of the next stricter level that what runs there meets.
	RestrictedButFor Mode = "restricted-but-for"
)

// Grants says when it is decided who may use which policy: dynamic or static.
type Grants string

// The ways to decide who may use which policy.
const (
	// DynamicGrants: RBAC is asked when a pod is created, so that grants keep working as they did.
	DynamicGrants Grants = "dynamic"
	// StaticGrants: what the Plan says of grants is written into the documents.
	StaticGrants Grants = "static"
)

// Table is the decision table: what has to be enforced where.
type Table struct {
	Mode   Mode
	Grants Grants
	// Policies are those that an alternative of a set names, by name.
	Policies []Policy
	// Sets are disjoint: no namespace is in two. Sets whose alternatives are equal are one.
	Sets []Set
	// Nothing are the namespaces for which there is nothing to enforce, by why.
	Nothing []Remark
	// LeftOut is all that the table does not have and the policies do: policies that admit no pod, fields that no engine can express.
	LeftOut []Remark
}

// Policy is one PodSecurityPolicy of the table.
type Policy struct {
	Name string
	// Constraints are all that it demands of pods and writes into them.
	Constraints []mapping.Constraint
	// Groups are the API groups by whose rules somebody may use it: policy, extensions or both, sorted.
	Groups []string
	// ByRequester is true where somebody who is not a service account may use it, so that the sender of a request counts, too. It is
	// true always: members of system:masters may use every policy.
	ByRequester bool
}

// Set is what holds for some namespaces.
type Set struct {
	// Name is stable for equal content and safe in names of objects: "shop", "restricted-3f2a9c01".
	Name string
	// Namespaces of the set, sorted. Empty for all namespaces but those of Except, also ones to come.
	Namespaces []string
	Except     []string
	// Level and Version are those of the enforce label that the alternatives add to; empty where labels do not matter.
	Level   api.Level
	Version string
	// Alternatives: a pod has to satisfy one of those that its account or the sender of the request may use. They are in the order
	// in which they are to be asked.
	Alternatives []Alternative
	// Checks are what every pod has to satisfy beside an alternative (RestrictedButFor).
	Checks []LevelCheck
}

// Alternative is one policy in a set: what of it is left to check, and who may use it.
type Alternative struct {
	// Policy names one of Table.Policies.
	Policy string
	// Constraints that remain, in the order in which they are to be asked: cheap ones and those that often fail first. Empty: whoever
	// may use the policy passes.
	Constraints []mapping.Constraint
	// Accounts, Users and Groups that may use it, where grants are static. Accounts are names of service accounts of the pod's
	// namespace: they count as the account of the pod, and as the sender of the request. Users and Groups are senders, service
	// accounts of other namespaces among them (system:serviceaccount:ops:ci). Everybody is true where all accounts of the namespaces
	// may; then Accounts is empty, and Users and Groups are those who may send pods that have no account (mirror pods).
	Everybody               bool
	Accounts, Users, Groups []string
}

// LevelCheck is a check of the Pod Security Standards that a set enforces beside its label.
type LevelCheck struct {
	// ID of the check: "capabilities_restricted".
	ID string
	// ExceptWorkloads need not meet it: "Deployment/web".
	ExceptWorkloads []string
}

// Remark is something that a table or its documents do not have, with the reason: of a policy, of a field of it, or of namespaces.
type Remark struct {
	message.Message
	Policy     string
	Field      string
	Namespaces []string
}
