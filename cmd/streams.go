package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// Streams are standard input, output and error of a command and what is known about them. Results go to Out and nothing else does;
// progress, warnings and advice go to ErrOut, so that pipes stay clean.
type Streams struct {
	In          io.Reader
	Out, ErrOut io.Writer
	// Width is the number of columns to keep to on the terminal that Out is, 0 where Out is none.
	Width int
	// ColourTerminal is true where Out is a terminal that may be coloured, by the environment; Colour minds the flags, too.
	ColourTerminal bool
	// ProgressWidth is the number of columns of the terminal that ErrOut is, 0 where it is none: only on a terminal may a line
	// be written and wiped again.
	ProgressWidth int
	// Interactive is true where a person can answer: In and ErrOut are terminals.
	Interactive bool

	// display is what flags say about colours and ErrOut; nil where there are none.
	display *display
	// member is the cluster that is read, where several are read at once; nil where one is.
	member *fleetMember
}

// noColour is the environment variable of no-color.org: set to anything, it switches colour off.
const noColour = "NO_COLOR"

// SystemStreams returns standard input, output and error of the process. TERM=dumb switches off colour, too, and progress.
func SystemStreams() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	dumb := os.Getenv("TERM") == "dumb"
	if isTerminal(os.Stderr) {
		s.ErrOut = foldingWriter{os.Stderr, terminalWidth(os.Stderr)}
		if !dumb {
			s.ProgressWidth = min(terminalWidth(os.Stderr), actualWidth(os.Stderr))
		}
	}
	s.Interactive = isTerminal(os.Stdin) && isTerminal(os.Stderr)
	if isTerminal(os.Stdout) {
		s.Width = terminalWidth(os.Stdout)
		s.ColourTerminal = os.Getenv(noColour) == "" && !dumb
	}
	return s
}

// Colour says whether results are coloured: as --color says, and by default where Out is a terminal that may be.
func (s Streams) Colour() bool {
	if s.display != nil && s.display.color != colorAuto {
		return s.display.color == colorAlways
	}
	return s.ColourTerminal
}

// BufferStreams returns streams over buffers for tests, which look like pipes to a command.
func BufferStreams(in string) (s Streams, out, errOut *bytes.Buffer) {
	out, errOut = &bytes.Buffer{}, &bytes.Buffer{}
	return Streams{In: bytes.NewBufferString(in), Out: out, ErrOut: errOut}, out, errOut
}

// confirm asks a person a question on the terminal; anything but yes, an interruption too, is a no.
func (s Streams) confirm(ctx context.Context, question string) bool {
	_, _ = fmt.Fprintf(s.ErrOut, "%s [y/N] ", escape.Terminal(question))
	answered := make(chan string, 1) // reading a terminal cannot be cancelled
	go func() { answered <- strings.ToLower(strings.TrimSpace(readLine(s.In))) }()
	select {
	case text := <-answered:
		return text == "y" || text == "yes"
	case <-ctx.Done():
		_, _ = fmt.Fprintln(s.ErrOut)
		return false
	}
}

// readLine reads the answer of a person on the terminal, byte by byte, so that the next answer of a person stays
// unread.
func readLine(in io.Reader) string {
	var line []byte
	for b := make([]byte, 1); len(line) < 100; line = append(line, b[0]) {
		if n, err := in.Read(b); n == 0 || err != nil || b[0] == '\n' {
			break
		}
	}
	return string(line)
}
