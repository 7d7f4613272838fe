package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestSysctls(t *testing.T) {
	lists := func(allowed, forbidden []string) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) { p.Spec.AllowedUnsafeSysctls, p.Spec.ForbiddenSysctls = allowed, forbidden }
	}
	safe, unsafe := "sysctls=G", "sysctls=N"
	testControl(t, sysctlsControl(), []controlCase{
		{name: "every one", want: summary{Status: unsafe}},
		{name: "the safe five", change: lists(nil, nil), want: summary{Status: safe, Refused: levelP}},
		{name: "newer safe ones are drift", change: lists(nil, nil), minor: 27, want: summary{Status: safe, Refused: levelP, Drift: levelBR}},
		{name: "one not safe yet", change: lists([]string{"net.ipv4.tcp_rmem"}, nil), minor: 31, want: summary{Status: unsafe, Refused: levelP, Drift: levelBR}},
		{name: "one safe by now", change: lists([]string{"net.ipv4.tcp_rmem"}, nil), minor: 32, want: summary{Status: safe, Refused: levelP, Drift: levelBR}},
		{name: "all newer ones granted", change: lists([]string{"net.*"}, nil), minor: 37, want: summary{Status: unsafe, Refused: levelP}},
		{name: "a pattern is more than the name", change: lists([]string{"net.ipv4.tcp_syncookies*"}, nil), want: summary{Status: unsafe, Refused: levelP}},
		{name: "a grant taken back", change: lists([]string{"kernel.msgmax"}, []string{"kernel.*"}), want: summary{Status: safe, Refused: levelPBR}},
		{name: "a pattern taken back", change: lists([]string{"kernel.msg*"}, []string{"*"}), want: summary{Status: safe, Refused: levelPBR}},
		{name: "a pattern taken back in part", change: lists([]string{"kernel.*"}, []string{"kernel.msg*"}), want: summary{Status: unsafe, Refused: levelP}},
		{name: "forbids what baseline refuses anyway", change: lists(nil, []string{"kernel.msg*"}), want: summary{Status: safe, Refused: levelP}},
		{name: "forbids all", change: lists(nil, []string{"*"}), minor: 37, want: summary{Status: safe, Refused: levelPBR}},
	})
}
