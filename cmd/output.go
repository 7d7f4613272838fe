package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// outputTarget is one -o of a command whose result is an R: a format, and a file unless it goes to standard output.
type outputTarget[R any] struct {
	format report.Format[R]
	file   string
}

// planFormats are the output formats of a Plan: reports, and the forms that Pod Security labels are written as.
func planFormats() []report.Format[*migrate.Plan] {
	return append(report.PlanFormats(), labelFormats(&labels.Options{Tool: toolAndVersion()})...)
}

// labelFormats are the output formats of Pod Security labels, the default first. The options are read when a format writes.
func labelFormats(o *labels.Options) []report.Format[*migrate.Plan] {
	return []report.Format[*migrate.Plan]{
		labelForm(commandsFormat, labels.WriteCommands, o), labelForm(manifestFormat, labels.WriteManifests, o), labelForm(kustomizeFormat, labels.WriteKustomize, o),
		labelForm(applyFormat, labels.WriteServerSideApply, o), labelForm("terraform", labels.WriteTerraform, o),
	}
}

// labelForm is one of the output formats of Pod Security labels.
func labelForm(name string, write func(io.Writer, *migrate.Plan, labels.Options) error, o *labels.Options) report.Format[*migrate.Plan] {
	return report.Format[*migrate.Plan]{Name: name, Write: func(w io.Writer, p *migrate.Plan, _ report.Options) error { return write(w, p, *o) }}
}

const (
	commandsFormat  = "commands"
	kustomizeFormat = "kustomize"
	manifestFormat  = "manifest"
	applyFormat     = "apply"
)

// leftOutError returns the error that names the namespaces which a manifest format leaves out, since applying it could
// take labels away.
func leftOutError(outs []outputTarget[*migrate.Plan], shown *migrate.Plan, stage labels.Stage, allowPartial bool) error {
	var errs []error
	for _, o := range outs {
		var names []string
		switch o.format.Name {
		case manifestFormat:
			names = labels.LeftOutOfManifests(shown, stage)
		case applyFormat:
			names = labels.LeftOutOfApply(shown, stage)
		}
		if n := len(names); n > 0 && !allowPartial {
			errs = append(errs, partialError{fmt.Errorf("%s %s left out of -o %s: applying a manifest of ours could take other labels and annotations away; the reasons and the labels are in the comments, and -o %s can write them",
				namespaceSummary(names), english.Plural(n, "is", "are"), o.format.Name, commandsFormat)})
		}
	}
	return errors.Join(errs...)
}

// toolAndVersion returns the name and version of this tool, for the first line of generated files.
func toolAndVersion() string { return "psp2pss " + readBuildInfo().Version }

// parseOutputs reads the values of the flag -o: formats of a command, the first of which is the default, and files.
func parseOutputs[R any](values []string, formats []report.Format[R]) ([]outputTarget[R], error) {
	if len(values) == 0 {
		return []outputTarget[R]{{format: formats[0]}}, nil
	}
	var outs []outputTarget[R]
	seen := map[string]bool{}
	for _, value := range values {
		name, file, toFile := strings.Cut(value, "=")
		format, ok := report.FindFormat(formats, name)
		if !ok {
			var err error
			if format, err = parseExpression(value, formats); err != nil {
				return nil, err
			}
			file, toFile = "", false
		}
		if file == "-" { // as everywhere in kubectl; a file of that name is ./-
			file, toFile = "", false
		}
		switch {
		case toFile && isBlank(file):
			return nil, usagef("-o %q names no file: give one, as in -o %s=FILE", value, name)
		case !toFile && seen[""]:
			return nil, usagef("-o %q: only one format can go to standard output; give the others a file, as in -o %s=FILE", value, name)
		case seen[file]:
			return nil, usagef("-o %q: two formats cannot go to one file", value)
		}
		seen[file] = true
		outs = append(outs, outputTarget[R]{format, file})
	}
	return outs, nil
}

// formatSuggestion returns the end of a usage error that says what was probably meant by a value of -o: a format, or a file whose
// name says the format.
func formatSuggestion(value, name string, formats []string) string {
	if ext := strings.TrimPrefix(filepath.Ext(name), "."); name == value && slices.Contains(formats, ext) {
		return fmt.Sprintf("; did you mean -o %s=%s?", ext, name)
	}
	return suggestion(name, formats)
}

// checkOutputFiles returns an error, before the work starts, for an output file that cannot be written.
func checkOutputFiles[R any](outs []outputTarget[R]) error {
	for _, o := range outs {
		if o.file == "" {
			continue
		}
		if info, err := os.Stat(filepath.Dir(o.file)); err != nil {
			return fileerror.Writing(o.file, err)
		} else if !info.IsDir() {
			return fileerror.Writing(o.file, syscall.ENOTDIR)
		}
		if info, err := os.Stat(o.file); err == nil && info.IsDir() {
			return fmt.Errorf("cannot write %s: it is a folder; name a file in it", fileerror.Name(o.file))
		}
	}
	return nil
}

// writeOutputs is writeReports for a report that only says whether it has headers.
func writeOutputs[R any](streams Streams, outs []outputTarget[R], result R, noHeaders bool) error {
	return writeReports(streams, outs, result, report.Options{NoHeaders: noHeaders})
}

// writeReports writes the result of a command in every format that -o asked for: files first, so that a reader who closes the pipe early does not
// keep them from being written. The width and colour of opts are those of where it goes; only standard output is quiet.
func writeReports[R any](streams Streams, outs []outputTarget[R], result R, opts report.Options) error {
	for _, o := range outs {
		if o.file == "" {
			continue
		}
		if err := atomicfile.Write(o.file, func(w io.Writer) error {
			opts.Width, opts.Colour = 0, false
			return o.format.Write(w, result, opts)
		}); err != nil {
			return err
		}
	}
	for _, o := range outs {
		if o.file != "" {
			continue
		}
		opts.Width, opts.Colour, opts.Quiet = streams.Width, streams.Colour(), streams.quiet()
		if err := o.format.Write(streams.Out, result, opts); err != nil {
			return fmt.Errorf("writing %s to standard output: %w", o.format.Name, err)
		}
	}
	return nil
}
