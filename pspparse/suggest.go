package pspparse

import "strings"

// maxSuggestLength is the length of the longest name that is compared with others.
const maxSuggestLength = 64

// suggestKey returns the field of a PodSecurityPolicy that was probably meant by a misspelt key, or "".
func suggestKey[V any](name string, candidates map[string]V) string {
	m := nearestName{name: name}
	for c := range candidates {
		m.consider(c)
	}
	return m.best
}

// SuggestName returns the candidate that was probably meant by a name misspelt in a policy or a flag, or "". Wrong case
// counts as nearest, and of equally near ones the first by name is taken.
func SuggestName(name string, candidates []string) string {
	m := nearestName{name: name}
	for _, c := range candidates {
		m.consider(c)
	}
	return m.best
}

// nearestName is a misspelt field of a PodSecurityPolicy, or another name, with the candidate nearest to it so far, ""
// for none.
type nearestName struct {
	name, best string
	distance   int
}

// consider keeps a candidate, such as a field of a PodSecurityPolicy, if it is nearer to the misspelt name than the
// best one so far.
func (m *nearestName) consider(c string) {
	if m.name == "" || len(m.name) > maxSuggestLength {
		return
	}
	n, most := -1, max(maxTypos(m.name), maxTypos(c))
	if !strings.EqualFold(c, m.name) {
		if len(c) > maxSuggestLength || len(c)-len(m.name) > most || len(m.name)-len(c) > most {
			return
		}
		if n = EditDistance(m.name, c); n > most {
			return
		}
	}
	if m.best == "" || n < m.distance || n == m.distance && c < m.best {
		m.best, m.distance = c, n
	}
}

// maxTypos returns how many typing errors a misspelt field of a PodSecurityPolicy may have and still be recognised.
func maxTypos(name string) int {
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

// maxEditLength is the length of the longest text that EditDistance compares letter by letter.
const maxEditLength = 80

// EditDistance returns, to find which name a misspelt one was meant for, the number of single-letter insertions,
// deletions, changes and swaps of neighbours between two short names or label keys. Where one is longer than
// maxEditLength it is their whole length: they have nothing in common.
func EditDistance(a, b string) int {
	if len(a) > maxEditLength || len(b) > maxEditLength {
		return len(a) + len(b)
	}
	var rows [3][maxEditLength + 1]int
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
