package cmd

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

const (
	// progressAfter is how long a command may take before its progress is shown.
	progressAfter = time.Second
	// progressEvery is the time between two texts on a terminal, and progressLinesEvery between two lines elsewhere.
	progressEvery, progressLinesEvery = 100 * time.Millisecond, 5 * time.Second
)

// progressLine is the line of a terminal that shows what is being read, with warnings above it. It appears after a
// second, whether anything has come by then or not. Where nobody watches, nothing is shown, or, if that was asked for,
// a line for each text, at long intervals.
type progressLine struct {
	out io.Writer
	// width is the number of columns of the terminal, 0 where there is none: then asLines says whether lines are written.
	width   int
	asLines bool
	// display is told while the line is there; nil if nobody asks.
	display *display
	// member is set where the line is part of another one, which several clusters share.
	member *fleetMember

	mu sync.Mutex // a reader that was left behind may still report
	// timer draws the text when it is due.
	timer *time.Timer
	// waiting is true while the timer runs.
	waiting bool
	// text is the last one, and drawn the one that was shown last, at the time of last.
	text, drawn string
	last        time.Time
	shown       bool
	over        bool
}

// startProgress returns a progress line on standard error with its first text; it shows nothing where that is no terminal
// and -v does not ask for it.
func (s Streams) startProgress(text string) *progressLine {
	if s.member != nil {
		s.member.update(text)
		return &progressLine{member: s.member}
	}
	p := &progressLine{out: s.ErrOut, width: s.ProgressWidth, text: text, display: s.display}
	if d := s.display; d != nil {
		p.asLines = p.width == 0 && d.verbosity >= verboseProgress
		if d.quiet {
			p.width = 0
		}
	}
	if p.width > 0 || p.asLines {
		p.waiting = true
		p.timer = time.AfterFunc(progressAfter, p.drawDue)
	}
	p.display.showProgress(p)
	return p
}

// update replaces the text of the progress line, which is shown a few times a second at the most.
func (p *progressLine) update(text string) {
	if p.member != nil {
		p.member.update(text)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
	if p.timer == nil || p.over || p.waiting {
		return
	}
	every := progressEvery
	if p.asLines {
		every = progressLinesEvery
	}
	if wait := every - time.Since(p.last); wait > 0 {
		p.waiting = true
		p.timer.Reset(wait)
		return
	}
	p.draw()
}

// drawDue shows the text of the progress line when its time has come.
func (p *progressLine) drawDue() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = false
	if !p.over {
		p.draw()
	}
}

// draw shows the text of the progress line.
func (p *progressLine) draw() {
	p.last = time.Now()
	text := escape.Terminal(p.text)
	switch {
	case p.asLines && p.text != p.drawn:
		_, _ = fmt.Fprintln(p.out, text)
	case p.width > 0 && (!p.shown || p.text != p.drawn):
		line := []rune(text)
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", string(line[:min(len(line), p.width-1)]))
		p.shown = true
	}
	p.drawn = p.text
}

// printAbove writes a line above the progress line.
func (p *progressLine) printAbove(text string) {
	if p.member != nil {
		p.member.printAbove(text)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	again := p.shown
	p.clear()
	_, _ = fmt.Fprintln(p.out, escape.Terminal(text))
	if again {
		p.draw()
	}
}

// close removes the progress line; later updates are not shown.
func (p *progressLine) close() {
	if p.member != nil {
		return
	}
	p.display.showProgress(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.clear()
}

// clear removes the progress line from the terminal.
func (p *progressLine) clear() {
	if p.shown {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
		p.shown = false
	}
}
