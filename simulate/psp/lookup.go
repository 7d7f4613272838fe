package psp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// A policy's lists may be long, and so may a pod's: what follows answers for one value without going through a list.

// numberRange is a range of a pod's host ports, user IDs or group IDs that PSP admission allows by a policy, both ends
// included.
type numberRange struct{ min, max int64 }

// sortedRanges are the host port or ID ranges with which PSP admission compares a pod's numbers, in order, merged where
// they overlap.
type sortedRanges []numberRange

// sortedRangesOf sorts, for PSP admission, the host port or ID ranges of a policy and merges those that overlap.
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

// sortedIDRanges returns, for PSP admission, the ID ranges of a user or group strategy of a PodSecurityPolicy, sorted
// and merged.
func sortedIDRanges(s *pspparse.IDStrategy) sortedRanges {
	if s == nil {
		return nil
	}
	return sortedRangesOf(s.Ranges, func(r pspparse.IDRange) (int64, int64) { return r.Min, r.Max })
}

// contain reports, for PSP admission, whether a pod's host port or ID is in one of the sorted ranges.
func (s sortedRanges) contain(n int64) bool {
	i, exact := slices.BinarySearchFunc(s, n, func(s numberRange, n int64) int { return cmp.Compare(s.min, n) })
	return exact || i > 0 && n <= s[i-1].max
}

// namePatterns are the sysctl names with which PSP admission compares those of a pod, and the prefixes that end in "*"
// there.
type namePatterns struct {
	names, prefixes map[string]bool
	lengths         []int // of the prefixes
}

// newNamePatterns prepares a list of sysctl names and prefixes of a PodSecurityPolicy for matching.
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

// match reports whether a sysctl name is among the names and prefixes of a PodSecurityPolicy.
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

// hostPathTree holds allowedHostPaths of a PodSecurityPolicy as a tree of path segments.
type hostPathTree struct {
	children map[string]*hostPathTree
	// allowed is true where an entry ends, writable where an entry ends that is not read-only.
	allowed, writable bool
}

// newHostPathTree returns the entries of allowedHostPaths of a PodSecurityPolicy as a tree of path segments.
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

// lookUp reports, for PSP admission, whether allowedHostPaths allow a host path, and whether only for reading. Whole
// segments are compared after one trailing slash is cut off; paths are not cleaned. An entry that allows writing wins,
// wherever it stands in the list.
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

// volumeMountIndex locates, for the hostPath rule of a policy, a volume mount of a pod: the index of the container, and
// of the mount in it.
type volumeMountIndex struct{ container, mount int }

// volumeMountsOf returns the mounts of one volume of the pod that is admitted, in order. The first call indexes the
// mounts of all volumes.
func (e *policyEvaluation) volumeMountsOf(volume string) []volumeMountIndex {
	if e.mounts == nil {
		e.mounts = map[string][]volumeMountIndex{}
		for i := range e.containers {
			for j := range e.containers[i].VolumeMounts {
				name := e.containers[i].VolumeMounts[j].Name
				e.mounts[name] = append(e.mounts[name], volumeMountIndex{i, j})
			}
		}
	}
	return e.mounts[volume]
}

// membershipTest returns a function that reports whether a value is in a PodSecurityPolicy's list. A long list becomes
// a set.
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
