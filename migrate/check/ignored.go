package check

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ignored takes what a reader delivers and the check of manifests has no use for: grants, admission rules and what only
// other tools of a cluster say.
type ignored struct{}

// AddNamespace ignores a Namespace: those of files come as JSON.
func (ignored) AddNamespace(inventory.Namespace) {}

// AddServiceAccount ignores a ServiceAccount.
func (ignored) AddServiceAccount(inventory.ServiceAccount) {}

// AddRole ignores a Role.
func (ignored) AddRole(inventory.Role) {}

// AddBinding ignores a binding of a Role.
func (ignored) AddBinding(inventory.Binding) {}

// AddPod ignores a Pod: those of files come as JSON.
func (ignored) AddPod(inventory.ObjectMeta, *corev1.PodSpec, corev1.PodPhase, pspparse.Position) {}

// AddTemplate ignores an object with a pod template: those of files come as JSON.
func (ignored) AddTemplate(string, inventory.ObjectMeta, int, *corev1.PodTemplateSpec, pspparse.Position) {
}

// AddAPIServer ignores what may be an API server.
func (ignored) AddAPIServer(inventory.ObjectMeta, []corev1.Container, corev1.PodPhase, pspparse.Position) {
}

// AddListedResource ignores what a server listed.
func (ignored) AddListedResource(string, string) {}

// AddAdmissionRule ignores a rule that changes or refuses pods: manifests are judged as written.
func (ignored) AddAdmissionRule(inventory.AdmissionRule) {}

// AddAdmissionPolicyBinding ignores the binding of an admission policy.
func (ignored) AddAdmissionPolicyBinding(string, string, inventory.AdmissionScope, bool) {}

// AddGeneratedPolicy ignores an admission policy that the command generate wrote.
func (ignored) AddGeneratedPolicy(inventory.GeneratedPolicy) {}

// AddNamespaceParent ignores the tree of namespaces.
func (ignored) AddNamespaceParent(string, string) {}

// AddPolicyTemplate ignores a template of policies.
func (ignored) AddPolicyTemplate(string, pspparse.Position) {}

// AddPolicyTemplateUser ignores the use of a template of policies.
func (ignored) AddPolicyTemplateUser(string, string, pspparse.Position) {}

// AddAdmissionConfigTemplate ignores a configuration of Pod Security admission.
func (ignored) AddAdmissionConfigTemplate(inventory.AdmissionConfigTemplate) {}

// AddAdmissionConfigTemplateUse ignores the use of a configuration of Pod Security admission.
func (ignored) AddAdmissionConfigTemplateUse(inventory.AdmissionConfigTemplateUse) {}
