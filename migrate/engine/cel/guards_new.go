package cel

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
)

// newNamespacesGuard returns the MutatingAdmissionPolicy, with its binding, that gives new namespaces the label of the level,
// unless they come with one. A version that a namespace comes with stays; the guard of the labels judges it.
func newNamespacesGuard(g *GuardOptions, o Options) (*admissionregistrationv1.MutatingAdmissionPolicy, *admissionregistrationv1.MutatingAdmissionPolicyBinding) {
	fail := admissionregistrationv1.Fail
	version := "admissionregistration.k8s.io/v1"
	if o.Minor < mutatingGuardsAlways {
		version = "admissionregistration.k8s.io/v1beta1"
	}
	labels := quote(api.EnforceLevelLabel) + ": " + quote(string(g.Level))
	if g.Version != "" {
		key := quote(api.EnforceVersionLabel)
		labels += ", ?" + key + ": " + key + " in object.metadata.?labels.orValue({}) ? optional.none() : optional.of(" + quote(g.Version) + ")"
	}
	policy := &admissionregistrationv1.MutatingAdmissionPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: version, Kind: "MutatingAdmissionPolicy"},
		ObjectMeta: guardMeta(newNamespacesGuardName),
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
			FailurePolicy:      &fail,
			ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{
				namespaceRule([]string{"namespaces"}, admissionregistrationv1.Create),
			}},
			MatchConditions: append(exceptNamespaces(g.Except), admissionregistrationv1.MatchCondition{
				Name: "without-label", Expression: "!(" + quote(api.EnforceLevelLabel) + " in object.metadata.?labels.orValue({}))",
			}),
			Mutations: []admissionregistrationv1.Mutation{{
				PatchType: admissionregistrationv1.PatchTypeApplyConfiguration,
				ApplyConfiguration: &admissionregistrationv1.ApplyConfiguration{
					Expression: "Object{metadata: Object.metadata{labels: {" + labels + "}}}",
				},
			}},
		},
	}
	binding := &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: version, Kind: "MutatingAdmissionPolicyBinding"},
		ObjectMeta: guardMeta(newNamespacesGuardName),
		Spec:       admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: newNamespacesGuardName},
	}
	return policy, binding
}
