package mapping

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/psp2pss/psp2pss/pspparse"
)

// The largest user or group ID, and the largest port, that API validation accepts in a pod.
const (
	maxID   = math.MaxInt32
	maxPort = math.MaxUint16
)

// portRanges converts the host port ranges of a PodSecurityPolicy.
func portRanges(ranges []pspparse.HostPortRange) []pspparse.IDRange {
	var out []pspparse.IDRange
	for _, r := range ranges {
		out = append(out, pspparse.IDRange{Min: int64(r.Min), Max: int64(r.Max)})
	}
	return out
}

// clipRanges returns the parts of a policy's port or ID ranges that lie in [low, high]: sorted, adjacent ones merged,
// without empty ones.
func clipRanges(ranges []pspparse.IDRange, low, high int64) []pspparse.IDRange {
	var clipped []pspparse.IDRange
	for _, r := range ranges {
		r.Min, r.Max = max(r.Min, low), min(r.Max, high)
		if r.Min <= r.Max {
			clipped = append(clipped, r)
		}
	}
	slices.SortFunc(clipped, func(a, b pspparse.IDRange) int { return cmp.Compare(a.Min, b.Min) })
	var merged []pspparse.IDRange
	for _, r := range clipped {
		if n := len(merged); n > 0 && r.Min <= merged[n-1].Max+1 {
			merged[n-1].Max = max(merged[n-1].Max, r.Max)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// coversWhole reports whether a policy's port or ID ranges contain every number of [low, high].
func coversWhole(ranges []pspparse.IDRange, low, high int64) bool {
	merged := clipRanges(ranges, low, high)
	return len(merged) == 1 && merged[0] == (pspparse.IDRange{Min: low, Max: high})
}

// containsNumber reports whether one of a policy's ranges contains a number.
func containsNumber(ranges []pspparse.IDRange, n int64) bool {
	return slices.ContainsFunc(ranges, func(r pspparse.IDRange) bool { return r.Min <= n && n <= r.Max })
}

// formatRange returns a policy's port or ID range for people: "80", "8000-8080".
func formatRange(r pspparse.IDRange) string {
	if r.Min == r.Max {
		return strconv.FormatInt(r.Min, 10)
	}
	return fmt.Sprintf("%d-%d", r.Min, r.Max)
}

// defaultedID returns, for the mapping to a level, the ID that a policy's MustRunAs strategy sets in a pod that states none: the
// minimum of the first range. ok is false where the policy's own ranges then refuse that ID, so that no admitted pod
// has it.
func defaultedID(s pspparse.IDStrategy) (id int64, ok bool) {
	if s.Rule != pspparse.MustRunAs || len(s.Ranges) == 0 {
		return 0, false
	}
	id = s.Ranges[0].Min
	return id, id >= 0 && id <= maxID && containsNumber(s.Ranges, id)
}

// admitsNoID reports whether a policy's MustRunAs strategy has no user or group ID in its ranges that a pod can have.
func admitsNoID(s pspparse.IDStrategy) bool {
	return s.Rule == pspparse.MustRunAs && len(s.Ranges) > 0 && len(clipRanges(s.Ranges, 0, maxID)) == 0
}
