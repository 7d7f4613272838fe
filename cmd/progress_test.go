package cmd

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The line appears after a second, and its newest text a tenth of a second after the last, whether anything comes then or
// not. A line that is rewritten must fit the terminal, or wiping it would leave its end behind; what is said for good
// stands on lines of its own. Where nobody watches there are no lines but those that are asked for.
func TestProgress(t *testing.T) {
	t.Parallel()
	const wipe = "\r\x1b[K"
	terminal := Streams{ProgressWidth: 12}
	session := func(p *progressLine) {
		p.update("reading pods, 1,500 so far")
		p.update("reading pods, 1,501 so far") // too soon after the other
		p.printAbove("warning: \x1b")
		time.Sleep(2 * progressEvery)
		p.update("reading jobs, 2 so far")
	}
	tests := []struct {
		name    string
		streams Streams
		display *display
		// after is how long the source brings nothing at first.
		after time.Duration
		do    func(*progressLine)
		want  string
	}{
		{"nothing within a second", terminal, &display{}, progressAfter - 1, func(*progressLine) {}, ""},
		{"nothing has come after a second", terminal, &display{}, progressAfter, func(*progressLine) {}, wipe + "reading wha" + wipe},
		{
			"on a terminal", terminal, &display{}, progressAfter, session,
			wipe + "reading wha" + wipe + "warning: \\x1b\n" + wipe + "reading pod" + wipe + "reading job" + wipe,
		},
		{
			"a text that came too soon is shown later", terminal, &display{}, progressAfter, func(p *progressLine) {
				p.update("a")
				time.Sleep(2 * progressEvery)
			}, wipe + "reading wha" + wipe + "a" + wipe,
		},
		{"warned within a second", terminal, &display{}, 0, func(p *progressLine) { p.printAbove("warning") }, "warning\n"},
		{"where nobody watches", Streams{}, &display{}, progressAfter, session, "warning: \\x1b\n"},
		{"where nobody wants to", terminal, &display{quiet: true}, progressAfter, session, ""},
		{"as lines", Streams{}, &display{verbosity: 1}, progressAfter, session, "reading what is there\nwarning: \\x1b\n"},
		{
			"as lines, for long", Streams{}, &display{verbosity: 1}, progressAfter, func(p *progressLine) {
				p.update("a")
				p.update("b")
				time.Sleep(4 * progressLinesEvery)
				p.update("c")
			}, "reading what is there\nb\nc\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				streams := tt.streams
				streams.ErrOut = &out
				p := tt.display.attach(streams).startProgress("reading what is there")
				time.Sleep(tt.after)
				synctest.Wait()
				tt.do(p)
				synctest.Wait()
				p.close()
				p.update("reading secrets, 1 so far")
				time.Sleep(time.Minute)
				got := out.String()
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
