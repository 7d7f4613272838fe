package difference

import (
	"cmp"
	"math"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// idsAdmitMore reports whether an ID strategy of a policy admits an ID that the earlier one does not. MayRunAs admits pods that ask for
// none as well, and MustRunAsNonRoot all but 0; a strategy that is not stated admits every ID.
func idsAdmitMore(before, after *pspparse.IDStrategy) bool {
	return mayLeaveOut(after) && !mayLeaveOut(before) || rangesAdmitMore(idRanges(before), idRanges(after))
}

// mayLeaveOut reports whether a policy's ID strategy leaves pods without an ID as they are.
func mayLeaveOut(s *pspparse.IDStrategy) bool {
	return s == nil || s.Rule != pspparse.MustRunAs && s.Rule != pspparse.MustRunAsNonRoot
}

// idRanges returns the IDs that a policy's ID strategy admits.
func idRanges(s *pspparse.IDStrategy) []pspparse.IDRange {
	switch {
	case s == nil || s.Rule == pspparse.RunAsAny:
		return []pspparse.IDRange{{Min: 0, Max: math.MaxInt64}}
	case s.Rule == pspparse.MustRunAsNonRoot:
		return []pspparse.IDRange{{Min: 1, Max: math.MaxInt64}}
	}
	return s.Ranges
}

// portRanges returns the host ports that a policy allows.
func portRanges(ports []pspparse.HostPortRange) []pspparse.IDRange {
	out := make([]pspparse.IDRange, len(ports))
	for i, r := range ports {
		out[i] = pspparse.IDRange{Min: int64(r.Min), Max: int64(r.Max)}
	}
	return out
}

// rangesAdmitMore reports whether the ranges of a policy hold a number that is in none of the earlier ones.
func rangesAdmitMore(before, after []pspparse.IDRange) bool {
	joined := joinRanges(before)
	for _, r := range joinRanges(after) {
		at, _ := slices.BinarySearchFunc(joined, r.Max, func(j pspparse.IDRange, most int64) int { return cmp.Compare(j.Max, most) })
		if at == len(joined) || joined[at].Min > r.Min {
			return true
		}
	}
	return false
}

// joinRanges returns the numbers of a policy's ranges as ranges that do not touch, sorted.
func joinRanges(ranges []pspparse.IDRange) []pspparse.IDRange {
	sorted := slices.DeleteFunc(slices.Clone(ranges), func(r pspparse.IDRange) bool { return r.Min > r.Max })
	slices.SortFunc(sorted, func(x, y pspparse.IDRange) int { return cmp.Compare(x.Min, y.Min) })
	var out []pspparse.IDRange
	for _, r := range sorted {
		if last := len(out) - 1; last >= 0 && (out[last].Max == math.MaxInt64 || r.Min <= out[last].Max+1) {
			out[last].Max = max(out[last].Max, r.Max)
			continue
		}
		out = append(out, r)
	}
	return out
}
