package simulate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// SameLevelAfterPSP returns a function that reports whether several readings of one workload meet the same level after
// PSP. They are compared at every version of the standards. The policies are those that may have mutated the workload's
// pods.
func SameLevelAfterPSP(policies []*pspparse.Policy) func(readings []inventory.Workload) bool {
	var sim *Simulator
	newest := pss.NewestVersion()
	return func(readings []inventory.Workload) bool {
		if sim == nil {
			var err error
			if sim, err = NewSimulator(policies); err != nil {
				return false
			}
		}
		for v := api.MajorMinorVersion(1, 0); !newest.Older(v); v = api.MajorMinorVersion(1, v.Minor()+1) {
			level := sim.AfterPSP(&readings[0], v).Level
			for i := range readings[1:] {
				if sim.AfterPSP(&readings[i+1], v).Level != level {
					return false
				}
			}
		}
		return true
	}
}
