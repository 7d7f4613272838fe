package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestSeccomp(t *testing.T) {
	list := func(allowed, fallback string) func(*pspparse.Policy) {
		return annotate(pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation, allowed, fallback)
	}
	status := func(baseline, restricted Status) string {
		return "seccompProfile_baseline=" + string(baseline) + " seccompProfile_restricted=" + string(restricted)
	}
	const path = "spec.securityContext.seccompProfile=type: "
	testControl(t, seccompControl(), []controlCase{
		{name: "any", change: list("*", absent), want: summary{Status: status("N", "N")}},
		{name: "any before fields", change: list("*", absent), minor: 18, want: summary{Status: "seccompProfile_baseline=N"}},
		{name: "absent", change: list(absent, absent), want: summary{Status: status("G", "X"), Refused: levelPBR}},
		{name: "empty", change: list("", absent), want: summary{Status: status("G", "X"), Refused: levelPBR}},
		{
			name: "a default and nothing allowed", change: list(absent, "runtime/default"),
			want: summary{
				Status: status("G", "X"), Refused: levelPBR,
				Never: "the seccomp default runtime/default is set and no seccomp profile may be set",
			},
		},
		{name: "a list", change: list("runtime/default,localhost/a", absent), want: summary{Status: status("G", "G"), Refused: levelPBR}},
		{
			name: "a list with a default, by the pair rule", change: list("docker/default", "runtime/default"),
			want: summary{Status: status("G", "M"), Refused: levelPBR, Fills: path + "RuntimeDefault"},
		},
		{
			name: "a localhost default", change: list("localhost/a", "localhost/a"),
			want: summary{Status: status("G", "M"), Refused: levelPBR, Fills: path + "Localhost, localhostProfile: a"},
		},
		{name: "a default that the list refuses", change: list("runtime/default", "unconfined"), want: summary{Status: status("G", "G"), Refused: levelPBR}},
		{
			name: "unconfined in the list and by default", change: list("runtime/default,unconfined", "unconfined"),
			want: summary{Status: status("N", "N"), Refused: levelPBR, Fills: path + "Unconfined"},
		},
		{name: "unconfined alone", change: list("unconfined", absent), want: summary{Status: status("X", "X"), Refused: levelPBR}},
		{name: "unconfined or nothing", change: list("unconfined,", absent), want: summary{Status: status("N", "X"), Refused: levelPBR}},
		{
			name: "unconfined or nothing, and filled in", change: list("unconfined,", "unconfined"),
			want: summary{Status: status("X", "X"), Refused: levelPBR, Fills: path + "Unconfined"},
		},
		{name: "an empty entry lets unset pass", change: list("runtime/default,", absent), want: summary{Status: status("G", "N"), Refused: levelPBR}},
		{name: "no globbing: one profile named *", change: list("localhost/*", absent), want: summary{Status: status("G", "G"), Refused: levelPBR}},
		{
			name: "no trimming", change: list(" runtime/default", absent),
			want: summary{
				Status: status("G", "X"), Refused: levelPBR,
				Never: "no pod can have a seccomp profile that the list has ( runtime/default)",
			},
		},
		{name: "any and a default", change: list("*", "runtime/default"), want: summary{Status: status("N", "N"), Fills: path + "RuntimeDefault"}},
	})
}
