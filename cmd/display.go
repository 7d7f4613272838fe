package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// display is what the command-line flags of every command say about colours and standard error. Commands get it with
// their streams, before the flags are read.
type display struct {
	color     string
	quiet     bool
	verbosity verbosityFlag

	mu sync.Mutex // requests are told concurrently
	// progress is the line on the terminal now; nil if there is none.
	progress *progressLine
}

const (
	colorFlag     = "color"
	quietFlag     = "quiet"
	verbosityName = "v"

	colorAuto, colorAlways, colorNever = "auto", "always", "never"

	// verboseProgress is from which verbosity on standard error that is no terminal gets the progress, as lines, and
	// verboseRequests from which on it gets a line about every request, as with kubectl.
	verboseProgress, verboseRequests = 1, 6
)

// displayFlagNames returns the command-line flags of every command about colours and standard error.
func displayFlagNames() []string { return []string{colorFlag, quietFlag, verbosityName} }

// newDisplay returns a display of the default colours and verbosity.
func newDisplay() *display { return &display{color: colorAuto} }

// addFlags defines the command-line flags about colours and standard error on a command, and on those below it.
func (d *display) addFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	colors := enumFlag{&d.color, "when", []string{colorAuto, colorAlways, colorNever}}
	flags.Var(colors, colorFlag, "colour what goes to a terminal (auto), always or never; auto minds NO_COLOR and TERM=dumb")
	registerCompletion(cmd, colorFlag, colors.allowed)
	flags.BoolVarP(&d.quiet, quietFlag, "q", false, "write nothing but errors to standard error; results stay as they are, but the table of check has only what it found")
	flags.VarP(&d.verbosity, verbosityName, verbosityName, "verbosity: from 1 on what is being read, also where no terminal is; from 6 on every request to the cluster with its status and time, without credentials")
}

// verbosityFlag is the value of the command-line flag -v.
type verbosityFlag int

// Set sets the verbosity, or returns an error for what is no number or a negative one.
func (v *verbosityFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("it is not a number from 0 on")
	}
	*v = verbosityFlag(n)
	return nil
}

// String returns the verbosity, as pflag asks for it.
func (v *verbosityFlag) String() string { return strconv.Itoa(int(*v)) }

// Type returns the word that the help shows for the value of -v.
func (*verbosityFlag) Type() string { return "level" }

// check returns the usage error for flags about standard error that exclude each other: of one that was given and one from the
// environment the given one wins. A command that asks before it writes cannot be quiet about what it asks.
func (d *display) check(flags *pflag.FlagSet) error {
	if d.quiet && d.verbosity > 0 {
		if resolveFlagConflict(flags, quietFlag, verbosityName) != nil {
			return usagef("--%s and -%s exclude each other: leave one of them out", quietFlag, verbosityName)
		}
	}
	yes, dry := flags.Lookup(yesFlag), flags.Lookup("dry-run")
	if d.quiet && yes != nil && yes.Value.String() == "false" && !flags.Changed(printRoleFlag) && (dry == nil || dry.Value.String() == dryRunNone) {
		return usagef("--%s shows nothing that could be asked about: add --%s", quietFlag, yesFlag)
	}
	return nil
}

// quiet reports whether flags ask for what is wrong alone.
func (s Streams) quiet() bool { return s.display != nil && s.display.quiet }

// attach returns the streams of commands that mind the flags, once these are read.
func (d *display) attach(s Streams) Streams {
	s.display = d
	s.ErrOut = &quietableWriter{s.ErrOut, d}
	return s
}

// quietableWriter is standard error of a command, which --quiet silences.
type quietableWriter struct {
	out     io.Writer
	display *display
}

// Write writes to standard error, and returns its error; with --quiet it does nothing. No line gives a command to the log of a pipeline.
func (w *quietableWriter) Write(p []byte) (int, error) {
	if w.display.quiet {
		return len(p), nil
	}
	if _, err := io.WriteString(w.out, escape.Lines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// withRequestLog returns dependencies that tell of their requests to clusters on standard error, where -v asks for it.
func (d *display) withRequestLog(streams Streams, deps Deps) Deps {
	logTo := func(o SourceOptions) SourceOptions {
		if d.verbosity >= verboseRequests {
			o.OnRequest = func(line string) { d.log(streams.ErrOut, line) }
		}
		return o
	}
	load, connect, releases := deps.LoadInventory, deps.Connect, deps.LoadHelmReleases
	deps.LoadInventory = func(ctx context.Context, o SourceOptions) (*inventory.Inventory, error) { return load(ctx, logTo(o)) }
	deps.Connect = func(o SourceOptions) (dynamic.Interface, string, error) { return connect(logTo(o)) }
	deps.LoadHelmReleases = func(ctx context.Context, o SourceOptions, each func(string, metav1.ObjectMeta, []byte)) ([]inventory.Gap, error) {
		return releases(ctx, logTo(o), each)
	}
	return deps
}

// log writes a line to standard error, above the progress line if there is one.
func (d *display) log(out io.Writer, line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.progress != nil {
		d.progress.printAbove(line)
		return
	}
	_, _ = fmt.Fprintln(out, escape.Terminal(line))
}

// showProgress makes lines go above a progress line; nil is none.
func (d *display) showProgress(p *progressLine) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress = p
}

// addKustomizeFlag defines -k, which kubectl has, for its refusal.
func addKustomizeFlag(flags *pflag.FlagSet) {
	flags.StringP(kustomizeFlag, "k", "", "not read: render it with kubectl kustomize")
	_ = flags.MarkHidden(kustomizeFlag) // it is there
}

// refuseKustomize returns the usage error for -k of a command, with the pipe that reads the same.
func refuseKustomize(cmd *cobra.Command, args []string) error {
	f := cmd.Flags().Lookup(kustomizeFlag)
	if f == nil || !f.Changed {
		return nil
	}
	return kustomizeError(cmd, escape.Shell(f.Value.String()), args...)
}

// kustomizeError returns the usage error for -k of a command, with the pipe that reads a folder; the folder is as a shell takes it.
func kustomizeError(cmd *cobra.Command, folder string, args ...string) error {
	words := []string{cmd.CommandPath()}
	for _, arg := range args {
		words = append(words, escape.Shell(arg))
	}
	return usagef("kustomizations are not built here: kubectl kustomize %s | %s -f -", folder, strings.Join(words, " "))
}
