package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// syntaxError is a syntax error in the text of a file's document, with its line.
type syntaxError struct {
	// line is the line in the file.
	line int
	// msg is the message without the line.
	msg string
	// truncated is set where the text ends too early, duplicateKey where a key stands twice.
	truncated, duplicateKey bool
}

// Error returns what is wrong with the text of the document, without the line.
func (e *syntaxError) Error() string { return e.msg }

// errStopScan ends a scan of JSON early; it is not a failure.
var errStopScan = errors.New("stop")

// jsonScanner finds where the JSON values of a file begin and end, without decoding them: it looks at brackets, strings
// and the members of one object. The decoder of a value checks what lies between. ADR-0001 has the reason.
type jsonScanner struct {
	// input is the text, at the place of the scanner.
	input *lineBuffer
	// maxBytes is how much is held of one value.
	maxBytes int
	// maxDepth is how deep one value may nest.
	maxDepth int
	// exceeded is set where white space between values was not held.
	exceeded exceededLimit
}

// exceededLimit is the limit that a document or item of a file exceeds; "" if none. It reads as the end of "it is ...".
type exceededLimit string

const (
	// exceedsSize is for more than Limits.DocumentBytes.
	exceedsSize exceededLimit = "too large"
	// exceedsDepth is for more than Limits.Depth levels.
	exceedsDepth exceededLimit = "nested too deeply"
)

// newLineBufferOfText returns a buffer that holds all of a document's text whose first byte stands on the given line.
func newLineBufferOfText(text []byte, line int) *lineBuffer {
	return &lineBuffer{buf: text, sourceErr: io.EOF, line: line}
}

// syntaxErrorf returns a syntax error in the JSON of the file on the current line.
func (s *jsonScanner) syntaxErrorf(format string, args ...any) error {
	return &syntaxError{line: s.input.lineAt(s.input.pos), msg: fmt.Sprintf(format, args...)}
}

// truncatedError returns the error of a JSON file that ends too early.
func (s *jsonScanner) truncatedError() error {
	return &syntaxError{line: s.input.lineAt(s.input.pos), msg: "it ends in the middle of a value: the input is cut off", truncated: true}
}

// skipWhitespace moves past white space in the JSON of a file and returns the byte that follows, 0 at the end of the
// input. White space beyond the limit is not held, nor is what stands before it.
func (s *jsonScanner) skipWhitespace() byte {
	for {
		for i, c := range s.input.buf[s.input.pos:] {
			if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				s.input.pos += i
				return c
			}
		}
		s.input.pos = len(s.input.buf)
		if s.input.pos-s.input.start > s.maxBytes {
			s.exceeded = exceedsSize
			s.input.discardKept()
		}
		if !s.input.readMore() {
			return 0
		}
	}
}

// scanObject moves through the JSON object at the current place of the file. For each member it calls member with the
// place at the value, which member has to move past.
func (s *jsonScanner) scanObject(member func(key string) error) error {
	s.input.pos++ // {
	if s.skipWhitespace() == '}' {
		s.input.pos++
		return nil
	}
	for {
		key, err := s.scanKey()
		if err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		done, err := s.scanSeparator('}')
		if done || err != nil {
			return err
		}
	}
}

// scanArray moves through the JSON array at the current place of the file, and calls element with the place at each
// element.
func (s *jsonScanner) scanArray(element func() error) error {
	s.input.pos++ // [
	if s.skipWhitespace() == ']' {
		s.input.pos++
		return nil
	}
	for {
		s.skipWhitespace()
		if err := element(); err != nil {
			return err
		}
		done, err := s.scanSeparator(']')
		if done || err != nil {
			return err
		}
	}
}

// scanSeparator moves past the comma or the closing bracket after a JSON value of the file, and reports whether it was
// the bracket.
func (s *jsonScanner) scanSeparator(end byte) (done bool, err error) {
	switch c := s.skipWhitespace(); c {
	case ',':
		s.input.pos++
		return false, nil
	case end:
		s.input.pos++
		return true, nil
	case 0:
		return true, s.truncatedError()
	default:
		return true, s.syntaxErrorf("expected ',' or %q after a value, found %q", end, c)
	}
}

// scanKey moves past a JSON key of the file and the colon after it, and returns the key.
func (s *jsonScanner) scanKey() (string, error) {
	switch c := s.skipWhitespace(); c {
	case '"':
	case 0:
		return "", s.truncatedError()
	default:
		return "", s.syntaxErrorf("expected a quoted key, found %q", c)
	}
	text, over, err := s.scanValueText()
	if err != nil {
		return "", err
	}
	if over != "" {
		return "", s.syntaxErrorf("a key is %s", over)
	}
	key, err := unquoteJSON(text)
	if err != nil {
		return "", s.syntaxErrorf("reading a key: %v", err)
	}
	switch c := s.skipWhitespace(); c {
	case ':':
		s.input.pos++
		s.skipWhitespace()
		return key, nil
	case 0:
		return "", s.truncatedError()
	default:
		return "", s.syntaxErrorf("expected ':' after the key %q, found %q", key, c)
	}
}

// unquoteJSON returns the value of a JSON string as it stands in a file.
func unquoteJSON(text []byte) (string, error) {
	if len(text) >= 2 && bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text[1 : len(text)-1]), nil
	}
	var s string
	err := json.Unmarshal(text, &s)
	return s, err
}

// scanValueText moves past a JSON value of the file and returns its text, or the limit that it exceeds.
func (s *jsonScanner) scanValueText() ([]byte, exceededLimit, error) {
	from := s.input.pos - s.input.start
	over, err := s.skipValue()
	if err != nil || over != "" {
		return nil, over, err
	}
	return s.input.buf[s.input.start+from : s.input.pos], "", nil
}

// skipValue moves past a JSON value of the file. Where that exceeds a limit, nothing of it is held.
func (s *jsonScanner) skipValue() (exceededLimit, error) {
	switch c := s.skipWhitespace(); {
	case c == '"':
		s.input.pos++
		return s.skipNested(true)
	case c|0x20 == '{':
		return s.skipNested(false)
	case c == 0:
		return "", s.truncatedError()
	case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
		return "", s.skipLiteral()
	default:
		return "", s.syntaxErrorf("expected a value, found %q", c)
	}
}

// whyNoServerStoresJSON returns why no API server stores an object with this JSON of a file, "" if one may. What no
// decoder would take counts, too.
func whyNoServerStoresJSON(data []byte, l Limits) string {
	if len(data) <= uncheckedObjectBytes {
		return ""
	}
	bytes, values := 0, 0
	var entries []int // of each list and map that is open
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c <= ' ':
			continue
		case c == '"':
			end, _, _ := jsonStringEnd(data, i+1)
			bytes += end - i - 1
			i = end - 1
		case c|0x20 == '{':
			entries = append(entries, 1)
		case c|0x20 == '}' && len(entries) > 0:
			entries = entries[:len(entries)-1]
		case c == ',' && len(entries) > 0:
			values++
			if entries[len(entries)-1]++; entries[len(entries)-1] > maxListEntries {
				return tooManyEntriesReason
			}
		}
		bytes++
	}
	switch {
	case bytes > maxObjectBytes:
		return objectTooLargeReason
	case values > l.Values:
		return tooManyValuesReason(l)
	}
	return ""
}

// skipLiteral moves past a number, true, false or null in the JSON of a file.
func (s *jsonScanner) skipLiteral() error {
	for {
		for i, c := range s.input.buf[s.input.pos:] {
			if c == ',' || c == '}' || c == ']' || c <= ' ' {
				s.input.pos += i
				return nil
			}
		}
		s.input.pos = len(s.input.buf)
		if s.input.pos-s.input.start > s.maxBytes {
			return s.syntaxErrorf("expected a value, found a word without end")
		}
		if !s.input.readMore() {
			return nil
		}
	}
}

// skipNested moves past a JSON object or array of the file, or with quoted past the rest of a string.
func (s *jsonScanner) skipNested(quoted bool) (over exceededLimit, err error) {
	depth, escaped := 0, false
	for {
		b := s.input.buf[s.input.pos:]
		i := 0
		if escaped && len(b) > 0 {
			i, escaped = 1, false
		}
		for i < len(b) {
			if quoted {
				i, quoted, escaped = jsonStringEnd(b, i)
				if quoted {
					break
				}
				if depth == 0 {
					s.input.pos += i
					return s.exceededSoFar(over), nil
				}
				continue
			}
			switch c := b[i]; {
			case c == ' ':
				i = skipSpaces(b, i)
				continue
			case c == '"':
				quoted = true
			case c|0x20 == '{':
				if depth++; depth > s.maxDepth {
					over = exceedsDepth
				}
			case c|0x20 == '}':
				if depth--; depth == 0 {
					s.input.pos += i + 1
					return s.exceededSoFar(over), nil
				}
			}
			i++
		}
		s.input.pos = len(s.input.buf)
		if over = s.exceededSoFar(over); over != "" {
			s.input.discardKept()
		}
		if !s.input.readMore() {
			return over, s.truncatedError()
		}
	}
}

// exceededSoFar returns the limit that a JSON value of the file exceeds, now that more of it is held.
func (s *jsonScanner) exceededSoFar(over exceededLimit) exceededLimit {
	if over == "" && s.input.pos-s.input.start > s.maxBytes {
		return exceedsSize
	}
	return over
}

// eightSpaces is what most of the indentation in kubectl's JSON consists of: half of the text.
const eightSpaces = "        "

// skipSpaces returns the index of the first byte of a file's JSON from i on that is no space. It compares eight bytes
// at a time.
func skipSpaces(b []byte, i int) int {
	for i+len(eightSpaces) <= len(b) && string(b[i:i+len(eightSpaces)]) == eightSpaces {
		i += len(eightSpaces)
	}
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

// jsonStringEnd finds the end of the JSON string whose content goes on at b[i]. Where b ends first, open is true, and
// escaped says whether the last byte is a backslash that takes the next byte with it.
func jsonStringEnd(b []byte, i int) (next int, open, escaped bool) {
	from := i
	for {
		quote := bytes.IndexByte(b[i:], '"')
		if quote < 0 {
			return len(b), true, trailingBackslashes(b[from:])%2 == 1
		}
		n := i + quote
		i = n + 1
		if n == from || b[n-1] != '\\' || trailingBackslashes(b[from:n])%2 == 0 {
			return i, false, false
		}
	}
}

// trailingBackslashes returns how many backslashes a piece of a JSON string ends in.
func trailingBackslashes(b []byte) int {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n
}
