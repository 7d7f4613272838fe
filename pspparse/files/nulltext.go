package files

import (
	"gopkg.in/yaml.v3"
)

// restoreNulls puts back, in the YAML tree of a file whose program wrote "null" in quotes for null and for the empty text, what that
// stood for: the empty text in a sequence, null as the value of a key, which every field takes for empty. Aliases are not followed.
func (s *documentReader) restoreNulls(n *yaml.Node) {
	if s.nullText {
		restoreNulls(n)
	}
}

// restoreNulls does so for one tree of a file.
func restoreNulls(n *yaml.Node) {
	for i, c := range n.Content {
		isKey := n.Kind == yaml.MappingNode && i%2 == 0
		if isKey || c.Kind != yaml.ScalarNode || c.Value != "null" || c.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
			restoreNulls(c)
			continue
		}
		if n.Kind == yaml.SequenceNode {
			c.Value = ""
			continue
		}
		c.Style, c.Tag = 0, "!!null"
	}
}
