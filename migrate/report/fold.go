package report

import (
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

const (
	// shortenedMark stands for what was left out of a name or a summary for want of room.
	shortenedMark = "…"
	// brokenMark ends a line in the middle of a word, as in a shell.
	brokenMark = `\`
)

// columnsOf returns how many columns of a terminal a line of a report takes. The line is escaped, and may be coloured.
func columnsOf(text string) int {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return twwidth.WidthNoCache(text)
		}
	}
	return len(text)
}

// Fold breaks the escaped text of a report, or of a message, into lines of at most width columns, at spaces. A command in
// quotes stays on one line if a line can hold it: half of one must not be pasted. A word that is longer than a line is
// broken behind one of its separators, or anywhere, and "\" says so: a long path is still there as a whole. The spaces
// with which the text begins are not kept.
func Fold(text string, width int) []string {
	width = max(width, 2) // a character and the mark behind it
	if columnsOf(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for text != "" {
		spaces := len(text) - len(strings.TrimLeft(text, " "))
		gap := text[:spaces]
		text = text[spaces:]
		word := nextWord(text, width)
		text = text[len(word):]
		switch {
		case word == "":
			continue // spaces at the end
		case line != "" && columnsOf(line)+spaces+columnsOf(word) <= width:
			line += gap + word
			continue
		case line != "":
			lines = append(lines, line)
		}
		for columnsOf(word) > width {
			part := breakWord(word, width-columnsOf(brokenMark))
			lines = append(lines, part+brokenMark)
			word = word[len(part):]
		}
		line = word
	}
	return append(lines, line)
}

// nextWord returns the beginning of a report's text up to the next space, or all of a command in quotes that fits into a
// line.
func nextWord(text string, width int) string {
	end := strings.IndexByte(text, ' ')
	if end < 0 {
		return text
	}
	opened := strings.TrimLeft(text[:end], "(")
	if opened == "" || !strings.Contains("'\"`", opened[:1]) || !isToolName(opened[1:]) {
		return text[:end]
	}
	closed := strings.IndexByte(text[end:], opened[0])
	if closed < 0 {
		return text[:end]
	}
	rest := text[end+closed:]
	word := text[:end+closed+len(rest)]
	if i := strings.IndexByte(rest, ' '); i >= 0 {
		word = text[:end+closed+i]
	}
	if columnsOf(word) > width {
		return text[:end]
	}
	return word
}

// isToolName reports whether a word of a report begins a command that people paste into a shell.
func isToolName(word string) bool { return word == "psp2pss" || word == "kubectl" || word == "helm" }

// breakWord returns the beginning of a long word in a report that takes at most width columns, and ends behind a
// separator where the second half of it has one.
func breakWord(word string, width int) string {
	part := prefixOf(word, width)
	if i := strings.LastIndexAny(part, "/,.:;=-_"); i >= len(part)/2 {
		return part[:i+1]
	}
	return part
}

// prefixOf returns as much of the beginning of a report's text as takes at most width columns, and at least one
// character.
func prefixOf(text string, width int) string {
	end, used := 0, 0
	for end < len(text) {
		_, size := utf8.DecodeRuneInString(text[end:])
		if used += columnsOf(text[end : end+size]); used > width && end > 0 {
			break
		}
		end += size
	}
	return text[:end]
}

// suffixOf returns as much of the end of a report's text as takes at most width columns.
func suffixOf(text string, width int) string {
	start, used := len(text), 0
	for start > 0 {
		_, size := utf8.DecodeLastRuneInString(text[:start])
		if used += columnsOf(text[start-size : start]); used > width {
			break
		}
		start -= size
	}
	return text[start:]
}

// shortenMiddle returns a name in a report that takes at most width columns: both ends of it with "…" between them. The
// end of a name tells more often what it is.
func shortenMiddle(name string, width int) string {
	if columnsOf(name) <= width {
		return name
	}
	room := width - columnsOf(shortenedMark)
	if room < 2 {
		return shortenEnd(name, width)
	}
	first := prefixOf(name, room/2)
	return first + shortenedMark + suffixOf(name, room-columnsOf(first))
}

// shortenEnd returns text of a report that takes at most width columns: the beginning of it with "…" behind it.
func shortenEnd(text string, width int) string {
	if columnsOf(text) <= width {
		return text
	}
	room := width - columnsOf(shortenedMark)
	if room < 1 {
		return shortenedMark
	}
	return strings.TrimRight(prefixOf(text, room), " ,;:(") + shortenedMark
}
