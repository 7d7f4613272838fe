package files

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"unicode/utf8"
)

// syntaxError is text that is not what it should be, with the line it is on.
type syntaxError struct {
	line int
	msg  string
	// cut is set where the text ended too early, twice where a key is given twice.
	cut, twice bool
}

func (e *syntaxError) Error() string { return e.msg }

// errStop ends a walk over members early; it is not a failure.
var errStop = errors.New("stop")

// jsonScanner finds where JSON values begin and end, without decoding them: only brackets, strings and the members of
// one object are looked at. What lies between is for the decoder of the value to judge.
type jsonScanner struct {
	w     *window
	limit int // bytes kept of one value
	depth int // nesting within one value
	// over is set where white space between values was not kept.
	over oversize
}

// oversize says why a value was passed over, "" if it was kept.
type oversize string

const (
	tooLarge oversize = "too large"
	tooDeep  oversize = "nested too deeply"
)

// memory is a window on text that is all there.
func memory(text []byte, line int) *window {
	return &window{buf: text, err: io.EOF, line: line}
}

func (s *jsonScanner) fail(format string, args ...any) error {
	return &syntaxError{line: s.w.lineAt(s.w.pos), msg: fmt.Sprintf(format, args...)}
}

func (s *jsonScanner) cut() error {
	return &syntaxError{line: s.w.lineAt(s.w.pos), msg: "it ends in the middle of a value: the input is cut off", cut: true}
}

// next skips white space and returns the byte at pos, 0 at the end. White space beyond the limit is not kept, nor is what
// stands before it.
func (s *jsonScanner) next() byte {
	for {
		for i, c := range s.w.buf[s.w.pos:] {
			if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				s.w.pos += i
				return c
			}
		}
		s.w.pos = len(s.w.buf)
		if s.w.pos-s.w.start > s.limit {
			s.over = tooLarge
			s.w.release()
		}
		if !s.w.more() {
			return 0
		}
	}
}

// object walks over the object at pos. For each member it calls member with pos at the value, which member must move
// past.
func (s *jsonScanner) object(member func(key string) error) error {
	s.w.pos++ // {
	if s.next() == '}' {
		s.w.pos++
		return nil
	}
	for {
		key, err := s.key()
		if err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		done, err := s.separator('}')
		if done || err != nil {
			return err
		}
	}
}

// array walks over the array at pos, calling element with pos at each.
func (s *jsonScanner) array(element func() error) error {
	s.w.pos++ // [
	if s.next() == ']' {
		s.w.pos++
		return nil
	}
	for {
		s.next()
		if err := element(); err != nil {
			return err
		}
		done, err := s.separator(']')
		if done || err != nil {
			return err
		}
	}
}

func (s *jsonScanner) separator(end byte) (done bool, err error) {
	switch c := s.next(); c {
	case ',':
		s.w.pos++
		return false, nil
	case end:
		s.w.pos++
		return true, nil
	case 0:
		return true, s.cut()
	default:
		return true, s.fail("expected ',' or %q after a value, found %q", end, c)
	}
}

func (s *jsonScanner) key() (string, error) {
	switch c := s.next(); c {
	case '"':
	case 0:
		return "", s.cut()
	default:
		return "", s.fail("expected a quoted key, found %q", c)
	}
	text, over, err := s.text()
	if err != nil {
		return "", err
	}
	if over != "" {
		return "", s.fail("a key is %s", over)
	}
	key, err := unquote(text)
	if err != nil {
		return "", s.fail("reading a key: %v", err)
	}
	switch c := s.next(); c {
	case ':':
		s.w.pos++
		s.next()
		return key, nil
	case 0:
		return "", s.cut()
	default:
		return "", s.fail("expected ':' after the key %q, found %q", key, c)
	}
}

func unquote(text []byte) (string, error) {
	if len(text) >= 2 && bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text[1 : len(text)-1]), nil
	}
	var s string
	err := json.Unmarshal(text, &s)
	return s, err
}

// text moves past the value at pos and returns it.
func (s *jsonScanner) text() ([]byte, oversize, error) {
	from := s.w.pos - s.w.start
	over, err := s.value()
	if err != nil || over != "" {
		return nil, over, err
	}
	return s.w.buf[s.w.start+from : s.w.pos], "", nil
}

// value moves past the value at pos. If it is over the limits nothing of it is kept.
func (s *jsonScanner) value() (oversize, error) {
	switch c := s.next(); {
	case c == '"':
		s.w.pos++
		return s.nested(true)
	case c|0x20 == '{':
		return s.nested(false)
	case c == 0:
		return "", s.cut()
	case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
		return "", s.word()
	default:
		return "", s.fail("expected a value, found %q", c)
	}
}

// weigh says why no API server stores an object of this JSON, "" if one may. What no decoder would take weighs something,
// too: it is told elsewhere.
func weigh(data []byte, l Limits) string {
	if len(data) <= sureObject {
		return ""
	}
	bytes, values := 0, 0
	var entries []int // of each list and map that is open
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c <= ' ':
			continue
		case c == '"':
			end, _, _ := endOfString(data, i+1)
			bytes += end - i - 1
			i = end - 1
		case c|0x20 == '{':
			entries = append(entries, 1)
		case c|0x20 == '}' && len(entries) > 0:
			entries = entries[:len(entries)-1]
		case c == ',' && len(entries) > 0:
			values++
			if entries[len(entries)-1]++; entries[len(entries)-1] > maxEntries {
				return tooLong
			}
		}
		bytes++
	}
	switch {
	case bytes > maxObject:
		return tooHeavy
	case values > l.Values:
		return tooMany(l)
	}
	return ""
}

// word moves past a number, true, false or null.
func (s *jsonScanner) word() error {
	for {
		for i, c := range s.w.buf[s.w.pos:] {
			if c == ',' || c == '}' || c == ']' || c <= ' ' {
				s.w.pos += i
				return nil
			}
		}
		s.w.pos = len(s.w.buf)
		if s.w.pos-s.w.start > s.limit {
			return s.fail("expected a value, found a word without end")
		}
		if !s.w.more() {
			return nil
		}
	}
}

// nested moves past a map or list at pos, or (quoted) the rest of a string.
func (s *jsonScanner) nested(quoted bool) (over oversize, err error) {
	depth, escaped := 0, false
	for {
		b := s.w.buf[s.w.pos:]
		i := 0
		if escaped && len(b) > 0 {
			i, escaped = 1, false
		}
		for i < len(b) {
			if quoted {
				i, quoted, escaped = endOfString(b, i)
				if quoted {
					break
				}
				if depth == 0 {
					s.w.pos += i
					return s.checked(over), nil
				}
				continue
			}
			switch c := b[i]; {
			case c == ' ':
				i = afterSpaces(b, i)
				continue
			case c == '"':
				quoted = true
			case c|0x20 == '{':
				if depth++; depth > s.depth {
					over = tooDeep
				}
			case c|0x20 == '}':
				if depth--; depth == 0 {
					s.w.pos += i + 1
					return s.checked(over), nil
				}
			}
			i++
		}
		s.w.pos = len(s.w.buf)
		if over = s.checked(over); over != "" {
			s.w.release()
		}
		if !s.w.more() {
			return over, s.cut()
		}
	}
}

// checked adds the size of what is kept to what is known.
func (s *jsonScanner) checked(over oversize) oversize {
	if over == "" && s.w.pos-s.w.start > s.limit {
		return tooLarge
	}
	return over
}

const (
	eachByte   = 0x0101010101010101
	highBits   = 0x80 * eachByte
	spaces     = ' ' * eachByte
	quotes     = '"' * eachByte
	wordLength = 8
)

// afterSpaces skips spaces, eight at a time: half of what kubectl prints is indentation.
func afterSpaces(b []byte, i int) int {
	for i+wordLength <= len(b) && binary.LittleEndian.Uint64(b[i:]) == spaces {
		i += wordLength
	}
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

// indexQuote is the index of the next quote from i on, -1 if there is none. Most strings are too short for IndexByte to
// pay off at once.
func indexQuote(b []byte, i int) int {
	for end := min(len(b), i+4*wordLength); i+wordLength <= end; i += wordLength {
		v := binary.LittleEndian.Uint64(b[i:]) ^ quotes
		if found := (v - eachByte) &^ v & highBits; found != 0 {
			return i + bits.TrailingZeros64(found)/wordLength
		}
	}
	if n := bytes.IndexByte(b[i:], '"'); n >= 0 {
		return i + n
	}
	return -1
}

// endOfString looks for the end of the string whose content goes on at b[i]. Where b ends first, open is true, and
// escaped tells whether its last byte is a backslash that takes the next byte with it.
func endOfString(b []byte, i int) (next int, open, escaped bool) {
	from := i
	for {
		n := indexQuote(b, i)
		if n < 0 {
			return len(b), true, backslashes(b[from:])%2 == 1
		}
		i = n + 1
		if n == from || b[n-1] != '\\' || backslashes(b[from:n])%2 == 0 {
			return i, false, false
		}
	}
}

func backslashes(b []byte) int {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n
}
