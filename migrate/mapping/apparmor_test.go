package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestAppArmor(t *testing.T) {
	list := func(allowed, fallback string) func(*pspparse.Policy) {
		return annotate(pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation, allowed, fallback)
	}
	const path = "metadata.annotations[container.apparmor.security.beta.kubernetes.io/<container>]="
	testControl(t, appArmorControl(), []controlCase{
		{name: "absent", change: list(absent, absent), want: summary{Status: "appArmorProfile=N"}},
		{name: "a default only", change: list(absent, "runtime/default"), want: summary{Status: "appArmorProfile=N", Fills: path + "runtime/default"}},
		{name: "a list", change: list("runtime/default", absent), want: summary{Status: "appArmorProfile=G", Refused: levelPBR}},
		{name: "a trailing comma changes nothing", change: list("runtime/default,", absent), want: summary{Status: "appArmorProfile=G", Refused: levelPBR}},
		{
			name: "a list with a default", change: list("localhost/a", "localhost/a"),
			want: summary{Status: "appArmorProfile=G", Refused: levelPBR, Fills: path + "localhost/a"},
		},
		{name: "a default that the list refuses", change: list("runtime/default", "localhost/a"), want: summary{Status: "appArmorProfile=G", Refused: levelPBR}},
		{name: "unconfined in the list", change: list("runtime/default,unconfined", absent), want: summary{Status: "appArmorProfile=N", Refused: levelPBR}},
		{name: "unconfined alone", change: list("unconfined", absent), want: summary{Status: "appArmorProfile=X", Refused: levelPBR}},
		{
			name: "empty lets nothing pass", change: list("", absent),
			want: summary{
				Status: "appArmorProfile=G", Refused: levelPBR,
				Never: "an AppArmor profile is mandatory and the list has none that a container can have (empty)",
			},
		},
		{
			name: "there is no wildcard", change: list("*", "runtime/default"),
			want: summary{
				Status: "appArmorProfile=G", Refused: levelPBR,
				Never: "an AppArmor profile is mandatory and the list has none that a container can have (*)",
			},
		},
	})
}
