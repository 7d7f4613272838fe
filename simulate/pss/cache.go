package pss

import (
	"encoding/binary"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Cache evaluates the shapes of pods and remembers what it found: each shape is run once through every version of every
// check, after which any version is a look-up. It is not safe for concurrent use.
//
// The Verdicts it returns share their violations with one another; callers must not write into them.
type Cache struct {
	evaluator *Evaluator
	shapes    map[*inventory.Shape]*Failures

	// What follows makes equal findings one: most shapes differ in nothing that any check tells.
	failures   map[string]*Failures
	verdicts   map[string]*Verdict
	numbers    map[Violation]int
	violations []Violation
}

// NewCache returns an empty Cache over an Evaluator.
func NewCache(e *Evaluator) *Cache {
	return &Cache{
		evaluator: e,
		shapes:    map[*inventory.Shape]*Failures{},
		failures:  map[string]*Failures{},
		verdicts:  map[string]*Verdict{},
		numbers:   map[Violation]int{},
	}
}

// Evaluate returns the verdict on a shape at a version.
func (c *Cache) Evaluate(s *inventory.Shape, v api.Version) Verdict {
	return *c.Verdict(c.OfShape(s), v)
}

// Failures are the checks that one pod fails at any version, in the order of Evaluator.revisions.
type Failures struct {
	failed []failure
	// verdicts by epoch, made when first asked for.
	verdicts []*Verdict
}

// failure is a violation, by its place in Cache.violations, found by a revision, by its place in Evaluator.revisions.
type failure struct {
	revision, violation int
}

// OfShape returns what a shape fails. The shape must not be written into afterwards.
func (c *Cache) OfShape(s *inventory.Shape) *Failures {
	found, ok := c.shapes[s]
	if !ok {
		found = c.OfPod(s.Annotations, &s.Spec)
		c.shapes[s] = found
	}
	return found
}

// OfPod returns what a pod fails at every revision there is, which costs little more than one version does.
func (c *Cache) OfPod(annotations map[string]string, spec *corev1.PodSpec) *Failures {
	meta := &metav1.ObjectMeta{Annotations: annotations}
	var failed []failure
	var key []byte
	for i := range c.evaluator.revisions {
		violation, fails := c.evaluator.revisions[i].judge(meta, spec)
		if !fails {
			continue
		}
		f := failure{revision: i, violation: c.number(violation)}
		failed = append(failed, f)
		key = binary.AppendVarint(binary.AppendVarint(key, int64(f.revision)), int64(f.violation))
	}
	if known, ok := c.failures[string(key)]; ok {
		return known
	}
	fresh := &Failures{failed: failed, verdicts: make([]*Verdict, len(c.evaluator.epochs))}
	c.failures[string(key)] = fresh
	return fresh
}

func (c *Cache) number(v Violation) int {
	n, ok := c.numbers[v]
	if !ok {
		n = len(c.violations)
		c.violations = append(c.violations, v)
		c.numbers[v] = n
	}
	return n
}

// Verdict picks from a pod's failures what is in force at v. Equal verdicts are the same pointer.
func (c *Cache) Verdict(of *Failures, v api.Version) *Verdict {
	at := c.evaluator.epochAt(v)
	if of.verdicts[at] == nil {
		of.verdicts[at] = c.newVerdict(of, &c.evaluator.epochs[at])
	}
	return of.verdicts[at]
}

func (c *Cache) newVerdict(of *Failures, p *epoch) *Verdict {
	var key []byte
	var numbers []int
	for _, f := range of.failed {
		if p.inForce[f.revision] {
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
	fresh := verdictOn(found)
	c.verdicts[string(key)] = &fresh
	return &fresh
}
