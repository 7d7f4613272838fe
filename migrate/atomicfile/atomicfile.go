// Package atomicfile owns the writing of files that must be whole or as they were before: other programs, and a run that is cut
// off, never see half of one. It takes a name and a function that writes the content, and returns errors that name the file. It
// decides nothing about names or folders.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// Write replaces a file whole or not at all, and returns the error of the file system for what it cannot write. What is
// not a regular file (a device, a pipe) is written to as it is, and a link is followed, so that neither is replaced. A
// file that is there keeps its permissions; a new one gets those of the user's umask.
func Write(name string, write func(io.Writer) error) error {
	given := name
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = replaceFile(name, 0o666, func(f *os.File) error { return write(f) })
	case err == nil && info.Mode().IsRegular():
		err = replaceFile(name, 0o666, func(f *os.File) error {
			if err := write(f); err != nil {
				return err
			}
			return f.Chmod(info.Mode().Perm())
		})
	case err == nil:
		err = writeInto(name, write)
	}
	if err != nil {
		return writeError(given, err)
	}
	return nil
}

// writeError returns an error of writing the file of a name that the caller gave. What the file system says is put in words, without
// the name of the temporary file.
func writeError(name string, err error) error {
	var path *fs.PathError
	var link *os.LinkError
	if errors.As(err, &path) || errors.As(err, &link) {
		return fileerror.Writing(name, err)
	}
	return fmt.Errorf("writing %q: %w", name, err)
}

// WriteDurable replaces a file whole or not at all and returns once it is on the disk under its name. Only the owner
// may read it. It returns the error of the file system.
func WriteDurable(name string, data []byte) error {
	err := replaceFile(name, 0o600, func(f *os.File) error {
		_, err := f.Write(data)
		if err == nil {
			err = f.Sync()
		}
		return err
	})
	if err != nil {
		return writeError(name, err)
	}
	return SyncFolder(filepath.Dir(name))
}

// CreateDurable writes a file that must not be there yet, whole or not at all, and returns once it is on the disk under its name. Only
// the owner may read it. It returns the error of the file system, which is fs.ErrExist for a file that is there.
func CreateDurable(name string, data []byte) error {
	temporary := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+rand.Text())
	if err := WriteDurable(temporary, data); err != nil {
		return fileerror.Writing(name, errors.Unwrap(err))
	}
	err := os.Link(temporary, name)
	_ = os.Remove(temporary)
	if err != nil {
		return fileerror.Writing(name, err)
	}
	return SyncFolder(filepath.Dir(name))
}

// SyncFolder returns once the names of the files in a folder are on the disk, or the error of the file system. File
// systems that cannot say so are taken at their word.
func SyncFolder(path string) error {
	d, err := os.Open(path) //nolint:gosec // G304: the folder of the file that the caller names
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// writeInto writes to a device, a pipe or whatever else is no regular file that could be replaced.
func writeInto(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // G304: the file that the caller names
	if err != nil {
		return err
	}
	return closeFile(f, write(f))
}

// closeFile closes a file and returns the first error, of writing it or of closing it.
func closeFile(f *os.File, err error) error {
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// replaceFile writes a hidden file beside the named one and gives it the name once it is whole. Where that fails nothing of it is
// left.
func replaceFile(name string, permissions fs.FileMode, write func(*os.File) error) error {
	temporary := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+rand.Text())
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, permissions) //nolint:gosec // G302, G304: the file that the caller names, with the rights that the umask leaves
	if err != nil {
		return err
	}
	err = closeFile(f, write(f))
	if err == nil {
		err = os.Rename(temporary, name)
	}
	if err != nil {
		_ = os.Remove(temporary)
	}
	return err
}
