package fileerror_test

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

func TestExplain(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("dump", 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", "link"); err != nil {
		t.Fatal(err)
	}
	missing := &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}
	tests := []struct {
		path   string
		err    error
		want   string
		noPath bool
	}{
		{"dmup", missing, `there is no such file or folder; did you mean "dump"?`, false},
		{"link", missing, "it is a link to a file or folder that is not there", false},
		{"other", missing, "there is no such file or folder; check the path", false},
		{"no/where", missing, "there is no such file or folder; check the path", false},
		{"dump", &fs.PathError{Op: "read", Path: "dump", Err: syscall.EISDIR}, "it is a folder", false},
		{"dump/x", &fs.PathError{Op: "open", Path: "dump/x", Err: syscall.EACCES}, "permission denied; read it as a user who may", false},
		{"a/b", &fs.PathError{Op: "open", Path: "a/b", Err: syscall.ENOTDIR}, "a part of the path is a file and no folder", false},
		{"https://example.com/a.yaml", missing, "it is a URL, and URLs are not read: fetch it first (curl -LO URL, or git clone), and give the file or folder", true},
		{"git@example.com:a/b.git", missing, "it is a URL, and URLs are not read: fetch it first (curl -LO URL, or git clone), and give the file or folder", true},
		{"dump/*.yaml", missing, "it is a pattern, and patterns are not read: give the folder, dump/", true},
		{"*.yaml", missing, "it is a pattern, and patterns are not read: give the folder, ./", true},
		{"~/x", missing, "there is no such file or folder: the shell replaces ~ and $NAME only where they are not in quotation marks", true},
	}
	for _, tt := range tests {
		got := fileerror.Explain(tt.path, tt.err)
		if got.Error() != tt.want || got.IsNoPath != tt.noPath || !errors.Is(got, tt.err) {
			t.Errorf("%s: %q, %v\nwant %q, %v", tt.path, got, got.IsNoPath, tt.want, tt.noPath)
		}
	}
}

func TestWriting(t *testing.T) {
	t.Parallel()
	for want, given := range map[string]struct {
		path string
		err  error
	}{
		"cannot write plan.json: folder . is not writable":                  {"plan.json", syscall.EACCES},
		"cannot write out/plan.json: folder out is not writable":            {"out/plan.json", syscall.EROFS},
		"cannot write no/plan.json: there is no folder no; create it first": {"no/plan.json", syscall.ENOENT},
		"cannot write /x-plan: folder / takes no new file":                  {"/x-plan", syscall.ENOENT},
		"cannot write a/plan.json: a is not a folder":                       {"a/plan.json", syscall.ENOTDIR},
		"cannot write plan.json: the disk is full":                          {"plan.json", syscall.ENOSPC},
		`cannot write "my \x1b plan.json": the disk is full`:                {"my \x1b plan.json", syscall.ENOSPC},
	} {
		if got := fileerror.Writing(given.path, &os.LinkError{Op: "rename", Old: ".plan.json.P2NBA4", New: given.path, Err: given.err}); got.Error() != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
