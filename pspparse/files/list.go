package files

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// listReading is a List whose items are handed on one by one.
type listReading struct {
	label string
	line  int
	// header is what is known of the list's kind; looked is set once it is all there is to know.
	header         objectHeader
	headerComplete bool
	// findHeader finds the kind where it comes after the items.
	findHeader func() (objectHeader, error)

	itemCount          int // items so far
	nonObjectItems     int // items that are no objects
	firstNonObjectLine int
	itemsWithKind      int // items with a kind of their own
	itemsOfUnknownKind int // items whose kind the list would tell, could it be looked up
	headerErr          error
	pagination         listPagination
}

func (s *documentReader) newListReading(what string, line int) *listReading {
	return &listReading{label: what, line: line}
}

// itemLabel names the current item.
func (l *listReading) itemLabel() string { return fmt.Sprintf("item %d of %s", l.itemCount, l.label) }

func (s *documentReader) countNonObjectItem(l *listReading, line int) {
	s.countNonObject()
	if l.nonObjectItems++; l.nonObjectItems == 1 {
		l.firstNonObjectLine = line
	}
}

// itemHeader is what the list says of an item that does not say its kind.
func (l *listReading) itemHeader() (objectHeader, bool) {
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

// readListItem hands on an item, or counts it among those that are nothing.
func (s *documentReader) readListItem(l *listReading, o *manifestObject) {
	if !s.withinAliasBudget(o) {
		return
	}
	if len(o.text) < minObjectBytes {
		s.countNonObject()
	}
	if o.node != nil {
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

// reportList tells what was odd about the list as a whole.
func (l *listReading) reportList(s *documentReader) {
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

var errStdinReadOnce = errors.New("standard input cannot be read twice: save it to a file, and name that")

// reopenAt is the stream from an offset on.
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

// listKeys are those that a list in block style has had by the end of its items.
func (h *objectHeader) listKeys() []string {
	keys := []string{"items"}
	if h.apiVersion != "" {
		keys = append(keys, "apiVersion")
	}
	if h.kind != "" {
		keys = append(keys, "kind")
	}
	return keys
}

// maxHeaderBytes is what may be kept while looking for the kind of a list.
const maxHeaderBytes = 64 << 10

// findJSONHeader finds what the JSON object at an offset says it is.
func (s *documentReader) findJSONHeader(offset int64) (objectHeader, error) {
	r, err := s.reopenAt(offset)
	if err != nil {
		return objectHeader{}, err
	}
	h, err := readJSONHeader(newLineBuffer(r), maxHeaderBytes, s.limits.Depth)
	return h, errors.Join(err, r.Close())
}

// readJSONHeader reads what the JSON object at the start of a window says it is. It stops as soon as it knows.
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

// readJSONDocument reads the JSON object that is next in the window.
func (s *documentReader) readJSONDocument(cut *yamlSplitter) {
	s.input.discardKept()
	s.documentCount++
	scan := &jsonScanner{input: s.input, maxBytes: s.limits.DocumentBytes, maxDepth: s.limits.Depth}
	offset, line := s.input.offset(), s.input.lineAt(s.input.pos)
	l := s.newListReading(s.documentLabel(), line)
	l.findHeader = func() (objectHeader, error) { return s.findJSONHeader(offset) }
	d := &jsonDocumentReading{reader: s, scanner: scan, list: l}
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

// skipRestOfDocument passes over the rest of a document.
func (s *documentReader) skipRestOfDocument(cut *yamlSplitter) {
	s.input.discardKept()
	cut.restartWhole()
	cut.next()
}

// retryAsYAML tries as YAML what is not JSON, unless part of it was handed on already.
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
		s.addBrokenGap(yamlPart{}, what, d.list.line, err)
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

// jsonDocumentReading is a JSON object of which nothing is known yet: it may turn out to be a List.
type jsonDocumentReading struct {
	reader  *documentReader
	scanner *jsonScanner
	list    *listReading
	// hasItems is set once items were found: then the object is a list, whatever its kind.
	hasItems  bool
	exceeded  exceededLimit
	listDepth int
}

func (d *jsonDocumentReading) read() error {
	err := d.scanner.scanObject(d.readMember)
	d.exceeded = cmp.Or(d.exceeded, d.scanner.exceeded)
	if err != nil || d.hasItems || d.exceeded != "" {
		return err
	}
	return checkJSONSyntax(d.scanner.input.kept(), d.list.line)
}

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
	err := d.scanner.scanArray(func() error {
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
		d.reader.readJSONItem(d.list, w.kept(), line, d.listDepth)
		return nil
	})
	d.scanner.input.discardKept()
	return err
}

// readAsObject hands on the object if it was no list.
func (d *jsonDocumentReading) readAsObject() {
	switch {
	case d.hasItems:
		d.list.reportList(d.reader)
	case d.exceeded != "":
		d.reader.addLimitGap(d.list.label, d.list.line, d.exceeded)
	default:
		text := d.scanner.input.kept()
		d.reader.readObject(&manifestObject{label: d.list.label, header: d.list.header, data: text, text: text, textLine: d.list.line, line: d.list.line})
	}
}

func (s *documentReader) readJSONItem(l *listReading, text []byte, line, nested int) {
	if text[0] != '{' {
		s.countNonObjectItem(l, line)
		return
	}
	o := &manifestObject{label: l.itemLabel(), data: text, text: text, textLine: line, line: line, listDepth: nested + 1}
	var err error
	if o.header, err = readJSONHeader(newLineBufferOfText(text, line), len(text), s.limits.Depth); err != nil {
		s.addBrokenObjectGap(o, err)
		return
	}
	s.readListItem(l, o)
}

// readNestedJSONList hands on the items of a List that is an item itself.
func (s *documentReader) readNestedJSONList(o *manifestObject) {
	l := s.newListReading(o.label, o.line)
	l.header, l.headerComplete = o.header, true
	w := newLineBufferOfText(o.data, o.line)
	d := &jsonDocumentReading{reader: s, scanner: &jsonScanner{input: w, maxBytes: s.limits.DocumentBytes, maxDepth: s.limits.Depth}, list: l, listDepth: o.listDepth}
	if err := d.read(); err != nil && !errors.Is(err, errStopScan) {
		s.addBrokenObjectGap(o, err)
	}
	l.reportList(s)
}

// readYAMLList reads a List in block style, of which the head is given.
func (s *documentReader) readYAMLList(cut *yamlSplitter, p yamlPart) {
	offset := s.input.offset()
	text := bytes.Clone(p.text)
	root, err := parseYAMLDocument(text, p.line, s.limits)
	if err != nil || root == nil || root.Kind != yaml.MappingNode || yttAnnotationLine(text) >= 0 || repeatsTypeKeys(root) || isKubectlError(text) {
		cut.restartWhole() // not what it looked like: it will be parsed as a whole
		return
	}
	s.documentCount++
	l := s.newListReading(s.documentLabel(), root.Line)
	l.header = headerOfNode(root)
	s.readPagination(l, root)
	l.findHeader = func() (objectHeader, error) { return s.findYAMLHeader(offset) }
	before := newAnchorContext(s.limits)
	before.rememberAnchors(text, root)
	for {
		p, _ := cut.next()
		if p.kind != listItem {
			s.readYAMLListTail(l, p)
			return
		}
		if s.tooManyNonObjects() {
			return
		}
		s.readYAMLItem(l, p, cut.dashIndent, before)
	}
}

// readPagination looks at the metadata of a List.
func (s *documentReader) readPagination(l *listReading, root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "metadata" {
			continue
		}
		if data, err := s.nodeToJSON(root.Content[i+1], false); err == nil {
			l.pagination.readMetadata(data)
		}
	}
}

func (s *documentReader) readYAMLItem(l *listReading, p yamlPart, indent int, before *anchorContext) {
	l.itemCount++
	if p.exceeded != "" {
		s.addLimitGap(l.itemLabel(), p.line, p.exceeded)
		return
	}
	root, err := before.parseItem(p, indent)
	if err != nil {
		s.addBrokenGap(p, l.itemLabel(), p.line, err)
		return
	}
	if root == nil {
		return
	}
	before.rememberAnchors(p.text, root)
	if n := yttAnnotationLine(p.text); n >= 0 {
		s.addTemplateGap(l.itemLabel(), p.line+n, yttHint)
		return
	}
	for _, item := range root.Content {
		aliased := item.Kind == yaml.AliasNode
		item = resolveAlias(item)
		if item.Kind != yaml.MappingNode {
			s.countNonObjectItem(l, item.Line)
			continue
		}
		s.readListItem(l, &manifestObject{label: l.itemLabel(), node: item, viaAlias: aliased, text: p.text, textLine: p.line, line: item.Line, listDepth: 1})
	}
}

// readYAMLListTail reads what follows the items: kubectl writes the kind of a List there. One without is cut off, most likely.
func (s *documentReader) readYAMLListTail(l *listReading, p yamlPart) {
	var tail objectHeader
	if !p.empty && p.exceeded == "" {
		root, err := parseYAMLDocument(p.text, p.line, s.limits)
		if err == nil && root != nil {
			if others := objectsWithoutSeparator(root, l.header.listKeys()...); len(others) > 0 {
				err = missingSeparatorError(others)
			} else {
				_, err = s.nodeToJSON(root, false)
			}
			s.readPagination(l, root)
			tail = headerOfNode(root)
		}
		switch {
		case err != nil:
			s.addBrokenGap(p, l.label, p.line, err)
			tail.kind = unreadableKind
		case tail.items != nil:
			s.addBrokenGap(yamlPart{}, l.label, p.line, &syntaxError{line: tail.items.Line, msg: "the key \"items\" is given twice: what the second holds was not read"})
		case tail.kind != "" && l.header.kind != "" && !l.headerComplete:
			s.addBrokenGap(yamlPart{}, l.label, p.line, &syntaxError{line: p.line, msg: "the key \"kind\" is given twice"})
		}
	}
	if l.header.kind == "" {
		l.header.kind = tail.kind
	}
	if l.header.apiVersion == "" {
		l.header.apiVersion = tail.apiVersion
	}
	if l.itemsWithKind > 0 && l.header.kind == "" {
		s.addGap(inventory.Gap{What: l.label, Why: message.New("list-cut-off", "n", l.itemCount), Position: s.position(max(s.input.lineAt(s.input.pos), p.line))})
	}
	l.reportList(s)
}

// unreadableKind stands for the kind of a list whose end has been complained about already.
const unreadableKind = "(unreadable)"

// findYAMLHeader finds what the YAML list at an offset says it is.
func (s *documentReader) findYAMLHeader(offset int64) (objectHeader, error) {
	r, err := s.reopenAt(offset)
	if err != nil {
		return objectHeader{}, err
	}
	cut := &yamlSplitter{input: newLineBuffer(r), maxBytes: maxHeaderBytes}
	var h objectHeader
	for p, ok := cut.next(); ok; p, ok = cut.next() {
		if p.kind != listTail {
			continue
		}
		var root *yaml.Node
		if root, err = parseYAMLDocument(p.text, p.line, s.limits); root != nil {
			h = headerOfNode(root)
		}
		break
	}
	return h, errors.Join(err, r.Close())
}
