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

// staleFiles returns the files of an earlier set in a folder that the new one does not have. It returns an error where the files of the
// new set cannot be put there: for files that 'generate' did not write, and which whoever applies the folder would apply as well. What
// begins with a dot does not count.
func staleFiles(folder string, files []output.File) ([]string, error) {
	names := map[string]bool{}
	for _, f := range files {
		names[f.Name] = true
	}
	var stale, foreign []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || path == folder:
			return err
		case strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
			return nil
		}
		generated, err := isGeneratedFile(path, d)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		switch {
		case err != nil:
			return err
		case !generated:
			foreign = append(foreign, name)
		case !names[filepath.ToSlash(name)]:
			stale = append(stale, path)
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case len(foreign) > 0:
		const most = 3
		return nil, fmt.Errorf("cannot write %s: it has %s, which 'generate' did not write: remove %s, or name another folder", fileerror.Name(folder), english.First(foreign, most), english.Plural(len(foreign), "it", "them"))
	}
	return stale, nil
}

// isGeneratedFile reports whether a file in a folder was written by an earlier run of generate.
func isGeneratedFile(path string, d fs.DirEntry) (bool, error) {
	if !d.Type().IsRegular() {
		return false, nil
	}
	f, err := os.Open(path) //nolint:gosec // G304: a file of the folder that the user names
	if err != nil {
		return false, fileerror.Writing(path, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	const enough = 64
	begin, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return false, fileerror.Writing(path, err)
	}
	return output.IsGenerated(begin), nil
}

// writeGeneratedFolder writes the files of a generated set into a folder, each whole or not at all, and removes the stale ones of an earlier
// set. The README is the last: until then it says that the folder is not whole, so that a run that is cut off leaves that behind.
func writeGeneratedFolder(folder string, files []output.File, stale []string) error {
	if err := makeFolder(folder); err != nil {
		return err
	}
	last := slices.IndexFunc(files, func(f output.File) bool { return f.Name == output.ReadmeFile })
	for _, file := range slices.Concat([]output.File{output.Unfinished()}, slices.Delete(slices.Clone(files), last, last+1)) {
		if err := writeGeneratedFile(folder, file); err != nil {
			return err
		}
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing a file of the earlier set: %w", err)
		}
	}
	return writeGeneratedFile(folder, files[last])
}

// writeGeneratedFile writes one file of a generated set below its folder.
func writeGeneratedFile(folder string, file output.File) error {
	path := filepath.Join(folder, filepath.FromSlash(file.Name))
	if in := filepath.Dir(path); in != filepath.Clean(folder) {
		if err := makeFolder(in); err != nil {
			return err
		}
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(file.Data)
		return err
	})
}
