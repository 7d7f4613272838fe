package cel

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// ProbePod is the name of the pod whose dry run every ValidatingAdmissionPolicy that this package writes refuses, whatever is in
	// it, with its revision: so one can wait until an API server has compiled it. A real pod of that name is judged as any other.
	ProbePod = "psp2pss-probe"
	// RevisionAnnotation has on a ValidatingAdmissionPolicy the revision that the refusal names. It changes with the text.
	RevisionAnnotation = "psp2pss.dev/revision"
)

// markInForce makes a ValidatingAdmissionPolicy answer the dry run of the ProbePod with its revision. Of several failures the API server
// reports the first, so this comes first.
func markInForce(p *admissionregistrationv1.ValidatingAdmissionPolicy) error {
	text, err := json.Marshal(p.Spec)
	if err != nil {
		return fmt.Errorf("writing %s %q: %w", p.Kind, p.Name, err)
	}
	const digits = 8
	revision := fmt.Sprintf("%x", sha256.Sum256(text))[:digits]
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	p.Annotations[RevisionAnnotation] = revision
	forbidden := metav1.StatusReasonForbidden
	p.Spec.Validations = slices.Insert(p.Spec.Validations, 0, admissionregistrationv1.Validation{
		Expression: "!(request.dryRun && object.metadata.?name.orValue('') == " + quote(ProbePod) + ")",
		Message:    InForceMessage(revision),
		Reason:     &forbidden,
	})
	return nil
}

// InForceMessage returns what a ValidatingAdmissionPolicy of a revision says of the dry run of the ProbePod.
func InForceMessage(revision string) string { return "in force: revision " + revision }
