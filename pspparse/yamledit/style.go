package yamledit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// style is how text is written at a place of a YAML or JSON file.
type style struct {
	newline string
	// step is how many columns a map within a map is indented by, listStep a list within a map.
	step, listStep int
	// keyQuote and textQuote are the quotes around keys and texts; 0 for none where none are needed.
	keyQuote, textQuote byte
	// flow is set within brackets; then lines is set where each entry has a line of its own, indented by indent and by unit
	// more for each level. colon and comma are what separates.
	flow, lines  bool
	indent, unit string
	colon, comma string
}

// plainText matches texts that YAML reads as themselves without quotes, wherever they stand, if they are no number, boolean or null.
var plainText = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./-]*$`)

// isPlain reports whether YAML reads a text as itself without quotes.
func isPlain(text string) bool {
	return plainText.MatchString(text) && yamlnode.ResolveScalar(&yaml.Node{Kind: yaml.ScalarNode, Value: text}).Kind == yamlnode.ScalarText
}

// quoted returns a text as YAML, in quotes where it needs or the style has them.
func quoted(text string, quote byte) string {
	if quote == 0 && isPlain(text) {
		return text
	}
	if quote == '\'' && !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return string(yamlnode.AppendJSONString(nil, text))
}

// scalarText returns a YAML scalar as it is written.
func (st style) scalarText(v *value) string {
	var text string
	if strings.HasPrefix(v.scalar, `"`) && json.Unmarshal([]byte(v.scalar), &text) == nil {
		return quoted(text, st.textQuote)
	}
	return v.scalar
}

// key returns a key of a YAML mapping as it is written.
func (st style) key(name string) string { return quoted(name, st.keyQuote) }

// blockEntry returns an entry of a YAML mapping in block style, of which the key stands in a column.
func (st style) blockEntry(name string, v *value, column int) string {
	return st.key(name) + ":" + st.blockValue(v, column)
}

// blockValue returns what follows the colon of a key that stands in a column of a YAML mapping in block style.
func (st style) blockValue(v *value, column int) string {
	entries, items := live(v.entries), live(v.items)
	var b strings.Builder
	switch {
	case v.kind == yaml.ScalarNode:
		return " " + st.scalarText(v)
	case v.kind == yaml.MappingNode && len(entries) == 0:
		return " {}"
	case v.kind == yaml.SequenceNode && len(items) == 0:
		return " []"
	case v.kind == yaml.MappingNode:
		for _, e := range entries {
			b.WriteString(st.newline + spaces(column+st.step) + st.blockEntry(e.name, e.now, column+st.step))
		}
	default:
		for _, s := range items {
			b.WriteString(st.newline + spaces(column+st.listStep) + "-" + st.blockItem(s.now, column+st.listStep+len("- ")))
		}
	}
	return b.String()
}

// blockItem returns what follows the dash of an item of a YAML sequence in block style, of which the text begins in a column.
func (st style) blockItem(v *value, column int) string {
	entries := live(v.entries)
	switch {
	case v.kind == yaml.MappingNode && len(entries) > 0:
		var lines []string
		for _, e := range entries {
			lines = append(lines, st.blockEntry(e.name, e.now, column))
		}
		return " " + strings.Join(lines, st.newline+spaces(column))
	case v.kind == yaml.SequenceNode && len(live(v.items)) > 0:
		inner := st
		inner.flow, inner.lines, inner.colon, inner.comma = true, false, ": ", ", "
		return " " + inner.flowValue(v)
	}
	return st.blockValue(v, column)
}

// flowEntry returns an entry of a YAML mapping in brackets, or of a JSON object.
func (st style) flowEntry(name string, v *value) string {
	return st.key(name) + st.colon + st.flowValue(v)
}

// flowValue returns a YAML value in brackets, or a JSON value.
func (st style) flowValue(v *value) string {
	if v.kind == yaml.ScalarNode {
		return st.scalarText(v)
	}
	inner := st
	inner.indent += st.unit
	var parts []string
	for _, e := range live(v.entries) {
		parts = append(parts, inner.flowEntry(e.name, e.now))
	}
	for _, s := range live(v.items) {
		parts = append(parts, inner.flowValue(s.now))
	}
	open, shut := "[", "]"
	if v.kind == yaml.MappingNode {
		open, shut = "{", "}"
	}
	if !st.lines || len(parts) == 0 {
		return open + strings.Join(parts, st.comma) + shut
	}
	between := st.newline + inner.indent
	return open + between + strings.Join(parts, strings.TrimRight(st.comma, " ")+between) + st.newline + st.indent + shut
}

// quoteOf returns the quotes that a YAML scalar is written in; 0 for none.
func quoteOf(n *yaml.Node) byte {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return '"'
	case n.Style&yaml.SingleQuotedStyle != 0:
		return '\''
	}
	return 0
}

// quotesIn returns the quotes around the keys and the texts of a YAML mapping or sequence: those of the first key, and of the first
// text if no text is without. Texts that need quotes say nothing of a habit; where there is no other, texts are as the keys are.
func quotesIn(n *yaml.Node) (key, text byte) {
	texts := n.Content
	if n.Kind == yaml.MappingNode {
		texts = nil
		for i := 1; i < len(n.Content); i += 2 {
			texts = append(texts, n.Content[i])
		}
		for i := 0; i < len(n.Content) && key == 0 && i < 2; i += 2 {
			key = quoteOf(n.Content[i])
		}
	}
	for _, t := range texts {
		if t.Kind != yaml.ScalarNode || yamlnode.ResolveScalar(t).Kind != yamlnode.ScalarText {
			continue
		}
		switch quote := quoteOf(t); {
		case quote == 0:
			return key, 0
		case text == 0 && isPlain(t.Value):
			text = quote
		}
	}
	return key, cmp.Or(text, key)
}

// newlineOf returns how lines end in a YAML or JSON text: as the first one does.
func newlineOf(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
