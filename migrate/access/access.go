// Package access owns who may use which policy, where, and through which binding and role: RBAC as PodSecurityPolicy
// admission asks it. It takes an Inventory and returns Grants; it is pure, and it knows nothing of levels.
package access

import (
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// SubjectKind is User, Group or ServiceAccount.
type SubjectKind string

// The kinds of subject.
const (
	User           SubjectKind = "User"
	Group          SubjectKind = "Group"
	ServiceAccount SubjectKind = "ServiceAccount"
)

// Subject of a grant, with the namespace of a ServiceAccount filled in from the binding where RBAC would.
type Subject struct {
	Kind      SubjectKind
	Namespace string // of a ServiceAccount
	Name      string
}

// Grant says: Subject may use Policy in Namespace.
type Grant struct {
	Policy string
	// Namespace in which the grant holds; "" is everywhere (a ClusterRoleBinding).
	Namespace string
	Subject   Subject
	// Binding and Role are the evidence: "RoleBinding web/psp", "ClusterRole psp:restricted".
	Binding, Role string
	// AllPolicies is true where the rule names no policy: the subject may use every policy, those to come included.
	AllPolicies bool
}

// Principal is something that may create pods in a namespace, as an identity.
type Principal struct {
	User   string
	Groups []string
	// What describes it: "service account web/api", "replicaset-controller", "the kubelet (mirror pods)".
	What string
}

// Grants answers questions about an Inventory's RBAC.
type Grants struct {
	// All grants, sorted by policy, namespace, subject, binding, role.
	All []Grant
	// Unused are the policies that no subject may use, sorted.
	Unused []string
	// Dangling are bindings that point to nothing known or can never match, sorted.
	Dangling []Finding
	// Unjudged are ClusterRoles whose rules cannot be known (an aggregation cycle), as gaps.
	Unjudged []inventory.Gap
}

// Finding is something odd in the RBAC, with the reason.
type Finding struct {
	What, Why string
}
