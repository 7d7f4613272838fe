package pss

import (
	"encoding/binary"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// EvaluationCache evaluates pod shapes against the Pod Security Standards and remembers the results. Each shape is run once
// through every version of every check, after which any version is a look-up. It is not safe for concurrent use.
//
// The Verdicts it returns share their violations with one another; callers must not write into them.
type EvaluationCache struct {
	evaluator *Evaluator
	shapes    map[*inventory.Shape]*CheckFailures

	// The maps that follow make equal results one: most shapes differ in nothing that a check looks at.
	failures         map[string]*CheckFailures
	verdicts         map[string]*Verdict
	violationNumbers map[Violation]int
	violations       []Violation
}

// NewEvaluationCache returns an empty cache over an Evaluator of the Pod Security Standards.
func NewEvaluationCache(e *Evaluator) *EvaluationCache {
	return &EvaluationCache{
		evaluator:        e,
		shapes:           map[*inventory.Shape]*CheckFailures{},
		failures:         map[string]*CheckFailures{},
		verdicts:         map[string]*Verdict{},
		violationNumbers: map[Violation]int{},
	}
}

// Evaluate returns, from the cache or by the library's checks, the verdict of the Pod Security Standards on one pod shape.
func (c *EvaluationCache) Evaluate(s *inventory.Shape, v api.Version) Verdict {
	return *c.VerdictAt(c.ShapeFailures(s), v)
}

// CheckFailures are the checks of the Pod Security Standards that one pod fails at any version. They are in the order of
// the revisions.
type CheckFailures struct {
	failed []checkFailure
	// verdicts are by index of Evaluator.spans, computed when first asked for.
	verdicts []*Verdict
}

// checkFailure is a violation of the standards by a pod and the revision of the check that found it, both as indexes.
type checkFailure struct {
	revision, violation int
}

// ShapeFailures returns the checks that a pod shape fails at any version. The shape must not be written into afterwards.
func (c *EvaluationCache) ShapeFailures(s *inventory.Shape) *CheckFailures {
	found, ok := c.shapes[s]
	if !ok {
		found = c.PodFailures(s.Annotations, &s.Spec)
		c.shapes[s] = found
	}
	return found
}

// PodFailures returns the checks that a pod fails at any version. To run all versions costs little more than to run one.
func (c *EvaluationCache) PodFailures(annotations map[string]string, spec *corev1.PodSpec) *CheckFailures {
	meta := &metav1.ObjectMeta{Annotations: annotations}
	var failed []checkFailure
	var key []byte
	for i := range c.evaluator.revisions {
		violation, fails := c.evaluator.revisions[i].evaluate(meta, spec)
		if !fails {
			continue
		}
		f := checkFailure{revision: i, violation: c.violationNumber(violation)}
		failed = append(failed, f)
		key = binary.AppendVarint(binary.AppendVarint(key, int64(f.revision)), int64(f.violation))
	}
	if known, ok := c.failures[string(key)]; ok {
		return known
	}
	fresh := &CheckFailures{failed: failed, verdicts: make([]*Verdict, len(c.evaluator.spans))}
	c.failures[string(key)] = fresh
	return fresh
}

// violationNumber returns the index of a violation of the standards among those that the cache has seen, and adds it if
// it is new.
func (c *EvaluationCache) violationNumber(v Violation) int {
	n, ok := c.violationNumbers[v]
	if !ok {
		n = len(c.violations)
		c.violations = append(c.violations, v)
		c.violationNumbers[v] = n
	}
	return n
}

// VerdictAt returns the verdict at a version, from the checks that a pod fails at any version. Equal verdicts are the same
// pointer.
func (c *EvaluationCache) VerdictAt(of *CheckFailures, v api.Version) *Verdict {
	at := c.evaluator.spanIndexAt(v)
	if of.verdicts[at] == nil {
		of.verdicts[at] = c.newVerdict(of, &c.evaluator.spans[at])
	}
	return of.verdicts[at]
}

// newVerdict returns the verdict for one span of versions, the same pointer for equal verdicts.
func (c *EvaluationCache) newVerdict(of *CheckFailures, p *versionSpan) *Verdict {
	var key []byte
	var numbers []int
	for _, f := range of.failed {
		if p.isActive[f.revision] {
			key = binary.AppendVarint(key, int64(f.violation))
			numbers = append(numbers, f.violation)
		}
	}
	if known, ok := c.verdicts[string(key)]; ok {
		return known
	}
	var found []Violation
	if len(numbers) > 0 {
		found = make([]Violation, len(numbers)) // no spare room: an append by a caller copies
	}
	for i, n := range numbers {
		found[i] = c.violations[n]
	}
	fresh := verdictOf(found)
	c.verdicts[string(key)] = &fresh
	return &fresh
}
