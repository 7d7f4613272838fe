package pss

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Evaluator evaluates pods against the Pod Security Standards at any version, by the library's checks. It keeps each result
// with the ID of the check, which the library itself does not do, and it alone knows which restricted checks override
// baseline ones. It does not change once made and is safe for concurrent use.
type Evaluator struct {
	// revisions are all versions of all checks, sorted by level, ID and version: the order of violations.
	revisions []checkRevision
	// spans are the spans of versions in which the same revisions are in force, oldest first; there is always one.
	spans []versionSpan
}

// checkRevision is one version of one check of the Pod Security Standards.
type checkRevision struct {
	check     string
	level     api.Level
	since     api.Version
	checkPod  policy.CheckPodFn
	overrides []policy.CheckID
}

// versionSpan is a span of versions of the Pod Security Standards in which no check changes. Its lists hold ascending
// indexes of revisions.
type versionSpan struct {
	since api.Version
	// active are the revisions in force; baseline and restricted are those that are evaluated at the two levels.
	active, baseline, restricted []int
	// isActive says for each revision whether it is in active.
	isActive []bool
	// overriddenBaseline are the baseline checks that are in force and not evaluated at restricted.
	overriddenBaseline map[string]bool
}

// NewEvaluator returns an Evaluator over the checks that API servers enable by default. The error is the library's, if it
// refuses its own checks.
func NewEvaluator() (*Evaluator, error) {
	return newEvaluator(policy.DefaultChecks())
}

// newEvaluator returns an Evaluator over some checks of the Pod Security Standards. The error is the library's, if it
// refuses them.
func newEvaluator(checks []policy.Check) (*Evaluator, error) {
	// The library's own constructor is called for what it refuses: IDs used twice, versions out of order, overrides
	// across levels. What follows relies on that.
	if _, err := policy.NewEvaluator(checks, nil); err != nil {
		return nil, fmt.Errorf("validating the checks of the Pod Security library: %w", err)
	}
	e := &Evaluator{revisions: checkRevisions(checks)}
	for _, since := range versionsOfChange(e.revisions) {
		e.spans = append(e.spans, e.newVersionSpan(since))
	}
	return e, nil
}

// checkRevisions returns all versions of some checks, in the library's order of violations: by level, then by ID.
func checkRevisions(checks []policy.Check) []checkRevision {
	var out []checkRevision
	for _, c := range checks {
		for _, v := range c.Versions {
			out = append(out, checkRevision{
				check: string(c.ID), level: c.Level, since: v.MinimumVersion, checkPod: v.CheckPod, overrides: v.OverrideCheckIDs,
			})
		}
	}
	slices.SortFunc(out, func(a, b checkRevision) int {
		return cmp.Or(
			api.CompareLevels(a.level, b.level),
			cmp.Compare(a.check, b.check),
			compareVersions(a.since, b.since),
		)
	})
	return out
}

// newVersionSpan returns the revisions that are in force from a version of the Pod Security Standards on.
func (e *Evaluator) newVersionSpan(since api.Version) versionSpan {
	p := versionSpan{since: since, isActive: make([]bool, len(e.revisions)), overriddenBaseline: map[string]bool{}}
	latest := map[string]int{}
	for i, r := range e.revisions {
		if compareVersions(r.since, since) <= 0 {
			latest[r.check] = i // a later revision replaces an earlier one
		}
	}
	p.active = slices.Sorted(maps.Values(latest))
	for _, i := range p.active {
		p.isActive[i] = true
		for _, id := range e.revisions[i].overrides {
			p.overriddenBaseline[string(id)] = true
		}
	}
	for _, i := range p.active {
		if e.revisions[i].level == api.LevelBaseline {
			p.baseline = append(p.baseline, i)
		}
		if e.revisions[i].level != api.LevelBaseline || !p.overriddenBaseline[e.revisions[i].check] {
			p.restricted = append(p.restricted, i)
		}
	}
	return p
}

// evaluate runs one version of a check on a pod and reports whether the pod fails it.
func (r *checkRevision) evaluate(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (Violation, bool) {
	result := r.checkPod(meta, spec)
	if result.Allowed {
		return Violation{}, false
	}
	return Violation{
		Check:  r.check,
		Level:  r.level,
		Reason: cmp.Or(result.ForbiddenReason, policy.UnknownForbiddenReason),
		Detail: result.ForbiddenDetail,
	}, true
}

// Evaluate returns the violations for which an API server refuses a pod in a namespace that enforces a level, in its order.
// At restricted, baseline checks that a restricted check overrides are left out. Nothing is refused at privileged.
func (e *Evaluator) Evaluate(annotations map[string]string, spec *corev1.PodSpec, lv api.LevelVersion) []Violation {
	p := e.spanAt(lv.Version)
	switch lv.Level {
	case api.LevelPrivileged:
		return nil
	case api.LevelBaseline:
		return e.runChecks(p.baseline, annotations, spec)
	default: // the library, too, treats an unknown level as the strictest
		return e.runChecks(p.restricted, annotations, spec)
	}
}

// Verdict returns the level that a pod meets at a version and every check that it fails, the overridden ones included.
func (e *Evaluator) Verdict(annotations map[string]string, spec *corev1.PodSpec, v api.Version) Verdict {
	return verdictOf(e.runChecks(e.spanAt(v).active, annotations, spec))
}

// Fails reports whether a pod fails one check as it is in force at a version; false for a check that is not. Checks that override it
// do not matter.
func (e *Evaluator) Fails(check string, annotations map[string]string, spec *corev1.PodSpec, v api.Version) bool {
	for _, i := range e.spanAt(v).active {
		if e.revisions[i].check == check {
			_, fails := e.revisions[i].evaluate(&metav1.ObjectMeta{Annotations: annotations}, spec)
			return fails
		}
	}
	return false
}

// runChecks returns the violations of a pod among the revisions with the given indexes.
func (e *Evaluator) runChecks(revisions []int, annotations map[string]string, spec *corev1.PodSpec) []Violation {
	meta := &metav1.ObjectMeta{Annotations: annotations}
	var found []Violation
	for _, i := range revisions {
		if v, failed := e.revisions[i].evaluate(meta, spec); failed {
			found = append(found, v)
		}
	}
	return found
}

// ViolationsAtLevel returns those violations of a Verdict that an API server reports at one level. lv has the version of
// the Verdict. ViolationMessage of them is the text of a refusal or warning.
func (e *Evaluator) ViolationsAtLevel(violations []Violation, lv api.LevelVersion) []Violation {
	if lv.Level == api.LevelPrivileged {
		return nil
	}
	overridden := e.spanAt(lv.Version).overriddenBaseline
	var reported []Violation
	for _, v := range violations {
		switch {
		case v.Level != api.LevelBaseline && lv.Level == api.LevelBaseline:
		case v.Level == api.LevelBaseline && lv.Level != api.LevelBaseline && overridden[v.Check]:
		default:
			reported = append(reported, v)
		}
	}
	return reported
}

// verdictOf returns the level that follows from every violation of a pod. A pod is at restricted only if it fails no
// baseline check either: a Windows pod may fail a baseline check that restricted overrides and waives for Windows. If that
// counted as restricted, a namespace might be recommended baseline, which refuses the pod.
func verdictOf(found []Violation) Verdict {
	level := api.LevelRestricted
	for _, v := range found {
		if v.Level == api.LevelBaseline {
			return Verdict{Level: api.LevelPrivileged, Violations: found}
		}
		level = api.LevelBaseline
	}
	return Verdict{Level: level, Violations: found}
}

// ViolationMessage returns violations as an API server shows them after `violates PodSecurity "restricted:latest": `.
func ViolationMessage(violations []Violation) string {
	var b strings.Builder
	for i, v := range violations {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(v.Reason)
		if v.Detail != "" {
			b.WriteString(" (" + v.Detail + ")")
		}
	}
	return b.String()
}
