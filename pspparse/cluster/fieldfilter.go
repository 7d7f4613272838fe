package cluster

import (
	"encoding/binary"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// fieldFilter lists the fields of a server's protobuf message that are decoded, by their number; ADR-0003 has the
// reason.
type fieldFilter []filteredField

// filteredField says what is decoded of one field of a server's protobuf message.
type filteredField struct {
	// decoded is set for a field that is decoded.
	decoded bool
	// message lists what is decoded of a message in the field; nil is all of it.
	message fieldFilter
}

// newFieldFilter returns, for answers of a server, the filter of an API type that leaves the fields which a narrower
// type has under the same names in JSON. It is nil where the two are one type: then every field is left.
func newFieldFilter(api, narrow reflect.Type) fieldFilter {
	api, narrow = elementType(api), elementType(narrow)
	if api == narrow || api.Kind() != reflect.Struct || narrow.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	for i := range narrow.NumField() {
		fields[jsonName(narrow.Field(i))] = narrow.Field(i).Type
	}
	return filterOfFields(api, fields)
}

// lazyFieldFilter returns a function that returns the same filter for answers of a server each time, and makes it the first time: most
// versions of API types that are known are never listed.
func lazyFieldFilter(api, narrow reflect.Type) func() fieldFilter {
	return sync.OnceValue(func() fieldFilter { return newFieldFilter(api, narrow) })
}

// filterOfFields returns, for answers of a server, the protobuf filter of an API type that leaves fields of some names
// in JSON.
func filterOfFields(api reflect.Type, fields map[string]reflect.Type) fieldFilter {
	filter := fieldFilter{}
	for i := range api.NumField() {
		field := api.Field(i)
		number, ok := protobufNumber(field)
		if !ok {
			continue
		}
		if jsonName(field) == "" { // in JSON, its fields stand among those around it
			filter = filter.with(number, filterOfFields(elementType(field.Type), fields))
			continue
		}
		if narrow, ok := fields[jsonName(field)]; ok {
			filter = filter.with(number, newFieldFilter(field.Type, narrow))
		}
	}
	return filter
}

// with returns the protobuf filter of a server's answers with one more field that is decoded.
func (f fieldFilter) with(number uint64, message fieldFilter) fieldFilter {
	for uint64(len(f)) <= number {
		f = append(f, filteredField{})
	}
	f[number] = filteredField{decoded: true, message: message}
	return f
}

// elementType returns the element type of an API type's pointer or list field, else the type itself.
func elementType(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// jsonName returns the JSON name of an API type's field, for a protobuf filter.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// protobufNumber returns the protobuf number of an API type's field; false for a field that protobuf does not have.
func protobufNumber(f reflect.StructField) (uint64, bool) {
	tag := strings.Split(f.Tag.Get("protobuf"), ",")
	if len(tag) < 2 {
		return 0, false
	}
	number, err := strconv.ParseUint(tag[1], 10, 29)
	return number, err == nil
}

// apply moves the fields that are decoded to the front of a server's protobuf message, and returns them as a message.
// It overwrites data, and returns false where data is not well formed.
func (f fieldFilter) apply(data []byte) ([]byte, bool) {
	end := 0
	for rest := data; len(rest) > 0; {
		tag, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, false
		}
		value, after, ok := cutFieldValue(tag, rest[n:])
		if !ok {
			return nil, false
		}
		whole := rest[:len(rest)-len(after)]
		rest = after
		number := tag >> 3
		if number >= uint64(len(f)) || !f[number].decoded {
			continue
		}
		message := f[number].message
		if message == nil || tag&7 != bytesWireType {
			end += copy(data[end:], whole)
			continue
		}
		kept, ok := message.apply(value)
		if !ok {
			return nil, false
		}
		end += copy(data[end:], whole[:n])
		end += putPaddedUvarint(data[end:end+len(whole)-n-len(value)], len(kept))
		end += copy(data[end:], kept)
	}
	return data[:end], true
}

// bytesWireType marks a field of protobuf that holds bytes: a string or a message.
const bytesWireType = 2

// putPaddedUvarint writes a number as a protobuf varint padded to the length of into, and returns how many those are.
// Padding is what keeps the length of a shortened message where it was.
func putPaddedUvarint(into []byte, n int) int {
	for i := range into {
		into[i] = byte(n&0x7f) | 0x80
		n >>= 7
	}
	into[len(into)-1] &= 0x7f
	return len(into)
}
