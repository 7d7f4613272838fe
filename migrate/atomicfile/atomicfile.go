// Package atomicfile writes files that are whole or not there at all, also after a crash of the machine. It takes a path and
// what to write, and returns when the file and its name are on the disk. It follows no links and chooses no paths.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path by one with the data, which only its owner may read. It returns once the disk has it. If it
// cannot be written or put into place, the file at path is as it was, and nothing else is left in its directory.
func Write(path string, data []byte) error {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	err := create(temporary, data)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err == nil {
		return SyncDirectory(filepath.Dir(path))
	}
	removed := os.Remove(temporary)
	if errors.Is(removed, fs.ErrNotExist) {
		removed = nil
	}
	return errors.Join(err, removed)
}

// create writes a new file and returns once the disk has it.
func create(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the caller names the file
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncDirectory returns once the disk has the names of the files in a directory. A file system that cannot do that is no
// error.
func SyncDirectory(path string) error {
	d, err := os.Open(path) //nolint:gosec // G304: the caller names the directory
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
