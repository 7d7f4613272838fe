package auditlog

import (
	"errors"
	"fmt"
)

// maxDepth is how deep JSON of an audit log may be nested, as in encoding/json.
const maxDepth = 10_000

// errUnexpectedEnd is the error of JSON in an audit log that ends too early.
var errUnexpectedEnd = errors.New("the JSON ends too early")

// scanner walks over a JSON text of an audit log without decoding it. It accepts what encoding/json accepts.
type scanner struct {
	data  []byte
	at    int
	depth int
}

// fail returns the error for the byte of the JSON text that the scanner is at.
func (s *scanner) fail(wanted string) error {
	if s.at >= len(s.data) {
		return errUnexpectedEnd
	}
	return fmt.Errorf("%q at byte %d of the JSON, where %s has to be", s.data[s.at], s.at+1, wanted)
}

// skipSpace passes over white space of the JSON text.
func (s *scanner) skipSpace() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// peek returns the byte of the JSON text that is next, 0 at its end.
func (s *scanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

// value passes over one value of the JSON text.
func (s *scanner) value() error {
	switch c := s.peek(); {
	case c == '"':
		return s.text()
	case c == '{':
		return s.object(nil)
	case c == '[':
		return s.array(nil)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.fail("a value")
}

// literal passes over one of the words of JSON.
func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if s.peek() != word[i] {
			return s.fail("the word " + word)
		}
		s.at++
	}
	return nil
}

// text passes over a string of the JSON text.
func (s *scanner) text() error {
	for s.at++; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < ' ':
			return s.fail("an escaped character")
		}
	}
	return errUnexpectedEnd
}

// escape passes over an escape of a JSON string, but for its last byte.
func (s *scanner) escape() error {
	s.at++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return s.fail("an escape")
	}
	for range 4 {
		s.at++
		if c := s.peek(); (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return s.fail("a hexadecimal digit")
		}
	}
	return nil
}

// digits passes over the digits of a JSON number, of which there has to be one.
func (s *scanner) digits() error {
	if c := s.peek(); c < '0' || c > '9' {
		return s.fail("a digit")
	}
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	return nil
}

// number passes over a number of the JSON text.
func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.peek() == '.' {
		s.at++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		return s.digits()
	}
	return nil
}

// enter counts one more level of nesting of the JSON text.
func (s *scanner) enter() error {
	s.at++
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	return nil
}

// object passes over an object of the JSON text. It calls field, if it is not nil, with each key and value as they are written.
func (s *scanner) object(field func(key, value []byte) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	s.skipSpace()
	if s.peek() == '}' {
		s.at++
		return nil
	}
	for {
		s.skipSpace()
		if s.peek() != '"' {
			return s.fail("a key")
		}
		start := s.at
		if err := s.text(); err != nil {
			return err
		}
		key := s.data[start:s.at]
		s.skipSpace()
		if s.peek() != ':' {
			return s.fail("a colon")
		}
		s.at++
		s.skipSpace()
		start = s.at
		if err := s.value(); err != nil {
			return err
		}
		if field != nil {
			if err := field(key, s.data[start:s.at]); err != nil {
				return err
			}
		}
		s.skipSpace()
		switch s.peek() {
		case ',':
			s.at++
		case '}':
			s.at++
			return nil
		default:
			return s.fail("a comma or the end of the object")
		}
	}
}

// array passes over an array of the JSON text. It calls element, if it is not nil, with each value as it is written.
func (s *scanner) array(element func(value []byte) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	s.skipSpace()
	if s.peek() == ']' {
		s.at++
		return nil
	}
	for {
		s.skipSpace()
		start := s.at
		if err := s.value(); err != nil {
			return err
		}
		if element != nil {
			if err := element(s.data[start:s.at]); err != nil {
				return err
			}
		}
		s.skipSpace()
		switch s.peek() {
		case ',':
			s.at++
		case ']':
			s.at++
			return nil
		default:
			return s.fail("a comma or the end of the array")
		}
	}
}

// end returns an error if anything but white space is left of the JSON text.
func (s *scanner) end() error {
	if s.skipSpace(); s.at < len(s.data) {
		return s.fail("the end")
	}
	return nil
}

// eachField calls a function with each key and value of a JSON object as they are written. It returns an error if the text is no
// JSON object.
func eachField(data []byte, field func(key, value []byte) error) error {
	s := &scanner{data: data}
	if s.skipSpace(); s.peek() != '{' {
		return s.fail("an object")
	}
	if err := s.object(field); err != nil {
		return err
	}
	return s.end()
}

// eachElement calls a function with each value of a JSON array as it is written. It returns an error if the text is no JSON array.
func eachElement(data []byte, element func(value []byte) error) error {
	s := &scanner{data: data}
	if s.skipSpace(); s.peek() != '[' {
		return s.fail("an array")
	}
	if err := s.array(element); err != nil {
		return err
	}
	return s.end()
}
