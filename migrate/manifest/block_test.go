package manifest

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// pieces are what the random texts of TestBlockIsWhatTheEncoderWrites are made of: all that YAML or a reader of it could mistake.
var pieces = strings.Split("a b Z 0 1 9 - + . ~ = < << > ' \" \\ # , [ ] { } & * ! | % @ ` ? : / _ ( ) word true no null y 0x1 1e3 2026-11-30 "+
	"\u00e4 \u00a0 \u00ad \u0085 \u2028 \u202e \u8a9e \ue000 \ufeff \ufffd \U0001f600 \x00 \x7f \t", " ")

// randomText returns a text of some pieces, with spaces between some.
func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(5) {
		b.WriteString(pieces[r.IntN(len(pieces))])
		if r.IntN(3) == 0 {
			b.WriteByte(' ')
		}
		if r.IntN(40) == 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// randomValue returns a value that is at most so deep.
func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(8); {
	case n < 2 && depth > 0:
		m := map[string]any{}
		for range r.IntN(4) {
			m[randomText(r)] = randomValue(r, depth-1)
		}
		return m
	case n < 4 && depth > 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomValue(r, depth-1))
		}
		return list
	case n == 4:
		return []any{nil, true, false, 0, -17, 1.5, 1e30, json.RawMessage("1E400"), map[string]int(nil)}[r.IntN(9)]
	}
	return randomText(r)
}

// TestBlockIsWhatTheEncoderWrites writes random values in both ways. Most need no encoder.
func TestBlockIsWhatTheEncoderWrites(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	const n = 20_000
	direct := 0
	for i := range n {
		text, err := json.Marshal(randomValue(r, 4))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := appendBlockYAML([]byte("before"), text)
		if !ok {
			if string(got) != "before" {
				t.Fatalf("%s: a failure leaves %q", text, got)
			}
			continue
		}
		direct++
		var want bytes.Buffer
		if err := encodeYAML(&want, text); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("before"+want.String(), string(got)); diff != "" {
			t.Fatalf("value %d: %s (-want +got):\n%s", i, text, diff)
		}
	}
	if direct < n*7/10 {
		t.Errorf("only %d of %d values were written directly", direct, n)
	}
}

// TestAppendItem writes lists of random values item by item: what comes of it is what WriteYAML writes of the whole.
func TestAppendItem(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	for range 2_000 {
		list := []any{randomValue(r, 3), randomValue(r, 3), randomText(r) + "\n"}
		var want bytes.Buffer
		if err := WriteYAML(&want, map[string]any{"list": list}); err != nil {
			t.Fatal(err)
		}
		got := []byte("list:\n")
		for _, item := range list {
			text, err := json.Marshal(item)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = AppendItem(got, text); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want.String(), string(escape.YAML(got))); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", list, diff)
		}
	}
	if _, err := AppendItem(nil, []byte("{")); err == nil {
		t.Error("no error for what is no JSON")
	}
}
