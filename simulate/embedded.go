package simulate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// embedded is the least strict verdict on the pod templates within a custom object.
func (j *Judge) embedded(w *inventory.Workload, v api.Version) Verdict {
	var all []candidate
	for _, e := range w.Embedded {
		all = append(all, candidate{verdict: j.verdict(j.judge(e.Shape), v)})
	}
	return leastStrict(all)
}
