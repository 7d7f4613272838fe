package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
)

func level(kind, name string, l api.Level, checks ...string) Workload {
	w := Workload{Kind: kind, Name: name, Evaluation: &Evaluation{Levels: WorkloadLevels{AfterPSP: l}}}
	for _, c := range checks {
		lv := api.LevelBaseline
		if c[0] == 'r' {
			lv = api.LevelRestricted
		}
		w.Violations = append(w.Violations, Violation{Check: c, Level: lv, Reason: "reason of " + c, Detail: name})
	}
	return w
}

func TestNeededBlockersWithout(t *testing.T) {
	t.Parallel()
	good := level("Deployment", "good", api.LevelRestricted)
	lax := level("Deployment", "lax", api.LevelBaseline, "r1", "r2")
	agent := level("DaemonSet", "agent", api.LevelPrivileged, "b1", "r1")
	tests := map[string]struct {
		workloads []Workload
		needed    api.Level
		blockers  []Blocker
		without   []LevelWithout
	}{
		"nothing runs": {},
		"all good":     {workloads: []Workload{good}, needed: api.LevelRestricted},
		"one lax": {
			workloads: []Workload{good, lax},
			needed:    api.LevelBaseline,
			blockers: []Blocker{
				{"r1", api.LevelRestricted, "reason of r1", "lax", []WorkloadRef{{"Deployment", "lax"}}},
				{"r2", api.LevelRestricted, "reason of r2", "lax", []WorkloadRef{{"Deployment", "lax"}}},
			},
			without: []LevelWithout{{[]WorkloadRef{{"Deployment", "lax"}}, api.LevelRestricted}},
		},
		"an agent holds it back, and one more behind it": {
			workloads: []Workload{agent, good, lax},
			needed:    api.LevelPrivileged,
			blockers:  []Blocker{{"b1", api.LevelBaseline, "reason of b1", "agent", []WorkloadRef{{"DaemonSet", "agent"}}}},
			without: []LevelWithout{
				{[]WorkloadRef{{"DaemonSet", "agent"}}, api.LevelBaseline},
				{[]WorkloadRef{{"DaemonSet", "agent"}, {"Deployment", "lax"}}, api.LevelRestricted},
			},
		},
		"in another order, the loosest of the rest is what is left": {
			workloads: []Workload{agent, lax, good},
			needed:    api.LevelPrivileged,
			blockers:  []Blocker{{"b1", api.LevelBaseline, "reason of b1", "agent", []WorkloadRef{{"DaemonSet", "agent"}}}},
			without: []LevelWithout{
				{[]WorkloadRef{{"DaemonSet", "agent"}}, api.LevelBaseline},
				{[]WorkloadRef{{"DaemonSet", "agent"}, {"Deployment", "lax"}}, api.LevelRestricted},
			},
		},
		"nothing would be left": {
			workloads: []Workload{agent},
			needed:    api.LevelPrivileged,
			blockers:  []Blocker{{"b1", api.LevelBaseline, "reason of b1", "agent", []WorkloadRef{{"DaemonSet", "agent"}}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := neededLevel(tt.workloads)
			if got != tt.needed {
				t.Errorf("needed = %q, want %q", got, tt.needed)
			}
			if diff := cmp.Diff(tt.blockers, levelBlockers(tt.workloads, got)); diff != "" {
				t.Errorf("blockers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.without, levelsWithoutWorkloads(tt.workloads, got)); diff != "" {
				t.Errorf("without (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCausesAreToldOnce(t *testing.T) {
	t.Parallel()
	bl := func(kind, name, check, detail string) Blocker {
		return Blocker{check, api.LevelRestricted, "reason of " + check, detail, []WorkloadRef{{kind, name}}}
	}
	namespaces := []Namespace{
		{Name: "0", Blockers: []Blocker{bl("Job", "v", "r0", ""), bl("Job", "w", "r0", ""), bl("Job", "x", "r0", ""), bl("Job", "y", "r0", ""), bl("Job", "z", "q0", "")}},
		{Name: "a", Blockers: []Blocker{bl("Job", "x", "r1", "one"), bl("Job", "x", "r1", "two"), bl("Job", "x", "r2", ""), bl("Job", "y", "r1", "")}},
		{Name: "b", Blockers: []Blocker{bl("Job", "x", "r1", "")}},
		{Name: "c"},
	}
	want := []BlockingViolation{
		{Check: "r1", Level: api.LevelRestricted, Reason: "reason of r1", Workloads: 3, Namespaces: 2, Examples: []string{"a/Job/x", "a/Job/y", "b/Job/x"}},
		{Check: "r0", Level: api.LevelRestricted, Reason: "reason of r0", Workloads: 4, Namespaces: 1, OtherWorkloads: 1, Examples: []string{"0/Job/v", "0/Job/w", "0/Job/x"}},
		{Check: "q0", Level: api.LevelRestricted, Reason: "reason of q0", Workloads: 1, Namespaces: 1, Examples: []string{"0/Job/z"}},
		{Check: "r2", Level: api.LevelRestricted, Reason: "reason of r2", Workloads: 1, Namespaces: 1, Examples: []string{"a/Job/x"}},
	}
	if diff := cmp.Diff(want, countBlockingViolations(namespaces)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLooserNeverOrdersTheUnknown(t *testing.T) {
	t.Parallel()
	for _, l := range append(levels.LooseToStrict(), "") {
		if levels.Looser(l, "") || levels.Looser("", l) || levels.Looser(l, l) {
			t.Errorf("looser orders %q against itself or the unknown", l)
		}
		if levels.LeastStrict(l, "") != l || levels.LeastStrict("", l) != l {
			t.Errorf("leastStrict of %q and the unknown is not %q", l, l)
		}
	}
	if !levels.Looser(api.LevelPrivileged, api.LevelBaseline) || levels.Looser(api.LevelRestricted, api.LevelBaseline) {
		t.Error("levels are ordered the wrong way round")
	}
}

func TestServerMinor(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"v1.24.17": "v1.24", "v1.24.17-eks-0a1b2c": "v1.24", "v1.30+": "v1.30", "": "", "dev": "", "v2.1.0": ""} {
		got, ok := parseServerMinor(in)
		if ok != (want != "") || (ok && got.String() != want) {
			t.Errorf("serverMinor(%q) = %v, %v; want %q", in, got, ok, want)
		}
	}
}

func TestAction(t *testing.T) {
	t.Parallel()
	full := PodSecurityLabels{"baseline", "v1.25", "restricted", "v1.25", "restricted", "v1.25"}
	tests := map[string]struct {
		current, recommended PodSecurityLabels
		want                 Action
	}{
		"none yet":                {PodSecurityLabels{}, full, ActionAdd},
		"just so":                 {full, full, ActionUnchanged},
		"only enforce there":      {PodSecurityLabels{Enforce: "baseline"}, full, ActionAdd},
		"another version":         {PodSecurityLabels{Enforce: "baseline", EnforceVersion: "latest"}, full, ActionChange},
		"tighter than before":     {PodSecurityLabels{Enforce: "privileged"}, full, ActionChange},
		"looser than before":      {PodSecurityLabels{Enforce: "restricted"}, full, ActionLoosen},
		"invalid is restricted":   {PodSecurityLabels{Enforce: "Baseline"}, full, ActionLoosen},
		"withheld":                {PodSecurityLabels{Enforce: "restricted"}, PodSecurityLabels{Warn: "restricted"}, ActionWithheld},
		"a mode of another level": {PodSecurityLabels{Warn: "baseline"}, full, ActionChange},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := compareWithCurrent(&Namespace{CurrentLabels: tt.current, RecommendedLabels: tt.recommended}, false); got != tt.want {
				t.Errorf("action = %q, want %q", got, tt.want)
			}
		})
	}
}
