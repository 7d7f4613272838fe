package cluster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
)

const (
	// uncheckedObjectBytes is from how many bytes on an object is weighed before it is decoded; smaller ones cannot take much.
	uncheckedObjectBytes = 16 << 10
	// maxDecodedGrowth is by how much an object may grow when it is decoded. What clusters hold grows by 2 to 10; an empty container
	// has two bytes, and takes 400.
	maxDecodedGrowth = 32
	// minBytesPerJSONObject is how many bytes of JSON there have to be for each object in it.
	minBytesPerJSONObject = 8
)

// checkDecodedSize returns an error for a long object of an API server that would take a multiple of its size in
// memory, because it consists of parts that hold next to nothing.
func checkDecodedSize(t reflect.Type, data []byte, c objectEncoding) error {
	if len(data) <= uncheckedObjectBytes {
		return nil
	}
	heavy := false
	if c == jsonEncoding {
		heavy = bytes.Count(data, []byte("{"))*minBytesPerJSONObject > len(data)
	} else {
		heavy = (decodedSizeEstimator{}).estimate(t, data, maxDecodedGrowth*len(data)) > maxDecodedGrowth*len(data)
	}
	if heavy {
		return malformedAnswerError(fmt.Sprintf("an item of %d bytes holds more parts than any object has", len(data)))
	}
	return nil
}

// decodedSizeEstimator estimates the memory that a server's protobuf objects take once they are decoded, and has the
// fields of every type that it met.
type decodedSizeEstimator map[reflect.Type]map[uint64]messageField

// messageField is the type of one field of a server's protobuf message: of a repeated field, of each element.
type messageField struct {
	reflect.Type
	// inline is true for what lies within the struct that it is a field of, and takes nothing more.
	inline bool
}

// estimate returns about how many bytes of memory a struct of type t takes that is decoded from protobuf, without the
// struct itself. It ends where that is more than most, or data is not well formed.
func (s decodedSizeEstimator) estimate(t reflect.Type, data []byte, most int) int {
	total := 0
	parts := s.messageFields(t)
	for len(data) > 0 && total <= most {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			break
		}
		bytes, rest, ok := cutFieldValue(tag, data[n:])
		if !ok {
			break
		}
		data = rest
		p, ok := parts[tag>>3]
		switch {
		case !ok:
			continue
		case p.Kind() == reflect.Struct:
			total += s.estimate(p.Type, bytes, most-total)
		default:
			total += len(bytes)
		}
		if !p.inline {
			total += int(p.Size())
		}
	}
	return total
}

// cutFieldValue cuts the value of one field off a server's protobuf data; of a number it returns an empty value.
func cutFieldValue(tag uint64, data []byte) (value, rest []byte, ok bool) {
	size, n := uint64(0), 0
	switch tag & 7 {
	case 0:
		_, n = binary.Uvarint(data)
	case 1:
		n = 8
	case bytesWireType:
		size, n = binary.Uvarint(data)
	case 5:
		n = 4
	}
	if n <= 0 || uint64(len(data)) < uint64(n)+size || size > maxObjectBytes {
		return nil, nil, false
	}
	end := n + int(size)
	return data[n:end], data[end:], true
}

// messageFields returns the fields of an API type that hold bytes, by their number in a server's protobuf.
func (s decodedSizeEstimator) messageFields(t reflect.Type) map[uint64]messageField {
	if parts, ok := s[t]; ok {
		return parts
	}
	parts := map[uint64]messageField{}
	for i := range t.NumField() {
		field := t.Field(i)
		number, ok := protobufNumber(field)
		if !ok || !strings.HasPrefix(field.Tag.Get("protobuf"), "bytes,") {
			continue
		}
		p := messageField{field.Type, true}
		for p.Kind() == reflect.Pointer || p.Kind() == reflect.Slice && p.Elem().Kind() != reflect.Uint8 {
			p = messageField{p.Elem(), false}
		}
		parts[number] = p
	}
	s[t] = parts
	return parts
}
