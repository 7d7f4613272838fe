package cmd

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/exceptions"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// checkOverwrites returns the usage error for an output of "psp2pss check" that would overwrite a file that this run reads: one that
// flags name, or one in a folder of -f. A result of an earlier run in such a folder may be overwritten.
func (o *checkOptions) checkOverwrites(ctx context.Context, listed []string) error {
	if !slices.ContainsFunc(o.Outputs, hasRegularFile) {
		return nil
	}
	named := append([]string{o.Source.Plan, o.FilesFrom, o.Since, o.Exceptions, o.Source.AdmissionConfig}, listed...)
	if o.Exceptions == "" {
		named = append(named, exceptions.FileName)
	}
	inFolders, err := callUntilCancelled(ctx, "looking for the manifests", func() ([]string, error) {
		return (&files.Reader{Paths: listed, Recursive: o.Source.Recursive, Skip: o.Source.SkipPaths}).Files()
	})
	if err != nil {
		return skipPathError(err)
	}
	for _, out := range o.Outputs {
		name := sameFile(out.file, named)
		if name == "" && !isCheckResult(out.file) {
			name = sameFile(out.file, inFolders)
		}
		if name != "" {
			return usagef("-o %s=%s would overwrite %s, which is read: name another file", out.format.Name, fileerror.Name(out.file), fileerror.Name(name))
		}
	}
	return nil
}

// hasRegularFile reports whether an output goes to a file that is there, and is no device.
func hasRegularFile[R any](out outputTarget[R]) bool {
	info, err := os.Stat(out.file)
	return out.file != "" && err == nil && info.Mode().IsRegular()
}

// sameFile returns the first of some paths that leads to the same regular file as a path; "" for none.
func sameFile(path string, others []string) string {
	written, err := os.Stat(path)
	if path == "" || err != nil || !written.Mode().IsRegular() {
		return ""
	}
	for _, name := range others {
		if read, err := os.Stat(name); name != "" && err == nil && os.SameFile(written, read) {
			return name
		}
	}
	return ""
}

// isCheckResult reports whether a file begins as "psp2pss check" writes its results, in a format that a folder of manifests may have.
// No manifest of a workload begins so.
func isCheckResult(path string) bool {
	f, err := os.Open(path) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	head := make([]byte, 128)
	n, _ := io.ReadFull(f, head) // what is shorter is compared as it is
	head = head[:n]
	for _, begin := range []string{
		"{\n  \"apiVersion\": \"psp2pss.dev/v1\",\n  \"kind\": \"CheckResult\"",
		"{\n  \"$schema\": \"https://docs.oasis-open.org/sarif/",
		"[\n  {\n    \"description\": ",
		"apiVersion: wgpolicyk8s.io/", "apiVersion: openreports.io/",
	} {
		if bytes.HasPrefix(head, []byte(begin)) {
			return true
		}
	}
	return n == 0 || string(head) == "[]\n"
}
