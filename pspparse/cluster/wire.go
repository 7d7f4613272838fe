package cluster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
)

// maxItem bounds one object of a list. An API server takes requests of 3 MiB at the most, and etcd 1.5 MiB.
const maxItem = 4 << 20

// handler takes a list apart: meta is called once, before any item. An item's bytes are the caller's until it returns.
type handler struct {
	meta func(metav1.ListMeta)
	item func([]byte, coding) error
}

// coding is how the bytes of an item are to be understood.
type coding int

const (
	inProtobuf coding = iota
	inJSON
)

// readList decodes the answer to a list request while it arrives, so that no more than one object of it is ever held.
//
// The kind is taken from the answer, never from what was asked for: taken for a list of the kind that was asked for,
// "{}" would be an empty one, and an empty list is the most dangerous thing that can be read by mistake.
func readList(body io.Reader, want schema.GroupVersionKind, h handler) error {
	r := bufio.NewReaderSize(body, 64<<10)
	magic, err := r.Peek(len(protobufMagic))
	switch {
	case string(magic) == protobufMagic:
		_, _ = r.Discard(len(protobufMagic))
		return readProtobuf(r, want, h)
	case err != nil && !errors.Is(err, io.EOF):
		return err
	}
	return readJSON(r, want, h)
}

// protobufMagic starts every protobuf answer of an API server; see k8s.io/apimachinery's serializer/protobuf.
const protobufMagic = "k8s\x00"

// readProtobuf reads the envelope, runtime.Unknown: field 1 tells the kind, field 2 holds the list.
func readProtobuf(r *bufio.Reader, want schema.GroupVersionKind, h handler) error {
	envelope := &message{r: r, left: math.MaxInt64}
	var kind, list bool
	for {
		number, size, err := envelope.next()
		switch {
		case errors.Is(err, io.EOF) && list:
			return nil
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		switch {
		case number == 1 && !kind:
			var got runtime.TypeMeta
			if err := envelope.decode(size, &got); err != nil {
				return err
			}
			if err := checkKind(schema.FromAPIVersionAndKind(got.APIVersion, got.Kind), want); err != nil {
				return err
			}
			kind = true
		case number == 2 && kind && !list:
			if err := readItems(&message{r: r, left: size}, h); err != nil {
				return err
			}
			envelope.left -= size
			list = true
		case number == 2 || number == 1:
			return malformed("its parts are out of order")
		default:
			if err := envelope.skip(size); err != nil {
				return err
			}
		}
	}
}

// readItems reads a list: field 1 is its metadata and comes first, field 2 each of its items.
func readItems(list *message, h handler) error {
	var meta bool
	for list.left > 0 {
		number, size, err := list.next()
		if err != nil {
			return noEOF(err)
		}
		switch {
		case number == 1 && !meta:
			var m metav1.ListMeta
			if err := list.decode(size, &m); err != nil {
				return err
			}
			meta = true
			h.meta(m)
		case number == 2 && meta:
			data, err := list.bytes(size)
			if err != nil {
				return err
			}
			if err := h.item(data, inProtobuf); err != nil {
				return err
			}
		default:
			return malformed("its list does not begin with its metadata")
		}
	}
	if !meta {
		return malformed("its list has no metadata")
	}
	return nil
}

// message reads the fields of one protobuf message off a stream. All fields that matter here hold bytes.
type message struct {
	r *bufio.Reader
	// left is how much of the message is still to come.
	left int64
	buf  []byte
}

// ReadByte lets binary.ReadUvarint count what it reads.
func (m *message) ReadByte() (byte, error) {
	if m.left == 0 {
		return 0, malformed("a field ends beyond its message")
	}
	b, err := m.r.ReadByte()
	if err == nil {
		m.left--
	}
	return b, err
}

// next returns the number of the next field and the size of its value; io.EOF where the stream ends before it.
func (m *message) next() (number uint64, size int64, err error) {
	tag, err := binary.ReadUvarint(m)
	if err != nil {
		return 0, 0, err
	}
	if tag&7 != 2 {
		return 0, 0, malformed("a field holds no bytes")
	}
	n, err := binary.ReadUvarint(m)
	if err != nil {
		return 0, 0, noEOF(err)
	}
	if n > math.MaxInt64 || int64(n) > m.left {
		return 0, 0, malformed("a field is longer than its message")
	}
	return tag >> 3, int64(n), nil
}

// bytes reads a value, which is good until the next call.
func (m *message) bytes(size int64) ([]byte, error) {
	if size > maxItem {
		return nil, malformed(fmt.Sprintf("one of its parts claims %d bytes", size))
	}
	if int64(cap(m.buf)) < size {
		m.buf = make([]byte, size)
	}
	data := m.buf[:size]
	n, err := io.ReadFull(m.r, data)
	m.left -= int64(n)
	return data, noEOF(err)
}

func (m *message) decode(size int64, into interface{ Unmarshal([]byte) error }) error {
	data, err := m.bytes(size)
	if err != nil {
		return err
	}
	if err := into.Unmarshal(data); err != nil {
		return &answerError{fmt.Errorf("decoding the answer: %w", err)}
	}
	return nil
}

func (m *message) skip(size int64) error {
	if size > maxItem {
		return malformed(fmt.Sprintf("one of its parts claims %d bytes", size))
	}
	n, err := io.CopyN(io.Discard, m.r, size)
	m.left -= n
	return noEOF(err)
}

// noEOF tells an end in the middle from a proper one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func malformed(what string) error {
	return &answerError{errors.New("decoding the answer: " + what)}
}

func checkKind(got, want schema.GroupVersionKind) error {
	if got != want {
		return &answerError{fmt.Errorf("the answer is a %s of %s", got.Kind, got.GroupVersion())}
	}
	return nil
}

// decodeJSON reads keys as an API server does: by their exact case.
func decodeJSON(data []byte, into any) error {
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, into); err != nil {
		return &answerError{fmt.Errorf("decoding the answer: %w", err)}
	}
	return nil
}
