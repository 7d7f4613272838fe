package browser

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	pages = flag.String("pages", "../../bin/pages", "the folder of the pages")
	axe   = flag.String("axe", "../../bin/npm/node_modules/axe-core/axe.min.js", "the checker of accessibility")
)

// wide is a view on the page as most people have it.
var wide = View{Width: 1280, Height: 800}

// start starts a browser for a test.
func start(tb testing.TB) *Browser {
	tb.Helper()
	b, err := Start(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// open opens a page for a test, which fails at its end if the page has written on the console, failed or asked for anything.
func open(tb testing.TB, b *Browser, page, fragment string, view View) *Tab {
	tb.Helper()
	path := filepath.Join(*pages, page+".html")
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("%v: make browser writes the pages", err)
	}
	tab, err := b.Open(path, fragment, view)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		tab.Close()
		if said := tab.Said(); len(said) > 0 {
			tb.Errorf("the page %s said:\n%s", page, strings.Join(said, "\n"))
		}
	})
	return tab
}

// must fails a test at an error.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// value returns the value of a JavaScript expression in a page.
func value[T any](tb testing.TB, t *Tab, expression string) T {
	tb.Helper()
	v, err := Evaluate[T](t, expression)
	must(tb, err)
	return v
}

// expect fails a test if a JavaScript expression is not true in a page; it says what another one is.
func expect(tb testing.TB, t *Tab, expression, instead string) {
	tb.Helper()
	if !value[bool](tb, t, expression) {
		tb.Errorf("%s: not true; %s is %q", expression, instead, value[string](tb, t, "String("+instead+")"))
	}
}

// visible is whether an element is in the part of the page that is seen.
const visible = `((e) => { if (!e) return false; const r = e.getBoundingClientRect(); return r.height > 0 && r.top >= 0 && r.top < innerHeight; })`

func TestTables(t *testing.T) {
	t.Parallel()
	b := start(t)
	for _, page := range []string{"demo", "changed", "large", "hostile"} {
		t.Run(page, func(t *testing.T) {
			t.Run("search", func(t *testing.T) { search(t, b, page) })
			t.Run("filter", func(t *testing.T) { filter(t, b, page) })
			t.Run("sort", func(t *testing.T) { sorted(t, b, page) })
			t.Run("deep link", func(t *testing.T) { deepLink(t, b, page) })
			t.Run("back", func(t *testing.T) { back(t, b, page) })
			t.Run("copy", func(t *testing.T) { copied(t, b, page) })
			t.Run("keyboard", func(t *testing.T) { keyboard(t, b, page) })
			t.Run("scripts off", func(t *testing.T) { scriptsOff(t, b, page) })
			t.Run("drawn rows", func(t *testing.T) { drawnRows(t, b, page) })
		})
	}
}

// search types a word, and expects the rows that have it and their count, which screen readers are told.
func search(t *testing.T, b *Browser, page string) {
	tab := open(t, b, page, "", wide)
	must(t, tab.Type("#namespaces input[type=search]", "SHO"))
	must(t, tab.Type("#namespaces input[type=search]", "P"))
	want := value[int](t, tab, `tables.get("namespaces").rows.filter((row) => row[1].some((cell, i) => tables.get("namespaces").text(row, i).toLowerCase().includes("shop"))
		|| row[2].some((d) => data.details[d][2].some((line) => data.texts[line].toLowerCase().includes("shop")))).length`)
	all := value[int](t, tab, `tables.get("namespaces").rows.length`)
	if want == 0 || want == all {
		t.Fatalf("%d of %d rows have the word: the test proves nothing", want, all)
	}
	counted := `document.querySelector("#namespaces .count-rows").textContent`
	expect(t, tab, fmt.Sprintf(`%s === number(%d) + " of " + number(%d) + " rows"`, counted, want, all), counted)
	expect(t, tab, `document.querySelector("#namespaces .count-rows").getAttribute("role") === "status"`, `""`)
	expect(t, tab, fmt.Sprintf(`document.querySelectorAll("#namespaces tbody tr").length === Math.min(pageSize, %d)`, want), `document.querySelectorAll("#namespaces tbody tr").length`)
	// The address keeps the search, so that it can be sent to somebody.
	must(t, tab.Wait(`location.hash === "#namespaces?search=SHOP"`))
	again := open(t, b, page, "#namespaces?search=SHOP", wide)
	expect(t, again, fmt.Sprintf(`%s.startsWith(number(%d) + " of")`, counted, want), counted)
	expect(t, again, `document.querySelector("#namespaces input[type=search]").value === "SHOP"`, `document.querySelector("#namespaces input[type=search]").value`)
}

// filter chooses a level, and expects the rows that have it.
func filter(t *testing.T, b *Browser, page string) {
	if page == "hostile" {
		return // its levels are no levels, each another: there is nothing to choose
	}
	tab := open(t, b, page, "", wide)
	must(t, tab.Click("#namespaces .controls summary"))
	value[bool](t, tab, `(() => { const select = [...document.querySelectorAll("#namespaces .filters label")].find((l) => l.textContent.startsWith("Recommended")).querySelector("select");
		select.value = "=restricted"; select.dispatchEvent(new Event("change")); return true; })()`)
	expect(t, tab, `[...document.querySelectorAll("#namespaces tbody tr")].every((row) => row.children[2].textContent === "restricted")`, `document.querySelector("#namespaces tbody").textContent`)
	expect(t, tab, `tables.get("namespaces").left.length === tables.get("namespaces").rows.filter((row) => tables.get("namespaces").text(row, 2) === "restricted").length`, `tables.get("namespaces").left.length`)
	expect(t, tab, `document.querySelector("#namespaces summary").textContent === "Filter (1)"`, `document.querySelector("#namespaces summary").textContent`)
	must(t, tab.Wait(`location.hash === "#namespaces?is.recommended=restricted"`))
}

// sorted sorts by the first column, both ways.
func sorted(t *testing.T, b *Browser, page string) {
	tab := open(t, b, page, "", wide)
	names := `[...document.querySelectorAll("#namespaces tbody th")].map((th) => th.textContent)`
	must(t, tab.Click("#namespaces thead button"))
	up := value[[]string](t, tab, names)
	expect(t, tab, `document.querySelector("#namespaces thead th").getAttribute("aria-sort") === "ascending"`, `document.querySelector("#namespaces thead th").getAttribute("aria-sort")`)
	expect(t, tab, `(() => { const names = `+names+`; return names.every((name, i) => !i || collator.compare(names[i - 1], name) <= 0); })()`, names)
	must(t, tab.Click("#namespaces thead button"))
	down := value[[]string](t, tab, names)
	expect(t, tab, `document.querySelector("#namespaces thead th").getAttribute("aria-sort") === "descending"`, `document.querySelector("#namespaces thead th").getAttribute("aria-sort")`)
	slices.Reverse(down)
	if page == "demo" && !slices.Equal(up, down) {
		t.Errorf("up: %v, down reversed: %v", up, down)
	}
}

// deepLink opens a page at a row, the last one of the table: it is drawn, open, in view and has the focus.
func deepLink(t *testing.T, b *Browser, page string) {
	last := map[string]string{"large": "namespaces-10000"}[page]
	if last == "" {
		last = "namespaces-13"
	}
	tab := open(t, b, page, "#"+last, wide)
	must(t, tab.Wait(fmt.Sprintf(`document.getElementById(%q)?.contains(document.activeElement)`, last)))
	expect(t, tab, visible+fmt.Sprintf(`(document.getElementById(%q))`, last), "scrollY")
	expect(t, tab, fmt.Sprintf(`document.getElementById(%q) !== null`, last+"-detail"), `""`)
	expect(t, tab, fmt.Sprintf(`document.querySelector("#%s .opener").getAttribute("aria-expanded") === "true"`, last), `document.querySelector("#namespaces .opener").outerHTML`)
}

// back follows the picture from a policy to its row, from there to its namespaces and to one of them, and goes back.
func back(t *testing.T, b *Browser, page string) {
	tab := open(t, b, page, "", wide)
	must(t, tab.Click(`svg.graph a.node[href^="#policies-"]`))
	must(t, tab.Wait(`/^#policies-\d+$/.test(location.hash)`))
	policy := value[string](t, tab, "location.hash")
	must(t, tab.Wait(visible+fmt.Sprintf(`(document.querySelector(%q))`, policy)))
	must(t, tab.Wait(fmt.Sprintf(`document.querySelector("%s .opener").getAttribute("aria-expanded") === "true"`, policy)))
	must(t, tab.Click(policy+` a[href^="#namespaces"]`))
	must(t, tab.Wait(`location.hash.startsWith("#namespaces")`))
	namespaces := value[string](t, tab, "location.hash")
	if strings.Contains(namespaces, "?") {
		must(t, tab.Wait(`document.querySelector("#namespaces .only a") !== null`))
		expect(t, tab, `tables.get("namespaces").left.length < tables.get("namespaces").rows.length`, `tables.get("namespaces").left.length`)
	}
	// From the table of workloads to a namespace, and back to where the link was.
	must(t, tab.Click(`#workloads tbody a[href^="#namespaces-"]`))
	must(t, tab.Wait(`/^#namespaces-\d+$/.test(location.hash)`))
	must(t, tab.Wait(visible+`(document.querySelector(location.hash))`))
	must(t, tab.Back(namespaces))
	must(t, tab.Back(policy))
	must(t, tab.Wait(visible+fmt.Sprintf(`(document.querySelector(%q))`, policy)))
}

// copied expects that a command can be copied with its button, whatever the browser allows.
func copied(t *testing.T, b *Browser, page string) {
	tab := open(t, b, page, "", wide)
	must(t, tab.Click(".next .copy"))
	must(t, tab.Wait(`["Copied", "Selected"].includes(document.querySelector(".next .copy").textContent)`))
	expect(t, tab, `getSelection().toString() === "" || document.querySelector(".next pre").textContent.startsWith(getSelection().toString())`, "getSelection()")
}

// keyboard walks into the page: the first stop skips to the summary, every stop shows the focus, and a row opens with the space bar.
func keyboard(t *testing.T, b *Browser, page string) {
	tab := open(t, b, page, "", wide)
	must(t, tab.Press("\t"))
	expect(t, tab, `document.activeElement.className === "skip"`, "document.activeElement.outerHTML")
	for range 12 {
		must(t, tab.Press("\t"))
		expect(t, tab, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`, "document.activeElement.outerHTML")
	}
	value[bool](t, tab, `document.querySelector("#namespaces .opener").focus(), true`)
	must(t, tab.Press(" "))
	expect(t, tab, `document.querySelector("#namespaces .opener").getAttribute("aria-expanded") === "true" && document.activeElement === document.querySelector("#namespaces .opener")`, "document.activeElement.outerHTML")
	must(t, tab.Press(" "))
	expect(t, tab, `document.querySelector("#namespaces .detail") === null && document.activeElement === document.querySelector("#namespaces .opener")`, "document.activeElement.outerHTML")
}

// scriptsOff expects every row of every table to be in the page when scripts are off, in the order of the report, and each link to lead
// to something.
func scriptsOff(t *testing.T, b *Browser, page string) {
	on := open(t, b, page, "", wide)
	off := open(t, b, page, "", View{Width: 1280, Height: 800, ScriptsOff: true})
	want := value[map[string]int](t, on, `Object.fromEntries([...tables].map(([id, table]) => [id, table.rows.length]))`)
	got := value[map[string]int](t, off, `Object.fromEntries([...document.querySelectorAll(".table")].map((e) => [e.id, e.querySelectorAll("noscript tbody tr[id]").length]))`)
	for id, n := range want {
		if got[id] != n || n == 0 && id == "namespaces" {
			t.Errorf("the table %s has %d rows without scripts, and %d with them", id, got[id], n)
		}
	}
	texts := `[...document.querySelectorAll("#policies noscript tbody tr[id] th")].map((th) => th.textContent)`
	names := value[[]string](t, on, `tables.get("policies").rows.map((row) => tables.get("policies").text(row, 0))`)
	if shown := value[[]string](t, off, texts); !slices.Equal(shown, names) {
		t.Errorf("without scripts the policies are %q, with them %q", shown, names)
	}
	expect(t, off, `document.querySelectorAll(".controls, .copy, .pager, .opener").length === 0`, `""`)
	expect(t, off, `[...document.querySelectorAll("a[href^='#']")].slice(0, 5000).every((a) => document.getElementById(a.getAttribute("href").slice(1)))`,
		`[...document.querySelectorAll("a[href^='#']")].slice(0, 5000).filter((a) => !document.getElementById(a.getAttribute("href").slice(1))).map((a) => a.outerHTML).slice(0, 3)`)
	if page == "large" { // its details do not fit, and it says so
		expect(t, off, `document.querySelector("#namespaces noscript .cut").textContent.includes("-o json=report.json")`, `document.querySelector("#namespaces noscript").textContent.slice(0, 300)`)
		return
	}
	expect(t, off, `document.querySelectorAll("#namespaces noscript .detail-title").length > 0`, `""`)
}

// drawnRows expects no table to draw more than 100 rows at once, and the pages to hold all of them.
func drawnRows(t *testing.T, b *Browser, page string) {
	tab := open(t, b, page, "", wide)
	expect(t, tab, `[...document.querySelectorAll(".rows tbody")].every((body) => body.children.length <= 100)`, `""`)
	if page != "large" {
		return
	}
	must(t, tab.Click("#namespaces .pager button:last-child"))
	expect(t, tab, `document.querySelector("#namespaces .pager span").textContent === "51 to 100 of 10,000"`, `document.querySelector("#namespaces .pager span").textContent`)
	expect(t, tab, `document.querySelector("#namespaces-51") !== null && document.querySelector("#namespaces-50") === null`, `""`)
}

// No page is wider than the screen that shows it: a phone, and paper.
func TestWidth(t *testing.T) {
	t.Parallel()
	b := start(t)
	for _, page := range []string{"demo", "changed", "hostile", "large"} {
		for _, width := range []int64{390, 800, 1280} {
			t.Run(fmt.Sprint(page, width), func(t *testing.T) {
				tab := open(t, b, page, "#namespaces-1", View{Width: width, Height: 800})
				expect(t, tab, `document.documentElement.scrollWidth <= innerWidth`,
					`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll")).map((e) => e.outerHTML.slice(0, 200)).slice(-3)`)
			})
		}
	}
}

func TestMissingBrowser(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "chromium-headless-shell") {
		t.Errorf("without a browser: %v", err)
	}
}
