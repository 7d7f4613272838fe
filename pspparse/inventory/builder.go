package inventory

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Meta is what is read of an object's metadata.
type Meta struct {
	Name            string                  `json:"name"`
	GenerateName    string                  `json:"generateName"`
	Namespace       string                  `json:"namespace"`
	UID             types.UID               `json:"uid"`
	Annotations     map[string]string       `json:"annotations"`
	OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
}

// Builder collects objects in any order and turns them into an Inventory. It is not safe for concurrent use.
type Builder struct{}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder { return &Builder{} }

// AddPolicy, like every Add method, refuses names that are not valid for the kind (a gap with the position), and
// settles duplicates in Build: identical ones count once, differing ones become a gap that names every position and
// none is used.
func (b *Builder) AddPolicy(p *pspparse.Policy) {}

// AddNamespace adds a Namespace object.
func (b *Builder) AddNamespace(n Namespace) {}

// AddServiceAccount adds a ServiceAccount object.
func (b *Builder) AddServiceAccount(s ServiceAccount) {}

// AddRole adds a Role, or with an empty namespace a ClusterRole, and keeps only the rules that matter.
func (b *Builder) AddRole(r Role) {}

// AddBinding adds a RoleBinding, or with an empty namespace a ClusterRoleBinding.
func (b *Builder) AddBinding(x Binding) {}

// AddPod reduces a pod to its Shape and counts it with its group. The spec is not retained.
func (b *Builder) AddPod(m Meta, spec *corev1.PodSpec, phase corev1.PodPhase, at pspparse.Position) {}

// AddTemplate adds a controller or PodTemplate of the given kind (current kind name). Replicas is what it asks for.
// The template is not retained.
func (b *Builder) AddTemplate(kind string, m Meta, replicas int, template *corev1.PodTemplateSpec, at pspparse.Position) {
}

// AddGap records something that could not be read.
func (b *Builder) AddGap(g Gap) {}

// AddNote records something to tell.
func (b *Builder) AddNote(n Note) {}

// Skip counts a document that can hold no pod, policy or grant.
func (b *Builder) Skip(kind string) {}

// Build returns the Inventory; the Builder must not be used afterwards.
func (b *Builder) Build(s Source) *Inventory { return &Inventory{Source: s} }
