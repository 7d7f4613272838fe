package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/atomicfile"
)

// A file is made whole and for its owner alone, and one that is there stays; nothing else is left in the folder.
func TestCreateDurable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "key")
	if err := atomicfile.CreateDurable(name, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.CreateDurable(name, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
	data, err := os.ReadFile(name)
	info, statErr := os.Stat(name)
	if err != nil || statErr != nil || string(data) != "first" || info.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v, %v, %v", data, err, info, statErr)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	if err := atomicfile.CreateDurable(filepath.Join(dir, "no", "key"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
}
