package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"runtime"

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

// itemsAtATime is how many items of a list are encoded together: enough to be worth handing over, and few enough to hold.
const itemsAtATime = 16

// encodedItems is the JSON text of some items of a list of objects.
type encodedItems struct {
	text   bytes.Buffer
	writer *JSONWriter // into text
	err    error
}

// EncodeList writes a list of n objects as JSON, that stand at the indentation prefix, with a comma and a line end
// between them. It encodes on all processors: item, which returns the i-th value, is called by several goroutines. It
// returns the first error of the encoding, or that of the writer.
func (out *JSONWriter) EncodeList(n int, item func(i int) any, prefix string) error {
	inOrder := make(chan chan *encodedItems, runtime.GOMAXPROCS(0))
	unused := make(chan *encodedItems, cap(inOrder)+1) // so many can be in the queue and beyond it
	for range cap(unused) {
		e := &encodedItems{}
		e.writer = NewJSONWriter(&e.text)
		unused <- e
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		defer close(inOrder)
		for first := 0; first < n; first += itemsAtATime {
			some := make(chan *encodedItems, 1)
			select {
			case inOrder <- some:
			case <-ended:
				return
			}
			go func(e *encodedItems) {
				e.encode(first, min(first+itemsAtATime, n), item, prefix)
				some <- e
			}(<-unused)
		}
	}()
	for some := range inOrder {
		e := <-some
		if e.err != nil {
			return e.err
		}
		if _, err := out.Write(e.text.Bytes()); err != nil {
			return err
		}
		unused <- e
	}
	return nil
}

// encode encodes as JSON the items from first to before end, with what stands before each but the first of the list.
func (e *encodedItems) encode(first, end int, item func(i int) any, prefix string) {
	e.text.Reset()
	for i := first; i < end && e.err == nil; i++ {
		if i > 0 {
			_, _ = e.writer.WriteString(",\n" + prefix) // a buffer takes all
		}
		e.err = e.writer.Encode(item(i), prefix)
	}
	_ = e.writer.Flush()
}
