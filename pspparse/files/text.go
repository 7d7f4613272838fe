package files

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
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

// templateHint tells from the text of a document that could not be read whether it is a template, on which line of the
// text, and how to render it. ytt hides in comments: its documents are not read even where they parse.
func templateHint(text []byte) (line int, hint string) {
	for _, t := range []struct{ mark, hint string }{
		{"{{", "it is a template that was not rendered: render it first (helm template, or whatever fills in {{ }})"},
		{"{%", "it is a template that was not rendered: render it first (whatever fills in {% %})"},
	} {
		if i := bytes.Index(text, []byte(t.mark)); i >= 0 {
			return bytes.Count(text[:i], newline), t.hint
		}
	}
	return 0, ""
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
		from = i + 2
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
