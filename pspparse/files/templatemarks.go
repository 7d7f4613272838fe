package files

import (
	"bytes"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// quoteInput quotes text from the input for a message about a file.
func quoteInput(s string) string { return english.QuoteInput(s, 80) }

// templateMark is a mark in a file that looks like a template which was not rendered.
type templateMark struct {
	// line is the line of the text, from 0.
	line int
	// hint is the advice; "" where there is no mark.
	hint string
	// unquoted is set where the mark stands outside quotes: there it is no value that somebody meant.
	unquoted bool
}

const (
	// bracesHint is the advice for {{ }}.
	bracesHint = "it is a template that was not rendered: render it first (helm template NAME FOLDER | psp2pss plan -f -, or the tool that replaces {{ }})"
	// percentHint is the advice for {% %}.
	percentHint = "it is a template that was not rendered: render it first (with the tool that replaces {% %})"
	// dollarHint is the advice for ${ }.
	dollarHint = "it is a template that was not rendered: render it first (" + inventory.DollarTemplateTools + ")"
)

// findTemplateMark returns the first template mark outside quotes in a document that could not be read, else the first;
// without a hint where there is none.
func findTemplateMark(text []byte) templateMark {
	var best templateMark
	for _, mark := range []templateMark{{hint: bracesHint}, {hint: percentHint}} {
		found := mark.findIn(text)
		if found.hint != "" && (best.hint == "" || found.unquoted && !best.unquoted || found.unquoted == best.unquoted && found.line < best.line) {
			best = found
		}
	}
	return best
}

// findIn returns the first occurrence of the template mark outside quotes in a document, else the first occurrence.
func (t templateMark) findIn(text []byte) templateMark {
	mark := []byte("{{")
	if t.hint == percentHint {
		mark = []byte("{%")
	}
	var first templateMark
	for from := 0; ; {
		i := bytes.Index(text[from:], mark)
		if i < 0 {
			return first
		}
		t.line += bytes.Count(text[from:from+i], newlineBytes)
		i += from
		t.unquoted = !bytes.ContainsAny(text[bytes.LastIndexByte(text[:i], '\n')+1:i], "\"'")
		if first.hint == "" || t.unquoted {
			first = t
		}
		end := bytes.IndexByte(text[i:], '\n')
		if t.unquoted || end < 0 {
			return first
		}
		from = i + end
	}
}

// findDollarMark returns the first value of a document that begins with ${, as envsubst and Terraform have it.
// Elsewhere in an object, scripts are full of them. Package inventory refuses names with such marks.
func findDollarMark(text []byte) templateMark {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte("${"))
		if i < 0 {
			return templateMark{}
		}
		i += from
		if bytes.HasSuffix(bytes.TrimRight(text[:i], "\"' "), []byte(":")) {
			return templateMark{line: bytes.Count(text[:i], newlineBytes), hint: dollarHint}
		}
		from = i + len("${")
	}
}

// yttHint is the advice for a ytt template.
const yttHint = "it is a ytt template that was not rendered: render it first (ytt -f ...)"

// yttAnnotationLine returns the line of the first ytt annotation in a document, counted from 0; -1 if there is none.
func yttAnnotationLine(text []byte) int {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte("#@"))
		if i < 0 {
			return -1
		}
		i += from
		start := bytes.LastIndexByte(text[:i], '\n') + 1
		before := bytes.TrimLeft(text[start:i], " \t")
		if len(before) == 0 || bytes.HasSuffix(before, []byte(": ")) || bytes.HasSuffix(before, []byte("- ")) {
			return bytes.Count(text[:i], newlineBytes)
		}
		next := bytes.IndexByte(text[i:], '\n')
		if next < 0 {
			return -1
		}
		from = i + next
	}
}

// hasTemplateMark reports whether a name in a document has {{ or {% in it.
func hasTemplateMark(s string) bool { return strings.Contains(s, "{{") || strings.Contains(s, "{%") }
