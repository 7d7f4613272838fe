package pspparse

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// maxProblemsPerSeverity is how many Problems of each severity are kept of one document; the rest is counted. A hostile
// document must not turn into a report of its own size.
const maxProblemsPerSeverity = 20

// problemList collects the Problems of one PodSecurityPolicy's document, up to maxProblemsPerSeverity of each severity.
type problemList struct {
	problems []Problem
	// errors and warnings count all of them.
	errors, warnings int
}

// add adds Problems of a PodSecurityPolicy, or only counts them where there are too many.
func (f *problemList) add(problems ...Problem) {
	for _, p := range problems {
		n := &f.warnings
		if p.Severity == Error {
			n = &f.errors
		}
		*n++
		if *n <= maxProblemsPerSeverity {
			f.problems = append(f.problems, p)
		}
	}
}

// isFull reports whether further Problems of a PodSecurityPolicy with a severity are only counted.
func (f *problemList) isFull(s Severity) bool {
	if s == Error {
		return f.errors >= maxProblemsPerSeverity
	}
	return f.warnings >= maxProblemsPerSeverity
}

// sorted returns the Problems of a PodSecurityPolicy by line, field and message, identical ones once, with how many
// were left out.
func (f *problemList) sorted() []Problem {
	slices.SortFunc(f.problems, compareProblems)
	all := slices.CompactFunc(f.problems, func(a, b Problem) bool { return compareProblems(a, b) == 0 })
	for _, more := range []struct {
		severity Severity
		found    int
	}{{Error, f.errors}, {Warning, f.warnings}} {
		if more.found > maxProblemsPerSeverity {
			all = append(all, Problem{
				Severity: more.severity,
				Message:  message.New("psp-problems-more", "n", more.found-maxProblemsPerSeverity, "limit", maxProblemsPerSeverity),
			})
		}
	}
	return all
}

// ofSeverity returns the Problems of a PodSecurityPolicy with one severity, sorted.
func (f *problemList) ofSeverity(s Severity) []Problem {
	return slices.DeleteFunc(f.sorted(), func(p Problem) bool { return p.Severity != s })
}

// compareProblems orders Problems of a PodSecurityPolicy by line, field, severity and message.
func compareProblems(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Severity, b.Severity), message.Compare(a.Message, b.Message))
}

// quoteValue quotes a value from a PodSecurityPolicy document for a message.
func quoteValue(s string) string { return english.QuoteInput(s, 64) }

// hasTemplateMarks reports whether a value of a PodSecurityPolicy has the marks of a template that was not rendered.
func hasTemplateMarks(s string) bool { return strings.Contains(s, "{{") || strings.Contains(s, "{%") }

// fieldPath appends a field name to a field path of a PodSecurityPolicy. A name that is not a plain one is quoted, so
// that a path stays one line.
func fieldPath(path, name string) string {
	switch {
	case !isPlainName(name, "_-"):
		return path + "[" + quoteValue(name) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// mapKeyPath appends the key of a map to a field path of a PodSecurityPolicy.
func mapKeyPath(path, key string) string {
	if isPlainName(key, "_-./") {
		return path + "[" + key + "]"
	}
	return path + "[" + quoteValue(key) + "]"
}

// indexPath appends the index of a list to a field path of a PodSecurityPolicy.
func indexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// isPlainName reports whether a name in a PodSecurityPolicy has only letters, digits and some extra characters.
func isPlainName(s, extra string) bool {
	const longestKey = 253 + 1 + 63
	if s == "" || len(s) > longestKey {
		return false
	}
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}
