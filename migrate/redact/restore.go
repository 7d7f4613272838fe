package redact

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// plainWord matches names that no file format and no shell reads as more than a word.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// dataBlock matches the data of a page, which is JSON, and packedBlock the same where it is packed by gzip in base64.
var (
	dataBlock   = regexp.MustCompile(`(?s)<script[^>]*type="?application/json"?[^>]*>.*?</script>`)
	packedBlock = regexp.MustCompile(`(<script[^>]*type="?application/gzip"?[^>]*>)([A-Za-z0-9+/=\s]*)</script>`)
)

// RestoreFormatted returns the text of a redacted file with its names, escaped for the format that the text has: JSON, HTML, CSV, Markdown,
// a shell script, or text for people. A script keeps the pseudonyms of names that a shell would read as more than a word, and Markdown
// of those with a backquote; left is their number.
func (k *Key) RestoreFormatted(text string) (restored string, left int) {
	start := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(start, "{") || strings.HasPrefix(start, "["):
		return k.restoreEach(text, jsonText), 0
	case strings.HasPrefix(strings.ToLower(start), "<!doctype html") || strings.HasPrefix(strings.ToLower(start), "<html"):
		return k.restorePage(text), 0
	case strings.HasPrefix(start, "#!"):
		return k.restoreScript(text)
	case strings.HasPrefix(start, "# ") && strings.Contains(text, "\n## "):
		return k.restoreMarkdown(text)
	}
	if restored, isCSV := k.restoreCSV(text); isCSV {
		return restored, 0
	}
	return k.restoreEach(text, printable), 0
}

// restoreScript returns a redacted script with the names that are words, and the number of the pseudonyms of others.
func (k *Key) restoreScript(text string) (restored string, left int) {
	restored = k.restoreEach(text, func(original string) string {
		if plainWord.MatchString(original) {
			return original
		}
		left++
		return ""
	})
	return restored, left
}

// restorePage returns a redacted page with its names: in its data as JSON, elsewhere as HTML.
func (k *Key) restorePage(text string) string {
	var out strings.Builder
	end := 0
	for _, at := range dataBlock.FindAllStringIndex(text, -1) {
		out.WriteString(k.restoreEach(text[end:at[0]], htmlText))
		out.WriteString(k.restoreEach(text[at[0]:at[1]], jsonText))
		end = at[1]
	}
	out.WriteString(k.restoreEach(text[end:], htmlText))
	return packedBlock.ReplaceAllStringFunc(out.String(), k.restorePacked)
}

// restoreEach returns a redacted text with the names as a function escapes them; "" leaves the pseudonym.
func (k *Key) restoreEach(text string, escaped func(string) string) string {
	return k.restoreAt(text, func(_, original string) string { return escaped(original) })
}

// restoreAt is restoreEach with a function that is also given what stands in front of the name in the redacted text.
func (k *Key) restoreAt(text string, escaped func(before, original string) string) string {
	var out strings.Builder
	end := 0
	for _, at := range pseudonymPattern().FindAllStringIndex(text, -1) {
		for last := at[1]; last >= at[0]+minCodeLength; last-- {
			original, known := k.originals[text[at[0]:last]]
			if !known {
				continue
			}
			if original = escaped(text[:at[0]], original); original != "" {
				out.WriteString(text[end:at[0]])
				out.WriteString(original)
				end = last
			}
			break
		}
	}
	out.WriteString(text[end:])
	return out.String()
}

// printable returns a name of a redaction for a text that people read.
func printable(name string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return escape.Terminal(name)
}

// htmlText returns a name of a redaction for a page.
func htmlText(name string) string { return html.EscapeString(printable(name)) }

// jsonText returns a name of a redaction for a text in JSON.
func jsonText(name string) string {
	quoted, _ := json.Marshal(name) // texts always marshal
	return string(quoted[1 : len(quoted)-1])
}
