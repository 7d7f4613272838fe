package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// Forms judges single workloads of an inventory in the forms that a Plan sums up to levels.
type Forms struct{ b *builder }

// NewForms prepares for the workloads of an inventory.
func NewForms(inv *inventory.Inventory, opts Options) (*Forms, error) {
	b, err := newBuilder(inv, opts)
	if err != nil {
		return nil, err
	}
	return &Forms{b}, nil
}

// AsWritten judges what the workload's author wrote. It is false where only pods that a policy may have changed were read.
func (f *Forms) AsWritten(w *inventory.Workload, v api.Version) (pss.Verdict, bool) {
	return f.b.judge.AsWritten(w, v)
}

// DayAfter judges the pods that the workload will get once no policy fills anything in.
func (f *Forms) DayAfter(w *inventory.Workload, v api.Version) simulate.AfterPSP {
	return f.b.judge.AfterPSP(w, v)
}

// AsAdmitted judges the pod that PSP admission would make today of the workload's template, and names the policy that
// admits it. Where none does, Refused says why, and there is no verdict. It is false where that is not known: where there is
// no template, and of a bare pod that no policy admits which is known to be usable, for whoever creates it may use more.
func (f *Forms) AsAdmitted(w *inventory.Workload, v api.Version) (a AsAdmitted, ok bool) {
	if w.Template == nil || len(f.b.inv.Policies) == 0 {
		return AsAdmitted{}, false
	}
	foresight := f.b.foreseeTemplate(w, f.b.usableAgain(w, f.b.usable(w)))
	if foresight.Policy == "" && w.Kind == "Pod" {
		return AsAdmitted{}, false
	}
	if foresight.Policy == "" {
		return AsAdmitted{Refused: refusal(foresight)}, true
	}
	return AsAdmitted{Policy: foresight.Policy, Verdict: f.b.judge.Evaluate(foresight.Shape, v)}, true
}

// AsAdmitted is the answer of PSP admission, and what the standards say to its result.
type AsAdmitted struct {
	Policy  string
	Refused []string
	pss.Verdict
}
