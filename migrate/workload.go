package migrate

import (
	"cmp"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// workload judges one workload at every version at which enforce must hold and takes the least strict answer.
func (b *builder) workload(w *inventory.Workload, in doubt) Workload {
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
	out.Exempt = b.exemption(w)
	usable := b.usable(w)
	out.UsablePolicies = b.starred(usable.names)
	for _, g := range w.Pods {
		out.Pods += g.Count
		if g.AdmittedBy != "" {
			out.Observed = append(out.Observed, g.AdmittedBy)
		}
	}
	slices.Sort(out.Observed)
	out.Observed = slices.Compact(out.Observed)

	if v, ok := b.judge.AsWritten(w, b.target); ok {
		out.Level.AsWritten = v.Level
	}
	var admitted *psp.Prediction
	if b.foreseeable(in) {
		admitted = b.foresee(&out, w, usable)
	}
	b.injected(&out, w)
	var violations []pss.Violation
	for _, v := range b.enforceAt {
		day := b.judge.AfterPSP(w, v)
		out.Level.DayAfter = leastStrict(out.Level.DayAfter, day.Level)
		out.Estimated = out.Estimated || day.Estimated
		violations = append(violations, day.Violations...)
	}
	out.Violations = orEmpty(planViolations(violations))
	out.Debugged = b.debugged(w)
	b.patchable(&out, w, admitted)
	b.embedded(&out, w)
	return out
}

// usable are the policies by which a workload's pods can be admitted.
func (b *builder) usable(w *inventory.Workload) *usable {
	answer := b.grants.UsableByWorkload(w)
	known := b.named[first(answer)]
	if known == nil {
		known = &usable{names: []string{}}
		for _, u := range answer {
			known.names = append(known.names, u.Policy)
		}
		known.set = b.judge.Usable(known.names)
		b.named[first(answer)] = known
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
	for _, v := range pss.MergePerCheck(sorted) {
		out = append(out, Violation(v))
	}
	return out
}

// needed is the strictest level that all workloads meet on the day after; "" if there are none.
func needed(workloads []Workload) api.Level {
	var l api.Level
	for i := range workloads {
		l = leastStrict(l, workloads[i].Level.DayAfter)
	}
	return l
}

// blockers are the (workload, check) pairs that keep the namespace from the level above needed.
func blockers(workloads []Workload, needed api.Level) []Blocker {
	next := nextStricter(needed)
	if next == "" {
		return nil
	}
	var out []Blocker
	for _, w := range workloads {
		if !looser(w.Level.DayAfter, next) {
			continue
		}
		for _, v := range w.Violations {
			if !looser(next, v.Level) {
				out = append(out, Blocker{Workload: WorkloadRef{w.Kind, w.Name}, Check: v.Check, Level: v.Level, Reason: v.Reason, Detail: v.Detail})
			}
		}
	}
	return out
}

// without says what the namespace would need if the workloads that hold it at its level were elsewhere, level by level.
func without(workloads []Workload, level api.Level) []Without {
	var out []Without
	var moved []WorkloadRef
	for level != "" && level != api.LevelRestricted {
		var rest api.Level
		for _, w := range workloads {
			switch {
			case w.Level.DayAfter == level:
				moved = append(moved, WorkloadRef{w.Kind, w.Name})
			case looser(level, w.Level.DayAfter):
				rest = leastStrict(rest, w.Level.DayAfter)
			}
		}
		if rest == "" {
			break
		}
		out = append(out, Without{Workloads: slices.Clone(moved), Level: rest})
		level = rest
	}
	return out
}

// causes tells each distinct violation that blocks some namespace once, the most frequent first.
func causes(namespaces []Namespace) []Cause {
	type key struct {
		check  string
		level  api.Level
		reason string
	}
	found := map[key]*Cause{}
	for _, ns := range namespaces {
		seen := map[key]bool{}
		counted := map[key]WorkloadRef{}
		for _, bl := range ns.Blockers {
			k := key{bl.Check, bl.Level, bl.Reason}
			c := found[k]
			if c == nil {
				c = &Cause{Check: bl.Check, Level: bl.Level, Reason: bl.Reason}
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
	var out []Cause
	for _, c := range found {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y Cause) int {
		return cmp.Or(cmp.Compare(y.Namespaces, x.Namespaces), cmp.Compare(y.Workloads, x.Workloads), cmp.Compare(x.Check, y.Check), cmp.Compare(x.Level, y.Level), cmp.Compare(x.Reason, y.Reason))
	})
	return out
}
