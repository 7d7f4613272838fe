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

// writer writes random YAML, with a comment wherever one can stand.
type writer struct {
	*rand.Rand
	b               strings.Builder
	step, listStep  int
	comments, depth int
	calm            bool // no comments
	// anchored is set to write anchors and aliases; then anchors are the names of those that are written, and maps of those of maps.
	anchored      bool
	names         int
	anchors, maps []string
}

// anchor returns an anchor to stand before a value, or nothing, and a function to call once the value is written.
func (w *writer) anchor(isMap bool) (text string, done func()) {
	if !w.anchored || w.IntN(6) > 0 {
		return "", func() {}
	}
	w.names++
	name := fmt.Sprintf("a%d", w.names)
	return " &" + name, func() {
		w.anchors = append(w.anchors, name)
		if isMap {
			w.maps = append(w.maps, name)
		}
	}
}

// comment returns a comment that no other place has.
func (w *writer) comment() string {
	w.comments++
	return fmt.Sprintf("# c%d\té: {x}", w.comments)
}

// endLine ends a line, perhaps behind a comment, and perhaps writes lines that say nothing.
func (w *writer) endLine(indent int) {
	if !w.calm && w.IntN(4) == 0 {
		w.b.WriteString([]string{" ", "  ", "\t"}[w.IntN(3)] + w.comment())
	}
	w.b.WriteString("\n")
	w.idleLines(indent)
}

// idleLines writes comments and empty lines.
func (w *writer) idleLines(indent int) {
	for !w.calm && w.IntN(5) == 0 {
		switch w.IntN(3) {
		case 0:
			w.b.WriteString("\n")
		default:
			w.b.WriteString(strings.Repeat(" ", max(0, indent+[]int{0, 0, 0, 2, -2, 5}[w.IntN(6)])) + w.comment() + "\n")
		}
	}
}

var words = []string{"a", "b", "c", "spec", "drop", "true", "~", "no", "0x1f", "ALL", "RuntimeDefault", "a b", "it's", `say "x"`, "ü: #no", "", "-", "1.5", "2001-01-01", "é😀", "# x", "a\nb", "a\n\n b\n", "{{x}}", "&a", "*b", "!c", "%d", "a: b", "[c"}

// scalar returns a random scalar as it is written on one line.
func (w *writer) scalar(flow bool) string {
	word := words[w.IntN(len(words))]
	quoted, _ := json.Marshal(word)
	switch w.IntN(4) {
	case 0:
		return []string{"true", "false", "null", "~", "12", "0o7", "1e3", "-3", "yes", ".5"}[w.IntN(10)]
	case 1:
		if !strings.Contains(word, "\n") {
			return "'" + strings.ReplaceAll(word, "'", "''") + "'"
		}
	case 2:
		if regexp.MustCompile(`^[a-zA-Zé😀][a-zA-Z0-9é😀 ']*$`).MatchString(word) {
			return word
		}
	}
	return string(quoted)
}

// key returns a random key as it is written; keys of one map differ by i.
func (w *writer) key(i int) string {
	name := fmt.Sprintf("k%d", i)
	switch w.IntN(8) {
	case 0:
		return `"` + name + `"`
	case 1:
		return "'" + name + "'"
	}
	return name
}

// flow returns a random value in brackets; with lines, each entry on its own.
func (w *writer) flow(depth, indent int) string {
	n := w.IntN(3)
	if depth > 2 {
		return w.scalar(true)
	}
	open, shut := "[", "]"
	isMap := w.IntN(2) == 0
	if isMap {
		open, shut = "{", "}"
	}
	between, end := ", ", ""
	if n > 0 && w.IntN(4) == 0 {
		pad := "\n" + strings.Repeat(" ", indent+4)
		open, between, end = open+pad, ","+pad, "\n"+strings.Repeat(" ", indent+2)
		if w.IntN(3) == 0 {
			end = "," + end
		}
	} else if w.IntN(4) == 0 {
		open, end = open+" ", " "
	}
	var parts []string
	for i := range n {
		v := w.scalar(true)
		if w.IntN(3) == 0 {
			v = w.flow(depth+1, indent+4)
		}
		if isMap {
			v = w.key(i) + ": " + v
		}
		parts = append(parts, v)
	}
	return open + strings.Join(parts, between) + end + shut
}

// value writes a random value behind a colon (or a dash), and ends its line.
func (w *writer) value(depth, indent int, dash bool) {
	if len(w.anchors) > 0 && w.IntN(8) == 0 {
		w.b.WriteString(" *" + w.anchors[w.IntN(len(w.anchors))])
		w.endLine(indent)
		return
	}
	kind := w.IntN(8)
	if depth > 4 {
		kind = 5 + w.IntN(3)
	}
	switch kind {
	case 0, 1, 2:
		anchor, done := w.anchor(true)
		defer done()
		w.b.WriteString(anchor)
		if dash && anchor == "" {
			w.b.WriteString(" ")
			w.mapping(depth+1, indent+2, true)
			return
		}
		w.endLine(indent + w.step)
		w.mapping(depth+1, indent+w.step, false)
	case 3:
		if dash {
			w.b.WriteString(" ")
			w.sequence(depth+1, indent+2, true)
			return
		}
		w.endLine(indent + w.listStep)
		w.sequence(depth+1, indent+w.listStep, false)
	case 4:
		w.b.WriteString([]string{" |", " >", " |-", " |+", " >2"}[w.IntN(5)])
		if !w.calm && w.IntN(4) == 0 {
			w.b.WriteString(" " + w.comment())
		}
		pad := strings.Repeat(" ", indent+2)
		w.b.WriteString("\n" + pad + "one\n")
		for range w.IntN(3) {
			w.b.WriteString([]string{pad + " # no comment\n", "\n", pad + "two: 2\n"}[w.IntN(3)])
		}
	case 5:
		anchor, done := w.anchor(false)
		defer done()
		w.b.WriteString(anchor + " " + w.flow(0, indent))
		w.endLine(indent)
	case 6:
		if !dash && w.IntN(3) == 0 {
			w.endLine(indent)
			return
		}
		if !dash && w.IntN(3) == 0 {
			pad := "\n" + strings.Repeat(" ", indent+1+w.IntN(3))
			w.b.WriteString([]string{" plain text" + pad + "goes on", ` "quoted` + pad + `goes\"on"`, pad + "below"}[w.IntN(3)])
			w.endLine(indent)
			return
		}
		fallthrough
	default:
		anchor, done := w.anchor(false)
		defer done()
		w.b.WriteString(anchor + " " + w.scalar(false))
		w.endLine(indent)
	}
}

// mapping writes a random map in block style. The first key stands on a line that has begun if inline is set.
func (w *writer) mapping(depth, indent int, inline bool) {
	if len(w.maps) > 0 && w.IntN(5) == 0 {
		if !inline {
			w.b.WriteString(strings.Repeat(" ", indent))
		}
		w.b.WriteString("<<: *" + w.maps[w.IntN(len(w.maps))])
		w.endLine(indent)
		inline = false
	}
	for i := range 1 + w.IntN(4) {
		if i > 0 || !inline {
			w.b.WriteString(strings.Repeat(" ", indent))
		}
		w.b.WriteString(w.key(i) + ":")
		w.value(depth, indent, false)
	}
}

// sequence writes a random list in block style.
func (w *writer) sequence(depth, indent int, inline bool) {
	for i := range 1 + w.IntN(3) {
		if i > 0 || !inline {
			w.b.WriteString(strings.Repeat(" ", indent))
		}
		w.b.WriteString("-")
		w.value(depth, indent, true)
	}
}

// document returns a random file with one or more documents.
func (w *writer) document() string {
	w.step, w.listStep = []int{1, 2, 2, 4}[w.IntN(4)], []int{0, 2, 2, 3}[w.IntN(4)]
	w.calm, w.anchored = w.IntN(5) == 0, w.IntN(4) == 0
	for i := range 1 + w.IntN(3) {
		if i > 0 || w.IntN(4) == 0 {
			w.b.WriteString("---")
			w.endLine(0)
		}
		w.anchors, w.maps = nil, nil
		w.idleLines(0)
		if w.IntN(6) == 0 {
			w.json()
			continue
		}
		w.mapping(0, 0, false)
		w.idleLines(0)
	}
	text := w.b.String()
	if w.IntN(4) == 0 {
		text = strings.TrimRight(text, "\n")
	}
	if w.IntN(4) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if w.IntN(8) == 0 {
		text = "\ufeff" + text
	}
	return text
}

// json writes a random map as JSON.
func (w *writer) json() {
	inner := writer{Rand: w.Rand, step: 2, listStep: 2, calm: true}
	inner.mapping(1, 0, false)
	data, err := kubectlyaml.YAMLToJSON([]byte(inner.b.String()))
	if err != nil {
		data = []byte("{}")
	}
	var pretty bytes.Buffer
	if w.IntN(3) > 0 && json.Indent(&pretty, data, "", []string{"  ", "\t", "    "}[w.IntN(3)]) == nil {
		data = pretty.Bytes()
	}
	w.b.Write(append(data, '\n'))
}

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
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 20))} //nolint:gosec // the test wants the same numbers every time
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
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 21))} //nolint:gosec // the test wants the same numbers every time
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
