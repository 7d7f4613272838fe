package psp

import (
	"testing"
)

// A bit set has eight indexes per byte, and no index beyond its end.
func TestBitSetOfPolicies(t *testing.T) {
	t.Parallel()
	for i, want := range []bool{false, true, false, false, false, false, false, true, true, false, false, false, false, false, false, true, false, false} {
		if got := inBitSet("\x82\x81", i); got != want {
			t.Errorf("index %d: %t, want %t", i, got, want)
		}
	}
	if inBitSet("", 0) || inBitSet("\xff", 8) {
		t.Error("an index beyond the end is in the set")
	}
}
