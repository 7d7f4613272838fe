package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// savedFleet writes the plan of the demo cluster into a folder, as of clusters with these names.
func savedFleet(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	text, _ := runDone(t, SystemDeps("psp2pss"), "plan", "--demo", "-o", "json")
	for i, name := range names {
		other := strings.Replace(text, `"source": {`, fmt.Sprintf(`"source": {"name": %q, "uid": "uid-%d",`, name, i), 1)
		if other == text {
			t.Fatal("the plan has no source")
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReportMerge reports on three clusters from their plans, and from what was kept of two of them and the plan of the third.
func TestReportMerge(t *testing.T) {
	t.Parallel()
	deps, dir := SystemDeps("psp2pss"), savedFleet(t, "a", "b", "c")
	whole, code := runDone(t, deps, "report", "--merge", dir, "-o", "json")
	if code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	var r handover.Report
	if err := json.Unmarshal([]byte(whole), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Sections) != len(fleet.SectionIDs()) || len(r.Sections[0].Tables[0].Rows) != 3 || r.Summary.Namespaces != 39 {
		t.Errorf("%d sections, %d clusters, %d namespaces", len(r.Sections), len(r.Sections[0].Tables[0].Rows), r.Summary.Namespaces)
	}
	checkOutput(t, filepath.FromSlash("../migrate/handover/report.schema.json"), deps, "report", "--merge", dir)
	two := filepath.Join(t.TempDir(), "two.json")
	if _, code := runDone(t, deps, "report", "--merge", filepath.Join(dir, "a.json"), "--merge", filepath.Join(dir, "c.json"), "-o", "fleet="+two); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	again, _ := runDone(t, deps, "report", "--merge", two, "--merge", filepath.Join(dir, "b.json"), "-o", "json")
	command := func(text string) string { // the calls differ
		lines := strings.Split(text, "\n")
		for i := range lines {
			if strings.Contains(lines[i], `"command": "psp2pss report`) {
				lines[i] = ""
			}
		}
		return strings.Join(lines, "\n")
	}
	if command(again) != command(whole) {
		t.Error("merging in two steps says something else")
	}
	for _, format := range []string{"markdown", "html", "yaml", "fleet", "csv=" + t.TempDir()} {
		if _, code := runDone(t, deps, "report", "--merge", dir, "-o", format); code != exitDone {
			t.Errorf("%s: exit code %d", format, code)
		}
	}
}

// TestReportMergeUnread reports on plans of which some cannot be read: they are clusters that were not seen, and the exit code says so.
func TestReportMergeUnread(t *testing.T) {
	t.Parallel()
	deps, dir := SystemDeps("psp2pss"), savedFleet(t, "a")
	cut, err := os.ReadFile(filepath.Join(dir, "a.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "cut.json"), cut[:len(cut)/2], 0o600),
		os.WriteFile(filepath.Join(dir, "empty.json"), nil, 0o600),
		os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("no plan"), 0o600),
		os.WriteFile(filepath.Join(dir, "list.yaml"), []byte("kind: PodList\napiVersion: v1\n"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	text, code := runDone(t, deps, "report", "--merge", dir, "-o", "fleet")
	if code != exitPartial {
		t.Errorf("exit code %d, want %d", code, exitPartial)
	}
	f, err := fleet.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "cut", "empty", "list"} {
		if c := f.Clusters[i]; want != "" && (c.Name != want || c.Error == "") {
			t.Errorf("cluster %d is %q with the error %q", i, c.Name, c.Error)
		}
	}
	if _, code := runDone(t, deps, "report", "--merge", dir, "--allow-partial", "-o", "fleet"); code != exitDone {
		t.Errorf("with --allow-partial the exit code is %d", code)
	}
}

// TestReportMergeRefuses gives --merge what it cannot be given.
func TestReportMergeRefuses(t *testing.T) {
	t.Parallel()
	dir, twice := savedFleet(t, "a"), savedFleet(t, "a")
	changed := filepath.Join(twice, "a.json")
	text, err := os.ReadFile(changed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), `"serverVersion": "v1.24.17"`, `"serverVersion": "v1.24.16"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--merge", dir, "--demo"}, exitUsage, "exclude each other"},
		{[]string{"--merge", dir, "-n", "shop"}, exitUsage, "exclude each other"},
		{[]string{"--merge", dir, "--context", "x"}, exitUsage, "exclude each other"},
		{[]string{"--merge", dir, "--redact", "key"}, exitUsage, "exclude each other"},
		{[]string{"--merge", dir, "--sections", "workloads"}, exitUsage, "clusters"},
		{[]string{"--merge", dir, "-o", "csv"}, exitUsage, "name a folder"},
		{[]string{"--merge", changed, "-o", "html=" + changed}, exitUsage, "would overwrite a file that is read"},
		{[]string{"--merge", filepath.Join(dir, "gone")}, exitFailed, "gone"},
		{[]string{"--merge", t.TempDir()}, exitUsage, "without .json and .yaml files"},
		{[]string{"--merge", dir, "--merge", twice}, exitFailed, "was read twice"},
		{[]string{"--demo", "-o", "fleet"}, exitUsage, "--merge"},
	} {
		streams, _, errOut := BufferStreams("")
		if code := Run(t.Context(), streams, SystemDeps("psp2pss"), append([]string{"report"}, test.args...)); code != test.code || !strings.Contains(errOut.String(), test.want) {
			t.Errorf("%q: exit code %d, want %d with %q:\n%s", test.args, code, test.code, test.want, errOut)
		}
	}
}
