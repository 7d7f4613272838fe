package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// fileArguments returns the usage error for an argument that names no file to check: what a dash begins. A lone dash is standard input.
func fileArguments(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if arg == "" {
			return usagef("an argument is empty: name a file or a folder")
		}
		if arg != files.StdinPath && strings.TrimLeft(arg, "-"+longDashes) != arg {
			return argumentError(cmd, cmd.Name()+" takes files and folders", arg)
		}
	}
	return nil
}

// completeFiles completes arguments that name files and folders as the shell does.
func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// takeArguments adds the files and folders to check that are arguments to those of -f.
func (o *checkOptions) takeArguments(args []string) {
	o.Listed = len(o.Source.Files) == 0 && !slices.ContainsFunc(args, func(arg string) bool { return arg == files.StdinPath || isFolder(arg) }) && len(args)+len(o.FilesFrom) > 0
	o.Source.Files = append(o.Source.Files, args...)
}

// isFolder reports whether a path leads to a folder.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// listFiles returns the paths that "psp2pss check" reads: those of -f, and of --files-from those that are there and are YAML or JSON
// by their names. What is passed over of the list is said on standard error.
func (o *checkOptions) listFiles(ctx context.Context) ([]string, error) {
	if o.FilesFrom == "" {
		return o.Source.Files, nil
	}
	data, err := callUntilCancelled(ctx, "reading the list of files", func() ([]byte, error) { return readFileOrStdin(o.FilesFrom, o.Source.Stdin) })
	if err != nil {
		return nil, fmt.Errorf("reading the list of files %q: %w", o.FilesFrom, fileerror.Explain(o.FilesFrom, err))
	}
	paths := slices.Clone(o.Source.Files)
	var others, deleted []string
	for line := range strings.Lines(string(data)) {
		switch name := listedName(line); {
		case name == "":
		case !files.IsManifestName(filepath.Base(name)):
			others = append(others, name)
		case isMissing(name):
			deleted = append(deleted, name)
		default:
			paths = append(paths, name)
		}
	}
	o.notePassedOver(others, "no YAML or JSON by name")
	o.notePassedOver(deleted, "not there any more")
	if len(paths) == 0 {
		_, _ = fmt.Fprintln(o.streams.ErrOut, "note: the list names no file to check")
	}
	return paths, nil
}

// listedName returns the path on a line of a list of files. Git puts a name with special characters in double quotes.
func listedName(line string) string {
	name := strings.TrimRight(line, "\r\n")
	if len(name) > 1 && name[0] == '"' && name[len(name)-1] == '"' {
		return unquoteGitPath(name[1 : len(name)-1])
	}
	return name
}

// unquoteGitPath returns the path that git wrote with C escapes: \303\244, \t, \" and the like.
func unquoteGitPath(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		if at := strings.IndexByte(`abfnrtv`, s[i]); at >= 0 {
			out = append(out, "\a\b\f\n\r\t\v"[at])
			continue
		}
		if octal := s[i:min(i+3, len(s))]; len(octal) == 3 && strings.Trim(octal, "01234567") == "" {
			out = append(out, (octal[0]-'0')<<6|(octal[1]-'0')<<3|(octal[2]-'0'))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

// isMissing reports whether no file has a path.
func isMissing(path string) bool {
	_, err := os.Lstat(path)
	return os.IsNotExist(err)
}

// notePassedOver says on standard error which paths of a list are not checked, and why.
func (o *checkOptions) notePassedOver(names []string, why string) {
	if len(names) == 0 {
		return
	}
	const most = 5
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = english.EscapeInput(name)
	}
	_, _ = fmt.Fprintf(o.streams.ErrOut, "note: passed over %s of the list (%s): %s\n", english.Count(len(names), "file", "files"), why, english.First(quoted, most))
}
