package cel

import (
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// The revision that a dry run answers with is that of the annotation, comes before all that the policy checks, and changes with it.
func TestMarkInForce(t *testing.T) {
	t.Parallel()
	revisions := map[string]bool{}
	for _, expression := range []string{"true", "false"} {
		p := &admissionregistrationv1.ValidatingAdmissionPolicy{}
		p.Spec.Validations = []admissionregistrationv1.Validation{{Expression: expression}}
		if err := markInForce(p); err != nil {
			t.Fatal(err)
		}
		revision := p.Annotations[RevisionAnnotation]
		revisions[revision] = true
		first := p.Spec.Validations[0]
		if len(p.Spec.Validations) != 2 || first.Message != InForceMessage(revision) || !strings.Contains(first.Expression, "request.dryRun && ") || !strings.Contains(first.Expression, "'"+ProbePod+"'") {
			t.Errorf("revision %q: %+v", revision, p.Spec.Validations)
		}
	}
	if len(revisions) != 2 || revisions[""] {
		t.Errorf("the revisions of two policies are %v", revisions)
	}
}
