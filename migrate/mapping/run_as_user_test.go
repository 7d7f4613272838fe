package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestRunAsUser(t *testing.T) {
	const (
		uid     = "containers[*].securityContext.runAsUser="
		nonRoot = "containers[*].securityContext.runAsNonRoot=true"
	)
	rule := func(rule string, ranges ...pspparse.IDRange) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) { p.Spec.RunAsUser = pspparse.IDStrategy{Rule: rule, Ranges: ranges} }
	}
	testControl(t, runAsUserControl(), []controlCase{
		{name: "any", want: summary{Status: "runAsNonRoot=N runAsUser=N"}},
		{name: "ranges beside RunAsAny are ignored", change: rule(pspparse.RunAsAny, pspparse.IDRange{Min: 1, Max: 2}), want: summary{Status: "runAsNonRoot=N runAsUser=N"}},
		{
			name: "non-root", change: rule(pspparse.MustRunAsNonRoot),
			want: summary{Status: "runAsNonRoot=E runAsUser=E", Refused: levelPB, Fills: nonRoot},
		},
		{
			name: "non-root before restricted refuses uid 0", change: rule(pspparse.MustRunAsNonRoot), minor: 22,
			want: summary{Status: "runAsNonRoot=E", Refused: levelPBR, Fills: nonRoot},
		},
		{
			name: "user namespaces are let off later", change: rule(pspparse.MustRunAsNonRoot), minor: 35,
			want: summary{Status: "runAsNonRoot=E runAsUser=E", Refused: levelPB, Drift: "restricted", Fills: nonRoot},
		},
		{
			name: "a range without root", change: rule(pspparse.MustRunAs, pspparse.IDRange{Min: 5, Max: 9}, pspparse.IDRange{Min: 1, Max: 2}),
			want: summary{Status: "runAsNonRoot=E runAsUser=E", Refused: levelPBR, Fills: uid + "5"},
		},
		{
			name: "every user but root", change: rule(pspparse.MustRunAs, pspparse.IDRange{Min: 1, Max: maxID}),
			want: summary{Status: "runAsNonRoot=E runAsUser=E", Refused: levelPB, Fills: uid + "1"},
		},
		{
			name: "every user", change: rule(pspparse.MustRunAs, pspparse.IDRange{Min: 0, Max: maxID}),
			want: summary{Status: "runAsNonRoot=N runAsUser=N", Fills: uid + "0"},
		},
		{
			name: "a range with root", change: rule(pspparse.MustRunAs, pspparse.IDRange{Min: 1, Max: 9}, pspparse.IDRange{Min: 0, Max: 0}),
			want: summary{Status: "runAsNonRoot=N runAsUser=N", Refused: levelPBR, Fills: uid + "1"},
		},
		{
			name: "root alone", change: rule(pspparse.MustRunAs, pspparse.IDRange{Min: 0, Max: 0}),
			want: summary{Status: "runAsNonRoot=N runAsUser=X", Refused: levelPBR, Fills: uid + "0"},
		},
		{
			name: "the first range is inverted, so plain pods are refused", change: rule(pspparse.MustRunAs, pspparse.IDRange{Min: 9, Max: 1}, pspparse.IDRange{Min: 5, Max: 5}),
			want: summary{Status: "runAsNonRoot=E runAsUser=E", Refused: levelPBR},
		},
		{
			name: "no uid left", change: rule(pspparse.MustRunAs, pspparse.IDRange{Min: 9, Max: 1}),
			want: summary{
				Status: "runAsNonRoot=E runAsUser=E", Refused: levelPBR, Never: "no uid is in the ranges of runAsUser (9-1)",
			},
		},
	})
}
