package cmd

import (
	"fmt"
	"io"
	"os"

	"github.com/psp2pss/psp2pss/migrate/ciformat"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// checkFormats returns the output formats of "psp2pss check", the default first: those for people, and those of pipelines. What a format
// leaves out is said on standard error.
func checkFormats(streams Streams, deps Deps) []report.Format[*finding.Result] {
	out := report.FindingFormats()
	for _, f := range ciformat.Formats() {
		out = append(out, report.Format[*finding.Result]{Name: f.Name, Write: func(w io.Writer, r *finding.Result, _ report.Options) error {
			return f.Write(w, r, pipelineOptions(streams, deps))
		}})
	}
	return out
}

// pipelineOptions returns what the formats of pipelines have beside a result: the time and the working directory.
func pipelineOptions(streams Streams, deps Deps) ciformat.Options {
	out := ciformat.Options{Remark: func(text string) { _, _ = fmt.Fprintf(streams.ErrOut, "note: %s\n", english.EscapeInput(text)) }}
	if deps.Now != nil {
		out.Time = deps.Now()
	}
	if dir, err := os.Getwd(); err == nil { // without it paths stay as they were given
		out.Dir = dir
	}
	return out
}
