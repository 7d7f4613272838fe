package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// A list that is encoded on all processors is what one encoder writes item after item, whatever its length.
func TestEncodeList(t *testing.T) {
	t.Parallel()
	item := func(i int) any { return map[string]any{"n": i, "text": strings.Repeat("<\u202e>", i)} }
	for _, n := range []int{0, 1, itemsAtATime - 1, itemsAtATime, itemsAtATime + 1, 20*itemsAtATime + 3} {
		var got, want bytes.Buffer
		out := NewJSONWriter(&got)
		if err := errors.Join(out.EncodeList(n, item, "  "), out.Flush()); err != nil {
			t.Fatal(err)
		}
		one := NewJSONWriter(&want)
		for i := range n {
			if i > 0 {
				_, _ = one.WriteString(",\n  ")
			}
			if err := one.Encode(item(i), "  "); err != nil {
				t.Fatal(err)
			}
		}
		if err := one.Flush(); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%d items: got\n%s\nwant\n%s", n, got.String(), want.String())
		}
	}
}

// errFull is what a full disk would answer.
var errFull = errors.New("no space left")

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

// An item that has no JSON form and a writer that fails end the list with their error, at any place of it.
func TestEncodeListFails(t *testing.T) {
	t.Parallel()
	const n = 20 * itemsAtATime
	for _, bad := range []int{0, itemsAtATime, n - 1} {
		var text bytes.Buffer
		err := NewJSONWriter(&text).EncodeList(n, func(i int) any {
			if i == bad {
				return math.Inf(1)
			}
			return i
		}, "")
		if err == nil || !strings.Contains(err.Error(), "unsupported value") {
			t.Errorf("item %d: error %v", bad, err)
		}
	}
	item := func(i int) any { return fmt.Sprint(i, strings.Repeat("x", 1000)) }
	if err := NewJSONWriter(fullWriter{}).EncodeList(n, item, ""); !errors.Is(err, errFull) {
		t.Errorf("error %v, want %v", err, errFull)
	}
}
