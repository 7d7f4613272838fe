package pspparse

import (
	"maps"
	"slices"
	"strings"
)

// suggest returns the candidate that was probably meant, or "".
func suggest[V any](name string, candidates map[string]V) string {
	return Suggest(name, slices.Sorted(maps.Keys(candidates)))
}

// Suggest returns the candidate that was probably meant by a name that is none of them, or "". Wrong case counts as
// nearest, and of equally near ones the first is taken.
func Suggest(name string, candidates []string) string {
	const longest = 64
	if name == "" || len(name) > longest {
		return ""
	}
	best, bestDistance := "", longest
	for _, c := range candidates {
		if strings.EqualFold(c, name) {
			return c
		}
		if len(c) > 2*longest {
			continue
		}
		if n := distance(name, c); n < bestDistance && n <= max(allowance(name), allowance(c)) {
			best, bestDistance = c, n
		}
	}
	return best
}

// allowance is how many slips a name of its length may hold and still be recognised.
func allowance(name string) int {
	switch n := len(name); {
	case n < 4:
		return 0
	case n < 8:
		return 1
	case n < 14:
		return 2
	}
	return 3
}

// distance counts the single-letter insertions, deletions, changes and swaps of neighbours between two names.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			n := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				n = min(n, rows[i-2][j-2]+1)
			}
			rows[i][j] = n
		}
	}
	return rows[len(a)][len(b)]
}
