package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/migrate/engine/output"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// checkGeneratedFolder returns an error for a folder in which the files of a generated set cannot be put: it has files that are not of the
// set, which whoever applies the folder would apply as well, or others under the same names. What begins with a dot does not count.
func checkGeneratedFolder(folder string, files []output.File) error {
	var foreign []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		ours := func(f output.File) bool { return f.Name == name || d.IsDir() && strings.HasPrefix(f.Name, name+"/") }
		switch {
		case strings.HasPrefix(d.Name(), "."), !slices.ContainsFunc(files, ours):
			if !strings.HasPrefix(d.Name(), ".") {
				foreign = append(foreign, name)
			}
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir():
			return checkGeneratedFile(path)
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(foreign) > 0:
		const most = 3
		return fmt.Errorf("cannot write %s: it has %s that the new set does not have, and that would be applied with it: remove %s, or name another folder",
			fileerror.Name(folder), english.First(foreign, most), english.Plural(len(foreign), "it", "them"))
	}
	return nil
}

// checkGeneratedFile returns an error for a file that no earlier run of generate wrote: it is somebody's own.
func checkGeneratedFile(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: a file of the folder that the user names
	if err != nil {
		return fileerror.Writing(path, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	const enough = 64
	begin, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return fileerror.Writing(path, err)
	}
	if !output.IsGenerated(begin) {
		return fmt.Errorf("cannot write %s: it is there, and 'generate' did not write it: remove it, or name another folder", fileerror.Name(path))
	}
	return nil
}

// writeGeneratedFolder writes the files of a generated set into a folder, each whole or not at all, the README last.
func writeGeneratedFolder(folder string, files []output.File) error {
	if err := makeFolder(folder); err != nil {
		return err
	}
	for _, file := range files {
		path := filepath.Join(folder, filepath.FromSlash(file.Name))
		if in := filepath.Dir(path); in != filepath.Clean(folder) {
			if err := makeFolder(in); err != nil {
				return err
			}
		}
		if err := atomicfile.Write(path, func(w io.Writer) error {
			_, err := w.Write(file.Data)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
