package files

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// UnusedPatternError is the error for a pattern of files to skip that matches nothing in the folders of the input.
type UnusedPatternError struct{ Pattern string }

// Error says which pattern matches no file and no folder of the input.
func (e *UnusedPatternError) Error() string {
	return fmt.Sprintf("no file and no folder in what is read matches %s", quoteInput(e.Pattern))
}

// CheckSkipPattern returns an error for a pattern of input files to skip that can match nothing.
func CheckSkipPattern(pattern string) error {
	_, err := path.Match(pattern, "")
	if name := strings.Trim(pattern, "/"); err != nil || name == "" || name == "." || strings.HasPrefix(path.Clean(name), "..") {
		return fmt.Errorf("%s is no pattern of a path below a folder, such as charts or test/*.yaml", quoteInput(pattern))
	}
	return nil
}

// skips reports whether a pattern of input files to skip matches a path below a folder, with slashes: the whole path, or its last name
// if the pattern has no slash.
func skips(pattern, below string) bool {
	pattern = strings.TrimSuffix(pattern, "/")
	if !strings.Contains(pattern, "/") {
		below = path.Base(below)
	}
	matched, err := path.Match(strings.TrimPrefix(path.Clean(pattern), "/"), below)
	return err == nil && matched
}

// SkipsPath reports whether one of the patterns of Reader.Skip matches the path of an input file below a folder.
func SkipsPath(patterns []string, folder, name string) bool {
	below, err := filepath.Rel(folder, name)
	return err == nil && slices.ContainsFunc(patterns, func(p string) bool { return skips(p, filepath.ToSlash(below)) })
}

// skipped reports whether a pattern skips a path below a folder that the user named, and notes which patterns do.
func (w *fileFinder) skipped(folder, name string) bool {
	found := false
	for i := range w.skip {
		if SkipsPath(w.skip[i:i+1], folder, name) {
			w.skipUsed[i], found = true, true
		}
	}
	return found
}

// unusedPattern returns the error for the first pattern that has skipped no file of the input; nil if there is none.
func (w *fileFinder) unusedPattern() error {
	for i, used := range w.skipUsed {
		if !used {
			return &UnusedPatternError{Pattern: w.skip[i]}
		}
	}
	return nil
}

// skipEntry notes the files that a pattern skips: the entry of a folder, or all files in it that would be read.
func (v *folderWalk) skipEntry(at, resolved string, e fs.DirEntry) {
	if e.IsDir() && !v.recursive {
		v.skippedFolders++
		return
	}
	// What cannot be looked at is skipped, too.
	_ = filepath.WalkDir(resolved, func(p string, d fs.DirEntry, err error) error {
		below, _ := filepath.Rel(resolved, p)
		hidden := p != resolved && strings.HasPrefix(d.Name(), ".")
		switch {
		case err != nil || hidden && d.IsDir():
			return fs.SkipDir
		case !d.IsDir() && isManifestFileName(d.Name()):
			v.matchingFiles++
			v.notes.add(message.New("file-skipped"), filePosition(filepath.Join(at, below)), filepath.Join(at, below))
		}
		return nil
	})
}
