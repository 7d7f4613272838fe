package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// program runs a program of poppler-utils and returns what it prints.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s (install poppler-utils, a package of Debian): %v\n%s", name, err, out)
	}
	return string(out)
}

// printed prints a page to PDF and returns its text without blanks and the number of its pages.
func printed(t *testing.T, tab *Tab) (string, int) {
	t.Helper()
	pdf, err := tab.Print()
	must(t, err)
	path := filepath.Join(t.TempDir(), "report.pdf")
	must(t, os.WriteFile(path, pdf, 0o600))
	found := regexp.MustCompile(`(?m)^Pages:\s+(\d+)$`).FindStringSubmatch(program(t, "pdfinfo", path))
	if found == nil {
		t.Fatal("pdfinfo does not say how many pages there are")
	}
	pages, _ := strconv.Atoi(found[1])
	// Names are broken into lines where columns are narrow.
	return strings.Join(strings.Fields(program(t, "pdftotext", "-raw", path, "-")), ""), pages
}

// On paper there is what the filters left, whole, and nothing to click on.
func TestPrint(t *testing.T) {
	t.Parallel()
	b := start(t)
	tab := open(t, b, "demo", "", wide)
	text, pages := printed(t, tab)
	if pages < 10 || pages > 70 {
		t.Errorf("the demo prints to %d pages", pages)
	}
	for _, name := range value[[]string](t, tab, `tables.get("namespaces").rows.map((row) => tables.get("namespaces").text(row, 0))`) {
		if !strings.Contains(text, name) {
			t.Errorf("the namespace %s is not on paper", name)
		}
	}
	for _, control := range []string{"Openall", "Copy", "Search", "Skipto"} {
		if strings.Contains(text, control) {
			t.Errorf("the control %q is on paper", control)
		}
	}
	// What rows open to is on paper, and closed again on the screen.
	for _, detail := range value[[]string](t, tab, `[...tables.values()].flatMap((table) => table.rows.flatMap((row) => row[2].map((at) => data.texts[data.details[at][2][0]])))`) {
		if word := longest(detail); !strings.Contains(text, word) {
			t.Errorf("%q of the detail %q is not on paper", word, detail)
		}
	}
	for _, check := range value[[]string](t, tab, `[...document.querySelectorAll("details.more tbody th")].map((th) => th.firstChild.textContent.trim())`) {
		if !strings.Contains(text, strings.Join(strings.Fields(check), "")) {
			t.Errorf("the check %q is not on paper", check)
		}
	}
	expect(t, tab, `document.querySelectorAll(".detail").length === 0 && !document.querySelector("details.more").open`, `document.querySelectorAll(".detail").length`)
}

// longest is the longest word of a text in which nothing can be broken into lines.
func longest(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	return slices.MaxFunc(append(words, ""), func(a, b string) int { return len(a) - len(b) })
}

// Without scripts what rows open to is on paper, too.
func TestPrintWithoutScripts(t *testing.T) {
	t.Parallel()
	b := start(t)
	text, _ := printed(t, open(t, b, "demo", "", View{Width: 1280, Height: 800, ScriptsOff: true}))
	for _, said := range []string{"Labelstopaste", "pod-security.kubernetes.io/enforce", "Patchthatkeepsitasitistoday"} {
		if !strings.Contains(text, said) {
			t.Errorf("%q is not on paper", said)
		}
	}
}

// No table is wider than the paper, also when a row is open and names are long.
func TestPaperWidth(t *testing.T) {
	t.Parallel()
	b := start(t)
	for _, page := range []string{"demo", "changed", "hostile"} {
		t.Run(page, func(t *testing.T) {
			// A4 without margins of 12 mm, at 96 pixels an inch.
			tab := open(t, b, page, "#namespaces-1", View{Width: 703, Height: 1000})
			must(t, tab.Paper())
			value[bool](t, tab, `dispatchEvent(new Event("beforeprint"))`)
			expect(t, tab, `[...document.querySelectorAll("main *")].every((e) => e.getBoundingClientRect().right <= innerWidth + 1)`,
				`[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 300)).slice(-2)`)
		})
	}
}

// A table of which the filters left many rows prints them closed, and says how to have the rest.
func TestPrintMany(t *testing.T) {
	t.Parallel()
	b := start(t)
	tab := open(t, b, "large", "#namespaces?search=bookings", wide)
	value[bool](t, tab, `(() => { for (const [id, table] of tables) if (id !== "namespaces") { table.search = "no such text"; table.draw(); } return true; })()`)
	value[bool](t, tab, `(tables.get("namespaces").open.add(tables.get("namespaces").rows[tables.get("namespaces").left[0]][0]), true)`)
	left := value[int](t, tab, `tables.get("namespaces").left.length`)
	if left <= 200 {
		t.Fatalf("%d rows are left: the test proves nothing", left)
	}
	text, _ := printed(t, tab)
	want := strings.Join(strings.Fields(value[string](t, tab, fmt.Sprintf(`"Printed without what " + number(%d) + " of its rows open to. A search or a filter that leaves 200 rows or fewer"`, left-1))), "")
	if !strings.Contains(text, want) || !strings.Contains(text, "-ocsv=tables") {
		t.Errorf("%q is not on paper", want)
	}
	if n := strings.Count(text, "Labelstopaste"); n != 1 {
		t.Errorf("%d rows are open on paper, and one is on the screen", n)
	}
	expect(t, tab, `getComputedStyle(document.querySelector("#namespaces .paper")).display === "none"`, `document.querySelector("#namespaces .paper").outerHTML`)
}

// A table of more rows than are drawn at once prints all that its filters left, and then is as it was.
func TestPrintFiltered(t *testing.T) {
	t.Parallel()
	b := start(t)
	tab := open(t, b, "large", "#namespaces?search=bookings-0000", wide)
	// The other tables would take a thousand pages.
	value[bool](t, tab, `(() => { for (const [id, table] of tables) if (id !== "namespaces") { table.search = "no such text"; table.draw(); } return true; })()`)
	text, _ := printed(t, tab)
	left := value[[]string](t, tab, `tables.get("namespaces").left.map((i) => tables.get("namespaces").text(tables.get("namespaces").rows[i], 0))`)
	if len(left) < 5 {
		t.Fatalf("%d rows are left: the test proves nothing", len(left))
	}
	for _, name := range left {
		if !strings.Contains(text, name) {
			t.Errorf("%s is not on paper", name)
		}
	}
	if strings.Contains(text, "kube-system-00001") {
		t.Error("a row that the search left out is on paper")
	}
	if !strings.Contains(text, "Labelstopaste") || strings.Contains(text, "Printedwithoutwhat") {
		t.Errorf("what these %d rows open to is not on paper", len(left))
	}
	expect(t, tab, `document.querySelectorAll("#namespaces tbody tr").length <= pageSize`, `document.querySelectorAll("#namespaces tbody tr").length`)
}
