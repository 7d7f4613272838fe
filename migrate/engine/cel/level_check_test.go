package cel

import (
	"testing"

	"k8s.io/pod-security-admission/policy"
)

// TestLevelChecksAreTheLibrarys: every check of the standards can be said, from the version on that has it. What it says is compared
// with the library in fixtures/controlplane/replacement.
func TestLevelChecksAreTheLibrarys(t *testing.T) {
	t.Parallel()
	for _, check := range policy.DefaultChecks() {
		for minor := range 45 {
			first := check.Versions[0].MinimumVersion.Minor()
			switch expression, ok := levelCheck(string(check.ID), minor); {
			case ok != (minor >= first):
				t.Errorf("%s at v1.%d can be said: %t; it exists from v1.%d", check.ID, minor, ok, first)
			case ok != (expression != ""):
				t.Errorf("%s at v1.%d: %t with %q", check.ID, minor, ok, expression)
			}
		}
		// Each later revision is said in other words.
		for _, revision := range check.Versions[1:] {
			minor := revision.MinimumVersion.Minor()
			before, _ := levelCheck(string(check.ID), minor-1)
			if after, _ := levelCheck(string(check.ID), minor); before == after {
				t.Errorf("%s changes at v1.%d: %s", check.ID, minor, after)
			}
		}
	}
	for _, id := range []string{"", "restricted", "Privileged"} {
		if expression, ok := levelCheck(id, 37); ok {
			t.Errorf("%q is no check: %s", id, expression)
		}
	}
}
