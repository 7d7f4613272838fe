package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/fix"
)

const unhardened = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  securityContext: {runAsUser: 7}\n  containers:\n  - name: a\n    image: x # a\n"

// A file that is fixed keeps its mode, and a link stays one.
func TestFixKeepsModesAndLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "pod.yaml"), filepath.Join(dir, "link.yaml")
	if err := os.WriteFile(file, []byte(unhardened), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	streams, out, errOut := BufferStreams("")
	if code := Run(t.Context(), streams, SystemDeps("psp2pss"), []string{"fix", "-f", link, "--raise", "--write"}); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errOut)
	}
	info, err := os.Lstat(file)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("the mode is %v (%v)", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is no link any more (%v)", err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "{runAsUser: 7, runAsNonRoot: true}") {
		t.Errorf("%s (%v)", text, err)
	}
}

// A file that its owner may not write stays as it is, and that is said; its diff is printed.
func TestFixLeavesReadOnlyFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(file, []byte(unhardened), 0o400); err != nil {
		t.Fatal(err)
	}
	streams, out, errOut := BufferStreams("")
	code := Run(t.Context(), streams, SystemDeps("psp2pss"), []string{"fix", "-f", file, "--raise", "--write"})
	if code != exitPartial || !strings.Contains(errOut.String(), "Pod x: runAsNonRoot: the file is read-only, and stays as it is: make it writable first (chmod u+w)\n") {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != unhardened {
		t.Errorf("the file is %q (%v)", text, err)
	}
	if code := Run(t.Context(), streams, SystemDeps("psp2pss"), []string{"fix", "-f", file, "--raise"}); code != exitDone || !strings.Contains(out.String(), "\n+++ b/") {
		t.Errorf("exit code %d of the diff\n%s%s", code, out, errOut)
	}
}

// A file that somebody changes while the edits are made stays as it is then.
func TestFixRefusesChangedFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pod.yaml")
	const newer = "# newer\n"
	if err := os.WriteFile(file, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	o := &fixOptions{Fix: fix.Options{ReadFile: os.ReadFile}}
	err := o.writeFile(&fix.File{Name: file, Before: []byte(unhardened), After: []byte("x")})
	if err == nil || !strings.HasSuffix(err.Error(), "it was changed since it was read: run the command again") {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != newer {
		t.Errorf("the file is %q (%v)", text, err)
	}
}

// What a file holds cannot act on the terminal that its diff is shown on.
func TestFixOnATerminal(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(file, []byte(unhardened+"    # \u202e\u200b red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	streams, out, errOut := terminal(60)
	if code := Run(t.Context(), streams, SystemDeps("psp2pss"), []string{"fix", "-f", file, "--raise"}); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errOut)
	}
	if text := out.String(); strings.ContainsAny(text, "\u202e\u200b") || !strings.Contains(text, "\n+  securityContext: {runAsUser: 7, runAsNonRoot: true}\n") {
		t.Errorf("the terminal shows %q", text)
	}
}
