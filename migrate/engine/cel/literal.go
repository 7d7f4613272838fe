package cel

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quote returns a CEL string literal of any text, such as a value from a policy. Nothing in the text can end the literal: quotes,
// backslashes and everything that is not printed are escaped. Bytes that are not UTF-8 become U+FFFD, as they do in the objects
// that admission gets.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == utf8.RuneError:
			b.WriteString(`\ufffd`)
		case r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// quoteAll returns a CEL list of the texts.
func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// isOneOf returns a CEL boolean: the CEL string is one of the texts, compared literally. No text is one of none.
func isOneOf(expression string, texts []string) string {
	switch len(texts) {
	case 0:
		return "false"
	case 1:
		return expression + " == " + quote(texts[0])
	default:
		return expression + " in " + quoteAll(texts)
	}
}

// anyOf returns a CEL boolean: one of the CEL booleans holds. It is in brackets where it is made of several.
func anyOf(conditions ...string) string { return joinConditions(conditions, " || ", "false", "true") }

// allOf returns a CEL boolean: each of the CEL booleans holds. It is in brackets where it is made of several.
func allOf(conditions ...string) string { return joinConditions(conditions, " && ", "true", "false") }

// joinConditions joins CEL booleans by || or &&. What decides alone is the result, and what cannot decide is left out.
func joinConditions(conditions []string, operator, neutral, decisive string) string {
	if slices.Contains(conditions, decisive) {
		return decisive
	}
	conditions = slices.DeleteFunc(slices.Clone(conditions), func(c string) bool { return c == neutral })
	switch len(conditions) {
	case 0:
		return neutral
	case 1:
		return conditions[0]
	default:
		return "(" + strings.Join(conditions, operator) + ")"
	}
}
