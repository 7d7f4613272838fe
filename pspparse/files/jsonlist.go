package files

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
)

// maxHeaderBytes is how much of a file is held while the kind of a List is looked for behind its items.
const maxHeaderBytes = 64 << 10

// findJSONHeader reads a file again from an offset and returns the apiVersion and kind of the JSON object there.
func (s *documentReader) findJSONHeader(offset int64) (objectHeader, error) {
	r, err := s.reopenAt(offset)
	if err != nil {
		return objectHeader{}, err
	}
	h, err := readJSONHeader(newLineBuffer(r), maxHeaderBytes, s.limits.Depth)
	return h, errors.Join(err, r.Close())
}

// readJSONHeader returns the apiVersion and kind of the JSON object at the start of a file's text. It stops as soon as
// it has both.
func readJSONHeader(w *lineBuffer, limit, depth int) (objectHeader, error) {
	scan := jsonScanner{input: w, maxBytes: limit, maxDepth: depth}
	var h objectHeader
	if scan.skipWhitespace() != '{' {
		return h, scan.syntaxErrorf("expected an object")
	}
	err := scan.scanObject(func(key string) error {
		w.discardKept()
		if key != "apiVersion" && key != "kind" {
			_, err := scan.skipValue()
			return err
		}
		text, _, err := scan.scanValueText()
		if err != nil {
			return err
		}
		h.setField(key, text)
		if h.apiVersion != "" && h.kind != "" {
			return errStopScan
		}
		return nil
	})
	if errors.Is(err, errStopScan) {
		err = nil
	}
	return h, err
}

// setField sets the apiVersion or the kind of a document from the JSON of a value; it ignores any other key and any
// other value than a string.
func (h *objectHeader) setField(key string, text []byte) {
	if len(text) == 0 || text[0] != '"' {
		return
	}
	value, err := unquoteJSON(text)
	switch {
	case err != nil:
	case key == "kind":
		h.kind = value
	case key == "apiVersion":
		h.apiVersion = value
	}
}

// readJSONDocument reads the JSON object that is next in the file, and the items of a List one by one.
func (s *documentReader) readJSONDocument(cut *yamlSplitter) {
	s.input.discardKept()
	s.documentCount++
	scan := &jsonScanner{input: s.input, maxBytes: s.limits.DocumentBytes, maxDepth: s.limits.Depth}
	offset, line := s.input.offset(), s.input.lineAt(s.input.pos)
	l := s.newListReading(s.documentLabel(), line)
	l.findHeader = func() (objectHeader, error) { return s.findJSONHeader(offset) }
	d := &jsonDocumentReading{reader: s, scanner: scan, list: l, column: s.input.startColumn}
	if err := d.read(); err != nil {
		s.retryAsYAML(cut, d, err)
		return
	}
	d.readAsObject()
	switch c := scan.skipWhitespace(); {
	case c == 0 || c == '{' || c == '#' || isKubectlStderrLine(s.input.peekLine(lookaheadBytes)) || isDocumentMarker(s.input.peekLine(4), "---") || isDocumentMarker(s.input.peekLine(4), "..."):
	default:
		s.addBrokenGap(yamlPart{}, s.documentLabel(), line, &syntaxError{line: s.input.lineAt(s.input.pos), msg: fmt.Sprintf("something other than an object or --- follows the JSON object: %q", rune(c))})
		s.skipRestOfDocument(cut)
	}
}

// skipRestOfDocument skips the rest of a JSON document of the file that cannot be read on.
func (s *documentReader) skipRestOfDocument(cut *yamlSplitter) {
	s.input.discardKept()
	cut.restartWhole()
	cut.next()
}

// retryAsYAML reads a document of the file as YAML that is no JSON. Where items of it were read already, or a limit is
// exceeded, it adds a gap instead.
func (s *documentReader) retryAsYAML(cut *yamlSplitter, d *jsonDocumentReading, err error) {
	var syntax *syntaxError
	if errors.Is(err, errStopScan) {
		s.skipRestOfDocument(cut)
		return
	}
	if d.hasItems || d.exceeded != "" || errors.As(err, &syntax) && syntax.truncated {
		what := d.list.label
		if d.hasItems && d.list.itemCount > 0 {
			what = d.list.itemLabel()
		}
		s.addBrokenGap(yamlPart{text: s.input.peekLine(lookaheadBytes), line: s.input.lineAt(s.input.pos)}, what, d.list.line, err)
		d.list.reportList(s)
		s.skipRestOfDocument(cut)
		return
	}
	cut.restartWhole()
	p, _ := cut.next()
	if p.exceeded != "" {
		s.addLimitGap(s.documentLabel(), p.line, p.exceeded)
		return
	}
	root, yamlErr := parseYAMLDocument(p.text, p.line, s.limits)
	if yamlErr != nil || root == nil {
		s.addBrokenGap(p, s.documentLabel(), p.line, err)
		return
	}
	s.readParsedDocument(s.documentLabel(), root, p)
}

// jsonDocumentReading is the reading of a JSON document of a file, which may turn out to be a List.
type jsonDocumentReading struct {
	// reader is the reader of the file.
	reader *documentReader
	// scanner is at the object.
	scanner *jsonScanner
	// list counts the items if it is a List.
	list *fileListReading
	// column returns where in its line the document begins.
	column func() int
	// hasItems is set once items were found: then the object is a List, whatever its kind.
	hasItems bool
	// exceeded is the limit that the object exceeds.
	exceeded exceededLimit
	// listDepth is how many Lists it stands in.
	listDepth int
}

// read reads the members of a JSON document of the file. Items go to the inventory as they come. It returns a
// *syntaxError, or errStopScan.
func (d *jsonDocumentReading) read() error {
	err := d.scanner.scanObject(d.readMember)
	d.exceeded = cmp.Or(d.exceeded, d.scanner.exceeded)
	if err != nil || d.hasItems || d.exceeded != "" {
		return err
	}
	return checkJSONSyntax(d.scanner.input.kept(), d.list.line)
}

// readMember reads one member of a JSON document of the file.
func (d *jsonDocumentReading) readMember(key string) error {
	w := d.scanner.input
	if key == "items" && w.pos < len(w.buf) && w.buf[w.pos] == '[' {
		return d.readItems()
	}
	text, over, err := d.scanner.scanValueText()
	if err != nil {
		return err
	}
	if over != "" {
		d.exceeded = over
		return nil
	}
	if d.hasItems && !json.Valid(text) {
		return d.scanner.syntaxErrorf("the value of %s is not JSON", quoteInput(key))
	}
	if d.hasItems && key == "metadata" {
		d.list.pagination.readMetadata(text)
	}
	if key == "kind" && d.list.header.kind != "" && d.hasItems && !d.list.headerComplete {
		return d.scanner.syntaxErrorf("the key \"kind\" is given twice")
	}
	d.list.header.setField(key, text)
	return nil
}

// readItems reads the items of a List in a JSON file one by one. An item that is too long becomes a gap, and the others
// are read.
func (d *jsonDocumentReading) readItems() error {
	if d.hasItems {
		return d.scanner.syntaxErrorf("the key \"items\" is given twice")
	}
	if d.exceeded == "" {
		before := append(bytes.Clone(d.scanner.input.kept()), "null}"...)
		if !json.Valid(before) {
			return d.scanner.syntaxErrorf("what stands before the items is not JSON")
		}
		d.list.pagination.readListObject(before)
	}
	d.hasItems = true
	err := d.scanner.scanArray(d.readItem)
	d.scanner.input.discardKept()
	return err
}

// readItem reads the item of a List in a JSON file at which the scanner is.
func (d *jsonDocumentReading) readItem() error {
	if d.reader.tooManyNonObjects() {
		return errStopScan
	}
	w := d.scanner.input
	d.list.itemCount++
	d.scanner.exceeded = ""
	w.discardKept()
	line := w.lineAt(w.pos)
	over, err := d.scanner.skipValue()
	if err != nil {
		return err
	}
	if over != "" {
		d.reader.addLimitGap(d.list.itemLabel(), line, over)
		return nil
	}
	d.reader.readJSONItem(d.list, w, line, d.listDepth)
	return nil
}

// readJSONArray reads a file of a dump that is one JSON array of objects, item by item; false where it is none.
func (s *documentReader) readJSONArray() bool {
	scan := &jsonScanner{input: s.input, maxBytes: s.limits.DocumentBytes, maxDepth: s.limits.Depth}
	if scan.skipWhitespace() != '[' {
		s.input.pos = s.input.start
		return false
	}
	s.documentCount++
	l := s.newListReading(s.documentLabel(), s.input.lineAt(s.input.pos))
	l.headerComplete = true
	if s.expected.kind != "" {
		l.header = objectHeader{apiVersion: s.expected.apiVersion, kind: s.expected.kind + "List"}
	}
	d := &jsonDocumentReading{reader: s, scanner: scan, list: l, column: s.input.startColumn, hasItems: true}
	err := scan.scanArray(d.readItem)
	if err != nil && !errors.Is(err, errStopScan) {
		s.addBrokenGap(yamlPart{}, l.itemLabel(), s.input.lineAt(s.input.pos), err)
	}
	l.reportList(s)
	if err == nil && scan.skipWhitespace() != 0 {
		s.addBrokenGap(yamlPart{}, s.documentLabel(), s.input.lineAt(s.input.pos), scan.syntaxErrorf("something follows the JSON array"))
	}
	return true
}

// readAsObject reads the JSON object of the file as one document where it has no items, and ends the List where it has.
func (d *jsonDocumentReading) readAsObject() {
	switch {
	case d.hasItems:
		d.list.reportList(d.reader)
	case d.exceeded != "":
		d.reader.addLimitGap(d.list.label, d.list.line, d.exceeded)
	default:
		text := d.scanner.input.kept()
		d.reader.readObject(&manifestObject{label: d.list.label, header: d.list.header, data: text, text: text, textLine: d.list.line, line: d.list.line, column: d.column})
	}
}

// readJSONItem reads one item of a List in a JSON file, which is what the buffer holds.
func (s *documentReader) readJSONItem(l *fileListReading, from *lineBuffer, line, nested int) {
	text := from.kept()
	if text[0] != '{' {
		s.countNonObjectItem(l, line)
		return
	}
	o := &manifestObject{label: l.itemLabel(), data: text, text: text, textLine: line, line: line, column: from.startColumn, listDepth: nested + 1}
	var err error
	if o.header, err = readJSONHeader(newLineBufferOfText(text, line), len(text), s.limits.Depth); err != nil {
		s.addBrokenObjectGap(o, err)
		return
	}
	s.readListItem(l, o)
}

// readNestedJSONList reads the items of a List in a JSON file that is an item of another List.
func (s *documentReader) readNestedJSONList(o *manifestObject) {
	l := s.newListReading(o.label, o.line)
	l.header, l.headerComplete = o.header, true
	w := newLineBufferOfText(o.data, o.line)
	if o.column != nil && s.eachObject != nil {
		w.baseColumn = o.column() - 1
	}
	d := &jsonDocumentReading{reader: s, scanner: &jsonScanner{input: w, maxBytes: s.limits.DocumentBytes, maxDepth: s.limits.Depth}, list: l, listDepth: o.listDepth}
	if err := d.read(); err != nil && !errors.Is(err, errStopScan) {
		s.addBrokenObjectGap(o, err)
	}
	l.reportList(s)
}
