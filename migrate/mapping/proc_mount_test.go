package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestProcMount(t *testing.T) {
	types := func(types ...string) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) { p.Spec.AllowedProcMountTypes = types }
	}
	testControl(t, procMountControl(), []controlCase{
		{name: "both", want: summary{Status: "procMount=N"}},
		{name: "absent is Default", change: types(), want: summary{Status: "procMount=G", Refused: levelP}},
		{name: "Default", change: types("Default"), want: summary{Status: "procMount=G", Refused: levelP}},
		{
			name: "user namespaces are let off later", change: types("Default"), minor: 35,
			want: summary{Status: "procMount=G procMount_restricted=G", Refused: levelP, Drift: "baseline"},
		},
		{name: "Unmasked alone", change: types("Unmasked"), minor: 35, want: summary{Status: "procMount=X procMount_restricted=X", Refused: levelPBR}},
		{
			name: "nothing that a container can have", change: types("default"),
			want: summary{
				Status: "procMount=G", Refused: levelPBR,
				Never: "allowedProcMountTypes has no type that a container can have (default)",
			},
		},
	})
}
