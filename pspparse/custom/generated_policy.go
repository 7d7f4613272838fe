package custom

import (
	"bytes"
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse/generated"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// grantQuestion is how the expressions of a generated admission policy ask RBAC who may use a PodSecurityPolicy.
const grantQuestion = "resource('podsecuritypolicies')"

// generatedPolicy returns an admission policy of Kubernetes, or the binding of one, that has the labels of the command generate; nil for
// any other. An object whose labels no server would take is none.
func generatedPolicy(o RawObject) *inventory.GeneratedPolicy {
	if !bytes.Contains(o.JSON, []byte(generated.SetLabel)) || !slices.Contains(generated.Kinds(), o.Kind) {
		return nil
	}
	var doc struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(o.JSON, &doc); err != nil {
		return nil
	}
	labels := doc.Metadata.Labels
	set, mode := labels[generated.SetLabel], labels[generated.ModeLabel]
	if labels[generated.ManagedByLabel] != generated.ManagedBy || set == "" || len(validation.IsValidLabelValue(set)) > 0 {
		return nil
	}
	if !slices.Contains(generated.Modes(), mode) {
		mode = ""
	}
	return &inventory.GeneratedPolicy{
		Kind: o.Kind, Name: o.Name, Set: set, Mode: mode, AsksGrants: bytes.Contains(o.JSON, []byte(grantQuestion)), Position: o.Position,
	}
}

// generatedBinding returns the binding of an admission policy that has the labels of the command generate, with what it says of the
// policy; nil for any other.
func generatedBinding(o RawObject, policyName string, actions []string) *inventory.GeneratedPolicy {
	out := generatedPolicy(o)
	if out == nil {
		return nil
	}
	out.PolicyName = policyName
	for _, a := range actions {
		if slices.Contains([]string{"Audit", "Deny", "Warn"}, a) {
			out.Actions = append(out.Actions, a)
		}
	}
	return out
}

// generatedMutation returns the effect of what a MutatingAdmissionPolicy of the command generate writes into pods: what policies wrote, and
// the fields by which a pod may need a looser level for it. It returns false for one that has been changed since it was written: what that
// does is not known by its marks.
func generatedMutation(o RawObject) (effect inventory.MutationEffect, loosens []string, asWritten bool) {
	asWritten, loosens = generated.AsWritten(o.JSON)
	if asWritten && len(loosens) == 0 {
		effect = inventory.EffectHarmless
	}
	return effect, loosens, asWritten
}
