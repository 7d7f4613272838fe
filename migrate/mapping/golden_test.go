package mapping

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// load reads one policy of testdata the way the product does.
func load(t testing.TB, name string) *pspparse.Policy {
	t.Helper()
	path := filepath.Join("testdata", "policies", name+".yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	p, problems := pspparse.Parse(&doc, path)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", path, problems)
	}
	return p
}

func policyNames(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "policies", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".yaml"))
	}
	return names
}

// TestWorkedExamples states by hand what no -update may change: the levels of well-known policies.
func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	type bounds struct{ Closest, Safe, Held, Cover api.Level }
	const (
		privileged = api.LevelPrivileged
		baseline   = api.LevelBaseline
		restricted = api.LevelRestricted
	)
	tests := []struct {
		policy string
		want   bounds
		newest bounds
	}{
		// Privileged does not cover it, for it denies an unmasked /proc and unsafe sysctls. Baseline refuses both as well
		// and accepts nothing that the policy refuses, so baseline is the least strict level that opens no gap.
		{"docs-privileged", bounds{privileged, privileged, privileged, baseline}, bounds{privileged, privileged, privileged, baseline}},
		{"eks-privileged", bounds{privileged, privileged, privileged, baseline}, bounds{privileged, privileged, privileged, baseline}},
		{"gce-privileged", bounds{privileged, privileged, privileged, baseline}, bounds{privileged, privileged, privileged, baseline}},
		{"open", bounds{privileged, privileged, privileged, privileged}, bounds{privileged, privileged, privileged, privileged}},
		// No level covers these: each refuses localhost profiles, limits groups or does more that no level does.
		{"docs-baseline", bounds{baseline, privileged, privileged, LevelNone}, bounds{baseline, privileged, privileged, LevelNone}},
		{"docs-restricted", bounds{restricted, privileged, privileged, LevelNone}, bounds{restricted, privileged, privileged, LevelNone}},
		{"rancher-restricted-psp", bounds{restricted, privileged, privileged, LevelNone}, bounds{restricted, privileged, privileged, LevelNone}},
		{"rancher-manager-restricted", bounds{baseline, privileged, privileged, LevelNone}, bounds{baseline, privileged, privileged, LevelNone}},
		{"hostpath-read-only", bounds{privileged, privileged, privileged, LevelNone}, bounds{privileged, privileged, privileged, LevelNone}},
		// The most that a policy can ensure is baseline, and nothing from v1.34, when probe hosts come in.
		{"strictest", bounds{restricted, baseline, baseline, LevelNone}, bounds{restricted, privileged, privileged, LevelNone}},
	}
	for _, test := range tests {
		for _, at := range []struct {
			version api.Version
			want    bounds
		}{
			{api.MajorMinorVersion(1, 24), test.want},
			{api.MajorMinorVersion(1, 25), test.want},
			{api.LatestVersion(), test.newest},
		} {
			t.Run(test.policy+"/"+at.version.String(), func(t *testing.T) {
				t.Parallel()
				a := Assess(load(t, test.policy), at.version)
				got := bounds{a.Closest, a.CompliesAsWritten, a.CompliesAfterMutation, a.NoLooserThan}
				if diff := cmp.Diff(at.want, got); diff != "" {
					t.Errorf("levels differ (-want +got):\n%s", diff)
				}
			})
		}
	}
	if len(tests) != len(policyNames(t)) {
		t.Errorf("testdata/policies has %d policies, the table %d", len(policyNames(t)), len(tests))
	}
}

// TestGolden compares every assessment in full with its golden file; leftovers fail.
func TestGolden(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range policyNames(t) {
		for version, v := range map[string]api.Version{
			"v1.24": api.MajorMinorVersion(1, 24), "v1.25": api.MajorMinorVersion(1, 25), "newest": api.LatestVersion(),
		} {
			path := filepath.Join("testdata", "golden", name+"."+version+".txt")
			seen[path] = true
			got := render(Assess(load(t, name), v))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Errorf("%v; go test -update writes it", err)
				continue
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", path, diff)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !seen[file] {
			t.Errorf("%s belongs to no policy: delete it", file)
		}
	}
}

// render writes an assessment as text that a reviewer can read beside the specification.
func render(a Assessment) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("closest %s  as written %s  after mutation %s  no looser than %s  at %s", a.Closest, a.CompliesAsWritten, a.CompliesAfterMutation, a.NoLooserThan, a.Version)
	if len(a.AdmitsNothing) > 0 {
		line("admits nothing: %s", strings.Join(message.Texts(a.AdmitsNothing), "; "))
	}
	miss := ""
	if len(a.NearestMiss) > 0 {
		miss = fmt.Sprintf("would be %s but for %s", levels.NextStricter(a.Closest), english.And(message.Texts(a.NearestMiss)))
	}
	line("nearest miss: %s", miss)
	line("mutating: %s", strings.Join(a.Mutating, " "))
	line("\nchecks")
	for _, c := range a.Checks {
		tier := "      "
		if c.Core {
			tier = "(core)"
		}
		line("  %-11s %-10s %s %-26s %s: %s", c.Status, c.Level, tier, c.ID, strings.Join(c.Fields, " "), c.Note)
	}
	line("\nconditions at %s", a.Closest)
	for _, c := range a.Conditions(a.Closest) {
		line("  %-11s %s", c.Status, c.ID)
	}
	line("\nlost at %s", a.Closest)
	for _, l := range a.LostConstraints {
		line("  %-10s %s = %s: %s", l.Class, l.Field, l.Text(l.Field, 0), l.Note)
	}
	line("\nrequired template values")
	for _, w := range a.RequiredTemplateValues {
		line("  %s: %s (%s): %s", w.Path, TemplateText(w.Value), w.Field, w.Note)
	}
	line("\nfields")
	for _, f := range a.Fields {
		mutates := ""
		if f.Mutating {
			mutates = " (mutates)"
		}
		line("  %d %s = %q%s: %s", f.Line, f.Name, f.Text(f.Name, 0), mutates, f.Meaning)
	}
	return b.String()
}

// TestLostAt: the same policy loses more at a looser level, and Assess tells the part of its closest level.
func TestLostAt(t *testing.T) {
	t.Parallel()
	p, v := load(t, "hostpath-read-only"), api.MajorMinorVersion(1, 24)
	fields := func(level api.Level) []string {
		var out []string
		for _, l := range LostConstraintsAt(p, v, level) {
			out = append(out, string(l.Class)+" "+l.Field)
		}
		return slices.Compact(out)
	}
	want := map[api.Level][]string{
		api.LevelPrivileged: {
			"security allowPrivilegeEscalation", "security allowedCapabilities", "security allowedHostPaths",
			"security allowedProcMountTypes", "security allowedUnsafeSysctls", "security hostIPC", "security hostNetwork",
			"security hostPID", "security hostPorts", "security privileged", "security readOnlyRootFilesystem",
			"security requiredDropCapabilities", "security runAsUser",
			"security " + pspparse.SeccompAllowedAnnotation, "security volumes",
		},
		api.LevelBaseline: {
			"security allowPrivilegeEscalation", "security allowedCapabilities", "security readOnlyRootFilesystem",
			"security requiredDropCapabilities", "security runAsUser",
			"security " + pspparse.SeccompAllowedAnnotation, "security volumes",
		},
		api.LevelRestricted: {
			"security allowedCapabilities", "security readOnlyRootFilesystem",
			"security " + pspparse.SeccompAllowedAnnotation, "security volumes",
		},
	}
	got := map[api.Level][]string{}
	for _, level := range levels.LooseToStrict() {
		got[level] = fields(level)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lost fields differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(LostConstraintsAt(p, v, api.LevelPrivileged), Assess(p, v).LostConstraints); diff != "" {
		t.Errorf("Assess and LostAt differ (-LostAt +Assess):\n%s", diff)
	}
}
