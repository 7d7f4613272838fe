package auditlog

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// ReadFiles reads the audit logs that paths name: files, folders with all files in them, and stdin for "-". It returns what they hold
// together, and an error for the first that cannot be read. The order of paths is that of the results.
func ReadFiles[T any](ctx context.Context, paths []string, stdin io.Reader, q Query[T]) (*Summary, error) {
	all := &Summary{}
	for _, path := range paths {
		if path == "-" {
			if err := Read(ctx, "standard input", stdin, q, all); err != nil {
				return nil, err
			}
			continue
		}
		if err := readPath(ctx, path, q, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// readPath reads an audit log that is a file, or all those in a folder.
func readPath[T any](ctx context.Context, path string, q Query[T], all *Summary) error {
	info, err := os.Stat(path)
	if err != nil {
		return openError(path, err)
	}
	if !info.IsDir() {
		one, err := readFile(ctx, path, q)
		if err == nil {
			all.add(one)
		}
		return err
	}
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return openError(name, err)
		case name != path && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		one, err := readFile(ctx, name, q)
		if err != nil {
			return err
		}
		if one.Events == 0 && len(one.Broken) > 0 {
			one = &Summary{OtherFiles: []string{name}}
		}
		all.add(one)
		return nil
	})
}

// readFile reads one file of an audit log.
func readFile[T any](ctx context.Context, name string, q Query[T]) (*Summary, error) {
	f, err := os.Open(name) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil, openError(name, err)
	}
	defer func() { _ = f.Close() }()
	out := &Summary{}
	return out, Read(ctx, name, f, q, out)
}

// openError returns the error for an audit log that cannot be opened.
func openError(name string, err error) error {
	return fmt.Errorf("opening the audit log %q: %w", name, fileerror.Explain(name, err))
}
