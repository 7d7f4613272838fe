package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// readSkipping returns which files of a folder are read with patterns to skip, and the notes.
func readSkipping(t *testing.T, dir string, recursive bool, patterns ...string) (read, notes []string, err error) {
	t.Helper()
	b := inventory.NewBuilder()
	r := files.Reader{Paths: []string{dir}, Recursive: recursive, Skip: patterns, EachObject: func(o *files.Object) {
		name, _ := filepath.Rel(dir, o.Position.File)
		read = append(read, filepath.ToSlash(name))
	}}
	err = r.Read(t.Context(), b)
	for _, n := range b.Build(inventory.Source{}).Notes {
		notes = append(notes, strings.ReplaceAll(n.What+": "+n.Why.Text, dir+string(filepath.Separator), ""))
	}
	slices.Sort(read)
	return read, notes, err
}

// What a pattern matches below a folder is not read, which a note says with the number of files; a pattern that matches nothing is an
// error.
func TestSkip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all := []string{"a.yaml", "charts/a.yaml", "charts/deep/b.yaml", "dev/charts/c.yaml", "dev/kustomization.yaml", "dev/x-test.yaml"}
	for _, name := range slices.Concat(all, []string{"charts/.hidden/h.yaml", "charts/.h.yaml", "charts/readme.txt"}) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const one, first = ": not read, as --skip-path says", " files: not read, as --skip-path says; the first is shown"
	for _, c := range []struct {
		patterns    []string
		read, notes []string
		unused      string
	}{
		{nil, all, nil, ""},
		{[]string{"charts"}, []string{"a.yaml", "dev/kustomization.yaml", "dev/x-test.yaml"}, []string{"3" + first}, ""},
		{[]string{"./charts"}, []string{"a.yaml", "dev/charts/c.yaml", "dev/kustomization.yaml", "dev/x-test.yaml"}, []string{"2" + first}, ""},
		{[]string{"/charts/"}, []string{"a.yaml", "dev/charts/c.yaml", "dev/kustomization.yaml", "dev/x-test.yaml"}, []string{"2" + first}, ""},
		{[]string{"charts/deep"}, []string{"a.yaml", "charts/a.yaml", "dev/charts/c.yaml", "dev/kustomization.yaml", "dev/x-test.yaml"}, []string{`"charts/deep/b.yaml"` + one}, ""},
		{[]string{"*/kustom*.yaml", "*-test.yaml"}, []string{"a.yaml", "charts/a.yaml", "charts/deep/b.yaml", "dev/charts/c.yaml"}, []string{"2" + first}, ""},
		{[]string{"*/*", "*.yaml"}, nil, []string{"6" + first}, ""},
		{[]string{"charts", "chart"}, nil, nil, "chart"},
		{[]string{"deep/b.yaml"}, nil, nil, "deep/b.yaml"},
		{[]string{"charts/readme.txt"}, all, nil, ""},
		{[]string{".hidden"}, nil, nil, ".hidden"},
	} {
		read, notes, err := readSkipping(t, dir, true, c.patterns...)
		var unused *files.UnusedPatternError
		switch {
		case c.unused != "":
			if !errors.As(err, &unused) || unused.Pattern != c.unused || read != nil {
				t.Errorf("%q: read %q, error %v", c.patterns, read, err)
			}
			continue
		case err != nil:
			t.Errorf("%q: %v", c.patterns, err)
		}
		if diff := cmp.Diff(c.read, read); diff != "" {
			t.Errorf("%q: read (-want +got):\n%s", c.patterns, diff)
		}
		if diff := cmp.Diff(c.notes, notes); diff != "" {
			t.Errorf("%q: notes (-want +got):\n%s", c.patterns, diff)
		}
	}
	// A folder that is not descended into is not skipped besides.
	if read, notes, err := readSkipping(t, dir, false, "charts", "dev"); err != nil || len(read) != 1 || len(notes) != 1 || !strings.Contains(notes[0], "add -R") {
		t.Errorf("without -R: read %q, notes %q, error %v", read, notes, err)
	}
}

// A pattern that can match nothing below a folder is refused.
func TestCheckSkipPattern(t *testing.T) {
	t.Parallel()
	for pattern, ok := range map[string]bool{
		"charts": true, "a/*.yaml": true, "/a": true, "./a/": true, "[ab]": true,
		"": false, "/": false, ".": false, "./": false, "..": false, "../x": false, "a/../..": false, "[": false, "a[": false,
	} {
		if err := files.CheckSkipPattern(pattern); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}
