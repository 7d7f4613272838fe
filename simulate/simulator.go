package simulate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/harden"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// Simulator evaluates the workloads of one Inventory against the Pod Security Standards, as written and after PSP. It
// remembers the results and is not safe for concurrent use.
//
// The Verdicts it returns share their violations with one another; callers must not write into them.
type Simulator struct {
	*psp.Predictor
	evaluator *pss.Evaluator
	standards *pss.EvaluationCache
	mutations *psp.Mutations

	unmutatedFailures     map[psp.Unmutated]*pss.CheckFailures
	seccompSyncedFailures map[*inventory.Shape]*pss.CheckFailures
	templateChanges       map[string]harden.TemplateChanges
	// expectedPods are the expected pods of workloads, see AddExpectedPod.
	expectedPods map[*inventory.Workload][]*inventory.Shape
}

// NewSimulator returns a Simulator for the PodSecurityPolicies of one cluster. The error is that of pss.NewEvaluator.
func NewSimulator(policies []*pspparse.Policy) (*Simulator, error) {
	evaluator, err := pss.NewEvaluator()
	if err != nil {
		return nil, err
	}
	mutations := psp.NewMutations(policies)
	return &Simulator{
		Predictor:             psp.NewPredictor(policies, mutations),
		evaluator:             evaluator,
		standards:             pss.NewEvaluationCache(evaluator),
		mutations:             mutations,
		unmutatedFailures:     map[psp.Unmutated]*pss.CheckFailures{},
		seccompSyncedFailures: map[*inventory.Shape]*pss.CheckFailures{},
		templateChanges:       map[string]harden.TemplateChanges{},
		expectedPods:          map[*inventory.Workload][]*inventory.Shape{},
	}, nil
}

// Evaluate returns the verdict of the Pod Security Standards on a pod shape as it is.
func (sim *Simulator) Evaluate(s *inventory.Shape, v api.Version) pss.Verdict {
	return sim.standards.Evaluate(s, v)
}

// AsWritten returns the verdict on what a workload's author wrote: its template, or a bare pod without a mutation. It is
// false where that is not known: for a bare pod that a policy may have mutated, and for a controller that was not read
// itself.
func (sim *Simulator) AsWritten(w *inventory.Workload, v api.Version) (pss.Verdict, bool) {
	if w.Template != nil {
		return sim.Evaluate(w.Template, v), true
	}
	if len(w.Embedded) > 0 {
		return sim.embeddedTemplatesVerdict(w, v), true
	}
	if w.Kind == "Pod" && len(w.PodGroups) == 1 && (w.PodGroups[0].AdmittedBy == "" || sim.noPolicyMatters(w.PodGroups[0].Shape, v)) {
		return sim.Evaluate(w.PodGroups[0].Shape, v), true
	}
	return pss.Verdict{}, false
}

// ViolationsAtLevel returns those violations of a Verdict that an API server reports at one level.
func (sim *Simulator) ViolationsAtLevel(violations []pss.Violation, lv api.LevelVersion) []pss.Violation {
	return sim.evaluator.ViolationsAtLevel(violations, lv)
}
