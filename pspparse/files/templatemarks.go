package files

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// quoteInput makes text from the input safe and short enough for a message.
func quoteInput(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
	}
	return strconv.QuoteToASCII(s)
}

// escapeInput is quote without the quotes, for text that stands between others.
func escapeInput(s string) string {
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

// templateMark says how a text looks like a template that was not rendered.
type templateMark struct {
	line int // of the text, from 0
	hint string
	// unquoted is set where the marks stand outside quotes: there they are no value that somebody meant.
	unquoted bool
}

const (
	bracesHint  = "it is a template that was not rendered: render it first (helm template, or whatever fills in {{ }})"
	percentHint = "it is a template that was not rendered: render it first (whatever fills in {% %})"
	dollarHint  = "it is a template that was not rendered: render it first (" + inventory.DollarTemplateTools + ")"
)

// findTemplateMark looks for template marks in a document that could not be read; its hint is "" if there are none. The
// first outside quotes counts, else the first.
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

// findDollarMark looks for a value that begins with a mark as envsubst and Terraform have it. Elsewhere in an object, scripts are
// full of them. Names with such marks are refused by package inventory, which says the same.
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

const yttHint = "it is a ytt template that was not rendered: render it first (ytt -f ...)"

// yttAnnotationLine returns the line of the first ytt annotation in the text, counted from 0; -1 if there is none.
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

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// hasTemplateMark tells whether a value that should be a name is a template's.
func hasTemplateMark(s string) bool { return strings.Contains(s, "{{") || strings.Contains(s, "{%") }
