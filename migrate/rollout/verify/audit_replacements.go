package verify

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sigs.k8s.io/json"
)

// failureAnnotation is the audit annotation in which an API server has the failures of ValidatingAdmissionPolicies whose bindings
// have the action Audit. Before v1.37 it has only the first failed validation of a request, so that nothing is known there of what
// the request fails beside it: another policy's, or a second one of the same policy. From v1.37 on it has up to 50
// (k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go).
const failureAnnotation = "validation.policy.admission.k8s.io/validation_failure"

// replacementPrefix is what the names of admission policies begin with that the command generate writes.
const replacementPrefix = "psp2pss-"

// policyFailure is one entry of the annotation: a request that a policy does not accept, in the words of the policy.
type policyFailure struct {
	Message string `json:"message"`
	Policy  string `json:"policy"`
}

// replacementFindings returns what an audit event says of its request by admission policies that the command generate wrote, one for
// each policy: it was refused, or let in though the policy does not accept it. It returns an error for an annotation that no API server
// writes.
func (e *auditEvent) replacementFindings() ([]policyFinding, error) {
	var out []policyFinding
	if policy, message := e.refusingReplacement(); policy != "" {
		out = append(out, policyFinding{auditPolicyRefused, policy, message})
	}
	value := e.Annotations[failureAnnotation]
	if value == "" {
		return out, nil
	}
	var failures []policyFailure
	if err := json.UnmarshalCaseSensitivePreserveInts([]byte(value), &failures); err != nil {
		return nil, fmt.Errorf("its annotation %s is no list of failures: %w", failureAnnotation, err)
	}
	for _, f := range failures {
		known := slices.ContainsFunc(out, func(o policyFinding) bool { return o.policy == f.Policy })
		if known || !strings.HasPrefix(f.Policy, replacementPrefix) {
			continue
		}
		class := auditPolicyFails
		if e.Code >= http.StatusBadRequest {
			class = auditPolicyFailsRefused
		}
		out = append(out, policyFinding{class, f.Policy, f.Message})
	}
	return out, nil
}

// policyFinding is what an audit event says of its request by one admission policy.
type policyFinding struct {
	class           auditClass
	policy, message string
}

// refusingReplacement returns the admission policy of the command generate that refused the request of an audit event, and the refusal;
// "" where none did.
func (e *auditEvent) refusingReplacement() (policy, refusal string) {
	if e.Code < http.StatusBadRequest || !isReplacementRefusal(e.Message) {
		return "", ""
	}
	_, rest, _ := strings.Cut(e.Message, replacementRefusal)
	name, _, _ := strings.Cut(rest, "'")
	return replacementPrefix + name, e.Message
}
