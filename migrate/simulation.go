package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// WorkloadSimulation evaluates single workloads of an inventory in the forms whose levels a Plan has: as written, as
// admitted, after PSP.
type WorkloadSimulation struct{ builder *planBuilder }

// NewWorkloadSimulation returns the simulation of the workloads of an inventory. It returns an error where the checks
// of the standards cannot be set up.
func NewWorkloadSimulation(inv *inventory.Inventory, opts Options) (*WorkloadSimulation, error) {
	b, err := newPlanBuilder(inv, opts)
	if err != nil {
		return nil, err
	}
	return &WorkloadSimulation{b}, nil
}

// AsWritten returns the verdict on what the workload's author wrote. It returns false where only pods that a policy may
// have changed were read.
func (f *WorkloadSimulation) AsWritten(w *inventory.Workload, v api.Version) (pss.Verdict, bool) {
	return f.builder.evaluator.AsWritten(w, v)
}

// AfterPSP returns the verdict on the pods that the workload gets after PSP, when no policy mutates them.
func (f *WorkloadSimulation) AfterPSP(w *inventory.Workload, v api.Version) simulate.AfterPSP {
	return f.builder.evaluator.AfterPSP(w, v)
}

// AsAdmitted returns the verdict on the pod that PSP admission would make today of the workload's template, and the
// policy that admits it. Where none does, Refused says why, and there is no verdict. It is false where that is not
// known: where there is no template, and of a bare pod that no policy admits which is known to be usable, for whoever
// creates it may use more.
func (f *WorkloadSimulation) AsAdmitted(w *inventory.Workload, v api.Version) (a AdmittedVerdict, ok bool) {
	if w.Template == nil || len(f.builder.inv.Policies) == 0 {
		return AdmittedVerdict{}, false
	}
	prediction := f.builder.predictTemplateAdmission(w, f.builder.policiesUsableByCreator(w, f.builder.usablePoliciesOf(w)))
	if prediction.Policy == "" && w.Kind == "Pod" {
		return AdmittedVerdict{}, false
	}
	if prediction.Policy == "" {
		return AdmittedVerdict{Refused: refusalReasons(prediction)}, true
	}
	return AdmittedVerdict{Policy: prediction.Policy, Verdict: f.builder.evaluator.Evaluate(prediction.Shape, v)}, true
}

// AdmittedVerdict is how PSP admission treats a workload's new pod: the policy that admits it, or the refusals, and the
// verdict of the standards on the admitted pod.
type AdmittedVerdict struct {
	Policy  string
	Refused []message.Message
	pss.Verdict
}
