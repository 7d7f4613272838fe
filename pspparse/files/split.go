package files

import "bytes"

// yamlPartKind says what a part of a YAML file is: a document, the head of a List, an item, or the tail.
type yamlPartKind int

const (
	// wholeDocument is a document from its mark to the next.
	wholeDocument yamlPartKind = iota
	// A List in block style is handed out in pieces: its text up to the "items:" line, each item with its dash, and
	// what follows the items.
	listHead
	// listItem is one item of a List, with its dash.
	listItem
	// listTail is what follows the items of a List.
	listTail
	// jsonFollows is the text before a JSON object ("---", comments): the object itself is next in the input.
	jsonFollows
)

// yamlPart is a piece of a YAML file. Its text is valid until the next call of next.
type yamlPart struct {
	// kind says what the part is.
	kind yamlPartKind
	// text is the part, and line where it begins.
	text []byte
	line int
	// exceeded is set where the part was passed over: then text is not all of it.
	exceeded exceededLimit
	// empty is set where there is nothing but blank lines, comments and markers.
	empty bool
}

// yamlSplitter cuts a YAML file into documents and items of Lists, line by line. All parts together are the stream.
// With stopAtJSON, what kubectl wrote to standard error before a document is left out.
type yamlSplitter struct {
	// input is the text of the file.
	input *lineBuffer
	// maxBytes is how much is held of one part.
	maxBytes int
	// stopAtJSON stops before documents that look like JSON, as captured output of kubectl has them.
	stopAtJSON bool
	// keepListWhole leaves the List in the next document uncut.
	keepListWhole bool

	// nextKind is what the next part is: wholeDocument, listItem or listTail.
	nextKind yamlPartKind
	// dashIndent is the indentation of the dashes of a List's items.
	dashIndent int

	// stderrLine is the first line that was left out because kubectl wrote it to standard error; 0 if none was.
	stderrLine int
}

// lookaheadBytes is how much of a line is read to see what it is. A "---" or a dash needs a few bytes after its
// indentation; deeper ones are not taken for a List's items.
const lookaheadBytes = 128

// next returns the next part of the YAML file; false at its end.
func (s *yamlSplitter) next() (yamlPart, bool) {
	s.input.discardKept()
	switch s.nextKind {
	case listItem:
		return s.nextListItem(), true
	case listTail:
		s.nextKind = wholeDocument
		return s.nextListTail(), true
	default:
		return s.nextDocument()
	}
}

// restartWhole makes the next part of the YAML file start where the last one did, and leaves its document whole.
func (s *yamlSplitter) restartWhole() {
	s.input.pos = s.input.start
	s.nextKind, s.keepListWhole = wholeDocument, true
}

// takeLine moves past the current line of the YAML file, and holds it if the part is still within the limit.
func (s *yamlSplitter) takeLine(p *yamlPart) {
	limit := s.maxBytes
	if p.exceeded != "" {
		limit = 0
	}
	if !s.input.skipLine(limit) || s.input.pos-s.input.start > s.maxBytes {
		p.exceeded = exceedsSize
	}
	if p.exceeded != "" {
		s.input.discardKept()
	}
}

// finishPart returns a part of the YAML file with the text that is held.
func (s *yamlSplitter) finishPart(p yamlPart) yamlPart {
	p.text = s.input.kept()
	return p
}

// nextDocument returns the next document of the YAML file, or the head of a List in block style; false at the end of
// the stream.
func (s *yamlSplitter) nextDocument() (yamlPart, bool) {
	p := yamlPart{kind: wholeDocument, line: s.input.lineAt(s.input.pos), empty: true}
	marked, whole := false, s.keepListWhole
	s.keepListWhole = false
	// items is set after an "items:" line, until the next line shows whether a list follows; head is where it ended.
	items, head := false, 0
	for {
		line := s.input.peekLine(lookaheadBytes)
		switch {
		case len(line) == 0:
			return s.finishPart(p), s.input.pos > s.input.start || p.exceeded != ""
		case isDocumentMarker(line, "---"):
			if marked || !p.empty {
				return s.finishPart(p), true
			}
			marked, p.empty = true, !hasContentAfterMarker(line)
		case isDocumentMarker(line, "..."):
			s.takeLine(&p)
			return s.finishPart(p), true
		case isBlankOrComment(line) || p.empty && line[0] == '%':
		case s.stopAtJSON && p.empty && isKubectlStderrLine(line):
			s.dropStderrLine(&p)
			continue
		case s.stopAtJSON && !whole && p.empty && startsJSONObject(s.input):
			p.kind = jsonFollows
			return s.finishPart(p), true
		case items && dashIndentation(line) >= 0:
			s.nextKind, s.dashIndent = listItem, dashIndentation(line)
			s.input.pos = s.input.start + head
			p.kind = listHead
			return s.finishPart(p), true
		default:
			p.empty, items = false, !whole && p.exceeded == "" && isItemsKeyLine(line)
			if items {
				s.takeLine(&p)
				head = s.input.pos - s.input.start
				continue
			}
		}
		s.takeLine(&p)
	}
}

// dropStderrLine drops the current line, which kubectl wrote to standard error, and what stands before it in the document:
// blank lines, comments and marks.
func (s *yamlSplitter) dropStderrLine(p *yamlPart) {
	if s.stderrLine == 0 {
		s.stderrLine = s.input.lineAt(s.input.pos)
	}
	s.input.skipLine(0)
	s.input.discardKept()
	p.line = s.input.lineAt(s.input.pos)
}

// nextListItem returns the next item of a List in a YAML file: lines that are indented more than its dash, and blank
// ones, belong to it.
func (s *yamlSplitter) nextListItem() yamlPart {
	p := yamlPart{kind: listItem, line: s.input.lineAt(s.input.pos), empty: true}
	for {
		line := s.input.peekLine(lookaheadBytes)
		switch {
		case len(line) == 0 || isDocumentMarker(line, "---") || isDocumentMarker(line, "..."):
			s.nextKind = listTail
			return s.finishPart(p)
		case isBlankOrComment(line):
		case dashIndentation(line) == s.dashIndent:
			if !p.empty {
				return s.finishPart(p)
			}
			p.empty = false
		case line[0] != ' ' && isMappingKeyLine(line):
			s.nextKind = listTail
			return s.finishPart(p)
		}
		// Anything else that is not indented enough is no YAML: it stays with the item, whose parser will say so.
		s.takeLine(&p)
	}
}

// nextListTail returns what follows the items of a List in a YAML file.
func (s *yamlSplitter) nextListTail() yamlPart {
	p := yamlPart{kind: listTail, line: s.input.lineAt(s.input.pos), empty: true}
	for {
		line := s.input.peekLine(lookaheadBytes)
		if len(line) == 0 || isDocumentMarker(line, "---") {
			return s.finishPart(p)
		}
		end := isDocumentMarker(line, "...")
		p.empty = p.empty && (end || isBlankOrComment(line))
		s.takeLine(&p)
		if end {
			return s.finishPart(p)
		}
	}
}

// isDocumentMarker reports whether a line of YAML is the mark of a document: at column 0, followed by white space or
// nothing. YAML allows it in no scalar there.
func isDocumentMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\n' || line[3] == '\r'
}

// hasContentAfterMarker reports whether a YAML document begins on the line of its "---".
func hasContentAfterMarker(line []byte) bool {
	rest := bytes.TrimLeft(line[3:], " \t\r\n")
	return len(rest) > 0 && rest[0] != '#'
}

// isBlankOrComment reports whether a line of YAML is white space or a comment.
func isBlankOrComment(line []byte) bool {
	rest := bytes.TrimLeft(line, " \t\r\n")
	return len(rest) == 0 && len(line) < lookaheadBytes || len(rest) > 0 && rest[0] == '#'
}

// dashIndentation returns the indentation of a line of YAML that starts an item of a list, -1 for any other line.
func dashIndentation(line []byte) int {
	rest := bytes.TrimLeft(line, " ")
	if len(rest) == 0 || rest[0] != '-' {
		return -1
	}
	if len(rest) == 1 || rest[1] == ' ' || rest[1] == '\t' || rest[1] == '\n' || rest[1] == '\r' {
		return len(line) - len(rest)
	}
	return -1
}

// isItemsKeyLine reports whether a line of YAML is "items:" at column 0, without a value.
func isItemsKeyLine(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("items:"))
	return ok && len(line) < lookaheadBytes && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r') && isBlankOrComment(rest)
}

// isMappingKeyLine reports whether a line of YAML at column 0 can be a key of a YAML mapping in block style.
func isMappingKeyLine(line []byte) bool {
	c := line[0]
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '"' || c == '\''
	return letter && bytes.IndexByte(line, ':') > 0
}

// startsJSONObject reports whether a JSON object is next in the file: a brace, then a quote or the closing brace.
func startsJSONObject(w *lineBuffer) bool {
	from := w.pos - w.start
	defer func() { w.pos = w.start + from }()
	if peekNonSpace(w, lineBufferBytes) != '{' {
		return false
	}
	w.pos++
	c := peekNonSpace(w, lineBufferBytes)
	return c == '"' || c == '}'
}

// peekNonSpace moves past white space of the file, of up to most bytes, and returns the byte that follows; that is
// white space where there is more.
func peekNonSpace(w *lineBuffer, most int) byte {
	for end := w.pos - w.start + most; ; w.pos++ {
		if w.pos == len(w.buf) && !w.readMore() {
			return 0
		}
		if c := w.buf[w.pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' || w.pos-w.start >= end {
			return c
		}
	}
}
