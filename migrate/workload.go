package migrate

import (
	"cmp"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// buildWorkload judges one workload at every version at which enforce must hold and takes the least strict answer.
func (b *planBuilder) buildWorkload(w *inventory.Workload, in uncertainParts) Workload {
	out := Workload{
		Kind:           w.Kind,
		Name:           w.Name,
		ServiceAccount: w.ServiceAccount,
		Replicas:       w.Replicas,
		Position:       w.Position,
	}
	if w.Owner != nil {
		out.Owner = &WorkloadRef{Kind: w.Owner.Kind, Name: w.Owner.Name}
	}
	out.Exempt = b.workloadExemption(w)
	usable := b.usablePoliciesOf(w)
	out.UsablePolicies = b.abbreviateEveryPolicy(usable.names)
	for _, g := range w.PodGroups {
		out.Pods += g.Count
		if g.AdmittedBy != "" {
			out.ObservedPolicies = append(out.ObservedPolicies, g.AdmittedBy)
		}
	}
	slices.Sort(out.ObservedPolicies)
	out.ObservedPolicies = slices.Compact(out.ObservedPolicies)

	if v, ok := b.evaluator.AsWritten(w, b.target); ok {
		out.Level.AsWritten = v.Level
	}
	var admitted *psp.Prediction
	if b.canPredictAdmission(in) {
		admitted = b.predictAdmission(&out, w, usable)
	}
	b.setInjections(&out, w)
	var violations []pss.Violation
	for _, v := range b.enforceAt {
		day := b.evaluator.AfterPSP(w, v)
		out.Level.AfterPSP = looserLevel(out.Level.AfterPSP, day.Level)
		out.LevelEstimated = out.LevelEstimated || day.Estimated
		violations = append(violations, day.Violations...)
	}
	out.Violations = emptyIfNil(planViolations(violations))
	out.DebuggedPods = b.debuggedPods(w)
	b.addPatchInput(&out, w, admitted)
	b.describeEmbeddedTemplates(&out, w)
	return out
}

// usablePoliciesOf are the policies by which a workload's pods can be admitted.
func (b *planBuilder) usablePoliciesOf(w *inventory.Workload) *usablePolicies {
	answer := b.grants.PoliciesUsableByWorkload(w)
	known := b.usablePoliciesCache[firstItem(answer)]
	if known == nil {
		known = &usablePolicies{names: []string{}}
		for _, u := range answer {
			known.names = append(known.names, u.Policy)
		}
		known.set = b.evaluator.UsablePolicies(known.names)
		b.usablePoliciesCache[firstItem(answer)] = known
	}
	return known
}

// planViolations orders baseline before restricted, then by check, and tells each check once.
func planViolations(in []pss.Violation) []Violation {
	order := func(x, y pss.Violation) int {
		return cmp.Or(cmp.Compare(strictness(x.Level), strictness(y.Level)), cmp.Compare(x.Check, y.Check), cmp.Compare(x.Reason, y.Reason), cmp.Compare(x.Detail, y.Detail))
	}
	sorted := slices.Compact(slices.SortedFunc(slices.Values(in), order))
	var out []Violation
	for _, v := range pss.MergeViolationsPerCheck(sorted) {
		out = append(out, Violation(v))
	}
	return out
}

// neededLevel is the strictest level that all workloads meet on the day after; "" if there are none.
func neededLevel(workloads []Workload) api.Level {
	var l api.Level
	for i := range workloads {
		l = looserLevel(l, workloads[i].Level.AfterPSP)
	}
	return l
}

// levelBlockers are the (workload, check) pairs that keep the namespace from the level above needed.
func levelBlockers(workloads []Workload, needed api.Level) []Blocker {
	next := NextStricterLevel(needed)
	if next == "" {
		return nil
	}
	var out []Blocker
	for _, w := range workloads {
		if !isLooserLevel(w.Level.AfterPSP, next) {
			continue
		}
		for _, v := range w.Violations {
			if !isLooserLevel(next, v.Level) {
				out = append(out, Blocker{Workload: WorkloadRef{w.Kind, w.Name}, Check: v.Check, Level: v.Level, Reason: v.Reason, Detail: v.Detail})
			}
		}
	}
	return out
}

// levelsWithoutWorkloads says what the namespace would need if the workloads that hold it at its level were elsewhere, level by level.
func levelsWithoutWorkloads(workloads []Workload, level api.Level) []LevelWithout {
	var out []LevelWithout
	var moved []WorkloadRef
	for level != "" && level != api.LevelRestricted {
		var rest api.Level
		for _, w := range workloads {
			switch {
			case w.Level.AfterPSP == level:
				moved = append(moved, WorkloadRef{w.Kind, w.Name})
			case isLooserLevel(level, w.Level.AfterPSP):
				rest = looserLevel(rest, w.Level.AfterPSP)
			}
		}
		if rest == "" {
			break
		}
		out = append(out, LevelWithout{Workloads: slices.Clone(moved), Level: rest})
		level = rest
	}
	return out
}

// countBlockingViolations tells each distinct violation that blocks some namespace once, the most frequent first.
func countBlockingViolations(namespaces []Namespace) []BlockingViolation {
	type key struct {
		check  string
		level  api.Level
		reason string
	}
	found := map[key]*BlockingViolation{}
	for _, ns := range namespaces {
		seen := map[key]bool{}
		counted := map[key]WorkloadRef{}
		for _, bl := range ns.Blockers {
			k := key{bl.Check, bl.Level, bl.Reason}
			c := found[k]
			if c == nil {
				c = &BlockingViolation{Check: bl.Check, Level: bl.Level, Reason: bl.Reason}
				found[k] = c
			}
			if !seen[k] {
				seen[k] = true
				c.Namespaces++
			}
			// Blockers of one workload stand together, and one check may have several details.
			if counted[k] == bl.Workload {
				continue
			}
			counted[k] = bl.Workload
			c.Workloads++
			if len(c.Examples) < 3 {
				c.Examples = append(c.Examples, ns.Name+"/"+bl.Workload.Kind+"/"+bl.Workload.Name)
			}
		}
	}
	var out []BlockingViolation
	for _, c := range found {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y BlockingViolation) int {
		return cmp.Or(cmp.Compare(y.Namespaces, x.Namespaces), cmp.Compare(y.Workloads, x.Workloads), cmp.Compare(x.Check, y.Check), cmp.Compare(x.Level, y.Level), cmp.Compare(x.Reason, y.Reason))
	})
	return out
}
