// Package levels owns the order of the Pod Security levels, from privileged (loose) to restricted (strict). It takes and
// returns levels of k8s.io/pod-security-admission/api; a level that it does not know has no place in the order. It evaluates
// no pod and no policy.
package levels

import (
	"slices"

	"k8s.io/pod-security-admission/api"
)

// LooseToStrict returns the three Pod Security levels, the loosest first.
func LooseToStrict() []api.Level {
	return []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted}
}

// WithChecks returns the levels that check something, the looser first: baseline and restricted.
func WithChecks() []api.Level { return LooseToStrict()[1:] }

// Names returns the three levels as texts, the loosest first.
func Names() []string {
	var names []string
	for _, l := range LooseToStrict() {
		names = append(names, string(l))
	}
	return names
}

// Rank is the place of a level in the order, 0 for privileged; -1 for an unknown level.
func Rank(l api.Level) int { return slices.Index(LooseToStrict(), l) }

// Looser reports whether Pod Security level a is less strict than b. It is false if either is unknown.
func Looser(a, b api.Level) bool { return Rank(a) >= 0 && Rank(a) < Rank(b) }

// LeastStrict returns the looser of two Pod Security levels, and the known one if the other is unknown.
func LeastStrict(a, b api.Level) api.Level {
	if Rank(a) < 0 || Looser(b, a) {
		return b
	}
	return a
}

// NextStricter returns the Pod Security level above l; "" for restricted and for an unknown level.
func NextStricter(l api.Level) api.Level {
	order := LooseToStrict()
	if at := Rank(l); at >= 0 && at+1 < len(order) {
		return order[at+1]
	}
	return ""
}
