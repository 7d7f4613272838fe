// Package access owns who may use which PodSecurityPolicy, where, and through which binding and role: RBAC as PSP admission
// asks it. It takes an Inventory and returns Grants. It is pure, and it knows nothing of levels.
package access

import (
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// SubjectKind is the kind of an RBAC subject: User, Group or ServiceAccount.
type SubjectKind string

// The kinds of RBAC subjects.
const (
	UserKind           SubjectKind = "User"
	GroupKind          SubjectKind = "Group"
	ServiceAccountKind SubjectKind = "ServiceAccount"
)

// Subject is the subject of an RBAC binding. A ServiceAccount without a namespace has that of its RoleBinding.
type Subject struct {
	Kind      SubjectKind
	Namespace string // of a ServiceAccount
	Name      string
}

// Grant says that RBAC lets a subject use a PodSecurityPolicy in a namespace.
type Grant struct {
	// Policy is empty where the grant is listed once for all policies.
	Policy string
	// Namespace in which the grant holds; "" is everywhere (a ClusterRoleBinding).
	Namespace string
	Subject   Subject
	// Binding and Role grant it: "RoleBinding web/psp", "ClusterRole psp:restricted".
	Binding, Role string
	// BindingPosition and RolePosition say where the two were read; zero for a live cluster and for built-in roles.
	BindingPosition, RolePosition pspparse.Position
	// AllPolicies is true where the rule names no policy: the subject may use every policy, also future ones.
	AllPolicies bool
}

// Principal is the identity of something that may create pods, as RBAC and PSP admission see it: a user name and
// groups.
type Principal struct {
	User   string
	Groups []string
	// Description for people: "service account web/api", "replicaset-controller", "the kubelet (mirror pods)".
	Description string
}

// Grants is who may use which PodSecurityPolicy by the RBAC of an Inventory. Its methods may be called from several
// goroutines. Equal answers may be the same slice, which callers must not write into.
type Grants struct {
	// Administrators are the grants of those who may use every policy everywhere, except grants to everybody, sorted. Their
	// Policy is empty.
	Administrators []Grant
	// GrantingRoles are the roles that let use policies, by namespace and name: those that something binds, and those whose own
	// rules name podsecuritypolicies.
	GrantingRoles []GrantingRole
	// UnusedPolicies are the policies that nobody may use but users and groups that may use every policy everywhere, sorted.
	UnusedPolicies []string
	// Dangling are bindings that refer to no known role or can never match anybody, and roles that seem to grant the use of
	// policies and do not, sorted.
	Dangling []RBACFinding
	// MissingRoles has the Object of those Dangling that are roles which bindings refer to and that were not read.
	MissingRoles map[string]bool
	// BindingsToMissingRoles has, by namespace, the RoleBindings that refer to a role that was not read, sorted. In a live
	// cluster such a role does not exist. Beside files it may, and what it grants is not known.
	BindingsToMissingRoles map[string][]string
	// UnresolvedRoles are bound ClusterRoles whose rules cannot be known (an aggregation cycle), as gaps.
	UnresolvedRoles []inventory.Gap

	policies        []string            // every policy that was read, sorted
	serviceAccounts map[string][]string // service accounts by namespace, sorted
	subjectGrants   []subjectGrant      // sorted

	// Set by indexByNamespace: the grants of each namespace among subjectGrants, and of the whole cluster for "".
	grantsByNamespace map[string][]subjectGrant

	// grantsByRole, set by indexRoles, has the grants to use policies by the representative of their role.
	grantsByRole map[*resolvedRole][]*subjectGrant

	// Set by indexNamespaces.
	clusterWideAccess    accessByPolicy             // what holds in every namespace
	clusterWideAnswers   map[string]NamespacePolicy // clusterWideAccess as an answer, by policy
	accountGrants        map[string][]*subjectGrant // cluster-wide grants to service accounts, by their namespace
	nodeAndManagerGrants []*subjectGrant            // cluster-wide grants to kubelets and the controller manager
	podCreationGrants    map[string][]subjectGrant  // cluster-wide grants to create pods, by the namespace of the accounts
	podCreationForAll    []string                   // bindings by which all accounts may create pods everywhere
	clusterPodCreators   *podCreators               // who may create pods everywhere

	cache answerCache
}

// RBACFinding is an RBAC object that does not grant what it seems to grant, with the reason.
type RBACFinding struct {
	RBACObject
	Reason message.Message
	// Others are more objects of which the same is to be said.
	Others []RBACObject
}

// RBACObject is the RBAC object that a finding is about: "ClusterRole psp:restricted", and where it was read; the position is
// zero for a live cluster and for a role that was not read.
type RBACObject struct {
	Object   string
	Position pspparse.Position
}
