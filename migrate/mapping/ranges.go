package mapping

import (
	"cmp"
	"math"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// What the API accepts in a pod; values beyond are refused whatever a policy says.
const (
	maxID   = math.MaxInt32
	maxPort = math.MaxUint16
)

// numberRange is inclusive at both ends; an inverted one is empty, as it is to PSP admission.
type numberRange struct{ min, max int64 }

func idRanges(ranges []pspparse.IDRange) []numberRange {
	spans := make([]numberRange, 0, len(ranges))
	for _, r := range ranges {
		spans = append(spans, numberRange{r.Min, r.Max})
	}
	return spans
}

func portRanges(ranges []pspparse.HostPortRange) []numberRange {
	spans := make([]numberRange, 0, len(ranges))
	for _, r := range ranges {
		spans = append(spans, numberRange{int64(r.Min), int64(r.Max)})
	}
	return spans
}

// clipRanges is what of the spans lies in [low, high]: sorted, joined, without empty ones.
func clipRanges(spans []numberRange, low, high int64) []numberRange {
	var clipped []numberRange
	for _, s := range spans {
		s.min, s.max = max(s.min, low), min(s.max, high)
		if s.min <= s.max {
			clipped = append(clipped, s)
		}
	}
	slices.SortFunc(clipped, func(a, b numberRange) int { return cmp.Compare(a.min, b.min) })
	var joined []numberRange
	for _, s := range clipped {
		if n := len(joined); n > 0 && s.min <= joined[n-1].max+1 {
			joined[n-1].max = max(joined[n-1].max, s.max)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// coversWhole says whether the spans leave out nothing of [low, high].
func coversWhole(spans []numberRange, low, high int64) bool {
	joined := clipRanges(spans, low, high)
	return len(joined) == 1 && joined[0] == numberRange{low, high}
}

// containsNumber says whether some span contains n.
func containsNumber(spans []numberRange, n int64) bool {
	return len(clipRanges(spans, n, n)) > 0
}

// formatIDStrategy returns a strategy as a sentence has it: its rule and the first of its ranges.
func formatIDStrategy(s pspparse.IDStrategy) string {
	return idStrategyValue(s).Text("", maxShownNames)
}

// formatIDRanges returns ranges as a sentence has them.
func formatIDRanges(ranges []pspparse.IDRange) string {
	return Value{Ranges: ranges}.Text("", maxShownNames)
}

// defaultedID is the id that MustRunAs writes into a pod that states none: the min of the first range listed. ok is false
// where the policy's own ranges then refuse it, so that no admitted pod carries it.
func defaultedID(s pspparse.IDStrategy) (id int64, ok bool) {
	if s.Rule != pspparse.MustRunAs || len(s.Ranges) == 0 {
		return 0, false
	}
	id = s.Ranges[0].Min
	return id, id >= 0 && id <= maxID && containsNumber(idRanges(s.Ranges), id)
}

// admitsNoID says whether MustRunAs leaves no id that a pod could have.
func admitsNoID(s pspparse.IDStrategy) bool {
	return s.Rule == pspparse.MustRunAs && len(s.Ranges) > 0 && len(clipRanges(idRanges(s.Ranges), 0, maxID)) == 0
}
