package cmd

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestMergeLeavesPipes finds the plans in a folder beside a named pipe and a link to a folder, which are named like plans: reading from
// the pipe would wait for ever.
func TestMergeLeavesPipes(t *testing.T) {
	t.Parallel()
	dir := savedFleet(t, "a")
	if err := syscall.Mkfifo(filepath.Join(dir, "b.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "c.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "a.json"), filepath.Join(dir, "d.json")); err != nil {
		t.Fatal(err)
	}
	got, err := membersInFolder(dir)
	if err != nil || len(got) != 2 || got[0].name() != "a" || got[1].name() != "d" {
		t.Errorf("%v, %v, want a and d", got, err)
	}
}
