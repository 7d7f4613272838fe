package pspparse

import "strings"

// longestName is what suggest looks at.
const longestName = 64

// suggest returns the candidate that was probably meant, or "". Wrong case counts as nearest.
func suggest[V any](name string, candidates map[string]V) string {
	if name == "" || len(name) > longestName {
		return ""
	}
	most := allowance(name)
	best, bestDistance := "", most+1
	for c := range candidates {
		n := 0
		switch {
		case strings.EqualFold(c, name):
			n = -1
		case len(c) > longestName || len(c)-len(name) > most || len(name)-len(c) > most:
			continue
		default:
			n = distance(name, c)
		}
		if n < bestDistance || n == bestDistance && best != "" && c < best {
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

// distance counts the single-letter insertions, deletions, changes and swaps of neighbours between two names, of which
// neither is longer than longestName.
func distance(a, b string) int {
	var rows [3][longestName + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2] // those of i-2, i-1 and i
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			n := min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				n = min(n, before[j-2]+1)
			}
			row[j] = n
		}
	}
	return row[len(b)]
}
