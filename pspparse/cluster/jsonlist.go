package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// maxHeldBytes is how many bytes of items are held until the kind and metadata of a JSON list were read. API servers send them
// first.
const maxHeldBytes = 16 << 20

// decodeJSONList decodes an API server's list in JSON while it arrives. A list without items or metadata is an error:
// an empty list says that it is empty.
func decodeJSONList(body io.Reader, want schema.GroupVersionKind, h listHandler) error {
	in := &boundedReader{from: body}
	l := &jsonListDecoder{input: in, dec: json.NewDecoder(in), wantKind: want, handler: h}
	err := l.read()
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &syntax):
		return malformedAnswerError(err.Error())
	}
	return err
}

// jsonListDecoder decodes an API server's list in JSON key by key.
type jsonListDecoder struct {
	// input bounds what dec reads of one value.
	input *boundedReader
	// dec reads the tokens and values.
	dec *json.Decoder
	// wantKind is the kind that was asked for.
	wantKind schema.GroupVersionKind
	// handler receives the metadata and the items.
	handler listHandler

	// apiVersion and kind are those of the list.
	apiVersion, kind string
	// meta is its metadata; nil until that came.
	meta json.RawMessage
	// items is set once the items came.
	items bool
	// started is set once the handler has the metadata.
	started bool
	// heldItems are items that came before.
	heldItems []json.RawMessage
	// heldBytes is how much memory they take.
	heldBytes int
}

// read decodes an API server's whole list.
func (l *jsonListDecoder) read() error {
	if err := l.openBracket('{'); err != nil {
		return err
	}
	for l.hasMore() {
		key, err := l.dec.Token()
		if err != nil {
			return err
		}
		if err := l.decodeField(key); err != nil {
			return err
		}
	}
	if _, err := l.dec.Token(); err != nil { // the closing bracket
		return err
	}
	if err := l.start(); err != nil {
		return err
	}
	l.input.remaining = maxWhitespaceBytes
	if _, err := l.dec.Token(); !errors.Is(err, io.EOF) {
		return malformedAnswerError("it goes on after its end")
	}
	return nil
}

// openBracket reads the bracket that a value of an API server's list begins with.
func (l *jsonListDecoder) openBracket(bracket json.Delim) error {
	l.input.remaining = maxWhitespaceBytes
	switch t, err := l.dec.Token(); {
	case err != nil:
		return err
	case t != bracket:
		return malformedAnswerError("it is no list")
	}
	return nil
}

// hasMore reports whether an object or array of the API server's list goes on; its next part may be as long as an
// object. White space before that is bounded, for a decoder goes over it anew whenever some more comes.
func (l *jsonListDecoder) hasMore() bool {
	l.input.remaining = maxWhitespaceBytes
	more := l.dec.More()
	if l.input.remaining > 0 {
		l.input.remaining = maxObjectBytes
	}
	return more
}

// maxWhitespaceBytes is how much white space may stand between two parts of a list.
const maxWhitespaceBytes = 64 << 10

// decodeField decodes one key of the API server's list and its value.
func (l *jsonListDecoder) decodeField(key json.Token) error {
	into := map[json.Token]any{"apiVersion": &l.apiVersion, "kind": &l.kind, "metadata": &l.meta}[key]
	switch {
	case key == "items" && l.items:
		return malformedAnswerError("it has items twice")
	case key == "items":
		return l.decodeItems()
	case into == nil:
		into = new(json.RawMessage)
	}
	return l.decode(into)
}

// decode decodes the next value of the API server's list.
func (l *jsonListDecoder) decode(into any) error {
	err := l.dec.Decode(into)
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return malformedAnswerError(err.Error())
	}
	return err
}

// decodeItems decodes the items of the API server's list one by one.
func (l *jsonListDecoder) decodeItems() error {
	l.items = true
	switch t, err := l.dec.Token(); {
	case err != nil:
		return err
	case t == nil: // as old servers write an empty list
		return nil
	case t != json.Delim('['):
		return malformedAnswerError("its items are no list")
	}
	if l.kind != "" && l.apiVersion != "" && l.meta != nil {
		if err := l.start(); err != nil {
			return err
		}
	}
	var item json.RawMessage
	for l.hasMore() {
		if err := l.decode(&item); err != nil {
			return err
		}
		if err := l.handleItem(item); err != nil {
			return err
		}
	}
	_, err := l.dec.Token()
	return err
}

// handleItem hands on an item of the API server's list, or holds it until the kind and metadata of the list were read.
func (l *jsonListDecoder) handleItem(data json.RawMessage) error {
	switch {
	case len(data) > maxObjectBytes:
		return errPartTooLong
	case l.started:
		return l.handler.item(data, jsonEncoding)
	}
	l.heldItems, l.heldBytes = append(l.heldItems, bytes.Clone(data)), l.heldBytes+len(data)+heldItemOverhead
	if l.heldBytes > maxHeldBytes {
		return malformedAnswerError("its items come before its kind and metadata, and are longer than " + formatBytes(maxHeldBytes))
	}
	return nil
}

// heldItemOverhead is what a held item takes beside its bytes.
const heldItemOverhead = 64

// start checks the kind of the API server's list, once, and hands on its metadata and what was held.
func (l *jsonListDecoder) start() error {
	switch {
	case l.started:
		return nil
	case l.kind == "":
		return malformedAnswerError("it does not say its kind")
	}
	if err := checkListKind(schema.FromAPIVersionAndKind(l.apiVersion, l.kind), l.wantKind); err != nil {
		return err
	}
	if l.meta == nil || !l.items {
		return malformedAnswerError("a list without metadata and items")
	}
	var meta metav1.ListMeta
	if err := decodeJSON(l.meta, &meta); err != nil {
		return err
	}
	l.started = true
	l.handler.meta(meta)
	for _, item := range l.heldItems {
		if err := l.handler.item(item, jsonEncoding); err != nil {
			return err
		}
	}
	l.heldItems = nil
	return nil
}

// boundedReader lets a decoder of an API server's list read so much before it comes to the end of a value: a decoder
// holds all of what it has not come to the end of.
type boundedReader struct {
	// from is what is read.
	from io.Reader
	// remaining is how many bytes may still be read.
	remaining int
}

// errPartTooLong is the error of a list with a part that is longer than an object may be.
var errPartTooLong = malformedAnswerError("one of its parts, or the white space between them, is too long for a list")

// Read reads JSON from the server, and fails once the bound is reached.
func (a *boundedReader) Read(p []byte) (int, error) {
	if a.remaining <= 0 {
		return 0, errPartTooLong
	}
	n, err := a.from.Read(p[:min(len(p), a.remaining)])
	a.remaining -= n
	return n, err
}
