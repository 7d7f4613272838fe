package atomicfile_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/atomicfile"
)

func saying(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old and longer"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skipf("no links here: %v", err)
	}
	if err := atomicfile.Write(link, saying("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(target); err != nil || string(got) != "new" {
		t.Errorf("got %q (%v)", got, err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode became %v (%v)", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced (%v)", err)
	}
	if err := atomicfile.Write(os.DevNull, saying("x")); err != nil {
		t.Errorf("a device: %v", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, "no", "such"), saying("")); err == nil {
		t.Error("a folder that does not exist: no error")
	}
	broken := errors.New("no more room")
	want := fmt.Sprintf("writing %q: no more room", target)
	if err := atomicfile.Write(target, func(io.Writer) error { return broken }); !errors.Is(err, broken) || err.Error() != want {
		t.Errorf("a format that fails: %v, want %s", err, want)
	}
	if got, err := os.ReadFile(target); err != nil || string(got) != "new" {
		t.Errorf("after a format that failed: %q (%v)", got, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left over: %v (%v)", left, err)
	}
}

// TestWriteDurable checks that a file is replaced by one that only its owner may read.
func TestWriteDurable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "backup")
	for _, text := range []string{"first", "second"} {
		if err := atomicfile.WriteDurable(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("got %q (%v)", got, err)
		}
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v (%v)", info.Mode(), err)
	}
	if err := atomicfile.WriteDurable(filepath.Join(dir, "no", "such"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that does not exist: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left over: %v (%v)", left, err)
	}
}
