package files_test

import (
	"bytes"
	"context"
	"runtime"
	"testing"

	"github.com/psp2pss/psp2pss/fixtures/growth"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// allocated is how many bytes reading a file takes from the heap. No other test may run meanwhile.
func allocated(t *testing.T, data []byte) uint64 {
	t.Helper()
	r := files.Reader{Paths: []string{files.StdinPath}, Stdin: bytes.NewReader(data), Limits: files.Limits{AliasBytes: 1 << 10}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := r.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestGrowth reads files that grow in one way: twice as much may take twice the memory, and no more. Memory stands for
// time, too: a step that turns quadratic nearly always allocates. The tolerance is for slices, which grow by jumps.
func TestGrowth(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	const (
		size      = 32 << 10
		tolerance = 1.15
		slack     = 512 << 10 // buffers
	)
	for i, f := range growth.GrowingFiles() {
		if testing.Short() && i%5 != 0 {
			continue // the race detector finds nothing in one that it does not find in another
		}
		n := max(4, 100*size/len(f.Write(100)))
		once, twice := allocated(t, f.Write(n)), allocated(t, f.Write(2*n))
		if float64(twice) > tolerance*2*float64(once)+slack {
			t.Errorf("%s: %d take %d bytes, %d take %d", f.Name, n, once, 2*n, twice)
		}
	}
}
