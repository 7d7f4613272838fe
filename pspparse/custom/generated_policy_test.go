package custom_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/generated"
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
		{"ValidatingAdmissionPolicyBinding", "odd", `metadata: {labels: {app.kubernetes.io/managed-by: psp2pss, psp2pss.dev/set: shop, psp2pss.dev/mode: mine}}
spec: {policyName: asks, validationActions: [Refuse, Deny]}`},
		{"FineAdmissionPolicy", "of-no-kind", `metadata: {labels: ` + ours + `}`},
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
		{Kind: "ValidatingAdmissionPolicyBinding", Name: "odd", Set: "shop", PolicyName: "asks", Actions: []string{"Deny"}},
	}
	if diff := cmp.Diff(want, b.Build(inventory.Source{Kind: inventory.SourceFiles}).GeneratedPolicies, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a policy of ours writes into pods is known by its marks: pods need no looser level for it, or for some fields. Of one that was
// changed by hand it is not known.
func TestEffectOfGeneratedPolicies(t *testing.T) {
	t.Parallel()
	const policy = `{"metadata": {"name": "a", "labels": {"app.kubernetes.io/managed-by": "psp2pss", "psp2pss.dev/set": "shop", "psp2pss.dev/mode": "continuity"}, "annotations": {"psp2pss.dev/loosens": "LOOSENS", "psp2pss.dev/checksum": "CHECKSUM"}},
"spec": {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"], "scope": "*"}]},
"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/spec/securityContext', value: {}}]"}}]}}`
	for name, c := range map[string]struct {
		loosens, old, replacement string
		want                      inventory.AdmissionRule
		changed                   bool
	}{
		"as written":         {want: inventory.AdmissionRule{Effect: inventory.EffectHarmless}},
		"writes a user":      {loosens: "runAsUser", want: inventory.AdmissionRule{Effect: inventory.EffectUnknown, SetFields: []string{"runAsUser"}}},
		"changed by hand":    {old: "value: {}", replacement: "value: {'runAsUser': 0}", want: inventory.AdmissionRule{Effect: inventory.EffectUnknown}, changed: true},
		"without the labels": {old: `"app.kubernetes.io/managed-by": "psp2pss"`, replacement: `"a": "b"`, want: inventory.AdmissionRule{Effect: inventory.EffectUnknown}},
	} {
		text := strings.Replace(policy, "LOOSENS", c.loosens, 1)
		sum, err := generated.Checksum([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		text = strings.Replace(text, "CHECKSUM", sum, 1)
		if c.old != "" {
			text = strings.Replace(text, c.old, c.replacement, 1)
		}
		b := inventory.NewBuilder()
		custom.ReadObject(b, custom.RawObject{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingAdmissionPolicy", Name: "a", JSON: []byte(text)})
		b.AddAdmissionPolicyBinding("MutatingAdmissionPolicy", "a", inventory.AdmissionScope{}, true)
		inv := b.Build(inventory.Source{Kind: inventory.SourceFiles})
		if len(inv.AdmissionRules) != 1 {
			t.Fatalf("%s: %d rules", name, len(inv.AdmissionRules))
		}
		got := inventory.AdmissionRule{Effect: inv.AdmissionRules[0].Effect, SetFields: inv.AdmissionRules[0].SetFields}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, p := range inv.GeneratedPolicies {
			if p.Changed != c.changed {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}
