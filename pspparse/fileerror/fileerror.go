package fileerror

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// Error is an error of the file system in words.
type Error struct {
	// Text says what is wrong and what to do, without the path.
	Text string
	// IsNoPath is set for what can be no path that exists: a URL, a pattern, a variable that no shell replaced.
	IsNoPath bool
	// Err is the error of the file system.
	Err error
}

// Error returns the text of the error of the file system.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the error of the file system, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// Explain returns an error of opening or reading the file of a path that the user gave, in words. Of a path that does not exist it says
// what was probably meant.
func Explain(path string, err error) *Error {
	e := &Error{Text: Reason(err), Err: err}
	switch {
	case strings.Contains(path, "://") || strings.HasPrefix(path, "git@"):
		e.Text, e.IsNoPath = "it is a URL, and URLs are not read: fetch it first (curl -LO URL, or git clone), and give the file or folder", true
	case !errors.Is(err, fs.ErrNotExist):
		if errors.Is(err, fs.ErrPermission) {
			e.Text += "; read it as a user who may"
		}
	case strings.ContainsAny(path, "*?") || strings.Contains(path, "[") && strings.Contains(path, "]"):
		e.Text, e.IsNoPath = "it is a pattern, and patterns are not read: give the folder, "+Name(folderOfPattern(path)), true
	case strings.HasPrefix(path, "~") || strings.Contains(path, "$"):
		e.Text, e.IsNoPath = "there is no such file or folder: the shell replaces ~ and $NAME only where they are not in quotation marks", true
	case isLink(path):
		e.Text = "it is a link to a file or folder that is not there"
	default:
		e.Text += missingAdvice(path)
	}
	return e
}

// isLink is true for a symbolic link.
func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// folderOfPattern returns the part of a file pattern before its first folder with a wildcard.
func folderOfPattern(pattern string) string {
	before := pattern[:strings.IndexAny(pattern, "*?[")]
	return filepath.Dir(before+"x") + string(filepath.Separator)
}

// missingAdvice returns the end of a message about a file that does not exist: the name beside it that was probably meant.
func missingAdvice(path string) string {
	const most = 1000 // names of a folder that are compared
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		names, _ := d.Readdirnames(most)
		_ = d.Close()
		if near := pspparse.SuggestName(filepath.Base(path), names); near != "" && len(names) < most {
			return "; did you mean " + english.QuoteInput(filepath.Join(filepath.Dir(path), near), 80) + "?"
		}
	}
	return "; check the path"
}

// Reason returns why a file could not be opened, read or written, in words and without the path, which may be none that the user
// knows.
func Reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file or folder"
	case errors.Is(err, syscall.EISDIR):
		return "it is a folder"
	case errors.Is(err, syscall.ENOTDIR):
		return "a part of the path is a file and no folder"
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full"
	case errors.Is(err, syscall.EROFS):
		return "the file system is read-only"
	}
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err.Error()
	case errors.As(err, &link):
		return link.Err.Error()
	}
	return err.Error()
}

// Writing returns the error of writing the file of a path that the user gave, in words.
func Writing(path string, err error) *Error {
	folder := filepath.Dir(path)
	why := Reason(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		why = "there is no folder " + Name(folder) + "; create it first"
		if info, err := os.Stat(folder); err == nil && info.IsDir() { // such as /proc
			why = "folder " + Name(folder) + " takes no new file"
		}
	case errors.Is(err, syscall.ENOTDIR):
		why = Name(folder) + " is not a folder"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		why = "folder " + Name(folder) + " is not writable"
	}
	return &Error{Text: "cannot write " + Name(path) + ": " + why, Err: err}
}

// Name returns a path as a sentence has it: as it is, and in quotation marks where it has white space or anything that does not
// print.
func Name(path string) string {
	if quoted := strconv.Quote(path); path == "" || quoted[1:len(quoted)-1] != path || strings.Contains(path, " ") {
		return quoted
	}
	return path
}
