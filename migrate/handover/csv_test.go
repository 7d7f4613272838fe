package handover_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// readCSV reads a table as encoding/csv does, without the byte order mark that it may have.
func readCSV(t *testing.T, table *handover.Table, bom bool) [][]string {
	t.Helper()
	var text bytes.Buffer
	if err := handover.WriteCSV(&text, table, bom); err != nil {
		t.Fatal(err)
	}
	rest, has := bytes.CutPrefix(text.Bytes(), []byte("\xef\xbb\xbf"))
	if has != bom {
		t.Errorf("%s: begins with a byte order mark: %t, want %t", table.ID, has, bom)
	}
	if bytes.Contains(rest, []byte("\r")) {
		t.Errorf("%s: a line ends with CR LF, or a cell has a CR", table.ID)
	}
	records, err := csv.NewReader(bytes.NewReader(rest)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", table.ID, err)
	}
	return records
}

// unguarded takes away the apostrophes that keep a cell from being a formula.
func unguarded(cell string) string {
	if rest, guarded := strings.CutPrefix(cell, "'"); guarded && startsFormula(rest) {
		cell = rest
	}
	return guardBehind.ReplaceAllString(cell, "$1$2")
}

// guardBehind matches the apostrophe that keeps what stands behind a semicolon from being a formula.
var guardBehind = regexp.MustCompile("(;[ \t\r\n\"'`\u00a0\u3000“”„‘’]*)'([-=+@＝＋－＠])")

// startsFormula reports whether a spreadsheet may take a cell for a formula: by its first character, in either width, behind quotes and
// blanks.
func startsFormula(cell string) bool {
	rest := strings.TrimLeft(cell, " \t\r\n\"'`\u00a0\u3000“”„‘’")
	if strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") {
		return true
	}
	return strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, "+") || strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "@") ||
		strings.HasPrefix(rest, "＝") || strings.HasPrefix(rest, "＋") || strings.HasPrefix(rest, "－") || strings.HasPrefix(rest, "＠")
}

// checkCSV compares a table with what encoding/csv reads of it.
func checkCSV(t *testing.T, table *handover.Table, bom bool) {
	t.Helper()
	var want [][]string
	head := []string{}
	for _, c := range table.Columns {
		head = append(head, c.ID)
	}
	for _, d := range table.Details {
		head = append(head, "detail-"+d.ID)
	}
	want = append(want, head)
	for i := range table.Rows {
		line := []string{}
		for k, c := range table.Rows[i].Cells {
			if table.Columns[k].Kind == "number" {
				line = append(line, strconv.Itoa(c.Number))
			} else {
				line = append(line, escape.Terminal(c.Text))
			}
		}
		for _, column := range table.Details {
			cell, separator := "", "; "
			if column.Kind == "code" {
				separator = "\n"
			}
			for _, d := range table.Rows[i].Detail {
				if d.ID == column.ID {
					lines := slices.Clone(d.Lines)
					for k := range lines {
						lines[k] = escape.Terminal(lines[k])
					}
					cell = strings.Join(lines, separator)
				}
			}
			line = append(line, cell)
		}
		want = append(want, line)
	}
	got := readCSV(t, table, bom)
	for i, record := range got {
		for k, cell := range record {
			if startsFormula(cell) && !strings.HasPrefix(cell, "'") {
				t.Errorf("%s, row %d: %q begins a formula", table.ID, i, cell)
			}
			for _, part := range strings.Split(cell, ";")[1:] { // as a spreadsheet reads it that takes semicolons for separators
				if startsFormula(part) && !strings.Contains(part, "'") {
					t.Errorf("%s, row %d: behind a semicolon of %q begins a formula", table.ID, i, cell)
				}
			}
			got[i][k] = unguarded(cell)
		}
	}
	for i := range want {
		for k := range want[i] {
			want[i][k] = unguarded(want[i][k])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", table.ID, diff)
	}
}

// Every table is read by encoding/csv as the report has it, and no cell begins a formula, also with hostile texts.
func TestCSV(t *testing.T) {
	t.Parallel()
	for _, r := range []*handover.Report{reportOn(demoPlan(t)), hostileReport(t), reportOn(generatedPlan(t, 3))} {
		names := map[string]bool{}
		for _, f := range handover.CSVFiles(r) {
			if names[f.Name] || !strings.HasSuffix(f.Name, ".csv") || strings.ContainsAny(f.Name, "/\\ ") {
				t.Errorf("the file name %q is not one of its own", f.Name)
			}
			names[f.Name] = true
			checkCSV(t, f.Table, false)
			checkCSV(t, f.Table, true)
		}
	}
}

func TestFormulasAreText(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"web": "web", "": "", "a=b": "a=b", "a-b": "a-b", "1.2": "1.2", "psp/x": "psp/x",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x",
		`"=1"`: `'"=1"`, "'=1": "''=1", "  =1": "'  =1", "\u00a0=1": "'\\u00a0=1", "`-x": "'`-x", "“=1”": "'“=1”",
		"\t=1": `\t=1`, "\r=1": `\r=1`, "a;=1": "a;'=1", "a; =1": "a; '=1", `a";"=1`: `a";"'=1`, "a,=1": "a,=1",
	} {
		if strings.HasPrefix(cell, "\u00a0") {
			want = `\u00a0=1` // a blank that does not show is escaped, and then nothing begins a formula
		}
		table := &handover.Table{ID: "t", Columns: []handover.Column{{ID: "c", Kind: "text"}, {ID: "d", Kind: "text"}}, Rows: []handover.Row{{Cells: []handover.Cell{{Text: cell}, {Text: "x"}}}}}
		if got := readCSV(t, table, false)[1][0]; got != want {
			t.Errorf("%q is %q, want %q", cell, got, want)
		}
	}
}

// The columns of all tables are what scripts rely on.
func TestCSVColumnsAreStable(t *testing.T) {
	t.Parallel()
	const file = "testdata/csv-columns.txt"
	var got strings.Builder
	for _, f := range handover.CSVFiles(reportOn(demoPlan(t))) {
		got.WriteString(f.Name + ": " + strings.Join(readCSV(t, f.Table, false)[0], ",") + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
