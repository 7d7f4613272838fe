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
	"github.com/psp2pss/psp2pss/pspparse/archive"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// documentReader reads the documents of one file, one at a time, and adds their objects to the inventory.
type documentReader struct {
	// name is the path of the file in messages.
	name string
	// limits bound what the file may cost.
	limits Limits
	// sink receives the objects, gaps and notes.
	sink inventory.Sink
	// notes gathers the notes that hold for many files.
	notes *noteCollector
	// otherObject is Reader.OtherObject.
	otherObject func(apiVersion, kind string, data []byte, at pspparse.Position)
	// eachObject and namespace are those of Reader.
	eachObject func(*Object)
	namespace  string
	// reopen opens the file again, for the kind of a List that comes after its items; nil where that cannot be done.
	reopen func() (io.ReadCloser, error)

	// packed is the archive or the dump that the file is an entry of; nil for a file by itself.
	packed *packedReading
	// expected is what the place of the file in a dump says of objects in it that do not say their own kind.
	expected objectHeader
	// nullText is true where "null" in quotes stands for null.
	nullText bool
	// skipsLogs leaves out the logs of containers that stand between documents; logs counts them.
	skipsLogs bool
	logs      *logSkipper
	// onObject, if set, is told of every object before it is read.
	onObject func(kind string, o *manifestObject)

	// input is the text of the file.
	input *lineBuffer
	// toJSON turns YAML trees into JSON, and counts what aliases cost.
	toJSON yamlToJSON
	// documentCount is how many documents were read so far.
	documentCount int
	// gapCount is how many gaps the file has caused.
	gapCount int
	// nonObjectCount is how many documents and items are no Kubernetes object.
	nonObjectCount int
	// kindlessNoteCount is how many notes were added for documents with an apiVersion and no kind.
	kindlessNoteCount int
	// templateReported is set once a gap says that the file is a template.
	templateReported bool
}

// readDocuments reads all documents of a file. What cannot be read becomes a gap.
func (s *documentReader) readDocuments(src io.Reader) {
	s.input = newLineBuffer(src)
	s.toJSON.limits = s.limits
	if s.packed != nil && s.packed.layout != nil && s.readJSONArray() {
		s.reportUnread()
		return
	}
	cut := &yamlSplitter{input: s.input, maxBytes: s.limits.DocumentBytes, stopAtJSON: true}
	for p, ok := cut.next(); ok && !s.tooManyNonObjects(); p, ok = cut.next() {
		switch p.kind {
		case jsonFollows:
			s.readJSONDocument(cut)
		case listHead:
			s.readYAMLList(cut, p)
		case wholeDocument, listItem, listTail:
			s.readYAMLDocument(p)
		}
	}
	if err := s.input.readErr(); err != nil {
		s.addGap(inventory.Gap{What: s.documentLabel(), Why: message.New("file-cut-off", "line", s.input.lineAt(s.input.pos), "error", readErrorReason(err)), Position: s.position(s.input.lineAt(s.input.pos))})
	}
	if cut.stderrLine > 0 {
		s.notes.add(message.New("file-with-command-output"), s.position(cut.stderrLine), s.name)
	}
	if s.documentCount == 0 && s.input.readErr() == nil {
		s.notes.add(message.New("file-empty"), s.position(0), s.name)
	}
	s.reportUnread()
}

// reportUnread adds gaps for what was not read after too many documents that are no objects, and for gaps that were only
// counted.
func (s *documentReader) reportUnread() {
	if s.tooManyNonObjects() {
		s.sink.AddGap(inventory.Gap{What: "the file", Why: message.New("file-too-many-others", "limit", s.limits.NonObjects), Position: s.position(s.input.lineAt(s.input.pos)), Namespaces: allNamespaces()})
	}
	if s.gapCount > s.limits.Gaps {
		s.sink.AddGap(inventory.Gap{What: "the file", Why: message.New("file-gaps-not-named", "n", s.gapCount-s.limits.Gaps, "limit", s.limits.Gaps), Position: s.position(0), Namespaces: allNamespaces()})
	}
}

// position returns the position of a line in the file.
func (s *documentReader) position(line int) pspparse.Position {
	return pspparse.Position{File: s.name, Line: line}
}

// documentLabel returns the name of the document of the file that is being read: "document 3".
func (s *documentReader) documentLabel() string {
	return fmt.Sprintf("document %d", max(s.documentCount, 1))
}

// gapOfDocument returns the gap of a whole document of a file.
func gapOfDocument(what string, why message.Message, at pspparse.Position) inventory.Gap {
	return inventory.Gap{What: what, Why: why, Position: at}
}

// countNonObject counts a document or item of the file that is no Kubernetes object, or a broken one.
func (s *documentReader) countNonObject() { s.nonObjectCount++ }

// tooManyNonObjects reports whether a file has so many documents that are no objects that reading on is not worth it.
func (s *documentReader) tooManyNonObjects() bool { return s.nonObjectCount > s.limits.NonObjects }

// allNamespaces returns the namespaces of a file's gap that may concern any namespace.
func allNamespaces() []string { return []string{inventory.AllNamespaces} }

// addGap adds a gap of the file to the inventory, which touches every namespace unless it says otherwise. From
// Limits.Gaps on, those of one file are only counted.
func (s *documentReader) addGap(g inventory.Gap) {
	if len(g.Namespaces) == 0 {
		g.Namespaces = allNamespaces()
	}
	if s.packed != nil {
		s.packed.addGap(g)
		return
	}
	if s.gapCount++; s.gapCount <= s.limits.Gaps {
		s.sink.AddGap(g)
	}
}

// addBrokenGap adds the gap of a document or item of the file that cannot be read. Template marks become one gap for
// each file: one cause spoils many documents there.
func (s *documentReader) addBrokenGap(p yamlPart, what string, line int, err error) {
	s.countNonObject()
	t := findTemplateMark(p.text)
	if t.unquoted {
		s.addTemplateGap(what, p.line+t.line, t.hint)
		return
	}
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		line = syntax.line
	}
	why := message.New("document-not-parsed", "error", err, "cut", syntax != nil && syntax.truncated, "stderr", kubectlStderrHint(p.text, p.line), "hint", templateHint(p.text))
	s.addGap(inventory.Gap{What: what, Why: why, Position: s.position(line)})
}

// templateHint returns the advice to render a template first, for a text of a file that may be one; "" for any other
// text.
func templateHint(text []byte) string {
	t := findTemplateMark(text)
	if t.hint == "" {
		t = findDollarMark(text)
	}
	if t.hint == "" {
		return ""
	}
	return t.hint
}

// addTemplateGap adds the gap of a template in the file that was not rendered, once for each file.
func (s *documentReader) addTemplateGap(what string, line int, hint string) {
	if !s.templateReported {
		s.addGap(inventory.Gap{What: what, Why: message.New("document-not-rendered", "hint", hint), Position: s.position(line)})
	}
	s.templateReported = true
}

// addLimitGap adds the gap of a document or item of the file that exceeds a limit.
func (s *documentReader) addLimitGap(what string, line int, over exceededLimit) {
	limit := fmt.Sprintf("%d levels", s.limits.Depth)
	if over == exceedsSize {
		limit = fmt.Sprintf("%d bytes", s.limits.DocumentBytes)
	}
	s.addGap(inventory.Gap{
		What: what, Why: message.New("document-too-large", "exceeded", over, "limit", limit),
		Position: s.position(line),
	})
}

// readYAMLDocument reads a YAML document of the file, unless that is a List in block style, which readYAMLList reads.
func (s *documentReader) readYAMLDocument(p yamlPart) {
	if p.exceeded != "" {
		s.documentCount++
		s.addLimitGap(s.documentLabel(), p.line, p.exceeded)
		return
	}
	if p.empty {
		return
	}
	s.documentCount++
	if isKubectlError(p.text) {
		s.countNonObject()
		s.addGap(inventory.Gap{What: s.documentLabel(), Why: message.New("document-is-error"), Position: s.position(p.line)})
		return
	}
	if what := printedText(p.text); what != "" {
		s.countNonObject()
		s.addGap(inventory.Gap{What: s.documentLabel(), Why: message.New("document-is-printed", "what", what), Position: s.position(p.line)})
		return
	}
	s.replaceHelmPlaceholder(p)
	root, err := parseYAMLDocument(p.text, p.line, s.limits)
	if err != nil {
		if startsWithJSONComment(p.text) {
			err = &syntaxError{line: p.line, msg: jsonCommentsReason}
		}
		s.addBrokenGap(p, s.documentLabel(), p.line, err)
		return
	}
	if root == nil {
		return
	}
	if n := yttAnnotationLine(p.text); n >= 0 {
		s.addTemplateGap(s.documentLabel(), p.line+n, yttHint)
		return
	}
	s.readParsedDocument(s.documentLabel(), root, p)
}

const helmReleasePlaceholder = "RELEASE-NAME"

// replaceHelmPlaceholder replaces, in a document of the file, the placeholder for the name of a Helm release by one in
// small letters, which a name may have.
func (s *documentReader) replaceHelmPlaceholder(p yamlPart) {
	first := bytes.Index(p.text, []byte(helmReleasePlaceholder))
	if first < 0 {
		return
	}
	s.notes.add(message.New("release-unnamed", "pipe", helmPipe), s.position(p.line+bytes.Count(p.text[:first], newlineBytes)), s.name)
	for rest := p.text[first:]; len(rest) > 0; {
		copy(rest, bytes.ToLower([]byte(helmReleasePlaceholder)))
		next := bytes.Index(rest, []byte(helmReleasePlaceholder))
		if next < 0 {
			return
		}
		rest = rest[next:]
	}
}

// jsonCommentsReason is the gap's reason for JSON with comments.
const jsonCommentsReason = "it is neither YAML nor JSON: JSON has no comments, remove them"

// startsWithJSONComment reports whether a document starts with // or /*, as comments in JSON are written.
func startsWithJSONComment(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return bytes.HasPrefix(text, []byte("//")) || bytes.HasPrefix(text, []byte("/*"))
}

// readParsedDocument reads a YAML document of the file that was parsed whole.
func (s *documentReader) readParsedDocument(what string, root *yaml.Node, p yamlPart) {
	root = yamlnode.AliasTarget(root)
	switch root.Kind {
	case yaml.MappingNode:
		if others := objectsWithoutSeparator(root); len(others) > 0 {
			s.addBrokenGap(p, what, p.line, missingSeparatorError(others))
			return
		}
		s.readObject(&manifestObject{label: what, node: root, text: p.text, textLine: p.line, line: root.Line})
	case yaml.SequenceNode:
		s.readSequence(what, root)
	default:
		if root.ShortTag() == "!!null" && root.Value != "\"\"" && root.Style == 0 {
			return
		}
		s.countNonObject()
		why := message.New("document-plain-text")
		if startsWithJSONComment(p.text) {
			why = message.New("document-with-comments")
		}
		s.addGap(inventory.Gap{What: what, Why: why, Position: s.position(root.Line)})
	}
}

// readSequence reads a document of the file that is a list. Lists of patches and tasks are common and hold no object;
// objects in a list are a gap, for kubectl does not read them either.
func (s *documentReader) readSequence(what string, root *yaml.Node) {
	for _, item := range root.Content {
		h := headerOfNode(yamlnode.AliasTarget(item))
		if h.kind != "" && h.apiVersion != "" {
			s.addGap(inventory.Gap{
				What: what, Why: message.New("document-is-sequence"),
				Position: s.position(root.Line),
			})
			return
		}
	}
	data, err := s.nodeToJSON(root, false)
	if err != nil { // it may have keys or tags that are none of JSON
		s.skipNonObject(s.position(root.Line))
		return
	}
	s.readNonObject(what, data, s.position(root.Line))
}

// noKindLabel stands for the kind of documents without one where they are counted.
const noKindLabel = "(no kind)"

// skipNonObject counts a document of the file without apiVersion and kind, and adds a note.
func (s *documentReader) skipNonObject(at pspparse.Position) {
	s.countNonObject()
	s.sink.CountSkipped(noKindLabel)
	s.notes.add(message.New("document-no-object"), at, "")
}

// isKustomizationFile reports whether the file has a name that kustomize looks for.
func (s *documentReader) isKustomizationFile() bool {
	switch s.fileBaseName() {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

// fileBaseName returns the name of the file without its folder.
func (s *documentReader) fileBaseName() string {
	return path.Base(strings.ReplaceAll(s.name, "\\", "/"))
}

// readErrorReason returns the reason why a file could not be read, in words, without the path.
func readErrorReason(err error) string {
	var corrupt flate.CorruptInputError
	var limit *archive.LimitError
	switch {
	case errors.As(err, &limit):
		return archive.Reason(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the gzip data is cut off"
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return "the gzip data is damaged"
	}
	return english.EscapeInput(errorWithoutPath(err).Error())
}
