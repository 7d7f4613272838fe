package custom

import (
	"bytes"
	"encoding/json"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// The labels that the command generate puts on what it writes.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	managedByUs    = "psp2pss"
	setLabel       = "psp2pss.dev/set"
	modeLabel      = "psp2pss.dev/mode"
)

// grantQuestion is how the expressions of a generated admission policy ask RBAC who may use a PodSecurityPolicy.
const grantQuestion = "resource('podsecuritypolicies')"

// addGeneratedPolicy adds an admission policy of Kubernetes, or a binding with what it says of a policy, that has the labels of the
// command generate. An object whose labels no server would take is none.
func addGeneratedPolicy(sink inventory.CustomSink, o RawObject, policyName string, actions []string) {
	if !bytes.Contains(o.JSON, []byte(setLabel)) {
		return
	}
	var doc struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(o.JSON, &doc); err != nil {
		return
	}
	labels := doc.Metadata.Labels
	for _, value := range []string{labels[setLabel], labels[modeLabel]} {
		if len(validation.IsValidLabelValue(value)) > 0 {
			return
		}
	}
	if labels[managedByLabel] != managedByUs || labels[setLabel] == "" {
		return
	}
	sink.AddGeneratedPolicy(inventory.GeneratedPolicy{
		Kind: o.Kind, Name: o.Name, Set: labels[setLabel], Mode: labels[modeLabel], PolicyName: policyName, Actions: actions,
		AsksGrants: bytes.Contains(o.JSON, []byte(grantQuestion)), Position: o.Position,
	})
}
