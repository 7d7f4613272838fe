package snapshot

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// The records below are the lines of a snapshot. Where a record has the fields of the inventory's type in their order, Go converts
// one to the other, and a field that is added there does not compile until it is added here.

// shapeRecord is a pod shape. Other records name it by its number.
type shapeRecord struct {
	Number      int               `json:"number"`
	Annotations map[string]string `json:"annotations,omitzero"`
	Spec        corev1.PodSpec    `json:"spec"`
	// NoSupplementalGroups is true for a pod that asks for an empty list of groups, which is not the same as none.
	NoSupplementalGroups bool `json:"noSupplementalGroups,omitzero"`
}

// podMetaRecord is the metadata of a pod template. Workloads name it by its number.
type podMetaRecord struct {
	Number      int               `json:"number"`
	Labels      map[string]string `json:"labels,omitzero"`
	Annotations map[string]string `json:"annotations,omitzero"`
}

// templateMetaRecord is what is known of objects that hold pod templates. Workloads name it by its number.
type templateMetaRecord struct {
	Number             int      `json:"number"`
	ManagerTool        string   `json:"managerTool,omitzero"`
	ManagerSource      string   `json:"managerSource,omitzero"`
	Chart              string   `json:"chart,omitzero"`
	Images             []string `json:"images,omitzero"`
	HasSecurityContext bool     `json:"hasSecurityContext,omitzero"`
	HasMetadata        bool     `json:"hasMetadata,omitzero"`
	HasAnnotations     bool     `json:"hasAnnotations,omitzero"`
	Windows            bool     `json:"windows,omitzero"`
}

// namespaceRecord is a namespace.
type namespaceRecord struct {
	Name          string                  `json:"name"`
	Declared      bool                    `json:"declared,omitzero"`
	Labels        map[string]string       `json:"labels,omitzero"`
	Annotations   map[string]string       `json:"annotations,omitzero"`
	LabelManagers map[string][]string     `json:"labelManagers,omitzero"`
	ClientApplied bool                    `json:"clientApplied,omitzero"`
	ServerApplied bool                    `json:"serverApplied,omitzero"`
	Terminating   bool                    `json:"terminating,omitzero"`
	OwnersUnknown bool                    `json:"ownersUnknown,omitzero"`
	LabelWriters  []inventory.LabelWriter `json:"labelWriters,omitzero"`
	UID           string                  `json:"uid,omitzero"`
	Position      pspparse.Position       `json:"position,omitzero"`
}

// serviceAccountRecord is a service account.
type serviceAccountRecord struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Automount *bool             `json:"automount,omitzero"`
	Position  pspparse.Position `json:"position,omitzero"`
}

// roleRecord is a Role, or without a namespace a ClusterRole.
type roleRecord struct {
	Namespace   string                  `json:"namespace,omitzero"`
	Name        string                  `json:"name"`
	Labels      map[string]string       `json:"labels,omitzero"`
	Rules       []rbacv1.PolicyRule     `json:"rules,omitzero"`
	RuleIndexes []int                   `json:"ruleIndexes,omitzero"`
	OtherRules  bool                    `json:"otherRules,omitzero"`
	Aggregation *rbacv1.AggregationRule `json:"aggregation,omitzero"`
	Stored      bool                    `json:"stored,omitzero"`
	Position    pspparse.Position       `json:"position,omitzero"`
}

// bindingRecord is a RoleBinding, or without a namespace a ClusterRoleBinding.
type bindingRecord struct {
	Namespace string            `json:"namespace,omitzero"`
	Name      string            `json:"name"`
	RoleKind  string            `json:"roleKind"`
	RoleName  string            `json:"roleName"`
	Subjects  []rbacv1.Subject  `json:"subjects,omitzero"`
	Position  pspparse.Position `json:"position,omitzero"`
}

// workloadRecord is an object that makes pods, or a bare pod. Shapes and metadata are numbers of records.
type workloadRecord struct {
	Namespace      string              `json:"namespace"`
	Kind           string              `json:"kind"`
	Name           string              `json:"name"`
	ServiceAccount string              `json:"serviceAccount,omitzero"`
	Template       int                 `json:"template,omitzero"`
	TemplateMeta   int                 `json:"templateMeta,omitzero"`
	PodMetas       []int               `json:"podMetas,omitzero"`
	Replicas       int                 `json:"replicas,omitzero"`
	Owner          *ownerRecord        `json:"owner,omitzero"`
	PodGroups      []podGroupRecord    `json:"podGroups,omitzero"`
	DebuggedPods   []debuggedPodRecord `json:"debuggedPods,omitzero"`
	Position       pspparse.Position   `json:"position,omitzero"`
	Embedded       []embeddedRecord    `json:"embedded,omitzero"`
	Order          int                 `json:"order,omitzero"`
}

// ownerRecord is the controller that made a workload.
type ownerRecord struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// podGroupRecord is a number of pods of one workload that differ in nothing but their names.
type podGroupRecord struct {
	Shape          int    `json:"shape"`
	ServiceAccount string `json:"serviceAccount,omitzero"`
	AdmittedBy     string `json:"admittedBy,omitzero"`
	Mirror         bool   `json:"mirror,omitzero"`
	Count          int    `json:"count,omitzero"`
	Finished       int    `json:"finished,omitzero"`
	ExamplePod     string `json:"examplePod,omitzero"`
}

// debuggedPodRecord is a live pod with debug containers.
type debuggedPodRecord struct {
	Pod          string `json:"pod"`
	Shape        int    `json:"shape"`
	WithoutDebug int    `json:"withoutDebug"`
}

// embeddedRecord is a pod template within an object of a kind that is not Kubernetes' own.
type embeddedRecord struct {
	Path     string `json:"path"`
	Shape    int    `json:"shape,omitzero"`
	Partial  bool   `json:"partial,omitzero"`
	PodMetas []int  `json:"podMetas,omitzero"`
}

// admissionRuleRecord is what changes or refuses pods at admission.
type admissionRuleRecord struct {
	Kind         string            `json:"kind"`
	Namespace    string            `json:"namespace,omitzero"`
	Name         string            `json:"name"`
	Rule         string            `json:"rule,omitzero"`
	Mutates      bool              `json:"mutates,omitzero"`
	Scopes       []scopeRecord     `json:"scopes,omitzero"`
	ExceptScopes []scopeRecord     `json:"exceptScopes,omitzero"`
	Effect       string            `json:"effect"`
	SetFields    []string          `json:"setFields,omitzero"`
	AddedParts   int               `json:"addedParts,omitzero"`
	Category     string            `json:"category,omitzero"`
	Position     pspparse.Position `json:"position,omitzero"`
}

// scopeRecord says for which pods an admission rule holds.
type scopeRecord struct {
	Kinds           []string              `json:"kinds,omitzero"`
	Namespaces      []string              `json:"namespaces,omitzero"`
	Names           []string              `json:"names,omitzero"`
	NamespaceLabels *metav1.LabelSelector `json:"namespaceLabels,omitzero"`
	PodLabels       *metav1.LabelSelector `json:"podLabels,omitzero"`
}

// generatedPolicyRecord is an admission policy, or the binding of one, that the command generate wrote.
type generatedPolicyRecord struct {
	Kind       string            `json:"kind"`
	Name       string            `json:"name"`
	Set        string            `json:"set,omitzero"`
	Mode       string            `json:"mode,omitzero"`
	PolicyName string            `json:"policyName,omitzero"`
	Actions    []string          `json:"actions,omitzero"`
	AsksGrants bool              `json:"asksGrants,omitzero"`
	Changed    bool              `json:"changed,omitzero"`
	Position   pspparse.Position `json:"position,omitzero"`
}

// misplacedKeyRecord is a key of Pod Security where it has no effect.
type misplacedKeyRecord struct {
	Namespace   string            `json:"namespace"`
	Key         string            `json:"key"`
	Value       string            `json:"value,omitzero"`
	MeantLabel  string            `json:"meantLabel"`
	Annotation  bool              `json:"annotation,omitzero"`
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	Template    bool              `json:"template,omitzero"`
	Position    pspparse.Position `json:"position,omitzero"`
	MoreOmitted bool              `json:"moreOmitted,omitzero"`
}

// admissionConfigTemplateRecord is a configuration of Pod Security admission.
type admissionConfigTemplateRecord struct {
	Name       string            `json:"name"`
	ConfigKind string            `json:"configKind,omitzero"`
	Enforce    string            `json:"enforce,omitzero"`
	Exempts    bool              `json:"exempts,omitzero"`
	Position   pspparse.Position `json:"position,omitzero"`
}

// admissionConfigTemplateUseRecord says which cluster is given which configuration of Pod Security admission.
type admissionConfigTemplateUseRecord struct {
	Cluster  string            `json:"cluster"`
	Template string            `json:"template"`
	Position pspparse.Position `json:"position,omitzero"`
}

// gapRecord is what could not be read or evaluated.
type gapRecord struct {
	What       string            `json:"what"`
	Why        message.Message   `json:"why"`
	Position   pspparse.Position `json:"position,omitzero"`
	Namespaces []string          `json:"namespaces,omitzero"`
	Affects    inventory.GapPart `json:"affects,omitzero"`
}

// noteRecord is a remark that makes nothing uncertain.
type noteRecord struct {
	What     string            `json:"what"`
	Why      message.Message   `json:"why"`
	Position pspparse.Position `json:"position,omitzero"`
}
