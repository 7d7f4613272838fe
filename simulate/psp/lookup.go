package psp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// A policy's lists may be long, and so may a pod's: what follows answers for one value without going through a list.

// numberRange is a range of numbers, both ends included.
type numberRange struct{ min, max int64 }

// sortedRanges are ranges in order, of which no two overlap.
type sortedRanges []numberRange

func sortedRangesOf[T any](ranges []T, ends func(T) (minimum, maximum int64)) sortedRanges {
	var all sortedRanges
	for _, r := range ranges {
		if from, to := ends(r); from <= to {
			all = append(all, numberRange{from, to})
		}
	}
	slices.SortFunc(all, func(a, b numberRange) int { return cmp.Compare(a.min, b.min) })
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

func sortedIDRanges(s *pspparse.IDStrategy) sortedRanges {
	if s == nil {
		return nil
	}
	return sortedRangesOf(s.Ranges, func(r pspparse.IDRange) (int64, int64) { return r.Min, r.Max })
}

func (s sortedRanges) contain(n int64) bool {
	i, exact := slices.BinarySearchFunc(s, n, func(s numberRange, n int64) int { return cmp.Compare(s.min, n) })
	return exact || i > 0 && n <= s[i-1].max
}

// namePatterns are names, and prefixes that were written with a "*" behind them.
type namePatterns struct {
	names, prefixes map[string]bool
	lengths         []int // of the prefixes
}

func newNamePatterns(list []string) namePatterns {
	p := namePatterns{names: stringSet(list)}
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

func (p *namePatterns) match(name string) bool {
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

// hostPathTree are the entries of allowedHostPaths as a tree: of each segment, what may come behind it.
type hostPathTree struct {
	children map[string]*hostPathTree
	// An entry ends here, and one that allows writing does.
	allowed, writable bool
}

func newHostPathTree(entries []pspparse.AllowedHostPath) *hostPathTree {
	root := &hostPathTree{}
	for _, e := range entries {
		at := root
		for segment := range strings.SplitSeq(strings.TrimSuffix(e.PathPrefix, "/"), "/") {
			if at.children == nil {
				at.children = map[string]*hostPathTree{}
			}
			if at.children[segment] == nil {
				at.children[segment] = &hostPathTree{}
			}
			at = at.children[segment]
		}
		at.allowed, at.writable = true, at.writable || !e.ReadOnly
	}
	return root
}

// lookUp compares by whole segments, after one trailing slash is taken off; paths are not cleaned. An entry that allows
// writing wins, wherever it stands.
func (p *hostPathTree) lookUp(path string) (allowed, readOnly bool) {
	at := p
	for segment := range strings.SplitSeq(strings.TrimSuffix(path, "/"), "/") {
		if at = at.children[segment]; at == nil {
			break
		}
		if at.writable {
			return true, false
		}
		allowed = allowed || at.allowed
	}
	return allowed, allowed
}

// volumeMountIndex is a mount, by the places of its container and of itself.
type volumeMountIndex struct{ container, mount int }

// volumeMountsOf are the mounts of a volume, in order. They are sorted out by volume when first asked for.
func (t *evaluation) volumeMountsOf(volume string) []volumeMountIndex {
	if t.mounts == nil {
		t.mounts = map[string][]volumeMountIndex{}
		for i := range t.containers {
			for j := range t.containers[i].VolumeMounts {
				name := t.containers[i].VolumeMounts[j].Name
				t.mounts[name] = append(t.mounts[name], volumeMountIndex{i, j})
			}
		}
	}
	return t.mounts[volume]
}

// membershipTest returns a function that tells whether a value is in a list: it goes through a short one.
func membershipTest[T comparable](list []T) func(T) bool {
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
