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

// A MutatingAdmissionPolicy writes into the dry run of the probe, and into nothing else, the revision of its annotation, after all that it
// writes otherwise.
func TestMarkMutatingInForce(t *testing.T) {
	t.Parallel()
	revisions := map[string]bool{}
	for _, expression := range []string{"a", "b"} {
		p := &admissionregistrationv1.MutatingAdmissionPolicy{}
		p.Spec.Mutations = []admissionregistrationv1.Mutation{jsonPatch(expression)}
		if err := markMutatingInForce(p); err != nil {
			t.Fatal(err)
		}
		revision := p.Annotations[RevisionAnnotation]
		revisions[revision] = true
		last := p.Spec.Mutations[len(p.Spec.Mutations)-1].JSONPatch.Expression
		if len(p.Spec.Mutations) != 2 || !strings.HasPrefix(last, "request.dryRun && ") || !strings.Contains(last, "'"+ProbePod+"' ?") || !strings.Contains(last, "'"+InForceAnnotation+"'), value: '"+revision+"'}") {
			t.Errorf("revision %q: %+v", revision, p.Spec.Mutations)
		}
	}
	if len(revisions) != 2 || revisions[""] {
		t.Errorf("the revisions of two policies are %v", revisions)
	}
}
