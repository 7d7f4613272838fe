package pss

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// The cache runs every revision once; its verdicts are those of running one version's checks, on reduced shapes, too.
func TestEvaluationCacheAgreesWithEvaluator(t *testing.T) {
	t.Parallel()
	e, c := mustEvaluator(t), NewEvaluationCache(mustEvaluator(t))
	for seed := range int64(200) {
		annotations, spec := podtest.NewRandom(seed).Pod()
		whole, reduced := &inventory.Shape{Annotations: annotations, Spec: *spec}, inventory.ReducePod(annotations, spec)
		for _, v := range everyVersion() {
			want := e.Verdict(annotations, spec, v)
			for range 2 { // the second answer is the remembered one
				if diff := cmp.Diff(want, c.Evaluate(whole, v)); diff != "" {
					t.Fatalf("seed %d at %s (-evaluator +cache):\n%s", seed, v.String(), diff)
				}
			}
			if diff := cmp.Diff(want, c.Evaluate(reduced, v)); diff != "" {
				t.Fatalf("seed %d reduced, at %s (-evaluator +cache):\n%s", seed, v.String(), diff)
			}
		}
	}
}

func TestEvaluationCacheSharesEqualResults(t *testing.T) {
	t.Parallel()
	c := NewEvaluationCache(mustEvaluator(t))
	plain := func() *inventory.Shape {
		return &inventory.Shape{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
	}
	v := api.MajorMinorVersion(1, 25)
	a, b := c.Evaluate(plain(), v), c.Evaluate(plain(), v)
	if &a.Violations[0] != &b.Violations[0] {
		t.Error("two shapes with one finding hold it twice")
	}
	later := c.Evaluate(plain(), api.MajorMinorVersion(1, 26))
	if &a.Violations[0] != &later.Violations[0] {
		t.Error("two versions with one finding hold it twice")
	}
	if grown := append(a.Violations, Violation{}); &grown[0] == &a.Violations[0] {
		t.Error("an append by a caller writes into what others hold")
	}
}
