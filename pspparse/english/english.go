// Package english owns the small grammar that sentences of every package need: numbers with their nouns, and lists that are
// too long to read. It takes words and returns text, escapes nothing, and knows nothing of what the sentences are about.
package english

import (
	"strconv"
	"strings"
)

// Count returns a number with its noun: "1 policy", "3 policies".
func Count(n int, one, many string) string { return strconv.Itoa(n) + " " + Plural(n, one, many) }

// Plural returns the form of a word that goes with a number: "is" or "are", "pod" or "pods".
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Quoted joins names in double quotes with commas.
func Quoted(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, ", ")
}

// And joins texts for a sentence: "a, b and c".
func And(texts []string) string {
	last := len(texts) - 1
	if last < 1 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

// First joins the first few of a list with commas and counts the others: "a, b and 3 more".
func First(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
}
