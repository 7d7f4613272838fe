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

// Evaluator runs the library's checks and keeps each result with the ID of the check it came from, which the library
// itself does not do. It is the only place that knows which restricted checks override baseline ones. An Evaluator
// never changes once made and is safe for concurrent use.
type Evaluator struct {
	// revisions holds every version of every check, by level, ID and version: the order in which violations are told.
	revisions []revision
	// epochs are the spans of versions in which the same revisions are in force, oldest first; there is always one.
	epochs []epoch
}

// revision is one version of one check.
type revision struct {
	check     string
	level     api.Level
	since     api.Version
	run       policy.CheckPodFn
	overrides []policy.CheckID
}

// epoch is a span of versions across which no check changes. The lists hold indices of revisions, ascending.
type epoch struct {
	since api.Version
	// all that are in force, and what of it is run at each of the two levels.
	all, baseline, restricted []int
	// inForce says of each revision whether it is in all.
	inForce []bool
	// overridden are the baseline checks that are in force and yet not run at restricted.
	overridden map[string]bool
}

// NewEvaluator returns an Evaluator over the checks that API servers enable by default.
func NewEvaluator() (*Evaluator, error) {
	return newEvaluator(policy.DefaultChecks())
}

func newEvaluator(checks []policy.Check) (*Evaluator, error) {
	// The library's own constructor is called for what it refuses: IDs used twice, versions out of order, overrides
	// across levels. What follows relies on that.
	if _, err := policy.NewEvaluator(checks, nil); err != nil {
		return nil, fmt.Errorf("validating the checks of the Pod Security library: %w", err)
	}
	e := &Evaluator{revisions: revisionsOf(checks)}
	for _, since := range changes(e.revisions) {
		e.epochs = append(e.epochs, e.newEpoch(since))
	}
	return e, nil
}

// revisionsOf flattens checks into the order in which the library tells violations: baseline first, then by ID.
func revisionsOf(checks []policy.Check) []revision {
	var out []revision
	for _, c := range checks {
		for _, v := range c.Versions {
			out = append(out, revision{
				check: string(c.ID), level: c.Level, since: v.MinimumVersion, run: v.CheckPod, overrides: v.OverrideCheckIDs,
			})
		}
	}
	slices.SortFunc(out, func(a, b revision) int {
		return cmp.Or(
			api.CompareLevels(a.level, b.level),
			cmp.Compare(a.check, b.check),
			compareVersions(a.since, b.since),
		)
	})
	return out
}

func (e *Evaluator) newEpoch(since api.Version) epoch {
	p := epoch{since: since, inForce: make([]bool, len(e.revisions)), overridden: map[string]bool{}}
	latest := map[string]int{}
	for i, r := range e.revisions {
		if compareVersions(r.since, since) <= 0 {
			latest[r.check] = i // a later revision replaces an earlier one
		}
	}
	p.all = slices.Sorted(maps.Values(latest))
	for _, i := range p.all {
		p.inForce[i] = true
		for _, id := range e.revisions[i].overrides {
			p.overridden[string(id)] = true
		}
	}
	for _, i := range p.all {
		if e.revisions[i].level == api.LevelBaseline {
			p.baseline = append(p.baseline, i)
		}
		if e.revisions[i].level != api.LevelBaseline || !p.overridden[e.revisions[i].check] {
			p.restricted = append(p.restricted, i)
		}
	}
	return p
}

// judge runs the check and reports whether the pod fails it.
func (r *revision) judge(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (Violation, bool) {
	result := r.run(meta, spec)
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

// Evaluate returns what a server would refuse the pod for in a namespace that enforces lv, in the server's order: at
// restricted without the baseline checks that a restricted check overrides. Nothing is refused at privileged.
func (e *Evaluator) Evaluate(annotations map[string]string, spec *corev1.PodSpec, lv api.LevelVersion) []Violation {
	p := e.at(lv.Version)
	switch lv.Level {
	case api.LevelPrivileged:
		return nil
	case api.LevelBaseline:
		return e.run(p.baseline, annotations, spec)
	default: // the library, too, treats an unknown level as the strictest
		return e.run(p.restricted, annotations, spec)
	}
}

// Verdict judges the pod by every check in force at v, the overridden ones included.
func (e *Evaluator) Verdict(annotations map[string]string, spec *corev1.PodSpec, v api.Version) Verdict {
	return verdictOn(e.run(e.at(v).all, annotations, spec))
}

func (e *Evaluator) run(revisions []int, annotations map[string]string, spec *corev1.PodSpec) []Violation {
	meta := &metav1.ObjectMeta{Annotations: annotations}
	var found []Violation
	for _, i := range revisions {
		if v, failed := e.revisions[i].judge(meta, spec); failed {
			found = append(found, v)
		}
	}
	return found
}

// AtLevel picks from a Verdict's violations at a version those that a server tells at one level of that version:
// Message of them is the text of its refusal or warning.
func (e *Evaluator) AtLevel(violations []Violation, lv api.LevelVersion) []Violation {
	if lv.Level == api.LevelPrivileged {
		return nil
	}
	overridden := e.at(lv.Version).overridden
	var told []Violation
	for _, v := range violations {
		switch {
		case v.Level != api.LevelBaseline && lv.Level == api.LevelBaseline:
		case v.Level == api.LevelBaseline && lv.Level != api.LevelBaseline && overridden[v.Check]:
		default:
			told = append(told, v)
		}
	}
	return told
}

// verdictOn derives the level from every violation found. A pod is at restricted only if it fails no baseline check
// either: a Windows pod may break a rule of baseline that restricted overrides and waives for Windows, and calling that
// restricted would let a namespace be recommended baseline, which refuses it.
func verdictOn(found []Violation) Verdict {
	level := api.LevelRestricted
	for _, v := range found {
		if v.Level == api.LevelBaseline {
			return Verdict{Level: api.LevelPrivileged, Violations: found}
		}
		level = api.LevelBaseline
	}
	return Verdict{Level: level, Violations: found}
}

// ViolationMessage words violations as an API server does after `violates PodSecurity "restricted:latest": `.
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
