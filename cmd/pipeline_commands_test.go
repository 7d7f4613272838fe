package cmd

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// commandTexts are what the logs of pipelines take for commands, at the beginning of a line or anywhere.
var commandTexts = []string{"::error::x", "x ::error::x ::set-env::y", "a ##[error]b", "##vso[task.complete]##teamcity[x]"}

// givesCommand matches what no text may write to the log of a pipeline.
var givesCommand = regexp.MustCompile(`(?m)^(?:\s|\x1b\[[0-9;]*[A-Za-z])*::|##[A-Za-z]*\[`)

// checkNoCommand fails where text gives a command to the log of a pipeline.
func checkNoCommand(t *testing.T, what, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if givesCommand.MatchString(line) {
			t.Errorf("%s gives a command to the log of a pipeline: %q", what, line)
			return
		}
	}
}

// No text of input and arguments gives a command to the log of a pipeline, wherever the reports of any command wrap it, and on standard error
// neither.
func TestNoCommandsForPipelines(t *testing.T) {
	mine := newShare(7)
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	for _, text := range commandTexts {
		t.Chdir(t.TempDir())
		writeObjectsOf(t, "input", text)
		for path, c := range commands(t) {
			if trials()[path].live || trials()[path].prints || c.Flags().Lookup(fileFlag) == nil {
				continue
			}
			for _, line := range trials()[path].lines {
				for _, o := range []objects{hostileObjects, {text, text, "deployment/" + text, text}} {
					for _, width := range []int{0, 30, 80} {
						if !mine() {
							continue
						}
						args := slices.Concat(strings.Fields(path), o.name(line), []string{"-R", "-f", "input"})
						var out, errOut bytes.Buffer
						Run(context.Background(), Streams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut, Width: width, ColourTerminal: width == 80}, deps, args)
						if !slices.Contains(args, "fix") || width > 0 { // a diff is for git to read
							checkNoCommand(t, strings.Join(args, " ")+", standard output", out.String())
						}
						checkNoCommand(t, strings.Join(args, " ")+", standard error", errOut.String())
					}
				}
			}
		}
	}
}

// Nor do errors that list things line by line, and messages that a terminal wraps.
func TestNoCommandsOnStandardError(t *testing.T) {
	t.Parallel()
	for _, text := range commandTexts {
		var out bytes.Buffer
		printError(&out, "psp2pss", usagef("a\n%s\n%[1]s", text))
		checkNoCommand(t, "an error", out.String())
		out.Reset()
		w := foldingWriter{&out, 10}
		if _, err := w.Write([]byte("note: aaaaaaaaaaa " + text + " " + text + "\n")); err != nil {
			t.Fatal(err)
		}
		checkNoCommand(t, "a folded message", out.String())
		out.Reset()
		attached := newDisplay().attach(Streams{ErrOut: &out})
		if _, err := attached.ErrOut.Write([]byte("note\n  " + text + "\n" + text + "\n")); err != nil {
			t.Fatal(err)
		}
		checkNoCommand(t, "a message", out.String())
	}
}
