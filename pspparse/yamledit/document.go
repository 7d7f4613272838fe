package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// document is one YAML document or JSON value of a file.
type document struct {
	text []byte
	// offset is where it begins in the file; line is the line of the file, and column the code point of it.
	offset, line, column int
	json                 bool
	root                 *yaml.Node
	lines                *lineIndex
	// shared are the nodes that aliases stand for.
	shared map[*yaml.Node]bool
	// comments are those of the document as a whole; templates are what is known of its objects.
	comments  string
	templates map[*yaml.Node]bool
	keys      map[*yaml.Node]keys
}

// part is a piece of a file that holds a YAML document or JSON values, with the line of the file where it begins.
type part struct {
	offset, end, line int
}

// cutDocuments returns the parts of a file: each holds one YAML document, or JSON values one after the other. All parts together are
// the file.
func cutDocuments(text []byte) []part {
	parts := []part{{line: 1}}
	marked, empty, line := false, true, 1
	next := func(at, line int) {
		parts[len(parts)-1].end = at
		parts = append(parts, part{offset: at, line: line})
		marked, empty = false, true
	}
	for at := 0; at < len(text); line++ {
		end := len(text)
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		content := bytes.TrimSpace(text[at:end])
		switch {
		case isMarker(text[at:end], "---"):
			if marked || !empty {
				next(at, line)
			}
			marked, empty = true, len(content) == len("---") || content[len("---")] == '#'
		case isMarker(text[at:end], "..."):
			next(end, line+1)
		case len(content) > 0 && content[0] != '#' && (!empty || content[0] != '%'):
			empty = false
		}
		at = end
	}
	parts[len(parts)-1].end = len(text)
	return parts
}

// isMarker reports whether a line of YAML text begins with a mark between documents.
func isMarker(line []byte, mark string) bool {
	return bytes.HasPrefix(line, []byte(mark)) && (len(line) == len(mark) || isSpace(line[len(mark)]))
}

// partOfLine returns the index of the part of a file that a line is in; -1 for a line that is none.
func partOfLine(parts []part, line int) int {
	return sort.Search(len(parts), func(i int) bool { return parts[i].line > line }) - 1
}

// maxValues is how many values a YAML document may hold that is edited: each costs far more memory than its text.
const maxValues = 1_000_000

// parse returns the YAML document or the JSON values in a part of a file. It fails for text that kubectl does not read.
func (p part) parse(file []byte) ([]*document, error) {
	text := file[p.offset:p.end]
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	if yamlnode.MayExceedValues(text, maxValues) {
		return nil, fmt.Errorf("it holds more than %d values: split it", maxValues)
	}
	if docs := p.parseJSON(text); docs != nil {
		return docs, nil
	}
	d := &document{text: text, offset: p.offset, line: p.line, column: 1, lines: newLineIndex(text)}
	return []*document{d}, d.parseYAML()
}

// parseJSON returns the JSON values in a part of a file, each a document; nil if the part is no JSON.
func (p part) parseJSON(text []byte) []*document {
	begin := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	if begin == len(text) || text[begin] != '{' {
		return nil
	}
	var docs []*document
	dec := json.NewDecoder(bytes.NewReader(text))
	line, column, counted := p.line, 1, 0
	for {
		var raw json.RawMessage
		switch err := dec.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return docs
		case err != nil:
			return nil
		}
		start := int(dec.InputOffset()) - len(raw)
		before := text[counted:start]
		if i := bytes.LastIndexByte(before, '\n'); i >= 0 {
			line, column, before = line+bytes.Count(before, []byte("\n")), 1, before[i+1:]
		}
		column += utf8.RuneCount(before)
		counted = start
		d := &document{text: text[start : start+len(raw)], offset: p.offset + start, line: line, column: column, json: true}
		d.lines = newLineIndex(d.text)
		var err error
		if d.root, err = yamlnode.FromJSONAt(d.text, 1, 1); err != nil {
			return nil
		}
		docs = append(docs, d)
	}
}

// oddBreaks end a line for YAML, and for no editor.
var oddBreaks = []string{"\u0085", "\u2028", "\u2029"}

// parseYAML reads the tree of a YAML document. It fails for text that is no YAML, that has more than one document or nothing in it,
// and that must not be walked.
func (d *document) parseYAML() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser gave up: %v", r)
		}
	}()
	for _, odd := range oddBreaks {
		if bytes.Contains(d.text, []byte(odd)) {
			return layoutError{"it has a character that YAML takes for the end of a line (U+0085, U+2028 or U+2029)"}
		}
	}
	if bytes.Count(d.text, []byte("\r")) != bytes.Count(d.text, []byte("\r\n")) {
		return layoutError{"it has a carriage return that ends no line"}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(d.text, &doc); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return errors.New("it holds nothing")
	}
	d.root, d.comments, d.templates = doc.Content[0], doc.HeadComment+"\n"+doc.FootComment, map[*yaml.Node]bool{}
	if problem := yamlnode.CheckExpansion(d.root); problem != nil {
		return problem
	}
	d.shared = map[*yaml.Node]bool{}
	d.findShared(d.root)
	return nil
}

// findShared finds the nodes of a YAML document that aliases stand for.
func (d *document) findShared(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		d.shared[n.Alias] = true
	}
	for _, c := range n.Content {
		d.findShared(c)
	}
}

// fileLine returns the line of the file of a line of the YAML document.
func (d *document) fileLine(line int) int { return d.line + line - 1 }
