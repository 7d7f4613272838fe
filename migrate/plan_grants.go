package migrate

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Role is, in the Plan, a Role, or with an empty Namespace a ClusterRole, whose rules let use PodSecurityPolicies.
type Role struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Policies that it lets use, sorted, by its own rules or by those that it is aggregated from: those that were read, or
	// EveryPolicy where a rule names none.
	Policies []string `json:"policies,omitempty"`
	// Rules are its own rules, as far as they touch policies, pods or namespaces.
	Rules []rbacv1.PolicyRule `json:"rules,omitempty"`
	// RuleIndexes are the places of Rules among all rules of the object; absent where it has no others.
	RuleIndexes []int `json:"ruleIndexes,omitempty"`
	// OtherRules is true where the object has rules beside Rules.
	OtherRules bool `json:"otherRules,omitempty"`
	// Aggregated is true where another ClusterRole lends it the rules that let use policies.
	Aggregated bool `json:"aggregated,omitempty"`
	// BuiltIn is true for a role of the API server itself.
	BuiltIn bool `json:"builtIn,omitempty"`
	// NotRead is true for a built-in role that the input does not have: its rules are the known ones.
	NotRead  bool              `json:"notRead,omitempty"`
	Position pspparse.Position `json:"position,omitzero"`
}

// Binding is, in the Plan, a RoleBinding, or with an empty Namespace a ClusterRoleBinding, to one of Plan.Roles.
type Binding struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Role that it grants: "ClusterRole psp:restricted", "Role web/psp".
	Role string `json:"role"`
	// Subjects are those that can be somebody, sorted; what can never match is among Plan.IneffectiveGrants.
	Subjects []Subject         `json:"subjects"`
	Position pspparse.Position `json:"position,omitzero"`
}

// Subject is the subject of a grant in the Plan: exactly one of ServiceAccount ("namespace/name"), User and Group is
// set.
type Subject struct {
	ServiceAccount string `json:"serviceAccount,omitempty"`
	User           string `json:"user,omitempty"`
	Group          string `json:"group,omitempty"`
}

// PolicyGrant is, in the Plan, the right of a subject to use a policy, with the binding and role that give it.
type PolicyGrant struct {
	// Namespace in which the grant holds; absent means everywhere.
	Namespace string `json:"namespace,omitempty"`
	Subject
	// Binding and Role are the evidence: "RoleBinding web/psp", "ClusterRole psp:restricted".
	Binding string `json:"binding"`
	Role    string `json:"role"`
	// BindingPosition and RolePosition say where these were read.
	BindingPosition pspparse.Position `json:"bindingPosition,omitzero"`
	RolePosition    pspparse.Position `json:"rolePosition,omitzero"`
}

// NamespaceWriter is, in the Plan, a subject that RBAC lets create or change namespaces, and with them their labels.
type NamespaceWriter struct {
	// Namespace is the only one that it may change; absent means all.
	Namespace string `json:"namespace,omitempty"`
	Subject
	// Verbs are those of create, update and patch that it has.
	Verbs []string `json:"verbs" values:"create update patch"`
	// Binding and Role are the evidence, as in PolicyGrant.
	Binding string `json:"binding"`
	Role    string `json:"role"`
	// BindingPosition and RolePosition say where these were read.
	BindingPosition pspparse.Position `json:"bindingPosition,omitzero"`
	RolePosition    pspparse.Position `json:"rolePosition,omitzero"`
	// Administrator is true where the role allows everything on everything.
	Administrator bool `json:"administrator,omitempty"`
}
