package check

import (
	"bytes"
	"encoding/json"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// mostUnknownFields is how many fields of one object that the API does not have are noted one by one.
const mostUnknownFields = 10

// noteUnknownFields notes the fields of the current object that its kind does not have in the Kubernetes API: a misspelt one asks for
// nothing. The data is the object as JSON that was decoded before.
func (s *reading) noteUnknownFields(w *inventory.WrittenWorkload, data []byte, at pspparse.Position) {
	fields := s.apiFields.ofKind(s.current.APIVersion, s.current.Kind)
	if fields == nil {
		return
	}
	scan := fieldScan{data: data, around: []apiField{{fields: fields}}}
	scan.object()
	for i, f := range scan.unknown {
		why := message.New("check-field-unknown", "path", f.path.String(), "meant", f.meant)
		if scan.more > 0 && i == len(scan.unknown)-1 {
			why = why.With("more", scan.more)
		}
		place := s.locate(f.path, at)
		s.notes = append(s.notes, inventory.Note{
			What: inventory.ObjectText(s.current.Kind, w.Namespace, w.Name), Position: pspparse.Position{File: place.File, Line: place.Line}, Why: why,
		})
	}
}

// unknownField is a field of an object that the API does not have, and what it may be meant for.
type unknownField struct {
	path  fieldpath.Path
	meant string
}

// fieldScan looks in the JSON of an object for fields that the API does not have. The JSON is valid.
type fieldScan struct {
	data []byte
	at   int
	path fieldpath.Path
	// around are the fields whose objects are being read, the outermost first.
	around  []apiField
	unknown []unknownField
	// more is how many fields there are that the API does not have beside those of unknown.
	more int
}

// next passes over white space, and returns the next character; 0 at the end.
func (s *fieldScan) next() byte {
	for ; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
		default:
			return s.data[s.at]
		}
	}
	return 0
}

// object looks through an object of JSON whose fields are the last of those around. Anything but an object is passed over.
func (s *fieldScan) object() {
	if s.next() != '{' {
		s.skip()
		return
	}
	fields := s.around[len(s.around)-1].fields
	for s.at++; s.next() == '"'; {
		key := s.key()
		field, known := fields[string(key)]
		switch {
		case field.fields != nil:
			s.value(field)
		case known || len(key) == 0:
			s.skip()
		default:
			s.addUnknown(string(key))
			s.skip()
		}
		if s.next() == ',' {
			s.at++
		}
		s.next()
	}
	s.at++
}

// addUnknown keeps a field that the API does not have; of those past mostUnknownFields it only counts how many there are.
func (s *fieldScan) addUnknown(name string) {
	if len(s.unknown) == mostUnknownFields {
		s.more++
		return
	}
	s.unknown = append(s.unknown, unknownField{s.path.Keys(name), meantField(name, s.around)})
}

// value looks through the value of a field that is an object of the API, or a list of such.
func (s *fieldScan) value(field apiField) {
	s.path, s.around = append(s.path, fieldpath.Step{Key: field.name}), append(s.around, field)
	if s.next() == '[' {
		s.items()
	} else {
		s.object()
	}
	s.path, s.around = s.path[:len(s.path)-1], s.around[:len(s.around)-1]
}

// items looks through the objects of a list.
func (s *fieldScan) items() {
	s.at++
	for i := 0; s.next() != ']' && s.at < len(s.data); i++ {
		s.path = append(s.path, fieldpath.Step{Index: i, IsIndex: true})
		s.object()
		s.path = s.path[:len(s.path)-1]
		if s.next() == ',' {
			s.at++
		}
	}
	s.at++
}

// key reads the key of a field, and passes over the colon behind it.
func (s *fieldScan) key() []byte {
	from := s.at
	s.text()
	raw := s.data[from:s.at]
	if s.next() == ':' {
		s.at++
	}
	if !bytes.Contains(raw, []byte(`\`)) {
		return raw[1 : len(raw)-1]
	}
	var name string
	_ = json.Unmarshal(raw, &name) // valid, as all of it
	return []byte(name)
}

// text passes over a string.
func (s *fieldScan) text() {
	for s.at++; s.at < len(s.data) && s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			s.at++
		}
	}
	s.at = min(s.at+1, len(s.data))
}

// skip passes over a value.
func (s *fieldScan) skip() {
	depth := 0
	for s.next() != 0 {
		switch s.data[s.at] {
		case '"':
			if s.text(); depth == 0 {
				return
			}
			continue
		case '{', '[':
			depth++
		case '}', ']', ',':
			if depth == 0 {
				return
			}
			if s.data[s.at] != ',' {
				if depth--; depth == 0 {
					s.at++
					return
				}
			}
		}
		s.at++
	}
}
