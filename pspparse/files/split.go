package files

import "bytes"

// partKind says what a part of a YAML stream is.
type partKind int

const (
	wholeDocument partKind = iota
	// A List in block style is handed out in pieces: its text up to the "items:" line, each item with its dash, and
	// what follows the items.
	listHead
	listItem
	listTail
	// jsonNext has the text before a JSON value (a "---" line, comments): the value itself is next in the window.
	jsonNext
)

// part is a piece of a YAML stream. Its text is valid until the next call of next.
type part struct {
	kind partKind
	text []byte
	line int
	// over is set where the part was passed over: then text is not all of it.
	over oversize
	// empty is set where there is nothing but blank lines, comments and markers.
	empty bool
}

// splitter cuts a YAML stream into parts line by line. The texts of all parts together are the stream; with json, what kubectl
// wrote to standard error before a document is left out.
type splitter struct {
	w     *window
	limit int
	// json stops before documents that look like JSON, as captured output of kubectl has them.
	json bool
	// whole leaves Lists uncut, for one document.
	whole bool

	mode   partKind // what the next part is: wholeDocument, listItem or listTail
	indent int      // of the dashes in listItem

	// stderr is the first line that was passed over because kubectl wrote it to standard error; 0 if none was.
	stderr int
}

// lookahead is how much of a line is looked at to tell what it is. A "---" or a dash needs a few bytes after its
// indentation; deeper ones are not taken for a List's items.
const lookahead = 128

// next returns the next part; false at the end of the stream.
func (s *splitter) next() (part, bool) {
	s.w.release()
	switch s.mode {
	case listItem:
		return s.item(), true
	case listTail:
		s.mode = wholeDocument
		return s.rest(), true
	default:
		return s.document()
	}
}

// again makes the next part start where the last one did, and leaves the document whole.
func (s *splitter) again() {
	s.w.pos = s.w.start
	s.mode, s.whole = wholeDocument, true
}

// take moves past the current line, keeping it if the part is still within the limit.
func (s *splitter) take(p *part) {
	limit := s.limit
	if p.over != "" {
		limit = 0
	}
	if !s.w.skipLine(limit) || s.w.pos-s.w.start > s.limit {
		p.over = tooLarge
	}
	if p.over != "" {
		s.w.release()
	}
}

func (s *splitter) done(p part) part {
	p.text = s.w.kept()
	return p
}

func (s *splitter) document() (part, bool) {
	p := part{kind: wholeDocument, line: s.w.lineAt(s.w.pos), empty: true}
	marked, whole := false, s.whole
	s.whole = false
	// items is set after an "items:" line, until the next line shows whether a list follows; head is where it ended.
	items, head := false, 0
	for {
		line := s.w.ensure(lookahead)
		switch {
		case len(line) == 0:
			return s.done(p), s.w.pos > s.w.start || p.over != ""
		case isMarker(line, "---"):
			if marked || !p.empty {
				return s.done(p), true
			}
			marked, p.empty = true, !inlineContent(line)
		case isMarker(line, "..."):
			s.take(&p)
			return s.done(p), true
		case isBlank(line) || p.empty && line[0] == '%':
		case s.json && p.empty && isStderr(line):
			s.pass(&p)
			continue
		case s.json && !whole && p.empty && looksLikeJSON(s.w):
			p.kind = jsonNext
			return s.done(p), true
		case items && isDash(line) >= 0:
			s.mode, s.indent = listItem, isDash(line)
			s.w.pos = s.w.start + head
			p.kind = listHead
			return s.done(p), true
		default:
			p.empty, items = false, !whole && p.over == "" && isItemsKey(line)
			if items {
				s.take(&p)
				head = s.w.pos - s.w.start
				continue
			}
		}
		s.take(&p)
	}
}

// pass drops the current line, which is no part of any document, and what is before it in the document: blank lines, comments
// and marks.
func (s *splitter) pass(p *part) {
	if s.stderr == 0 {
		s.stderr = s.w.lineAt(s.w.pos)
	}
	s.w.skipLine(0)
	s.w.release()
	p.line = s.w.lineAt(s.w.pos)
}

// item gathers one item of a List: lines that are indented more than its dash, and blank ones, belong to it.
func (s *splitter) item() part {
	p := part{kind: listItem, line: s.w.lineAt(s.w.pos), empty: true}
	for {
		line := s.w.ensure(lookahead)
		switch {
		case len(line) == 0 || isMarker(line, "---") || isMarker(line, "..."):
			s.mode = listTail
			return s.done(p)
		case isBlank(line):
		case isDash(line) == s.indent:
			if !p.empty {
				return s.done(p)
			}
			p.empty = false
		case line[0] != ' ' && isKey(line):
			s.mode = listTail
			return s.done(p)
		}
		// Anything else that is not indented enough is no YAML: it stays with the item, whose parser will say so.
		s.take(&p)
	}
}

// rest gathers what follows the items of a List.
func (s *splitter) rest() part {
	p := part{kind: listTail, line: s.w.lineAt(s.w.pos), empty: true}
	for {
		line := s.w.ensure(lookahead)
		if len(line) == 0 || isMarker(line, "---") {
			return s.done(p)
		}
		end := isMarker(line, "...")
		p.empty = p.empty && (end || isBlank(line))
		s.take(&p)
		if end {
			return s.done(p)
		}
	}
}

// isMarker tells whether the line is a document marker: at column 0, followed by white space or nothing. YAML allows
// neither in any scalar there.
func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\n' || line[3] == '\r'
}

// inlineContent tells whether a document starts on its "---" line.
func inlineContent(line []byte) bool {
	rest := bytes.TrimLeft(line[3:], " \t\r\n")
	return len(rest) > 0 && rest[0] != '#'
}

// isBlank tells whether the line is white space or a comment.
func isBlank(line []byte) bool {
	rest := bytes.TrimLeft(line, " \t\r\n")
	return len(rest) == 0 && len(line) < lookahead || len(rest) > 0 && rest[0] == '#'
}

// isDash returns the indentation of a line that starts an item, -1 for any other.
func isDash(line []byte) int {
	rest := bytes.TrimLeft(line, " ")
	if len(rest) == 0 || rest[0] != '-' {
		return -1
	}
	if len(rest) == 1 || rest[1] == ' ' || rest[1] == '\t' || rest[1] == '\n' || rest[1] == '\r' {
		return len(line) - len(rest)
	}
	return -1
}

// isItemsKey tells whether the line is a top-level "items:" without a value.
func isItemsKey(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("items:"))
	return ok && len(line) < lookahead && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r') && isBlank(rest)
}

// isKey tells whether a line at column 0 can be a key of a block mapping.
func isKey(line []byte) bool {
	c := line[0]
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '"' || c == '\''
	return letter && bytes.IndexByte(line, ':') > 0
}

// looksLikeJSON tells whether a JSON object is next: a brace, then a quote or the closing brace. White space without end is
// not JSON.
func looksLikeJSON(w *window) bool {
	from := w.pos - w.start
	defer func() { w.pos = w.start + from }()
	if nextOf(w, windowSize) != '{' {
		return false
	}
	w.pos++
	c := nextOf(w, windowSize)
	return c == '"' || c == '}'
}

// nextOf skips up to most bytes of white space and returns the byte that follows, which is white space where there is more.
func nextOf(w *window, most int) byte {
	for end := w.pos - w.start + most; ; w.pos++ {
		if w.pos == len(w.buf) && !w.more() {
			return 0
		}
		if c := w.buf[w.pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' || w.pos-w.start >= end {
			return c
		}
	}
}
