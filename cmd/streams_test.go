package cmd

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A line that is rewritten must fit the terminal, or wiping it would leave its end behind; what is said for good stands
// on lines of its own.
func TestProgress(t *testing.T) {
	t.Parallel()
	long := time.Now().Add(-time.Minute)
	tests := []struct {
		name string
		p    *progressLine
		want string
	}{
		{"on a terminal", &progressLine{width: 12, start: long}, "\r\x1b[Kreading pod\r\x1b[Kwarning: \\x1b\n"},
		{"within the first second", &progressLine{width: 12, start: time.Now().Add(time.Hour)}, "warning: \\x1b\n"},
		{"where nobody watches", &progressLine{start: long}, "warning: \\x1b\n"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		p := tt.p
		p.out = &out
		p.update("reading pods 1500/7000")
		p.update("reading pods 1501/7000") // too soon after the other
		p.printAbove("warning: \x1b")
		p.last = time.Time{}
		p.close()
		p.update("reading pods 1600/7000")
		if diff := cmp.Diff(tt.want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
