package check

import (
	"reflect"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// shared keeps once what findings of many objects have alike: names of fields, edits and sentences. Without it they are most of what a
// check of many small objects holds.
type shared struct {
	fields    map[string]string
	edits     map[editKey]*finding.Edit
	sentences map[pss.Violation]string
}

// editKey is what nearly tells the edits of findings apart: their arguments are compared beside it.
type editKey struct{ op, value, safety, why, text string }

// newShared returns a shared that keeps nothing yet.
func newShared() shared {
	return shared{map[string]string{}, map[editKey]*finding.Edit{}, map[pss.Violation]string{}}
}

// field returns the name of a field of a finding's place.
func (s *shared) field(name string) string {
	if known, ok := s.fields[name]; ok {
		return known
	}
	s.fields[name] = name
	return name
}

// edit returns the edit of a finding's place, which nobody may change.
func (s *shared) edit(e finding.Edit) *finding.Edit {
	key := editKey{e.Op, string(e.Value), e.Safety, e.Why.ID, e.Why.Text}
	known, ok := s.edits[key]
	if !ok {
		s.edits[key] = &e
		return &e
	}
	if !reflect.DeepEqual(known.Why.Args, e.Why.Args) { // the text of a message may leave some out
		return &e
	}
	return known
}

// sentence returns what Pod Security admission says of a violation.
func (s *shared) sentence(v pss.Violation) string {
	text, ok := s.sentences[v]
	if !ok {
		text = pss.ViolationMessage([]pss.Violation{v})
		s.sentences[v] = text
	}
	return text
}
