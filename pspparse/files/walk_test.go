package files

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skip(err)
	}
}

func TestWalk(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"in/a.yaml", "in/b.YML", "in/d/c.json", "in/d/e.yaml.gz", "in/.h.yaml", "in/.git/x.yaml", "in/f.yaml~", "in/g.yaml.swp", "in/h", "out/o.yaml", "in/.v/v.yaml"} {
		base := filepath.Base(name)
		write(t, name, psp("p"+strings.ToLower(strings.NewReplacer(".", "-", "~", "").Replace(base))))
	}
	symlink(t, ".", "in/self")
	symlink(t, "..", "in/up")
	symlink(t, "a.yaml", "in/0.yaml")
	symlink(t, ".v", "in/current")
	symlink(t, "../out/o.yaml", "in/o.yaml")
	symlink(t, "../../out", "in/d/out")
	symlink(t, "../h", "in/d/h") // no name that is read
	symlink(t, "/dev/null", "in/null.yaml")
	symlink(t, "loop2.yaml", "in/loop1.yaml")
	symlink(t, "loop1.yaml", "in/loop2.yaml")
	symlink(t, "nothing", "in/gone.yaml")
	if out, err := exec.Command("mkfifo", "in/pipe.yaml").CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	gap := func(path string) string {
		return "gap " + path + `:0 "` + path + `": the link leaves the folder and was not followed: name its target as well to have it read, or remove the link [*]`
	}
	notes := []string{
		`note in/gone.yaml:0 "in/gone.yaml": the link leads nowhere and was passed over`,
		`note in/loop1.yaml:0 2 files: the link leads to itself and was passed over; the first is shown`,
	}
	for _, tc := range []struct {
		name      string
		paths     []string
		recursive bool
		want      []string
	}{
		{"direct files", []string{"in"}, false, slices.Concat([]string{
			"policy pa-yaml policy/v1beta1 in/a.yaml:1", "policy pb-yml policy/v1beta1 in/b.YML:1",
			gap("in/o.yaml"),
			`note in:0 "in": the folders below it were not read: add -R to read them`,
		}, notes, []string{
			`note in/null.yaml:0 2 files: it is no regular file (a pipe or a device) and was passed over; the first is shown`,
		})},
		{"all below", []string{"in"}, true, slices.Concat([]string{
			"policy pa-yaml policy/v1beta1 in/a.yaml:1", "policy pb-yml policy/v1beta1 in/b.YML:1", "policy pc-json policy/v1beta1 in/d/c.json:1",
			"policy pe-yaml-gz policy/v1beta1 in/d/e.yaml.gz:1", "policy pv-yaml policy/v1beta1 in/current/v.yaml:1",
			gap("in/d/out"), gap("in/o.yaml"), gap("in/up"),
		}, notes, []string{
			`note in/null.yaml:0 2 files: it is no regular file (a pipe or a device) and was passed over; the first is shown`,
		})},
		{"a link's target is read by its own name", []string{"in", "out/o.yaml"}, false, slices.Concat([]string{
			"policy pa-yaml policy/v1beta1 in/a.yaml:1", "policy pb-yml policy/v1beta1 in/b.YML:1", "policy po-yaml policy/v1beta1 out/o.yaml:1",
			`note in:0 "in": the folders below it were not read: add -R to read them`,
		}, notes, []string{
			`note in/null.yaml:0 2 files: it is no regular file (a pipe or a device) and was passed over; the first is shown`,
		})},
		{"a link's target is read with its folder", []string{"in/d", "."}, true, []string{
			"policy pa-yaml policy/v1beta1 in/a.yaml:1", "policy pb-yml policy/v1beta1 in/b.YML:1", "policy pc-json policy/v1beta1 in/d/c.json:1",
			"policy pe-yaml-gz policy/v1beta1 in/d/e.yaml.gz:1", "policy po-yaml policy/v1beta1 out/o.yaml:1", "policy pv-yaml policy/v1beta1 in/current/v.yaml:1",
			notes[0], notes[1],
			`note in/null.yaml:0 2 files: it is no regular file (a pipe or a device) and was passed over; the first is shown`,
		}},
		{"by name, once", []string{"in/0.yaml", "./in/a.yaml", "in/a.yaml", "in/h", "in/.h.yaml"}, false, []string{
			"policy p-h-yaml policy/v1beta1 in/.h.yaml:1", "policy pa-yaml policy/v1beta1 in/0.yaml:1", "policy ph policy/v1beta1 in/h:1",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 2 {
				inv, err := (&Reader{Paths: tc.paths, Recursive: tc.recursive}).Load(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.want, summary(inv), messageText()); diff != "" {
					t.Errorf("%v (-want +got):\n%s", tc.paths, diff)
				}
				slices.Reverse(tc.paths) // which changes nothing
			}
		})
	}
}

func TestPathsThatCannotBeRead(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", psp("a"))
	_, err := (&Reader{Paths: []string{"a.yaml", "no\n.yaml"}}).Load(context.Background())
	if want := `opening "no\n.yaml": there is no such file or folder; check the path`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (&Reader{Paths: []string{"a.yaml"}}).Load(ctx); err == nil {
		t.Error("a canceled run succeeds")
	}
}

// The files that a Reader lists are those that it reads.
func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"in/a.yaml", "in/d/b.json", "in/.h.yaml", "in/h.txt", "c.txt"} {
		write(t, name, psp("p"))
	}
	symlink(t, "d/b.json", "in/link.yaml")
	for _, test := range []struct {
		r    Reader
		want []string
	}{
		{Reader{Paths: []string{"in", "c.txt", StdinPath}}, []string{"c.txt", "in/a.yaml", "in/link.yaml"}},
		{Reader{Paths: []string{"in"}, Recursive: true}, []string{"in/a.yaml", "in/d/b.json"}},
		{Reader{Paths: []string{StdinPath}}, nil},
	} {
		got, err := test.r.Files()
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", test.r.Paths, err, diff)
		}
	}
	if _, err := (&Reader{Paths: []string{"gone"}}).Files(); err == nil {
		t.Error("no error for what is not there")
	}
}
