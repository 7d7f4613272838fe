package yamledit

import (
	"bytes"
	"errors"
	"slices"

	"gopkg.in/yaml.v3"
)

// settler finds the edits of a YAML document that can be made together.
type settler struct {
	*fileEditor
	d *document
	// unedited is the value of the document until the first attempt.
	unedited *value
	accepted []indexedEdit
	text     []byte // with the accepted edits
}

// editDocument returns the text of a YAML document with as many of the edits as can be made; nil if none can.
func (f *fileEditor) editDocument(d *document, edits []indexedEdit) []byte {
	s := settler{fileEditor: f, d: d}
	var err error
	if s.unedited, err = valueOf(d.root); err != nil {
		f.refuseAll(edits, err, d.text, d.line)
		return nil
	}
	text, err := s.attempt(edits)
	if err == nil {
		return text
	}
	if !errors.Is(err, errUnsure) {
		edits = s.plannable(edits)
	}
	if len(edits) > 0 {
		s.settle(edits)
	}
	return s.text
}

// settle makes edits of the YAML document beside those that were accepted: all of them, or else each half by itself.
func (s *settler) settle(edits []indexedEdit) {
	text, err := s.attempt(append(slices.Clone(s.accepted), edits...))
	switch {
	case err == nil:
		s.accepted, s.text = append(s.accepted, edits...), text
	case len(edits) == 1 || s.budget < 0:
		for _, e := range edits {
			s.refuse(e, reasonOf(err, e.Edit))
		}
	default:
		s.settle(edits[:len(edits)/2])
		s.settle(edits[len(edits)/2:])
	}
}

// spend takes the reading of bytes of the YAML file, and the making of edits, from the budget.
func (f *fileEditor) spend(text, edits int) {
	const perEdit = 64
	f.budget -= text + perEdit*edits
	f.parsed += text
}

// byObject returns the objects of the YAML document that edits are for, in the order of the first edit of each, and the edits of each.
func byObject(edits []indexedEdit) (objects []*yaml.Node, groups map[*yaml.Node][]indexedEdit) {
	groups = map[*yaml.Node][]indexedEdit{}
	for _, e := range edits {
		if groups[e.object] == nil {
			objects = append(objects, e.object)
		}
		groups[e.object] = append(groups[e.object], e)
	}
	return objects, groups
}

// plannable returns those of the edits of the YAML document for which splices are found, and refuses the others.
func (s *settler) plannable(edits []indexedEdit) []indexedEdit {
	objects, groups := byObject(edits)
	var out []indexedEdit
	for _, o := range objects {
		size := 32 * nodesIn(o)
		var accepted []indexedEdit
		var settle func(edits []indexedEdit)
		settle = func(edits []indexedEdit) {
			_, err := s.planObject(o, append(slices.Clone(accepted), edits...))
			s.spend(size, len(accepted)+len(edits))
			switch {
			case err == nil:
				accepted = append(accepted, edits...)
			case len(edits) == 1 || s.budget < 0:
				for _, e := range edits {
					s.refuse(e, reasonOf(err, e.Edit))
				}
			default:
				settle(edits[:len(edits)/2])
				settle(edits[len(edits)/2:])
			}
		}
		settle(groups[o])
		out = append(out, accepted...)
	}
	return out
}

// nodesIn returns how many nodes a YAML tree has.
func nodesIn(n *yaml.Node) int {
	total := 1
	for _, c := range n.Content {
		total += nodesIn(c)
	}
	return total
}

// planObject returns the splices of an object of the YAML document with edits made. It fails where one cannot be made.
func (s *settler) planObject(object *yaml.Node, edits []indexedEdit) ([]splice, error) {
	v, err := valueOf(object)
	if err != nil {
		return nil, err
	}
	for _, e := range edits {
		if err := v.edit(e.Edit); err != nil {
			return nil, err
		}
	}
	p := planner{d: s.d, newline: s.newline, habits: map[*yaml.Node]habits{}}
	err = p.plan(v, holder{})
	return p.splices, err
}

// attempt returns the text of the YAML document with edits made, all of them. It fails where one cannot be made, and where the new
// text would not read as the old one with the edits.
func (s *settler) attempt(edits []indexedEdit) ([]byte, error) {
	d := s.d
	s.spend(2*len(d.text), len(edits))
	objects, groups := byObject(edits)
	var splices []splice
	for _, o := range objects {
		more, err := s.planObject(o, groups[o])
		if err != nil {
			return nil, err
		}
		splices = append(splices, more...)
	}
	want, err := s.wanted(edits)
	if err != nil {
		return nil, err
	}
	text, err := d.spliced(splices)
	if err != nil {
		return nil, err
	}
	if err = d.verify(text, want); err == nil || d.json || bytes.HasSuffix(d.text, []byte("\n")) {
		return text, err
	}
	// What has become the last line may be of a text that needs its line end.
	text = append(text, s.newline...)
	return text, d.verify(text, want)
}

// wanted returns the value of the YAML document with edits made.
func (s *settler) wanted(edits []indexedEdit) (*value, error) {
	want, err := s.unedited, error(nil)
	if s.unedited = nil; want == nil {
		if want, err = valueOf(s.d.root); err != nil {
			return nil, err
		}
	}
	objects := map[*yaml.Node]*value{}
	for _, e := range edits {
		objects[e.object] = nil
	}
	want.findObjects(objects)
	for _, e := range edits {
		v := objects[e.object]
		if v == nil {
			return nil, errNoPlace
		}
		if err := v.edit(e.Edit); err != nil {
			return nil, err
		}
	}
	return want, nil
}

// errUnsure says that an edited YAML text does not read as it should.
var errUnsure = errors.New("the edited text does not read as it should")

// verify fails unless the new text of a YAML document has the value that is wanted, and is still one document.
func (d *document) verify(text []byte, want *value) error {
	parts := cutDocuments(text)
	if len(parts) != 1 && !(len(parts) == 2 && parts[1].offset == len(text)) {
		return errUnsure
	}
	docs, err := part{end: len(text), line: 1}.parse(text)
	if err != nil || len(docs) != 1 {
		return errUnsure
	}
	got, err := valueOf(docs[0].root)
	if err != nil || !equal(got, want) {
		return errUnsure
	}
	return nil
}
