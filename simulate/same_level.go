package simulate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// SameLevelAfterPSP returns a function that tells whether readings of one workload come to the same level, once no policy fills anything
// in, at every version of the standards. The policies are those that may have filled in its pods.
func SameLevelAfterPSP(policies []*pspparse.Policy) func(readings []inventory.Workload) bool {
	var judge *Simulator
	newest := pss.NewestVersion()
	return func(readings []inventory.Workload) bool {
		if judge == nil {
			var err error
			if judge, err = NewSimulator(policies); err != nil {
				return false
			}
		}
		for v := api.MajorMinorVersion(1, 0); !newest.Older(v); v = api.MajorMinorVersion(1, v.Minor()+1) {
			level := judge.AfterPSP(&readings[0], v).Level
			for i := range readings[1:] {
				if judge.AfterPSP(&readings[i+1], v).Level != level {
					return false
				}
			}
		}
		return true
	}
}
