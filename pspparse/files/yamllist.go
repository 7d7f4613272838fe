package files

import (
	"bytes"
	"errors"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/yamlnode"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// listKeys returns the keys that a List of a YAML file has had by the end of its items.
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

// readYAMLList reads a List of a YAML file in block style, item by item; its head is given.
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

// readPagination reads the pagination of a List from its metadata in a YAML file.
func (s *documentReader) readPagination(l *fileListReading, root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "metadata" {
			continue
		}
		if data, err := s.nodeToJSON(root.Content[i+1], false); err == nil {
			l.pagination.readMetadata(data)
		}
	}
}

// readYAMLItem reads one item of a List in a YAML file.
func (s *documentReader) readYAMLItem(l *fileListReading, p yamlPart, indent int, before *anchorContext) {
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
		item = yamlnode.AliasTarget(item)
		if item.Kind != yaml.MappingNode {
			s.countNonObjectItem(l, item.Line)
			continue
		}
		s.readListItem(l, &manifestObject{label: l.itemLabel(), node: item, viaAlias: aliased, text: p.text, textLine: p.line, line: item.Line, listDepth: 1})
	}
}

// readYAMLListTail reads what follows the items of a List in a YAML file: kubectl writes the kind of a List there. A
// List without one is most likely cut off, and becomes a gap.
func (s *documentReader) readYAMLListTail(l *fileListReading, p yamlPart) {
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

// unreadableKind stands for the kind of a List whose end could not be read and is a gap already.
const unreadableKind = "(unreadable)"

// findYAMLHeader reads a file again from an offset and returns the apiVersion and kind behind the items of the YAML List there.
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
