package files

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// anchorContext holds what the anchors of a YAML List's head and of its items stand for, of each name the last. An item
// with an alias to another item is parsed behind stand-ins for the anchors that it names, so that nothing is parsed
// twice.
type anchorContext struct {
	// limits bound what the anchors may stand for.
	limits Limits
	// anchors are the nodes by the names of their anchors.
	anchors map[string]anchoredNode
	// values is how many values all anchors stand for.
	values int
	// overLimit is set once that is more than allowed: then no anchor is held.
	overLimit bool
}

// anchoredNode is, while a file is read, a YAML node with an anchor, and how many values it has.
type anchoredNode struct {
	node   *yaml.Node
	values int
}

// newAnchorContext returns the anchor context of a List in a YAML file of which no anchor is known yet.
func newAnchorContext(limits Limits) *anchorContext {
	return &anchorContext{limits: limits, anchors: map[string]anchoredNode{}}
}

// isUnknownAnchorError reports whether the YAML parser failed because an alias names an anchor that it has not met.
func isUnknownAnchorError(err error) bool {
	return err != nil && strings.Contains(err.Error(), "unknown anchor")
}

// rememberAnchors keeps the anchors of a YAML List's item, unless those of the List stand for too much.
func (b *anchorContext) rememberAnchors(text []byte, root *yaml.Node) {
	if b.overLimit || bytes.IndexByte(text, '&') < 0 {
		return
	}
	b.addNode(root)
	if b.overLimit = b.values > b.limits.Values; b.overLimit {
		clear(b.anchors)
	}
}

// addNode keeps the anchors in the YAML tree of a file, and returns how many values the tree has.
func (b *anchorContext) addNode(n *yaml.Node) int {
	values := 1
	for _, c := range n.Content {
		values += b.addNode(c)
	}
	if n.Anchor != "" {
		b.values += values - b.anchors[n.Anchor].values
		b.anchors[n.Anchor] = anchoredNode{n, values}
	}
	return values
}

// parseItem parses an item of a YAML List whose dash has an indentation, behind the anchors of earlier items that it
// names.
func (b *anchorContext) parseItem(p yamlPart, indent int) (*yaml.Node, error) {
	if bytes.IndexByte(p.text, '*') < 0 {
		return parseYAMLDocument(p.text, p.line, b.limits)
	}
	names := aliasNamesIn(p.text)
	names = slices.DeleteFunc(names, func(name string) bool { return b.anchors[name].node == nil })
	switch {
	case len(names) == 1 && string(bytes.TrimSpace(p.text)) == "- *"+names[0]:
		alias := &yaml.Node{Kind: yaml.AliasNode, Value: names[0], Alias: b.anchors[names[0]].node, Line: p.line}
		return &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{alias}, Line: p.line}, nil
	case len(names) > 0:
		return b.parseWithAnchors(names, p, indent)
	}
	root, err := parseYAMLDocument(p.text, p.line, b.limits)
	if b.overLimit && isUnknownAnchorError(err) {
		return nil, &syntaxError{line: p.line, msg: fmt.Sprintf("it has an alias to another item, and those before it stand for too much to be kept (more than %d values): write them out", b.limits.Values)}
	}
	return root, err
}

// parseWithAnchors parses an item of a YAML List behind stand-ins for anchors of some names, and then puts in their
// place what they stand for.
func (b *anchorContext) parseWithAnchors(names []string, p yamlPart, indent int) (*yaml.Node, error) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%*s- [&%s 0]\n%s", indent, "", strings.Join(names, " 0, &"), p.text)
	root, err := parseYAMLDocument(text.Bytes(), p.line-1, b.limits)
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		syntax.line = max(syntax.line, p.line)
	}
	if err != nil || root.Kind != yaml.SequenceNode {
		return nil, err
	}
	standIns := map[*yaml.Node]*yaml.Node{}
	for _, n := range root.Content[0].Content {
		standIns[n] = b.anchors[n.Anchor].node
	}
	root.Content = root.Content[1:]
	replaceStandIns(root, standIns)
	return root, nil
}

// replaceStandIns replaces the stand-ins for anchors in a YAML tree by the nodes that the anchors stand for.
func replaceStandIns(n *yaml.Node, standIns map[*yaml.Node]*yaml.Node) {
	if node, ok := standIns[n.Alias]; ok {
		n.Alias = node
	}
	for _, c := range n.Content {
		replaceStandIns(c, standIns)
	}
}

// aliasNamesIn returns the names after a star in YAML text, each once: those of its aliases are among them.
func aliasNamesIn(text []byte) []string {
	var names []string
	seen := map[string]bool{}
	for {
		_, rest, ok := bytes.Cut(text, []byte("*"))
		if !ok {
			return names
		}
		end := 0
		for end < len(rest) && isAnchorNameByte(rest[end]) {
			end++
		}
		if name := string(rest[:end]); name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
		text = rest[end:]
	}
}

// isAnchorNameByte reports whether yaml.v3 allows a byte in the name of an anchor.
func isAnchorNameByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || c == '-'
}
