package cluster

import (
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// addPodSecurityPolicy adds a PodSecurityPolicy of a cluster, in JSON, to the inventory. A server accepts nothing that
// the parser refuses, so a refusal is unexpected; it is a gap all the same.
func addPodSecurityPolicy(b inventory.Sink, name string, data []byte) {
	policy, problems := pspparse.ParseJSON(data, noPosition)
	if policy == nil {
		b.AddGap(podSecurityPolicyGap(name, parseErrors(problems)))
		return
	}
	b.AddPolicy(policy)
}

// podSecurityPolicyGap returns the gap of a cluster's PodSecurityPolicy that could not be parsed.
func podSecurityPolicyGap(name string, wrong []string) inventory.Gap {
	return inventory.Gap{
		What:       fmt.Sprintf("PodSecurityPolicy %q", name),
		Why:        message.New("policy-not-read", "errors", wrong),
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventory.PartPolicies,
	}
}

// parseErrors returns the errors of a cluster's PodSecurityPolicy as texts, each with its field.
func parseErrors(problems []pspparse.Problem) []string {
	var out []string
	for _, p := range problems {
		if p.Severity != pspparse.Error {
			continue
		}
		out = append(out, strings.TrimPrefix(p.Field+": "+p.Message.Text, ": "))
	}
	return out
}

// addNamespace adds a Namespace of a cluster to the inventory.
func addNamespace(b inventory.Sink, n *corev1.Namespace) {
	annotations := maps.Clone(n.Annotations)
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	b.AddNamespace(inventory.Namespace{
		Name: n.Name, UID: string(n.UID), Declared: true, Labels: n.Labels, Annotations: annotations,
		LabelManagers: inventory.LabelManagers(n.ManagedFields),
		Terminating:   n.DeletionTimestamp != nil || n.Status.Phase == corev1.NamespaceTerminating,
		ClientApplied: inventory.ClientApplied(n.Annotations, n.ManagedFields), ServerApplied: inventory.ServerApplied(n.ManagedFields),
	})
}

// addServiceAccount adds a ServiceAccount of a cluster to the inventory.
func addServiceAccount(b inventory.Sink, s *corev1.ServiceAccount) {
	b.AddServiceAccount(inventory.ServiceAccount{
		Namespace: s.Namespace, Name: s.Name, Automount: s.AutomountServiceAccountToken,
	})
}

// addRole adds a Role of a cluster to the inventory.
func addRole(b inventory.Sink, r *rbacv1.Role) { addRoleRules(b, &r.ObjectMeta, r.Rules, nil) }

// addClusterRole adds a ClusterRole of a cluster to the inventory.
func addClusterRole(b inventory.Sink, r *rbacv1.ClusterRole) {
	addRoleRules(b, &r.ObjectMeta, r.Rules, r.AggregationRule)
}

// addRoleV1beta1 adds a Role of a cluster in v1beta1 to the inventory.
func addRoleV1beta1(b inventory.Sink, r *rbacv1beta1.Role) {
	addRoleRules(b, &r.ObjectMeta, rulesFromV1beta1(r.Rules), nil)
}

// addClusterRoleV1beta1 adds a ClusterRole of a cluster in v1beta1 to the inventory.
func addClusterRoleV1beta1(b inventory.Sink, r *rbacv1beta1.ClusterRole) {
	addRoleRules(b, &r.ObjectMeta, rulesFromV1beta1(r.Rules), (*rbacv1.AggregationRule)(r.AggregationRule))
}

// addRoleRules adds a role of a cluster with its rules to the inventory, namespaced or not.
func addRoleRules(b inventory.Sink, m *metav1.ObjectMeta, rules []rbacv1.PolicyRule, aggregation *rbacv1.AggregationRule) {
	b.AddRole(inventory.Role{
		Namespace: m.Namespace, Name: m.Name, Labels: m.Labels,
		Rules: rules, Aggregation: aggregation, Stored: m.UID != "",
	})
}

// addRoleBinding adds a RoleBinding of a cluster to the inventory.
func addRoleBinding(b inventory.Sink, r *rbacv1.RoleBinding) {
	addBinding(b, &r.ObjectMeta, r.RoleRef, r.Subjects)
}

// addClusterRoleBinding adds a ClusterRoleBinding of a cluster to the inventory.
func addClusterRoleBinding(b inventory.Sink, r *rbacv1.ClusterRoleBinding) {
	addBinding(b, &r.ObjectMeta, r.RoleRef, r.Subjects)
}

// addRoleBindingV1beta1 adds a RoleBinding of a cluster in v1beta1 to the inventory.
func addRoleBindingV1beta1(b inventory.Sink, r *rbacv1beta1.RoleBinding) {
	addBinding(b, &r.ObjectMeta, rbacv1.RoleRef(r.RoleRef), subjectsFromV1beta1(r.Subjects))
}

// addClusterRoleBindingV1beta1 adds a ClusterRoleBinding of a cluster in v1beta1 to the inventory.
func addClusterRoleBindingV1beta1(b inventory.Sink, r *rbacv1beta1.ClusterRoleBinding) {
	addBinding(b, &r.ObjectMeta, rbacv1.RoleRef(r.RoleRef), subjectsFromV1beta1(r.Subjects))
}

// addBinding adds a binding of a cluster with its subjects to the inventory, namespaced or not.
func addBinding(b inventory.Sink, m *metav1.ObjectMeta, ref rbacv1.RoleRef, subjects []rbacv1.Subject) {
	b.AddBinding(inventory.Binding{
		Namespace: m.Namespace, Name: m.Name, RoleKind: ref.Kind, RoleName: ref.Name, Subjects: subjects,
	})
}

// rulesFromV1beta1 converts the v1beta1 RBAC rules of a cluster to the current type. The beta types have the same
// fields, so a Go conversion keeps everything; a field that only one of them had would not compile.
func rulesFromV1beta1(old []rbacv1beta1.PolicyRule) []rbacv1.PolicyRule {
	rules := make([]rbacv1.PolicyRule, len(old))
	for i, r := range old {
		rules[i] = rbacv1.PolicyRule(r)
	}
	return rules
}

// subjectsFromV1beta1 converts the v1beta1 RBAC subjects of a cluster to the current type, as rulesFromV1beta1 does.
func subjectsFromV1beta1(old []rbacv1beta1.Subject) []rbacv1.Subject {
	subjects := make([]rbacv1.Subject, len(old))
	for i, s := range old {
		subjects[i] = rbacv1.Subject(s)
	}
	return subjects
}
