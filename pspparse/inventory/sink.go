package inventory

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Sink receives what the readers of files and of clusters deliver, object by object and in any order. A Builder is one;
// it makes an Inventory of what it is given. No method keeps the bytes or the pod specs that it is handed. A position
// is that of the object's document, and zero for an object of a live cluster.
type Sink interface {
	CustomSink

	// Decode takes an object as JSON. Handled is false for a kind that only package pspparse or package custom reads, or
	// nobody; the error says why a kind that is read could not be decoded.
	Decode(apiVersion, kind string, data []byte, at pspparse.Position) (handled bool, err error)
	// DecodeBothReadings takes a workload whose document gives a key twice, once with the first value and once with the
	// last; why says which key. It returns false, and takes nothing, where the two cannot both be used.
	DecodeBothReadings(apiVersion, kind string, first, last []byte, why string, at pspparse.Position) bool

	// AddPolicy takes a PodSecurityPolicy.
	AddPolicy(p *pspparse.Policy)
	// AddNamespace takes a Namespace.
	AddNamespace(n Namespace)
	// AddServiceAccount takes a ServiceAccount.
	AddServiceAccount(s ServiceAccount)
	// AddRole takes a Role, or a ClusterRole without a namespace.
	AddRole(r Role)
	// AddBinding takes a RoleBinding, or a ClusterRoleBinding without a namespace.
	AddBinding(x Binding)
	// AddPod takes a Pod that a server has, or had.
	AddPod(m ObjectMeta, spec *corev1.PodSpec, phase corev1.PodPhase, at pspparse.Position)
	// AddTemplate takes an object of a workload kind with a pod template, which asks for a number of pods.
	AddTemplate(kind string, m ObjectMeta, replicas int, t *corev1.PodTemplateSpec, at pspparse.Position)
	// AddAPIServer takes a Pod that may be the mirror pod of an API server of the cluster, for its flags.
	AddAPIServer(m ObjectMeta, containers []corev1.Container, phase corev1.PodPhase, at pspparse.Position)

	// AddListedResource says that the server gave all objects of a resource of an API group.
	AddListedResource(group, resource string)
	// CountSkipped counts a document of a kind that holds no pod, policy or grant.
	CountSkipped(kind string)
}

// CustomSink receives what package custom finds in objects of other kinds than those that a Builder decodes.
type CustomSink interface {
	// AddCustomObject takes an object of a kind that is not Kubernetes' own, from which pods are made. An error says which
	// of its pod templates could not be decoded; then nothing was taken.
	AddCustomObject(o CustomObject) error
	// AddAdmissionRule takes a webhook, or a rule of a policy engine, that changes or refuses pods.
	AddAdmissionRule(r AdmissionRule)
	// AddInjectedParts takes an object whose containers and volumes are added to the pods of other objects, as its Partial template.
	AddInjectedParts(o CustomObject)
	// AddAdmissionPolicyBinding takes the binding that puts an admission policy of Kubernetes into force.
	AddAdmissionPolicyBinding(kind, policy string, scope AdmissionScope, refuses bool)
	// AddGeneratedPolicy takes an admission policy of Kubernetes that the command generate wrote, or the binding of one.
	AddGeneratedPolicy(p GeneratedPolicy)
	// AddLabelWriter takes an object that writes Pod Security labels on namespaces.
	AddLabelWriter(w LabelWriter)
	// AddNamespaceParent says that a namespace is below another one in the tree of the hierarchical namespace controller.
	AddNamespaceParent(child, parent string)
	// AddPolicyTemplate takes a PodSecurityPolicyTemplate of Rancher.
	AddPolicyTemplate(name string, at pspparse.Position)
	// AddPolicyTemplateUser says what uses such a template: a cluster, or a project.
	AddPolicyTemplateUser(template, user string, at pspparse.Position)
	// AddAdmissionConfigTemplate takes a configuration of Pod Security admission.
	AddAdmissionConfigTemplate(t AdmissionConfigTemplate)
	// AddAdmissionConfigTemplateUse says which of Rancher's templates for such a configuration a cluster is given.
	AddAdmissionConfigTemplateUse(u AdmissionConfigTemplateUse)

	// AddGap records what could not be read or evaluated.
	AddGap(g Gap)
	// AddObjectGap records the gap of one object of a file, of which there may be many.
	AddObjectGap(g Gap)
	// AddNote records a remark that makes nothing uncertain.
	AddNote(n Note)
}

var _ Sink = (*Builder)(nil)
