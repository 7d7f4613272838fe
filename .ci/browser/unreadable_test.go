package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withoutUnpacking takes from a page what unpacks a large report, as in a browser from before 2023.
const withoutUnpacking = `delete globalThis.DecompressionStream`

// A browser that cannot unpack a large report says so, what is missing and where the rows are, at the top and at each table; what stands
// above the tables is there, and its commands can be copied.
func TestWithoutUnpacking(t *testing.T) {
	t.Parallel()
	b := start(t)
	tab := open(t, b, "large", "", View{Width: 1280, Height: 800, Before: withoutUnpacking})
	expect(t, tab, `document.getElementById("page-data").type === "application/gzip"`, `document.getElementById("page-data").type`)
	expect(t, tab, visible+`(document.getElementById("page-notice")) && document.getElementById("page-notice").getAttribute("role") === "alert"`, `document.getElementById("page-notice")?.outerHTML`)
	for _, said := range []string{"no DecompressionStream", "Firefox 113", "psp2pss report --demo -o csv=tables"} {
		expect(t, tab, `document.getElementById("page-notice").textContent.includes("`+said+`")`, `document.getElementById("page-notice").textContent`)
	}
	expect(t, tab, `[...document.querySelectorAll(".table .rows")].every((place) => place.querySelector("a")?.getAttribute("href") === "#page-notice" && !place.querySelector("table"))`, `document.querySelector(".table .rows").innerHTML`)
	must(t, tab.Click(`#namespaces .rows a`))
	must(t, tab.Wait(visible+`(document.getElementById("page-notice"))`))
	must(t, tab.Click(".next .copy"))
	text, _ := printed(t, tab)
	if !strings.Contains(text, "noDecompressionStream") || !strings.Contains(text, "Nextsteps") {
		t.Error("on paper the notice or the first screen is missing")
	}
	// A report that is not packed needs nothing of the kind.
	small := open(t, b, "demo", "", View{Width: 1280, Height: 800, Before: withoutUnpacking})
	expect(t, small, `document.getElementById("page-notice") === null && document.querySelectorAll("#namespaces tbody tr").length > 0`, `document.querySelector("#namespaces .rows").textContent`)
}

// A file that was cut off or changed says that, in place of its rows.
func TestBrokenFile(t *testing.T) {
	t.Parallel()
	b := start(t)
	for name, part := range map[string]string{"demo": `{"texts":[`, "large": `id="page-data">`} {
		whole, err := os.ReadFile(filepath.Join(*pages, name+".html"))
		must(t, err)
		path := filepath.Join(t.TempDir(), name+".html")
		must(t, os.WriteFile(path, []byte(strings.Replace(string(whole), part, part+"AAAA", 1)), 0o600))
		tab, err := b.Open(path, "", wide)
		must(t, err)
		t.Cleanup(tab.Close)
		expect(t, tab, visible+`(document.getElementById("page-notice")) && document.getElementById("page-notice").textContent.includes("cut off or changed")`, `document.getElementById("page-notice")?.textContent`)
		if said := tab.Said(); len(said) > 0 {
			t.Errorf("%s says on the console: %q", name, said)
		}
	}
}
