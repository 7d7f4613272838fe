package fix

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// diffContext is how many lines a unified diff of a fix shows before and after each change.
const diffContext = 3

// UnifiedDiff returns the change of a fixed file as a unified diff, which 'git apply' and 'patch -p1' take; nil where nothing changes.
func UnifiedDiff(f *File) []byte {
	changes := diffOf(splitLines(f.Before), splitLines(f.After))
	if !slices.ContainsFunc(changes, func(c lineChange) bool { return c.op != ' ' }) {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", diffName("a/", f.Name), diffName("b/", f.Name))
	for _, h := range hunksOf(changes) {
		h.write(&b, changes)
	}
	return b.Bytes()
}

// diffName returns the name of a fixed file as git has it in a diff: relative, with slashes, and quoted where it has characters that
// would end it.
func diffName(prefix, name string) string {
	name = prefix + strings.TrimLeft(filepath.ToSlash(filepath.Clean(name)), "/")
	plain := !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
	switch {
	case plain && strings.Contains(name, " "):
		return name + "\t"
	case plain:
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(name) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}

// splitLines returns the lines of a fixed text with their line ends; the last may have none.
func splitLines(text []byte) []string {
	lines := strings.SplitAfter(string(text), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// lineChange is a line of a diff: ' ' for one that stays, '-' for one that goes, '+' for one that comes.
type lineChange struct {
	op   byte
	line string
}

// diffOf returns the changes from the lines of a file to those of its fix. The documents of a stream are compared one by one, which
// keeps the work in proportion to the text.
func diffOf(before, after []string) []lineChange {
	a, b := documentLines(before), documentLines(after)
	if len(a) != len(b) {
		return compareLines(before, after)
	}
	var out []lineChange
	for i := range a {
		out = append(out, compareLines(a[i], b[i])...)
	}
	return out
}

// documentLines cuts the lines of a fixed file before each line that begins a document.
func documentLines(lines []string) [][]string {
	var out [][]string
	start := 0
	for i, line := range lines {
		if i > 0 && strings.HasPrefix(line, "---") {
			out = append(out, lines[start:i])
			start = i
		}
	}
	return append(out, lines[start:])
}

// compareLines returns the changes between two texts: the shortest list of them that is found with reasonable work (E. W. Myers, An
// O(ND) difference algorithm and its variations).
func compareLines(a, b []string) []lineChange {
	var head, tail []lineChange
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, lineChange{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, lineChange{' ', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	slices.Reverse(tail)
	return slices.Concat(head, shortestChanges(a, b), tail)
}

// mostSteps is how many changed lines a diff of a fix compares at once. Where there are more, the best start is taken and the rest
// compared from there: the diff may then be longer than it has to be.
const mostSteps = 400

// shortestChanges returns the changes between two lists of lines.
func shortestChanges(a, b []string) []lineChange {
	var out []lineChange
	for len(a)+len(b) > 0 {
		x, y, trace := nextChanges(a, b)
		out = append(out, backtrack(a[:x], b[:y], trace)...)
		a, b = a[x:], b[y:]
	}
	return out
}

// reach is, for a number of changes of a diff, how far in the first text each diagonal gets, also beyond the end; the middle one is that
// of equal indexes.
type reach []int32

// at returns how far the diff gets on the diagonal k; -1 for one that is not reached.
func (r reach) at(k int) int {
	if i := k + len(r)/2; i >= 0 && i < len(r) {
		return int(r[i])
	}
	return -1
}

// nextChanges returns how many lines of two texts the first changes of a diff go through, all if there are not too many, and how far
// each number of changes had reached before.
func nextChanges(a, b []string) (x, y int, trace []reach) {
	reached := reach{-1, -1, 0}
	for d := 0; ; d++ {
		trace = append(trace, reached)
		next := make(reach, 2*d+3)
		best, bestSum := 0, 0
		for k := -d; k <= d; k += 2 {
			x := furthest(reached, k, d)
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			next[k+len(next)/2] = int32(x) //nolint:gosec // G115: a number of lines of 16 MiB
			switch inside := x <= len(a) && x-k <= len(b); {
			case x == len(a) && x-k == len(b):
				return x, x - k, trace
			case inside && 2*x-k > bestSum:
				best, bestSum = k, 2*x-k
			}
		}
		if d >= mostSteps && bestSum > 0 {
			return next.at(best), next.at(best) - best, trace
		}
		reached = next
	}
}

// goesDown reports whether the d-th change of a diff that ends on a diagonal adds a line, and does not take one away.
func goesDown(reached reach, k, d int) bool {
	return k == -d || k != d && reached.at(k-1) < reached.at(k+1)
}

// furthest returns where the d-th change of a diff gets on a diagonal, before the lines that are equal there.
func furthest(reached reach, k, d int) int {
	if goesDown(reached, k, d) {
		return reached.at(k + 1)
	}
	return reached.at(k-1) + 1
}

// backtrack returns the changes of a diff from what each of its steps had reached.
func backtrack(a, b []string, trace []reach) []lineChange {
	var out []lineChange
	x, y := len(a), len(b)
	for d := len(trace) - 1; d >= 0; d-- {
		k := x - y
		down := goesDown(trace[d], k, d)
		movedX := furthest(trace[d], k, d) // where the equal lines begin
		for ; x > movedX; x, y = x-1, y-1 {
			out = append(out, lineChange{' ', a[x-1]})
		}
		switch {
		case d == 0:
		case down:
			out = append(out, lineChange{'+', b[y-1]})
			y--
		default:
			out = append(out, lineChange{'-', a[x-1]})
			x--
		}
	}
	slices.Reverse(out)
	return out
}

// hunk is a part of a diff with its changes and the lines around them.
type hunk struct {
	// from and to are indexes of the changes; beforeLine and afterLine count lines of the two texts from 1.
	from, to, beforeLine, afterLine int
}

// hunksOf returns the parts of a diff that have changes.
func hunksOf(changes []lineChange) []hunk {
	var out []hunk
	before, after := 1, 1
	for i, c := range changes {
		if c.op != ' ' {
			start := i
			b, a := before, after
			for start > 0 && i-start < diffContext && changes[start-1].op == ' ' {
				start, b, a = start-1, b-1, a-1
			}
			end := min(i+1+diffContext, len(changes))
			if n := len(out); n > 0 && start <= out[n-1].to {
				out[n-1].to = max(out[n-1].to, end)
			} else {
				out = append(out, hunk{start, end, b, a})
			}
		}
		if c.op != '+' {
			before++
		}
		if c.op != '-' {
			after++
		}
	}
	return out
}

// write writes a part of a diff with its head.
func (h *hunk) write(b *bytes.Buffer, changes []lineChange) {
	removed, added := 0, 0
	for _, c := range changes[h.from:h.to] {
		if c.op != '+' {
			removed++
		}
		if c.op != '-' {
			added++
		}
	}
	fmt.Fprintf(b, "@@ -%s +%s @@\n", lineRange(h.beforeLine, removed), lineRange(h.afterLine, added))
	for _, c := range changes[h.from:h.to] {
		b.WriteByte(c.op)
		b.WriteString(c.line)
		if !strings.HasSuffix(c.line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// lineRange returns a range of lines as the head of a part of a diff has it.
func lineRange(line, count int) string {
	if count == 0 {
		line--
	}
	return fmt.Sprintf("%d,%d", line, count)
}
