package saved

import (
	"regexp"
	"sync"
)

// textFormat is what a text of a saved document's field with the tag `format` has to match, and what such a text is.
type textFormat struct {
	pattern *regexp.Regexp
	meaning string
	// usual says of most texts that match the pattern that they do, in a fraction of the time.
	usual func(string) bool
}

// formats returns the formats by the word of the tag.
var formats = sync.OnceValue(func() map[string]textFormat {
	return map[string]textFormat{
		"version":   {regexp.MustCompile(`^(latest|v1\.(0|[1-9][0-9]*))$`), "a Kubernetes minor such as v1.25, nor latest", usualVersion},
		"name":      {regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[a-z0-9.-]{0,253}<generated>)$`), "a name that an object can have", usualName},
		"namespace": {regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`), "a name that a namespace can have", usualName},
		"kind":      {regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,62}(\.[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?)?$`), "a name that a kind can have", usualKind},
		"id":        {regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`), "the id of a message", usualName},
	}
})

// mostName is how long a name is that every format of names allows.
const mostName = 63

// usualName reports whether a text is of small letters, digits and single hyphens between them, as most names and ids in a saved
// document are.
func usualName(text string) bool {
	before := byte('-')
	for i := range len(text) {
		c := text[i]
		if c == '-' && before == '-' || c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
		before = c
	}
	return before != '-' && len(text) <= mostName
}

// usualKind reports whether a text is of letters, as most kinds in a saved document are.
func usualKind(text string) bool {
	for i := range len(text) {
		if c := text[i] | ' '; c < 'a' || c > 'z' {
			return false
		}
	}
	return text != "" && len(text) <= mostName
}

// usualVersion reports whether a text in a saved document is a version such as v1.25.
func usualVersion(text string) bool {
	return len(text) == len("v1.25") && text[:3] == "v1." && text[3] >= '1' && text[3] <= '9' && text[4] >= '0' && text[4] <= '9'
}

// Patterns returns the regular expressions that texts of a saved document match, by the word of the tag `format` of their field.
func Patterns() map[string]string {
	out := map[string]string{}
	for word, f := range formats() {
		out[word] = f.pattern.String()
	}
	return out
}
