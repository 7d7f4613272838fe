package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/simulation"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// demoPlan is the plan of the demo cluster, which the scenarios of package fixtures keep.
const demoPlan = "../../fixtures/demo/want/plan.json"

func readPlan(t *testing.T, name string) *migrate.Plan {
	t.Helper()
	file := filepath.Join("testdata", name+".plan.json")
	if name == "demo" {
		file = demoPlan
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return decodePlan(t, text)
}

// decodePlan reads a plan without the checks of migrate.ReadPlan: the renderers escape what those refuse, too.
func decodePlan(t *testing.T, text []byte) *migrate.Plan {
	t.Helper()
	var p migrate.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	if err := p.ResolveShared(); err != nil {
		t.Fatal(err)
	}
	return &p
}

// cases are the recorded plans: a new one is a new file.
func cases(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.plan.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no recorded plan (%v)", err)
	}
	names := []string{"demo"}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".plan.json"))
	}
	return names
}

// writePlan writes a plan in a format that there is.
func writePlan(w io.Writer, format string, p *migrate.Plan, opts report.Options) error {
	f, ok := report.FindFormat(report.PlanFormats(), format)
	if !ok {
		return fmt.Errorf("there is no format %q", format)
	}
	return f.Write(w, p, opts)
}

// renderings are what is compared for every recorded plan.
func renderings() map[string]func(io.Writer, *migrate.Plan) error {
	with := func(format string, opts report.Options) func(io.Writer, *migrate.Plan) error {
		return func(w io.Writer, p *migrate.Plan) error { return writePlan(w, format, p, opts) }
	}
	out := map[string]func(io.Writer, *migrate.Plan) error{
		"table.txt":        with("table", report.Options{}),
		"table-60.txt":     with("table", report.Options{Width: 60, Colour: true}),
		"table-80.txt":     with("table", report.Options{Width: 80}),
		"table-120.txt":    with("table", report.Options{Width: 120}),
		"no-headers.txt":   with("table", report.Options{NoHeaders: true}),
		"wide.txt":         with("wide", report.Options{}),
		"wide-80.txt":      with("wide", report.Options{Width: 80}),
		"wide-120.txt":     with("wide", report.Options{Width: 120}),
		"name.txt":         with("name", report.Options{}),
		"explain-all.txt":  explainAll,
		"explain-wide.txt": explainWide,
	}
	return out
}

// explained draws what a builder made.
func explained(w io.Writer, opts report.Options) func(*report.Document, error) error {
	return func(d *report.Document, err error) error {
		if err != nil {
			return err
		}
		return report.Text(w, d, opts)
	}
}

// errorOf is the error of a builder.
func errorOf(_ *report.Document, err error) error { return err }

// explanations are the reports on everything in a plan, one thing after the other.
func explanations(p *migrate.Plan, wide bool) (out []*report.Document, err error) {
	add := func(d *report.Document, failed error) {
		out, err = append(out, d), errors.Join(err, failed)
	}
	for _, po := range p.Policies {
		add(report.ExplainPolicy(p, po.Name, wide))
	}
	for _, ns := range p.Namespaces {
		add(report.ExplainNamespace(p, ns.Name, wide))
		for _, wl := range ns.Workloads {
			add(report.ExplainWorkload(p, ns.Name, strings.ToUpper(wl.Kind), wl.Name))
			add(report.ExplainServiceAccount(p, ns.Name, wl.ServiceAccount))
		}
	}
	return out, err
}

// explainAll explains everything in a plan, namespaces in a terminal of 80 columns.
func explainAll(w io.Writer, p *migrate.Plan) error {
	all, err := explanations(p, false)
	for _, d := range all {
		opts := report.Options{}
		if d != nil && strings.HasPrefix(fmt.Sprint(d.Blocks[0]), "[Namespace ") {
			opts.Width = 80
		}
		if err == nil {
			err = report.Text(w, d, opts)
		}
	}
	return err
}

// explainWide explains the policies and namespaces in a plan with all that is known of them.
func explainWide(w io.Writer, p *migrate.Plan) error {
	all, err := explanations(p, true)
	for _, d := range all {
		about := ""
		if d != nil {
			about = fmt.Sprint(d.Blocks[0])
		}
		if err == nil && (strings.HasPrefix(about, "[Namespace ") || strings.HasPrefix(about, "[PodSecurityPolicy ")) {
			err = report.Text(w, d, report.Options{})
		}
	}
	return err
}

func TestGolden(t *testing.T) {
	expected := map[string]bool{}
	for _, name := range cases(t) {
		expected[name+".plan.json"] = true
		p := readPlan(t, name)
		for suffix, render := range renderings() {
			file := name + "." + suffix
			expected[file] = true
			t.Run(file, func(t *testing.T) {
				var got bytes.Buffer
				if err := render(&got, p); err != nil {
					t.Fatal(err)
				}
				compare(t, filepath.Join("testdata", file), got.Bytes())
			})
		}
	}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !expected[e.Name()] {
			t.Errorf("testdata/%s is left over", e.Name())
		}
	}
}

func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// The machine formats are the plan itself: read back, nothing is lost.
func TestMachineFormatsRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := readPlan(t, name)
			var asJSON, asYAML bytes.Buffer
			if err := report.PlanJSON(&asJSON, want, report.Options{}); err != nil {
				t.Fatal(err)
			}
			got := decodePlan(t, asJSON.Bytes())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
			if err := report.PlanYAML(&asYAML, want, report.Options{}); err != nil {
				t.Fatal(err)
			}
			var fromJSON, fromYAML any
			if err := yaml.Unmarshal(asJSON.Bytes(), &fromJSON); err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(asYAML.Bytes(), &fromYAML); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
				t.Errorf("YAML differs from JSON (-json +yaml):\n%s", diff)
			}
		})
	}
}

// Whatever is in a plan, every format leaves only characters that show, line ends, and the colours that were asked for.
func TestNothingActsOnATerminal(t *testing.T) {
	t.Parallel()
	p := readPlan(t, "hostile")
	for _, f := range append(report.PlanFormats(), report.Format[*migrate.Plan]{Name: "explain", Write: func(w io.Writer, p *migrate.Plan, _ report.Options) error { return explainAll(w, p) }}) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := f.Write(&got, p, report.Options{}); err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(got.String(), "\n") {
				for _, r := range line {
					if !escape.IsVisible(r) {
						t.Errorf("line %d holds %U: %q", i+1, r, line)
						break
					}
				}
			}
		})
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	demo, empty := readPlan(t, "demo"), readPlan(t, "empty")
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"policy", errorOf(report.ExplainPolicy(empty, "a\n", false)), `there is no policy "a\n" in what was read, but there may be more than was read (no policy was read)`},
		{"namespace", errorOf(report.ExplainNamespace(demo, "nope", false)), `there is no namespace "nope" in what was read; known: blog, bookings, ci, kube-system, logging, monitoring, orders-db, payments, reports, sandbox, search, shop, 1 more`},
		{"workload", errorOf(report.ExplainWorkload(demo, "logging", "Pod", "x")), `there is no workload "logging/pod/x" in what was read; known: logging/daemonset/fluent-bit`},
		{"account", errorOf(report.ExplainServiceAccount(empty, "web", "x")), `there is no namespace "web" in what was read, but there may be more than was read (no Namespace object was read: read those of all namespaces)`},
	}
	if f, ok := report.FindFormat(report.PlanFormats(), "pdf"); ok {
		t.Errorf("there is a format %q", f.Name)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.err == nil || test.err.Error() != test.want {
				t.Errorf("got %v, want %s", test.err, test.want)
			}
		})
	}
}

func TestSimulation(t *testing.T) {
	t.Parallel()
	fails := func(texts ...string) (v []migrate.Violation) {
		for _, text := range texts {
			reason, detail, _ := strings.Cut(text, ": ")
			v = append(v, migrate.Violation{Reason: reason, Detail: detail})
		}
		return v
	}
	s := &simulation.Result{Form: simulation.AfterPSP, Level: "restricted", Version: "v1.25", Results: []simulation.Workload{
		{Namespace: "a", Kind: "Pod", Name: "fine", Allowed: true},
		{Namespace: "a", Kind: "StatefulSet", Name: "db", Violations: fails("seccompProfile: \u202e", "privileged")},
		{Namespace: "a", Kind: "StatefulSet", Name: "other", Violations: fails("privileged")},
		{Namespace: "a", Kind: "StatefulSet", Name: "queue", Violations: fails("seccompProfile: \u202e", "privileged")},
		{Namespace: "b", Kind: "Pod", Name: "free", Allowed: true, Exempt: "by its namespace"},
		{Namespace: "b", Kind: "Pod", Name: "p", Unknown: "only live pods were read"},
		{Namespace: "b", Kind: "Pod", Name: "q", Message: "refused by PodSecurityPolicy admission: no"},
		{Namespace: "c", Kind: "Pod", Name: "fine", Allowed: true},
	}}
	tests := []struct {
		name string
		opts report.Options
		want string
	}{
		{"whole", report.Options{}, `namespace/a
  statefulset/db, statefulset/queue
    violates PodSecurity "restricted:v1.25":
      seccompProfile (\u202e)
      privileged
  statefulset/other
    violates PodSecurity "restricted:v1.25":
      privileged

namespace/b
  pod/p
    unknown after PSP: only live pods were read
  pod/q
    refused by PodSecurityPolicy admission: no

8 workloads after PSP: 4 would violate restricted:v1.25, 1 unknown, 3 allowed, 1 of them since they are exempt.
`},
		{"narrow", report.Options{Width: 34}, `namespace/a
  statefulset/db,
    statefulset/queue
    violates PodSecurity
      "restricted:v1.25":
      seccompProfile (\u202e)
      privileged
  statefulset/other
    violates PodSecurity
      "restricted:v1.25":
      privileged

namespace/b
  pod/p
    unknown after PSP: only live
      pods were read
  pod/q
    refused by PodSecurityPolicy
      admission: no

8 workloads after PSP: 4 would
violate restricted:v1.25, 1
unknown, 3 allowed, 1 of them
since they are exempt.
`},
		{"no headers", report.Options{NoHeaders: true}, `a/statefulset/db: seccompProfile (\u202e)
a/statefulset/db: privileged
a/statefulset/other: privileged
a/statefulset/queue: seccompProfile (\u202e)
a/statefulset/queue: privileged
b/pod/p: unknown after PSP: only live pods were read
b/pod/q: refused by PodSecurityPolicy admission: no
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := report.Text(&got, report.SimulationDocument(s, test.opts), test.opts); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The level privileged is coloured where it stands for a level, and no other level is; the same word as a name or a
// reason is not.
func TestColourGoesByColumn(t *testing.T) {
	t.Parallel()
	p := &migrate.Plan{
		APIVersion: migrate.APIVersion, Kind: migrate.Kind, TargetVersion: "v1.25",
		Policies:           []migrate.Policy{{Name: "privileged", ClosestLevel: api.LevelPrivileged}},
		BlockingViolations: []migrate.BlockingViolation{{Check: "privileged", Level: api.LevelBaseline, Reason: "privileged", Workloads: 1, Namespaces: 1}},
		Namespaces: []migrate.Namespace{{
			Name: "baseline", NeededLevel: api.LevelPrivileged, Complete: true, LabelOwner: "restricted", Action: migrate.ActionAdd,
			CurrentLabels: migrate.PodSecurityLabels{Warn: "baseline", WarnVersion: "v1.24"}, RecommendedLabels: migrate.PodSecurityLabels{Enforce: "privileged"},
			DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisWorkloads, Workload: &migrate.WorkloadRef{Kind: "Pod", Name: "p"}},
			Blockers:  []migrate.Blocker{{Workloads: []migrate.WorkloadRef{{Kind: "Pod", Name: "p"}}, Check: "privileged", Level: api.LevelBaseline, Reason: "privileged"}},
			Workloads: []migrate.Workload{{Kind: "Pod", Name: "p", ServiceAccount: "baseline", Evaluation: &migrate.Evaluation{LevelEstimated: true, Levels: migrate.WorkloadLevels{AfterPSP: api.LevelPrivileged}}}},
		}},
	}
	tests := []struct {
		name  string
		write func(io.Writer, *migrate.Plan, report.Options) error
		want  []string
	}{
		{"table", func(w io.Writer, p *migrate.Plan, o report.Options) error { return writePlan(w, "table", p, o) }, []string{"33:privileged"}},
		{"wide", func(w io.Writer, p *migrate.Plan, o report.Options) error {
			o.Width = 0
			return writePlan(w, "wide", p, o)
		}, []string{"33:privileged", "33:privileged", "33:privileged", "33:privileged"}},
		{"namespace", func(w io.Writer, p *migrate.Plan, o report.Options) error {
			return explained(w, o)(report.ExplainNamespace(p, "baseline", false))
		}, []string{"33:privileged", "33:privileged", "33:privileged"}},
		{"workload", func(w io.Writer, p *migrate.Plan, o report.Options) error {
			return explained(w, o)(report.ExplainWorkload(p, "baseline", "pod", "p"))
		}, []string{"33:privileged", "33:privileged", "33:privileged"}},
	}
	coloured := regexp.MustCompile("\x1b\\[(3[0-9])m(.*?)\x1b\\[0m")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := test.write(&b, p, report.Options{Width: 80, Colour: true}); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range coloured.FindAllStringSubmatch(b.String(), -1) {
				got = append(got, m[1]+":"+m[2])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("coloured (-want +got):\n%s\nin\n%s", diff, b.String())
			}
		})
	}
}

// An estimate says what it rests on.
func TestEstimated(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		asWritten api.Level
		want      string
	}{
		{"no template", "", "after PSP            privileged, estimated: only pods that a policy had changed were seen\n"},
		{"with a template", api.LevelBaseline, "after PSP            privileged, estimated: its live pods differ from its template, and what a policy set there by mutation had to be removed by rule\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &migrate.Plan{Namespaces: []migrate.Namespace{{Name: "web", Workloads: []migrate.Workload{{Kind: "Deployment", Name: "api", Evaluation: &migrate.Evaluation{LevelEstimated: true, Levels: migrate.WorkloadLevels{AsWritten: test.asWritten, AfterPSP: api.LevelPrivileged}}}}}}}
			var b bytes.Buffer
			if err := explained(&b, report.Options{})(report.ExplainWorkload(p, "web", "deployment", "api")); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), test.want) {
				t.Errorf("got\n%s\nwithout\n%s", b.String(), test.want)
			}
		})
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteErrorsAreReturned(t *testing.T) {
	t.Parallel()
	p := readPlan(t, "demo")
	for _, f := range report.PlanFormats() {
		if err := f.Write(brokenPipe{}, p, report.Options{}); err != io.ErrClosedPipe { //nolint:errorlint // the error itself is wanted
			t.Errorf("%s: got %v, want %v", f.Name, err, io.ErrClosedPipe)
		}
	}
}
