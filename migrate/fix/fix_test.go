package fix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// raised returns what fix makes of files to reach restricted, edits that need a test among them.
func raised(t *testing.T, texts map[string][]byte) *Result {
	t.Helper()
	c := NewCollector(inventory.NewBuilder())
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := files.Reader{Paths: []string{dir}, Recursive: true}
	if err := r.Read(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	got, err := Files(t.Context(), c, Options{
		Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion(), IncludeTest: true, ReadFile: os.ReadFile,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Files {
		got.Files[i].Name, _ = filepath.Rel(dir, got.Files[i].Name)
	}
	for i := range got.Left {
		got.Left[i].Position.File, _ = filepath.Rel(dir, got.Left[i].Position.File)
	}
	return got
}

// wantFixed proves of fixed files that every fixed check is met, that the diff has nothing but the edits, and that a second run changes
// nothing. It returns how many edits there are.
func wantFixed(t *testing.T, texts map[string][]byte, got *Result) int {
	t.Helper()
	again := map[string][]byte{}
	for name, text := range texts {
		again[name] = text
	}
	edits := 0
	for i := range got.Files {
		f := &got.Files[i]
		again[f.Name] = f.After
		edits += len(f.Edits)
		wantMet(t, f)
		wantSmallDiff(t, f)
	}
	second := raised(t, again)
	for _, f := range second.Files {
		t.Errorf("%s: the second run changes it:\n%s", f.Name, UnifiedDiff(&f))
	}
	why := func(r *Result) (out []string) {
		for _, l := range r.Left {
			text := fmt.Sprint(l.Position.File, " ", l.Object, " ", l.Reason, " ", l.What, " ", l.Why)
			out = append(out, lineNumber.ReplaceAllString(text, "line N"))
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff(why(got), why(second)); diff != "" {
		t.Errorf("what is left differs in the second run (-first +second):\n%s", diff)
	}
	return edits
}

// lineNumber matches a line of a file, which edits above it move.
var lineNumber = regexp.MustCompile(`line \d+`)

// wantMet asks the library's own checks about the documents of a fixed file, for each check that an edit is for.
func wantMet(t *testing.T, f *File) {
	t.Helper()
	before, after := documentsOf(t.Context(), f.Before), documentsOf(t.Context(), f.After)
	if len(before) != len(after) {
		t.Fatalf("%s: %d documents became %d", f.Name, len(before), len(after))
	}
	for i, d := range before {
		asked := map[string]bool{}
		for _, e := range f.Edits {
			asked[e.Check] = asked[e.Check] || e.Position.Line == d.at.Line && e.Object == d.label()
		}
		for _, tmpl := range after[i].templates {
			text, err := json.Marshal(tmpl.json)
			if err != nil {
				t.Fatal(err)
			}
			pod, err := inventory.ReadPodTemplate(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, check := range policy.DefaultChecks() {
				run := check.Versions[len(check.Versions)-1].CheckPod
				if asked[string(check.ID)] && !run(&metav1.ObjectMeta{Annotations: pod.Annotations}, &pod.Spec).Allowed {
					t.Errorf("%s:%d: %s still fails in\n%s", f.Name, d.at.Line, check.ID, f.After)
				}
			}
		}
	}
}

var word = regexp.MustCompile(`[A-Za-z_]+`)

// wantSmallDiff proves that the lines of a diff are those of the edits: each word that comes is a key or a value of an edit, and each
// line that goes comes back with more in it.
func wantSmallDiff(t *testing.T, f *File) {
	t.Helper()
	allowed := map[string]bool{}
	for _, e := range f.Edits {
		for _, w := range word.FindAllString(e.Path.String()+" "+string(e.Value), -1) {
			allowed[w] = true
		}
	}
	count := func(line string) map[string]int {
		out := map[string]int{}
		for _, w := range word.FindAllString(line, -1) {
			out[w]++
		}
		return out
	}
	var removed, added strings.Builder
	lines := 0
	for _, c := range diffOf(splitLines(f.Before), splitLines(f.After)) {
		switch c.op {
		case '-':
			removed.WriteString(c.line + "\n")
			lines++
		case '+':
			added.WriteString(c.line + "\n")
		}
	}
	if lines > len(f.Edits) {
		t.Errorf("%s: %d lines go for %d edits:\n%s", f.Name, lines, len(f.Edits), UnifiedDiff(f))
	}
	was, is := count(removed.String()), count(added.String())
	for w := range is {
		if is[w] > was[w] && !allowed[w] {
			t.Errorf("%s: %q comes, which no edit has:\n%s", f.Name, w, UnifiedDiff(f))
		}
	}
	for w := range was {
		if was[w] > is[w] && w != "null" {
			t.Errorf("%s: %q goes:\n%s", f.Name, w, UnifiedDiff(f))
		}
	}
}

var commentMark = regexp.MustCompile(`# c\d+: \{\[\S+`)

// TestGeneratedManifests fixes 2,000 documents in every style, with comments in every place.
func TestGeneratedManifests(t *testing.T) {
	t.Parallel()
	texts, seeds := map[string][]byte{}, int64(500)
	if testing.Short() { // for the race detector
		seeds = 50
	}
	for seed := range seeds {
		texts[fmt.Sprintf("%d.yaml", seed)] = []byte(newGenerator(seed).file(4))
	}
	got := raised(t, texts)
	edits := wantFixed(t, texts, got)
	left := map[Reason]int{}
	for _, l := range got.Left {
		left[l.Reason]++
		if l.Reason == ReasonFile {
			t.Errorf("%s:%d: %s: %s", l.Position.File, l.Position.Line, l.What, l.Why)
		}
	}
	for i := range got.Files {
		f := &got.Files[i]
		if diff := cmp.Diff(commentMark.FindAllString(string(f.Before), -1), commentMark.FindAllString(string(f.After), -1)); diff != "" {
			t.Errorf("%s: comments (-before +after):\n%s", f.Name, diff)
		}
		if bytes.Contains(f.Before, []byte("\r\n")) && bytes.Count(f.After, []byte("\n")) != bytes.Count(f.After, []byte("\r\n")) {
			t.Errorf("%s: line ends differ", f.Name)
		}
	}
	if int64(got.Documents) < 4*seeds || int64(edits) < 10*seeds {
		t.Errorf("%d documents, %d edits, left %v", got.Documents, edits, left)
	}
	t.Logf("%d documents, %d edits, left %v", got.Documents, edits, left)
}

const devset = "../../../shared/corpus/devset"

// TestPublishedManifests fixes the manifests that other people have published.
func TestPublishedManifests(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(devset); err != nil {
		t.Skip("the corpus of published manifests is absent: TestGeneratedManifests tries more styles")
	}
	texts := map[string][]byte{}
	err := filepath.WalkDir(devset, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(devset, path)
		if err != nil {
			return err
		}
		texts[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := raised(t, texts)
	edits := wantFixed(t, texts, got)
	if len(got.Files) < 50 || edits < 200 {
		t.Errorf("%d edits in %d files", edits, len(got.Files))
	}
	for _, l := range got.Left {
		if l.Reason == ReasonFile && !strings.HasPrefix(l.Why, "a program writes it and would undo an edit") {
			t.Errorf("%s:%d: %s: %s", l.Position.File, l.Position.Line, l.What, l.Why)
		}
	}
}
