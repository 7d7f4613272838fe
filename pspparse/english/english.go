// Package english owns the small grammar that sentences of every package need: numbers with their nouns, and lists that are
// too long to read. It takes words and returns text, escapes nothing, and knows nothing of what the sentences are about.
package english

import (
	"strconv"
	"strings"
)

// Count returns a number with its English noun: "1 policy", "3 policies".
func Count(n int, one, many string) string { return strconv.Itoa(n) + " " + Plural(n, one, many) }

// Plural returns the form of an English word that goes with a number: "is" or "are", "pod" or "pods".
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// First returns the first few of a list, joined with commas for a sentence, and the number of the others: "a, b and 3
// more".
func First(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
}
