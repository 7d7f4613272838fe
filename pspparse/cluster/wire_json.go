package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// maxHeld is how many bytes of items are kept while a list has not told its kind and metadata. API servers tell them first.
const maxHeld = 16 << 20

// readJSON reads a list from JSON. A list says that it is empty; one without items or metadata is no list.
func readJSON(body io.Reader, want schema.GroupVersionKind, h handler) error {
	in := &allowance{from: body}
	l := &jsonList{in: in, dec: json.NewDecoder(in), want: want, handler: h}
	err := l.read()
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &syntax):
		return malformed(err.Error())
	}
	return err
}

// jsonList is a list that is read key by key.
type jsonList struct {
	in      *allowance
	dec     *json.Decoder
	want    schema.GroupVersionKind
	handler handler

	apiVersion, kind string
	meta             json.RawMessage
	items            bool
	// told is true once the handler knows the metadata; held are items that came before, bytes of them in all.
	told  bool
	held  []json.RawMessage
	bytes int
}

func (l *jsonList) read() error {
	if err := l.open('{'); err != nil {
		return err
	}
	for l.more() {
		key, err := l.dec.Token()
		if err != nil {
			return err
		}
		if err := l.field(key); err != nil {
			return err
		}
	}
	if _, err := l.dec.Token(); err != nil { // the closing bracket
		return err
	}
	if err := l.check(); err != nil {
		return err
	}
	l.in.left = maxSpace
	if _, err := l.dec.Token(); !errors.Is(err, io.EOF) {
		return malformed("it goes on after its end")
	}
	return nil
}

// open reads the bracket that a value begins with.
func (l *jsonList) open(bracket json.Delim) error {
	l.in.left = maxSpace
	switch t, err := l.dec.Token(); {
	case err != nil:
		return err
	case t != bracket:
		return malformed("it is no list")
	}
	return nil
}

// more is true while the object or array goes on; the next part of it may be as long as an object. Until it begins there may
// be white space, and a decoder goes over that anew whenever some more comes.
func (l *jsonList) more() bool {
	l.in.left = maxSpace
	more := l.dec.More()
	if l.in.left > 0 {
		l.in.left = maxItem
	}
	return more
}

const maxSpace = 64 << 10

func (l *jsonList) field(key json.Token) error {
	into := map[json.Token]any{"apiVersion": &l.apiVersion, "kind": &l.kind, "metadata": &l.meta}[key]
	switch {
	case key == "items" && l.items:
		return malformed("it has items twice")
	case key == "items":
		return l.readItems()
	case into == nil:
		into = new(json.RawMessage)
	}
	return l.decode(into)
}

// decode reads the next value.
func (l *jsonList) decode(into any) error {
	err := l.dec.Decode(into)
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return malformed(err.Error())
	}
	return err
}

func (l *jsonList) readItems() error {
	l.items = true
	switch t, err := l.dec.Token(); {
	case err != nil:
		return err
	case t == nil: // as old servers write an empty list
		return nil
	case t != json.Delim('['):
		return malformed("its items are no list")
	}
	if l.kind != "" && l.apiVersion != "" && l.meta != nil {
		if err := l.check(); err != nil {
			return err
		}
	}
	var item json.RawMessage
	for l.more() {
		if err := l.decode(&item); err != nil {
			return err
		}
		if err := l.item(item); err != nil {
			return err
		}
	}
	_, err := l.dec.Token()
	return err
}

// item hands on an item, or keeps it until the list has said what it is.
func (l *jsonList) item(data json.RawMessage) error {
	switch {
	case len(data) > maxItem:
		return errLongPart
	case l.told:
		return l.handler.item(data, inJSON)
	}
	l.held, l.bytes = append(l.held, bytes.Clone(data)), l.bytes+len(data)+heldItem
	if l.bytes > maxHeld {
		return malformed("its items come before its kind and metadata, and are longer than " + inBytes(maxHeld))
	}
	return nil
}

// heldItem is what an item takes beside its bytes.
const heldItem = 64

// check takes the list for what it says it is, once, and hands on what was held.
func (l *jsonList) check() error {
	switch {
	case l.told:
		return nil
	case l.kind == "":
		return malformed("it does not say its kind")
	}
	if err := checkKind(schema.FromAPIVersionAndKind(l.apiVersion, l.kind), l.want); err != nil {
		return err
	}
	if l.meta == nil || !l.items {
		return malformed("a list without metadata and items")
	}
	var meta metav1.ListMeta
	if err := decodeJSON(l.meta, &meta); err != nil {
		return err
	}
	l.told = true
	l.handler.meta(meta)
	for _, item := range l.held {
		if err := l.handler.item(item, inJSON); err != nil {
			return err
		}
	}
	l.held = nil
	return nil
}

// allowance lets a decoder read so much before it comes to the end of a value: a decoder keeps what it has not come to the
// end of.
type allowance struct {
	from io.Reader
	left int
}

var errLongPart = malformed("one of its parts, or the white space between them, is too long for a list")

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, errLongPart
	}
	n, err := a.from.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}
