package simulate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// embeddedTemplatesVerdict returns the least strict verdict on the pod templates within a custom object.
func (sim *Simulator) embeddedTemplatesVerdict(w *inventory.Workload, v api.Version) pss.Verdict {
	var all []podCandidate
	for _, e := range w.Embedded {
		all = append(all, podCandidate{verdict: sim.standards.VerdictAt(sim.standards.ShapeFailures(e.Shape), v)})
	}
	return leastStrictVerdict(all)
}
