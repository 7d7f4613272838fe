package simulate

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// AfterPSP is the verdict on the pods that a workload gets after PSP is gone, when no policy mutates them any more.
type AfterPSP struct {
	// Verdict is the least strict one over all pods that the workload may get: those of its template, and its live pods
	// without what a policy wrote. Violations are those of every such pod at that level, merged per check.
	pss.Verdict
	// Estimated is true where the verdict rests on a guess: part of a live pod has no template to compare with, and what a
	// policy may have written was taken off.
	Estimated bool
	// Pod is the name of the first live pod at the verdict's level; empty where the template itself is at it.
	Pod string
}

// podCandidate is the verdict on one form that a workload's next pod may have.
type podCandidate struct {
	verdict *pss.Verdict
	pod     string // empty for the template
}

// AfterPSP returns the verdict on a workload's pods after PSP is gone, at a version of the Pod Security Standards.
//
// With a template, the template is one candidate. A live pod that differs from it (a webhook injected something, someone
// added a debug container, the pod is older than the template) is another: a value that the template leaves unset and that
// the policy of the pod's annotation writes is unset again. For containers beyond the template the policy's values cannot
// be distinguished from the injector's. So the pod counts twice: with them as stored, and without every value that the policy would
// have written.
//
// The whole pod is in doubt if there is no template (a bare pod without a last-applied configuration, an owner that was not
// read), and if the policy was not read. Then the pod counts as stored and again without every value that the policy, or
// any policy, would have written where the template, if any, leaves it unset. Without a template even a pod that its policy
// does not mutate is in doubt: the policy may have changed since, and another one may have mutated the pod before a webhook
// made admission start over. There is no doubt where no policy can have made a difference.
//
// A pod without the annotation was mutated by no policy: it counts as stored. Debug containers are not part of pod shapes
// (inventory.DebuggedPod): the next pod has none. Where a template has them, which no API server accepts, they count as
// they are.
//
// More candidates are what injectors are expected to add to the template (see AddExpectedPod), and the fields that servers
// before v1.27 set from the seccomp annotations that an author wrote.
//
// The Verdict's level is empty if there is neither template nor pod.
func (sim *Simulator) AfterPSP(w *inventory.Workload, v api.Version) AfterPSP {
	// asStored has every pod that is in doubt as it is stored, unmutated without what a policy may have written.
	var asStored, unmutated []podCandidate
	certain := func(on *pss.CheckFailures, pod string) {
		if on != nil {
			c := podCandidate{sim.standards.VerdictAt(on, v), pod}
			asStored, unmutated = append(asStored, c), append(unmutated, c)
		}
	}
	if w.Template != nil {
		certain(sim.standards.ShapeFailures(w.Template), "")
		certain(sim.evaluateSeccompSynced(w.Template, v), "")
	}
	for _, e := range w.Embedded {
		certain(sim.standards.ShapeFailures(e.Shape), "")
		if !e.Partial {
			certain(sim.evaluateSeccompSynced(e.Shape, v), "")
		}
	}
	for _, shape := range sim.expectedPods[w] {
		certain(sim.standards.ShapeFailures(shape), "")
	}
	doubt := false
	for i := range w.PodGroups {
		g := &w.PodGroups[i]
		if g.Shape == w.Template {
			continue
		}
		if w.Template == nil && g.AdmittedBy == "" {
			certain(sim.evaluateSeccompSynced(g.Shape, v), g.ExamplePod) // a pod in a file, as its author wrote it
		}
		stored, without := sim.failuresWithAndWithoutMutation(w.Template, g)
		asStored = append(asStored, podCandidate{sim.standards.VerdictAt(stored, v), g.ExamplePod})
		unmutated = append(unmutated, podCandidate{sim.standards.VerdictAt(without, v), g.ExamplePod})
		doubt = doubt || w.Template == nil && g.AdmittedBy != "" && !sim.noPolicyMatters(g.Shape, v)
	}
	all := slices.Concat(asStored, unmutated)
	verdict := leastStrictVerdict(all)
	return AfterPSP{
		Verdict:   verdict,
		Estimated: doubt || !leastStrictVerdict(asStored).Equal(verdict) || !leastStrictVerdict(unmutated).Equal(verdict),
		Pod:       firstPodAtLevel(all, verdict.Level),
	}
}

// failuresWithAndWithoutMutation returns the failed checks of a live pod as stored, and without a policy's mutation. Both
// are the same where there is no doubt.
func (sim *Simulator) failuresWithAndWithoutMutation(template *inventory.Shape, g *inventory.PodGroup) (stored, without *pss.CheckFailures) {
	stored = sim.standards.ShapeFailures(g.Shape)
	m := sim.mutations.OfPolicy(g.AdmittedBy)
	if m == nil {
		return stored, stored
	}
	if template != nil && m != sim.mutations.Unknown() {
		stored = sim.evaluateUnmutated(psp.Unmutated{Pod: g.Shape, Template: template, Mutation: m})
	}
	return stored, sim.evaluateUnmutated(psp.Unmutated{Pod: g.Shape, Template: template, Mutation: m, BeyondTemplate: true})
}

// noPolicyMatters reports whether no PodSecurityPolicy can have made a difference to the verdict on a live pod. From v1.27
// on servers set no field from a seccomp annotation any more, and which fields of a live pod came from one is not known.
func (sim *Simulator) noPolicyMatters(s *inventory.Shape, v api.Version) bool {
	if len(s.Annotations) > 0 && !v.Older(firstVersionWithoutSeccompSync()) {
		return false
	}
	without := sim.evaluateUnmutated(psp.Unmutated{Pod: s, Mutation: sim.mutations.Unknown(), BeyondTemplate: true})
	return sim.standards.Evaluate(s, v).Equal(*sim.standards.VerdictAt(without, v))
}

// evaluateUnmutated returns the failed checks of a live pod without what a policy wrote. It keeps the checks and not the
// shape, which costs more memory.
func (sim *Simulator) evaluateUnmutated(u psp.Unmutated) *pss.CheckFailures {
	found, ok := sim.unmutatedFailures[u]
	if !ok {
		if shape := u.Shape(); shape == u.Pod {
			found = sim.standards.ShapeFailures(u.Pod)
		} else {
			found = sim.standards.PodFailures(shape.Annotations, &shape.Spec)
		}
		sim.unmutatedFailures[u] = found
	}
	return found
}

// fewVerdicts is the number of verdicts up to which a search through a list is quicker than a map.
const fewVerdicts = 16

// leastStrictVerdict returns, for the pods after PSP, the loosest level among pod candidates with every violation found
// at it, merged per check.
func leastStrictVerdict(all []podCandidate) pss.Verdict {
	var level api.Level
	for i, c := range all {
		if i == 0 || api.CompareLevels(c.verdict.Level, level) < 0 {
			level = c.verdict.Level
		}
	}
	var at []*pss.Verdict // the distinct verdicts at the loosest level
	var many map[*pss.Verdict]bool
	for _, c := range all {
		if c.verdict.Level != level || many[c.verdict] || many == nil && slices.Contains(at, c.verdict) {
			continue
		}
		if at = append(at, c.verdict); len(at) == fewVerdicts {
			many = map[*pss.Verdict]bool{}
			for _, v := range at {
				many[v] = true
			}
		}
		if many != nil {
			many[c.verdict] = true
		}
	}
	switch len(at) {
	case 0:
		return pss.Verdict{}
	case 1:
		return *at[0]
	}
	var union []pss.Violation
	for _, v := range at {
		union = append(union, v.Violations...)
	}
	slices.SortFunc(union, pss.CompareViolations)
	return pss.Verdict{Level: at[0].Level, Violations: slices.Clip(pss.MergeViolationsPerCheck(slices.Compact(union)))}
}

// firstPodAtLevel returns the first name of a workload's pod whose verdict after PSP has the level; "" if the
// template's has it.
func firstPodAtLevel(all []podCandidate, level api.Level) string {
	first := ""
	for _, c := range all {
		switch {
		case c.verdict.Level != level:
		case c.pod == "":
			return ""
		case first == "" || c.pod < first:
			first = c.pod
		}
	}
	return first
}
