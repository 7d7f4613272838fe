package yamledit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Edit is one change of a field of an object in the text of a YAML or JSON file.
type Edit struct {
	// Line is where the object's mapping begins in the file, from 1.
	Line int
	// Column is the code point of that line at which it begins, from 1; 0 if no other object begins on the line.
	Column int
	// Path leads to the field within the object. The indexes of lists in it are those of the text before all edits; one that is
	// the length of its list adds an item.
	Path fieldpath.Path
	// Remove takes the field away. Else it gets Value, and maps on the way to it that are missing are made.
	Remove bool
	Value  json.RawMessage
}

// Refusal is an edit of a YAML or JSON file that was not made, and why.
type Refusal struct {
	Edit   Edit
	Reason message.Message
}

// maxText is how long a YAML or JSON file may be that is edited.
const maxText = 16 << 20

// Apply makes the edits in the text of a file with any number of YAML documents and JSON values, Lists among them, and returns the new
// text. Each edit keeps all lines that it does not have to touch, byte for byte. What is new is written as its neighbours are, and a map
// or list of which nothing is left becomes {} or []. A field that is removed takes the comments in it and beside it along, not those
// above it. Edits that cannot be made so that the file then reads as it should are returned as refusals, and nothing is changed for
// them. It returns an error for a file of more than 16 MiB.
func Apply(text []byte, edits []Edit) (edited []byte, refused []Refusal, err error) {
	if len(text) > maxText {
		return nil, nil, fmt.Errorf("editing a file of %d bytes: the limit is %d", len(text), maxText)
	}
	body := bytes.TrimPrefix(text, []byte("\ufeff"))
	f := newFileEditor(body)
	edited = append(bytes.Clone(text[:len(text)-len(body)]), f.apply(edits)...)
	for _, r := range f.refused {
		refused = append(refused, r.Refusal)
	}
	return edited, refused, nil
}

// newFileEditor returns what makes edits in the text of a YAML or JSON file without its byte order mark.
func newFileEditor(text []byte) *fileEditor {
	return &fileEditor{text: text, parts: cutDocuments(text), newline: newlineOf(text), budget: budgetOf(text)}
}

// apply returns the text of the YAML file with the edits that can be made, and sorts the refused ones as they were given.
func (f *fileEditor) apply(edits []Edit) (out []byte) {
	at := 0
	for i, group := range f.byPart(edits) {
		if len(group) == 0 {
			continue
		}
		for _, d := range f.editPart(f.parts[i], group) {
			out = append(append(out, f.text[at:d.offset]...), d.text...)
			at = d.offset + d.length
		}
	}
	slices.SortStableFunc(f.refused, func(a, b indexedRefusal) int { return cmp.Compare(a.index, b.index) })
	return append(out, f.text[at:]...)
}

// budgetOf returns how many bytes may be read again to find out which edits of a file cannot be made.
func budgetOf(text []byte) int { return 8*len(text) + 32<<20 }

// fileEditor makes edits in one YAML or JSON file.
type fileEditor struct {
	text    []byte
	parts   []part
	newline string
	refused []indexedRefusal
	// budget is how many bytes may still be read to find out which edits cannot be made together; parsed counts those that were, and
	// passed those that were looked at one by one to find places in the text.
	budget, parsed, passed int
}

// indexedRefusal is a refused edit of a YAML file with its index among all edits.
type indexedRefusal struct {
	Refusal
	index int
}

// indexedEdit is an edit of a YAML file with its index among all edits, and the object it is for.
type indexedEdit struct {
	Edit
	index  int
	object *yaml.Node
}

// newText is the text of a YAML document after its edits, for length bytes of the file from offset.
type newText struct {
	offset, length int
	text           []byte
}

// refuse keeps an edit of the YAML file as refused.
func (f *fileEditor) refuse(e indexedEdit, reason message.Message) {
	f.refused = append(f.refused, indexedRefusal{Refusal{e.Edit, reason}, e.index})
}

// byPart returns the edits of each part of the YAML file. Those of lines that the file does not have are refused.
func (f *fileEditor) byPart(edits []Edit) [][]indexedEdit {
	groups := make([][]indexedEdit, len(f.parts))
	for i, e := range edits {
		indexed := indexedEdit{Edit: e, index: i}
		if at := partOfLine(f.parts, e.Line); at >= 0 {
			groups[at] = append(groups[at], indexed)
		} else {
			f.refuse(indexed, message.New("file-edit-no-object", "line", e.Line))
		}
	}
	return groups
}

// editPart returns the new texts of the documents in a part of the YAML file to which edits were made.
func (f *fileEditor) editPart(p part, edits []indexedEdit) []newText {
	f.parsed += p.end - p.offset
	docs, err := p.parse(f.text)
	if err != nil {
		f.refuseAll(edits, err, f.text[p.offset:p.end], p.line)
		return nil
	}
	objects := map[place][]objectAt{}
	for i, d := range docs {
		d.collectObjects(d.root, i, objects)
	}
	groups := make([][]indexedEdit, len(docs))
	for _, e := range edits {
		found, problem := findObject(objects, e.Edit)
		if problem == nil {
			e.object = found.node
			problem = docs[found.document].check(found.node, e.Edit)
		}
		if problem != nil {
			f.refuse(e, *problem)
			continue
		}
		groups[found.document] = append(groups[found.document], e)
	}
	var out []newText
	for i, d := range docs {
		if len(groups[i]) == 0 {
			continue
		}
		if text := f.editDocument(d, groups[i]); text != nil {
			out = append(out, newText{d.offset, len(d.text), text})
		}
		f.passed += d.lines.passed
	}
	return out
}
