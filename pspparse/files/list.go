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
)

// list is a List whose items are handed on one by one.
type list struct {
	what string
	line int
	// head is what is known of the list's kind; looked is set once it is all there is to know.
	head   head
	looked bool
	// look finds the kind where it comes after the items.
	look func() (head, error)

	n        int // items so far
	odds     int // items that are no objects
	oddLine  int
	named    int // items with a kind of their own
	homeless int // items whose kind the list would tell, could it be looked up
	why      error
	page     page
}

func (s *stream) newList(what string, line int) *list { return &list{what: what, line: line} }

// item names the current item.
func (l *list) item() string { return fmt.Sprintf("item %d of %s", l.n, l.what) }

func (s *stream) odd(l *list, line int) {
	s.stray()
	if l.odds++; l.odds == 1 {
		l.oddLine = line
	}
}

// itemHead is what the list says of an item that does not say its kind.
func (l *list) itemHead() (head, bool) {
	if l.head.kind == "" && !l.looked {
		l.looked = true
		found, err := l.look()
		l.head.kind, l.why = found.kind, err
		if l.head.apiVersion == "" {
			l.head.apiVersion = found.apiVersion
		}
	}
	h := l.head.ofItems()
	if h.kind == "" && l.why != nil {
		l.homeless++
		return h, false
	}
	return h, true
}

// itemObject hands on an item, or counts it among those that are nothing.
func (s *stream) itemObject(l *list, o *object) {
	if !s.affords(o) {
		return
	}
	if len(o.text) < smallest {
		s.stray()
	}
	if o.node != nil {
		o.head = headOf(o.node)
	}
	if o.head.kind != "" {
		l.named++
		s.object(o)
		return
	}
	listed, ok := l.itemHead()
	if !ok {
		return
	}
	o.listed = listed
	if listed.kind != "" || o.head.apiVersion != "" {
		s.object(o)
		return
	}
	data := s.toJSON(o)
	if data == nil {
		return
	}
	why, namespaces, changes := custom.Lost(data)
	if l.head.apiVersion != "" {
		why, namespaces, changes = heldBy(o, data)
	}
	if why != "" {
		s.gap(inventory.Gap{
			What: o.what, Why: fmt.Sprintf("it has no kind, and %s: give it its kind", why), Position: s.at(o.line), Namespaces: namespaces,
			Changes: changes,
		})
		return
	}
	s.odd(l, o.line)
}

// end tells what was odd about the list as a whole.
func (l *list) end(s *stream) {
	l.page.tell(s, l)
	if l.homeless > 0 {
		s.gap(inventory.Gap{What: l.what, Why: fmt.Sprintf("%s without a kind could not be read: the list says its kind only after them, and %v",
			plural(l.homeless, "item", "items"), l.why), Position: s.at(l.line)})
		return
	}
	if l.odds > 0 && l.odds == l.n && l.head.kind == "" && l.head.apiVersion == "" {
		s.passOver(s.at(l.line))
		return
	}
	if l.odds > 0 {
		s.out.AddNote(inventory.Note{What: l.what, Why: fmt.Sprintf("%s of the list hold no object and were passed over",
			plural(l.odds, "item", "items")), Position: s.at(l.oddLine)})
	}
}

var errOnce = errors.New("standard input cannot be read twice: save it to a file, and name that")

// reopened is the stream from an offset on.
func (s *stream) reopened(offset int64) (io.ReadCloser, error) {
	if s.reopen == nil {
		return nil, errOnce
	}
	r, err := s.reopen()
	if err != nil {
		return nil, fmt.Errorf("reading the file again failed: %s", readReason(err))
	}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		_ = r.Close() // the reading error says more
		return nil, fmt.Errorf("reading the file again failed: %s", readReason(err))
	}
	return r, nil
}

// keys are those that a list in block style has had by the end of its items.
func (h *head) keys() []string {
	keys := []string{"items"}
	if h.apiVersion != "" {
		keys = append(keys, "apiVersion")
	}
	if h.kind != "" {
		keys = append(keys, "kind")
	}
	return keys
}

// headSize is what may be kept while looking for the kind of a list.
const headSize = 64 << 10

// lookJSON finds what the JSON object at an offset says it is.
func (s *stream) lookJSON(offset int64) (head, error) {
	r, err := s.reopened(offset)
	if err != nil {
		return head{}, err
	}
	h, err := jsonHead(newWindow(r), headSize, s.limits.Depth)
	return h, errors.Join(err, r.Close())
}

// jsonHead reads what the JSON object at the start of a window says it is. It stops as soon as it knows.
func jsonHead(w *window, limit, depth int) (head, error) {
	scan := jsonScanner{w: w, limit: limit, depth: depth}
	var h head
	if scan.next() != '{' {
		return h, scan.fail("expected an object")
	}
	err := scan.object(func(key string) error {
		w.release()
		if key != "apiVersion" && key != "kind" {
			_, err := scan.value()
			return err
		}
		text, _, err := scan.text()
		if err != nil {
			return err
		}
		h.set(key, text)
		if h.apiVersion != "" && h.kind != "" {
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return h, err
}

func (h *head) set(key string, text []byte) {
	if len(text) == 0 || text[0] != '"' {
		return
	}
	value, err := unquote(text)
	switch {
	case err != nil:
	case key == "kind":
		h.kind = value
	case key == "apiVersion":
		h.apiVersion = value
	}
}

// jsonDocument reads the JSON object that is next in the window.
func (s *stream) jsonDocument(cut *splitter) {
	s.w.release()
	s.documents++
	scan := &jsonScanner{w: s.w, limit: s.limits.Document, depth: s.limits.Depth}
	offset, line := s.w.offset(), s.w.lineAt(s.w.pos)
	l := s.newList(s.document(), line)
	l.look = func() (head, error) { return s.lookJSON(offset) }
	d := &jsonDocument{s: s, scan: scan, list: l}
	if err := d.read(); err != nil {
		s.notJSON(cut, d, err)
		return
	}
	d.finish()
	switch c := scan.next(); {
	case c == 0 || c == '{' || c == '#' || isStderr(s.w.ensure(lookahead)) || isMarker(s.w.ensure(4), "---") || isMarker(s.w.ensure(4), "..."):
	default:
		s.broken(part{}, s.document(), line, &syntaxError{line: s.w.lineAt(s.w.pos), msg: fmt.Sprintf("something other than an object or --- follows the JSON object: %q", rune(c))})
		s.abandon(cut)
	}
}

// abandon passes over the rest of a document.
func (s *stream) abandon(cut *splitter) {
	s.w.release()
	cut.again()
	cut.next()
}

// notJSON tries as YAML what is not JSON, unless part of it was handed on already.
func (s *stream) notJSON(cut *splitter, d *jsonDocument, err error) {
	var syntax *syntaxError
	if errors.Is(err, errStop) {
		s.abandon(cut)
		return
	}
	if d.items || d.over != "" || errors.As(err, &syntax) && syntax.cut {
		what := d.list.what
		if d.items && d.list.n > 0 {
			what = d.list.item()
		}
		s.broken(part{}, what, d.list.line, err)
		d.list.end(s)
		s.abandon(cut)
		return
	}
	cut.again()
	p, _ := cut.next()
	if p.over != "" {
		s.passedOver(s.document(), p.line, p.over)
		return
	}
	root, yamlErr := parseYAML(p.text, p.line, s.limits)
	if yamlErr != nil || root == nil {
		s.broken(p, s.document(), p.line, err)
		return
	}
	s.tree(s.document(), root, p)
}

// jsonDocument is a JSON object of which nothing is known yet: it may turn out to be a List.
type jsonDocument struct {
	s    *stream
	scan *jsonScanner
	list *list
	// items is set once items were found: then the object is a list, whatever its kind.
	items  bool
	over   oversize
	nested int
}

func (d *jsonDocument) read() error {
	err := d.scan.object(d.member)
	d.over = cmp.Or(d.over, d.scan.over)
	if err != nil || d.items || d.over != "" {
		return err
	}
	return validJSON(d.scan.w.kept(), d.list.line)
}

func (d *jsonDocument) member(key string) error {
	w := d.scan.w
	if key == "items" && w.pos < len(w.buf) && w.buf[w.pos] == '[' {
		return d.readItems()
	}
	text, over, err := d.scan.text()
	if err != nil {
		return err
	}
	if over != "" {
		d.over = over
		return nil
	}
	if d.items && !json.Valid(text) {
		return d.scan.fail("the value of %s is not JSON", quote(key))
	}
	if d.items && key == "metadata" {
		d.list.page.of(text)
	}
	if key == "kind" && d.list.head.kind != "" && d.items && !d.list.looked {
		return d.scan.fail("the key \"kind\" is given twice")
	}
	d.list.head.set(key, text)
	return nil
}

func (d *jsonDocument) readItems() error {
	if d.items {
		return d.scan.fail("the key \"items\" is given twice")
	}
	if d.over == "" {
		before := append(bytes.Clone(d.scan.w.kept()), "null}"...)
		if !json.Valid(before) {
			return d.scan.fail("what stands before the items is not JSON")
		}
		d.list.page.ofObject(before)
	}
	d.items = true
	err := d.scan.array(func() error {
		if d.s.strayed() {
			return errStop
		}
		w := d.scan.w
		d.list.n++
		d.scan.over = ""
		w.release()
		line := w.lineAt(w.pos)
		over, err := d.scan.value()
		if err != nil {
			return err
		}
		if over != "" {
			d.s.passedOver(d.list.item(), line, over)
			return nil
		}
		d.s.jsonItem(d.list, w.kept(), line, d.nested)
		return nil
	})
	d.scan.w.release()
	return err
}

// finish hands on the object if it was no list.
func (d *jsonDocument) finish() {
	switch {
	case d.items:
		d.list.end(d.s)
	case d.over != "":
		d.s.passedOver(d.list.what, d.list.line, d.over)
	default:
		text := d.scan.w.kept()
		d.s.object(&object{what: d.list.what, head: d.list.head, data: text, text: text, textLine: d.list.line, line: d.list.line})
	}
}

func (s *stream) jsonItem(l *list, text []byte, line, nested int) {
	if text[0] != '{' {
		s.odd(l, line)
		return
	}
	o := &object{what: l.item(), data: text, text: text, textLine: line, line: line, nested: nested + 1}
	var err error
	if o.head, err = jsonHead(memory(text, line), len(text), s.limits.Depth); err != nil {
		s.brokenObject(o, err)
		return
	}
	s.itemObject(l, o)
}

// jsonListItem hands on the items of a List that is an item itself.
func (s *stream) jsonListItem(o *object) {
	l := s.newList(o.what, o.line)
	l.head, l.looked = o.head, true
	w := memory(o.data, o.line)
	d := &jsonDocument{s: s, scan: &jsonScanner{w: w, limit: s.limits.Document, depth: s.limits.Depth}, list: l, nested: o.nested}
	if err := d.read(); err != nil && !errors.Is(err, errStop) {
		s.brokenObject(o, err)
	}
	l.end(s)
}

// yamlList reads a List in block style, of which the head is given.
func (s *stream) yamlList(cut *splitter, p part) {
	offset := s.w.offset()
	text := bytes.Clone(p.text)
	root, err := parseYAML(text, p.line, s.limits)
	if err != nil || root == nil || root.Kind != yaml.MappingNode || yttLine(text) >= 0 || repeats(root) || isFailure(text) {
		cut.again() // not what it looked like: it will be parsed as a whole
		return
	}
	s.documents++
	l := s.newList(s.document(), root.Line)
	l.head = headOf(root)
	s.pageOf(l, root)
	l.look = func() (head, error) { return s.lookYAML(offset) }
	before := newPrelude(s.limits)
	before.keep(text, root)
	for {
		p, _ := cut.next()
		if p.kind != listItem {
			s.yamlTail(l, p)
			return
		}
		if s.strayed() {
			return
		}
		s.yamlItem(l, p, cut.indent, before)
	}
}

// pageOf looks at the metadata of a List.
func (s *stream) pageOf(l *list, root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "metadata" {
			continue
		}
		if data, err := s.convert(root.Content[i+1], false); err == nil {
			l.page.of(data)
		}
	}
}

func (s *stream) yamlItem(l *list, p part, indent int, before *prelude) {
	l.n++
	if p.over != "" {
		s.passedOver(l.item(), p.line, p.over)
		return
	}
	root, err := before.parse(p, indent)
	if err != nil {
		s.broken(p, l.item(), p.line, err)
		return
	}
	if root == nil {
		return
	}
	before.keep(p.text, root)
	if n := yttLine(p.text); n >= 0 {
		s.unrendered(l.item(), p.line+n, yttHint)
		return
	}
	for _, item := range root.Content {
		aliased := item.Kind == yaml.AliasNode
		item = deref(item)
		if item.Kind != yaml.MappingNode {
			s.odd(l, item.Line)
			continue
		}
		s.itemObject(l, &object{what: l.item(), node: item, aliased: aliased, text: p.text, textLine: p.line, line: item.Line, nested: 1})
	}
}

// yamlTail reads what follows the items: kubectl writes the kind of a List there. One without is cut off, most likely.
func (s *stream) yamlTail(l *list, p part) {
	var tail head
	if !p.empty && p.over == "" {
		root, err := parseYAML(p.text, p.line, s.limits)
		if err == nil && root != nil {
			if others := unseparated(root, l.head.keys()...); len(others) > 0 {
				err = separate(others)
			} else {
				_, err = s.convert(root, false)
			}
			s.pageOf(l, root)
			tail = headOf(root)
		}
		switch {
		case err != nil:
			s.broken(p, l.what, p.line, err)
			tail.kind = unreadable
		case tail.items != nil:
			s.broken(part{}, l.what, p.line, &syntaxError{line: tail.items.Line, msg: "the key \"items\" is given twice: what the second holds was not read"})
		case tail.kind != "" && l.head.kind != "" && !l.looked:
			s.broken(part{}, l.what, p.line, &syntaxError{line: p.line, msg: "the key \"kind\" is given twice"})
		}
	}
	if l.head.kind == "" {
		l.head.kind = tail.kind
	}
	if l.head.apiVersion == "" {
		l.head.apiVersion = tail.apiVersion
	}
	if l.named > 0 && l.head.kind == "" {
		s.gap(inventory.Gap{What: l.what, Why: fmt.Sprintf("the list ends after %s without saying its kind: it may be cut off; read it again from its source, or add kind: List",
			plural(l.n, "item", "items")), Position: s.at(max(s.w.lineAt(s.w.pos), p.line))})
	}
	l.end(s)
}

// unreadable stands for the kind of a list whose end has been complained about already.
const unreadable = "(unreadable)"

// lookYAML finds what the YAML list at an offset says it is.
func (s *stream) lookYAML(offset int64) (head, error) {
	r, err := s.reopened(offset)
	if err != nil {
		return head{}, err
	}
	cut := &splitter{w: newWindow(r), limit: headSize}
	var h head
	for p, ok := cut.next(); ok; p, ok = cut.next() {
		if p.kind != listTail {
			continue
		}
		var root *yaml.Node
		if root, err = parseYAML(p.text, p.line, s.limits); root != nil {
			h = headOf(root)
		}
		break
	}
	return h, errors.Join(err, r.Close())
}
