package ciformat_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/ciformat"
	"github.com/psp2pss/psp2pss/migrate/finding"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// everything is a result with all that a result can hold.
func everything(t *testing.T) *finding.Result {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "everything.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r finding.Result
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// clean is a result in which nothing is found.
func clean() *finding.Result {
	return &finding.Result{
		ToolVersion: "v1.2.3",
		Workloads:   []finding.Workload{{Object: finding.Object{APIVersion: "v1", Kind: "Pod", Namespace: "web", Name: "api"}, Demands: []finding.Demand{{Level: "baseline", Version: "v1.25"}}, Passed: []string{"privileged"}}},
	}
}

// options are those of a run at a fixed time, with everything.
func options(remarks *[]string) ciformat.Options {
	return ciformat.Options{
		Time: time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC), Dir: "/repo",
		Remark: func(s string) { *remarks = append(*remarks, s) },
	}
}

// write returns what a format writes of a result, and its remarks.
func write(t *testing.T, format string, r *finding.Result) (text string, remarks []string) {
	t.Helper()
	i := slices.IndexFunc(ciformat.Formats(), func(f ciformat.Format) bool { return f.Name == format })
	if i < 0 {
		t.Fatalf("there is no format %q", format)
	}
	var out bytes.Buffer
	if err := ciformat.Formats()[i].Write(&out, r, options(&remarks)); err != nil {
		t.Fatal(err)
	}
	return out.String(), remarks
}

// Each format writes the result with everything in it as its golden file has it.
func TestGolden(t *testing.T) {
	t.Parallel()
	for format, file := range map[string]string{
		"sarif": "everything.sarif", "junit": "everything.junit.xml", "github": "everything.github.txt", "github-summary": "everything.github.md", "gitlab": "everything.gitlab.json",
		"policyreport": "everything.policyreport.yaml", "openreports": "everything.openreports.yaml",
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			got, _ := write(t, format, everything(t))
			path := filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// Every format names every exception with its reason and every gap: nothing is silent.
func TestNothingIsSilent(t *testing.T) {
	t.Parallel()
	for _, f := range ciformat.Formats() {
		got, _ := write(t, f.Name, everything(t))
		for _, want := range []string{"until the sidecar replaces it", "did not find expected key", "privileged", "hostPathVolumes"} {
			if !strings.Contains(got, want) && (f.Name != "github" || want != "hostPathVolumes") {
				t.Errorf("%s does not say %q:\n%s", f.Name, want, got)
			}
		}
	}
}

// Files below the working directory are named relative to it, others as they were given.
func TestFileNames(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"/repo/deploy/web.yaml": "deploy/web.yaml", "./web.yaml": "web.yaml", "a b/ä.yaml": "a%20b/%C3%A4.yaml", "/other/web.yaml": "file:///other/web.yaml",
		"../web.yaml": "../web.yaml", "-": "stdin", "a:b.yaml": "./a:b.yaml", "/repository/web.yaml": "file:///repository/web.yaml",
	} {
		r := clean()
		r.Findings = []finding.Finding{{Rule: "privileged", Severity: "error", Places: []finding.Place{{Range: finding.Range{File: file, Line: 1, Column: 1, EndLine: 1, EndColumn: 2}}}}}
		log := readSARIF(t, r)
		if got := log.Runs[0].Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI; got != want {
			t.Errorf("file %q has the URI %q, want %q", file, got, want)
		}
	}
}
