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

// EveryPolicy stands for the names of all policies of a plan that has more than ten, where a list of many namespaces or
// workloads would hold them all.
const EveryPolicy = "*"

// Plan is the product's contract: what was read, what it means, and what to do, in a form that round-trips through
// JSON. Every slice is sorted; a level that is not known is absent, never "".
type Plan struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// TargetVersion is the Kubernetes minor whose standards are applied ("v1.25"), or "latest".
	TargetVersion string           `json:"targetVersion" format:"version"`
	Source        inventory.Source `json:"source"`
	// Basis is what decided: workloads (default), policies or both.
	Basis    Basis    `json:"basis" values:"workloads policies both"`
	Policies []Policy `json:"policies"`
	// Admission is what the API server's admission configuration says; absent where none was given, since the API does not
	// tell.
	Admission  *Admission  `json:"admission,omitempty"`
	Namespaces []Namespace `json:"namespaces"`
	// BlockingViolations tell each distinct violation that keeps a namespace from the next stricter level once, with its count,
	// the most frequent first.
	BlockingViolations []BlockingViolation `json:"causes,omitempty"`
	// StandardsDrift: differences that come only from the age of a standard, told once for all policies.
	StandardsDrift []LostConstraint `json:"drift,omitempty"`
	// ClusterAdministrators may use every policy everywhere ("group ops (ClusterRoleBinding ops-admin)"): set apart in every
	// namespace, as system:masters is, which no binding has to name.
	ClusterAdministrators []string `json:"administrators,omitempty"`
	// GrantsOfEveryPolicy have grants that name no policy, with the evidence: each is a use of every policy, those to come
	// included. They stand here once, and not in Policy.UsedBy.
	GrantsOfEveryPolicy []PolicyGrant `json:"usersOfEveryPolicy,omitempty"`
	// IneffectiveGrants: bindings that grant nothing and why, and roles that bindings refer to and that were not read.
	IneffectiveGrants []IneffectiveGrant `json:"dangling,omitempty"`
	// LabelWriters: objects that write Pod Security labels on namespaces that were not read, or are still to come.
	LabelWriters []inventory.LabelWriter `json:"labelWriters,omitempty"`
	// Cautions that hold for the whole plan ("target version latest is ...").
	Cautions []message.Message `json:"cautions,omitempty"`
	// Gaps: what could not be read or judged.
	Gaps []Gap `json:"gaps"`
	// Notes: worth telling, make nothing uncertain.
	Notes []Note `json:"notes,omitempty"`
	// SkippedKinds: documents that hold no pod, policy or grant, counted by kind.
	SkippedKinds []inventory.KindCount `json:"skipped,omitempty"`
	// FinishedPods were passed over.
	FinishedPods int `json:"finishedPods,omitempty"`
}

// Basis of the recommendation.
type Basis string

// The bases: of Options (the first three) and of a decision (all).
const (
	BasisWorkloads Basis = "workloads"
	BasisPolicies  Basis = "policies"
	BasisBoth      Basis = "both"
	BasisEmpty     Basis = "empty"
	BasisOverride  Basis = "override"
)

// Admission is what holds beside the labels of namespaces.
type Admission struct {
	// Defaults hold for every mode that a namespace has no label for, each with its version.
	Defaults PodSecurityLabels `json:"defaults"`
	// Exempt from all checks: namespaces, the pods of runtime classes, and what users themselves create. A user's exemption
	// does not cover the pods that controllers make for them, unless the user is that controller.
	Namespaces     []string `json:"namespaces,omitempty"`
	RuntimeClasses []string `json:"runtimeClasses,omitempty"`
	Usernames      []string `json:"usernames,omitempty"`
}

// Policy is one PodSecurityPolicy, assessed.
type Policy struct {
	Name string `json:"name"`
	// ClosestLevel is the nominal level, never an equivalent one; absent if the policy admits nothing. Safe, Held and Cover
	// are the strict bounds: no pod it admits breaks; all pods it has mutated comply; nothing it forbids is allowed
	// (or "none").
	ClosestLevel          api.Level `json:"closest,omitempty"`
	CompliesAsWritten     api.Level `json:"safe,omitempty"`
	CompliesAfterMutation api.Level `json:"held,omitempty"`
	NoLooserThan          api.Level `json:"cover,omitempty" values:"privileged baseline restricted none"`
	// AdmitsNothing: no pod can be admitted; Why says the reason.
	AdmitsNothing    bool   `json:"admitsNothing"`
	AdmitsNothingWhy string `json:"admitsNothingWhy,omitempty"`
	// MutatingFields: fields and annotations that fill values into pods.
	MutatingFields []string `json:"mutating"`
	// ProviderDefault is true for a policy that a Kubernetes distribution installs by default.
	ProviderDefault bool          `json:"provider"`
	Checks          []PolicyCheck `json:"checks"`
	// NearestMiss: what keeps it from the next stricter level.
	NearestMiss string `json:"nearestMiss,omitempty"`
	// LevelChoices are offered where one word would mislead: one core check alone makes the policy privileged.
	LevelChoices []string `json:"choices,omitempty"`
	// Lost: what it forbids or forces and the closest level does not.
	Lost []LostConstraint `json:"lost"`
	// RequiredTemplateValues: what templates must state themselves once it no longer fills it in.
	RequiredTemplateValues []RequiredTemplateValue `json:"writeDown,omitempty"`
	// Fields explains what the policy states, field by field.
	Fields []PolicyField `json:"fields,omitempty"`
	// Simplified is step 2 of the official migration guide; absent if the policy sets nothing that this is about, or admits
	// nothing.
	Simplified *SimplifiedPolicy `json:"simplify,omitempty"`
	// UsedBy: every subject to which a grant by its name lets use it, with the evidence; Plan.Uses adds those of
	// Plan.UsersOfEveryPolicy.
	UsedBy []PolicyGrant `json:"usedBy"`
	// SameUsersAs names a policy before this one that is named by the same grants, where they are more than ten: then they stand
	// there, and UsedBy is empty.
	SameUsersAs string `json:"usedByAs,omitempty"`
	// Unused: nobody may use it but Plan.Administrators, who may use every policy.
	Unused bool `json:"unused,omitempty"`
	// Problems: unknown fields, values that API validation refuses.
	Problems []pspparse.Problem `json:"problems,omitempty"`
	Position pspparse.Position  `json:"position,omitzero"`
}

// SimplifiedPolicy is a policy without what fills values in and without what the standards do not know.
type SimplifiedPolicy struct {
	Changes []SimplifiedField `json:"changes"`
	Clone   NonMutatingClone  `json:"clone"`
}

// SimplifiedField is what becomes of one field of a policy in its clone.
type SimplifiedField struct {
	// Field is a spec field or part of one, or the key of an annotation.
	Field string `json:"field"`
	// Class is mutating (it only fills in), outOfScope (no level looks at it) or stillMutating (it forbids by filling in;
	// the guide leaves it in place).
	Class string `json:"class" values:"mutating outOfScope stillMutating"`
	// Becomes says what is done to it: "removed", "RunAsAny".
	Becomes string `json:"becomes"`
	// Opens says what the clone lets pass and the policy does not; absent for nothing.
	Opens string `json:"opens,omitempty"`
}

// NonMutatingClone is the policy that fills nothing in.
type NonMutatingClone struct {
	// Name sorts before the policy's; absent if there is no such name that is valid and free.
	Name string `json:"name,omitempty"`
	// Exists: there is such a policy of that name already.
	Exists      bool              `json:"exists,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        pspparse.Spec     `json:"spec"`
}

// PolicyCheck is the status of one check of the standards for a policy: G guaranteed, M by mutation, E in effect, N not
// ensured, X impossible, U unknown.
type PolicyCheck struct {
	Check  string    `json:"check"`
	Level  api.Level `json:"level"`
	Status string    `json:"status" values:"G M E N X U"`
	Fields []string  `json:"fields,omitempty"`
	Note   string    `json:"note,omitempty"`
}

// LostConstraint is a constraint that a policy has and the level has not.
type LostConstraint struct {
	Field string `json:"field"`
	Value string `json:"value,omitempty"`
	// Class is security, functional or drift.
	Class string `json:"class" values:"security functional drift"`
	Note  string `json:"note,omitempty"`
	// Policies is set in Plan.Drift and Namespace.Lost: which policies it is about, or EveryPolicy.
	Policies []string `json:"policies,omitempty"`
	// MayBeCoveredBy is set in Namespace.Lost: what else refuses pods there and, by its name, may forbid the same. Up to three.
	MayBeCoveredBy []string `json:"mayCover,omitempty"`
}

// RequiredTemplateValue is a value that templates must state once a policy no longer fills it in.
type RequiredTemplateValue struct {
	Field string `json:"field"`
	Path  string `json:"path"`
	Value string `json:"value,omitempty"`
	Note  string `json:"note,omitempty"`
}

// PolicyField explains one field or annotation of a policy.
type PolicyField struct {
	Name     string `json:"name"`
	Value    string `json:"value,omitempty"`
	Line     int    `json:"line,omitempty"`
	Meaning  string `json:"meaning"`
	Mutating bool   `json:"mutating,omitempty"`
}

// PolicyGrant is one grant: exactly one of ServiceAccount ("namespace/name"), User and Group is set.
type PolicyGrant struct {
	// Namespace in which the grant holds; absent means everywhere.
	Namespace      string `json:"namespace,omitempty"`
	ServiceAccount string `json:"serviceAccount,omitempty"`
	User           string `json:"user,omitempty"`
	Group          string `json:"group,omitempty"`
	// Via: the binding, then the role: ["RoleBinding web/psp", "ClusterRole psp:restricted"].
	Via []string `json:"via"`
}

// Namespace is one namespace with its recommendation.
type Namespace struct {
	Name string `json:"name" format:"namespace"`
	// ObjectNotRead: no Namespace object was read, so its labels are not known and Current says nothing.
	ObjectNotRead bool `json:"unread,omitempty"`
	// Terminating: it is being deleted, and nothing is recommended for it.
	Terminating bool `json:"terminating,omitempty"`
	// System: part of Kubernetes or of a provider's platform.
	System bool              `json:"system"`
	Labels map[string]string `json:"labels,omitempty"`
	// CurrentLabels labels, as they stand; a mode that is not labelled is absent. So is a label with an empty value, which Labels
	// has: the server takes it for invalid.
	CurrentLabels PodSecurityLabels `json:"current"`
	// EffectiveLabels is what the server goes by today, the defaults of Plan.Admission included; absent where that is.
	EffectiveLabels *PodSecurityLabels `json:"effective,omitempty"`
	// Exempt by Plan.Admission: nothing in it is checked, whatever its labels say. The levels are those that it needs once it
	// is not exempt any more.
	Exempt bool `json:"exempt,omitempty"`
	// PermittedLevel: the least strict closest level over the usable policies; Needed: the strictest level that everything
	// in the namespace meets on the day after, but for pods of an exempt runtime class; Achievable: the strictest that everything would meet if the templates
	// stated what policies fill in today. It is absent where there are no policies, and where not all was read.
	PermittedLevel  api.Level `json:"permitted,omitempty"`
	NeededLevel     api.Level `json:"needed,omitempty"`
	AchievableLevel api.Level `json:"achievable,omitempty"`
	// PermittedBy: the policies that Permitted is made from, or EveryPolicy. SetApart: policies that everybody (or every
	// controller) may use everywhere and that are privileged or a provider's default; they do not count for Permitted.
	PermittedBy      []string         `json:"permittedBy,omitempty"`
	ExcludedPolicies []ExcludedPolicy `json:"setApart,omitempty"`
	DecidedBy        *EnforceDecision `json:"decidedBy,omitempty"`
	// ObservedPolicies: the policies that its live pods carry in kubernetes.io/psp, sorted.
	ObservedPolicies []string `json:"observed,omitempty"`
	// Reasons are sentences that explain the recommendation, the most important first.
	Reasons []message.Message `json:"reasons,omitempty"`
	// Cautions are sentences for the reader.
	Cautions []message.Message `json:"cautions"`
	// Complete is false if what could not be read or judged can change the level: then no enforce is recommended. Where what
	// runs decides, grants and policies cannot; where nothing runs, or policies decide as well, they can. Nothing can make
	// the level looser than privileged.
	Complete bool `json:"complete"`
	// UncertainParts are the parts of the namespace that a gap touches, sorted, also where Complete is true; all four for a gap that
	// can change anything.
	UncertainParts []string `json:"uncertain,omitempty" values:"grants labels policies workloads"`
	// RecommendedLabels labels; enforce is absent where it is withheld, all are absent where the namespace is left alone.
	RecommendedLabels PodSecurityLabels `json:"recommended"`
	// Action compares Recommended with Current: unchanged, add, change, loosen, withheld or skip.
	Action Action `json:"action"`
	// LabelOwner of the namespace's labels where another tool manages them: then a manifest is the way, not a command.
	LabelOwner string `json:"owner,omitempty"`
	// LabelWriters are other objects that write its labels: the first of this cluster is Owner.
	LabelWriters []inventory.LabelWriter `json:"writers,omitempty"`
	// ClientApplied: 'kubectl apply' without --server-side has left a record of what it applied to the namespace. What is
	// applied next takes away every label and annotation that the record has and it does not. Absent where that is not
	// known: no Namespace object was read, or one from a manifest, which may be what is applied.
	ClientApplied *bool `json:"clientApplied,omitempty"`
	// ServerApplied: 'kubectl apply --server-side' was used on it under kubectl's own field manager, and the same again takes
	// away what it does not say any more. False where that is not known, as in a dump without managedFields.
	ServerApplied bool `json:"serverApplied,omitempty"`
	// AlsoRefusedBy names what else may refuse pods here, whatever the level: validating webhooks, and validating policies of
	// Kubernetes and of policy engines. No level counts them.
	AlsoRefusedBy []string `json:"alsoRefusing,omitempty"`
	// LevelWithout: what the namespace would need without the workloads that hold it back.
	LevelWithout []LevelWithout `json:"without,omitempty"`
	// Lost: what the observed policies (where none was observed: those of PermittedBy) forbid or force and the
	// recommended enforce level does not; drift is left to Plan.Drift.
	Lost      []LostConstraint `json:"lost,omitempty"`
	Blockers  []Blocker        `json:"blockers"`
	Workloads []Workload       `json:"workloads"`
	// UnseenWorkloads are objects of custom kinds that do not say all of their pods, none of which was read, and that violate nothing in
	// what they say. They are not among Workloads, since no level of theirs is known; a gap tells of each.
	UnseenWorkloads []WorkloadRef `json:"unseen,omitempty"`
	// LevelByVersion: the needed level at each version of the standards, from v1.25 up; empty if nothing runs.
	LevelByVersion []VersionLevel `json:"versions"`
}

// Action says what the recommendation does to the labels that are there.
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

// PodSecurityLabels are the six Pod Security labels; absent ones are empty. Current keeps invalid values as they are.
type PodSecurityLabels struct {
	Enforce        string `json:"enforce,omitempty"`
	EnforceVersion string `json:"enforceVersion,omitempty"`
	Audit          string `json:"audit,omitempty"`
	AuditVersion   string `json:"auditVersion,omitempty"`
	Warn           string `json:"warn,omitempty"`
	WarnVersion    string `json:"warnVersion,omitempty"`
}

// ExcludedPolicy is a policy, or EveryPolicy, that may be used in the namespace but says nothing about what it needs.
type ExcludedPolicy struct {
	Policy  string          `json:"policy"`
	Closest api.Level       `json:"closest,omitempty"`
	Why     message.Message `json:"why"`
}

// EnforceDecision says what decided the enforce level.
type EnforceDecision struct {
	Basis    Basis        `json:"basis"`
	Workload *WorkloadRef `json:"workload,omitempty"`
	Policy   string       `json:"policy,omitempty"`
}

// WorkloadRef names a workload of the namespace.
type WorkloadRef struct {
	Kind string `json:"kind" format:"kind"`
	Name string `json:"name"`
}

// LevelWithout says: without these workloads the namespace would be at Level.
type LevelWithout struct {
	Workloads []WorkloadRef `json:"workloads"`
	Level     api.Level     `json:"level"`
}

// Blocker is one (workload, check) pair that keeps the namespace from the next stricter level.
type Blocker struct {
	Workload WorkloadRef `json:"workload"`
	Check    string      `json:"check"`
	// Level is the level that the check belongs to: the one it keeps the namespace from.
	Level  api.Level `json:"level"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
}

// Workload is one workload and its verdicts at the target version.
type Workload struct {
	Kind           string `json:"kind" format:"kind"`
	Name           string `json:"name"`
	ServiceAccount string `json:"serviceAccount,omitempty"`
	// Replicas it asks for, or live pods where it asks for none.
	Replicas int `json:"replicas"`
	// Pods is the number of live pods seen.
	Pods int `json:"pods,omitempty"`
	// UsablePolicies: what its service account, or the controller that creates its pods, may use; or EveryPolicy.
	UsablePolicies []string `json:"usablePolicies"`
	// ObservedPolicies: the kubernetes.io/psp annotations of its live pods, sorted.
	ObservedPolicies []string `json:"observed,omitempty"`
	// AdmittedBy is the policy that would admit its pods today, Mutations are what that one fills into the pod template:
	// what the template must state itself to stay as it is; a bare pod is taken to come from whoever has created it, and of
	// what its author wrote. Both are absent where no policy would admit them, for which Refused says why, and where what
	// this depends on was not read.
	AdmittedBy string            `json:"admittedBy,omitempty"`
	Refused    []message.Message `json:"refused,omitempty"`
	// AdmissionMode says why admission takes that one: unchanged (it is the first by name of those that take the pods as they
	// are) or changed (none does, and it is the first by name of those that take them with what they fill in).
	AdmissionMode string `json:"admittedAs,omitempty" values:"unchanged changed"`
	// AdmissionDrift: live pods that would be treated differently if they were created again today.
	AdmissionDrift []AdmissionDrift `json:"policyDrift,omitempty"`
	Level          WorkloadLevels   `json:"level"`
	// LevelEstimated: the day-after level rests on what a policy is taken to have filled in, in a pod without a template (which a
	// bare pod made by kubectl apply has: the record of what it was given) or in containers beyond it.
	LevelEstimated bool `json:"estimated,omitempty"`
	// Injections are what webhooks are taken to add to its pods though no live pod shows it. They count for the day after.
	Injections []Injection        `json:"injections,omitempty"`
	Mutations  []TemplateMutation `json:"mutations,omitempty"`
	Violations []Violation        `json:"violations"`
	// DebuggedPods: pods into which 'kubectl debug' has put containers. These go with their pod and count for no level.
	DebuggedPods []DebuggedPod `json:"debugged,omitempty"`
	// StricterEdits: for each level that is stricter than on the day after, the looser one first, what its template lacks.
	StricterEdits []StricterEdits `json:"raise,omitempty"`
	// Template is what a patch builds on; absent where no template was read, or nothing is to be written into it.
	Template *TemplateOutline `json:"template,omitempty"`
	// Exempt says why Pod Security does not check its pods, by Plan.Admission; absent where it does.
	Exempt *Exemption `json:"exempt,omitempty"`
	// Owner is the controller that made it, where it is told apart from it.
	Owner *WorkloadRef `json:"owner,omitempty"`
	// TemplatePaths are where the object of a custom kind has its pod templates, or what it says of its pods: "spec.template".
	TemplatePaths []string `json:"templatePaths,omitempty"`
	// PartialTemplates: it is of a custom kind whose controller adds to what it says. Its levels are those of its pods that were read and
	// of what the object says itself: they show what it violates, and not that it meets a level.
	PartialTemplates bool `json:"partial,omitempty"`
	// ManagedBy is the tool that writes it and would undo, or lose, what is changed beside it.
	ManagedBy *ManagedBy        `json:"managedBy,omitempty"`
	Position  pspparse.Position `json:"position,omitzero"`
}

// Exemption is what of an admission configuration exempts the pods of a workload. At least one is set.
type Exemption struct {
	// RuntimeClass of all its pods. They decide no level.
	RuntimeClass string `json:"runtimeClass,omitempty"`
	// Username of the controller that creates its pods, and with them those of everybody who may create such a workload. They
	// decide like any other: the exemption is a hole that has to be closed.
	Username string `json:"username,omitempty"`
}

// DebuggedPod is a pod with debug containers.
type DebuggedPod struct {
	Pod        string   `json:"pod"`
	Containers []string `json:"containers"`
	// Level is the strictest that the pod meets with them. Refused is the recommended level of the namespace, or today's, where
	// it refuses them, and with them the pod new debug containers and new images as long as these are there.
	Level     api.Level `json:"level"`
	RefusedAt api.Level `json:"refused,omitempty"`
}

// WorkloadLevels are the strictest levels met in the three forms of the workload.
type WorkloadLevels struct {
	AsWritten  api.Level `json:"asWritten,omitempty"`
	AsAdmitted api.Level `json:"asAdmitted,omitempty"`
	AfterPSP   api.Level `json:"dayAfter,omitempty"`
}

// TemplateMutation is one value that is filled into the workload's pods today and that its template has to state once it is not: what
// an edit has to write for nothing to change.
type TemplateMutation struct {
	// Path is the field within the pod template: "spec.securityContext.fsGroup", "metadata.annotations[KEY]",
	// "spec.containers[0].securityContext.capabilities.drop".
	Path string `json:"path"`
	// Container at that path, by name; absent at the pod level.
	Container string `json:"container,omitempty"`
	// Value is compact JSON: true, "RuntimeDefault", ["ALL"], 2000. A list is the whole list.
	Value string `json:"value"`
	// Policy that fills it in; absent for what the API server makes of an annotation.
	Policy string `json:"policy,omitempty"`
}

// StricterEdits is what a workload's template lacks for a level: it is reached by the edits if and only if there are no obstacles.
type StricterEdits struct {
	Level     api.Level          `json:"level"`
	Edits     []TemplateEdit     `json:"edits"`
	Obstacles []StricterObstacle `json:"obstacles"`
}

// TemplateEdit is one value to write into the template; Path, Container and Value are as in Mutation.
type TemplateEdit struct {
	Path      string `json:"path"`
	Container string `json:"container,omitempty"`
	Value     string `json:"value"`
	// Check of the standards that asks for it.
	Check string `json:"check"`
	// Safety is safe if the edit changes nothing that can matter, else test: its owner has to try it. Why says the reason.
	Safety string `json:"safety" values:"safe test"`
	Why    string `json:"why"`
}

// StricterObstacle is a check that no edit settles.
type StricterObstacle struct {
	Check string `json:"check"`
	// Why is PSA's own text, Advice what a person can do.
	Why    string `json:"why"`
	Advice string `json:"advice"`
	// Injected: not the template fails, but only what its pods have beyond it.
	Injected bool `json:"injected,omitempty"`
}

// TemplateOutline tells of a pod template what a patch needs beside the values that it writes.
type TemplateOutline struct {
	// Parents are those of the objects on the way to a field that the template has, as it was read: "spec.securityContext",
	// "spec.containers[0].securityContext.capabilities". A JSON patch has to make the others.
	Parents []string `json:"parents"`
	// Containers: init containers first, then those that live pods have beyond the template.
	Containers []TemplateContainer `json:"containers"`
}

// TemplateContainer names a container, and what runs in it.
type TemplateContainer struct {
	Name string `json:"name"`
	// Image without tag and digest; absent where it is not known.
	Image string `json:"image,omitempty"`
	// Injected: the template does not have it, but live pods do, or are taken to get it (see Workload.Injections).
	Injected bool `json:"injected,omitempty"`
}

// ManagedBy tells which tool writes an object, and from what.
type ManagedBy struct {
	// Tool is the tool's name, absent if only a chart is known.
	Tool string `json:"tool,omitempty"`
	// Source in the tool's own words: "release web/grafana", "Kustomization flux-system/apps".
	Source string `json:"source,omitempty"`
	// Chart is a Helm chart's name and version: "grafana-6.58.7".
	Chart string `json:"chart,omitempty"`
}

// Violation is one check that the workload fails on the day after, in the library's own words, of all its forms in one.
type Violation struct {
	Check  string    `json:"check"`
	Level  api.Level `json:"level"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
}

// VersionLevel is the needed level at one version of the standards.
type VersionLevel struct {
	Version string    `json:"version" format:"version"`
	Needed  api.Level `json:"needed,omitempty"`
}

// BlockingViolation is a distinct reason for which namespaces stay below the next stricter level, told once.
type BlockingViolation struct {
	Check string    `json:"check"`
	Level api.Level `json:"level"`
	// Reason is PSA's own short form.
	Reason     string `json:"reason"`
	Workloads  int    `json:"workloads"`
	Namespaces int    `json:"namespaces"`
	// Examples: up to three "namespace/Kind/name".
	Examples []string `json:"examples,omitempty"`
}

// IneffectiveGrant is something odd that grants nothing, or of which it is not known what it grants.
type IneffectiveGrant struct {
	message.Message
	// Subject is the binding or role; Others are more of them that the same is to be said of.
	Subject string   `json:"what"`
	Others  []string `json:"others,omitempty"`
	// RoleNotRead is true for a role that bindings refer to and that was not read: what it grants is not known.
	RoleNotRead bool `json:"unread,omitempty"`
}

// Gap is something that could not be read or judged.
type Gap struct {
	// Message says why, and what to try next.
	message.Message
	// What could not be read or judged: "pods", `Deployment "web/api"`, "document 3".
	What string `json:"what"`
	// Affects lists the namespaces it touches; "*" stands for every one.
	Affects []string `json:"affects"`
	// Changes is all that it can change of them: workloads (what runs), grants (who may use which policy, and who may create
	// pods), policies, or labels (the Pod Security labels of the namespace). Absent, it can change anything.
	Changes  string            `json:"changes,omitempty" values:"grants labels policies workloads"`
	Position pspparse.Position `json:"position,omitzero"`
}

// Note is worth telling and makes nothing uncertain.
type Note struct {
	message.Message
	// What it is about: an object, a file, a kind of object.
	What     string            `json:"what"`
	Position pspparse.Position `json:"position,omitzero"`
}
