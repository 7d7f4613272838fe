package saved

import (
	"bytes"
	stdjson "encoding/json"
	"hash/maphash"
	"reflect"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/json"
)

// Decode decodes a saved document from JSON into a pointer to an empty struct. Keys match case-sensitively, and those that the struct
// does not have are ignored. It returns an error for each key that stands twice, and one for what cannot be decoded; then it leaves the
// struct in no certain state.
func Decode(data []byte, document any) (twice []error, err error) {
	v := reflect.ValueOf(document).Elem()
	if quickly(data, v) {
		return nil, nil
	}
	v.SetZero()
	return json.UnmarshalStrict(data, document, json.DisallowDuplicateFields)
}

// quickly decodes a saved document in one pass, and reports whether it could. It takes what this tool writes, and gives up on all that
// is wrong or only unusual: a key that is not known or stands twice, a value of another type. So whatever it takes, the decoder that
// can say what is wrong takes as well, and makes the same of it.
func quickly(data []byte, v reflect.Value) bool {
	r := &quickReader{data: data, seed: maphash.MakeSeed()}
	if !(quickTypes{}).of(v.Type()).read(r, v) {
		return false
	}
	r.space()
	return r.at == len(data)
}

// mostDepth is how deep the values of a saved document that is read quickly may stand in each other.
const mostDepth = 200

// quickReader reads the JSON of a saved document once, from front to back.
type quickReader struct {
	data  []byte
	at    int
	depth int
	// texts are texts that were read, by a hash: a saved document has most of its texts many times.
	texts [4096]string
	seed  maphash.Seed
	// unescaped holds a text that has escapes while it is read.
	unescaped []byte
}

// space passes over white space.
func (r *quickReader) space() {
	data, at := r.data, r.at
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\r' || data[at] == '\t') {
		at++
	}
	r.at = at
}

// peek returns the first byte that is no white space; 0 at the end.
func (r *quickReader) peek() byte {
	r.space()
	if r.at == len(r.data) {
		return 0
	}
	return r.data[r.at]
}

// take passes over white space and one byte, and reports whether it is the one that is wanted.
func (r *quickReader) take(want byte) bool {
	if r.peek() != want {
		return false
	}
	r.at++
	return true
}

// word passes over a word of JSON, such as null, and reports whether it is there.
func (r *quickReader) word(want string) bool {
	r.space()
	if !bytes.HasPrefix(r.data[r.at:], []byte(want)) {
		return false
	}
	r.at += len(want)
	return true
}

// text returns the bytes of the next value, a text, without its quotation marks. They are good until the next text is read.
func (r *quickReader) text() ([]byte, bool) {
	if !r.take('"') {
		return nil, false
	}
	data, start, plain := r.data, r.at, true
	for at := start; at < len(data); at++ {
		switch c := data[at]; {
		case c == '"':
			r.at = at + 1
			if text := data[start:at]; plain || utf8.Valid(text) {
				return text, true
			}
			return nil, false
		case c == '\\':
			r.at = start
			return r.escaped(at)
		case c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return nil, false
}

// escaped is text for one that has escapes, of which the first stands at a place. The reader stands behind the first quotation mark.
func (r *quickReader) escaped(at int) ([]byte, bool) {
	data, start := r.data, r.at
	out := append(r.unescaped[:0], data[start:at]...)
	for ; at+1 < len(data) && data[at] != '"'; at++ {
		c := data[at]
		if c == '\\' {
			at++
			if c = escape(data[at]); c == 0 {
				r.at = start - 1
				return r.unusualText()
			}
		} else if c < ' ' {
			return nil, false
		}
		out = append(out, c)
	}
	r.at, r.unescaped = at+1, out
	return out, at < len(data) && data[at] == '"' && utf8.Valid(out)
}

// escape returns the character that a letter after a backslash stands for in JSON; 0 where that takes more than the letter to know.
func escape(letter byte) byte {
	switch letter {
	case '"', '\\', '/':
		return letter
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	}
	return 0
}

// unusualText is text for one with any escapes. The reader stands before the first quotation mark.
func (r *quickReader) unusualText() ([]byte, bool) {
	raw, ok := r.raw()
	var text string
	if !ok || !utf8.Valid(raw) || stdjson.Unmarshal(raw, &text) != nil {
		return nil, false
	}
	return []byte(text), true
}

// mostShared is how long a text may be that is kept for the next of its kind.
const mostShared = 300

// string returns a text of its bytes, the same one as before where it is among those kept.
func (r *quickReader) string(text []byte) string {
	if len(text) > mostShared {
		return string(text)
	}
	kept := &r.texts[maphash.Bytes(r.seed, text)%uint64(len(r.texts))]
	if *kept != string(text) {
		*kept = string(text)
	}
	return *kept
}

// mostDigits is how many digits a number has that surely fits.
const mostDigits = 18

// number returns the next value, a whole number.
func (r *quickReader) number() (int64, bool) {
	negative := r.take('-')
	n, start := int64(0), r.at
	for r.at < len(r.data) && r.data[r.at] >= '0' && r.data[r.at] <= '9' {
		n = 10*n + int64(r.data[r.at]-'0')
		r.at++
		if r.at-start > mostDigits {
			return 0, false
		}
	}
	digits := r.data[start:r.at]
	if len(digits) == 0 || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true // what may follow, as .5 or e3, is no end of a value
}

// raw returns the bytes of the next value. That they are JSON is still to be proved.
func (r *quickReader) raw() ([]byte, bool) {
	r.space()
	start, depth := r.at, 0
	for at := start; at < len(r.data); at++ {
		switch r.data[at] {
		case '"':
			for at++; at < len(r.data) && r.data[at] != '"'; at++ {
				if r.data[at] == '\\' {
					at++
				}
			}
		case '{', '[':
			if depth++; depth > mostDepth {
				return nil, false
			}
			continue
		case '}', ']':
			depth--
		case ',', ':', ' ', '\n', '\r', '\t':
			continue
		default: // a number or a word
			for at+1 < len(r.data) && strings.IndexByte(",:}] \n\r\t", r.data[at+1]) < 0 {
				at++
			}
		}
		if depth <= 0 {
			r.at = min(at+1, len(r.data))
			return r.data[start:r.at], depth == 0
		}
	}
	return nil, false
}

// more reads what stands between the items of a list or an object, and reports whether there is another; not ok where neither a comma
// nor the end follows.
func (r *quickReader) more(end byte) (more, ok bool) {
	switch c := r.peek(); c {
	case ',', end:
		r.at++
		return c == ',', true
	}
	return false, false
}
