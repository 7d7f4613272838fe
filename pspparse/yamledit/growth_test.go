package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
)

// TestGrowth counts the bytes that are read for edits of ever more documents, items and fields: twice as many cost twice as much, and so
// do those that cannot be made.
func TestGrowth(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]func(n int) (string, []Edit){
		"documents": func(n int) (string, []Edit) {
			return repeated("", "---\nkind: Pod\nspec:\n  a: 1\n", n, 1, 4)
		},
		"items of a List": func(n int) (string, []Edit) {
			return repeated("kind: List\nitems:\n", "- kind: Pod\n  spec:\n    a: 1\n", n, 2, 3)
		},
		"values of JSON": func(n int) (string, []Edit) {
			return repeated("", "{\n\"spec\": {\"é\": 1}}\n", n, 0, 2)
		},
		"items that are refused": func(n int) (string, []Edit) {
			return repeated("kind: List\nitems:\n", "- kind: Pod\n  ? spec\n  : a: 1\n", n, 2, 3)
		},
		"items of which one is refused": func(n int) (string, []Edit) {
			text, edits := repeated("kind: List\nitems:\n", "- kind: Pod\n  spec:\n    a: 1\n", n, 2, 3)
			return text + "- kind: Pod\n  spec: &s {}\n- *s\n", append(edits, Edit{Line: 3*n + 3, Path: fieldpath.Keys("spec", "x"), Value: json.RawMessage("1")})
		},
		"fields": func(n int) (string, []Edit) {
			var b strings.Builder
			var edits []Edit
			b.WriteString("kind: X\n")
			for i := range n {
				fmt.Fprintf(&b, "f%d: 1\n", i)
				edits = append(edits, Edit{Line: 1, Path: fieldpath.Keys(fmt.Sprintf("f%d", i)), Remove: i%2 == 0, Value: json.RawMessage("2")})
			}
			return b.String(), edits
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			few, many := workOf(t, input, 200), workOf(t, input, 1600)
			if many > 9*few {
				t.Errorf("8 times as much costs %.1f times as much: %d and %d", float64(many)/float64(few), few, many)
			}
		})
	}
}

// repeated returns a text of n equal pieces and an edit of each, which begins on a line of it, of some lines.
func repeated(head, piece string, n, first, lines int) (string, []Edit) {
	var edits []Edit
	for i := range n {
		edits = append(edits, Edit{Line: first + 1 + i*lines, Path: fieldpath.Keys("spec", "x"), Value: json.RawMessage("1")})
	}
	return head + strings.Repeat(piece, n), edits
}

// workOf returns how many bytes are read for edits of size n.
func workOf(t *testing.T, input func(n int) (string, []Edit), n int) int {
	t.Helper()
	text, edits := input(n)
	f := newFileEditor([]byte(text))
	out := f.apply(edits)
	if len(f.refused) == 0 && bytes.Equal(out, []byte(text)) {
		t.Fatal("nothing was edited")
	}
	return f.parsed + f.passed
}

// onOneLine returns a text of one line with n equal pieces between a head and a tail, and an edit of each, which sets a field of the
// object with which the piece begins.
func onOneLine(head, piece, tail string, n int, path fieldpath.Path) (string, []Edit) {
	var edits []Edit
	text := head
	for i := range n {
		if i > 0 && tail != "" {
			text += ","
		}
		edits = append(edits, Edit{Line: 1, Column: utf8.RuneCountInString(text) + 1, Path: path, Value: json.RawMessage(`{"a":true}`)})
		text += piece
	}
	return text + tail, edits
}

// TestGrowthOnOneLine makes edits in ever more places of one line, and counts the bytes that are read, looked at and allocated for them:
// four times as many places cost four times as much. It runs alone, for what others allocate would be counted, too.
func TestGrowthOnOneLine(t *testing.T) { //nolint:paralleltest // see above
	x := fieldpath.Keys("spec", "x")
	containers := func(n int, item, tail string, remove bool) (string, []Edit) {
		var edits []Edit
		for i := range n {
			path := fieldpath.Keys("spec", "containers").Item(i).Join(fieldpath.Keys("x"))
			edits = append(edits, Edit{Line: 1, Path: path, Remove: remove, Value: json.RawMessage(`["a"]`)})
		}
		return `{"kind":"Pod","spec":{"containers":[` + strings.Repeat(item+",", n-1) + item + tail, edits
	}
	for _, test := range []struct {
		name  string
		input func(n int) (string, []Edit)
	}{
		{"items of a List", func(n int) (string, []Edit) {
			return onOneLine(`{"kind":"List","items":[`, `{"kind":"Pod","spec":{"a":"b"}}`, `]}`, n, x)
		}},
		{"items of a List, not in ASCII", func(n int) (string, []Edit) {
			return onOneLine(`{"kind":"List","items":[`, `{"kind":"Pod","é":"é","spec":{"é":"é"}}`, `]}`, n, x)
		}},
		{"items of a flow List", func(n int) (string, []Edit) {
			return onOneLine(`{kind: List, items: [`, `{kind: Pod, é: é, spec: {a: 'é', b: "é"}}`, `]}`, n, x)
		}},
		{"values of JSON", func(n int) (string, []Edit) {
			return onOneLine("", `{"kind":"Pod","é":"é","spec":{"a":"b"}}`, "", n, x)
		}},
		{"containers", func(n int) (string, []Edit) { return containers(n, `{"name":"é","image":"x"}`, "]}}", false) }},
		{"containers that lose a field", func(n int) (string, []Edit) {
			return containers(n, `{"name":"é","x":{"a":"b"},"image":"x"}`, "]}}", true)
		}},
		{"containers in flow style", func(n int) (string, []Edit) {
			return containers(n, `{name: é, x: [b, 'a'], image: x}`, "]}} # é", false)
		}},
		{"containers, one of which is refused", func(n int) (string, []Edit) {
			text, edits := containers(n, `{name: a, x: &a {}}`, `],"y":*a}}`, false)
			return text, edits
		}},
		{"objects of a line that is not read", func(n int) (string, []Edit) {
			return onOneLine(`{kind: List, items: [`, `{kind: Pod, spec: {x: [a # b`+"\u00a0"+`]}}`, `]}`, n, x)
		}},
	} {
		few, many := costOnOneLine(t, test.input, 300), costOnOneLine(t, test.input, 1200)
		for i, what := range []string{"bytes that are read and looked at", "bytes that are allocated"} {
			if ratio := float64(many[i]) / float64(few[i]); ratio > 4.6 {
				t.Errorf("%s: 4 times as much costs %.1f times as many %s: %d and %d", test.name, ratio, what, few[i], many[i])
			}
		}
	}
}

// costOnOneLine returns how many bytes are read and looked at for edits of size n, and how many are allocated.
func costOnOneLine(t *testing.T, input func(n int) (string, []Edit), n int) [2]int {
	t.Helper()
	text, edits := input(n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := newFileEditor([]byte(text))
	out := f.apply(edits)
	runtime.ReadMemStats(&after)
	if len(f.refused) == 0 && bytes.Equal(out, []byte(text)) {
		t.Fatal("nothing was edited")
	}
	return [2]int{f.parsed + f.passed, int(after.TotalAlloc - before.TotalAlloc)}
}

// TestLongLine finds fields in a long line that is not ASCII, and counts characters of it once.
func TestLongLine(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat("é", 3*markEvery+7) + "\nx")
	x := newLineIndex(text)
	for _, column := range []int{1, 2, markEvery, markEvery + 1, 3 * markEvery, 3*markEvery + 8} {
		if at, err := x.offset(1, column); err != nil || at != 2*(column-1) {
			t.Errorf("column %d is at %d (%v)", column, at, err)
		}
	}
	for _, place := range [][2]int{{0, 1}, {1, 0}, {3, 1}, {2, 3}, {1, 5 * markEvery}} {
		if at, err := x.offset(place[0], place[1]); err == nil {
			t.Errorf("%v is at %d", place, at)
		}
	}
}
