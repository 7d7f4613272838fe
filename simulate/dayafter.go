package simulate

import (
	"cmp"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// DayAfter is the verdict on the pods that a workload will get once no policy fills anything in.
type DayAfter struct {
	// Verdict is the least strict over everything that the workload may turn out to be: its template, and its live pods
	// without what a policy filled in. Violations are those of every candidate at that level, each check once.
	Verdict
	// Estimated is true where part of a live pod has no template to compare it with, what a policy filled in had to be
	// taken off by rule, and the answer rests on it.
	Estimated bool
	// Pod is the first live pod, by name, at the verdict's level; empty where the template itself is at it.
	Pod string
}

// candidate is one thing that a workload's next pod may look like.
type candidate struct {
	verdict *Verdict
	pod     string // empty for the template
}

// DayAfter judges the workload for the day after at a version.
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
// What injectors are expected to add to the template (see Expect) is one more candidate.
//
// What servers before v1.27 make of the seccomp annotations that an author wrote is one more candidate.
//
// The Verdict's level is empty if there is neither template nor pod.
func (j *Judge) DayAfter(w *inventory.Workload, v api.Version) DayAfter {
	// asStored settles every doubt in favour of the pod as it is, stripped settles it against.
	var asStored, stripped []candidate
	certain := func(on *judgement, pod string) {
		if on != nil {
			c := candidate{j.verdict(on, v), pod}
			asStored, stripped = append(asStored, c), append(stripped, c)
		}
	}
	if w.Template != nil {
		certain(j.judge(w.Template), "")
		certain(j.synced(w.Template, v), "")
	}
	for _, e := range w.Embedded {
		certain(j.judge(e.Shape), "")
		if !e.Partial {
			certain(j.synced(e.Shape, v), "")
		}
	}
	for _, shape := range j.expected[w] {
		certain(j.judge(shape), "")
	}
	doubt := false
	for i := range w.Pods {
		g := &w.Pods[i]
		if g.Shape == w.Template {
			continue
		}
		if w.Template == nil && g.AdmittedBy == "" {
			certain(j.synced(g.Shape, v), g.Example) // a pod in a file, as its author wrote it
		}
		stored, without := j.readings(w.Template, g)
		asStored = append(asStored, candidate{j.verdict(stored, v), g.Example})
		stripped = append(stripped, candidate{j.verdict(without, v), g.Example})
		doubt = doubt || w.Template == nil && g.AdmittedBy != "" && !j.indifferent(g.Shape, v)
	}
	all := slices.Concat(asStored, stripped)
	verdict := leastStrict(all)
	return DayAfter{
		Verdict:   verdict,
		Estimated: doubt || !sameVerdict(leastStrict(asStored), verdict) || !sameVerdict(leastStrict(stripped), verdict),
		Pod:       decidingPod(all, verdict.Level),
	}
}

// readings returns the two ways to read a live pod, the same one twice if there is no doubt.
func (j *Judge) readings(template *inventory.Shape, g *inventory.PodGroup) (stored, without *judgement) {
	stored = j.judge(g.Shape)
	f := j.fillingBy(g.AdmittedBy)
	if f == nil {
		return stored, stored
	}
	if template != nil && f != j.unknown {
		stored = j.estimate(estimate{pod: g.Shape, template: template, by: f})
	}
	return stored, j.estimate(estimate{pod: g.Shape, template: template, by: f, beyond: true})
}

// indifferent is true for a pod to whose verdict no policy, whatever it was, can have made a difference. From v1.27 on
// servers write no seccomp annotation into its field any more, and of a live pod it is not known which fields came so.
func (j *Judge) indifferent(s *inventory.Shape, v api.Version) bool {
	if len(s.Annotations) > 0 && !v.Older(firstUnsynced()) {
		return false
	}
	without := j.estimate(estimate{pod: s, by: j.unknown, beyond: true})
	return sameVerdict(*j.verdict(j.judge(s), v), *j.verdict(without, v))
}

// estimate names a pod without what a policy filled in.
type estimate struct {
	pod *inventory.Shape
	// template is nil if there is none: then the whole pod is beyond it.
	template *inventory.Shape
	by       *filling
	// beyond is true to take values off what the template does not speak of, too.
	beyond bool
}

// estimate judges the stripped pod and keeps only the judgement: the stripped shape is not worth its memory.
func (j *Judge) estimate(e estimate) *judgement {
	found, ok := j.estimates[e]
	if !ok {
		if shape := e.shape(); shape == e.pod {
			found = j.judge(e.pod)
		} else {
			found = j.run(shape.Annotations, &shape.Spec)
		}
		j.estimates[e] = found
	}
	return found
}

// fewVerdicts are gone through quicker than looked up.
const fewVerdicts = 16

// leastStrict returns the loosest level among the candidates with every violation found at it, each check once.
func leastStrict(all []candidate) Verdict {
	var level api.Level
	for i, c := range all {
		if i == 0 || api.CompareLevels(c.verdict.Level, level) < 0 {
			level = c.verdict.Level
		}
	}
	var at []*Verdict // the distinct verdicts at the loosest level
	var many map[*Verdict]bool
	for _, c := range all {
		if c.verdict.Level != level || many[c.verdict] || many == nil && slices.Contains(at, c.verdict) {
			continue
		}
		if at = append(at, c.verdict); len(at) == fewVerdicts {
			many = map[*Verdict]bool{}
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
		return Verdict{}
	case 1:
		return *at[0]
	}
	var union []Violation
	for _, v := range at {
		union = append(union, v.Violations...)
	}
	slices.SortFunc(union, compareViolations)
	return Verdict{Level: at[0].Level, Violations: slices.Clip(OnePerCheck(slices.Compact(union)))}
}

// compareViolations is the order of Verdict.Violations.
func compareViolations(a, b Violation) int {
	return cmp.Or(
		api.CompareLevels(a.Level, b.Level),
		cmp.Compare(a.Check, b.Check),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Detail, b.Detail),
	)
}

func sameVerdict(a, b Verdict) bool {
	return a.Level == b.Level && slices.Equal(a.Violations, b.Violations)
}

// decidingPod names the first pod by name at the level, unless the template is there by itself.
func decidingPod(all []candidate, level api.Level) string {
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
