package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// WorkloadSimulation judges single workloads of an inventory in the forms that a Plan sums up to levels.
type WorkloadSimulation struct{ builder *planBuilder }

// NewWorkloadSimulation prepares for the workloads of an inventory.
func NewWorkloadSimulation(inv *inventory.Inventory, opts Options) (*WorkloadSimulation, error) {
	b, err := newPlanBuilder(inv, opts)
	if err != nil {
		return nil, err
	}
	return &WorkloadSimulation{b}, nil
}

// AsWritten judges what the workload's author wrote. It is false where only pods that a policy may have changed were read.
func (f *WorkloadSimulation) AsWritten(w *inventory.Workload, v api.Version) (pss.Verdict, bool) {
	return f.builder.evaluator.AsWritten(w, v)
}

// AfterPSP judges the pods that the workload will get once no policy fills anything in.
func (f *WorkloadSimulation) AfterPSP(w *inventory.Workload, v api.Version) simulate.AfterPSP {
	return f.builder.evaluator.AfterPSP(w, v)
}

// AsAdmitted judges the pod that PSP admission would make today of the workload's template, and names the policy that
// admits it. Where none does, Refused says why, and there is no verdict. It is false where that is not known: where there is
// no template, and of a bare pod that no policy admits which is known to be usable, for whoever creates it may use more.
func (f *WorkloadSimulation) AsAdmitted(w *inventory.Workload, v api.Version) (a AdmittedVerdict, ok bool) {
	if w.Template == nil || len(f.builder.inv.Policies) == 0 {
		return AdmittedVerdict{}, false
	}
	foresight := f.builder.predictTemplateAdmission(w, f.builder.policiesUsableByCreator(w, f.builder.usablePoliciesOf(w)))
	if foresight.Policy == "" && w.Kind == "Pod" {
		return AdmittedVerdict{}, false
	}
	if foresight.Policy == "" {
		return AdmittedVerdict{Refused: refusalReasons(foresight)}, true
	}
	return AdmittedVerdict{Policy: foresight.Policy, Verdict: f.builder.evaluator.Evaluate(foresight.Shape, v)}, true
}

// AdmittedVerdict is the answer of PSP admission, and what the standards say to its result.
type AdmittedVerdict struct {
	Policy  string
	Refused []message.Message
	pss.Verdict
}
