package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// APIVersion and Kind identify a Plan document.
const (
	APIVersion = "psp2pss.dev/v1"
	Kind       = "Plan"
)

// EveryPolicy stands for the names of all policies: in a plan that has more than ten, where a list of many namespaces or
// workloads would hold them all, and in Role.Policies, where those to come count, too.
const EveryPolicy = "*"

// Plan is the product's contract: what was read, what it means for each namespace, and what to do, in a form that
// round-trips through JSON. Every slice is sorted; a level that is not known is absent, never "".
type Plan struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// TargetVersion is the Kubernetes minor whose standards are applied ("v1.25"), or "latest".
	TargetVersion string           `json:"targetVersion" format:"version"`
	Source        inventory.Source `json:"source"`
	// Basis is what decided: workloads (default), policies or both.
	Basis    Basis    `json:"basis" values:"workloads policies both"`
	Policies []Policy `json:"policies"`
	// Roles are the roles whose rules let use policies, by namespace and name, and Bindings are all bindings to them. GrantsOf
	// joins the two.
	Roles    []Role    `json:"roles"`
	Bindings []Binding `json:"bindings"`
	// NamespaceWriters may create or change namespaces, and with them their labels.
	NamespaceWriters []NamespaceWriter `json:"namespaceWriters,omitempty"`
	// Admission is what the API server's admission configuration says; absent where none was given, since the API does not
	// show it.
	Admission *Admission `json:"admission,omitempty"`
	// APIServers are those of which the mirror pod was read, with the flags that say what their admission does.
	APIServers []inventory.APIServer `json:"apiServers,omitempty"`
	// GeneratedPolicies are the admission policies that the command generate wrote and that were read, and their bindings, by set, kind
	// and name. Absent where there are none, and in a plan of an older version of the tool.
	GeneratedPolicies []inventory.GeneratedPolicy `json:"generatedPolicies,omitempty"`
	// AuditEvidence is what audit logs say; absent where none was given.
	AuditEvidence *AuditEvidence `json:"auditEvidence,omitempty"`
	Namespaces    []Namespace    `json:"namespaces"`
	// Evaluations are what workloads with equal pods share, by Key: see Workload.EvaluationKey.
	Evaluations []*Evaluation `json:"evaluations"`
	// LostSets are what namespaces lose, each once, by Key: see Namespace.LostKey.
	LostSets []*LostSet `json:"lostSets,omitempty"`
	// BlockingViolations have each distinct violation that keeps a namespace from the next stricter level once, with its count,
	// the most frequent first.
	BlockingViolations []BlockingViolation `json:"blockingViolations,omitempty"`
	// StandardsDrift: differences that come only from the age of a standard, once for all policies.
	StandardsDrift []LostConstraint `json:"standardsDrift,omitempty"`
	// ClusterAdministrators are the grants of those who may use every policy everywhere: they count for no namespace, nor does
	// system:masters, which no binding has to name.
	ClusterAdministrators []PolicyGrant `json:"clusterAdministrators,omitempty"`
	// IneffectiveGrants: bindings that grant nothing and why, and roles that bindings refer to and that were not read.
	IneffectiveGrants []IneffectiveGrant `json:"ineffectiveGrants,omitempty"`
	// LabelWriters: objects that write Pod Security labels on namespaces that were not read, or are still to come.
	LabelWriters []inventory.LabelWriter `json:"labelWriters,omitempty"`
	// Cautions that hold for the whole plan ("target version latest is ...").
	Cautions []message.Message `json:"cautions,omitempty"`
	// Gaps: what could not be read or evaluated.
	Gaps []Gap `json:"gaps"`
	// Notes: remarks that make nothing uncertain.
	Notes []Note `json:"notes,omitempty"`
	// SkippedKinds: documents that hold no pod, policy or grant, counted by kind.
	SkippedKinds []inventory.KindCount `json:"skippedKinds,omitempty"`
	// FinishedPods were passed over.
	FinishedPods int `json:"finishedPods,omitempty"`
	// NamespacesLeftOut is how many namespaces of the source are not in Namespaces, since the plan was written for some only.
	NamespacesLeftOut int `json:"namespacesLeftOut,omitempty"`
}

// Basis is what a recommendation of the Plan rests on: workloads, policies or both, an empty namespace, or an override.
type Basis string

// The bases: of Options (the first three) and of a decision (all).
const (
	BasisWorkloads Basis = "workloads"
	BasisPolicies  Basis = "policies"
	BasisBoth      Basis = "both"
	BasisEmpty     Basis = "empty"
	BasisOverride  Basis = "override"
)

// Admission is what a Plan has of the API server's admission configuration of Pod Security: defaults and exemptions.
type Admission struct {
	// Defaults hold for every mode that a namespace has no label for, each with its version.
	Defaults PodSecurityLabels `json:"defaults"`
	// Exempt from all checks: namespaces, the pods of runtime classes, and what users themselves create. A user's exemption
	// does not cover the pods that controllers make for them, unless the user is that controller.
	Namespaces     []string `json:"namespaces,omitempty"`
	RuntimeClasses []string `json:"runtimeClasses,omitempty"`
	Usernames      []string `json:"usernames,omitempty"`
}

// Namespace is one namespace of the Plan with its recommended Pod Security labels and the reasons for them.
type Namespace struct {
	Name string `json:"name" format:"namespace"`
	// ObjectNotRead: no Namespace object was read, so its labels are not known and CurrentLabels says nothing.
	ObjectNotRead bool `json:"objectNotRead,omitempty"`
	// Terminating: it is being deleted, and nothing is recommended for it.
	Terminating bool `json:"terminating,omitempty"`
	// System: part of Kubernetes or of a provider's platform.
	System bool              `json:"system"`
	Labels map[string]string `json:"labels,omitempty"`
	// CurrentLabels are the labels as they stand; a mode that is not labelled is absent. So is a label with an empty value, which Labels
	// has: the server takes it for invalid.
	CurrentLabels PodSecurityLabels `json:"current"`
	// EffectiveLabels is what is in effect today, the defaults of Plan.Admission included; absent where that is.
	EffectiveLabels *PodSecurityLabels `json:"effective,omitempty"`
	// Exempt by Plan.Admission: nothing in it is checked, whatever its labels say. The levels are those that it needs once it
	// is not exempt any more.
	Exempt bool `json:"exempt,omitempty"`
	// PermittedLevel is the least strict closest level over the usable policies. NeededLevel is the strictest level that
	// everything in the namespace meets after PSP, but for pods of an exempt runtime class. AchievableLevel is the strictest
	// that everything would meet if the templates stated what policies set today; it is absent where there are no
	// policies, and where not all was read.
	PermittedLevel  api.Level `json:"permitted,omitempty"`
	NeededLevel     api.Level `json:"needed,omitempty"`
	AchievableLevel api.Level `json:"achievable,omitempty"`
	// PermittedBy: the policies that PermittedLevel is made from, or EveryPolicy. ExcludedPolicies: policies that everybody (or every
	// controller) may use everywhere and that are privileged or a provider's default; they do not count for PermittedLevel.
	PermittedBy      []string         `json:"permittedBy,omitempty"`
	ExcludedPolicies []ExcludedPolicy `json:"excludedPolicies,omitempty"`
	DecidedBy        *EnforceDecision `json:"decidedBy,omitempty"`
	// ObservedPolicies: the policies that its live pods carry in kubernetes.io/psp, sorted.
	ObservedPolicies []string `json:"observedPolicies,omitempty"`
	// Reasons are sentences that explain the recommendation, the most important first.
	Reasons []message.Message `json:"reasons,omitempty"`
	// Cautions are sentences for the reader.
	Cautions []message.Message `json:"cautions"`
	// Complete is false if what could not be read or evaluated can change the level: then no enforce is recommended. Where what
	// runs decides, grants and policies cannot; where nothing runs, or policies decide as well, they can. Nothing can make
	// the level looser than privileged.
	Complete bool `json:"complete"`
	// UncertainParts are the parts of the namespace that a gap touches, sorted, also where Complete is true; all four for a gap that
	// can change anything.
	UncertainParts []string `json:"uncertainParts,omitempty" values:"grants labels policies workloads"`
	// RecommendedLabels to set; enforce is absent where it is withheld, all are absent where the namespace is left alone.
	RecommendedLabels PodSecurityLabels `json:"recommended"`
	// Action compares RecommendedLabels with CurrentLabels: unchanged, add, change, loosen, withheld or skip.
	Action Action `json:"action"`
	// LabelOwner is the tool that manages the namespace's labels, where one does: then a manifest is the way, not a command.
	LabelOwner string `json:"labelOwner,omitempty"`
	// LabelWriters are other objects that write its labels: the first of this cluster is LabelOwner. At most 20 are kept, since
	// one object may name any number of namespaces: the note label-writers-not-named has the number of the others.
	LabelWriters []inventory.LabelWriter `json:"labelWriters,omitempty"`
	// ClientApplied: 'kubectl apply' without --server-side has left a record of what it applied to the namespace. What is
	// applied next takes away every label and annotation that the record has and it does not. Absent where that is not
	// known: no Namespace object was read, or one from a manifest, which may be what is applied.
	ClientApplied *bool `json:"clientApplied,omitempty"`
	// ServerApplied: 'kubectl apply --server-side' was used on it under kubectl's own field manager, and the same again takes
	// away what it does not say any more. False where that is not known, as in a dump without managedFields.
	ServerApplied bool `json:"serverApplied,omitempty"`
	// AlsoRefusedBy names what else may refuse pods here, whatever the level: validating webhooks, and validating policies of
	// Kubernetes and of policy engines. No level counts them.
	AlsoRefusedBy []string `json:"alsoRefusedBy,omitempty"`
	// AlsoRefusedByOthers is the number of rules of such objects that were not kept. The first 50 of a namespace are: rules
	// times namespaces would make a plan of any size.
	AlsoRefusedByOthers int `json:"alsoRefusedByOthers,omitempty"`
	// LevelWithout: what the namespace would need without the workloads that hold it back.
	LevelWithout []LevelWithout `json:"levelWithout,omitempty"`
	// Lost: what the observed policies (where none was observed: those of PermittedBy) forbid or force and the
	// recommended enforce level does not; drift is left to Plan.StandardsDrift.
	Lost []LostConstraint `json:"-"`
	// LostKey names the item of Plan.LostSets that has them; absent where nothing is lost.
	LostKey string `json:"lost,omitempty"`
	// Delta is what admission policies would have to add to the enforce label; absent where there are no policies, in a namespace that
	// is being deleted, and in a plan of an older version of the tool.
	Delta *DeltaNeed `json:"delta,omitempty"`
	// Blockers are the checks that keep the namespace from the next stricter level, each with the workloads that fail it.
	Blockers  []Blocker  `json:"blockers"`
	Workloads []Workload `json:"workloads"`
	// PodRequesters created pods in it, and RefusedPods were refused, by audit logs.
	PodRequesters []PodRequester `json:"podRequesters,omitempty"`
	RefusedPods   []RefusedPods  `json:"refusedPods,omitempty"`
	// UnseenWorkloads are objects of custom kinds that do not say all of their pods, none of which was read, and that violate nothing in
	// what they say. They are not among Workloads, since no level of theirs is known; each has a gap.
	UnseenWorkloads []WorkloadRef `json:"unseenWorkloads,omitempty"`
	// LevelByVersion: the needed level at every version of the standards from v1.25 up, as spans of versions that have the
	// same; empty if nothing runs.
	LevelByVersion []VersionLevel `json:"versions"`
	// Position of the Namespace object; absent where it was read from a cluster, or not at all.
	Position pspparse.Position `json:"position,omitzero"`
}

// Action is what the recommendation of a namespace does to its Pod Security labels: add, change, loosen, ...
type Action string

// The actions.
const (
	ActionUnchanged Action = "unchanged"
	ActionAdd       Action = "add"
	ActionChange    Action = "change"
	ActionLoosen    Action = "loosen"   // enforce would become looser than today: never part of a command unless asked for
	ActionWithheld  Action = "withheld" // a gap: warn and audit only
	ActionSkip      Action = "skip"     // nothing is recommended (--empty-namespaces=skip, or it is being deleted)
)

// PodSecurityLabels are the six Pod Security labels of a Plan's namespace; absent ones are empty. Current keeps invalid
// values as they are.
type PodSecurityLabels struct {
	Enforce        string `json:"enforce,omitempty"`
	EnforceVersion string `json:"enforceVersion,omitempty"`
	Audit          string `json:"audit,omitempty"`
	AuditVersion   string `json:"auditVersion,omitempty"`
	Warn           string `json:"warn,omitempty"`
	WarnVersion    string `json:"warnVersion,omitempty"`
}

// ExcludedPolicy is, in a Plan, a policy, or EveryPolicy, that may be used in the namespace but does not count for its
// permitted level.
type ExcludedPolicy struct {
	Policy  string          `json:"policy"`
	Closest api.Level       `json:"closest,omitempty"`
	Why     message.Message `json:"why"`
}

// EnforceDecision is what decided the recommended enforce level of a namespace: a basis, with the workload or policy.
type EnforceDecision struct {
	Basis    Basis        `json:"basis"`
	Workload *WorkloadRef `json:"workload,omitempty"`
	Policy   string       `json:"policy,omitempty"`
}

// WorkloadRef is the kind and name of a workload in a namespace of the Plan. Its JSON form is a text, "Deployment/web".
type WorkloadRef struct {
	Kind string `json:"kind" format:"kind"`
	Name string `json:"name"`
}

// LevelWithout is the level that a namespace would need without some workloads, which hold it back.
type LevelWithout struct {
	Workloads []WorkloadRef `json:"workloads"`
	Level     api.Level     `json:"level"`
}

// Blocker is a check that keeps the namespace from the next stricter level, with all workloads that fail it in these words.
type Blocker struct {
	Check string `json:"check"`
	// Level is the level that the check belongs to: the one it keeps the namespace from.
	Level  api.Level `json:"level"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
	// Workloads that fail it, in the order of Namespace.Workloads.
	Workloads []WorkloadRef `json:"workloads"`
}

// LostSet is a list of lost constraints that one or more namespaces of the Plan share.
type LostSet struct {
	// Key is made from the content: it is the same in every plan that has the same set.
	Key         string           `json:"key"`
	Constraints []LostConstraint `json:"constraints"`
}

// VersionLevel is the level that a Plan's namespace needs at the versions of the standards from one to another, both
// included.
type VersionLevel struct {
	From   string    `json:"from" format:"version"`
	To     string    `json:"to" format:"version"`
	Needed api.Level `json:"needed,omitempty"`
}

// BlockingViolation is, in a Plan, a distinct violation of the standards for which namespaces stay below the next
// stricter level, with how many have it.
type BlockingViolation struct {
	Check string    `json:"check"`
	Level api.Level `json:"level"`
	// Reason is PSA's own short form.
	Reason     string `json:"reason"`
	Workloads  int    `json:"workloads"`
	Namespaces int    `json:"namespaces"`
	// Examples: up to three "namespace/Kind/name".
	Examples []string `json:"examples,omitempty"`
	// OtherWorkloads is how many of Workloads are not among the examples: the blockers of each namespace name them all.
	OtherWorkloads int `json:"otherWorkloads,omitempty"`
}

// IneffectiveGrant is an RBAC role or binding of the Plan that grants no use of a policy, or of which it is not known
// what it grants.
type IneffectiveGrant struct {
	message.Message
	// Subject is the binding or role, and Position where it was read; Others are more of them that the same is to be said of.
	Subject  string            `json:"what"`
	Position pspparse.Position `json:"position,omitzero"`
	Others   []GrantingObject  `json:"others,omitempty"`
	// RoleNotRead is true for a role that bindings refer to and that was not read: what it grants is not known.
	RoleNotRead bool `json:"roleNotRead,omitempty"`
}

// GrantingObject is, in the Plan, an RBAC role or binding, with where it was read.
type GrantingObject struct {
	Subject  string            `json:"what"`
	Position pspparse.Position `json:"position,omitzero"`
}

// Gap is something that could not be read or evaluated for the Plan; it may change results.
type Gap struct {
	// Message says why, and what to try next.
	message.Message
	// What could not be read or evaluated: "pods", `Deployment "web/api"`, "document 3".
	What string `json:"what"`
	// Affects lists the namespaces it touches; "*" stands for every one.
	Affects []string `json:"affects"`
	// Changes is all that it can change of them: workloads (what runs), grants (who may use which policy, and who may create
	// pods), policies, or labels (the Pod Security labels of the namespace). Absent, it can change anything.
	Changes  string            `json:"changes,omitempty" values:"grants labels policies workloads"`
	Position pspparse.Position `json:"position,omitzero"`
}

// Note is a remark of the Plan about what was read; unlike a Gap it makes nothing uncertain.
type Note struct {
	message.Message
	// What it is about: an object, a file, a kind of object.
	What     string            `json:"what"`
	Position pspparse.Position `json:"position,omitzero"`
}
