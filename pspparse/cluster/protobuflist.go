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

// maxObjectBytes bounds one object of a list. An API server takes requests of 3 MiB at the most, and etcd 1.5 MiB.
const maxObjectBytes = 4 << 20

// listHandler takes the parts of an API server's list while it arrives: meta is called once, before any item. The bytes
// of an item are the caller's until it returns, which may change them.
type listHandler struct {
	// meta receives the metadata of the list.
	meta func(metav1.ListMeta)
	// item receives an object; its error ends the reading.
	item func([]byte, objectEncoding) error
}

// objectEncoding is how an object of an API server's list is encoded: JSON or protobuf.
type objectEncoding int

const (
	// protobufEncoding is the protobuf of Kubernetes' API types.
	protobufEncoding objectEncoding = iota
	// jsonEncoding is JSON.
	jsonEncoding
)

// decodeList decodes an API server's answer to a list request while it arrives, so that no more than one object of it
// is ever held.
//
// The kind is taken from the answer, never from what was asked for: taken for a list of the kind that was asked for,
// "{}" would be an empty one, and an empty list is the most dangerous thing that can be read by mistake.
func decodeList(body io.Reader, want schema.GroupVersionKind, h listHandler) error {
	r := bufio.NewReaderSize(body, 64<<10)
	magic, err := r.Peek(len(protobufMagicPrefix))
	switch {
	case string(magic) == protobufMagicPrefix:
		_, _ = r.Discard(len(protobufMagicPrefix))
		return decodeProtobufList(r, want, h)
	case err != nil && !errors.Is(err, io.EOF):
		return err
	}
	return decodeJSONList(r, want, h)
}

// protobufMagicPrefix starts every protobuf answer of an API server; see k8s.io/apimachinery's serializer/protobuf.
const protobufMagicPrefix = "k8s\x00"

// decodeProtobufList decodes the envelope of an API server's list in protobuf, runtime.Unknown: field 1 is the kind,
// field 2 holds the list.
func decodeProtobufList(r *bufio.Reader, want schema.GroupVersionKind, h listHandler) error {
	envelope := &protobufFieldReader{from: r, remaining: math.MaxInt64}
	var kind, list bool
	for {
		number, size, err := envelope.nextField()
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
			if err := checkListKind(schema.FromAPIVersionAndKind(got.APIVersion, got.Kind), want); err != nil {
				return err
			}
			kind = true
		case number == 2 && kind && !list:
			if err := decodeProtobufItems(&protobufFieldReader{from: r, remaining: size}, h); err != nil {
				return err
			}
			envelope.remaining -= size
			list = true
		case number == 2 || number == 1:
			return malformedAnswerError("its parts are out of order")
		default:
			if err := envelope.skip(size); err != nil {
				return err
			}
		}
	}
}

// decodeProtobufItems decodes an API server's list in protobuf: field 1 is its metadata and comes first, field 2 each
// of its items.
func decodeProtobufItems(list *protobufFieldReader, h listHandler) error {
	var meta bool
	for list.remaining > 0 {
		number, size, err := list.nextField()
		if err != nil {
			return asUnexpectedEOF(err)
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
			data, err := list.readBytes(size)
			if err != nil {
				return err
			}
			if err := h.item(data, protobufEncoding); err != nil {
				return err
			}
		default:
			return malformedAnswerError("its list does not begin with its metadata")
		}
	}
	if !meta {
		return malformedAnswerError("its list has no metadata")
	}
	return nil
}

// protobufFieldReader reads the fields of one protobuf message from an API server's answer. All fields that matter here
// hold bytes.
type protobufFieldReader struct {
	// from is the stream.
	from *bufio.Reader
	// remaining is how much of the message is still to come.
	remaining int64
	// buf holds the last value.
	buf []byte
}

// ReadByte reads one byte of an API server's protobuf message, so that binary.ReadUvarint counts what it reads. It
// returns io.EOF at the end.
func (m *protobufFieldReader) ReadByte() (byte, error) {
	if m.remaining == 0 {
		return 0, malformedAnswerError("a field ends beyond its message")
	}
	b, err := m.from.ReadByte()
	if err == nil {
		m.remaining--
	}
	return b, err
}

// nextField returns the number of the next protobuf field of an API server's answer and the size of its value; io.EOF
// where the stream ends before it.
func (m *protobufFieldReader) nextField() (number uint64, size int64, err error) {
	tag, err := binary.ReadUvarint(m)
	if err != nil {
		return 0, 0, err
	}
	if tag&7 != 2 {
		return 0, 0, malformedAnswerError("a field holds no bytes")
	}
	n, err := binary.ReadUvarint(m)
	if err != nil {
		return 0, 0, asUnexpectedEOF(err)
	}
	if n > math.MaxInt64 || int64(n) > m.remaining {
		return 0, 0, malformedAnswerError("a field is longer than its message")
	}
	return tag >> 3, int64(n), nil
}

// readBytes reads the value of a protobuf field of an API server's answer, which is valid until the next call.
func (m *protobufFieldReader) readBytes(size int64) ([]byte, error) {
	if size > maxObjectBytes {
		return nil, malformedAnswerError(fmt.Sprintf("one of its parts claims %d bytes", size))
	}
	if int64(cap(m.buf)) < size {
		m.buf = make([]byte, size)
	}
	data := m.buf[:size]
	n, err := io.ReadFull(m.from, data)
	m.remaining -= int64(n)
	return data, asUnexpectedEOF(err)
}

// decode decodes the value of a protobuf field of an API server's answer into an API type.
func (m *protobufFieldReader) decode(size int64, into interface{ Unmarshal([]byte) error }) error {
	data, err := m.readBytes(size)
	if err != nil {
		return err
	}
	if err := into.Unmarshal(data); err != nil {
		return &badAnswerError{fmt.Errorf("decoding the answer: %w", err)}
	}
	return nil
}

// skip skips the value of a protobuf field of an API server's answer.
func (m *protobufFieldReader) skip(size int64) error {
	if size > maxObjectBytes {
		return malformedAnswerError(fmt.Sprintf("one of its parts claims %d bytes", size))
	}
	n, err := io.CopyN(io.Discard, m.from, size)
	m.remaining -= n
	return asUnexpectedEOF(err)
}

// asUnexpectedEOF returns io.ErrUnexpectedEOF where an API server's answer ends in the middle of a message.
func asUnexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// malformedAnswerError returns the error of a list answer that is not what an API server sends.
func malformedAnswerError(what string) error {
	return &badAnswerError{errors.New("decoding the answer: " + what)}
}

// checkListKind returns an error for an API server's list of another kind than was asked for.
func checkListKind(got, want schema.GroupVersionKind) error {
	if got != want {
		return &badAnswerError{fmt.Errorf("the answer is a %s of %s", got.Kind, got.GroupVersion())}
	}
	return nil
}

// decodeJSON decodes JSON of an API server with keys of exact case, as API servers themselves do.
func decodeJSON(data []byte, into any) error {
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, into); err != nil {
		return &badAnswerError{fmt.Errorf("decoding the answer: %w", err)}
	}
	return nil
}
