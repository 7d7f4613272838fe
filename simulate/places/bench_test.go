package places

import (
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// BenchmarkOf finds the places of all checks that a pod of the usual size fails at restricted.
func BenchmarkOf(b *testing.B) {
	e, err := pss.NewEvaluator()
	if err != nil {
		b.Fatal(err)
	}
	pod := inventory.ReducePod(nil, podtest.Ordinary())
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	failed := e.Evaluate(nil, &pod.Spec, lv)
	b.ReportAllocs()
	for b.Loop() {
		for _, v := range failed {
			if len(Of(e, pod, v.Check, lv.Version)) == 0 {
				b.Fatal(v.Check)
			}
		}
	}
}
