package yamledit_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kubectlyaml "sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
)

// edit returns a random edit within a value: of a field that is there or of one that is not.
func (w *writer) edit(v any) yamledit.Edit {
	var path fieldpath.Path
	for {
		switch x := v.(type) {
		case map[string]any:
			if keys := sortedKeys(x); len(keys) > 0 && w.IntN(5) > 0 {
				key := keys[w.IntN(len(keys))]
				v, path = x[key], path.Keys(key)
				break
			}
			path = path.Keys([]string{"new", "k9", "true", "example.com/x", "a b"}[w.IntN(5)])
			for w.IntN(3) == 0 {
				path = path.Keys("deep")
			}
			v = nil
		case []any:
			i := w.IntN(len(x) + 1)
			if path = path.Item(i); i == len(x) {
				v = nil
				break
			}
			v = x[i]
		default:
			v = nil
		}
		if v == nil || w.IntN(6) == 0 {
			break
		}
	}
	if w.IntN(3) == 0 {
		return yamledit.Edit{Path: path, Remove: true}
	}
	value := []string{`false`, `"x"`, `{"a":1}`, `["ALL"]`, `{"a":{"b":["c",{"d":"e f","g":null}]}}`, `"no"`, `{}`, `[]`, `null`, `12`, `["a",["b"]]`, `[{"x":"y","z":[]}]`}[w.IntN(12)]
	return yamledit.Edit{Path: path, Value: json.RawMessage(value)}
}

func sortedKeys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// edited returns a value with an edit made, the plain way; false where that is not possible.
func edited(v any, path fieldpath.Path, e yamledit.Edit) (any, bool) {
	if len(path) == 0 {
		var now any
		return now, json.Unmarshal(e.Value, &now) == nil
	}
	step := path[0]
	if v == nil && e.Remove {
		return nil, true
	}
	if v == nil && !step.IsIndex {
		v = map[string]any{}
	} else if v == nil {
		v = []any{}
	}
	if list, ok := v.([]any); ok && step.IsIndex {
		return editedList(list, path, e)
	}
	m, ok := v.(map[string]any)
	if !ok || step.IsIndex {
		return nil, false
	}
	_, has := m[step.Key]
	if e.Remove && (!has || len(path) == 1) {
		delete(m, step.Key)
		return m, true
	}
	m[step.Key], ok = edited(m[step.Key], path[1:], e)
	return m, ok
}

// asKubectl reads a document as kubectl does. The library takes a key that a merge key also brings for one that is given twice, if asked.
func asKubectl(text string, into *any) error {
	if strings.Contains(text, "<<:") {
		return kubectlyaml.Unmarshal([]byte(text), into)
	}
	return kubectlyaml.UnmarshalStrict([]byte(text), into)
}

// gone stands in a list for an item that an edit has removed: the indexes of edits are those before all of them.
type gone struct{}

// swept returns a value without the items that edits have removed.
func swept(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			x[k] = swept(x[k])
		}
	case []any:
		x = slices.DeleteFunc(x, func(item any) bool { return item == gone{} })
		for i := range x {
			x[i] = swept(x[i])
		}
		return x
	}
	return v
}

func editedList(list []any, path fieldpath.Path, e yamledit.Edit) (any, bool) {
	i := path[0].Index
	switch {
	case e.Remove && i >= len(list):
		return list, true
	case e.Remove && len(path) == 1:
		list[i] = gone{}
		return list, true
	case i > len(list):
		return nil, false
	case i == len(list):
		list = append(list, nil)
	}
	now, ok := edited(list[i], path[1:], e)
	list[i] = now
	return list, ok
}

// documents is how many random texts are edited.
var documents = flag.Int("documents", 2000, "how many random texts to edit")

var commentMark = regexp.MustCompile(`# c[0-9]+`)

// TestEditsOfRandomText makes random edits in random text, and compares what kubectl then reads with the edit made the plain way. Every
// comment stays unless an edit takes away what it stands in, and so do the ends of lines and the end of the file.
func TestEditsOfRandomText(t *testing.T) {
	t.Parallel()
	made, refused := 0, map[string]int{}
	for seed := range uint64(*documents) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 20))}
		text := w.document()
		docs, lines := split(text)
		i := w.IntN(len(docs))
		var before any
		if err := asKubectl(docs[i], &before); err != nil {
			t.Fatalf("seed %d: the text is no YAML: %v\n%s", seed, err, docs[i])
		}
		e := w.edit(before)
		e.Line = lines[i]
		out, refusals, err := yamledit.Apply([]byte(text), []yamledit.Edit{e})
		if err != nil {
			t.Fatal(err)
		}
		if len(refusals) > 0 {
			refused[refusals[0].Reason.ID]++
			// A text in block style at the end of the file may need the line end that the file does not have, and it may take the
			// lines below what goes.
			if refusals[0].Reason.ID == "file-edit-unsure" && strings.HasSuffix(text, "\n") && !strings.Contains(text, "|+") && !e.Remove || refusals[0].Reason.ID == "file-edit-not-parsed" || !bytes.Equal(out, []byte(text)) {
				t.Errorf("seed %d: %s (%s, %s)\n%s", seed, refusals[0].Reason.Text, e.Path, e.Value, text)
			} else if testing.Verbose() {
				t.Logf("seed %d: %s", seed, refusals[0].Reason.Text)
			}
			continue
		}
		made++
		checkEdited(t, fmt.Sprintf("seed %d: %s = %s in\n%s\n", seed, e.Path, e.Value, text), text, string(out), before, i, e)
	}
	t.Logf("%d edits made, refused: %v", made, refused)
	if made < *documents*9/10 || refused["file-edit-unsure"] > *documents/200 {
		t.Errorf("%d edits made, refused: %v", made, refused)
	}
}

// TestManyEditsOfRandomText makes several edits in all documents of random text at once.
func TestManyEditsOfRandomText(t *testing.T) {
	t.Parallel()
	made, refused := 0, 0
	for seed := range uint64(*documents) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 21))}
		text := w.document()
		docs, lines := split(text)
		values := make([]any, len(docs))
		var edits []yamledit.Edit
		for i := range docs {
			if err := asKubectl(docs[i], &values[i]); err != nil {
				t.Fatalf("seed %d: the text is no YAML: %v\n%s", seed, err, docs[i])
			}
			for range 1 + w.IntN(6) {
				e := w.edit(values[i])
				if e.Line = lines[i]; !slices.ContainsFunc(edits, func(o yamledit.Edit) bool { return o.Line == e.Line && overlap(o.Path, e.Path) }) {
					edits = append(edits, e)
				}
			}
		}
		out, refusals, err := yamledit.Apply([]byte(text), edits)
		if err != nil {
			t.Fatal(err)
		}
		refused += len(refusals)
		made += len(edits) - len(refusals)
		for _, e := range edits {
			if slices.ContainsFunc(refusals, func(r yamledit.Refusal) bool { return r.Edit.Line == e.Line && r.Edit.Path.String() == e.Path.String() }) {
				continue
			}
			i := slices.Index(lines, e.Line)
			var ok bool
			if values[i], ok = edited(values[i], e.Path, e); !ok {
				t.Errorf("seed %d: %s = %s was made in\n%s", seed, e.Path, e.Value, text)
			}
		}
		newDocs, _ := split(string(out))
		for i := range docs {
			var got any
			if err := asKubectl(newDocs[i], &got); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if diff := cmp.Diff(swept(values[i]), got); diff != "" {
				t.Errorf("seed %d: %v in\n%s\n(-want +got):\n%s\n%s", seed, edits, text, diff, out)
			}
		}
	}
	t.Logf("%d edits made, %d refused", made, refused)
	if refused > made/20 {
		t.Errorf("%d edits made, %d refused", made, refused)
	}
}

// overlap reports whether one of two paths leads through the other.
func overlap(a, b fieldpath.Path) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

// checkEdited compares a text with the one after an edit of a document.
func checkEdited(t *testing.T, what, text, out string, before any, i int, e yamledit.Edit) {
	t.Helper()
	docs, _ := split(text)
	newDocs, _ := split(out)
	if len(docs) != len(newDocs) {
		t.Errorf("%s: %d documents, want %d:\n%s", what, len(newDocs), len(docs), out)
		return
	}
	comments := keepsComments(before, e)
	var got any
	if err := asKubectl(newDocs[i], &got); err != nil {
		t.Errorf("%s: %v:\n%s", what, err, out)
		return
	}
	want, ok := edited(before, e.Path, e)
	if diff := cmp.Diff(swept(want), got); diff != "" || !ok {
		t.Errorf("%s (-want +got):\n%s\n%s", what, diff, out)
	}
	for j := range docs {
		if j != i && docs[j] != newDocs[j] {
			t.Errorf("%s: document %d has changed:\n%s", what, j, out)
		}
	}
	if strings.Contains(text, "\r\n") && strings.Count(out, "\n") != strings.Count(out, "\r\n") {
		t.Errorf("%s: line ends are mixed: %q", what, out)
	}
	if strings.HasSuffix(text, "\n") != strings.HasSuffix(out, "\n") && comments || strings.HasPrefix(text, "\ufeff") != strings.HasPrefix(out, "\ufeff") {
		t.Errorf("%s: the end or the byte order mark has changed: %q", what, out)
	}
	if !comments {
		return
	}
	if diff := cmp.Diff(commentMark.FindAllString(text, -1), commentMark.FindAllString(out, -1)); diff != "" {
		t.Errorf("%s: comments (-want +got):\n%s\n%s", what, diff, out)
	}
}

// keepsComments reports whether an edit takes away nothing in which comments may stand.
func keepsComments(v any, e yamledit.Edit) bool {
	for _, step := range e.Path {
		switch x := v.(type) {
		case map[string]any:
			v = x[step.Key]
		case []any:
			if step.Index >= len(x) {
				return true
			}
			v = x[step.Index]
		}
	}
	switch x := v.(type) {
	case map[string]any, []any:
		return false
	case string: // lines in it may look like comments
		return !strings.Contains(x, "# c") && !e.Remove
	}
	return !e.Remove
}

// split returns the documents of a text, and the line on which the mapping of each begins.
func split(text string) (docs []string, lines []int) {
	text = strings.TrimPrefix(text, "\ufeff")
	line, begins := 0, 0
	var doc strings.Builder
	for l := range strings.SplitAfterSeq(text, "\n") {
		line++
		if strings.HasPrefix(l, "---") && begins > 0 {
			docs, lines = append(docs, doc.String()), append(lines, begins)
			doc.Reset()
			begins = 0
		}
		doc.WriteString(l)
		content := strings.TrimSpace(l)
		if begins == 0 && content != "" && content[0] != '#' && !strings.HasPrefix(l, "---") {
			begins = line
		}
	}
	return append(docs, doc.String()), append(lines, begins)
}
