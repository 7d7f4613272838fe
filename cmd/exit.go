package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// The exit codes of the process, as the help of the root command documents them.
const (
	exitDone     = 0
	exitFailed   = 1 // the run itself failed
	exitUsage    = 2 // wrong flags or arguments, or a name that is not there: nothing was written
	exitFindings = 3 // done, and found what the caller asked to fail on
	exitPartial  = 4 // done, and something could not be read or there was nothing to evaluate; or a name may be in what was not
)

// usageError is a mistake in the command-line flags or arguments: exit code 2.
type usageError struct{ error }

// Unwrap returns the error inside usageError, for errors.Is and errors.As.
func (e usageError) Unwrap() error { return e.error }

// usagef formats an error that ends the process with the exit code for wrong usage.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// findingsError ends a command that did its work and found what the caller asked to fail on: exit code 3.
type findingsError struct{ error }

// Unwrap returns the error inside findingsError, for errors.Is and errors.As.
func (e findingsError) Unwrap() error { return e.error }

// partialError ends a command that did its work, but could not read all of its input: exit code 4.
type partialError struct{ error }

// Unwrap returns the error inside partialError, for errors.Is and errors.As.
func (e partialError) Unwrap() error { return e.error }

// runError marks an error that a command's own run returned. Whatever reaches the top without it was raised by cobra while it
// parsed flags and arguments, and is wrong usage.
type runError struct{ error }

// Unwrap returns the error inside runError, for errors.Is and errors.As.
func (e runError) Unwrap() error { return e.error }

// exitCode returns the exit code of the process for an error of a command. Findings win over input that was not read.
func exitCode(err error) int {
	var (
		usage    usageError
		findings findingsError
		partial  partialError
		run      runError
		missing  *migrate.NotFoundError
		target   *migrate.TargetVersionError
		path     *fileerror.Error
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage), errors.As(err, &target), errors.As(err, &path) && path.IsNoPath:
		return exitUsage
	case errors.As(err, &missing) && missing.MayExistBecause == "":
		return exitUsage
	case errors.As(err, &missing):
		return exitPartial
	case errors.As(err, &findings):
		return exitFindings
	case errors.As(err, &partial):
		return exitPartial
	case errors.As(err, &run):
		return exitFailed
	}
	return exitUsage
}

// errorWithAdvice is an error with a line that says what to try next.
type errorWithAdvice struct {
	error
	advice string
}

// Unwrap returns the error inside errorWithAdvice, for errors.Is and errors.As.
func (e errorWithAdvice) Unwrap() error { return e.error }

// interruptGracePeriod is how long a command may take to stop after Ctrl-C: reading standard input cannot be cancelled.
const interruptGracePeriod = 2 * time.Second

// Main runs the command-line tool with the arguments, environment and streams of the process and returns its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	klog.SetLogger(logr.Discard()) // client-go writes to standard error, unescaped; what matters of it is in the errors
	signal.Ignore(syscall.SIGPIPE) // a reader of the output that goes away must not end a roll-out between two writes
	context.AfterFunc(ctx, stop)   // a second Ctrl-C ends the process at once
	done := make(chan int, 1)
	streams := SystemStreams()
	go func() { done <- Run(ctx, streams, SystemDeps(toolName(os.Args[0])), os.Args[1:]) }()
	select {
	case code := <-done:
		return code
	case <-ctx.Done():
	}
	select {
	case code := <-done:
		return code
	case <-time.After(interruptGracePeriod):
		printError(streams.ErrOut, "psp2pss", context.Canceled)
		return exitFailed
	}
}

// toolName returns the name by which the user called the tool: a binary named kubectl-psp2pss runs as the kubectl
// plugin.
func toolName(arg0 string) string {
	if strings.TrimSuffix(filepath.Base(arg0), ".exe") == "kubectl-psp2pss" {
		return "kubectl psp2pss"
	}
	return "psp2pss"
}

// Run runs one command line of the tool and returns the exit code: streams and deps are all that it sees of the outside world.
func Run(ctx context.Context, streams Streams, deps Deps, args []string) int {
	root := newRootCommand(streams, deps, isCompletion(args))
	root.SetArgs(args)
	verb, err := executeRoot(ctx, root, args)
	code := exitCode(err)
	// Whoever closed the pipe (head, less) has seen enough, and no message can reach them on it.
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		printError(streams.ErrOut, deps.ToolName, err)
		if code == exitUsage {
			_, _ = fmt.Fprintf(streams.ErrOut, "Try '%s --help'.\n", verb.CommandPath())
		}
	}
	return code
}

// printError prints the error of a command on standard error, escaped for a terminal, since errors quote input.
func printError(w io.Writer, name string, err error) {
	text := err.Error()
	var cut *cluster.InterruptedError
	switch {
	case errors.Is(err, context.Canceled) && errors.As(err, &cut):
		text = "interrupted; not read: " + strings.Join(cut.Unread, ", ") + "\nnothing was written"
	case errors.Is(err, context.Canceled):
		text = "interrupted: nothing more was read or written"
	case errors.Is(err, context.DeadlineExceeded):
		text += "; allow more time with --timeout"
	}
	var advised errorWithAdvice
	if errors.As(err, &advised) {
		text += "\n" + advised.advice
	}
	// Some errors are lists, one to a line.
	lead := name + ": "
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			_, _ = fmt.Fprintf(w, "%s\n", escape.Lines(lead+escape.Terminal(line)))
			lead = "  "
		}
	}
}
