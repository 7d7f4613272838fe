package yamledit

import (
	"bytes"
	"errors"
	"slices"
	"unicode/utf8"
)

// lineIndex finds bytes of a YAML or JSON text by line and column.
type lineIndex struct {
	text []byte
	// starts are the offsets of the lines' first bytes.
	starts []int
	// marks are, of lines that are not ASCII, the offsets of every markEvery-th code point.
	marks map[int][]int
	// passed counts the bytes that were looked at one by one, each as often as that was done: it must not grow with the square of a line.
	passed int
}

// pass counts the bytes of the YAML text from one offset to another as looked at, and returns the latter.
func (x *lineIndex) pass(from, to int) int {
	x.passed += to - from
	return to
}

// markEvery is how many code points of a line are counted to find one of them.
const markEvery = 256

// newLineIndex returns the index of the lines of a YAML or JSON text.
func newLineIndex(text []byte) *lineIndex {
	x := &lineIndex{text: text, starts: []int{0}, marks: map[int][]int{}}
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return x
		}
		at += i + 1
		x.starts = append(x.starts, at)
	}
}

// errNoPlace says that a node of the YAML tree is not where its line and column say.
var errNoPlace = errors.New("the parser names a place that is not there")

// offset returns the offset of a code point of the YAML text by line and column, both from 1.
func (x *lineIndex) offset(line, column int) (int, error) {
	if line < 1 || line > len(x.starts) || column < 1 {
		return 0, errNoPlace
	}
	start, end := x.starts[line-1], len(x.text)
	if line < len(x.starts) {
		end = x.starts[line]
	}
	marks, known := x.marks[line]
	if !known {
		marks = markLine(x.text, start, x.pass(start, end))
		x.marks[line] = marks
	}
	at := start + column - 1
	if marks != nil {
		if (column-1)/markEvery >= len(marks) {
			return 0, errNoPlace
		}
		at = marks[(column-1)/markEvery]
		for range (column - 1) % markEvery {
			_, size := utf8.DecodeRune(x.text[at:end])
			if at += size; size == 0 {
				return 0, errNoPlace
			}
		}
		x.pass(marks[(column-1)/markEvery], at)
	}
	if at > end {
		return 0, errNoPlace
	}
	return at, nil
}

// markLine returns the offsets of every markEvery-th code point of a line of YAML text; nil if all of the line is ASCII.
func markLine(text []byte, start, end int) []int {
	if !slices.ContainsFunc(text[start:end], func(c byte) bool { return c >= utf8.RuneSelf }) {
		return nil
	}
	var marks []int
	for at, n := start, 0; at < end; n++ {
		if n%markEvery == 0 {
			marks = append(marks, at)
		}
		_, size := utf8.DecodeRune(text[at:end])
		at += size
	}
	return append(marks, end)
}

// lineOf returns the index in starts of the line that a byte of the YAML text is in.
func (x *lineIndex) lineOf(offset int) int {
	i, found := slices.BinarySearch(x.starts, offset)
	if found {
		return i
	}
	return i - 1
}

// lineStart returns the offset of the first byte of the line of YAML text that a byte is in.
func (x *lineIndex) lineStart(offset int) int { return x.starts[x.lineOf(offset)] }

// lineEnd returns the offset of the end of the line of YAML text that a byte is in, before its line feed or CRLF.
func (x *lineIndex) lineEnd(offset int) int {
	i := x.lineOf(offset)
	if i+1 == len(x.starts) {
		return len(x.text)
	}
	end := x.starts[i+1] - 1
	if end > x.starts[i] && x.text[end-1] == '\r' {
		end--
	}
	return end
}

// column returns how many bytes stand before a byte on its line of YAML text.
func (x *lineIndex) column(offset int) int { return offset - x.lineStart(offset) }
