package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestPrivileged(t *testing.T) {
	testControl(t, privilegedControl(), []controlCase{
		{name: "allowed", want: summary{Status: "privileged=N"}},
		{
			name: "refused", change: func(p *pspparse.Policy) { p.Spec.Privileged = false },
			want: summary{Status: "privileged=G", Refused: levelP},
		},
	})
}
