package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/redact"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// unredactOptions are the parsed flags and arguments of the command unredact.
type unredactOptions struct {
	streams Streams
	// Key is the key file, File what is read, "-" for standard input.
	Key, File string
}

// keyFlag names the key file of a redaction.
const keyFlag = "key"

// newUnredact returns the cobra command "unredact", which puts names back into redacted output.
func newUnredact(streams Streams, runF func(context.Context, *unredactOptions) error) *cobra.Command {
	if runF == nil {
		runF = unredactRun
	}
	o := &unredactOptions{streams: streams}
	cmd := &cobra.Command{
		Use:   "unredact [FILE]",
		Short: "Put the names back into redacted output",
		Long: `Unredact puts names in the place of the pseudonyms that --redact has written, by the key file of that
run, and prints the result. It takes any text: a table, a script, a message that somebody has
written about the plan. Without FILE, or with -, it reads standard input.

A redacted plan in JSON or YAML becomes the plan that it was, byte for byte, since its rows are
sorted by their names again. In other text each pseudonym is replaced where it stands: what the file
format needs (quotes in JSON, YAML and CSV, entities in HTML, code spans in Markdown) is kept to, and a
script keeps the pseudonym of what a shell would read as more than a word. A report has every name
again, but its rows stay in the order of the pseudonyms, and where a list is cut, other names may be
in front: to have the report as it would be, take the plan back and make it again. What the key does
not know stays as it is.`,
		Example: `  # Take the plan back that a consultant was given
  psp2pss unredact --key acme.key plan-redacted.json > plan.json

  # Read what they wrote about it
  psp2pss unredact --key acme.key findings.md | less`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("unredact takes one file: got %s", english.Quoted(args))
			}
			if len(args) == 1 && isBlank(args[0]) {
				return usagef("the name of the file is empty: give a file, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Key == "" {
				return usagef("--%s is missing: name the key file that --%s has written", keyFlag, redactFlag)
			}
			o.File = "-"
			if len(args) == 1 {
				o.File = args[0]
			}
			return asRunError(runF(cmd.Context(), o))
		},
	}
	cmd.Flags().StringVar(&o.Key, keyFlag, "", "key file of the redaction")
	return cmd
}

// unredactRun reads redacted output and prints it with its names.
func unredactRun(ctx context.Context, o *unredactOptions) error {
	key, err := readRedactionKey(o.Key)
	if err != nil {
		return err
	}
	data, err := callUntilCancelled(ctx, "reading", func() ([]byte, error) { return readFileOrStdin(o.File, o.streams.In) })
	if err != nil {
		return fmt.Errorf("reading %q: %w", o.File, fileerror.Explain(o.File, err))
	}
	if plan, write := redactedPlan(data); plan != nil {
		restored, err := redact.Restore(plan, key)
		if err != nil {
			return fmt.Errorf("taking the plan back: %w", err)
		}
		return write(o.streams.Out, restored, report.Options{})
	}
	if r, write := redactedReport(data); r != nil {
		key.RestoreDocument(r)
		var text strings.Builder
		if err := write(&text, r); err != nil {
			return err
		}
		return writeWithNames(o.streams.Out, text.String())
	}
	text, left := key.RestoreFormatted(string(data))
	if text == string(data) {
		_, _ = fmt.Fprintln(o.streams.ErrOut, "warning: nothing in it is a pseudonym of this key")
	}
	if left > 0 {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "warning: %s of names that a shell or Markdown would read as more than a word %s left\n", english.Count(left, "pseudonym", "pseudonyms"), english.Plural(left, "is", "are"))
	}
	if text == string(data) || left > 0 {
		_, err = io.WriteString(o.streams.Out, text)
		return err
	}
	return writeWithNames(o.streams.Out, text)
}

// writeWithNames writes a text that unredact has taken back: it no longer says that its names are pseudonyms.
func writeWithNames(w io.Writer, text string) error {
	_, err := io.WriteString(w, strings.ReplaceAll(text, phrases.NamesArePseudonyms, ""))
	return err
}

// redactedPlan returns the redacted plan that a text is, and the writer of its format; nil where it is none.
func redactedPlan(data []byte) (*migrate.Plan, func(io.Writer, *migrate.Plan, report.Options) error) {
	text := bytes.TrimSpace(data)
	isJSON := bytes.HasPrefix(text, []byte("{"))
	if !isJSON && !planInYAML.Match(text) {
		return nil, nil
	}
	plan, err := parseSavedPlan(text)
	if err != nil || !plan.Source.Redacted {
		return nil, nil
	}
	if isJSON {
		return plan, report.PlanJSON
	}
	return plan, report.PlanYAML
}

// redactedReport returns the redacted report that a text is, and the writer of its format; nil where it is none.
func redactedReport(data []byte) (*handover.Report, func(io.Writer, *handover.Report) error) {
	text := bytes.TrimSpace(data)
	write := handover.WriteJSON
	if !bytes.HasPrefix(text, []byte("{")) {
		if !reportInYAML.Match(text) {
			return nil, nil
		}
		var err error
		if text, err = yamlToJSON(text); err != nil {
			return nil, nil
		}
		write = handover.WriteYAML
	}
	var r handover.Report
	if json.Unmarshal(text, &r) != nil || r.Kind != handover.Kind {
		return nil, nil
	}
	return &r, write
}

// reportInYAML matches what a report in YAML begins with.
var reportInYAML = regexp.MustCompile(`^apiVersion: .*\nkind: ` + handover.Kind + `\n`)
