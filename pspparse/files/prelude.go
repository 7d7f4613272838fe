package files

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// prelude is the text of a List's head and of those of its items that define anchors. An item with an alias to another
// item is parsed behind it.
type prelude struct {
	limits Limits
	text   []byte
	parts  []segment
	// spent is how much text was parsed again; a List full of aliases would otherwise take quadratic time.
	spent int
	full  bool
}

// segment says on which line of the file a line of the text stands.
type segment struct{ from, line int }

func newPrelude(head []byte, line int, limits Limits) *prelude {
	return &prelude{limits: limits, text: head, parts: []segment{{1, line}}}
}

func isUnknownAnchor(err error) bool {
	return err != nil && strings.Contains(err.Error(), "unknown anchor")
}

// keep remembers an item if it defines anchors.
func (b *prelude) keep(p part, root *yaml.Node) {
	if bytes.IndexByte(p.text, '&') < 0 || !hasAnchor(root) {
		return
	}
	if len(b.text)+len(p.text) > b.limits.Document {
		b.full = true
		return
	}
	b.text, b.parts = b.with(p)
}

func (b *prelude) with(p part) ([]byte, []segment) {
	from := bytes.Count(b.text, newline) + 1
	text := append(bytes.Clone(b.text), p.text...)
	return append(text, '\n'), append(b.parts[:len(b.parts):len(b.parts)], segment{from, p.line})
}

// parse parses an item behind the prelude.
func (b *prelude) parse(p part) (*yaml.Node, error) {
	text, parts := b.with(p)
	b.spent += len(text)
	if b.full || len(text) > b.limits.Document || b.spent > b.limits.Document {
		return nil, &syntaxError{line: p.line, msg: fmt.Sprintf("it has aliases to other items, and there are too many of them (more than %d bytes to read again): write them out", b.limits.Document)}
	}
	if crowded(text, b.limits.Values) {
		return nil, &syntaxError{line: p.line, msg: tooMany(b.limits)}
	}
	root, err := unmarshalYAML(text)
	if err != nil {
		return nil, &syntaxError{line: p.line, msg: "it is not valid YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	items := headOf(root).items
	if items == nil || len(items.Content) == 0 {
		return nil, &syntaxError{line: p.line, msg: "it is not valid YAML: it has an alias to what cannot be found"}
	}
	place(root, parts)
	items.Content = items.Content[len(items.Content)-1:]
	return items, nil
}

// place gives every node its line of the file.
func place(n *yaml.Node, parts []segment) {
	i := sort.Search(len(parts), func(i int) bool { return parts[i].from > n.Line }) - 1
	if i >= 0 {
		n.Line = parts[i].line + n.Line - parts[i].from
	}
	for _, c := range n.Content {
		place(c, parts)
	}
}

func hasAnchor(n *yaml.Node) bool {
	if n.Anchor != "" {
		return true
	}
	for _, c := range n.Content {
		if hasAnchor(c) {
			return true
		}
	}
	return false
}
