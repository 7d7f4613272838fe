package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestGroups(t *testing.T) {
	strategy := func(rule string, low, high int64) pspparse.IDStrategy {
		return pspparse.IDStrategy{Rule: rule, Ranges: []pspparse.IDRange{{Min: low, Max: high}}}
	}
	t.Run("runAsGroup", func(t *testing.T) {
		set := func(s pspparse.IDStrategy) func(*pspparse.Policy) {
			return func(p *pspparse.Policy) { p.Spec.RunAsGroup = &s }
		}
		testControl(t, runAsGroupControl(), []controlCase{
			{name: "absent is any"},
			{name: "any", change: set(pspparse.IDStrategy{Rule: pspparse.RunAsAny})},
			{name: "may", change: set(strategy(pspparse.MayRunAs, 1, 9)), want: summary{Refused: levelPBR}},
			{
				name: "must", change: set(strategy(pspparse.MustRunAs, 1, 9)),
				want: summary{Refused: levelPBR, Fills: "containers[*].securityContext.runAsGroup=1"},
			},
			{
				name: "must be anything", change: set(strategy(pspparse.MustRunAs, 0, maxID)),
				want: summary{Fills: "containers[*].securityContext.runAsGroup=0"},
			},
		})
	})
	t.Run("supplementalGroups", func(t *testing.T) {
		set := func(s pspparse.IDStrategy) func(*pspparse.Policy) {
			return func(p *pspparse.Policy) { p.Spec.SupplementalGroups = s }
		}
		testControl(t, supplementalGroupsControl(), []controlCase{
			{name: "any"},
			{name: "may be anything", change: set(strategy(pspparse.MayRunAs, 0, maxID))},
			{
				name: "must be anything, which an empty list is not", change: set(strategy(pspparse.MustRunAs, 0, maxID)),
				want: summary{Refused: levelPBR, Fills: "spec.securityContext.supplementalGroups=[0]"},
			},
			{name: "may be nothing", change: set(strategy(pspparse.MayRunAs, 9, 1)), want: summary{Refused: levelPBR}},
		})
	})
	t.Run("fsGroup", func(t *testing.T) {
		set := func(s pspparse.IDStrategy) func(*pspparse.Policy) {
			return func(p *pspparse.Policy) { p.Spec.FSGroup = s }
		}
		testControl(t, fsGroupControl(), []controlCase{
			{name: "any"},
			{
				name: "must", change: set(strategy(pspparse.MustRunAs, 7, 9)),
				want: summary{Refused: levelPBR, Fills: "spec.securityContext.fsGroup=7"},
			},
			{
				name: "must be what no group is", change: set(strategy(pspparse.MustRunAs, maxID+1, maxID+9)),
				want: summary{Refused: levelPBR, Never: "no group is in the ranges of fsGroup (2147483648-2147483656)"},
			},
		})
	})
}
