package yamlnode

import (
	"bytes"
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/english"
)

const (
	// maxDepth is how deep a YAML document may nest, aliases followed. No object of the API comes near.
	maxDepth = 100
	// maxExpansion is how many nodes aliases may add to a YAML document, as if each were written out.
	maxExpansion = 100_000
	// maxExpandedText is how many bytes of text, keys among it, a YAML document with aliases may have once they are written
	// out. Package files takes no larger object in JSON: no API server stores one.
	maxExpandedText = 8 << 20
	// uncountedText is where counting the bytes of a YAML document ends. Aliases of aliases would overflow.
	uncountedText = 1 << 30
)

// AliasTarget returns the YAML node that an alias stands for, and any other node itself.
func AliasTarget(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// expandedSize is the size of a YAML node with its aliases written out.
type expandedSize struct {
	nodes, height int
	// text is the bytes of its keys and scalars.
	text int64
	// unfinished is true while the node is measured.
	unfinished bool
}

// expansionMeasurer measures a YAML tree with its aliases written out, in time linear in what is written.
type expansionMeasurer struct {
	// writtenNodes counts the nodes that are written, each once.
	writtenNodes int
	anchors      map[*yaml.Node]*expandedSize
	problem      *DocumentError
	// text is the bytes of the keys and scalars up to here, those of aliases each time that an alias stands for them.
	text int64
	// hasAlias is true from the first alias on, and outerAlias is the alias outside the tree's own text that is measured.
	hasAlias   bool
	outerAlias *yaml.Node
	// tooLongAt is the node with which a tree that has aliases exceeds maxExpandedText.
	tooLongAt *yaml.Node
}

// CheckExpansion returns what forbids walking a YAML tree: an alias within its own anchor, nesting beyond 100 levels, or
// aliases that add more than 100,000 values or make it longer than 8 MiB of text; nil if nothing does.
func CheckExpansion(root *yaml.Node) *DocumentError {
	r := expansionMeasurer{anchors: map[*yaml.Node]*expandedSize{}}
	total := r.measureNode(root, 1, false)
	if r.problem == nil && total.nodes-r.writtenNodes > maxExpansion {
		r.refuse(root, fmt.Sprintf("the aliases (*name) expand to more than %d values; write them out", maxExpansion))
	}
	if r.tooLongAt != nil {
		r.refuse(r.tooLongAt, fmt.Sprintf("written out up to here, the aliases (*name) make the document longer than %d bytes; shorten what they stand for", maxExpandedText))
	}
	return r.problem
}

// refuse keeps the first error that forbids walking the YAML tree.
func (r *expansionMeasurer) refuse(n *yaml.Node, msg string) expandedSize {
	if r.problem == nil {
		r.problem = &DocumentError{Line: n.Line, Reason: msg}
	}
	return expandedSize{}
}

// addText counts text that a YAML node stands for, and remembers the node if the tree gets too long by it.
func (r *expansionMeasurer) addText(n *yaml.Node, text int64) {
	r.text = min(r.text+text, uncountedText)
	if r.hasAlias && r.text > maxExpandedText && r.tooLongAt == nil {
		r.tooLongAt = n
		if r.outerAlias != nil {
			r.tooLongAt = r.outerAlias
		}
	}
}

// measureNode returns the expanded size of a YAML node. A node that aliases can stand for is measured once.
func (r *expansionMeasurer) measureNode(n *yaml.Node, depth int, shared bool) expandedSize {
	if r.problem != nil {
		return expandedSize{}
	}
	if depth > maxDepth {
		return r.tooDeep(n)
	}
	if n.Kind == yaml.AliasNode {
		return r.measureAlias(n, depth)
	}
	e := &expandedSize{unfinished: true}
	if shared || n.Anchor != "" {
		r.anchors[n] = e
	}
	r.writtenNodes++
	e.nodes, e.text = 1, int64(len(n.Value))
	r.addText(n, e.text)
	for _, c := range n.Content {
		child := r.measureNode(c, depth+1, false)
		e.nodes = min(e.nodes+child.nodes, 1<<30)
		e.text = min(e.text+child.text, uncountedText)
		e.height = max(e.height, child.height)
	}
	e.height++
	e.unfinished = false
	if e.height > maxDepth {
		return r.tooDeep(n)
	}
	return *e
}

// measureAlias returns the expanded size of what a YAML alias stands for.
func (r *expansionMeasurer) measureAlias(n *yaml.Node, depth int) expandedSize {
	if n.Alias == nil {
		return r.refuse(n, "the alias stands for nothing")
	}
	r.hasAlias = true
	known := r.anchors[n.Alias]
	switch {
	case known == nil:
		if r.outerAlias == nil {
			r.outerAlias = n
			defer func() { r.outerAlias = nil }()
		}
		return r.measureNode(n.Alias, depth, true)
	case known.unfinished:
		return r.refuse(n, fmt.Sprintf("the alias *%s is part of what it stands for", english.QuoteInput(n.Value, 64)))
	}
	r.addText(n, known.text)
	return *known
}

// tooDeep refuses a YAML tree that nests beyond maxDepth.
func (r *expansionMeasurer) tooDeep(n *yaml.Node) expandedSize {
	return r.refuse(n, fmt.Sprintf("the document nests deeper than %d levels", maxDepth))
}

// ExpandedSize returns how many values, and bytes of text, a YAML tree has with its aliases written out. It returns false if
// the tree must not be walked: an alias stands within its own anchor, it nests deeper than 100 levels, or aliases make it
// longer than 8 MiB of text. It takes time in proportion to what is written.
func ExpandedSize(root *yaml.Node) (values int, text int64, ok bool) {
	r := expansionMeasurer{anchors: map[*yaml.Node]*expandedSize{}}
	total := r.measureNode(root, 1, false)
	return total.nodes, total.text, r.problem == nil && r.tooLongAt == nil
}

// MayExceedValues reports, from the text of a YAML or JSON document alone, whether it may have more values than a number: before
// a parser spends memory on them.
func MayExceedValues(text []byte, most int) bool {
	if len(text)/2 <= most {
		return false
	}
	n := 0
	for _, c := range []byte("\n,[{") {
		n += bytes.Count(text, []byte{c})
	}
	return n > most
}
