package gate

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/script"
)

// WriteCommands writes a shell script that clears the gate's reasons in their order, one stage a run; without a stage
// it lists the stages and does nothing. Commands that need an assertion which was not made are comments, and so are
// commands with characters that do not show. It returns an error if the context of the source has no safe name, or the
// error of w.
func WriteCommands(w io.Writer, r *Result) error {
	kubectl, err := script.KubectlCommand(r.Source)
	if err != nil {
		return fmt.Errorf("writing commands: %w", err)
	}
	var b bytes.Buffer
	b.WriteString("#!/bin/sh\n")
	writeComment(&b, "%s", r.Summary())
	stages := r.scriptStages()
	if len(stages) > 0 {
		writeComment(&b, "It runs the one stage that it is given, and lists them where it is given none: sh FILE %s.", stages[0].name)
		writeComment(&b, "Review every line before you run it, look at what a stage says and does before you go on, and ask the gate again.")
		writeStageChoice(&b, stages)
		b.WriteString(script.Preamble(r.Source, kubectl))
	}
	for _, s := range r.Findings() {
		b.WriteString("\n")
		if s.Unknown != nil {
			s.Unknown.writeComments(&b)
			continue
		}
		s.Reason.writeComments(&b, r)
		for _, stage := range stages {
			if stage.reason == s.Reason {
				fmt.Fprintf(&b, "if [ \"$1\" = %s ]; then\n%s\nfi\n", stage.name, strings.Join(stage.commands, "\n"))
			}
		}
	}
	_, err = w.Write(b.Bytes())
	return err
}

// scriptStage is the part of the gate's shell script that one run executes: the commands of a reason, or those up to
// the next stop.
type scriptStage struct {
	name     string
	reason   *Reason
	commands []string
}

// scriptStages returns the stages of the gate's shell script in order. Further stages of one reason have a number
// behind its id.
func (r *Result) scriptStages() []scriptStage {
	var out []scriptStage
	for i := range r.Reasons {
		reason := &r.Reasons[i]
		from, name := 0, reason.ID
		for n, stop := range append(slices.Clone(reason.Stops), len(reason.Commands)) {
			if n > 0 {
				name = fmt.Sprintf("%s-%d", reason.ID, n+1)
			}
			commands := slices.DeleteFunc(slices.Clone(reason.Commands[from:stop]), func(c string) bool { return !r.isRunnable(reason, c) })
			if len(commands) > 0 {
				out = append(out, scriptStage{name, reason, commands})
			}
			from = stop
		}
	}
	return out
}

// isRunnable reports whether the gate's shell script runs a command: it needs no assertion, and has no character that
// does not show.
func (r *Result) isRunnable(reason *Reason, command string) bool {
	return !r.AwaitsAssertion(reason) && escape.Terminal(command) == command
}

// AwaitsAssertion reports whether the commands of a reason against the upgrade need an assertion that was not made.
func (r *Result) AwaitsAssertion(reason *Reason) bool {
	return reason.Requires != "" && !r.assertionHolds(reason.Requires)
}

// writeStageChoice writes the part of the gate's shell script that takes the name of a stage, and lists all stages if
// there is none of that name.
func writeStageChoice(b *bytes.Buffer, stages []scriptStage) {
	names, lines := make([]string, len(stages)), make([]string, len(stages))
	for i, s := range stages {
		names[i] = s.name
		what := s.reason.Text
		if s.name != s.reason.ID {
			what = "what comes next, when you have looked at what the one before has done"
		}
		lines[i] = escape.Shell("  " + escape.Terminal(s.name+": "+what))
	}
	fmt.Fprintf(b, "case ${1-} in\n%s) ;;\n*)\n", strings.Join(names, " | "))
	b.WriteString("  printf '%s\\n' 'Nothing was run. Name one of these stages, and take them in this order:' \\\n    " + strings.Join(lines, " \\\n    ") + " >&2\n")
	b.WriteString("  exit 2\n  ;;\nesac\n")
}

// writeComments writes into the gate's shell script, as comments, what is unknown and how to find out.
func (u *Unknown) writeComments(b *bytes.Buffer) {
	writeComment(b, "unknown %s: %s", u.ID, u.Text)
	for _, text := range []string{u.Advice.String(), strings.Join(u.Commands, "; ")} {
		if text != "" {
			writeComment(b, "  %s", text)
		}
	}
	if u.Assert != "" {
		writeComment(b, "  once you know: --assert=%s", u.Assert)
	}
}

// writeComments writes into the gate's shell script, as comments, a reason against the upgrade and the commands that
// the script does not run.
func (reason *Reason) writeComments(b *bytes.Buffer, r *Result) {
	writeComment(b, "%s: %s", reason.ID, reason.Text)
	if len(reason.Advice) > 0 {
		writeComment(b, "  %s", reason.Advice)
	}
	if r.AwaitsAssertion(reason) {
		writeComment(b, "  not before %s is known to hold, and asserted:", reason.Requires)
	}
	for _, c := range reason.Commands {
		if !r.isRunnable(reason, c) {
			writeComment(b, "  %s", c)
		}
	}
}

// writeComment writes a comment of the gate's shell script, on one line.
func writeComment(b *bytes.Buffer, format string, args ...any) {
	b.WriteString("# " + escape.Comment(fmt.Sprintf(format, args...)) + "\n")
}
