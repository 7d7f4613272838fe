package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// WriteJSON writes a value as one indented JSON document and a line end. It keeps < > & readable and shows by escapes what
// would not show as itself. It returns the error of the value's own encoding, or of the writer.
func WriteJSON(w io.Writer, v any) error {
	out := NewJSONWriter(w)
	if err := out.Encode(v, ""); err != nil {
		return err
	}
	_, _ = out.WriteString("\n") // Flush reports the error
	return out.Flush()
}

// JSONWriter writes a JSON document value by value, with one encoder: each would bring buffers of its own. What stands
// between the values its user writes.
type JSONWriter struct {
	*bufio.Writer
	value   bytes.Buffer
	encoder *json.Encoder
}

// NewJSONWriter returns a JSONWriter over a buffer of w: the last call has to be Flush.
func NewJSONWriter(w io.Writer) *JSONWriter {
	out := &JSONWriter{Writer: bufio.NewWriter(w)}
	out.encoder = json.NewEncoder(&out.value)
	out.encoder.SetEscapeHTML(false)
	return out
}

// Encode writes a JSON value, indented as WriteJSON does it; it returns the first error of writing or encoding; prefix
// is the indentation at which the value stands.
func (out *JSONWriter) Encode(v any, prefix string) error {
	out.value.Reset()
	out.encoder.SetIndent(prefix, "  ")
	if err := out.encoder.Encode(v); err != nil {
		return err
	}
	_, err := out.Write(escape.JSON(bytes.TrimSuffix(out.value.Bytes(), []byte("\n"))))
	return err
}
