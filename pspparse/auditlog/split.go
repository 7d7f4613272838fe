package auditlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Limits of what is held of an audit log at once.
const (
	// blockBytes is about how much of a log one processor takes at a time.
	blockBytes = 1 << 20
	// maxUnitBytes is the longest line, or element of a list, that is read. A request with its answer is shorter.
	maxUnitBytes = 16 << 20
	// peekBytes is how much of a log shows in which form it is.
	peekBytes = 64 << 10
)

// block is a part of an audit log: whole lines, or elements of a list.
type block struct {
	data []byte
	// line is the number of the first line, from 1.
	line int
	// list is true where data holds the elements of a list, as units, and not lines.
	list  bool
	units []unit
	// broken are what could not be taken from the log before this block, by line.
	broken []brokenLine
}

// unit is one element of a list in an audit log, and the line that it begins on.
type unit struct {
	start, end, line int
}

// brokenLine is a line of an audit log that is no event, and why.
type brokenLine struct {
	line int
	err  error
}

// errTooLong is the error of a line or an element of an audit log that is too long.
func errTooLong() error { return fmt.Errorf("it is longer than %d MiB", maxUnitBytes>>20) }

// splitter splits an audit log into blocks. next returns io.EOF after the last one.
type splitter interface {
	next() (block, error)
}

// lineSplitter splits an audit log into blocks of whole lines.
type lineSplitter struct {
	from io.Reader
	// rest is what was read beyond the last block.
	rest []byte
	line int
	err  error
}

// next returns the next block of lines.
func (s *lineSplitter) next() (block, error) {
	out := block{line: s.line}
	buf := make([]byte, len(s.rest), max(blockBytes+peekBytes, len(s.rest)+peekBytes))
	copy(buf, s.rest)
	s.rest = nil
	for s.err == nil {
		cut := -1
		if len(buf) >= blockBytes {
			cut = bytes.LastIndexByte(buf, '\n')
		}
		switch {
		case cut >= 0:
			out.data, s.rest = buf[:cut+1], buf[cut+1:]
			s.line += bytes.Count(out.data, []byte{'\n'})
			return out, nil
		case len(buf) > maxUnitBytes:
			return s.skipLongLine(out, buf)
		}
		buf = s.fill(buf)
	}
	if len(buf) == 0 || !errors.Is(s.err, io.EOF) {
		return out, s.err
	}
	if len(buf) > maxUnitBytes && bytes.IndexByte(buf, '\n') < 0 {
		return s.skipLongLine(out, buf)
	}
	out.data = buf
	s.line += bytes.Count(buf, []byte{'\n'})
	return out, nil
}

// fill reads more of the audit log behind what is there.
func (s *lineSplitter) fill(buf []byte) []byte {
	if len(buf) == cap(buf) {
		buf = append(buf, make([]byte, len(buf))...)[:len(buf)]
	}
	n, err := s.from.Read(buf[len(buf):cap(buf)])
	s.err = err
	return buf[:len(buf)+n]
}

// skipLongLine passes over the rest of a line of the audit log that is too long.
func (s *lineSplitter) skipLongLine(out block, buf []byte) (block, error) {
	out.broken = append(out.broken, brokenLine{s.line, errTooLong()})
	for {
		if end := bytes.IndexByte(buf, '\n'); end >= 0 {
			s.rest = bytes.Clone(buf[end+1:])
			s.line++
			return out, nil
		}
		if s.err != nil {
			return out, nil //nolint:nilerr // the next call returns the error
		}
		buf = s.fill(buf[:0])
	}
}

// listSplitter splits an audit log that is one JSON document, or several that may go over many lines, into the elements of its lists.
// It follows the JSON only as far as it needs to find where elements end: each element is checked by whoever decodes it.
type listSplitter struct {
	from io.Reader
	// buf is what was read; at is the place in it that is looked at, and line the line of that.
	buf      []byte
	at, line int
	err      error // of reading
	// lists are the lists and wrappers that are open, from outside to inside: '[' or '{'.
	open []byte
	done error
}

// next returns the next block of elements.
func (s *listSplitter) next() (block, error) {
	if s.done != nil {
		return block{}, s.done
	}
	s.buf = bytes.Clone(s.buf[s.at:])
	s.at = 0
	out := block{line: s.line, list: true}
	for s.at < blockBytes && s.done == nil {
		s.step(&out)
	}
	out.data = s.buf
	if s.done != nil && len(out.units) == 0 && len(out.broken) == 0 {
		return block{}, s.done
	}
	return out, nil
}

// more makes sure that the byte which the splitter is at is there. It returns false at the end of the log.
func (s *listSplitter) more() bool {
	for s.at >= len(s.buf) {
		if s.err != nil {
			return false
		}
		if cap(s.buf)-len(s.buf) < peekBytes {
			grown := make([]byte, len(s.buf), 2*len(s.buf)+2*peekBytes)
			copy(grown, s.buf)
			s.buf = grown
		}
		n, err := s.from.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf, s.err = s.buf[:len(s.buf)+n], err
	}
	return true
}

// space passes over white space, and returns the byte behind it; 0 at the end of the log.
func (s *listSplitter) space() byte {
	for s.more() {
		switch c := s.buf[s.at]; c {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		default:
			return c
		}
		s.at++
	}
	return 0
}

// step takes one element, or what stands between two, from the log.
func (s *listSplitter) step(out *block) {
	c := s.space()
	inList := len(s.open) > 0 && s.open[len(s.open)-1] == '['
	switch {
	case c == 0 && len(s.open) > 0 && errors.Is(s.err, io.EOF):
		s.stop(out, errors.New("the list ends too early"))
	case c == 0:
		s.done = s.err
	case c == ',' && len(s.open) > 0:
		s.at++
	case c == '[' && (len(s.open) == 0 || inList):
		s.open, s.at = append(s.open, '['), s.at+1
		if len(s.open) > 2*maxWrappers {
			s.stop(out, fmt.Errorf("it is wrapped more than %d times", maxWrappers))
		}
	case c == ']' && inList, c == '}' && len(s.open) > 0 && !inList:
		s.open, s.at = s.open[:len(s.open)-1], s.at+1
	case c == '{' && (len(s.open) == 0 || inList):
		s.element(out)
	case c == '"' && len(s.open) > 0 && !inList:
		s.field(out)
	default:
		s.stop(out, fmt.Errorf("%q stands where an element of a list has to be", c))
	}
}

// stop ends the reading of the log: where its next element begins is not known.
func (s *listSplitter) stop(out *block, err error) {
	out.broken = append(out.broken, brokenLine{s.line, fmt.Errorf("%w; the rest of it is not read", err)})
	s.done = io.EOF
	if s.err != nil && !errors.Is(s.err, io.EOF) {
		s.done = s.err
	}
}

// field takes a field of a wrapper that is open: it goes into a list of events, and passes over anything else.
func (s *listSplitter) field(out *block) {
	start := s.at
	if !s.skipText() {
		s.stop(out, errUnexpectedEnd)
		return
	}
	key := string(s.buf[start:s.at])
	if s.space() != ':' {
		s.stop(out, errors.New("a colon is missing"))
		return
	}
	s.at++
	if c := s.space(); c == '[' && fieldOf([]byte(key)) == itemsField {
		s.open, s.at = append(s.open, '['), s.at+1
		return
	}
	if !s.skipValue(nil) {
		s.stop(out, errUnexpectedEnd)
	}
}

// element takes an object: an event, or a wrapper into which the splitter goes.
func (s *listSplitter) element(out *block) {
	start, line := s.at, s.line
	wraps := false
	whole := s.skipValue(&wraps)
	switch {
	case wraps:
		s.at, s.line = start+1, line
		s.open = append(s.open, '{')
	case !whole && s.at-start > maxUnitBytes:
		s.stop(out, errTooLong())
	case !whole:
		s.line = line
		s.stop(out, errUnexpectedEnd)
	default:
		out.units = append(out.units, unit{start, s.at, line})
	}
}

// skipText passes over a JSON string. It returns false if the log ends in it.
func (s *listSplitter) skipText() bool {
	for s.at++; s.more(); s.at++ {
		switch s.buf[s.at] {
		case '"':
			s.at++
			return true
		case '\n':
			s.line++
		case '\\':
			if s.at++; !s.more() {
				return false
			}
		}
	}
	return false
}

// skipValue passes over a value. With wraps it stops, and sets it, at a list of events that is a field of the value itself. It returns
// false if the log ends in the value, or the value is too long.
func (s *listSplitter) skipValue(wraps *bool) bool {
	depth, start := 0, s.at
	key := ""
	for s.more() && s.at-start <= maxUnitBytes {
		switch c := s.buf[s.at]; c {
		case '"':
			from := s.at
			if !s.skipText() {
				return false
			}
			if wraps != nil && depth == 1 {
				key = string(s.buf[from:min(s.at, from+16)])
			}
			if depth == 0 {
				return true
			}
			continue
		case '\n':
			s.line++
		case '{', '[':
			if wraps != nil && depth == 1 && c == '[' && fieldOf([]byte(key)) == itemsField {
				*wraps = true
				return false
			}
			depth++
		case '}', ']':
			if depth == 0 {
				return true // of what the value is in
			}
			if depth--; depth == 0 {
				s.at++
				return true
			}
		case ',':
			if depth == 0 {
				return true
			}
		}
		s.at++
	}
	return false
}

// isList reports, by how an audit log begins, whether it is a list, or a document that goes over several lines, and not lines of JSON.
func isList(begin []byte) bool {
	begin = bytes.TrimLeft(begin, " \t\r\n")
	if len(begin) == 0 {
		return false
	}
	if begin[0] == '[' {
		return true
	}
	if begin[0] != '{' {
		return false
	}
	first, _, more := bytes.Cut(begin, []byte{'\n'})
	s := &listSplitter{buf: begin, err: io.EOF}
	wraps := false
	if s.skipValue(&wraps); wraps {
		return true
	}
	if !more {
		return false
	}
	// An object that goes on in the next line: that has to begin with a key.
	first = bytes.TrimRight(first, " \t\r")
	if c := first[len(first)-1]; c != '{' && c != ',' && c != '[' {
		return false
	}
	next := bytes.TrimLeft(begin[len(first):], " \t\r\n")
	return len(next) > 0 && next[0] == '"'
}
