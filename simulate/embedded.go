package simulate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// embedded is the least strict verdict on the pod templates within a custom object.
func (sim *Simulator) embedded(w *inventory.Workload, v api.Version) pss.Verdict {
	var all []candidate
	for _, e := range w.Embedded {
		all = append(all, candidate{verdict: sim.standards.Verdict(sim.standards.OfShape(e.Shape), v)})
	}
	return leastStrict(all)
}
