package files

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// prelude holds what the anchors of a List's head and of its items stand for, of each name the last. An item with an alias
// to another item is parsed behind stand-ins for the anchors that it names, so that nothing is parsed twice.
type prelude struct {
	limits Limits
	nodes  map[string]anchored
	values int
	full   bool
}

// anchored is a node and how many values it has.
type anchored struct {
	node   *yaml.Node
	values int
}

func newPrelude(limits Limits) *prelude {
	return &prelude{limits: limits, nodes: map[string]anchored{}}
}

func isUnknownAnchor(err error) bool {
	return err != nil && strings.Contains(err.Error(), "unknown anchor")
}

// keep remembers the anchors of an item, unless they stand for too much.
func (b *prelude) keep(text []byte, root *yaml.Node) {
	if b.full || bytes.IndexByte(text, '&') < 0 {
		return
	}
	b.add(root)
	if b.full = b.values > b.limits.Values; b.full {
		clear(b.nodes)
	}
}

// add returns the number of values of a node, too.
func (b *prelude) add(n *yaml.Node) int {
	values := 1
	for _, c := range n.Content {
		values += b.add(c)
	}
	if n.Anchor != "" {
		b.values += values - b.nodes[n.Anchor].values
		b.nodes[n.Anchor] = anchored{n, values}
	}
	return values
}

// parse parses an item, of which the dash has an indentation, behind what it names of the items before it.
func (b *prelude) parse(p part, indent int) (*yaml.Node, error) {
	if bytes.IndexByte(p.text, '*') < 0 {
		return parseYAML(p.text, p.line, b.limits)
	}
	names := aliasesIn(p.text)
	names = slices.DeleteFunc(names, func(name string) bool { return b.nodes[name].node == nil })
	switch {
	case len(names) == 1 && string(bytes.TrimSpace(p.text)) == "- *"+names[0]:
		alias := &yaml.Node{Kind: yaml.AliasNode, Value: names[0], Alias: b.nodes[names[0]].node, Line: p.line}
		return &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{alias}, Line: p.line}, nil
	case len(names) > 0:
		return b.behind(names, p, indent)
	}
	root, err := parseYAML(p.text, p.line, b.limits)
	if b.full && isUnknownAnchor(err) {
		return nil, &syntaxError{line: p.line, msg: fmt.Sprintf("it has an alias to another item, and those before it stand for too much to be kept (more than %d values): write them out", b.limits.Values)}
	}
	return root, err
}

// behind parses an item behind stand-ins for anchors, and then puts in their place what they stand for.
func (b *prelude) behind(names []string, p part, indent int) (*yaml.Node, error) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%*s- [&%s 0]\n%s", indent, "", strings.Join(names, " 0, &"), p.text)
	root, err := parseYAML(text.Bytes(), p.line-1, b.limits)
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		syntax.line = max(syntax.line, p.line)
	}
	if err != nil || root.Kind != yaml.SequenceNode {
		return nil, err
	}
	standIns := map[*yaml.Node]*yaml.Node{}
	for _, n := range root.Content[0].Content {
		standIns[n] = b.nodes[n.Anchor].node
	}
	root.Content = root.Content[1:]
	resolveAliases(root, standIns)
	return root, nil
}

// resolveAliases puts what stand-ins stand for in their place.
func resolveAliases(n *yaml.Node, standIns map[*yaml.Node]*yaml.Node) {
	if node, ok := standIns[n.Alias]; ok {
		n.Alias = node
	}
	for _, c := range n.Content {
		resolveAliases(c, standIns)
	}
}

// aliasesIn are the names after a star, once each: those of aliases are among them.
func aliasesIn(text []byte) []string {
	var names []string
	seen := map[string]bool{}
	for {
		_, rest, ok := bytes.Cut(text, []byte("*"))
		if !ok {
			return names
		}
		end := 0
		for end < len(rest) && inAnchor(rest[end]) {
			end++
		}
		if name := string(rest[:end]); name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
		text = rest[end:]
	}
}

// inAnchor tells what yaml.v3 allows in the name of an anchor.
func inAnchor(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || c == '-'
}
