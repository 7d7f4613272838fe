package yamledit

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// Place is where a field of an object stands in its YAML or JSON file. Lines and columns count from 1, columns in code points;
// they are 0 where those of the nodes are. EndColumn is the column after the last character.
type Place struct {
	Line, Column, EndLine, EndColumn int
	// Missing is true where the field is not there: the place is that of the nearest part of its path that is.
	Missing bool
}

// Locate returns the place of the field at a path within a YAML tree of which the root is an object. The place of a field is its
// key, with the value where that is a scalar on the same line; of an item of a list it is the item, or the first key in it. If the
// field is not there, the place is that of its nearest ancestor that is, and Missing. Aliases and merge keys are followed: the place
// is then where the text stands. Nodes do not tell where a scalar is folded over lines, or how a character in it is escaped: then
// EndColumn is that of the same scalar on one line, escaped no more than it has to be.
func Locate(root *yaml.Node, path fieldpath.Path) Place {
	at, place := yamlnode.AliasTarget(root), itemPlace(root)
	for _, step := range path {
		key, value := child(at, step)
		if value == nil {
			place.Missing = true
			return place
		}
		if at = yamlnode.AliasTarget(value); key != nil {
			place = entryPlace(key, value)
		} else {
			place = itemPlace(value)
		}
	}
	return place
}

// Value returns the value of the field at a path within a YAML tree of which the root is an object; nil if it is not there. Aliases
// and merge keys are followed as Locate does it.
func Value(root *yaml.Node, path fieldpath.Path) *yaml.Node {
	at := yamlnode.AliasTarget(root)
	for _, step := range path {
		_, value := child(at, step)
		if value == nil {
			return nil
		}
		at = yamlnode.AliasTarget(value)
	}
	return at
}

// child returns what a step of a path leads to in a YAML node: the value, and its key if the node is a mapping; nil if there is none.
func child(n *yaml.Node, step fieldpath.Step) (key, value *yaml.Node) {
	switch {
	case step.IsIndex && n.Kind == yaml.SequenceNode && step.Index >= 0 && step.Index < len(n.Content):
		return nil, n.Content[step.Index]
	case !step.IsIndex && n.Kind == yaml.MappingNode:
		return mappingChild(n, step.Key, map[*yaml.Node]bool{})
	}
	return nil, nil
}

// mappingChild returns the first entry of a YAML mapping with a key: its own, or else one that is merged into it. Mappings that
// were looked through are in seen: a merge key may lead back to where it stands.
func mappingChild(n *yaml.Node, name string, seen map[*yaml.Node]bool) (key, value *yaml.Node) {
	if seen[n] || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	seen[n] = true
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k, ok := yamlnode.KeyName(yamlnode.AliasTarget(n.Content[i])); ok && k == name && !isMergeKey(n.Content[i]) {
			return n.Content[i], n.Content[i+1]
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMergeKey(n.Content[i]) {
			continue
		}
		sources := []*yaml.Node{yamlnode.AliasTarget(n.Content[i+1])}
		if sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, s := range sources {
			if key, value = mappingChild(yamlnode.AliasTarget(s), name, seen); value != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

// isMergeKey reports whether the key of a YAML mapping merges other mappings into it; a quoted << does not.
func isMergeKey(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.ShortTag() == "!!merge"
}

// entryPlace returns the place of a key of a YAML mapping with its value.
func entryPlace(key, value *yaml.Node) Place {
	p := Place{Line: key.Line, Column: key.Column, EndLine: key.Line, EndColumn: key.Column + width(key)}
	if w := width(value); w > 0 && value.Line == key.Line && value.Column > key.Column {
		p.EndColumn = value.Column + w
	}
	if p.Column == 0 {
		p.EndColumn = 0
	}
	return p
}

// itemPlace returns the place of a YAML node that no key leads to: an item of a list, or the object itself.
func itemPlace(n *yaml.Node) Place {
	p := Place{Line: n.Line, Column: n.Column, EndLine: n.Line}
	if p.Column == 0 {
		return p
	}
	p.EndColumn = p.Column + max(1, width(n))
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		if key := n.Content[0]; key.Line == n.Line && key.Column >= n.Column {
			p.EndColumn = key.Column + width(key)
		}
	}
	return p
}

// width returns how many code points the text of a YAML scalar or alias has on its line; 0 for anything else, and for texts of
// several lines. The node does not tell which characters of a quoted text are escaped: those that have to be count as such.
func width(n *yaml.Node) int {
	w := 0
	switch {
	case n.Kind == yaml.AliasNode:
		return 1 + utf8.RuneCountInString(n.Value)
	case n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 0
	case n.Style&yaml.SingleQuotedStyle != 0:
		w = 2 + utf8.RuneCountInString(n.Value) + strings.Count(n.Value, "'")
	case n.Style&yaml.DoubleQuotedStyle != 0:
		w = 2 + utf8.RuneCountInString(n.Value)
		for _, c := range []byte(n.Value) {
			if c < ' ' || c == '"' || c == '\\' {
				w++
			}
		}
		return w + properties(n)
	case n.Value == "":
		return 0
	default:
		w = utf8.RuneCountInString(n.Value)
	}
	if strings.Contains(n.Value, "\n") {
		return 0
	}
	return w + properties(n)
}

// properties returns how many code points the anchor and the tag before a YAML node's text have.
func properties(n *yaml.Node) int {
	w := 0
	if n.Anchor != "" {
		w += len("& ") + utf8.RuneCountInString(n.Anchor)
	}
	if n.Style&yaml.TaggedStyle != 0 {
		w += len(" ") + utf8.RuneCountInString(n.Tag)
	}
	return w
}
