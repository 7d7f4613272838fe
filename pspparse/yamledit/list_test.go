package yamledit_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kubectlyaml "sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/yamledit"
)

// listOf returns a List of objects as YAML, and the lines on which they begin.
func listOf(objects []string) (text string, lines []int) {
	var b strings.Builder
	b.WriteString("kind: List\nitems:\n")
	line := 3
	for _, o := range objects {
		lines = append(lines, line)
		indent := "- "
		for l := range strings.SplitAfterSeq(o, "\n") {
			if strings.TrimRight(l, "\r\n") != "" {
				l = indent + l
				indent = "  "
			}
			b.WriteString(l)
			line += strings.Count(l, "\n")
		}
	}
	return b.String(), lines
}

// TestItemsOfLists makes the same edits of objects alone and in a List: the text of each is the same but for the indentation.
func TestItemsOfLists(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 22))
		var objects, edited []string
		var edits [][]yamledit.Edit
		for range 1 + r.IntN(5) {
			w := writer{Rand: r, step: 2, listStep: 2 * r.IntN(2)}
			w.mapping(0, 0, false)
			text := w.b.String()
			var v any
			if err := kubectlyaml.Unmarshal([]byte(text), &v); err != nil {
				t.Fatal(err)
			}
			var own []yamledit.Edit
			for range 1 + r.IntN(4) {
				e := w.edit(v)
				e.Line = 1
				if !slices.ContainsFunc(own, func(o yamledit.Edit) bool { return overlap(o.Path, e.Path) }) && (len(e.Path) > 1 || !e.Remove) {
					own = append(own, e)
				}
			}
			out, refused, err := yamledit.Apply([]byte(text), own)
			if err != nil || len(refused) > 0 {
				continue
			}
			objects, edited, edits = append(objects, text), append(edited, string(out)), append(edits, own)
		}
		text, lines := listOf(objects)
		want, _ := listOf(edited)
		var all []yamledit.Edit
		for i := range edits {
			for _, e := range edits[i] {
				e.Line = lines[i]
				all = append(all, e)
			}
		}
		out, refused, err := yamledit.Apply([]byte(text), all)
		if diff := cmp.Diff(want, string(out)); err != nil || len(refused) > 0 || diff != "" {
			t.Errorf("seed %d: %v, %v in\n%s\n(-want +got):\n%s", seed, err, refused, text, diff)
		}
	}
}
