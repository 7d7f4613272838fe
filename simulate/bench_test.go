package simulate

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// BenchmarkAfterPSP evaluates workloads whose pods a policy mutated: all new to the cache, and again.
func BenchmarkAfterPSP(b *testing.B) {
	p := podtest.Hardening("psp")
	template := &inventory.Shape{Spec: *podtest.Ordinary()}
	pod := podtest.Mutate(p, &inventory.Shape{Spec: *podtest.Ordinary()})
	w := &inventory.Workload{Kind: "Deployment", Template: template, PodGroups: podtest.PodsOf(pod, "psp")}
	points := pss.VersionsWithChanges()
	sim := mustSimulator(b, p)
	evaluate := func(b *testing.B, forget bool) {
		b.ReportAllocs()
		for b.Loop() {
			for _, v := range points {
				sim.AfterPSP(w, v)
			}
			if forget {
				sim.standards = pss.NewEvaluationCache(sim.evaluator)
				clear(sim.unmutatedFailures)
			}
		}
	}
	b.Run("new", func(b *testing.B) { evaluate(b, true) })
	b.Run("cached", func(b *testing.B) { evaluate(b, false) })
}
