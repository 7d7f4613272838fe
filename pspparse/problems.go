package pspparse

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxProblemsPerSeverity of each severity are told; the rest is counted. A hostile document must not turn into a report of its
// own size.
const maxProblemsPerSeverity = 20

// problemList collects problems, up to maxProblems of each severity.
type problemList struct {
	problems         []Problem
	errors, warnings int
}

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

// isFull says that further problems of a severity will only be counted.
func (f *problemList) isFull(s Severity) bool {
	if s == Error {
		return f.errors >= maxProblemsPerSeverity
	}
	return f.warnings >= maxProblemsPerSeverity
}

// sorted returns the problems by line, field and message, identical ones once, and how many were left out.
func (f *problemList) sorted() []Problem {
	slices.SortFunc(f.problems, compareProblems)
	all := slices.Compact(f.problems)
	for _, more := range []struct {
		severity Severity
		found    int
	}{{Error, f.errors}, {Warning, f.warnings}} {
		if more.found > maxProblemsPerSeverity {
			all = append(all, Problem{
				Severity: more.severity,
				Message:  fmt.Sprintf("and %d more of these (only the first %d are told)", more.found-maxProblemsPerSeverity, maxProblemsPerSeverity),
			})
		}
	}
	return all
}

func (f *problemList) ofSeverity(s Severity) []Problem {
	return slices.DeleteFunc(f.sorted(), func(p Problem) bool { return p.Severity != s })
}

func compareProblems(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Message, b.Message))
}

// quote makes a value from a document safe and short enough for a message: pure ASCII, so that look-alike letters and
// control characters can be seen.
func quote(s string) string {
	const longest = 64
	if len(s) <= longest {
		return strconv.QuoteToASCII(s)
	}
	return fmt.Sprintf("%s (the first %d of %d bytes)", strconv.QuoteToASCII(s[:longest]), longest, len(s))
}

// unrenderedTemplateHint is what to try next where a value looks like a chart's source.
func unrenderedTemplateHint(s string) string {
	if strings.Contains(s, "{{") || strings.Contains(s, "{%") {
		return "; this looks like a template: render it first (helm template)"
	}
	return ""
}

// fieldPath appends a field name to a path; one that is not a plain name is quoted, so that a path stays one line.
func fieldPath(path, name string) string {
	switch {
	case !isPlainName(name, "_-"):
		return path + "[" + quote(name) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// mapKeyPath appends the key of a map to a path.
func mapKeyPath(path, key string) string {
	if isPlainName(key, "_-./") {
		return path + "[" + key + "]"
	}
	return path + "[" + quote(key) + "]"
}

func indexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

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
