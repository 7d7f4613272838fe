package cluster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

const (
	// weighed is from how many bytes on an object is weighed before it is decoded; smaller ones cannot take much.
	weighed = 16 << 10
	// maxGrowth is by how much an object may grow when it is decoded. What clusters hold grows by 2 to 10; an empty container
	// has two bytes, and takes 400.
	maxGrowth = 32
	// leastBrace is how many bytes of JSON there have to be for each object in it.
	leastBrace = 8
)

// checkWeight returns an error for a long object that would take a multiple of its size in memory, for it consists of
// parts that hold next to nothing.
func checkWeight(t reflect.Type, data []byte, c coding) error {
	if len(data) <= weighed {
		return nil
	}
	heavy := false
	if c == inJSON {
		heavy = bytes.Count(data, []byte("{"))*leastBrace > len(data)
	} else {
		heavy = (scale{}).weigh(t, data, maxGrowth*len(data)) > maxGrowth*len(data)
	}
	if heavy {
		return malformed(fmt.Sprintf("an item of %d bytes holds more parts than any object has", len(data)))
	}
	return nil
}

// scale weighs objects, and has the parts of every type that it met.
type scale map[reflect.Type]map[uint64]part

// part is what one field of a message becomes: of a repeated one, each.
type part struct {
	reflect.Type
	// within is true for what lies within the struct that it is a field of, and takes nothing more.
	within bool
}

// weigh returns about how many bytes a struct of type t takes that is decoded from protobuf, without itself. It ends where
// that is more than most, or data is not well formed.
func (s scale) weigh(t reflect.Type, data []byte, most int) int {
	total := 0
	parts := s.parts(t)
	for len(data) > 0 && total <= most {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			break
		}
		bytes, rest, ok := value(tag, data[n:])
		if !ok {
			break
		}
		data = rest
		p, ok := parts[tag>>3]
		switch {
		case !ok:
			continue
		case p.Kind() == reflect.Struct:
			total += s.weigh(p.Type, bytes, most-total)
		default:
			total += len(bytes)
		}
		if !p.within {
			total += int(p.Size())
		}
	}
	return total
}

// value takes the value of one field off data; of numbers, nothing is returned.
func value(tag uint64, data []byte) (value, rest []byte, ok bool) {
	size, n := uint64(0), 0
	switch tag & 7 {
	case 0:
		_, n = binary.Uvarint(data)
	case 1:
		n = 8
	case 2:
		size, n = binary.Uvarint(data)
	case 5:
		n = 4
	}
	if n <= 0 || uint64(len(data)) < uint64(n)+size || size > maxItem {
		return nil, nil, false
	}
	end := n + int(size)
	return data[n:end], data[end:], true
}

// parts are the fields of a struct that hold bytes, by their number in protobuf.
func (s scale) parts(t reflect.Type) map[uint64]part {
	if parts, ok := s[t]; ok {
		return parts
	}
	parts := map[uint64]part{}
	for i := range t.NumField() {
		field := t.Field(i)
		tag := strings.Split(field.Tag.Get("protobuf"), ",")
		if tag[0] != "bytes" || len(tag) < 2 {
			continue
		}
		number, err := strconv.ParseUint(tag[1], 10, 29)
		if err != nil {
			continue
		}
		p := part{field.Type, true}
		for p.Kind() == reflect.Pointer || p.Kind() == reflect.Slice && p.Elem().Kind() != reflect.Uint8 {
			p = part{p.Elem(), false}
		}
		parts[number] = p
	}
	s[t] = parts
	return parts
}
