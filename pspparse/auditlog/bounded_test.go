package auditlog_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/psp2pss/psp2pss/pspparse/auditlog"
)

// endless is an audit log that never ends: it counts what is read of it.
type endless struct {
	line string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.line[e.read%len(e.line):])
	e.read += n
	return n, nil
}

// TestBounded stops at every so many events of a log without end, until nothing moves any more: what was read by then is not more than a
// number of blocks ahead of what was handed over, and it is not more at the last stop than at the first.
func TestBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		// One block is with the reader, one with each processor, two for each wait in order, one is handed over, and one is read of the next.
		const blockBytes, stops, every = 1 << 20, 8, 500
		most := (3*runtime.GOMAXPROCS(0) + 4) * blockBytes
		log := &endless{line: created + strings.Repeat(" ", 16<<10) + "\n"}
		delivered, ahead := 0, []int(nil)
		err := auditlog.Read(ctx, "log", log, auditlog.Query[int]{
			Reduce: func(*auditlog.Event) (int, bool, error) { return 1, true, nil },
			Each: func(int) {
				if delivered++; delivered%every == 0 && len(ahead) < stops {
					synctest.Wait()
					ahead = append(ahead, log.read-delivered*len(log.line))
				}
				if len(ahead) == stops {
					cancel()
				}
			},
		}, &auditlog.Summary{})
		if !errors.Is(err, context.Canceled) || len(ahead) != stops {
			t.Fatalf("%v, after %d stops", err, len(ahead))
		}
		for i, n := range ahead {
			if n > most || n < blockBytes {
				t.Errorf("at stop %d, %d bytes are read and not handed over, want up to %d", i+1, n, most)
			}
		}
	})
}
