package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// FromPlan returns the simulation of one level for the workloads of a saved Plan, as far as the Plan holds it. It fails
// for another version than the Plan's, if that version cannot be parsed, or if the library of the standards refuses its
// own checks.
func FromPlan(plan *migrate.Plan, r Request) (*Result, error) {
	if r.Target != (api.Version{}) && r.Target.String() != plan.TargetVersion {
		return nil, fmt.Errorf("simulating at %s: the plan holds verdicts at %s only; %s", r.Target, plan.TargetVersion, readAgain)
	}
	version, err := api.ParseVersion(plan.TargetVersion)
	if err != nil {
		return nil, fmt.Errorf("reading the target version of the plan: %w", err)
	}
	standards, err := pss.NewEvaluator()
	if err != nil {
		return nil, err
	}
	e := &planEvaluation{standards: standards, at: api.LevelVersion{Level: r.Level, Version: version}}
	out := &Result{APIVersion: migrate.APIVersion, Kind: Kind, Form: r.Form, Level: string(r.Level), Version: plan.TargetVersion, Results: []Workload{}}
	for i := range plan.Namespaces {
		out.Results = append(out.Results, e.evaluateNamespace(&plan.Namespaces[i], r.Form)...)
	}
	out.exempt(plan)
	return out, nil
}

// planEvaluation simulates workloads of a saved Plan at one level and version of the standards.
type planEvaluation struct {
	standards *pss.Evaluator
	at        api.LevelVersion
}

// evaluateNamespace returns the simulation of the level for the workloads of a namespace of a Plan, by kind and name.
func (e *planEvaluation) evaluateNamespace(ns *migrate.Namespace, form Form) []Workload {
	var out []Workload
	for i := range ns.Workloads {
		out = append(out, e.evaluate(ns.Name, &ns.Workloads[i], form))
	}
	for _, u := range ns.UnseenWorkloads {
		w := Workload{Namespace: ns.Name, Kind: u.Kind, Name: u.Name, Allowed: true}
		w.withdrawIfPartial(true, e.at.Level)
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b Workload) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return out
}

// evaluate returns the simulation of the level for a workload of a Plan in one form.
func (e *planEvaluation) evaluate(namespace string, w *migrate.Workload, form Form) Workload {
	out := Workload{Namespace: namespace, Kind: w.Kind, Name: w.Name}
	switch form {
	case AsAdmitted:
		e.asAdmitted(&out, w)
	case AfterPSP:
		e.afterPSP(&out, w)
		out.Estimated = w.AloneAtTarget().LevelEstimated
	default:
		e.asWritten(&out, w)
	}
	out.withdrawIfPartial(w.PartialTemplates && w.Pods == 0, e.at.Level)
	return out
}

// asWritten simulates the level for what the author of a Plan's workload wrote. The level as written may be enough. The
// Plan holds the violations after PSP; they are the same only where the level is, and where nothing was estimated.
func (e *planEvaluation) asWritten(out *Workload, w *migrate.Workload) {
	after, written := w.AloneAtTarget(), w.Levels.AsWritten
	if written == "" && !after.LevelEstimated {
		written = after.AfterPSP // no policy has made a difference to its pods
	}
	switch {
	case e.at.Level == api.LevelPrivileged, written != "" && api.CompareLevels(written, e.at.Level) >= 0:
		out.Allowed = true
	case written == "":
		out.Unknown = mutatedPodsOnly
	case written != after.AfterPSP:
		out.Unknown = fmt.Sprintf("the plan holds what it violates after PSP (%s), not as written (%s); %s", after.AfterPSP, written, readAgain)
	case after.LevelEstimated:
		out.Unknown = fmt.Sprintf("as written it meets %s, and what the plan holds of its violations after PSP is an estimate; %s", written, readAgain)
	default:
		e.afterPSP(out, w)
	}
}

// asAdmitted simulates the level for the pod as PSP admission makes it of a Plan's workload. A Plan holds the level of
// it, and no violations.
func (e *planEvaluation) asAdmitted(out *Workload, w *migrate.Workload) {
	out.AdmittedBy = w.AdmittedBy
	switch {
	case len(w.Refused) > 0:
		out.Message = refusedByPSP(w.Refused)
	case w.Levels.AsAdmitted == "":
		out.Unknown = "the plan does not say what admits it"
	case api.CompareLevels(w.Levels.AsAdmitted, e.at.Level) >= 0:
		out.Allowed = true
	default:
		out.Message = fmt.Sprintf("as admitted it meets %s (what it violates, the plan does not hold: %s)", w.Levels.AsAdmitted, readAgain)
	}
}

// afterPSP simulates the level for the pods of a Plan's workload after PSP, by the violations that the Plan holds at its
// target version alone.
func (e *planEvaluation) afterPSP(out *Workload, w *migrate.Workload) {
	after := w.AloneAtTarget()
	violations := make([]pss.Violation, len(after.Violations))
	for i, v := range after.Violations {
		violations[i] = pss.Violation(v)
	}
	out.setViolations(e.standards.ViolationsAtLevel(violations, e.at))
}
