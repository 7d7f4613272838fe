package files

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// TestHostile reads what would take forever, or all memory, if anything here were quadratic or unbounded. It asserts
// that it ends, within the time of the test run, and that something is told.
func TestHostile(t *testing.T) {
	t.Parallel()
	const mega = 1 << 20
	for name, text := range map[string]string{
		"quoted braces":      "a: '" + strings.Repeat("{{ x\n  ", mega) + "\n",
		"ytt marks":          "a: '" + strings.Repeat("x#@", mega) + "'\n",
		"merges of merges":   "a: &a {x: 1}\nb: &b {<<: [*a, *a, *a, *a, *a, *a, *a, *a]}\n" + strings.Repeat("c: {<<: [*b, *b, *b, *b]}\n", 1) + "d: &d {<<: [*d, *d, *d, *d, *d]}\n",
		"aliases in a List":  "apiVersion: v1\nkind: List\nitems:\n- &a {kind: X, apiVersion: v1, d: [" + strings.Repeat("1,", 100_000) + "]}\n" + strings.Repeat("- {kind: X, apiVersion: v1, d: *a}\n", 2000),
		"lists in lists":     strings.Repeat(`{"kind":"List","apiVersion":"v1","items":[`, 290) + `{"kind":"X","apiVersion":"v1","a":"` + strings.Repeat("x", mega) + `"}` + strings.Repeat("]}", 290),
		"brackets":           `{"a":` + strings.Repeat("[", 10*mega),
		"backslashes":        `{"a":"` + strings.Repeat(`\`, 4*mega),
		"empty documents":    strings.Repeat("---\n", mega/4),
		"null items":         `{"apiVersion":"v1","kind":"List","items":[` + strings.Repeat("null,", mega) + `null]}`,
		"broken documents":   strings.Repeat("---\n[\n", 50_000),
		"many small values":  "a: [" + strings.Repeat("1,", 4*mega) + "]\n",
		"large map, merged":  "x: &x {" + strings.Repeat("a: 1, ", 1) + "}\na:\n" + keys(100_000) + "  <<: *x\n",
		"one word":           `{"a":` + strings.Repeat("1", 20*mega),
		"indentation":        strings.Repeat(" ", 20*mega) + "a: 1\n",
		"comment":            "#" + strings.Repeat("x", 20*mega),
		"a key without end":  `{"` + strings.Repeat("x", 20*mega),
		"kindless items":     `{"items":[` + strings.Repeat(`{"a":1},`, 10_000) + `{}],"kind":"NamespaceList"}`,
		"carriage returns":   strings.Repeat("a\r", mega),
		"directives":         strings.Repeat("%YAML 1.1\n", mega/8),
		"flow in one line":   strings.Repeat("{a: ", 5000) + strings.Repeat("}", 5000),
		"question marks":     strings.Repeat("? ", 5000),
		"dashes in one line": strings.Repeat("- ", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			b := inventory.NewBuilder()
			s := &documentReader{name: "f", limits: Limits{}.withDefaults(), sink: b, notes: &noteCollector{}}
			s.readSource(bytes.NewReader([]byte(text)))
			s.notes.flush(b)
			inv := b.Build(inventory.Source{})
			if n := len(inv.Gaps) + len(inv.Notes) + len(inv.Skipped); n == 0 && name != "empty documents" {
				t.Error("nothing is told")
			} else if n > 1100 {
				t.Errorf("%d things are told", n)
			}
		})
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  k" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "_" + strconv.Itoa(i) + ": 1\n")
	}
	return b.String()
}
