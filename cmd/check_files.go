package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate/check"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/message"
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

// skipPathFlag is the name of the flag of "psp2pss check" and "psp2pss fix" for files in folders that are not read.
const skipPathFlag = "skip-path"

// addSkipPathFlag defines the flag for patterns of files in folders that are not read.
func addSkipPathFlag(flags *pflag.FlagSet, o *SourceOptions) {
	flags.StringSliceVar(&o.SkipPaths, skipPathFlag, nil, "files or folders not to read in the folders given with -f: a name (charts, *-test.yaml), or a path from the folder on (overlays/dev); may be repeated")
}

// checkSkipPaths returns the usage error for a pattern of --skip-path that can match nothing.
func (o *SourceOptions) checkSkipPaths() error {
	for _, pattern := range o.SkipPaths {
		if err := files.CheckSkipPattern(pattern); err != nil {
			return usagef("--%s: %v", skipPathFlag, err)
		}
	}
	return nil
}

// skipPathError returns the error of reading files, for a pattern of --skip-path that matches none of them as a usage error.
func skipPathError(err error) error {
	var unused *files.UnusedPatternError
	if errors.As(err, &unused) {
		return usagef("--%s: %v: give a name, or a path from the folder of -f on", skipPathFlag, unused)
	}
	return err
}

// orSkipped returns the error of "psp2pss check" for what has to be rendered first, with the flag that leaves it out where it stands below
// a folder that is read.
func (o *checkOptions) orSkipped(err *check.UnrenderedError) error {
	named := func(folder string) bool {
		return slices.ContainsFunc(o.Source.Files, func(f string) bool { return filepath.Clean(f) == filepath.Clean(folder) })
	}
	folders := slices.Concat(err.Charts, err.Kustomizations)
	if len(folders) == 0 || slices.ContainsFunc(folders, named) {
		return err
	}
	return fmt.Errorf("%w, or leave out folders with --%s", err, skipPathFlag)
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
// by their names. What is passed over of the list is said on standard error; a list of which every manifest is missing is a gap.
func (o *checkOptions) listFiles(ctx context.Context) ([]string, []finding.Gap, error) {
	if o.FilesFrom == "" {
		return o.Source.Files, nil, nil
	}
	data, err := callUntilCancelled(ctx, "reading the list of files", func() ([]byte, error) { return readFileOrStdin(o.FilesFrom, o.Source.Stdin) })
	if err != nil {
		return nil, nil, fmt.Errorf("reading the list of files %q: %w", o.FilesFrom, fileerror.Explain(o.FilesFrom, err))
	}
	var there, others, missing, twice []string
	top := gitWorkTree()
	for _, name := range listedNames(string(data)) {
		if !files.IsManifestName(filepath.Base(name)) {
			others = append(others, name)
			continue
		}
		found := listedPaths(name, top)
		switch len(found) {
		case 0:
			missing = append(missing, name)
		case 2:
			twice = append(twice, name)
		}
		there = append(there, found...)
	}
	o.noteListed(others, "passed over %s of the list (no YAML or JSON by name)")
	o.noteListed(twice, "%s of the list "+english.Plural(len(twice), "is", "are")+" there in the working directory and at the top of the git work tree, and both are checked")
	if len(there) == 0 && len(missing) > 0 {
		gap := finding.Gap{What: "the list of files", Message: message.New("check-listed-missing", "files", missing)}
		return o.Source.Files, []finding.Gap{gap}, nil
	}
	o.noteListed(missing, "passed over %s of the list (not there any more)")
	paths := slices.Concat(o.Source.Files, there)
	if len(paths) == 0 {
		_, _ = fmt.Fprintln(o.streams.ErrOut, "note: the list names no file to check")
	}
	return paths, nil, nil
}

// listedNames returns the paths that a list of files names: those between the NULs that git diff -z writes where there is one, else one
// from each line.
func listedNames(list string) []string {
	var names []string
	add := func(name string) {
		if name != "" {
			names = append(names, name)
		}
	}
	if strings.Contains(list, "\x00") {
		for name := range strings.SplitSeq(list, "\x00") {
			add(strings.Trim(name, "\r\n"))
		}
		return names
	}
	for line := range strings.Lines(list) {
		add(listedName(line))
	}
	return names
}

// listedPaths returns where the file of a listed path is: from the working directory, from the top of the git work tree, or both, which
// are two files; git writes paths from the top. The top is "" if there is none.
func listedPaths(name, top string) []string {
	var found []string
	if !isMissing(name) {
		found = append(found, name)
	}
	if top == "" || filepath.IsAbs(name) {
		return found
	}
	if path := filepath.Join(top, name); !isMissing(path) {
		found = append(found, path)
	}
	return found
}

// gitWorkTree returns the path from the working directory to the top of the git work tree above it ("../.."), which has the file or folder
// .git; "" if the working directory is itself the top, or none is above it.
func gitWorkTree() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for up := ""; ; up = filepath.Join(up, "..") {
		if !isMissing(filepath.Join(dir, ".git")) {
			return up
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return ""
	}
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

// noteListed says something on standard error of paths of a list of files; %s in it stands for their number.
func (o *checkOptions) noteListed(names []string, format string) {
	if len(names) == 0 {
		return
	}
	const most = 5
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = english.EscapeInput(name)
	}
	what := fmt.Sprintf(format, english.Count(len(names), "file", "files"))
	_, _ = fmt.Fprintf(o.streams.ErrOut, "note: %s: %s\n", what, english.First(quoted, most))
}
