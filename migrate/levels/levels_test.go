package levels

import (
	"testing"

	"k8s.io/pod-security-admission/api"
)

const (
	privileged = api.LevelPrivileged
	baseline   = api.LevelBaseline
	restricted = api.LevelRestricted
	unknown    = api.Level("strict")
)

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b   api.Level
		looser bool
		least  api.Level
	}{
		{privileged, baseline, true, privileged},
		{privileged, restricted, true, privileged},
		{baseline, restricted, true, baseline},
		{baseline, baseline, false, baseline},
		{restricted, baseline, false, baseline},
		{unknown, restricted, false, restricted},
		{restricted, unknown, false, restricted},
		{"", privileged, false, privileged},
		{privileged, "", false, privileged},
		{"", "", false, ""},
	} {
		if got := Looser(test.a, test.b); got != test.looser {
			t.Errorf("Looser(%q, %q) is %t, want %t", test.a, test.b, got, test.looser)
		}
		if got := LeastStrict(test.a, test.b); got != test.least {
			t.Errorf("LeastStrict(%q, %q) is %q, want %q", test.a, test.b, got, test.least)
		}
	}
	for from, want := range map[api.Level]api.Level{privileged: baseline, baseline: restricted, restricted: "", unknown: "", "": ""} {
		if got := NextStricter(from); got != want {
			t.Errorf("NextStricter(%q) is %q, want %q", from, got, want)
		}
	}
	// The library's own order is the same.
	for i, a := range LooseToStrict() {
		for j, b := range LooseToStrict() {
			if (api.CompareLevels(a, b) < 0) != (i < j) {
				t.Errorf("the library orders %s and %s otherwise", a, b)
			}
		}
	}
}
