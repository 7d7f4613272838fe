package yamlnode_test

import (
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// TestCheckExpansionOfText counts the text of documents with their aliases written out: 8 MiB may be there, and a byte more is
// refused in the line in which it is reached.
func TestCheckExpansionOfText(t *testing.T) {
	t.Parallel()
	const most = 8 << 20
	const part = most / 64
	long := strings.Repeat("x", part)
	anchor := "? a\n: &l " + long[:part-1] + "\n" // with its key, a 64th of what may be
	fewer := func(n int, s string) string { return strings.Repeat(s, 64-n) }
	tooLong := func(line int) string {
		return fmt.Sprintf("line %d: written out up to here, the aliases (*name) make the document longer than 8388608 bytes; shorten what they stand for", line)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"as much as may be":          {anchor + "b: [&m " + long + fewer(3, ",*m") + "]\nc: " + long[:part-3] + "\n? y\n", ""},
		"one byte more":              {anchor + "b: [&m " + long + fewer(3, ",*m") + "]\nc: " + long[:part-3] + "\n? yy\n", tooLong(5)},
		"values":                     {anchor + "b:\n" + strings.Repeat("- *l\n", 1000), tooLong(67)},
		"keys":                       {"a: &l " + long + "\nb:\n" + fewer(0, "- {? *l : 1}\n"), tooLong(65)},
		"keys that are no aliases":   {"a: &m {? " + long + " : 1}\nb:\n" + fewer(0, "- *m\n"), tooLong(65)},
		"merge keys":                 {"a: &m {k: " + long + "}\nb:\n" + fewer(0, "- {<<: *m}\n"), tooLong(65)},
		"merge keys with a list":     {"a: &m {k: " + long + "}\nb:\n- <<: [*m\n" + fewer(1, "    ,*m\n") + "    ]\n", tooLong(65)},
		"merges of merges":           {"a: &m {k: " + long + "}\nb: &n {<<: [*m" + fewer(33, ",*m") + "]}\nc:\n- {<<: *n}\n- {<<: *n}\n", tooLong(4)},
		"aliases of aliases":         {"a: &l " + long + "\nb: &m [*l" + fewer(48, ",*l") + "]\nc: &n [*m]\nd: [*n]\ne: *n\n", tooLong(5)},
		"texts after an alias":       {"a: &l " + long + "\nb: [*l" + fewer(4, ",*l") + "]\nc: " + long + "\nd: " + long + "\ne: 1\n", tooLong(4)},
		"texts before an alias":      {"a: &s x\nb: " + strings.Repeat(long, 64) + "\nc: 1\nd: *s\n", tooLong(4)},
		"texts without an alias":     {"a: &s x\nb: " + strings.Repeat(long, 65) + "\n", ""},
		"more values than may be":    {"a: &l [" + strings.Repeat("xxxxxxxxxx,", 10_000) + "]\nb:\n" + strings.Repeat("- *l\n", 100), "line 1: the aliases (*name) expand to more than 100000 values; write them out"},
		"an alias within its anchor": {anchor + "b: &b\n" + strings.Repeat("- *l\n", 64) + "- *b\n", `line 68: the alias *"b" is part of what it stands for`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(tt.text), &doc); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := yamlnode.CheckExpansion(doc.Content[0]); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestCheckExpansionOfAnItem counts the text of one item of a List, of which the other items hold the anchors: only what the
// item itself stands for counts, and the line is that of its alias.
func TestCheckExpansionOfAnItem(t *testing.T) {
	t.Parallel()
	text := "- &a [" + strings.Repeat(strings.Repeat("x", 1<<20)+",", 5) + "]\n- [*a]\n- [*a,\n  *a]\n"
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	items := doc.Content[0].Content
	for i, want := range []int{0, 0, 4} {
		got := 0
		if err := yamlnode.CheckExpansion(items[i]); err != nil {
			got = err.Line
		}
		if got != want {
			t.Errorf("item %d is refused in line %d, not %d", i+1, got, want)
		}
	}
}

// TestCheckExpansionOfJSON reads JSON, which has no aliases: its length is none of their making.
func TestCheckExpansionOfJSON(t *testing.T) {
	t.Parallel()
	node, err := yamlnode.FromJSON([]byte(`["`+strings.Repeat("x", 9<<20)+`", "*a"]`), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := yamlnode.CheckExpansion(node); err != nil {
		t.Error(err)
	}
}
