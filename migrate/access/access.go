// Package access owns who may use which policy, where, and through which binding and role: RBAC as PodSecurityPolicy
// admission asks it. It takes an Inventory and returns Grants; it is pure, and it knows nothing of levels.
package access

import (
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// SubjectKind is User, Group or ServiceAccount.
type SubjectKind string

// The kinds of subject.
const (
	UserKind           SubjectKind = "User"
	GroupKind          SubjectKind = "Group"
	ServiceAccountKind SubjectKind = "ServiceAccount"
)

// Subject of a grant, with the namespace of a ServiceAccount filled in from the binding where RBAC would.
type Subject struct {
	Kind      SubjectKind
	Namespace string // of a ServiceAccount
	Name      string
}

// Grant says: Subject may use Policy in Namespace.
type Grant struct {
	// Policy is empty where the grants of all policies are told at once.
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
	// Description describes it: "service account web/api", "replicaset-controller", "the kubelet (mirror pods)".
	Description string
}

// Grants answers questions about an Inventory's RBAC. It may be asked from several goroutines. Equal answers may be the same
// slice, which callers must not write into.
type Grants struct {
	// Administrators are the grants of those who may use every policy everywhere, everybody apart, sorted. They are of no
	// one Policy.
	Administrators []Grant
	// UnusedPolicies are the policies that nobody may use but users and groups that may use every policy everywhere, sorted.
	UnusedPolicies []string
	// Dangling are bindings that point to nothing known or can never match, sorted.
	Dangling []RBACFinding
	// MissingRoles are those of Dangling, by what they are about, that are roles which bindings point to and that were not read.
	MissingRoles map[string]bool
	// BindingsToMissingRoles: by namespace, the RoleBindings that point to a role that was not read, sorted. In a live cluster such a
	// role does not exist; beside files it may, and what it grants is not known.
	BindingsToMissingRoles map[string][]string
	// UnresolvedRoles are ClusterRoles whose rules cannot be known (an aggregation cycle) and that something binds, as gaps.
	UnresolvedRoles []inventory.Gap

	policies        []string            // every policy that was read, sorted
	serviceAccounts map[string][]string // service accounts by namespace, sorted
	subjectGrants   []subjectGrant      // sorted

	// What indexRoles prepares.
	grantsByRole       map[*resolvedRole][]*subjectGrant // uses, by a role and those that are like it
	rolesNaming        map[string][]*resolvedRole        // roles that name a policy, one of those that are like each other
	rolesOfEveryPolicy []*resolvedRole                   // roles that let use every policy

	// What index prepares.
	clusterWideAccess    accessByPolicy             // what holds in every namespace
	clusterWideAnswers   map[string]NamespacePolicy // what base comes to on its own
	accountGrants        map[string][]*subjectGrant // uses that hold everywhere, of service accounts, by their namespace
	nodeAndManagerGrants []*subjectGrant            // uses that hold everywhere, of kubelets and the controller manager
	podCreationGrants    map[string][]subjectGrant  // what lets accounts of one namespace create pods everywhere
	podCreationForAll    []string                   // the bindings by which all accounts may create pods everywhere
	clusterPodCreators   *podCreators

	cache answerCache
}

// RBACFinding is something odd in the RBAC, with the reason.
type RBACFinding struct {
	Object string
	Reason message.Message
	// Others are more objects of which the same is to be said.
	Others []string
}
