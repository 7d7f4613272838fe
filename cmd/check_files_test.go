package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runCheckIn runs "psp2pss check" with arguments in a folder, and returns its exit code with what it writes.
func runCheckIn(t *testing.T, dir, stdin string, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Chdir(dir)
	streams, o, e := BufferStreams(stdin)
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	code = Run(t.Context(), streams, deps, append([]string{"check"}, args...))
	return code, o.String(), e.String()
}

// writeTree writes files below a new folder and returns it. What ends in a slash is a folder.
func writeTree(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Paths of a list are found from the working directory and from the top of the git work tree. A list of which every manifest is missing is
// never green.
func TestListedFiles(t *testing.T) {
	const hostPID = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, containers: [{name: c, image: i}]}\n"
	const harmless = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i}]}\n"
	repository := map[string]string{".git/": "", "apps/web.yaml": hostPID, "apps/deep/": "", "apps/both.yaml": harmless, "both.yaml": hostPID}
	for _, test := range []struct {
		name, in, list string
		args           []string
		code           int
		out, errOut    string
	}{
		{name: "from the top of the work tree", in: "apps/deep", list: "apps/web.yaml\n", code: exitFindings, out: "../../apps/web.yaml:4:8"},
		{name: "in the working directory", in: "apps", list: "web.yaml\n", code: exitFindings, out: "web.yaml:4:8"},
		{
			name: "both are there", in: "apps", list: "both.yaml\n", code: exitFindings, out: "../both.yaml:4:8",
			errOut: "note: 1 file of the list is there in the working directory and at the top of the git work tree, and both are checked: both.yaml\n",
		},
		{name: "separated by NUL", in: ".", list: "apps/web.yaml\x00gone.yaml\x00", code: exitFindings, out: "apps/web.yaml:4:8", errOut: "not there any more): gone.yaml"},
		{name: "NUL, with a line end and quotes in a name", in: ".", list: "\"a\nb\".yaml\x00apps/web.yaml", code: exitFindings, out: "apps/web.yaml:4:8"},
		{
			name: "all missing", in: ".", list: "gone.yaml\nREADME.md\n", code: exitPartial,
			out: "the list of files: no manifest that it names is there (gone.yaml): ",
		},
		{name: "all missing, quiet", in: ".", list: "gone.yaml\n", args: []string{"-q"}, code: exitPartial, out: "no manifest that it names is there"},
		{name: "all missing, beside -f", in: ".", list: "gone.yaml\nother.yaml", args: []string{"-f", "apps/both.yaml"}, code: exitPartial, out: "no manifest that it names is there"},
		{name: "all missing, accepted", in: ".", list: "gone.yaml\n", args: []string{"--allow-partial"}, code: exitDone},
		{name: "no manifests", in: ".", list: "README.md\n", code: exitDone, errOut: "note: the list names no file to check\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := writeTree(t, repository)
			args := append([]string{"--files-from", "-", "--level=baseline"}, test.args...)
			code, out, errOut := runCheckIn(t, filepath.Join(dir, test.in), test.list, args...)
			if code != test.code || !strings.Contains(out, test.out) || !strings.Contains(errOut, test.errOut) {
				t.Errorf("exit %d, want %d with %q and %q:\n%s\n%s", code, test.code, test.out, test.errOut, out, errOut)
			}
		})
	}
}

// An output never overwrites what the run reads.
func TestOutputsOverwriteNoInput(t *testing.T) {
	const harmless = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i}]}\n"
	const noExceptions = "apiVersion: psp2pss.dev/v1\nkind: Exceptions\nexceptions: []\n"
	dir := writeTree(t, map[string]string{"a/web.yaml": harmless, "list": "a/web.yaml\n", ".psp2pss.yaml": noExceptions, "old.json": "{}"})
	if err := os.Link(filepath.Join(dir, "a/web.yaml"), filepath.Join(dir, "same.json")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-f", "a/web.yaml", "-o", "json=./a/web.yaml"}, "-o json=./a/web.yaml would overwrite a/web.yaml, which is read: name another file"},
		{[]string{"-f", "a/web.yaml", "-o", "table", "-o", "sarif=same.json"}, "-o sarif=same.json would overwrite a/web.yaml,"},
		{[]string{"--files-from", "list", "-o", "json=a/web.yaml"}, "would overwrite a/web.yaml,"},
		{[]string{"--files-from", "list", "-o", "json=list"}, "would overwrite list,"},
		{[]string{"-f", "a", "--since", "old.json", "-o", "json=old.json"}, "would overwrite old.json,"},
		{[]string{"-f", "a", "--plan", "old.json", "-o", "json=old.json"}, "would overwrite old.json,"},
		{[]string{"-f", "a", "-o", "json=.psp2pss.yaml"}, "would overwrite .psp2pss.yaml,"},
		{[]string{"-f", "a", "--exceptions", ".psp2pss.yaml", "-o", "json=.psp2pss.yaml"}, "would overwrite .psp2pss.yaml,"},
	} {
		code, out, errOut := runCheckIn(t, dir, "", append(test.args, "--level=baseline")...)
		if code != exitUsage || out != "" || !strings.Contains(errOut, test.want) {
			t.Errorf("%q: exit %d:\n%s%s", test.args, code, out, errOut)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "a/web.yaml")); err != nil || string(data) != harmless {
		t.Errorf("the manifest is %q (%v)", data, err)
	}
	if code, _, errOut := runCheckIn(t, dir, "", "-f", "a", "--level=baseline", "-o", "json=new.json"); code != exitDone {
		t.Errorf("exit %d: %s", code, errOut)
	}
}
