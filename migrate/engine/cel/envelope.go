package cel

import (
	"encoding/json"
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/pspparse/generated"
)

// What every object of a set is found by.
const (
	// ManagedByLabel has the value ManagedBy on all that this package writes, so that it can be removed by label.
	ManagedByLabel = generated.ManagedByLabel
	ManagedBy      = generated.ManagedBy
	// SetLabel has the name of the set, or its beginning and a hash.
	SetLabel = generated.SetLabel
	// ModeLabel has the mode of the table.
	ModeLabel = generated.ModeLabel
	// GuardSet is the set of what guards the labels of namespaces.
	GuardSet = generated.GuardSet

	levelAnnotation    = "psp2pss.dev/level"
	policiesAnnotation = "psp2pss.dev/policies"
)

// The keys of audit annotations, each behind the name of the policy and a slash.
const (
	// ReasonsKey is the audit annotation with the reasons for a refusal, on API servers before v1.37.
	ReasonsKey = "reasons"
	// PolicyKey is the audit annotation with the name of the PodSecurityPolicy that the pod says it was admitted by.
	PolicyKey = "policy"
)

// maxPoliciesAnnotation is how long the list of policies in an annotation may be.
const maxPoliciesAnnotation = 10_000

// setMeta returns the metadata of an object of a set.
func setMeta(t *engine.Table, s *engine.Set) metav1.ObjectMeta {
	m := metav1.ObjectMeta{
		Name: objectName(s.Name),
		Labels: map[string]string{
			ManagedByLabel: ManagedBy,
			SetLabel:       plainName(s.Name, maxLabelValue),
			ModeLabel:      string(t.Mode),
		},
		Annotations: map[string]string{},
	}
	if s.Level != "" {
		m.Annotations[levelAnnotation] = strings.TrimSuffix(string(s.Level)+":"+s.Version, ":")
	}
	var names []string
	for _, a := range s.Alternatives {
		names = append(names, a.Policy)
	}
	if list := strings.Join(names, ","); list != "" && len(list) <= maxPoliciesAnnotation {
		m.Annotations[policiesAnnotation] = list
	}
	if len(m.Annotations) == 0 {
		m.Annotations = nil
	}
	return m
}

// namespaceSelector returns what selects the namespaces of a set, nil for all.
func namespaceSelector(s *engine.Set) (*metav1.LabelSelector, error) {
	for _, list := range [][]string{s.Namespaces, s.Except} {
		for _, name := range list {
			if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
				return nil, fmt.Errorf("set %q: the namespace %q has no name that a selector can have: %s", s.Name, name, problems[0])
			}
		}
	}
	in := metav1.LabelSelectorRequirement{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpIn, Values: s.Namespaces}
	if len(s.Namespaces) == 0 {
		if len(s.Except) == 0 {
			return nil, nil
		}
		in.Operator, in.Values = metav1.LabelSelectorOpNotIn, s.Except
	}
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{in}}, nil
}

// podRule returns what matches operations on a resource of pods.
func podRule(resource string, operations ...admissionregistrationv1.OperationType) admissionregistrationv1.NamedRuleWithOperations {
	return admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
		Operations: operations,
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{resource}},
	}}
}

// validatingPolicy returns a ValidatingAdmissionPolicy for the pods of a set, without what it checks. Changes that leave the
// spec of a pod as it is are none of its business: labels, finalizers and the annotation of the policy can be changed always.
func validatingPolicy(t *engine.Table, s *engine.Set) *admissionregistrationv1.ValidatingAdmissionPolicy {
	fail := admissionregistrationv1.Fail
	return &admissionregistrationv1.ValidatingAdmissionPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicy"},
		ObjectMeta: setMeta(t, s),
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: &fail,
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{
				podRule("pods", admissionregistrationv1.Create, admissionregistrationv1.Update),
				podRule("pods/ephemeralcontainers", admissionregistrationv1.Update),
			}},
			MatchConditions: []admissionregistrationv1.MatchCondition{{
				Name:       "spec-changes",
				Expression: "request.operation == 'CREATE' || object.spec != oldObject.spec",
			}},
		},
	}
}

// validationActions returns what a binding does with what its policy does not accept. One that refuses audits, too: else the audit log
// says that a request was refused, and not by which expression or why.
func validationActions(action Action) []admissionregistrationv1.ValidationAction {
	switch action {
	case Audit:
		return []admissionregistrationv1.ValidationAction{admissionregistrationv1.Audit}
	case Warn:
		return []admissionregistrationv1.ValidationAction{admissionregistrationv1.Warn, admissionregistrationv1.Audit}
	default:
		return []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny, admissionregistrationv1.Audit}
	}
}

// validatingBinding returns the binding of the ValidatingAdmissionPolicy of a set.
func validatingBinding(t *engine.Table, s *engine.Set, selector *metav1.LabelSelector, action Action) *admissionregistrationv1.ValidatingAdmissionPolicyBinding {
	return &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicyBinding"},
		ObjectMeta: setMeta(t, s),
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: objectName(s.Name), MatchResources: selected(selector), ValidationActions: validationActions(action),
		},
	}
}

// mutatingPolicy returns a MutatingAdmissionPolicy for the new pods of a set, without what it writes.
func mutatingPolicy(t *engine.Table, s *engine.Set, o Options) *admissionregistrationv1.MutatingAdmissionPolicy {
	fail := admissionregistrationv1.Fail
	again := admissionregistrationv1.NeverReinvocationPolicy
	if o.Reinvoke {
		again = admissionregistrationv1.IfNeededReinvocationPolicy
	}
	return &admissionregistrationv1.MutatingAdmissionPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: mutatingVersion(o), Kind: "MutatingAdmissionPolicy"},
		ObjectMeta: setMeta(t, s),
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
			FailurePolicy:      &fail,
			ReinvocationPolicy: again,
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{
				podRule("pods", admissionregistrationv1.Create),
			}},
		},
	}
}

// mutatingBinding returns the binding of the MutatingAdmissionPolicy of a set.
func mutatingBinding(t *engine.Table, s *engine.Set, selector *metav1.LabelSelector, o Options) *admissionregistrationv1.MutatingAdmissionPolicyBinding {
	return &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: mutatingVersion(o), Kind: "MutatingAdmissionPolicyBinding"},
		ObjectMeta: setMeta(t, s),
		Spec:       admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: objectName(s.Name), MatchResources: selected(selector)},
	}
}

// selected returns what a binding matches, nil for all that its policy matches.
func selected(selector *metav1.LabelSelector) *admissionregistrationv1.MatchResources {
	if selector == nil {
		return nil
	}
	return &admissionregistrationv1.MatchResources{NamespaceSelector: selector}
}

// The releases that have the policies.
const (
	firstValidating    = 30 // ValidatingAdmissionPolicy v1
	firstMutatingBeta  = 34 // MutatingAdmissionPolicy v1beta1, where the API server is told to serve it
	firstMutatingByNow = 36 // MutatingAdmissionPolicy v1
)

// mutatingVersion returns the API version of the MutatingAdmissionPolicy that the API server serves.
func mutatingVersion(o Options) string {
	if o.Minor < firstMutatingByNow {
		return "admissionregistration.k8s.io/v1beta1"
	}
	return "admissionregistration.k8s.io/v1"
}

// sized is an object that knows how many bytes it has as the API server stores it.
type sized interface {
	Size() int
	GetName() string
}

// document returns an object of a set as a document. Its Object is a tree of maps: the types would also write a status and a time
// of creation, which are not ours.
func document(object sized, kind string, s *engine.Set, stage, place int) (Document, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return Document{}, fmt.Errorf("writing %s %q: %w", kind, object.GetName(), err)
	}
	tree := map[string]any{}
	if err := json.Unmarshal(text, &tree); err != nil {
		return Document{}, fmt.Errorf("writing %s %q: %w", kind, object.GetName(), err)
	}
	delete(tree, "status")
	if m, ok := tree["metadata"].(map[string]any); ok {
		delete(m, "creationTimestamp")
	}
	file := fmt.Sprintf("%02d-%s-%s.yaml", place, strings.ToLower(kind), plainName(s.Name, maxFileName))
	return Document{Kind: kind, Name: object.GetName(), File: file, Object: tree, Stage: stage}, nil
}
