package mapping

import (
	"slices"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestCapabilities(t *testing.T) {
	const (
		drop = "containers[*].securityContext.capabilities.drop="
		add  = "containers[*].securityContext.capabilities.add="
	)
	caps := func(drops, defaults, allowed []string) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) {
			p.Spec.RequiredDropCapabilities, p.Spec.DefaultAddCapabilities, p.Spec.AllowedCapabilities = drops, defaults, allowed
		}
	}
	all := []string{"ALL"}
	testControl(t, capabilitiesControl(), []controlCase{
		{name: "any", want: summary{Status: "capabilities_baseline=N capabilities_restricted=N"}},
		{
			name: "nothing may be added", change: caps(nil, nil, nil),
			want: summary{Status: "capabilities_baseline=G capabilities_restricted=N", Refused: levelPBR},
		},
		{
			name: "the thirteen", change: caps(nil, nil, baselineCapabilities()),
			want: summary{Status: "capabilities_baseline=G capabilities_restricted=N", Refused: levelP},
		},
		{
			name: "the runtime's fourteen", change: caps(nil, nil, append(baselineCapabilities(), "NET_RAW")),
			want: summary{Status: "capabilities_baseline=N capabilities_restricted=N", Refused: levelP},
		},
		{
			name: "drops ALL", change: caps(all, nil, restrictedCapabilities()),
			want: summary{Status: "capabilities_baseline=G capabilities_restricted=M", Refused: levelPB, Fills: drop + "[ALL]"},
		},
		{
			name: "drops ALL before restricted asks for it", change: caps(all, nil, restrictedCapabilities()), minor: 21,
			want: summary{Status: "capabilities_baseline=G", Refused: levelPBR, Fills: drop + "[ALL]"},
		},
		{
			name: "Windows is let off later", change: caps(all, nil, restrictedCapabilities()), minor: 25,
			want: summary{
				Status: "capabilities_baseline=G capabilities_restricted=M", Refused: levelPB, Drift: "restricted", Fills: drop + "[ALL]",
			},
		},
		{
			name: "all is not ALL", change: caps([]string{"all"}, nil, restrictedCapabilities()),
			want: summary{Status: "capabilities_baseline=G capabilities_restricted=N", Refused: levelPB, Fills: drop + "[all]"},
		},
		{
			name: "CAP_CHOWN is not CHOWN", change: caps(nil, nil, []string{"CAP_CHOWN"}),
			want: summary{Status: "capabilities_baseline=N capabilities_restricted=N", Refused: levelPBR},
		},
		{
			name: "an allowed one beyond restricted", change: caps(all, nil, []string{"NET_BIND_SERVICE", "KILL"}),
			want: summary{Status: "capabilities_baseline=G capabilities_restricted=N", Refused: levelPB, Fills: drop + "[ALL]"},
		},
		{
			name: "a default beyond restricted contradicts it", change: caps(all, []string{"KILL"}, nil),
			want: summary{
				Status: "capabilities_baseline=G capabilities_restricted=X", Refused: levelPBR,
				Fills: drop + "[ALL] " + add + "[KILL]",
			},
		},
		{
			name: "a default beyond restricted without the drop", change: caps(nil, []string{"KILL"}, nil),
			want: summary{
				Status: "capabilities_baseline=G capabilities_restricted=N", Refused: levelPBR, Fills: add + "[KILL]",
			},
		},
		{
			name: "a default counts as allowed", change: caps(all, restrictedCapabilities(), nil),
			want: summary{
				Status: "capabilities_baseline=G capabilities_restricted=M", Refused: levelPB,
				Fills: drop + "[ALL] " + add + "[NET_BIND_SERVICE]",
			},
		},
	})
}

// TestNetRaw: NET_RAW alone is a condition of baseline; with anything else beside it the policy is privileged.
func TestNetRaw(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		allowed []string
		core    bool
		closest string
	}{
		{[]string{"NET_RAW"}, false, "baseline"},
		{[]string{"NET_RAW", "NET_RAW", "CHOWN"}, false, "baseline"},
		{[]string{"NET_RAW", "SYS_ADMIN"}, true, "privileged"},
		{[]string{"net_raw"}, true, "privileged"},
		{[]string{"*"}, true, "privileged"},
	} {
		p := with(closedPolicy(), func(p *pspparse.Policy) { p.Spec.AllowedCapabilities = test.allowed })
		a := Assess(p, newestCheckVersion())
		i := slices.IndexFunc(a.Checks, func(c Check) bool { return c.ID == "capabilities_baseline" })
		if a.Checks[i].Core != test.core || a.Checks[i].Status != StatusNotEnsured || string(a.Closest) != test.closest {
			t.Errorf("%v: status %s, core %t, closest %s; want N, %t, %s",
				test.allowed, a.Checks[i].Status, a.Checks[i].Core, a.Closest, test.core, test.closest)
		}
	}
}
