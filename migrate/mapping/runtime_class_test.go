package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestRuntimeClass(t *testing.T) {
	class := func(fallback string, names ...string) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) {
			p.Spec.RuntimeClass = &pspparse.RuntimeClassStrategy{AllowedRuntimeClassNames: names}
			if fallback != "" {
				p.Spec.RuntimeClass.DefaultRuntimeClassName = &fallback
			}
		}
	}
	testControl(t, runtimeClassControl(), []controlCase{
		{name: "absent"},
		{name: "no class may be named", change: class(""), want: summary{Refused: levelPBR}},
		{name: "a list", change: class("", "gvisor"), want: summary{Refused: levelPBR}},
		{name: "any class", change: class("", "*")},
		{name: "any class with a default", change: class("gvisor", "*"), want: summary{Fills: "spec.runtimeClassName=gvisor"}},
		{name: "a listed default", change: class("gvisor", "gvisor"), want: summary{Refused: levelPBR, Fills: "spec.runtimeClassName=gvisor"}},
		{name: "a default that the list refuses", change: class("runc", "gvisor"), want: summary{Refused: levelPBR}},
		{
			name: "a default and no class allowed", change: class("gvisor"),
			want: summary{Refused: levelPBR, Never: "runtimeClass sets gvisor and allows no class to be named"},
		},
	})
}
