package files

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// quote makes text from the input safe and short enough for a message.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
	}
	return strconv.QuoteToASCII(s)
}

// clean is quote without the quotes, for text that stands between others.
func clean(s string) string {
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

// template says how a text looks like a template that was not rendered.
type template struct {
	line int // of the text, from 0
	hint string
	// bare is set where the marks stand outside quotes: there they are no value that somebody meant.
	bare bool
}

const (
	braces   = "it is a template that was not rendered: render it first (helm template, or whatever fills in {{ }})"
	percents = "it is a template that was not rendered: render it first (whatever fills in {% %})"
	dollars  = "it is a template that was not rendered: render it first (" + inventory.FillsInDollars + ")"
)

// findTemplate looks for template marks in a document that could not be read; its hint is "" if there are none. The
// first outside quotes counts, else the first.
func findTemplate(text []byte) template {
	var best template
	for _, mark := range []template{{hint: braces}, {hint: percents}} {
		found := mark.find(text)
		if found.hint != "" && (best.hint == "" || found.bare && !best.bare || found.bare == best.bare && found.line < best.line) {
			best = found
		}
	}
	return best
}

func (t template) find(text []byte) template {
	mark := []byte("{{")
	if t.hint == percents {
		mark = []byte("{%")
	}
	var first template
	for from := 0; ; {
		i := bytes.Index(text[from:], mark)
		if i < 0 {
			return first
		}
		t.line += bytes.Count(text[from:from+i], newline)
		i += from
		t.bare = !bytes.ContainsAny(text[bytes.LastIndexByte(text[:i], '\n')+1:i], "\"'")
		if first.hint == "" || t.bare {
			first = t
		}
		end := bytes.IndexByte(text[i:], '\n')
		if t.bare || end < 0 {
			return first
		}
		from = i + end
	}
}

// findDollar looks for a value that begins with a mark as envsubst and Terraform have it. Elsewhere in an object, scripts are
// full of them. Names with such marks are refused by package inventory, which says the same.
func findDollar(text []byte) template {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte("${"))
		if i < 0 {
			return template{}
		}
		i += from
		if bytes.HasSuffix(bytes.TrimRight(text[:i], "\"' "), []byte(":")) {
			return template{line: bytes.Count(text[:i], newline), hint: dollars}
		}
		from = i + len("${")
	}
}

const yttHint = "it is a ytt template that was not rendered: render it first (ytt -f ...)"

// yttLine returns the line of the first ytt annotation in the text, counted from 0; -1 if there is none.
func yttLine(text []byte) int {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte("#@"))
		if i < 0 {
			return -1
		}
		i += from
		start := bytes.LastIndexByte(text[:i], '\n') + 1
		before := bytes.TrimLeft(text[start:i], " \t")
		if len(before) == 0 || bytes.HasSuffix(before, []byte(": ")) || bytes.HasSuffix(before, []byte("- ")) {
			return bytes.Count(text[:i], newline)
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

// isTemplated tells whether a value that should be a name is a template's.
func isTemplated(s string) bool { return strings.Contains(s, "{{") || strings.Contains(s, "{%") }
