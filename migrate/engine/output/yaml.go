package output

import (
	"bytes"
	"fmt"
	"io"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/script"
)

// WriteYAML writes the documents of the set as one YAML stream in the order in which to apply them, below comments on what they do and do
// not do. Of a set without documents these are all. It returns the errors of w.
func WriteYAML(w io.Writer, s *Set) error {
	items, err := s.items()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	s.writeComments(&b, items)
	stage := 0
	for i, it := range items {
		b.WriteString("---\n")
		if several(items) && (i == 0 || it.Stage != stage) {
			stage = it.Stage
			script.Comment(&b, "Stage %d of %d", stageNumbers(s.Documents.Documents)[stage], len(stageNumbers(s.Documents.Documents)))
		}
		b.Write(it.text)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// several reports whether documents are applied in more than one stage.
func several(items []item) bool {
	return len(items) > 0 && items[0].Stage != items[len(items)-1].Stage
}

// writeComments writes the comments above the documents of a YAML stream.
func (s *Set) writeComments(b *bytes.Buffer, items []item) {
	const mostNames = 20
	script.Comment(b, "%s: %s", s.Tool, s.title())
	for _, sentence := range append(s.choices(), s.Notes...) {
		script.Comment(b, "%s", sentence)
	}
	if len(items) > 0 {
		script.Comment(b, "Apply it with: %s apply --server-side -f FILE", s.kubectl())
		if several(items) {
			script.Comment(b, "Apply the documents of a stage once those of the stage before are in force, which takes seconds for large ones: -o dir=DIR writes a file for each, with how to tell.")
		}
		script.Comment(b, "Take it away with: %s", removal(s.kubectl(), items))
	}
	for _, r := range s.nothing() {
		script.Comment(b, "Nothing to add: %s", r.line(mostNames))
	}
	for _, r := range s.notKept() {
		script.Comment(b, "Not kept: %s", r.line(mostNames))
	}
	if s.isEmpty() {
		script.Comment(b, "%s", nothingSentence(s.Table.Mode))
	}
}

// nothingSentence returns the sentence of a set without documents.
func nothingSentence(m engine.Mode) string {
	return fmt.Sprintf("There is nothing to apply in mode %s.", m)
}
