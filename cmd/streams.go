package cmd

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// Streams are the three streams of a run and what is known about them. Results go to Out and nothing else does;
// progress, warnings and advice go to ErrOut, so that pipes stay clean.
type Streams struct {
	In          io.Reader
	Out, ErrOut io.Writer
	// Width is the number of columns of the terminal that Out is, 0 where Out is none.
	Width int
	// Colour is true where Out is a terminal that may be coloured.
	Colour bool
	// Progress is true where ErrOut is a terminal: only then may a line be written and wiped again.
	Progress bool
}

// noColour is the variable of no-color.org: set to anything, it switches colour off.
const noColour = "NO_COLOR"

// SystemStreams returns the streams of the process. TERM=dumb switches off colour, too, and progress.
func SystemStreams() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	dumb := os.Getenv("TERM") == "dumb"
	s.Progress = isTerminal(os.Stderr) && !dumb
	if isTerminal(os.Stdout) {
		s.Width = 80
		if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && width > 0 {
			s.Width = width
		}
		s.Colour = os.Getenv(noColour) == "" && !dumb
	}
	return s
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// startProgress returns a function that shows on one line what is being read, and one that wipes the line. Nothing is
// shown within the first second, nor where nobody watches.
func (s Streams) startProgress() (show func(string), done func()) {
	if !s.Progress {
		return nil, func() {}
	}
	const quiet = time.Second
	var mu sync.Mutex // a reader that was left behind may still tell
	start, shown, over := time.Now(), false, false
	show = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(start) > quiet && !over {
			shown = true
			_, _ = fmt.Fprintf(s.ErrOut, "\r\x1b[K%s", escape.Terminal(text))
		}
	}
	done = func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		if shown {
			_, _ = io.WriteString(s.ErrOut, "\r\x1b[K")
		}
	}
	return show, done
}

// TestStreams returns streams over buffers, which look like pipes to a command.
func TestStreams(in string) (s Streams, out, errOut *bytes.Buffer) {
	out, errOut = &bytes.Buffer{}, &bytes.Buffer{}
	return Streams{In: bytes.NewBufferString(in), Out: out, ErrOut: errOut}, out, errOut
}
