package simulate

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// AfterPSP is the verdict on the pods that a workload will get once no policy fills anything in.
type AfterPSP struct {
	// Verdict is the least strict over everything that the workload may turn out to be: its template, and its live pods
	// without what a policy filled in. Violations are those of every candidate at that level, each check once.
	pss.Verdict
	// Estimated is true where part of a live pod has no template to compare it with, what a policy filled in had to be
	// taken off by rule, and the answer rests on it.
	Estimated bool
	// Pod is the first live pod, by name, at the verdict's level; empty where the template itself is at it.
	Pod string
}

// podCandidate is one thing that a workload's next pod may look like.
type podCandidate struct {
	verdict *pss.Verdict
	pod     string // empty for the template
}

// AfterPSP judges the workload for the day after at a version.
//
// With a template, the template is one candidate. A live pod that differs from it (a webhook injected something, someone
// added a debug container, the pod is older than the template) is another: wherever the template leaves a value unset
// that the policy in the pod's kubernetes.io/psp annotation fills in, the value is put back to unset. For containers
// beyond the template nobody can tell the policy's values from the injector's, so the pod is judged twice: with them as
// stored, and without every value that the policy would have written.
//
// The doubt is over the whole pod if there is no template (a bare pod that does not tell what its author wrote, an owner
// that was not read), and if the policy is not among those read: then the pod is judged as stored and again without every
// value that the policy, or any policy, would have written where the template, if any, leaves it unset. Without a template
// even a pod that its policy leaves alone is in doubt: the policy may have changed since, and another one may have filled the
// pod in before a webhook made admission start over. The doubt ends where no policy whatever could have made a difference.
//
// A pod without the annotation was touched by no policy: it is judged as stored. Debug containers are no part of the shapes
// of pods (inventory.DebuggedPod): the next pod has none. Where a template has them, as no server takes it, they are judged
// as they stand.
//
// What injectors are expected to add to the template (see AddExpectedPod) is one more candidate.
//
// What servers before v1.27 make of the seccomp annotations that an author wrote is one more candidate.
//
// The Verdict's level is empty if there is neither template nor pod.
func (sim *Simulator) AfterPSP(w *inventory.Workload, v api.Version) AfterPSP {
	// asStored settles every doubt in favour of the pod as it is, stripped settles it against.
	var asStored, stripped []podCandidate
	certain := func(on *pss.CheckFailures, pod string) {
		if on != nil {
			c := podCandidate{sim.standards.VerdictAt(on, v), pod}
			asStored, stripped = append(asStored, c), append(stripped, c)
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
		stripped = append(stripped, podCandidate{sim.standards.VerdictAt(without, v), g.ExamplePod})
		doubt = doubt || w.Template == nil && g.AdmittedBy != "" && !sim.noPolicyMatters(g.Shape, v)
	}
	all := slices.Concat(asStored, stripped)
	verdict := leastStrictVerdict(all)
	return AfterPSP{
		Verdict:   verdict,
		Estimated: doubt || !leastStrictVerdict(asStored).Equal(verdict) || !leastStrictVerdict(stripped).Equal(verdict),
		Pod:       firstPodAtLevel(all, verdict.Level),
	}
}

// failuresWithAndWithoutMutation returns the two ways to read a live pod, the same one twice if there is no doubt.
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

// noPolicyMatters is true for a pod to whose verdict no policy, whatever it was, can have made a difference. From v1.27 on
// servers write no seccomp annotation into its field any more, and of a live pod it is not known which fields came so.
func (sim *Simulator) noPolicyMatters(s *inventory.Shape, v api.Version) bool {
	if len(s.Annotations) > 0 && !v.Older(firstVersionWithoutSeccompSync()) {
		return false
	}
	without := sim.evaluateUnmutated(psp.Unmutated{Pod: s, Mutation: sim.mutations.Unknown(), BeyondTemplate: true})
	return sim.standards.Evaluate(s, v).Equal(*sim.standards.VerdictAt(without, v))
}

// evaluateUnmutated judges the stripped pod and keeps only the judgement: the stripped shape is not worth its memory.
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

// fewVerdicts are gone through quicker than looked up.
const fewVerdicts = 16

// leastStrictVerdict returns the loosest level among the candidates with every violation found at it, each check once.
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

// firstPodAtLevel names the first pod by name at the level, unless the template is there by itself.
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
