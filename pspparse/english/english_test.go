package english_test

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/english"
)

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 policies", 1: "1 policy", 2: "2 policies", -1: "-1 policies"} {
		if got := english.Count(n, "policy", "policies"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 12_345: "12,345", 1_234_567: "1,234,567", -1: "-1", -999: "-999", -1000: "-1,000"} {
		if got := english.Number(n); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]string{3: "a, b, c", 2: "a, b and 1 more", 1: "a and 2 more"} {
		if got := english.First([]string{"a", "b", "c"}, most); got != want {
			t.Errorf("the first %d: %q, want %q", most, got, want)
		}
	}
	if got := english.First(nil, 1); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func TestAnd(t *testing.T) {
	t.Parallel()
	for want, texts := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := english.And(texts); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
