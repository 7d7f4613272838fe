package migrate

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// buildWorkload returns the entry of one workload in the Plan.
func (b *planBuilder) buildWorkload(w *inventory.Workload, in uncertainParts) Workload {
	out := Workload{
		Kind: w.Kind, Name: w.Name, ServiceAccount: w.ServiceAccount, Replicas: w.Replicas,
		ManagedBy: managedBy(w.TemplateMeta), Position: w.Position,
	}
	if w.Owner != nil {
		out.Owner = &WorkloadRef{Kind: w.Owner.Kind, Name: w.Owner.Name}
	}
	for _, g := range w.PodGroups {
		out.Pods += g.Count
	}
	b.setEvaluation(&out, w, in)
	out.DebuggedPods = b.debuggedPods(w)
	return out
}

// managedBy returns the tool that writes the object with a pod template; nil where none is known, or there is no template.
func managedBy(of *inventory.TemplateMeta) *ManagedBy {
	if of == nil {
		return nil
	}
	m := ManagedBy{of.Manager.Tool, of.Manager.Source, of.Chart}
	if m == (ManagedBy{}) {
		return nil
	}
	return &m
}

// usablePoliciesOf returns the policies by which a workload's pods can be admitted.
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

// planViolations returns the violations of a workload for the Plan: baseline before restricted, then by check, each
// check once.
func planViolations(in []pss.Violation) []Violation {
	order := func(x, y pss.Violation) int { return compareViolations(Violation(x), Violation(y)) }
	sorted := slices.Compact(slices.SortedFunc(slices.Values(in), order))
	var out []Violation
	for _, v := range pss.MergeViolationsPerCheck(sorted) {
		out = append(out, Violation(v))
	}
	return out
}

// compareViolations orders the violations of a workload of the Plan by level, check and text.
func compareViolations(x, y Violation) int {
	return cmp.Or(cmp.Compare(levels.Rank(x.Level), levels.Rank(y.Level)), cmp.Compare(x.Check, y.Check), cmp.Compare(x.Reason, y.Reason), cmp.Compare(x.Detail, y.Detail))
}

// neededLevel returns the strictest level that all workloads of a namespace meet after PSP is gone; "" if there are
// none.
func neededLevel(workloads []Workload) api.Level {
	var l api.Level
	for i := range workloads {
		l = levels.LeastStrict(l, workloads[i].Levels.AfterPSP)
	}
	return l
}

// levelBlockers returns the checks that keep the namespace from the level above the needed one, in the order of the levels and
// checks, each with the workloads that fail it.
func levelBlockers(workloads []Workload, needed api.Level) []Blocker {
	next := levels.NextStricter(needed)
	if next == "" {
		return nil
	}
	failing := map[Violation][]WorkloadRef{}
	for i := range workloads {
		w := &workloads[i]
		if !levels.Looser(w.Levels.AfterPSP, next) {
			continue
		}
		for _, v := range w.Violations {
			if !levels.Looser(next, v.Level) {
				failing[v] = append(failing[v], WorkloadRef{w.Kind, w.Name})
			}
		}
	}
	var out []Blocker
	for _, v := range slices.SortedFunc(maps.Keys(failing), compareViolations) {
		out = append(out, Blocker{Check: v.Check, Level: v.Level, Reason: v.Reason, Detail: v.Detail, Workloads: failing[v]})
	}
	return out
}

// levelsWithoutWorkloads returns the level that a namespace would need without the workloads that hold it at its level,
// level by level.
func levelsWithoutWorkloads(workloads []Workload, level api.Level) []LevelWithout {
	var out []LevelWithout
	var moved []WorkloadRef
	for level != "" && level != api.LevelRestricted {
		var rest api.Level
		for _, w := range workloads {
			switch {
			case w.Levels.AfterPSP == level:
				moved = append(moved, WorkloadRef{w.Kind, w.Name})
			case levels.Looser(level, w.Levels.AfterPSP):
				rest = levels.LeastStrict(rest, w.Levels.AfterPSP)
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

// countBlockingViolations returns each distinct violation that keeps a namespace of the Plan from the next level once,
// the most frequent first.
func countBlockingViolations(namespaces []Namespace) []BlockingViolation {
	type key struct {
		check  string
		level  api.Level
		reason string
	}
	found := map[key]*BlockingViolation{}
	for i := range namespaces {
		ns := &namespaces[i]
		failing := map[key][]WorkloadRef{}
		for _, bl := range ns.Blockers {
			k := key{bl.Check, bl.Level, bl.Reason}
			failing[k] = append(failing[k], bl.Workloads...)
		}
		for k, workloads := range failing {
			if found[k] == nil {
				found[k] = &BlockingViolation{Check: k.check, Level: k.level, Reason: k.reason}
			}
			slices.SortFunc(workloads, compareWorkloadRefs)
			found[k].addNamespace(ns.Name, slices.Compact(workloads)) // one check may have several details
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

// RecountBlockingViolations sets the Plan's BlockingViolations by its namespaces.
func (p *Plan) RecountBlockingViolations() {
	p.BlockingViolations = countBlockingViolations(p.Namespaces)
}

// addNamespace counts the workloads of a namespace that have the violation, each once, and names the first of them as
// examples.
func (v *BlockingViolation) addNamespace(namespace string, workloads []WorkloadRef) {
	const examples = 3
	v.Namespaces++
	v.Workloads += len(workloads)
	for _, w := range workloads[:min(len(workloads), examples-len(v.Examples))] {
		v.Examples = append(v.Examples, namespace+"/"+w.Kind+"/"+w.Name)
	}
	v.OtherWorkloads = v.Workloads - len(v.Examples)
}

// compareWorkloadRefs orders references to workloads of the Plan by kind and name.
func compareWorkloadRefs(x, y WorkloadRef) int {
	return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
}

// Holds reports whether a version of the standards is in the span of a Plan's level. A span whose ends are no versions
// holds none.
func (l VersionLevel) Holds(v api.Version) bool {
	from, err := api.ParseVersion(l.From)
	if err != nil {
		return false
	}
	to, err := api.ParseVersion(l.To)
	return err == nil && !v.Older(from) && !to.Older(v)
}

// BlockedWorkload is a workload that keeps its namespace from the next stricter level, with the checks that it fails.
type BlockedWorkload struct {
	WorkloadRef
	Blockers []*Blocker
}

// BlockedWorkloads returns the workloads of Blockers by kind and name, each with its checks in the order of Blockers.
func (ns *Namespace) BlockedWorkloads() []BlockedWorkload {
	blockers := map[WorkloadRef][]*Blocker{}
	for i := range ns.Blockers {
		for _, w := range ns.Blockers[i].Workloads {
			blockers[w] = append(blockers[w], &ns.Blockers[i])
		}
	}
	var out []BlockedWorkload
	for _, w := range slices.SortedFunc(maps.Keys(blockers), compareWorkloadRefs) {
		out = append(out, BlockedWorkload{w, blockers[w]})
	}
	return out
}

// IsOldRevision reports whether a workload of the namespace is a ReplicaSet of an earlier template without replicas and pods:
// its Deployment, which was read, keeps it for 'kubectl rollout undo', so it counts for the level, and it can be deleted.
func (ns *Namespace) IsOldRevision(w *Workload) bool {
	return w.Kind == "ReplicaSet" && w.Owner != nil && w.Replicas == 0 && w.Pods == 0 && slices.ContainsFunc(ns.Workloads, func(owner Workload) bool {
		return owner.Kind == w.Owner.Kind && owner.Name == w.Owner.Name
	})
}

// OldRevisions returns the workloads of Blockers that are old revisions, see IsOldRevision, in the order of Workloads.
func (ns *Namespace) OldRevisions() []*Workload {
	blocked := map[WorkloadRef]bool{}
	for i := range ns.Blockers {
		for _, ref := range ns.Blockers[i].Workloads {
			blocked[ref] = true
		}
	}
	var out []*Workload
	for i := range ns.Workloads {
		if w := &ns.Workloads[i]; ns.IsOldRevision(w) && blocked[WorkloadRef{Kind: w.Kind, Name: w.Name}] {
			out = append(out, w)
		}
	}
	return out
}
