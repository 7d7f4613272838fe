package browser

import (
	"fmt"
	"testing"
)

// The report on what changed begins with it: on the first screen in a sentence, then in a section of its own that can be searched,
// filtered and opened, and that leads to the rows of the namespaces.
func TestChanges(t *testing.T) {
	t.Parallel()
	b := start(t)
	tab := open(t, b, "changed", "", wide)
	expect(t, tab, `document.querySelector("#page-summary p:not(.verdict)").textContent.startsWith("Since the earlier plan: ")`, `document.querySelector("#page-summary").textContent.slice(0, 300)`)
	expect(t, tab, `document.querySelector(".part-of-report").id === "section-changes" && document.querySelector(".contents li:nth-child(2) a").getAttribute("href") === "#section-changes"`, `document.querySelector(".part-of-report").id`)
	must(t, tab.Type("#changes input[type=search]", "deployment/CART"))
	expect(t, tab, `tables.get("changes").left.length > 0 && tables.get("changes").left.length < tables.get("changes").rows.length`, `tables.get("changes").left.length`)
	expect(t, tab, `[...document.querySelectorAll("#changes tbody tr")].every((row) => row.textContent.toLowerCase().includes("deployment/cart"))`, `document.querySelector("#changes tbody").textContent`)
	must(t, tab.Wait(`location.hash === "#changes?search=deployment%2FCART"`))
	must(t, tab.Click("#changes .opener"))
	expect(t, tab, `document.querySelector("#changes .detail") !== null && ["Added", "Removed"].includes(document.querySelector("#changes .detail dt:not(.facts dt)").textContent)`, `document.querySelector("#changes tbody").textContent`)
	must(t, tab.Click(`#changes tbody a[href^="#namespaces-"]`))
	must(t, tab.Wait(`/^#namespaces-\d+$/.test(location.hash)`))
	must(t, tab.Wait(visible+`(document.querySelector(location.hash))`))
	expect(t, tab, `document.querySelector(location.hash + " th").textContent === "shop"`, `document.querySelector(location.hash + " th").textContent`)
	filtered := open(t, b, "changed", "#changes?is.group=new+blocker", wide)
	expect(t, filtered, `tables.get("changes").left.length > 0 && [...document.querySelectorAll("#changes tbody tr")].every((row) => row.children[0].textContent === "new blocker")`, `document.querySelector("#changes tbody").textContent`)
}

// "And 3 more" below the checks that block opens to them, with the keyboard, too.
func TestMoreBlockers(t *testing.T) {
	t.Parallel()
	b := start(t)
	tab := open(t, b, "demo", "", wide)
	const further = `document.querySelectorAll("details.more tbody tr").length`
	expect(t, tab, fmt.Sprintf(`document.querySelector("details.more summary").textContent === "And " + %s + " more" && %[1]s > 0`, further), `document.querySelector("details.more")?.outerHTML`)
	expect(t, tab, `!document.querySelector("details.more table").checkVisibility()`, further)
	value[bool](t, tab, `document.querySelector("details.more summary").focus(), true`)
	must(t, tab.Press("\r"))
	must(t, tab.Wait(`document.querySelector("details.more").open`))
	expect(t, tab, `document.querySelector("details.more table").checkVisibility()`, further)
}
