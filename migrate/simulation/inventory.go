package simulation

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// FromInventory returns the simulation of the workloads of an Inventory against one level of the Pod Security Standards. The
// Plan of the same Inventory has the exemptions and the version. It fails if that version cannot be parsed, or if the library
// of the standards refuses its own checks.
func FromInventory(inv *inventory.Inventory, plan *migrate.Plan, r Request) (*Result, error) {
	version, err := api.ParseVersion(plan.TargetVersion)
	if err != nil {
		return nil, fmt.Errorf("reading the target version of the plan: %w", err)
	}
	workloads, err := migrate.NewWorkloadSimulation(inv, migrate.Options{Target: r.Target})
	if err != nil {
		return nil, err
	}
	standards, err := pss.NewEvaluator()
	if err != nil {
		return nil, err
	}
	e := &inventoryEvaluation{workloads: workloads, standards: standards, at: api.LevelVersion{Level: r.Level, Version: version}}
	out := &Result{APIVersion: migrate.APIVersion, Kind: Kind, Form: r.Form, Level: string(r.Level), Version: version.String(), Results: []Workload{}}
	for i := range inv.Workloads {
		out.Results = append(out.Results, e.evaluate(&inv.Workloads[i], r.Form))
	}
	out.exempt(plan)
	return out, nil
}

// inventoryEvaluation simulates workloads of an Inventory at one level and version of the standards.
type inventoryEvaluation struct {
	workloads *migrate.WorkloadSimulation
	standards *pss.Evaluator
	at        api.LevelVersion
}

// evaluate returns the simulation of the level for a workload of an Inventory in one form.
func (e *inventoryEvaluation) evaluate(w *inventory.Workload, form Form) Workload {
	out := Workload{Namespace: w.Namespace, Kind: w.Kind, Name: w.Name}
	switch form {
	case AsAdmitted:
		e.asAdmitted(&out, w)
	case AfterPSP:
		after := e.workloads.AfterPSP(w, e.at.Version)
		out.setViolations(e.standards.ViolationsAtLevel(after.Violations, e.at))
		out.Estimated = after.Estimated
	default:
		e.asWritten(&out, w)
	}
	out.withdrawIfPartial(w.IsPartial(), e.at.Level)
	return out
}

// asWritten simulates the level for what the author of a workload wrote, else those of its pods that no policy has
// mutated.
func (e *inventoryEvaluation) asWritten(out *Workload, w *inventory.Workload) {
	verdict, ok := e.workloads.AsWritten(w, e.at.Version)
	if !ok {
		verdict, ok = e.unmutatedPods(w)
	}
	if !ok && e.at.Level != api.LevelPrivileged {
		out.Unknown = mutatedPodsOnly
		return
	}
	out.setViolations(e.standards.ViolationsAtLevel(verdict.Violations, e.at))
}

// asAdmitted simulates the level for the pod as PSP admission makes it of a workload's template. Where no policy admits
// it, no level is asked.
func (e *inventoryEvaluation) asAdmitted(out *Workload, w *inventory.Workload) {
	a, ok := e.workloads.AsAdmitted(w, e.at.Version)
	switch {
	case !ok:
		out.Unknown = "there is no template, or there are no policies"
	case a.Policy == "":
		out.Message = refusedByPSP(a.Refused)
	default:
		out.AdmittedBy = a.Policy
		out.setViolations(e.standards.ViolationsAtLevel(a.Violations, e.at))
	}
}

// unmutatedPods returns the simulation's verdict on those live pods of a workload that no policy has mutated. They are
// as their author, or the controller that was not read, wrote them. It is false if there are none.
func (e *inventoryEvaluation) unmutatedPods(w *inventory.Workload) (pss.Verdict, bool) {
	pods := slices.DeleteFunc(slices.Clone(w.PodGroups), func(g inventory.PodGroup) bool { return g.AdmittedBy != "" })
	if len(pods) == 0 {
		return pss.Verdict{}, false
	}
	unmutated := *w
	unmutated.PodGroups = pods
	return e.workloads.AfterPSP(&unmutated, e.at.Version).Verdict, true
}

// refusedByPSP returns the simulation's text about a pod that no usable PodSecurityPolicy admits.
func refusedByPSP(reasons []message.Message) string {
	return "refused by PodSecurityPolicy admission: " + strings.Join(message.Texts(reasons), "; ")
}
