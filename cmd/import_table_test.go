package cmd

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The part of CONTRIBUTING.md that TestImportTable writes.
const (
	importTableStart = "<!-- import table: make golden writes it -->\n"
	importTableEnd   = "<!-- end of the import table -->\n"
)

// TestImportTable compares the import table of CONTRIBUTING.md with what the packages import.
func TestImportTable(t *testing.T) {
	t.Parallel()
	const path = "../CONTRIBUTING.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), importTableStart)
	got, after, ok2 := strings.Cut(rest, importTableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no lines %q and %q", path, importTableStart, importTableEnd)
	}
	want := importTable(allPackages(t))
	if *update {
		if err := os.WriteFile(path, []byte(before+importTableStart+want+importTableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the import table of %s is old: make golden writes it (-want +got)\n%s", path, diff)
	}
}

// importTable returns a Markdown table of our packages, by path: the first sentence of the package comment, and which of
// our packages it imports.
func importTable(packages map[string]listed) string {
	var rows []string
	for path, p := range packages {
		name, ok := ours(path)
		if !ok || len(p.GoFiles) == 0 {
			continue
		}
		var imports []string
		for _, imported := range p.Imports {
			if to, ok := ours(imported); ok {
				imports = append(imports, "`"+to+"`")
			}
		}
		slices.Sort(imports)
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", name, purpose(p.Doc), strings.Join(imports, ", ")))
	}
	slices.Sort(rows)
	return "| Package | What it does | Imports of ours |\n| --- | --- | --- |\n" + strings.Join(rows, "")
}

// purpose returns what a package comment says after "Package NAME" or "Command NAME", as the cell of a table.
func purpose(doc string) string {
	words := strings.Fields(doc)
	if len(words) > 2 && (words[0] == "Package" || words[0] == "Command") {
		words = words[2:]
	}
	return strings.ReplaceAll(strings.Join(words, " "), "|", `\|`)
}
