package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// violation is what axe found against one of its rules.
type violation struct {
	ID     string   `json:"id"`
	Help   string   `json:"help"`
	Places []string `json:"places"`
}

// check runs axe on a page and fails for each violation.
func check(t *testing.T, tab *Tab) {
	t.Helper()
	script, err := os.ReadFile(*axe)
	if err != nil {
		t.Fatalf("%v: make browser installs it", err)
	}
	// It comes through the protocol of the browser, which no policy of the page stops.
	value[bool](t, tab, string(script)+"\n;true")
	result := value[struct {
		Passed     int         `json:"passed"`
		Violations []violation `json:"violations"`
	}](t, tab, `axe.run().then((result) => ({passed: result.passes.length, violations: result.violations.map((v) => ({id: v.id, help: v.help,
		places: v.nodes.slice(0, 5).map((n) => n.target + " " + n.html.slice(0, 150) + " " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ""))}))}))`)
	for _, v := range result.Violations {
		t.Errorf("%s: %s\n  %s", v.ID, v.Help, strings.Join(v.Places, "\n  "))
	}
	if result.Passed < 20 {
		t.Errorf("axe passed %d rules only: it did not run", result.Passed)
	}
}

// Nothing in the page keeps people with assistive technology from it.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	b := start(t)
	for _, page := range []string{"demo", "changed", "large", "hostile"} {
		for _, dark := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s dark %v", page, dark), func(t *testing.T) {
				check(t, open(t, b, page, "", View{Width: 1280, Height: 800, Dark: dark}))
			})
		}
		t.Run(page+" row open", func(t *testing.T) { check(t, open(t, b, page, "#namespaces-1", wide)) })
	}
	t.Run("filters open", func(t *testing.T) {
		tab := open(t, b, "demo", "#workloads-1", View{Width: 1280, Height: 800, Dark: true})
		must(t, tab.Click("#workloads .controls summary"))
		check(t, tab)
	})
	for _, dark := range []bool{false, true} {
		t.Run(fmt.Sprintf("change and more blockers open, dark %v", dark), func(t *testing.T) {
			tab := open(t, b, "changed", "#changes-4", View{Width: 1280, Height: 800, Dark: dark})
			must(t, tab.Click("details.more summary"))
			check(t, tab)
		})
		t.Run(fmt.Sprintf("without rows, dark %v", dark), func(t *testing.T) {
			check(t, open(t, b, "large", "", View{Width: 1280, Height: 800, Dark: dark, Before: withoutUnpacking}))
		})
	}
	t.Run("phone", func(t *testing.T) { check(t, open(t, b, "demo", "#policies-1", View{Width: 390, Height: 800})) })
}
