//go:build unix

package rollout

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A journal that was closed can be opened at once, although a program that is being started has a copy of its file for a moment.
func TestClosedJournalIsFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j")
	j, err := CreateJournal(path, JournalHeader{})
	if err != nil {
		t.Fatal(err)
	}
	copied, err := syscall.Dup(int(j.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(copied) }()
	if _, err := OpenJournal(path); err == nil {
		t.Error("a journal that is open was opened again")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
