package pss

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
)

// TestMergeViolationsPerCheck checks that what several forms of a workload fail is reported once, and that nothing is lost.
func TestMergeViolationsPerCheck(t *testing.T) {
	t.Parallel()
	of := func(check, reason string, details ...string) []Violation {
		var out []Violation
		for _, d := range details {
			out = append(out, Violation{Check: check, Level: api.LevelRestricted, Reason: reason, Detail: d})
		}
		return out
	}
	const drop = ` must set securityContext.capabilities.drop=["ALL"]`
	const add = ` must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add`
	for name, tt := range map[string]struct{ in, want []Violation }{
		"nothing": {nil, nil},
		"several checks": {
			append(of("a", "x", `container "c" must`), of("b", "y", `container "c" must`)...),
			append(of("a", "x", `container "c" must`), of("b", "y", `container "c" must`)...),
		},
		"one form has all that another has": {
			of("c", "r", `container "c"`+add, `containers "mesh", "c"`+drop+`; container "c"`+add),
			of("c", "r", `containers "mesh", "c"`+drop+`; container "c"`+add),
		},
		"one form has all but a name": {
			of("c", "r", `container "c"`+drop+`; container "mesh"`+add, `containers "mesh", "c"`+drop+`; container "mesh"`+add),
			of("c", "r", `containers "mesh", "c"`+drop+`; container "mesh"`+add),
		},
		"each has something": {
			of("c", "r", `container "a"`+drop, `container "b"`+add, `containers "b", "d"`+drop),
			of("c", "r", `container "b"`+add+`; containers "b", "d", "a"`+drop),
		},
		"of the pod": {
			of("c", "r", `pod and container "a" must not set runAsUser=0`, `pod must not set runAsUser=0`, `pod or container "a" must set x`, `pod or container "b" must set x`),
			of("c", "r", `pod and container "a" must not set runAsUser=0; pod or containers "a", "b" must set x; pod must not set runAsUser=0`),
		},
		"volumes":           {of("c", "r", `volume "a"`, `volumes "a", "b"`), of("c", "r", `volumes "a", "b"`)},
		"lists of words":    {of("c", "r", "hostNetwork=true", "hostPID=true", "hostPID=true"), of("c", "r", "hostNetwork=true; hostPID=true")},
		"longer words":      {of("c", "r", "a", "bb", "ccc"), of("c", "r", "a; bb; ccc")},
		"without a detail":  {of("c", "r", "", "x"), of("c", "r", "x")},
		"names of any kind": {of("c", "r", `container "a"; container "b" must`, `container "x""`), of("c", "r", `container "a"; container "b" must; container "x""`)},
		"a reason in the plural": {
			append(of("c", "forbidden AppArmor profile", `annotation must not set AppArmor profile type to "k=\"unconfined\""`), of("c", "forbidden AppArmor profiles", `pod must not`)...),
			of("c", "forbidden AppArmor profiles", `annotation must not set AppArmor profile type to "k=\"unconfined\""; pod must not`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, MergeViolationsPerCheck(tt.in)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompareViolations(t *testing.T) {
	t.Parallel()
	sorted := []Violation{
		{Level: api.LevelRestricted, Check: "a", Reason: "a", Detail: "a"},
		{Level: api.LevelBaseline, Check: "a", Reason: "a", Detail: "a"},
		{Level: api.LevelBaseline, Check: "a", Reason: "a", Detail: "b"},
		{Level: api.LevelBaseline, Check: "a", Reason: "b", Detail: "a"},
		{Level: api.LevelBaseline, Check: "b", Reason: "a", Detail: "a"},
	}
	if api.CompareLevels(sorted[0].Level, sorted[1].Level) > 0 {
		sorted = append(sorted[1:], sorted[0])
	}
	got := slices.Clone(sorted)
	slices.Reverse(got)
	slices.SortFunc(got, CompareViolations)
	if diff := cmp.Diff(sorted, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVerdictEqual(t *testing.T) {
	t.Parallel()
	one := Verdict{Level: api.LevelBaseline, Violations: []Violation{{Check: "a", Level: api.LevelRestricted}}}
	for name, c := range map[string]struct {
		other Verdict
		want  bool
	}{
		"itself":           {one, true},
		"a copy":           {Verdict{Level: one.Level, Violations: slices.Clone(one.Violations)}, true},
		"another level":    {Verdict{Level: api.LevelPrivileged, Violations: one.Violations}, false},
		"no violation":     {Verdict{Level: one.Level}, false},
		"another one":      {Verdict{Level: one.Level, Violations: []Violation{{Check: "b", Level: api.LevelRestricted}}}, false},
		"one more of them": {Verdict{Level: one.Level, Violations: append(slices.Clone(one.Violations), Violation{})}, false},
	} {
		if got := one.Equal(c.other); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
