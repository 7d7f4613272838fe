package migrate

import (
	"encoding/binary"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// evaluationCache holds the evaluations of a Plan's workloads by what they depend on: there may be many workloads, and
// few that differ.
type evaluationCache struct {
	byInput map[string]cachedEvaluation
	// numbers stand for shapes and other values that are one where they are equal.
	numbers map[any]uint64
	// violations are known by the answers that they are joined from, mutations by the prediction that has them.
	violations map[string][]Violation
	mutations  map[*psp.Prediction][]TemplateMutation
}

// cachedEvaluation is the evaluation of a workload of the Plan, with the admission drift of its live pods.
type cachedEvaluation struct {
	*Evaluation
	drift []cachedDrift
}

// cachedDrift is the admission drift of the pods in one PodGroup of a workload, by its place there.
type cachedDrift struct {
	group int
	AdmissionDrift
}

// newEvaluationCache returns an empty cache of the evaluations of a Plan's workloads.
func newEvaluationCache() *evaluationCache {
	return &evaluationCache{
		byInput: map[string]cachedEvaluation{}, numbers: map[any]uint64{}, violations: map[string][]Violation{},
		mutations: map[*psp.Prediction][]TemplateMutation{},
	}
}

// number returns the number by which a value is known in the cache keys of workload evaluations; equal values have one
// number.
func (c *evaluationCache) number(v any) uint64 {
	n, known := c.numbers[v]
	if !known {
		n = uint64(len(c.numbers))
		c.numbers[v] = n
	}
	return n
}

// violationsOf returns, for the Plan, what a workload violates at any of some versions of the standards. Callers must
// not change the answer.
func (c *evaluationCache) violationsOf(atVersions [][]pss.Violation) []Violation {
	var key [32]byte
	text := key[:0]
	for _, found := range atVersions {
		text = binary.AppendUvarint(binary.AppendUvarint(text, c.number(firstItem(found))), uint64(len(found)))
	}
	known, ok := c.violations[string(text)]
	if !ok {
		known = slices.Clip(emptyIfNil(planViolations(slices.Concat(atVersions...))))
		c.violations[string(text)] = known
	}
	return known
}

// mutationsOf returns, for the Plan, the values that a PodSecurityPolicy sets in the pods of a workload's template.
// Callers must not change the answer.
func (c *evaluationCache) mutationsOf(p *psp.Prediction) []TemplateMutation {
	known, ok := c.mutations[p]
	if !ok {
		for _, v := range p.MutatedFields {
			known = append(known, TemplateMutation{Path: v.Path, Container: v.Container, Value: v.Value, Policy: p.Policy})
		}
		known = slices.Clip(known)
		c.mutations[p] = known
	}
	return known
}

// setEvaluation sets the evaluation of a workload and the admission drift of its live pods, at every version at which
// enforce must hold: the least strict answer counts.
func (b *planBuilder) setEvaluation(out *Workload, w *inventory.Workload, in uncertainParts) {
	usable := b.usablePoliciesOf(w)
	input, cacheable := b.evaluationInput(w, usable, in)
	if known, found := b.evaluations.byInput[input]; cacheable && found {
		out.Evaluation = known.Evaluation
		for _, d := range known.drift {
			d.Pods, d.Example = w.PodGroups[d.group].Count, w.PodGroups[d.group].ExamplePod
			out.AdmissionDrift = append(out.AdmissionDrift, d.AdmissionDrift)
		}
		return
	}
	out.Evaluation = &Evaluation{}
	b.evaluate(out, w, usable, in)
	if !cacheable {
		return
	}
	fresh := cachedEvaluation{Evaluation: out.Evaluation}
	for _, d := range out.AdmissionDrift {
		group := slices.IndexFunc(w.PodGroups, func(g inventory.PodGroup) bool { return g.ExamplePod == d.Example })
		fresh.drift = append(fresh.drift, cachedDrift{group, d})
	}
	b.evaluations.byInput[input] = fresh
}

// evaluationInput returns what the evaluation of a workload depends on: workloads with the same have the same. It is false for
// one that depends on more: custom objects, and pods to which something is expected to be added.
func (b *planBuilder) evaluationInput(w *inventory.Workload, usable *usablePolicies, in uncertainParts) (input string, ok bool) {
	if len(w.Embedded) > 0 || len(b.injections.byWorkload[w]) > 0 || len(b.evaluator.ExpectedPods(w)) > 0 {
		return "", false
	}
	var key [128]byte
	text := key[:0]
	add := func(values ...any) {
		for _, v := range values {
			text = binary.AppendUvarint(text, b.evaluations.number(v))
		}
	}
	automount := func(account string) any {
		if token := b.automountTokens[serviceAccountKey{w.Namespace, account}]; token != nil {
			return *token
		}
		return nil
	}
	add(w.Kind, w.ServiceAccount == "", w.Template, w.TemplateMeta, usable, automount(w.ServiceAccount), b.canPredictAdmission(in))
	for i := range w.PodGroups {
		g := &w.PodGroups[i]
		add(g.Shape, g.ServiceAccount == "", g.AdmittedBy, automount(g.ServiceAccount), g.Mirror, g.Count > 0, g.Finished > 0)
	}
	return string(text), true
}

// evaluate computes the evaluation of a workload for the Plan: its levels, violations, mutations and edits.
func (b *planBuilder) evaluate(out *Workload, w *inventory.Workload, usable *usablePolicies, in uncertainParts) {
	out.Exempt = b.workloadExemption(w)
	out.UsablePolicies = b.abbreviateEveryPolicy(usable.names)
	for _, g := range w.PodGroups {
		if g.AdmittedBy != "" {
			out.ObservedPolicies = append(out.ObservedPolicies, g.AdmittedBy)
		}
	}
	slices.Sort(out.ObservedPolicies)
	out.ObservedPolicies = slices.Compact(out.ObservedPolicies)

	if v, ok := b.evaluator.AsWritten(w, b.target); ok {
		out.Levels.AsWritten = v.Level
	}
	var admitted *psp.Prediction
	if b.canPredictAdmission(in) {
		admitted = b.predictAdmission(out, w, usable)
	}
	b.setInjections(out, w)
	var found [][]pss.Violation
	for _, v := range b.enforceAt {
		after := b.evaluator.AfterPSP(w, v)
		out.Levels.AfterPSP = levels.LeastStrict(out.Levels.AfterPSP, after.Level)
		out.LevelEstimated = out.LevelEstimated || after.Estimated
		found = append(found, after.Violations)
	}
	out.Violations = b.evaluations.violationsOf(found)
	b.setAtTarget(out.Evaluation, w)
	b.addPatchInput(out, w, admitted)
	b.describeEmbeddedTemplates(out, w)
	setProfileAnnotations(out.Evaluation, w)
}

// setAtTarget sets what the Plan says of a workload at the target version alone, where an older server makes a difference.
func (b *planBuilder) setAtTarget(out *Evaluation, w *inventory.Workload) {
	if len(b.enforceAt) < 2 {
		return
	}
	after := b.evaluator.AfterPSP(w, b.target)
	violations := b.evaluations.violationsOf([][]pss.Violation{after.Violations})
	if after.Level == out.Levels.AfterPSP && after.Estimated == out.LevelEstimated && slices.Equal(violations, out.Violations) {
		return
	}
	out.AtTarget = &TargetEvaluation{Server: b.enforceAt[1].String(), AfterPSP: after.Level, LevelEstimated: after.Estimated, Violations: violations}
}
