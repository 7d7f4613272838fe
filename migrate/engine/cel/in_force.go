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
	// RevisionAnnotation has on a policy the revision that the ProbePod is answered with. It changes with the text.
	RevisionAnnotation = "psp2pss.dev/revision"
	// InForceAnnotation is what a MutatingAdmissionPolicy writes into the dry run of the ProbePod: its revision.
	InForceAnnotation = "psp2pss.dev/in-force"
)

// markInForce makes a ValidatingAdmissionPolicy answer the dry run of the ProbePod with its revision. Of several failures the API server
// reports the first, so this comes first.
func markInForce(p *admissionregistrationv1.ValidatingAdmissionPolicy) error {
	revision, err := setRevision(&p.ObjectMeta, p.Spec)
	if err != nil {
		return fmt.Errorf("writing %s %q: %w", p.Kind, p.Name, err)
	}
	forbidden := metav1.StatusReasonForbidden
	p.Spec.Validations = slices.Insert(p.Spec.Validations, 0, admissionregistrationv1.Validation{
		Expression: "!(" + isProbe() + ")",
		Message:    InForceMessage(revision),
		Reason:     &forbidden,
	})
	return nil
}

// markMutatingInForce makes a MutatingAdmissionPolicy write its revision into the dry run of the ProbePod. This comes last: it changes
// nothing that a policy is chosen by.
func markMutatingInForce(p *admissionregistrationv1.MutatingAdmissionPolicy) error {
	revision, err := setRevision(&p.ObjectMeta, p.Spec)
	if err != nil {
		return fmt.Errorf("writing %s %q: %w", p.Kind, p.Name, err)
	}
	p.Spec.Mutations = append(p.Spec.Mutations, jsonPatch(isProbe()+" ?\n"+addAnnotations+
		" +\n[JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey("+quote(InForceAnnotation)+"), value: "+quote(revision)+"}] :\n[]"))
	return nil
}

// isProbe returns the expression that is true for the dry run of the ProbePod.
func isProbe() string {
	return "request.dryRun && object.metadata.?name.orValue('') == " + quote(ProbePod)
}

// setRevision gives a policy the annotation with the revision of its spec, and returns that. An error is one of encoding.
func setRevision(m *metav1.ObjectMeta, spec any) (string, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return "", err
	}
	const digits = 8
	revision := fmt.Sprintf("%x", sha256.Sum256(text))[:digits]
	if m.Annotations == nil {
		m.Annotations = map[string]string{}
	}
	m.Annotations[RevisionAnnotation] = revision
	return revision, nil
}

// InForceMessage returns what a ValidatingAdmissionPolicy of a revision says of the dry run of the ProbePod.
func InForceMessage(revision string) string { return "in force: revision " + revision }
