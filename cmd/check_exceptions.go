package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/psp2pss/psp2pss/migrate/exceptions"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// exceptionsFlag is the name of the flag of "psp2pss check" for a file of exceptions.
const exceptionsFlag = "exceptions"

// readExceptions reads the file of exceptions that "psp2pss check" is given, else the one of the working directory; nil if there is
// none there.
func (o *checkOptions) readExceptions(ctx context.Context) (*exceptions.File, error) {
	name := o.Exceptions
	if name == "" {
		if name = exceptions.FileName; isMissing(name) {
			return nil, nil
		}
	}
	data, err := callUntilCancelled(ctx, "reading the exceptions", func() ([]byte, error) {
		return readUpTo(name, o.Source.Stdin, exceptions.MaxFileSize)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the exceptions %q: %w", name, fileerror.Explain(name, err))
	}
	if what := files.NotText(data); what != "" {
		return nil, fmt.Errorf("reading the exceptions %q: %s", name, what)
	}
	file, err := exceptions.Parse(name, data)
	if err != nil {
		return nil, fmt.Errorf("reading the exceptions: %w", err)
	}
	return file, nil
}

// applyExceptions says in the result of "psp2pss check" which findings exceptions cover, on the day of the clock.
func (o *checkOptions) applyExceptions(r *finding.Result, file *exceptions.File) {
	now := time.Now
	if o.deps.Now != nil {
		now = o.deps.Now
	}
	exceptions.Apply(r, file, now())
}

// readUpTo reads a file that the command line names, or standard input where the name is "-": all of it, or one byte more than most.
func readUpTo(name string, stdin io.Reader, most int64) (data []byte, err error) {
	from := stdin
	if name != files.StdinPath {
		f, err := os.Open(name) //nolint:gosec // G304: reading the file that the user names is the point
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("it is a folder")}
		}
		from = f
	}
	return io.ReadAll(io.LimitReader(from, most+1))
}
