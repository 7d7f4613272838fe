package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every kind of edit, on a few lines.
func TestEdits(t *testing.T) {
	t.Parallel()
	const source = `package p

func f(list []int, on bool) (int, error) {
	for _, n := range list {
		if n < 3 && on {
			continue
		}
		g("a", n)
		h()
	}
	switch on {
	case true:
		return len([]int{1, 2}), nil
	}
	return 0, nil
}
`
	file := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	edits, err := editsOf(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range edits {
		got = append(got, strings.TrimPrefix(edits[i].key(), "p.go f: "))
	}
	want := []string{
		`for _, n := range list { if n < 3 && on { continue } g("a", n) h() } -> if false { for _, n := range list { if n < 3 && on { continue } g("a", n) h() } }`,
		`for _, n := range list { if n < 3 && on { continue } g("a", n) h() } switch on { case true: return l... -> switch on { case true: return len([]int{1, 2}), nil }; for _, n := range list { if n < 3 && on { con...`,
		`switch on { case true: return len([]int{1, 2}), nil } -> if false { switch on { case true: return len([]int{1, 2}), nil } }`,
		`if n < 3 && on { continue } -> if false { if n < 3 && on { continue } }`,
		`if n < 3 && on { continue } g("a", n) -> g("a", n); if n < 3 && on { continue }`,
		`g("a", n) -> if false { g("a", n) }`,
		`g("a", n) h() -> h(); g("a", n)`,
		`h() -> if false { h() }`,
		`n < 3 && on -> n < 3 || on`,
		`n < 3 -> (n < 3 || true)`,
		`on -> (on || true)`,
		`on -> !on`,
		`n < 3 -> n <= 3`,
		`n < 3 -> n >= 3`,
		`3 -> (3+1)`,
		`continue -> break`,
		`"a", n -> n, "a"`,
		`"a" -> "ax"`,
		`case true: return len([]int{1, 2}), nil -> `,
		`true -> false`,
		`return len([]int{1, 2}), nil -> if true { return *new(int), *new(error) }; return len([]int{1, 2}), nil`,
		`1, -> `,
		`2 -> `,
		`1, 2 -> 2, 1`,
		`1 -> (1+1)`,
		`2 -> (2+1)`,
		`0 -> (0+1)`,
	}
	if text := strings.Join(got, "\n"); text != strings.Join(want, "\n") {
		t.Errorf("got\n%s", text)
	}
}
