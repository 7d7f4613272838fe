package escape

import (
	"regexp"
	"strings"
)

// Markdown escapes a text for a paragraph, a point of a list or a cell of Markdown: nothing in it is a link, a mention, an
// emphasis, HTML or the beginning of a block. What does not show is escaped. A word that a page could take for more than a word is in
// a code span, where nothing acts.
func Markdown(s string) string {
	s = Terminal(s)
	words := strings.Split(s, " ")
	for i, word := range words {
		if actsInMarkdown.MatchString(word) {
			words[i] = MarkdownCode(word)
		} else {
			words[i] = escapeEmphasis(word)
		}
	}
	s = strings.Join(words, " ")
	return beginsBlock.ReplaceAllString(s, `$1\$2`)
}

var (
	// actsInMarkdown matches words that GitHub or GitLab turn into links, mentions, references, emoji, formulas or HTML, and those with
	// a backslash or a backquote.
	actsInMarkdown = regexp.MustCompile("[@<>&$~\\\\`]|://|(?i:www\\.)|(?i:mailto:|xmpp:)|#[0-9A-Za-z]|![0-9\\[]|%[0-9\"A-Za-z]|:[A-Za-z0-9_+-]+:|^[A-Z]{2,}-[0-9]")
	// beginsBlock matches what begins a heading, a quotation, a list or a rule at the beginning of a paragraph.
	beginsBlock = regexp.MustCompile(`^(\s*[0-9]*)([-+#>=.)])`)
)

// escapeEmphasis returns a word for Markdown with a backslash in front of what emphasises or begins a link. An underscore between letters
// or digits does neither.
func escapeEmphasis(word string) string {
	if !strings.ContainsAny(word, "*_[]") {
		return word
	}
	var b strings.Builder
	for i := range len(word) {
		between := i > 0 && i+1 < len(word) && isWordByte(word[i-1]) && isWordByte(word[i+1])
		if strings.IndexByte("*[]", word[i]) >= 0 || word[i] == '_' && !between {
			b.WriteByte('\\')
		}
		b.WriteByte(word[i])
	}
	return b.String()
}

// isWordByte reports whether a byte of a text for Markdown is an ASCII letter or digit.
func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// MarkdownCode escapes a text as a code span of Markdown, which shows it letter by letter; what does not show is escaped.
func MarkdownCode(s string) string {
	s = Terminal(s)
	fence := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.TrimSpace(s) != s {
		s = " " + s + " "
	}
	return fence + s + fence
}

// MarkdownBlock escapes lines as a fenced block of Markdown; what does not show in them is escaped.
func MarkdownBlock(lines []string) string {
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = Terminal(line)
	}
	text := strings.Join(escaped, "\n")
	fence := strings.Repeat("`", max(longestRun(text)+1, len("```")))
	return fence + "\n" + text + "\n" + fence + "\n"
}

// longestRun returns the length of the longest run of backquotes in a text for Markdown.
func longestRun(s string) int {
	longest, run := 0, 0
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
