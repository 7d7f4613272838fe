package exceptions

import (
	"strings"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

// Selector says which objects an exception of a file is for: those that match all its patterns, in which * stands for any text.
type Selector struct {
	// Kind matches in any case. An empty pattern matches everything, an object without a namespace too.
	Kind, Namespace, Name string
}

// matches reports whether an exception with the selector is for an object.
func (s Selector) matches(o *finding.Object) bool {
	return matchesPattern(strings.ToLower(s.Kind), strings.ToLower(o.Kind)) && matchesPattern(s.Namespace, o.Namespace) && matchesPattern(s.Name, o.Name)
}

// isEverything reports whether an exception with the selector would be for every object.
func (s Selector) isEverything() bool { return strings.Trim(s.Kind+s.Namespace+s.Name, "*") == "" }

// matchesPattern reports whether a text is what a pattern of a selector says. It takes time in proportion to the text and the
// number of stars.
func matchesPattern(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return pattern == text
	}
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}
