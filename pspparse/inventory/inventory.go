package inventory

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Inventory is everything that was read of a cluster or of files. Every slice is sorted with a total order; nothing depends
// on the order in which objects were added.
type Inventory struct {
	Source Source
	// Policies are the PodSecurityPolicies by name, those included that admission can never use
	// (pspparse.Policy.UnusableReasons).
	Policies []*pspparse.Policy
	// Namespaces are those that exist: each has a Namespace object, or something that runs in it (then Declared is false).
	Namespaces      []Namespace
	ServiceAccounts []ServiceAccount
	Roles           []Role
	Bindings        []Binding
	// Workloads are sorted by namespace, kind and name.
	Workloads []Workload
	// APIServers are those whose mirror pod was read, by pod. Managed control planes show none.
	APIServers []APIServer
	// KindsRead are the workload kinds of which at least one object was read, sorted. Finished pods count, manifests of
	// pods and owners known only by their pods do not: what files say about an empty namespace depends on it.
	KindsRead []string
	// FinishedPods is the number of Succeeded and Failed pods that count nowhere: bare ones, and those whose controller was
	// read and describes all of its pods. The others are in PodGroup.Finished.
	FinishedPods int
	// AdmissionRules change or refuse pods at admission, by kind, namespace and name.
	AdmissionRules []AdmissionRule
	// GeneratedPolicies are the admission policies and bindings that the command generate wrote, by set, kind and name.
	GeneratedPolicies []GeneratedPolicy
	// ListedResources are the resources ("mutatingwebhookconfigurations.admissionregistration.k8s.io") of which a server
	// gave all objects. What files hold is never known to be all.
	ListedResources map[string]bool
	// MisplacedKeys are keys of Pod Security where they have no effect, by namespace and key.
	MisplacedKeys []MisplacedKey
	// Gaps are what could not be read or evaluated. Notes are remarks that make nothing uncertain.
	Gaps  []Gap
	Notes []Note
	// AdmissionConfigTemplates are configurations of Pod Security admission, mostly Rancher's, and
	// AdmissionConfigTemplateUses say which cluster is given which.
	AdmissionConfigTemplates    []AdmissionConfigTemplate
	AdmissionConfigTemplateUses []AdmissionConfigTemplateUse
	// LabelWriters write Pod Security labels on namespaces that were not read, or may still be made. Those of a namespace
	// that was read are in Namespace.LabelWriters.
	LabelWriters []LabelWriter
	// SCCPods is the number of pods that OpenShift's SecurityContextConstraints admitted.
	SCCPods int
	// Skipped counts the documents that hold no pod, policy or grant, by kind ("Service", or "(no kind)").
	Skipped []KindCount
}

// SourceKind is the kind of source that an Inventory was read from, such as a cluster.
type SourceKind string

// The kinds of source.
const (
	// SourceCluster and the others are the kinds of source.
	SourceCluster         SourceKind = "cluster"
	SourceFiles           SourceKind = "files"
	SourceFilesAndCluster SourceKind = "files+cluster"
	SourceSnapshot        SourceKind = "snapshot"
	SourceDemo            SourceKind = "demo"
)

// Source is what an Inventory was read from: files or a cluster, with its version and UID.
type Source struct {
	Kind SourceKind `json:"kind"`
	// Of is, for a snapshot, what that was made from; absent for all else.
	Of SourceKind `json:"of,omitempty"`
	// Name is the kubeconfig context, or the files as named by the user.
	Name string `json:"name,omitempty"`
	// ServerVersion is the API server's gitVersion, empty for files.
	ServerVersion string `json:"serverVersion,omitempty"`
	// UID is that of the namespace kube-system, which identifies a cluster. It is empty where that
	// namespace was not read, was read from a manifest that has none, or was read of two clusters.
	UID string `json:"uid,omitempty"`
	// Kubeconfig, Cluster, User, Server, As and AsGroups are the flags that the cluster was read with, beside its context.
	// Credentials are never among them.
	Kubeconfig string   `json:"kubeconfig,omitempty"`
	Cluster    string   `json:"cluster,omitempty"`
	User       string   `json:"user,omitempty"`
	Server     string   `json:"server,omitempty"`
	As         string   `json:"as,omitempty"`
	AsGroups   []string `json:"asGroups,omitempty"`
	// WithToken is true where the cluster was read with a token of its own, which is not kept: who goes there again has to
	// bring it.
	WithToken bool `json:"withToken,omitempty"`
	// Redacted is true where names are pseudonyms, which no object has: see --redact.
	Redacted bool `json:"redacted,omitempty"`
	// Run is what differs from one run to the next over the same objects; nil where that is not known.
	Run *Run `json:"run,omitempty"`
}

// Origin returns the kind of source that was read in the first place: what a snapshot was made from decides what its Inventory is known to
// have whole.
func (s *Source) Origin() SourceKind {
	if s.Kind == SourceSnapshot && s.Of != "" {
		return s.Of
	}
	return s.Kind
}

// Run is the version of the tool that read an Inventory, and the time of reading.
type Run struct {
	// Tool and its version: "psp2pss v1.2.0".
	Tool string `json:"tool,omitempty"`
	// ReadAt is when reading began, for a source that changes with time: a cluster.
	ReadAt time.Time `json:"readAt,omitzero"`
}

// Namespace is a namespace of the Inventory, with its labels and what writes them.
type Namespace struct {
	Name string
	// Declared is false where the namespace is known only by what runs in it: then its labels are not known.
	Declared bool
	Labels   map[string]string
	// Annotations are those of the object without kubectl's last-applied annotation.
	Annotations map[string]string
	// LabelManagers are the field managers that own each label, sorted, by the key of the label.
	LabelManagers map[string][]string
	// ClientApplied is true where 'kubectl apply' without --server-side has left a record of what it applied: the next
	// apply removes what that has and the new manifest does not.
	ClientApplied bool
	// ServerApplied is true where 'kubectl apply --server-side' was used under kubectl's own field manager: the next one
	// removes what the new manifest does not have. A dump without managedFields does not show it.
	ServerApplied bool
	// Terminating is true where the namespace is being deleted.
	Terminating bool
	// OwnersUnknown is true for an object that a server stored and that was read without managedFields.
	OwnersUnknown bool
	// LabelWriters are other objects that write its Pod Security labels.
	LabelWriters []LabelWriter
	// UID is empty for a manifest that no server has stored.
	UID      string
	Position pspparse.Position
}

// ServiceAccount is a ServiceAccount object of the Inventory.
type ServiceAccount struct {
	Namespace, Name string
	// Automount is automountServiceAccountToken; nil is true.
	Automount *bool
	Position  pspparse.Position
}

// Role is, in the Inventory, a Role, or with an empty Namespace a ClusterRole.
type Role struct {
	Namespace, Name string
	Labels          map[string]string
	// Rules are only those that can matter here: rules that name podsecuritypolicies, pods or namespaces, or match them by
	// a wildcard.
	Rules []rbacv1.PolicyRule
	// RuleIndexes are the places of Rules among all rules of the object, by which a patch names them; nil where OtherRules
	// is false, since then they are the same.
	RuleIndexes []int
	// OtherRules is true if the role has rules beside those: what removes its Rules then leaves something.
	OtherRules bool
	// Aggregation is set for aggregated ClusterRoles.
	Aggregation *rbacv1.AggregationRule
	// Stored is true if a server wrote this object (it has a UID): then Rules already hold what Aggregation yields.
	Stored   bool
	Position pspparse.Position
}

// Binding is, in the Inventory, a RoleBinding, or with an empty Namespace a ClusterRoleBinding.
type Binding struct {
	Namespace, Name string
	// RoleKind is Role or ClusterRole, as written.
	RoleKind, RoleName string
	Subjects           []rbacv1.Subject
	Position           pspparse.Position
}

// Shape is a pod reduced to what PSP admission and the Pod Security Standards look at. Two pods that no rule of these can
// distinguish share one *Shape, so that a verdict can be kept by pointer. It is never changed after it was made.
type Shape struct {
	// Annotations are those for seccomp and AppArmor only.
	Annotations map[string]string
	// Spec has the API defaults that change an answer (hostPort under hostNetwork, emptyDir for a volume without source,
	// the pod's securityContext), and no field that no rule reads. Service account tokens that the server mounts keep their
	// volume under a fixed name.
	Spec corev1.PodSpec
}

// PodGroup is a number of pods of one workload that differ in nothing but their names: live ones, and finished ones where
// nothing else shows what their controller will make next. A manifest that names its controller is in a group, too, and
// counts as neither, since no server has had it.
type PodGroup struct {
	Shape          *Shape
	ServiceAccount string
	// AdmittedBy is the pods' annotation kubernetes.io/psp: the policy that admitted and mutated them; "" if there is none.
	AdmittedBy string
	// Mirror is true for the mirror pods of static pods, which the kubelet creates without a service account.
	Mirror bool
	// Count is the number of live pods. It is 0 where all have finished, or are manifests.
	Count int
	// Finished is the number of Succeeded and Failed pods. It is 0 where the controller was read, itself or what stands for
	// it, and describes all of its pods. Else its pods stand in for it, finished or not.
	Finished int
	// ExamplePod is the first of the live pods by name, or of the others if none is live.
	ExamplePod string
}

// DebuggedPod is a live pod of the Inventory that 'kubectl debug' has put containers into. No controller makes them
// again, and no verdict rests on them.
type DebuggedPod struct {
	Pod string
	// Shape is the pod with these containers, WithoutDebug the one in its PodGroup.
	Shape, WithoutDebug *Shape
}

// Workload is, in the Inventory, an object that makes pods, or a bare pod, with its template and pods.
type Workload struct {
	// Kind is a workload kind of Kubernetes, a custom kind, or the kind of an owner that is known only by its pods.
	Namespace, Kind, Name string
	// ServiceAccount is that of the pod template, "default" if it names none.
	ServiceAccount string
	// Template is the pod template. For a bare pod it is what its author wrote: its manifest, if that was read, or what
	// 'kubectl apply' has left a record of on the pod. It is nil for other bare pods, for mirror pods, and for a controller
	// that was not itself read.
	Template *Shape
	// TemplateMeta is what is known of the object that holds the pod template; nil where there is no Template.
	TemplateMeta *TemplateMeta
	// PodMetas is the metadata of the pod template: several where the object was read more than once and they differ, none
	// where there is no Template, or where it has no labels and no annotation that an injector knows.
	PodMetas []*PodMeta
	// Replicas is what the controller asks for (0 for a suspended CronJob or Job). For a DaemonSet, a CronJob, a bare pod
	// and an owner that was not read it is the number of live pods, for the manifest of a bare pod 1.
	Replicas int
	// Owner is the controller that made this object and was kept apart from it: for a ReplicaSet whose template differs
	// from its Deployment's, likewise for the Job of a CronJob.
	Owner *Owner
	// PodGroups are the live pods, and for an owner that was not read the finished ones too, sorted by ExamplePod. A bare
	// pod of which only the manifest was read has none.
	PodGroups []PodGroup
	// DebuggedPods are the pods with debug containers, sorted by name.
	DebuggedPods []DebuggedPod
	Position     pspparse.Position
	// Embedded are the pod templates within an object of a kind that is not Kubernetes' own. A single one that is not
	// partial is the Template, too.
	Embedded []EmbeddedTemplate
	// Order is, where Name is a pseudonym and the real name came first among others, its place among those, from 1; else 0.
	Order int
}

// ComesBefore reports whether a workload of the Inventory stands for several rather than another does that was read before: where names are
// pseudonyms, the one whose real name came first.
func (w *Workload) ComesBefore(other *Workload) bool {
	return w.Order != 0 && (other.Order == 0 || w.Order < other.Order)
}

// Owner is the object that owns another one of the Inventory in the same namespace, and controls it.
type Owner struct {
	Kind, Name string
}

// Gap is something that could not be read into the Inventory, or not evaluated.
type Gap struct {
	// What names it: "pods", `Deployment "web/api"`, "document 3".
	What string
	// Why gives the reason and what to try next.
	Why      message.Message
	Position pspparse.Position
	// Namespaces are those that it touches, sorted. AllNamespaces in the first place stands for every one.
	Namespaces []string
	// Affects is the only part of these namespaces that what is missing can change; "" for anything.
	Affects GapPart
}

// AllNamespaces in Gap.Namespaces stands for every namespace: no namespace can have this name.
const AllNamespaces = "*"

// Note is a remark of the Inventory that makes nothing uncertain.
type Note struct {
	What     string
	Why      message.Message
	Position pspparse.Position
}

// KindCount is the number of documents of one kind that the Inventory skips.
type KindCount struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}
