// Package escape owns what text from input must become before it is put where it could act: a terminal, a shell word, a
// shell comment, a machine-readable document. It takes strings and returns strings that cannot act on the place they go
// to and still show what was there. It never decides whether a name is valid, and it writes nothing.
package escape

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Terminal escapes text for a terminal: it shows what Visible shows, and what logs of pipelines take for a command anywhere in a
// line has a backslash in it: "##\[error]".
func Terminal(s string) string { return breakCommands(Visible(s)) }

// Visible returns a text in which everything can be seen: every rune that a terminal or a browser would act on or not show (control
// characters, line ends, bidirectional overrides, zero-width characters, bytes that are not UTF-8) is a Go escape: "\n", "\x1b", "\u202e".
func Visible(s string) string {
	if isPlainASCII(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case IsVisible(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
		i += size
	}
	return b.String()
}

// commandInLine matches what the logs of GitHub, Azure and TeamCity take for the beginning of a command in the middle of a line, and
// commandLine what that of GitHub takes for one at the beginning of a line, behind blanks and colours.
var (
	commandInLine = regexp.MustCompile(`##([A-Za-z]*)\[`)
	commandLine   = regexp.MustCompile(`(?m)^((?:[ \t\r]|\x1b\[[0-9;]*[A-Za-z])*)::`)
)

// breakCommands returns text with a backslash in what the log of a pipeline takes for a command within a line.
func breakCommands(s string) string {
	if !strings.Contains(s, "##") {
		return s
	}
	return commandInLine.ReplaceAllString(s, `##$1\[`)
}

// Lines escapes lines of text for the log of a pipeline, where they are not to give commands: "::error" at the beginning of a line, behind
// blanks and colours, and "##[error]" anywhere have a backslash in front of the colons or the bracket. The lines are otherwise kept.
func Lines(text string) string {
	if strings.Contains(text, "::") {
		text = commandLine.ReplaceAllString(text, `$1\::`)
	}
	return breakCommands(text)
}

// isPlainASCII reports whether text needs no escaping on a terminal: it is printable ASCII.
func isPlainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// escapeRune returns the Go escape sequence of a rune that a terminal would act on or not show.
func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// IsVisible reports whether a rune shows as itself on a terminal: Go's printable ones (which leaves out every control
// and format character, bidirectional ones among them) without those that are printable by category and yet show
// nothing.
func IsVisible(r rune) bool {
	return unicode.IsPrint(r) && (r <= unicode.MaxLatin1 || !unicode.Is(invisibleRunes, r))
}

// invisibleRunes are Unicode letters, marks and symbols without a visible form.
var invisibleRunes = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034f, Hi: 0x034f, Stride: 1}, // combining grapheme joiner
		{Lo: 0x115f, Hi: 0x1160, Stride: 1}, // Hangul fillers
		{Lo: 0x17b4, Hi: 0x17b5, Stride: 1}, // Khmer inherent vowels
		{Lo: 0x180b, Hi: 0x180f, Stride: 1}, // Mongolian variation selectors
		{Lo: 0x2800, Hi: 0x2800, Stride: 1}, // blank Braille pattern
		{Lo: 0x3164, Hi: 0x3164, Stride: 1}, // Hangul filler
		{Lo: 0xfe00, Hi: 0xfe0f, Stride: 1}, // variation selectors
		{Lo: 0xffa0, Hi: 0xffa0, Stride: 1}, // halfwidth Hangul filler
	},
	R32: []unicode.Range32{{Lo: 0xe0100, Hi: 0xe01ef, Stride: 1}}, // more variation selectors
}

// JSON escapes a JSON document for a terminal: every rune that would not show as itself becomes its \u escape. Outside strings JSON
// is ASCII, so this changes how a document looks and never what it says.
func JSON(doc []byte) []byte {
	return escapeInvisible(doc, func(out []byte, r rune) []byte {
		high, low := utf16.EncodeRune(r)
		return fmt.Appendf(out, `\u%04x\u%04x`, high, low)
	})
}

// escapeInvisible replaces the runes of a JSON or YAML document that a terminal does not show by \u escapes; astral
// writes a rune that \u cannot. Where nothing is replaced it returns doc itself.
func escapeInvisible(doc []byte, astral func([]byte, rune) []byte) []byte {
	if !slices.ContainsFunc(doc, func(b byte) bool { return b >= 0x7f }) {
		return doc
	}
	out := make([]byte, 0, len(doc))
	for i := 0; i < len(doc); {
		if doc[i] < 0x7f {
			out = append(out, doc[i])
			i++
			continue
		}
		r, size := utf8.DecodeRune(doc[i:])
		switch {
		case IsVisible(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			out = astral(out, r)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += size
	}
	return out
}

// safeShellWord matches words that a POSIX shell takes as they are, without quotes.
var safeShellWord = regexp.MustCompile(`^[a-zA-Z0-9._/=:-]+$`)

// Shell escapes text for a shell: it makes one word of a POSIX shell of any string without NUL, which no argument can hold. What does not show is written
// as the numbers of its bytes, which printf turns back. Line ends stay as they are: a shell drops those that printf ends with.
func Shell(word string) string {
	switch {
	case safeShellWord.MatchString(word):
		return word
	case word == "":
		return "''"
	}
	var b strings.Builder
	for word != "" {
		if n := visiblePrefix(word); n > 0 {
			b.WriteString("'" + strings.ReplaceAll(word[:n], "'", `'\''`) + "'")
			word = word[n:]
			continue
		}
		b.WriteString(`"$(printf '`)
		for word != "" && visiblePrefix(word) == 0 {
			fmt.Fprintf(&b, `\%03o`, word[0])
			word = word[1:]
		}
		b.WriteString(`')"`)
	}
	return b.String()
}

// visiblePrefix returns how many bytes at the start of a text are runes that show on a terminal or end a line.
func visiblePrefix(s string) int {
	for i, r := range s {
		broken := r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError))
		if broken || r != '\n' && !IsVisible(r) {
			return i
		}
	}
	return len(s)
}

// Comment escapes text for a shell or YAML comment behind a "# ": it stays on its line and shows what it holds.
func Comment(text string) string { return Terminal(text) }

// YAML escapes a YAML stream for a terminal, as JSON does a JSON document: one in which every string with a rune that does not show is in double quotes.
func YAML(doc []byte) []byte {
	return escapeInvisible(doc, func(out []byte, r rune) []byte { return fmt.Appendf(out, `\U%08X`, r) })
}
