package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestSELinux(t *testing.T) {
	const path = "spec.securityContext.seLinuxOptions="
	forced := func(options pspparse.SELinuxOptions) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) {
			p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs, SELinuxOptions: &options}
		}
	}
	testControl(t, seLinuxControl(), []controlCase{
		{name: "any", want: summary{Status: "seLinuxOptions=N"}},
		{
			name: "an accepted type", change: forced(pspparse.SELinuxOptions{Type: "container_t", Level: "s0:c1"}),
			want: summary{Status: "seLinuxOptions=G", Refused: levelPBR, Fills: path + "type: container_t, level: s0:c1"},
		},
		{name: "no label at all", change: forced(pspparse.SELinuxOptions{}), want: summary{Status: "seLinuxOptions=G", Refused: levelPBR}},
		{
			name: "a type of its own", change: forced(pspparse.SELinuxOptions{Type: "spc_t"}),
			want: summary{Status: "seLinuxOptions=X", Refused: levelPBR, Fills: path + "type: spc_t"},
		},
		{
			name: "a user", change: forced(pspparse.SELinuxOptions{User: "system_u", Type: "container_t"}),
			want: summary{Status: "seLinuxOptions=X", Refused: levelPBR, Fills: path + "user: system_u, type: container_t"},
		},
		{
			name: "a role", change: forced(pspparse.SELinuxOptions{Role: "r"}),
			want: summary{Status: "seLinuxOptions=X", Refused: levelPBR, Fills: path + "role: r"},
		},
		{
			name: "container_engine_t before v1.31", change: forced(pspparse.SELinuxOptions{Type: "container_engine_t"}), minor: 30,
			want: summary{Status: "seLinuxOptions=X", Refused: levelPBR, Fills: path + "type: container_engine_t"},
		},
		{
			name: "container_engine_t from v1.31", change: forced(pspparse.SELinuxOptions{Type: "container_engine_t"}), minor: 31,
			want: summary{Status: "seLinuxOptions=G", Refused: levelPBR, Fills: path + "type: container_engine_t"},
		},
	})
}
