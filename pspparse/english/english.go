// Package english owns the small grammar that sentences of every package need: numbers with their nouns, lists that are too
// long to read, and quotations of input. It takes words and returns text, and knows nothing of what the sentences are about.
// Only QuoteInput and EscapeInput escape.
package english

import (
	"strconv"
	"strings"
)

// Count returns a number with its English noun: "1 policy", "3 policies".
func Count(n int, one, many string) string { return strconv.Itoa(n) + " " + Plural(n, one, many) }

// Number returns a number as English text has it, with a comma before each three digits: "12,000".
func Number(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Plural returns the form of an English word that goes with a number: "is" or "are", "pod" or "pods".
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Quoted joins names of an English sentence in double quotes with commas.
func Quoted(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, ", ")
}

// And joins texts for an English sentence: "a, b and c".
func And(texts []string) string {
	last := len(texts) - 1
	if last < 1 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

// First joins, for an English sentence, the first few of a list with commas and counts the others: "a, b and 3 more".
func First(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
}
