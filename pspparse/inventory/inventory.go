package inventory

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Inventory is everything that was read. Every slice is sorted with a total order; nothing in it depends on the order
// in which objects were added.
type Inventory struct {
	Source Source
	// Policies by name. Unusable ones (pspparse.Policy.Unusable) are among them.
	Policies []*pspparse.Policy
	// Namespaces that exist: each has a Namespace object, or something that runs in it (then Declared is false).
	Namespaces      []Namespace
	ServiceAccounts []ServiceAccount
	Roles           []Role
	Bindings        []Binding
	// Workloads by namespace, kind, name.
	Workloads []Workload
	// APIServers are those of which the mirror pod was read, by pod. Managed control planes show none.
	APIServers []APIServer
	// KindsRead of workload (Pod, ReplicaSet, Deployment, ...) of which at least one object was read, sorted. Finished pods
	// count, manifests of pods and owners known only by their pods do not: what files can tell about an empty namespace depends on it.
	KindsRead []string
	// FinishedPods counts the Succeeded and Failed pods that were passed over: bare ones, and those whose controller was
	// read and tells all of its pods. The others are PodGroup.Finished.
	FinishedPods int
	// AdmissionRules change or refuse pods at admission, by kind, namespace and name.
	AdmissionRules []AdmissionRule
	// ListedResources are the resources ("mutatingwebhookconfigurations.admissionregistration.k8s.io") that a server gave all objects
	// of; what files hold is never known to be all.
	ListedResources map[string]bool
	// MisplacedKeys are keys of Pod Security where they have no effect, by namespace and key.
	MisplacedKeys []MisplacedKey
	// Gaps are what could not be read or judged. Notes are told, and make nothing uncertain.
	Gaps  []Gap
	Notes []Note
	// AdmissionConfigTemplates are Rancher's configurations of Pod Security, AdmissionTemplateUses which cluster is given which.
	AdmissionConfigTemplates    []AdmissionConfigTemplate
	AdmissionConfigTemplateUses []AdmissionConfigTemplateUse
	// LabelWriters write Pod Security labels on namespaces that were not read, or may be made; those of one that was read are
	// Namespace.Writers.
	LabelWriters []LabelWriter
	// SCCPods counts the pods that OpenShift's SecurityContextConstraints admitted.
	SCCPods int
	// Skipped counts documents that hold no pod, policy or grant, by kind ("Service", or "(no kind)").
	Skipped []KindCount
}

// SourceKind is one of cluster, files, files+cluster, snapshot, demo.
type SourceKind string

// The kinds of source.
const (
	SourceCluster         SourceKind = "cluster"
	SourceFiles           SourceKind = "files"
	SourceFilesAndCluster SourceKind = "files+cluster"
	SourceSnapshot        SourceKind = "snapshot"
	SourceDemo            SourceKind = "demo"
)

// Source says where an Inventory comes from.
type Source struct {
	Kind SourceKind `json:"kind"`
	// Name is the kubeconfig context, or the files as named by the user.
	Name string `json:"name,omitempty"`
	// ServerVersion is the API server's gitVersion, empty for files.
	ServerVersion string `json:"serverVersion,omitempty"`
	// UID is that of the namespace kube-system, by which a cluster is told from every other. It is empty where that namespace
	// was not read, was read from a manifest that has none, or was read of two clusters.
	UID string `json:"uid,omitempty"`
	// Kubeconfig, As and AsGroups are the flags that the cluster was read with, beside its context. Credentials are never
	// among them.
	Kubeconfig string   `json:"kubeconfig,omitempty"`
	As         string   `json:"as,omitempty"`
	AsGroups   []string `json:"asGroups,omitempty"`
}

// Namespace as far as labels and their owners go.
type Namespace struct {
	Name string
	// Declared is false where the namespace is known only by what runs in it: then its labels are not known.
	Declared bool
	Labels   map[string]string
	// Annotations, without kubectl's last-applied.
	Annotations map[string]string
	// LabelManagers: label key -> field managers (from managedFields) that own it, sorted.
	LabelManagers map[string][]string
	// ClientApplied is true where 'kubectl apply' without --server-side has left a record of what it applied, of whatever
	// content: what is applied next takes away what that has and it does not.
	ClientApplied bool
	// ServerApplied is true where 'kubectl apply --server-side' was used under kubectl's own field manager: the same again
	// takes away what it does not say any more. A dump without managedFields does not tell.
	ServerApplied bool
	// Terminating is true where it is being deleted.
	Terminating bool
	// OwnersUnknown is true for an object that a server stored and that was read without managedFields.
	OwnersUnknown bool
	// LabelWriters are other objects that write its Pod Security labels.
	LabelWriters []LabelWriter
	// UID is empty where a manifest was read that no server has stored.
	UID      string
	Position pspparse.Position
}

// ServiceAccount is an account that exists as an object.
type ServiceAccount struct {
	Namespace, Name string
	// Automount is automountServiceAccountToken; nil is true.
	Automount *bool
	Position  pspparse.Position
}

// Role is a Role, or with an empty Namespace a ClusterRole.
type Role struct {
	Namespace, Name string
	Labels          map[string]string
	// Rules are only those that can matter here: rules that touch podsecuritypolicies, pods or namespaces by name or
	// by wildcard.
	Rules []rbacv1.PolicyRule
	// RuleIndexes are those of Rules among all rules of the object, by which a patch names them; nil where Others is false, since
	// then they are the same.
	RuleIndexes []int
	// OtherRules is true if the role has rules beside those: what takes its rules from this role then takes something.
	OtherRules bool
	// Aggregation is set for aggregated ClusterRoles.
	Aggregation *rbacv1.AggregationRule
	// Stored is true if a server wrote this object (it has a UID): then Rules already hold what Aggregation yields.
	Stored   bool
	Position pspparse.Position
}

// Binding is a RoleBinding, or with an empty Namespace a ClusterRoleBinding.
type Binding struct {
	Namespace, Name string
	// RoleKind is Role or ClusterRole, as written.
	RoleKind, RoleName string
	Subjects           []rbacv1.Subject
	Position           pspparse.Position
}

// Shape is a pod reduced to what security looks at, interned: two pods that no rule of PSP or PSS can tell apart share
// one *Shape, so a verdict can be cached by pointer. A Shape is never changed after it was made.
type Shape struct {
	// Annotations are the seccomp and AppArmor ones only; kubernetes.io/psp lives in PodGroup.AdmittedBy.
	Annotations map[string]string
	// Spec has API defaults applied that change an answer (hostPort under hostNetwork, emptyDir for a volume without
	// source, pod securityContext), and no field that neither PSP nor PSS reads. Service account tokens that the
	// server mounts keep their volume under a fixed name.
	Spec corev1.PodSpec
}

// PodGroup is a number of pods of one workload that differ in nothing but their names: live ones, and finished ones
// where nothing else tells what their controller will make next. A manifest that names its controller is one, too, and counts
// as neither: no server has had it.
type PodGroup struct {
	Shape          *Shape
	ServiceAccount string
	// AdmittedBy is the pods' kubernetes.io/psp annotation: the policy that mutated them; "" if there is none.
	AdmittedBy string
	// Mirror is true for mirror pods of static pods: no service account, created by the kubelet.
	Mirror bool
	// Count is the number of live pods; it is 0 where all have finished, or are manifests.
	Count int
	// Finished is the number of Succeeded and Failed pods. It is 0 where the controller was read, itself or what it would
	// fold into, and tells all of its pods. Else its pods stand in for it, finished or not.
	Finished int
	// ExamplePod is the first of the live pods by name, or of the others if none is live.
	ExamplePod string
}

// DebuggedPod is a pod that 'kubectl debug' has put containers into. No controller makes them again, and no verdict rests on
// them.
type DebuggedPod struct {
	Pod string
	// Shape is the pod with these containers, Without the one in its PodGroup.
	Shape, WithoutDebug *Shape
}

// Workload is something that makes pods, or a bare pod.
type Workload struct {
	// Kind is Pod, ReplicaSet, ReplicationController, Deployment, StatefulSet, DaemonSet, Job, CronJob, PodTemplate, or
	// the kind of an owner that is known only by its pods.
	Namespace, Kind, Name string
	// ServiceAccount is the template's, "default" if it names none.
	ServiceAccount string
	// Template of a bare pod is what its author wrote: its manifest, if that was read, or what kubectl apply has left a record
	// of on the pod. It is nil for other bare pods, for mirror pods, and for a controller that was not itself read.
	Template *Shape
	// TemplateMeta tells more of the object that holds the template; nil where there is no Template.
	TemplateMeta *TemplateMeta
	// PodMetas is the metadata of the template: several where the object was read more than once and they differ. None where
	// there is no Template, or it has no labels and no annotation that an injector knows.
	PodMetas []*PodMeta
	// Replicas is what the controller asks for (0 for a suspended CronJob or Job); for a DaemonSet, a CronJob, a bare
	// pod and an owner not read it is the number of live pods, for the manifest of a bare pod 1.
	Replicas int
	// Owner is the controller that made this object and was kept apart from it: set for a ReplicaSet whose template
	// differs from its Deployment's, likewise for the Job of a CronJob.
	Owner *Owner
	// PodGroups are the live ones, and for an owner not read the finished ones too, sorted by Example. A bare pod of which only the
	// manifest was read has none.
	PodGroups []PodGroup
	// DebuggedPods are the pods with debug containers, sorted by name.
	DebuggedPods []DebuggedPod
	Position     pspparse.Position
	// Embedded are the pod templates within an object of a kind that is not Kubernetes' own. A single one that is not
	// partial is the Template, too.
	Embedded []EmbeddedTemplate
}

// Owner names a controlling owner in the same namespace.
type Owner struct {
	Kind, Name string
}

// Gap is something that could not be read or judged.
type Gap struct {
	// What names it: "pods", `Deployment "web/api"`, "document 3".
	What string
	// Why gives the reason and what to try next.
	Why      message.Message
	Position pspparse.Position
	// Namespaces it touches, sorted. AllNamespaces in the first place stands for every one.
	Namespaces []string
	// Affects is all that what is missing can change of them; "" for anything.
	Affects GapPart
}

// AllNamespaces in Gap.Namespaces stands for every namespace: no namespace can have this name.
const AllNamespaces = "*"

// Note is worth telling and makes nothing uncertain.
type Note struct {
	What     string
	Why      message.Message
	Position pspparse.Position
}

// KindCount counts skipped documents of one kind.
type KindCount struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}
