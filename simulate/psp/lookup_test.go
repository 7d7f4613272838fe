package psp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

// The functions below are a reference: they search the lists of a policy entry by entry, as upstream does.

func refInRanges(n int64, ranges []pspparse.IDRange) bool {
	return slices.ContainsFunc(ranges, func(r pspparse.IDRange) bool { return r.Min <= n && n <= r.Max })
}

func refMatches(list []string, name string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		prefix, wild := strings.CutSuffix(pattern, "*")
		return name == pattern || wild && strings.HasPrefix(name, prefix)
	})
}

func refAllowsHostPath(entries []pspparse.AllowedHostPath, path string) (allowed, readOnly bool) {
	for _, e := range entries {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(path, "/"), strings.TrimSuffix(e.PathPrefix, "/"))
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		if !e.ReadOnly {
			return true, false
		}
		allowed, readOnly = true, true
	}
	return allowed, readOnly
}

func TestLookupsAgreeWithLists(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	text := func(alphabet string) string {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteByte(alphabet[r.IntN(len(alphabet))])
		}
		return b.String()
	}
	yes := map[string]int{}
	const rounds = 20_000
	for range rounds {
		n := int64(r.IntN(30))
		var ranges []pspparse.IDRange
		var entries []pspparse.AllowedHostPath
		var list []string
		for range r.IntN(5) {
			from := int64(r.IntN(30))
			ranges = append(ranges, pspparse.IDRange{Min: from, Max: from + int64(r.IntN(5)) - 1})
			entries = append(entries, pspparse.AllowedHostPath{PathPrefix: text("/a/b"), ReadOnly: r.IntN(2) == 0})
			list = append(list, text("a.*"))
		}
		want := refInRanges(n, ranges)
		if got := sortedIDRanges(&pspparse.IDStrategy{Ranges: ranges}).contain(n); got != want {
			t.Fatalf("%d in %v: %t, want %t", n, ranges, got, want)
		}
		yes[fmt.Sprint("range ", want)]++
		name, patterns := text("a.*"), newNamePatterns(list)
		if want = refMatches(list, name); patterns.match(name) != want {
			t.Fatalf("%q matches %q: %t, want %t", name, list, !want, want)
		}
		yes[fmt.Sprint("pattern ", want)]++
		path := text("/a/b")
		wantAllowed, wantReadOnly := refAllowsHostPath(entries, path)
		if allowed, readOnly := newHostPathTree(entries).lookUp(path); allowed != wantAllowed || readOnly != wantReadOnly {
			t.Fatalf("%q under %v: %t read-only %t, want %t %t", path, entries, allowed, readOnly, wantAllowed, wantReadOnly)
		}
		yes[fmt.Sprint("path ", wantAllowed, wantReadOnly)]++
	}
	for _, what := range []string{"range true", "range false", "pattern true", "pattern false", "path true true", "path true false", "path false false"} {
		if yes[what] < rounds/50 {
			t.Errorf("only %d cases of %s", yes[what], what)
		}
	}
}

// A long list of a policy is a set, and has the same members.
func TestMembershipTest(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 16, 17, 100} {
		var list []int
		for i := range n {
			list = append(list, 2*i)
		}
		isMember := membershipTest(list)
		for v := range 2*n + 2 {
			if got, want := isMember(v), slices.Contains(list, v); got != want {
				t.Errorf("%d in a list of %d: %t, want %t", v, n, got, want)
			}
		}
	}
}
