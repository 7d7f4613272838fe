package files

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	corpus      = "../../../shared/corpus/badinput"
	special     = "../../../shared/corpus/badinput-special.sh"
	outcomes    = "testdata/badinput.tsv"
	columns     = 5
	tableHeader = "file"
)

// The columns of the table: the file; what became of it (accept, warn, note, skip, error); what was read of it; the
// line and name of each gap; text that must be in a gap or a note, which is written by hand.
type row struct{ file, outcome, read, gaps, says string }

func readTable(t *testing.T) map[string]row {
	t.Helper()
	f, err := os.Open(outcomes)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord = '\t', columns
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]row{}
	for _, c := range records {
		table[c[0]] = row{c[0], c[1], c[2], c[3], c[4]}
	}
	return table
}

// TestBadInput reads each file of the corpus, and of what its script makes, and compares with the table of outcomes.
func TestBadInput(t *testing.T) {
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("the corpus of bad input is absent: other tests hold what it taught")
	}
	table := readTable(t)
	got := map[string]row{}
	for name, path := range cases(t) {
		got[name] = outcome(t, name, path)
	}
	if *update {
		writeTable(t, got, table)
		return
	}
	for name, g := range got {
		want, ok := table[name]
		want.says, g.says = "", ""
		if !ok {
			t.Errorf("%q is not in %s", name, outcomes)
		} else if diff := cmp.Diff(want, g, cmp.AllowUnexported(row{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name := range table {
		if _, ok := got[name]; !ok && name != tableHeader && !strings.Contains(name, "special") {
			t.Errorf("%q is in %s, but not in the corpus", name, outcomes)
		}
	}
}

func writeTable(t *testing.T, got, old map[string]row) {
	t.Helper()
	f, err := os.Create(outcomes)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	w.Comma = '\t'
	rows := [][]string{{tableHeader, "outcome", "read", "gaps", "says"}}
	for _, r := range got {
		rows = append(rows, []string{r.file, r.outcome, r.read, r.gaps, old[r.file].says})
	}
	slices.SortFunc(rows[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// cases are the files of the corpus and those that its script makes, by the name they have in the table.
func cases(t *testing.T) map[string]string {
	t.Helper()
	paths := map[string]string{}
	entries, err := os.ReadDir(corpus)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "EXPECT.tsv" {
			paths[english.EscapeInput(e.Name())] = filepath.Join(corpus, e.Name())
		}
	}
	dir := t.TempDir()
	if out, err := exec.Command("sh", special, dir).CombinedOutput(); err != nil {
		t.Logf("the special files could not be made: %v\n%s", err, out)
		return paths
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "unreadable/secret.yaml"), 0o600) })
	for _, name := range []string{"loop", "single-line-20mb.json", "single-line-50mb.yaml"} {
		paths["special/"+name] = filepath.Join(dir, name)
	}
	if err := os.Mkdir(filepath.Join(dir, "pipe"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "fifo.yaml"), filepath.Join(dir, "pipe/fifo.yaml")); err != nil {
		t.Fatal(err)
	}
	paths["special/pipe"] = filepath.Join(dir, "pipe")
	if os.Getuid() != 0 {
		paths["special/unreadable"] = filepath.Join(dir, "unreadable")
	}
	return paths
}

func outcome(t *testing.T, name, path string) row {
	t.Helper()
	inv, err := (&Reader{Paths: []string{path}, Recursive: true}).Load(context.Background())
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return row{file: name}
	}
	var says []string
	g := row{file: name, outcome: verdict(inv), read: counts(inv)}
	var gaps []string
	for _, gap := range inv.Gaps {
		what := strings.ReplaceAll(gap.What, path, name)
		if len(gaps) < 6 {
			gaps = append(gaps, fmt.Sprintf("%d %.60s", gap.Position.Line, what))
		}
		says = append(says, what+": "+gap.Why.Text)
	}
	for _, note := range inv.Notes {
		says = append(says, note.What+": "+note.Why.Text)
	}
	for _, p := range inv.Policies {
		for _, problem := range p.Problems {
			says = append(says, problem.Message.Text)
		}
	}
	g.gaps = strings.Join(gaps, "; ")
	all := strings.Join(says, "\n")
	if want := readTable(t)[name].says; !strings.Contains(all, want) {
		t.Errorf("%s: %q is not in:\n%.2000s", name, want, all)
	}
	for _, c := range all {
		if c < ' ' && c != '\n' || c >= 0x7f && c < 0xa0 || c == 0x202e {
			t.Errorf("%s: the control character %q is in a message", name, c)
		}
	}
	return g
}

func verdict(inv *inventory.Inventory) string {
	switch {
	case len(inv.Gaps) > 0:
		return "error"
	case slices.ContainsFunc(inv.Policies, func(p *pspparse.Policy) bool { return len(p.Problems) > 0 }):
		return "warn"
	case len(inv.Skipped) > 0:
		return "skip"
	case len(inv.Notes) > 0:
		return "note"
	}
	return "accept"
}

func counts(inv *inventory.Inventory) string {
	var all []string
	for _, c := range []struct {
		n    int
		what string
	}{
		{len(inv.Policies), "policies"},
		{len(inv.Namespaces), "namespaces"},
		{len(inv.Workloads), "workloads"},
		{len(inv.Roles), "roles"},
		{len(inv.Bindings), "bindings"},
		{len(inv.ServiceAccounts), "accounts"},
	} {
		if c.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(all, ", ")
}
