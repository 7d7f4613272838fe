package files

import (
	"errors"
	"fmt"
	"io"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// fileListReading is the reading of a List in a file, item by item.
type fileListReading struct {
	// label names the List in messages.
	label string
	// line is where it begins.
	line int
	// header is what is known of its apiVersion and kind, and headerComplete is set once nothing more can be found out.
	header         objectHeader
	headerComplete bool
	// findHeader finds the kind where it comes after the items.
	findHeader func() (objectHeader, error)

	// itemCount is how many items were read so far.
	itemCount int
	// nonObjectItems is how many of them are no objects, and firstNonObjectLine the line of the first.
	nonObjectItems     int
	firstNonObjectLine int
	// itemsWithKind is how many have a kind of their own.
	itemsWithKind int
	// itemsOfUnknownKind is how many have none, while the kind of the List could not be found: headerErr says why.
	itemsOfUnknownKind int
	headerErr          error
	// pagination says whether the List is one page of more.
	pagination listPagination
	// expected is what the items are by the place of the file in a dump.
	expected objectHeader
}

// newListReading returns the reading of a List in the file, before its first item.
func (s *documentReader) newListReading(what string, line int) *fileListReading {
	return &fileListReading{label: what, line: line, expected: s.expected}
}

// itemLabel returns the name of the current item of the file's List: "item 3 of document 1".
func (l *fileListReading) itemLabel() string {
	return fmt.Sprintf("item %d of %s", l.itemCount, l.label)
}

// countNonObjectItem counts an item of the file's List that is no object, and keeps the line of the first.
func (s *documentReader) countNonObjectItem(l *fileListReading, line int) {
	s.countNonObject()
	if l.nonObjectItems++; l.nonObjectItems == 1 {
		l.firstNonObjectLine = line
	}
}

// itemHeader returns the apiVersion and kind that a typed List in a file gives items without a kind; false where the
// List says its own kind only after the items, and it could not be found.
func (l *fileListReading) itemHeader() (objectHeader, bool) {
	if l.header.kind == "" && !l.headerComplete && l.expected.kind != "" {
		return l.expected, true
	}
	if l.header.kind == "" && !l.headerComplete {
		l.headerComplete = true
		found, err := l.findHeader()
		l.header.kind, l.headerErr = found.kind, err
		if l.header.apiVersion == "" {
			l.header.apiVersion = found.apiVersion
		}
	}
	h := l.header.itemHeader()
	if h.kind == "" && l.headerErr != nil {
		l.itemsOfUnknownKind++
		return h, false
	}
	return h, true
}

// readListItem reads an item of a List in the file: as an object, or as one that is none, which is counted.
func (s *documentReader) readListItem(l *fileListReading, o *manifestObject) {
	if !s.withinAliasBudget(o) {
		return
	}
	if len(o.text) < minObjectBytes {
		s.countNonObject()
	}
	if o.node != nil {
		s.restoreNulls(o.node)
		o.header = headerOfNode(o.node)
	}
	if o.header.kind != "" {
		l.itemsWithKind++
		s.readObject(o)
		return
	}
	listed, ok := l.itemHeader()
	if !ok {
		return
	}
	o.listHeader = listed
	if listed.kind != "" || o.header.apiVersion != "" {
		s.readObject(o)
		return
	}
	data := s.objectJSON(o)
	if data == nil {
		return
	}
	why, namespaces, changes := custom.FindLostManifests(data)
	if l.header.apiVersion != "" {
		why, namespaces, changes = podContentOfObject(o, data)
	}
	if why != "" {
		s.addGap(inventory.Gap{
			What: o.label, Why: message.New("object-without-kind", "holds", why), Position: s.position(o.line), Namespaces: namespaces,
			Affects: changes,
		})
		return
	}
	s.countNonObjectItem(l, o.line)
}

// reportList adds the gaps and notes of the file's List as a whole, once its items were read.
func (l *fileListReading) reportList(s *documentReader) {
	l.pagination.addGap(s, l)
	if l.itemsOfUnknownKind > 0 {
		s.addGap(inventory.Gap{What: l.label, Why: message.New("list-kind-after-items", "n", l.itemsOfUnknownKind, "error", l.headerErr), Position: s.position(l.line)})
		return
	}
	if l.nonObjectItems > 0 && l.nonObjectItems == l.itemCount && l.header.kind == "" && l.header.apiVersion == "" {
		s.skipNonObject(s.position(l.line))
		return
	}
	if l.nonObjectItems > 0 {
		s.sink.AddNote(inventory.Note{What: l.label, Why: message.New("list-items-skipped", "n", l.nonObjectItems), Position: s.position(l.firstNonObjectLine)})
	}
}

// errStdinReadOnce says why standard input cannot be read again for the kind of a List.
var errStdinReadOnce = errors.New("standard input cannot be read twice: save it to a file, and name that")

// reopenAt opens the file again and returns it from an offset on. It fails for standard input.
func (s *documentReader) reopenAt(offset int64) (io.ReadCloser, error) {
	if s.reopen == nil {
		return nil, errStdinReadOnce
	}
	r, err := s.reopen()
	if err != nil {
		return nil, fmt.Errorf("reading the file again failed: %s", readErrorReason(err))
	}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		_ = r.Close() // the reading error says more
		return nil, fmt.Errorf("reading the file again failed: %s", readErrorReason(err))
	}
	return r, nil
}
