package psp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// A policy's lists may be long, and so may a pod's: what follows answers for one value without going through a list.

// span is a range of numbers, both ends included.
type span struct{ min, max int64 }

// spans are ranges in order, of which no two overlap.
type spans []span

func spansOf[T any](ranges []T, ends func(T) (minimum, maximum int64)) spans {
	var all spans
	for _, r := range ranges {
		if from, to := ends(r); from <= to {
			all = append(all, span{from, to})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.min, b.min) })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && s.min <= out[n-1].max {
			out[n-1].max = max(out[n-1].max, s.max)
			continue
		}
		out = append(out, s)
	}
	return out
}

func idSpans(s *pspparse.IDStrategy) spans {
	if s == nil {
		return nil
	}
	return spansOf(s.Ranges, func(r pspparse.IDRange) (int64, int64) { return r.Min, r.Max })
}

func (s spans) include(n int64) bool {
	i, exact := slices.BinarySearchFunc(s, n, func(s span, n int64) int { return cmp.Compare(s.min, n) })
	return exact || i > 0 && n <= s[i-1].max
}

// patterns are names, and prefixes that were written with a "*" behind them.
type patterns struct {
	names, prefixes map[string]bool
	lengths         []int // of the prefixes
}

func patternsOf(list []string) patterns {
	p := patterns{names: setOf(list)}
	for _, pattern := range list {
		if prefix, wild := strings.CutSuffix(pattern, "*"); wild && !p.prefixes[prefix] {
			if p.prefixes == nil {
				p.prefixes = map[string]bool{}
			}
			p.prefixes[prefix] = true
			p.lengths = append(p.lengths, len(prefix))
		}
	}
	slices.Sort(p.lengths)
	p.lengths = slices.Compact(p.lengths)
	return p
}

func (p *patterns) match(name string) bool {
	if p.names[name] {
		return true
	}
	for _, n := range p.lengths {
		if n > len(name) {
			break
		}
		if p.prefixes[name[:n]] {
			return true
		}
	}
	return false
}

// pathPrefixes are the entries of allowedHostPaths as a tree: of each segment, what may come behind it.
type pathPrefixes struct {
	below map[string]*pathPrefixes
	// An entry ends here, and one that allows writing does.
	ends, writable bool
}

func pathPrefixesOf(entries []pspparse.AllowedHostPath) *pathPrefixes {
	root := &pathPrefixes{}
	for _, e := range entries {
		at := root
		for segment := range strings.SplitSeq(strings.TrimSuffix(e.PathPrefix, "/"), "/") {
			if at.below == nil {
				at.below = map[string]*pathPrefixes{}
			}
			if at.below[segment] == nil {
				at.below[segment] = &pathPrefixes{}
			}
			at = at.below[segment]
		}
		at.ends, at.writable = true, at.writable || !e.ReadOnly
	}
	return root
}

// allow compares by whole segments, after one trailing slash is taken off; paths are not cleaned. An entry that allows
// writing wins, wherever it stands.
func (p *pathPrefixes) allow(path string) (allowed, readOnly bool) {
	at := p
	for segment := range strings.SplitSeq(strings.TrimSuffix(path, "/"), "/") {
		if at = at.below[segment]; at == nil {
			break
		}
		if at.writable {
			return true, false
		}
		allowed = allowed || at.ends
	}
	return allowed, allowed
}

// mountAt is a mount, by the places of its container and of itself.
type mountAt struct{ container, mount int }

// mountsOf are the mounts of a volume, in order. They are sorted out by volume when first asked for.
func (t *trial) mountsOf(volume string) []mountAt {
	if t.mounts == nil {
		t.mounts = map[string][]mountAt{}
		for i := range t.containers {
			for j := range t.containers[i].VolumeMounts {
				name := t.containers[i].VolumeMounts[j].Name
				t.mounts[name] = append(t.mounts[name], mountAt{i, j})
			}
		}
	}
	return t.mounts[volume]
}

// among returns a function that tells whether a value is in a list: it goes through a short one.
func among[T comparable](list []T) func(T) bool {
	const short = 16
	if len(list) <= short {
		return func(v T) bool { return slices.Contains(list, v) }
	}
	set := make(map[T]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return func(v T) bool { return set[v] }
}
