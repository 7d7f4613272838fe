package yamlnode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// DocumentError says why a YAML or JSON document is not read: it is no JSON value, nests too deep, or its aliases multiply.
type DocumentError struct {
	// Line counts like the lines of the document; 0 if those are unknown.
	Line int
	// Reason is a lower-case clause without the line.
	Reason string
}

// Error returns what is wrong with the YAML or JSON document, with the line.
func (e *DocumentError) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

// FromJSON returns one JSON value as the YAML node that the same text would be as YAML, for code that needs lines
// or duplicate keys: encoding/json keeps neither. Duplicate keys stay duplicate entries of the mapping. The first byte
// stands on the given line; with 0 every line is 0, and every column is. It fails with a *DocumentError for more than 100 levels,
// invalid UTF-8 and anything after the value.
func FromJSON(data []byte, line int) (*yaml.Node, error) { return FromJSONAt(data, line, 0) }

// FromJSONAt returns one JSON value as FromJSON does, with columns: the first byte stands in the given one, from 1. Columns count code
// points, as those of yaml.v3 do; with 0 every column is 0.
func FromJSONAt(data []byte, line, column int) (*yaml.Node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := jsonNodeReader{data: data, line: line, linesUnknown: line <= 0, column: column, columnsUnknown: column <= 0}
	if !utf8.Valid(data) {
		return nil, r.syntaxErrorAt(FirstInvalidUTF8(data), "the text is not UTF-8")
	}
	r.dec = json.NewDecoder(bytes.NewReader(data))
	r.dec.UseNumber()
	n, err := r.readValue(1)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, r.syntaxErrorAt(int(r.dec.InputOffset()), "there is more after the end of the JSON value")
	}
	return n, nil
}

// jsonNodeReader turns the tokens of a JSON decoder into YAML nodes and counts the lines that they pass.
type jsonNodeReader struct {
	dec  *json.Decoder
	data []byte
	// countedBytes is the number of bytes whose line ends are in line.
	countedBytes int
	line         int
	linesUnknown bool
	// column is that of the byte behind columnBytes bytes.
	column, columnBytes int
	columnsUnknown      bool
}

// lineAt returns the line of a byte of the JSON text. Offsets only grow from call to call.
func (r *jsonNodeReader) lineAt(offset int) int {
	if r.linesUnknown {
		return 0
	}
	if offset = min(offset, len(r.data)); offset > r.countedBytes {
		r.line += bytes.Count(r.data[r.countedBytes:offset], []byte("\n"))
		r.countedBytes = offset
	}
	return r.line
}

// columnAt returns the column of a byte of the JSON text, in code points from 1. Offsets only grow from call to call.
func (r *jsonNodeReader) columnAt(offset int) int {
	if r.columnsUnknown {
		return 0
	}
	passed := r.data[r.columnBytes:offset]
	if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
		r.column, passed = 1, passed[i+1:]
	}
	r.column += utf8.RuneCount(passed)
	r.columnBytes = offset
	return r.column
}

// syntaxErrorAt returns a DocumentError on the line of a byte of the JSON text.
func (r *jsonNodeReader) syntaxErrorAt(offset int, reason string) error {
	return &DocumentError{Line: r.lineAt(offset), Reason: reason}
}

// nextToken returns the next JSON token, its line and its column. No token spans lines, so the line where it ends is its line.
func (r *jsonNodeReader) nextToken() (t json.Token, line, column int, err error) {
	start := int(r.dec.InputOffset())
	if t, err = r.dec.Token(); err != nil {
		return nil, 0, 0, r.decoderError(err)
	}
	if !r.columnsUnknown {
		// White space, and a comma or a colon, may stand before it.
		start += len(r.data[start:]) - len(bytes.TrimLeft(r.data[start:], " \t\r\n,:"))
		column = r.columnAt(start)
	}
	return t, r.lineAt(int(r.dec.InputOffset())), column, nil
}

// decoderError returns an error of the JSON decoder as a DocumentError on its line.
func (r *jsonNodeReader) decoderError(err error) error {
	offset := int(r.dec.InputOffset())
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.syntaxErrorAt(len(r.data), "the JSON ends too early")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		// Blank lines may stand between the last token and the culprit.
		rest := r.data[min(offset, len(r.data)):]
		offset += len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
	}
	return r.syntaxErrorAt(offset, "this is not JSON: "+strings.TrimPrefix(err.Error(), "json: "))
}

// readValue returns the next JSON value as a YAML node that stands at a depth in the document.
func (r *jsonNodeReader) readValue(depth int) (*yaml.Node, error) {
	t, line, column, err := r.nextToken()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, &DocumentError{Line: line, Reason: fmt.Sprintf("the document nests deeper than %d levels", maxDepth)}
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: line, Column: column}
	switch t := t.(type) {
	case json.Delim:
		return r.readCollection(n, t, depth)
	case string:
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(t)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

// readCollection reads the rest of a JSON array or object into a YAML node, after its opening bracket or brace.
func (r *jsonNodeReader) readCollection(n *yaml.Node, open json.Delim, depth int) (*yaml.Node, error) {
	n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for r.dec.More() {
		if open == '{' {
			// A key has no depth of its own: where it stands, nothing but a string can.
			key, err := r.readValue(depth)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, key)
		}
		child, err := r.readValue(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, _, _, err := r.nextToken()
	return n, err
}

// FirstInvalidUTF8 returns the index of the first byte of a YAML or JSON text that is no valid UTF-8; the length of the
// data if all are.
func FirstInvalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}
