package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestPrivilegeEscalation(t *testing.T) {
	const filled = "containers[*].securityContext.allowPrivilegeEscalation=false"
	yes, no := true, false
	set := func(allow, byDefault *bool) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) {
			p.Spec.AllowPrivilegeEscalation, p.Spec.DefaultAllowPrivilegeEscalation = allow, byDefault
		}
	}
	testControl(t, privilegeEscalationControl(), []controlCase{
		{name: "allowed", change: set(&yes, nil), want: summary{Status: "allowPrivilegeEscalation=N"}},
		{name: "absent is allowed", change: set(nil, nil), want: summary{Status: "allowPrivilegeEscalation=N"}},
		{name: "true by default", change: set(nil, &yes), want: summary{Status: "allowPrivilegeEscalation=N"}},
		{name: "false by default only", change: set(&yes, &no), want: summary{Status: "allowPrivilegeEscalation=N", Fills: filled}},
		{name: "refused", change: set(&no, nil), want: summary{Status: "allowPrivilegeEscalation=M", Refused: levelPB, Fills: filled}},
		{name: "refused and true by default fills nothing in", change: set(&no, &yes), want: summary{Status: "allowPrivilegeEscalation=M", Refused: levelPB}},
		{name: "before restricted asks", change: set(&no, nil), minor: 7, want: summary{Refused: levelPBR, Fills: filled}},
		{
			name: "Windows is let off later", change: set(&no, nil), minor: 25,
			want: summary{Status: "allowPrivilegeEscalation=M", Refused: levelPB, Drift: "restricted", Fills: filled},
		},
	})
}

func TestReadOnlyRoot(t *testing.T) {
	testControl(t, readOnlyRootControl(), []controlCase{
		{name: "not asked for"},
		{
			name: "forced", change: func(p *pspparse.Policy) { p.Spec.ReadOnlyRootFilesystem = true },
			want: summary{Refused: levelPBR, Fills: "containers[*].securityContext.readOnlyRootFilesystem=true"},
		},
	})
}
