package files

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// stream reads the documents of one file, one at a time.
type stream struct {
	name   string
	limits Limits
	out    *inventory.Builder
	told   *told
	passed func(apiVersion, kind string, data []byte, at pspparse.Position) // Reader.Other
	// reopen starts the stream anew, for the kind of a List that comes after its items; nil where that cannot be done.
	reopen func() (io.ReadCloser, error)

	w         *window
	json      toJSON
	documents int
	gaps      int
	strays    int // documents and items that are no Kubernetes object
	nameless  int // notes of documents with an apiVersion and no kind
	template  bool
}

// read reads everything. What could not be read has become a gap.
func (s *stream) read(src io.Reader) {
	s.w = newWindow(src)
	s.json.limits = s.limits
	cut := &splitter{w: s.w, limit: s.limits.Document, json: true}
	for p, ok := cut.next(); ok && !s.strayed(); p, ok = cut.next() {
		switch p.kind {
		case jsonNext:
			s.jsonDocument(cut)
		case listHead:
			s.yamlList(cut, p)
		case wholeDocument, listItem, listTail:
			s.yamlDocument(p)
		}
	}
	if err := s.w.readErr(); err != nil {
		s.gap(inventory.Gap{What: s.document(), Why: fmt.Sprintf("reading on failed after line %d: %v; what comes after it is unknown: read the file again, or mend it",
			s.w.lineAt(s.w.pos), readReason(err)), Position: s.at(s.w.lineAt(s.w.pos))})
	}
	if cut.stderr > 0 {
		s.told.note(stderrNote, s.at(cut.stderr), s.name)
	}
	if s.documents == 0 && s.w.readErr() == nil {
		s.told.note("it holds no document: nothing was read from it", s.at(0), s.name)
	}
	s.tellRest()
}

// tellRest tells what was not read, and how many gaps were not named.
func (s *stream) tellRest() {
	if s.strayed() {
		s.out.AddGap(inventory.Gap{What: "the file", Why: fmt.Sprintf("more than %d of its documents and items are no Kubernetes objects: what comes after them was not read; take them out, or split the file",
			s.limits.Strays), Position: s.at(s.w.lineAt(s.w.pos)), Namespaces: everywhere()})
	}
	if s.gaps > s.limits.Gaps {
		s.out.AddGap(inventory.Gap{What: "the file", Why: fmt.Sprintf("%d more of its documents could not be read: only the first %d are named",
			s.gaps-s.limits.Gaps, s.limits.Gaps), Position: s.at(0), Namespaces: everywhere()})
	}
}

func (s *stream) at(line int) pspparse.Position { return pspparse.Position{File: s.name, Line: line} }

// document names the document that is being read.
func (s *stream) document() string { return fmt.Sprintf("document %d", max(s.documents, 1)) }

// stray counts what is no Kubernetes object, or a broken one.
func (s *stream) stray() { s.strays++ }

// strayed tells whether a file has so many of these that it is not worth reading on.
func (s *stream) strayed() bool { return s.strays > s.limits.Strays }

func everywhere() []string { return []string{inventory.AllNamespaces} }

// gap records a gap, which touches every namespace unless it says otherwise. A file full of them is told once.
func (s *stream) gap(g inventory.Gap) {
	if len(g.Namespaces) == 0 {
		g.Namespaces = everywhere()
	}
	if s.gaps++; s.gaps <= s.limits.Gaps {
		s.out.AddGap(g)
	}
}

// broken records a document or item that is not what it should be. Template text is told once per file: there, one
// cause spoils many documents.
func (s *stream) broken(p part, what string, line int, err error) {
	s.stray()
	t := findTemplate(p.text)
	if t.bare {
		s.unrendered(what, p.line+t.line, t.hint)
		return
	}
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		line = syntax.line
	}
	s.gap(inventory.Gap{What: what, Why: err.Error() + advice(syntax) + stderrIn(p.text, p.line) + perhaps(p.text), Position: s.at(line)})
}

// perhaps is for what may fail for another reason than being a template.
func perhaps(text []byte) string {
	t := findTemplate(text)
	if t.hint == "" {
		t = findDollar(text)
	}
	if t.hint == "" {
		return ""
	}
	return "; if " + t.hint
}

func advice(e *syntaxError) string {
	if e != nil && e.cut {
		return "; read the file again from its source"
	}
	return ""
}

func (s *stream) unrendered(what string, line int, hint string) {
	if !s.template {
		s.gap(inventory.Gap{What: what, Why: hint, Position: s.at(line)})
	}
	s.template = true
}

func (s *stream) passedOver(what string, line int, over oversize) {
	limit := fmt.Sprintf("%d levels", s.limits.Depth)
	if over == tooLarge {
		limit = fmt.Sprintf("%d bytes", s.limits.Document)
	}
	s.gap(inventory.Gap{
		What: what, Why: fmt.Sprintf("it is %s (the limit for one document or item is %s): split it", over, limit),
		Position: s.at(line),
	})
}

// yamlDocument reads a document that is no List in block style.
func (s *stream) yamlDocument(p part) {
	if p.over != "" {
		s.documents++
		s.passedOver(s.document(), p.line, p.over)
		return
	}
	if p.empty {
		return
	}
	s.documents++
	if isFailure(p.text) {
		s.stray()
		s.gap(inventory.Gap{What: s.document(), Why: kubectlFailed, Position: s.at(p.line)})
		return
	}
	s.unnamed(p)
	root, err := parseYAML(p.text, p.line, s.limits)
	if err != nil {
		if isCommented(p.text) {
			err = &syntaxError{line: p.line, msg: jsonComments}
		}
		s.broken(p, s.document(), p.line, err)
		return
	}
	if root == nil {
		return
	}
	if n := yttLine(p.text); n >= 0 {
		s.unrendered(s.document(), p.line+n, yttHint)
		return
	}
	s.tree(s.document(), root, p)
}

const (
	helmPlaceholder = "RELEASE-NAME"
	unnamedRelease  = "RELEASE-NAME, which Helm writes where it is told no name of a release, was read as release-name, as later versions write it"
)

// unnamed makes names of what Helm once wrote instead of the name of a release: no object can have it in its name.
func (s *stream) unnamed(p part) {
	first := bytes.Index(p.text, []byte(helmPlaceholder))
	if first < 0 {
		return
	}
	s.told.note(unnamedRelease, s.at(p.line+bytes.Count(p.text[:first], newline)), s.name)
	for rest := p.text[first:]; len(rest) > 0; {
		copy(rest, bytes.ToLower([]byte(helmPlaceholder)))
		next := bytes.Index(rest, []byte(helmPlaceholder))
		if next < 0 {
			return
		}
		rest = rest[next:]
	}
}

const jsonComments = "it is neither YAML nor JSON: JSON has no comments, remove them"

// isCommented tells of text that starts with a comment as JSON's friends write them.
func isCommented(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return bytes.HasPrefix(text, []byte("//")) || bytes.HasPrefix(text, []byte("/*"))
}

// tree reads a document that was parsed whole.
func (s *stream) tree(what string, root *yaml.Node, p part) {
	root = deref(root)
	switch root.Kind {
	case yaml.MappingNode:
		if others := unseparated(root); len(others) > 0 {
			s.broken(p, what, p.line, separate(others))
			return
		}
		s.object(&object{what: what, node: root, text: p.text, textLine: p.line, line: root.Line})
	case yaml.SequenceNode:
		s.sequence(what, root)
	default:
		if root.ShortTag() == "!!null" && root.Value != "\"\"" && root.Style == 0 {
			return
		}
		s.stray()
		why := "it is plain text, not a Kubernetes object: if it is encrypted, decrypt it first; else leave the file out"
		if isCommented(p.text) {
			why = jsonComments
		}
		s.gap(inventory.Gap{What: what, Why: why, Position: s.at(root.Line)})
	}
}

// sequence judges a document that is a list. Lists of patches, tasks and the like are everyday; objects in one would be
// lost, for kubectl does not read them either.
func (s *stream) sequence(what string, root *yaml.Node) {
	for _, item := range root.Content {
		h := headOf(deref(item))
		if h.kind != "" && h.apiVersion != "" {
			s.gap(inventory.Gap{
				What: what, Why: "a sequence is not a Kubernetes object: put its items into a List, or separate them by ---",
				Position: s.at(root.Line),
			})
			return
		}
	}
	data, err := s.convert(root, false)
	if err != nil { // it may have keys or tags that are none of JSON
		s.passOver(s.at(root.Line))
		return
	}
	s.kindless(what, data, s.at(root.Line))
}

const noKind = "(no kind)"

func (s *stream) passOver(at pspparse.Position) {
	s.stray()
	s.out.Skip(noKind)
	s.told.note("it has no apiVersion and no kind: it is no Kubernetes object and was passed over", at, "")
}

// isKustomization tells by the name that kustomize looks for.
func (s *stream) isKustomization() bool {
	switch s.base() {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

// base is the name of the file without its folder.
func (s *stream) base() string { return path.Base(strings.ReplaceAll(s.name, "\\", "/")) }

func readReason(err error) string {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the gzip data is cut off"
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return "the gzip data is damaged"
	}
	return clean(reason(err).Error())
}
