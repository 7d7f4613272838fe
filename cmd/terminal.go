package cmd

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// isTerminal reports whether a standard stream of the process is a terminal.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// terminalWidth returns the number of columns to which the output of the process on a terminal keeps: what the environment
// variable COLUMNS says if that is a number above 0, else the width of the terminal, and 80 if that is not known.
func terminalWidth(f *os.File) int {
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return actualWidth(f)
}

// actualWidth returns the number of columns that the terminal of a standard stream has, 80 if it is not known.
func actualWidth(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// foldingWriter folds the messages of a command, such as errors and warnings, to the width of the terminal that
// standard error is. Each Write has whole lines, or a question without its end; what wipes a line passes as it is. A
// command of the tool that ends a message has a line of its own, which is never broken: it is there to be copied.
type foldingWriter struct {
	out   io.Writer
	width int
}

// commandLine matches the line of a message that is a command to copy, and commandAtEnd the command that ends a message.
var (
	commandLine  = regexp.MustCompile(`^ +(\$ )?(psp2pss|kubectl|helm) `)
	commandAtEnd = regexp.MustCompile(`: ((?:kubectl )?psp2pss [a-z][^:;]*)$`)
)

// Write writes messages of a command, folded. It returns the error of the terminal.
func (w foldingWriter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("\x1b")) {
		return w.out.Write(p)
	}
	var b bytes.Buffer
	for line := range strings.Lines(string(p)) {
		line, ended := strings.CutSuffix(line, "\n")
		b.WriteString(foldMessage(line, w.width))
		switch {
		case ended:
			b.WriteString("\n")
		case b.Bytes()[b.Len()-1] != ' ': // the answer is written behind it
			b.WriteString(" ")
		}
	}
	if _, err := io.WriteString(w.out, escape.Lines(b.String())); err != nil {
		return 0, err
	}
	return len(p), nil
}

// foldMessage returns a line of a message in lines of at most width columns, the others indented below the first.
func foldMessage(line string, width int) string {
	if commandLine.MatchString(line) {
		return line
	}
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	others := indent + "  "
	if len(report.Fold(text, width-len(indent))) == 1 {
		return line
	}
	command := ""
	if at := commandAtEnd.FindStringSubmatchIndex(text); at != nil {
		text, command = text[:at[2]-1], "\n"+others+text[at[2]:at[3]]
	}
	return indent + strings.Join(report.Fold(text, width-len(others)), "\n"+others) + command
}

// foldComments writes what write writes, a YAML stream for people to read, with the comments on lines of their own in
// lines of at most width columns; 0 leaves all as it is. Nothing else of it is touched. It returns the first error.
func foldComments(w io.Writer, width int, write func(io.Writer) error) error {
	if width == 0 {
		return write(w)
	}
	var whole, folded bytes.Buffer
	if err := write(&whole); err != nil {
		return err
	}
	for line := range strings.Lines(whole.String()) {
		line = strings.TrimSuffix(line, "\n")
		comment, ok := strings.CutPrefix(line, "#") // in the first column no value of YAML goes on
		if !ok {
			folded.WriteString(line + "\n")
			continue
		}
		text := strings.TrimLeft(comment, " ")
		indent := "#" + comment[:len(comment)-len(text)]
		lines := report.Fold(text, width-len(indent)-2)
		if len(indent)+len(text) <= width {
			lines = []string{text}
		}
		fmt.Fprintln(&folded, strings.TrimRight(indent+strings.Join(lines, "\n"+indent+"  "), " "))
	}
	_, err := w.Write(folded.Bytes())
	return err
}
