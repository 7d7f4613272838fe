package custom_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Admission policies and bindings of ours are known by their labels, and no others are.
func TestGeneratedPolicies(t *testing.T) {
	t.Parallel()
	const ours = `{app.kubernetes.io/managed-by: psp2pss, psp2pss.dev/set: shop, psp2pss.dev/mode: delta}`
	b := inventory.NewBuilder()
	for _, o := range []struct{ kind, name, rest string }{
		{"ValidatingAdmissionPolicy", "asks", `metadata: {labels: ` + ours + `}
spec: {variables: [{name: use, expression: "authorizer.group('policy').resource('podsecuritypolicies').check('use').allowed()"}]}`},
		{"ValidatingAdmissionPolicy", "asks-nothing", `metadata: {labels: ` + ours + `}`},
		{"ValidatingAdmissionPolicyBinding", "bound", `metadata: {labels: ` + ours + `}
spec: {policyName: asks, validationActions: [Warn, Audit]}`},
		{"MutatingAdmissionPolicyBinding", "writes", `metadata: {labels: {app.kubernetes.io/managed-by: psp2pss, psp2pss.dev/set: guards}}
spec: {policyName: asks}`},
		{"ValidatingAdmissionPolicy", "of-somebody", `metadata: {labels: {app.kubernetes.io/managed-by: helm, psp2pss.dev/set: shop}}`},
		{"ValidatingAdmissionPolicy", "without-set", `metadata: {labels: {app.kubernetes.io/managed-by: psp2pss}, annotations: {psp2pss.dev/set: shop}}`},
		{"ValidatingAdmissionPolicy", "no-label-value", `metadata: {labels: {app.kubernetes.io/managed-by: psp2pss, psp2pss.dev/set: "a\nb"}}`},
	} {
		data, err := yaml.YAMLToJSON([]byte(o.rest))
		if err != nil {
			t.Fatal(err)
		}
		custom.ReadObject(b, custom.RawObject{APIVersion: "admissionregistration.k8s.io/v1", Kind: o.kind, Name: o.name, JSON: data})
	}
	want := []inventory.GeneratedPolicy{
		{Kind: "MutatingAdmissionPolicyBinding", Name: "writes", Set: "guards", PolicyName: "asks"},
		{Kind: "ValidatingAdmissionPolicy", Name: "asks", Set: "shop", Mode: "delta", AsksGrants: true},
		{Kind: "ValidatingAdmissionPolicy", Name: "asks-nothing", Set: "shop", Mode: "delta"},
		{Kind: "ValidatingAdmissionPolicyBinding", Name: "bound", Set: "shop", Mode: "delta", PolicyName: "asks", Actions: []string{"Warn", "Audit"}},
	}
	if diff := cmp.Diff(want, b.Build(inventory.Source{Kind: inventory.SourceFiles}).GeneratedPolicies, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
