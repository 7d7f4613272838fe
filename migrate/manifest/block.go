package manifest

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// blockWriter writes the YAML of a value from its JSON text, without a tree of it. It writes what the encoder of package yaml would.
type blockWriter struct {
	in  []byte // what is left of the JSON text, without spaces
	out []byte
	// failed is true where the value has something that only the encoder writes: text of several lines, or a key that is
	// long or does not show as itself.
	failed bool
}

// mostKeyBytes is how long the key of a YAML mapping may be before the encoder may write it in another form.
const mostKeyBytes = 100

// appendBlockYAML appends to a buffer the YAML document of a value of which the compact JSON is given, in block style. It reports false
// where it cannot.
func appendBlockYAML(out, compact []byte) ([]byte, bool) {
	w := blockWriter{in: bytes.TrimSpace(compact), out: out}
	w.value(0, true)
	if w.failed || len(w.in) > 0 {
		return out, false
	}
	return w.out, true
}

// appendBlockItem appends to a buffer an item of a list that stands at the top of a YAML document, of which the compact JSON is given. It
// reports false where it cannot.
func appendBlockItem(out, compact []byte) ([]byte, bool) {
	w := blockWriter{in: bytes.TrimSpace(compact), out: append(out, "  - "...)}
	w.value(4, true)
	if w.failed || len(w.in) > 0 {
		return out, false
	}
	return w.out, true
}

// value writes the next JSON value as YAML. indent is that of the items of a mapping or list; inline is true where they begin on the
// line that was begun.
func (w *blockWriter) value(indent int, inline bool) {
	switch {
	case len(w.in) == 0:
		w.failed = true
	case bytes.HasPrefix(w.in, []byte("{}")), bytes.HasPrefix(w.in, []byte("[]")):
		w.scalar(w.in[:2], inline)
	case w.in[0] == '{' || w.in[0] == '[':
		w.items(indent, inline)
	default:
		w.scalar(w.in[:jsonScalarLength(w.in)], inline)
	}
}

// scalar writes a JSON scalar, or an empty collection, with which the text that is left begins, as YAML.
func (w *blockWriter) scalar(text []byte, inline bool) {
	if !inline {
		w.out = append(w.out, ' ')
	}
	w.in = w.in[len(text):]
	inner := unquoted(text)
	switch {
	case isBareText(inner):
		w.out = append(w.out, inner...)
	case inner != nil:
		w.text(text)
	default:
		w.out = append(w.out, text...)
	}
	w.out = append(w.out, '\n')
}

// items writes the JSON mapping or list with which the text that is left begins as YAML.
func (w *blockWriter) items(indent int, inline bool) {
	isList := w.in[0] == '['
	if !inline {
		w.out = append(w.out, '\n')
	}
	for first := true; !w.failed; first = false {
		w.in = w.in[1:] // the bracket or the comma
		if !inline || !first {
			w.indent(indent)
		}
		if isList {
			w.out = append(w.out, "- "...)
			w.value(indent+2, true)
		} else {
			w.key()
			w.value(indent+2, false)
		}
		if len(w.in) == 0 {
			w.failed = true
		} else if w.in[0] != ',' {
			w.in = w.in[1:]
			return
		}
	}
}

// indent writes the spaces before an item of YAML.
func (w *blockWriter) indent(n int) {
	for range n {
		w.out = append(w.out, ' ')
	}
}

// key writes the key of a JSON mapping as that of a YAML mapping, with its colon.
func (w *blockWriter) key() {
	n := jsonScalarLength(w.in)
	if n == 0 || n > mostKeyBytes || n >= len(w.in) {
		w.failed = true
		return
	}
	name, out, ok := w.in[:n], w.out, true
	w.in = w.in[n+1:]
	if inner := unquoted(name); isBareText(inner) {
		out = append(out, inner...)
	} else {
		var s string
		if s, ok = stringOfJSON(name); ok {
			out, ok = appendShownText(out, s)
		}
	}
	w.out, w.failed = append(out, ':'), !ok
}

// unquoted returns what a JSON string has between its quotes; nil for another scalar.
func unquoted(text []byte) []byte {
	if len(text) > 1 && text[0] == '"' {
		return text[1 : len(text)-1]
	}
	return nil
}

// isBareText reports whether what stands between the quotes of a JSON string is a YAML scalar as it stands, by a look at each byte:
// most of what manifests have is.
func isBareText(text []byte) bool {
	if len(text) == 0 || !isASCIILetter(text[0]) || text[len(text)-1] == ' ' {
		return false
	}
	for i, b := range text {
		switch {
		case isASCIILetter(b), '0' <= b && b <= '9', b == '-', b == '.', b == '/', b == '_', b == ' ', b == '(', b == ')', b == ',', b == '=':
		case b == ':' && i+1 < len(text) && text[i+1] != ' ':
		default:
			return false
		}
	}
	return !isAmbiguousYAMLScalar(string(text))
}

// isASCIILetter reports whether a byte of a JSON text is an ASCII letter.
func isASCIILetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// stringOfJSON returns the string that a JSON text is; false for what is none.
func stringOfJSON(quoted []byte) (s string, ok bool) {
	if inner := unquoted(quoted); inner != nil && bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), true
	}
	err := json.Unmarshal(quoted, &s)
	return s, err == nil
}

// text writes a JSON string as a YAML scalar.
func (w *blockWriter) text(quoted []byte) {
	s, ok := stringOfJSON(quoted)
	if !ok {
		w.failed = true
		return
	}
	if out, ok := appendShownText(w.out, s); ok {
		w.out = out
		return
	}
	out, err := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{yamlStringNode(s)}})
	if err != nil || strings.Contains(s, "\n") {
		w.failed = true
		return
	}
	w.out = append(w.out, bytes.TrimSuffix(bytes.TrimPrefix(out, []byte("- ")), []byte("\n"))...)
}

// jsonScalarLength returns how many bytes the JSON scalar has with which a text begins.
func jsonScalarLength(text []byte) int {
	if len(text) == 0 || text[0] != '"' {
		if n := bytes.IndexAny(text, ",]}"); n >= 0 {
			return n
		}
		return len(text)
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// appendShownText appends a text as a YAML scalar in the style that the encoder chooses: as it is, in single or in double quotes. It
// reports false for what has to be escaped, and for characters of which the encoder escapes some.
func appendShownText(out []byte, s string) ([]byte, bool) {
	const firstSurrogate = 0xD800
	if !utf8.ValidString(s) || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		return out, false
	}
	for _, r := range s {
		if r >= firstSurrogate || !escape.IsVisible(r) {
			return out, false
		}
	}
	switch plain := isPlainYAMLScalar(s); {
	case plain && !hasIndicator(s):
		return append(out, s...), true
	case plain:
		return append(append(append(out, '\''), strings.ReplaceAll(s, "'", "''")...), '\''), true
	case strings.ContainsAny(s, `"\`):
		return out, false
	}
	return append(append(append(out, '"'), s...), '"'), true
}

// hasIndicator reports whether a text without quotes has something that YAML takes for no text: a sign at its beginning, the colon
// of a key, the beginning of a comment.
func hasIndicator(s string) bool {
	return strings.ContainsAny(s[:1], "#,[]{}&*!|>'\"%@`") || strings.HasPrefix(s, "? ") || s == "?" ||
		strings.Contains(s, ": ") || strings.HasSuffix(s, ":") || strings.Contains(s, " #")
}
