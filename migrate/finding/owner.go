package finding

import (
	"slices"
	"sort"
)

// Owners returns for each finding of the result which of its workloads the finding is about, as an index into Workloads; -1 where it is
// about none of them, such as a finding about a file of exceptions. Two manifests may have an object of one name each, such as the
// overlays of a kustomization: the file of the finding's first place, then its line, tell them apart.
func (r *Result) Owners() []int {
	index := ownerIndex{workloads: r.Workloads, by: map[ownerKey][]int{}, next: map[ownerTurn]int{}}
	for i := range r.Workloads {
		key := ownerKey{r.Workloads[i].Object, r.Workloads[i].Position.File}
		index.by[key] = append(index.by[key], i)
	}
	for _, same := range index.by {
		slices.SortStableFunc(same, func(a, b int) int { return r.Workloads[a].Position.Line - r.Workloads[b].Position.Line })
	}
	out := make([]int, len(r.Findings))
	for i := range r.Findings {
		out[i] = index.owner(&r.Findings[i])
	}
	return out
}

// ownerKey is what a finding has in common with its workload.
type ownerKey struct {
	object Object
	file   string
}

// ownerTurn is a rule that several objects of one name break which begin on one line, as in a JSON List: each has one finding of it.
type ownerTurn struct {
	ownerKey
	line int
	rule string
}

// ownerIndex finds the workloads of findings.
type ownerIndex struct {
	workloads []Workload
	// by has the workloads of an object in a file, by line.
	by map[ownerKey][]int
	// next is how many of the workloads that begin on one line were passed over or have their finding of a rule.
	next map[ownerTurn]int
}

// owner returns the workload of a finding: of those of its object and file the last that begins at or above it, else the first; -1 if
// there is none.
func (x *ownerIndex) owner(f *Finding) int {
	var at Range
	if len(f.Places) > 0 {
		at = f.Places[0].Range
	}
	key := ownerKey{f.Object, at.File}
	same := x.by[key]
	if len(same) == 0 {
		return -1
	}
	line := func(i int) int { return x.workloads[same[i]].Position.Line }
	end := sort.Search(len(same), func(i int) bool { return line(i) > at.Line })
	if end == 0 {
		end = 1
	}
	first := line(end - 1)
	start := sort.Search(end, func(i int) bool { return line(i) >= first })
	turn := ownerTurn{key, first, f.Rule}
	for start+x.next[turn] < end {
		i := same[start+x.next[turn]]
		x.next[turn]++
		if slices.Contains(x.workloads[i].Failed, f.Rule) {
			return i
		}
	}
	return same[start]
}
