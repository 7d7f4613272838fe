package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// Streams are standard input, output and error of a command and what is known about them. Results go to Out and nothing else does;
// progress, warnings and advice go to ErrOut, so that pipes stay clean.
type Streams struct {
	In          io.Reader
	Out, ErrOut io.Writer
	// Width is the number of columns to keep to on the terminal that Out is, 0 where Out is none.
	Width int
	// Colour is true where Out is a terminal that may be coloured.
	Colour bool
	// ProgressWidth is the number of columns of the terminal that ErrOut is, 0 where it is none: only on a terminal may a line
	// be written and wiped again.
	ProgressWidth int
	// Interactive is true where a person can answer: In and ErrOut are terminals.
	Interactive bool
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
		s.Colour = os.Getenv(noColour) == "" && !dumb
	}
	return s
}

// progressLine is the line of a terminal that shows what is being read, with warnings above it. Nothing is shown within
// the first second, nor where nobody watches.
type progressLine struct {
	out   io.Writer
	width int
	start time.Time

	mu    sync.Mutex // a reader that was left behind may still report
	last  time.Time
	shown bool
	over  bool
}

// startProgress returns a progress line on standard error; it shows nothing where that is no terminal.
func (s Streams) startProgress() *progressLine {
	return &progressLine{out: s.ErrOut, width: s.ProgressWidth, start: time.Now()}
}

// update replaces the text of the progress line, a few times a second at the most.
func (p *progressLine) update(text string) {
	const quiet, often = time.Second, 100 * time.Millisecond
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.width == 0 || p.over || time.Since(p.start) < quiet || time.Since(p.last) < often {
		return
	}
	p.last, p.shown = time.Now(), true
	line := []rune(escape.Terminal(text))
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", string(line[:min(len(line), p.width-1)]))
}

// printAbove writes a line above the progress line.
func (p *progressLine) printAbove(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	_, _ = fmt.Fprintln(p.out, escape.Terminal(text))
}

// close removes the progress line; later updates are not shown.
func (p *progressLine) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.clear()
}

// clear removes the progress line from the terminal.
func (p *progressLine) clear() {
	if p.shown {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
		p.shown = false
	}
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
