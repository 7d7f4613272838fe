// Package manifest owns the writing of YAML: objects become one stream of documents, byte for byte the same for the same
// objects. It takes values that marshal to JSON and keeps the order of their fields. It is the only YAML writer, and it
// decides nothing about what it writes.
package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// WriteYAML writes each value as one YAML document, in the order given. A value is converted as encoding/json does it, with the
// order of its fields. It returns an error if a value cannot be encoded, and those of w.
func WriteYAML(w io.Writer, docs ...any) error {
	var out bytes.Buffer
	for i, doc := range docs {
		if i > 0 {
			out.WriteString("---\n")
		}
		if err := writeYAMLDocument(&out, doc); err != nil {
			return fmt.Errorf("writing YAML document %d: %w", i+1, err)
		}
	}
	_, err := w.Write(escape.YAML(out.Bytes()))
	return err
}

// AppendItem appends to the text of a YAML document an item of a list at its top, as WriteYAML writes it; the name of the list is written
// before the first. The item is given as JSON in one line. escape.YAML is for the caller to apply. It returns an error for what is no JSON.
func AppendItem(out, compact []byte) ([]byte, error) {
	if block, ok := appendBlockItem(out, compact); ok {
		return block, nil
	}
	var list bytes.Buffer
	if err := encodeYAML(&list, slices.Concat([]byte(`{"list":[`), compact, []byte("]}"))); err != nil {
		return out, err
	}
	_, item, _ := bytes.Cut(list.Bytes(), []byte("\n")) // the first line is the name
	return append(out, item...), nil
}

// writeYAMLDocument writes a value of a manifest as a YAML document. It goes through JSON, since the names and the order of fields are
// declared for that.
func writeYAMLDocument(out *bytes.Buffer, doc any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return err
	}
	if block, ok := appendBlockYAML(out.AvailableBuffer(), text.Bytes()); ok {
		out.Write(block)
		return nil
	}
	return encodeYAML(out, text.Bytes())
}

// encodeYAML writes the value that a JSON text has as a YAML document, by a tree and the encoder of package yaml.
func encodeYAML(out *bytes.Buffer, text []byte) error {
	node, err := yamlnode.FromJSON(text, 0)
	if err != nil {
		return err
	}
	setBlockStyle(node)
	encoder := yaml.NewEncoder(out)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return err
	}
	return encoder.Close()
}

// setBlockStyle gives a YAML node that was read from JSON, and all below it, the style in which people write YAML.
func setBlockStyle(n *yaml.Node) {
	for _, c := range n.Content {
		setBlockStyle(c)
	}
	switch {
	case n.Kind != yaml.ScalarNode && len(n.Content) > 0:
		n.Style = 0
	case n.Tag == "!!str":
		*n = *yamlStringNode(n.Value)
	case n.Tag == "!!int" || n.Tag == "!!float":
		n.Tag = "" // the number is written as it is
	}
}

// yamlStringNode returns the YAML node of a string: a literal block for lines of text, quoted where it could be read as
// something else.
func yamlStringNode(s string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case fitsLiteralBlock(s):
		node.Style = yaml.LiteralStyle
	case !isPlainYAMLScalar(s):
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// fitsLiteralBlock reports whether a text in lines is best read as a YAML literal block: all of it shows, and no line
// begins or ends with a space that a block of lines may lose, except the indents of inner lines.
func fitsLiteralBlock(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasSuffix(s, "\n\n") || strings.HasPrefix(s, " ") || !utf8.ValidString(s) {
		return false
	}
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasSuffix(line, " ") || strings.ContainsFunc(line, func(r rune) bool { return !escape.IsVisible(r) }) {
			return false
		}
	}
	return true
}

// isAmbiguousYAMLScalar reports whether a text is a word that some YAML 1.1 reader (kubectl is one) takes for a boolean or a null, in
// whatever case.
func isAmbiguousYAMLScalar(s string) bool {
	const longest = len("false")
	if len(s) > longest {
		return false
	}
	for _, word := range [...]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null", "=", "<<"} {
		if strings.EqualFold(s, word) {
			return true
		}
	}
	return false
}

// isPlainYAMLScalar reports whether no reader can take an unquoted text for anything but text. What begins with a digit or
// a sign may be a number, a date or base 60 to one reader or another.
func isPlainYAMLScalar(s string) bool {
	if s == "" || strings.ContainsAny(s[:1], "0123456789+-.~") || isAmbiguousYAMLScalar(s) || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !escape.IsVisible(r) {
			return false
		}
	}
	return true
}
