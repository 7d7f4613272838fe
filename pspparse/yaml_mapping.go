package pspparse

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

const (
	// maxDepth is how deep a document may nest, aliases followed. No object of the API comes near.
	maxDepth = 100
	// maxExpansion is how many nodes aliases may add to a document, as if each were written out.
	maxExpansion = 100_000
)

// aliasTarget follows an alias to the node it stands for.
func aliasTarget(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// expandedSize is the size of a node with its aliases written out.
type expandedSize struct {
	nodes, height int
	unfinished    bool
}

// expansionMeasurer measures a tree in time linear in what is written, whatever its aliases make of it.
type expansionMeasurer struct {
	writtenNodes int
	anchors      map[*yaml.Node]*expandedSize
	problem      *Problem
}

// checkExpansion returns the Error that forbids walking a tree: an alias within its own anchor, aliases that multiply, or
// nesting beyond any object's need.
func checkExpansion(root *yaml.Node) *Problem {
	r := expansionMeasurer{anchors: map[*yaml.Node]*expandedSize{}}
	total := r.measureNode(root, 1, false)
	if r.problem == nil && total.nodes-r.writtenNodes > maxExpansion {
		r.refuse(root, fmt.Sprintf("the aliases (*name) expand to more than %d values; write them out", maxExpansion))
	}
	return r.problem
}

func (r *expansionMeasurer) refuse(n *yaml.Node, msg string) expandedSize {
	if r.problem == nil {
		r.problem = &Problem{Severity: Error, Line: n.Line, Message: msg}
	}
	return expandedSize{}
}

// measureNode measures n. A shared node, one that aliases can stand for, is measured once.
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
	e.nodes = 1
	for _, c := range n.Content {
		child := r.measureNode(c, depth+1, false)
		e.nodes = min(e.nodes+child.nodes, 1<<30)
		e.height = max(e.height, child.height)
	}
	e.height++
	e.unfinished = false
	if e.height > maxDepth {
		return r.tooDeep(n)
	}
	return *e
}

func (r *expansionMeasurer) measureAlias(n *yaml.Node, depth int) expandedSize {
	if n.Alias == nil {
		return r.refuse(n, "the alias stands for nothing")
	}
	known := r.anchors[n.Alias]
	switch {
	case known == nil:
		return r.measureNode(n.Alias, depth, true)
	case known.unfinished:
		return r.refuse(n, fmt.Sprintf("the alias *%s is part of what it stands for", quote(n.Value)))
	}
	return *known
}

func (r *expansionMeasurer) tooDeep(n *yaml.Node) expandedSize {
	return r.refuse(n, fmt.Sprintf("the document nests deeper than %d levels", maxDepth))
}

// ExpandedValues returns how many values a tree has with its aliases written out, and says false if it must not be walked: an alias
// stands within its own anchor, or it nests deeper than 100 levels. It takes time in proportion to what is written.
func ExpandedValues(root *yaml.Node) (values int, ok bool) {
	r := expansionMeasurer{anchors: map[*yaml.Node]*expandedSize{}}
	total := r.measureNode(root, 1, false)
	return total.nodes, r.problem == nil
}

// mappingEntry is one key of a mapping and its value.
type mappingEntry struct {
	name       string
	key, value *yaml.Node
	// index is where the key stands in its mapping.
	index int
}

// memberPath names a member of what stands at a path: fieldPath or keyPath.
type memberPath func(path, name string) string

// mappingEntries returns what a mapping holds: its own keys in order, then the keys merged into it (<<) that it does not have
// itself, of several mappings the first one's.
func (d *policyDecoder) mappingEntries(n *yaml.Node, path string, member memberPath) []mappingEntry {
	var own, merges []mappingEntry
	if len(n.Content) == 0 {
		return nil
	}
	place := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := mappingEntry{key: n.Content[i], value: n.Content[i+1], index: i}
		if !d.readKey(&e, path) {
			continue
		}
		if isMergeKey(e.key) {
			merges = append(merges, e)
			if len(merges) > 1 {
				d.duplicateKey(member(path, e.name), merges[0], e)
			}
			continue
		}
		if first, ok := place[e.name]; ok {
			d.duplicateKey(member(path, e.name), own[first], e)
			continue
		}
		place[e.name] = len(own)
		own = append(own, e)
	}
	for _, m := range merges {
		own = d.mergeKey(own, place, m, path, member)
	}
	return own
}

func (d *policyDecoder) duplicateKey(path string, first, second mappingEntry) {
	var where string
	switch a, b := first.key.Line, second.key.Line; {
	case a == 0 || b == 0:
	case a == b:
		where = fmt.Sprintf(" (both in line %d)", a)
	default:
		where = fmt.Sprintf(" (lines %d and %d)", a, b)
	}
	d.addError(path, second.key.Line,
		fmt.Sprintf("the key %s stands twice%s: which one counts depends on the reader; remove one", quote(second.name), where))
}

// mergeKey adds the keys of a merge (<<) to those that the mapping has itself.
//
// By the YAML specification an explicit key wins over a merged one. kubectl and Helm decide by order instead: there, a
// merge below the key wins. Where the two readings differ, neither is taken.
func (d *policyDecoder) mergeKey(own []mappingEntry, place map[string]int, m mappingEntry, path string, member memberPath) []mappingEntry {
	explicit := len(own)
	sources := []*yaml.Node{aliasTarget(m.value)}
	if sources[0].Kind == yaml.SequenceNode {
		sources = sources[0].Content
	}
	for _, s := range sources {
		s = aliasTarget(s)
		if s.Kind != yaml.MappingNode {
			d.wrongType(member(path, m.name), s, "an object to merge")
			continue
		}
		for _, e := range d.mappingEntries(s, path, member) {
			i, ok := place[e.name]
			if !ok {
				place[e.name] = len(own)
				own = append(own, e)
				continue
			}
			if i < explicit && own[i].index < m.index && !equalNodes(own[i].value, e.value) {
				d.addError(member(path, e.name), own[i].key.Line,
					fmt.Sprintf("the merge key (<<) after %s holds another value for it: kubectl takes that one, other readers "+
						"this one; move the merge key to the top", quote(e.name)))
			}
		}
	}
	return own
}

// readKey reads a key as kubectl does, which turns numbers and booleans into strings.
func (d *policyDecoder) readKey(e *mappingEntry, path string) bool {
	key := aliasTarget(e.key)
	name, ok := YAMLKeyName(key)
	if !ok {
		found, hint := describeNode(key)
		if key.Kind == yaml.MappingNode {
			hint = unrenderedTemplateHint("{{")
		}
		d.addError(path, key.Line, "expected a key, found "+found+hint)
		return false
	}
	e.name = name
	return true
}

func isMergeKey(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.ShortTag() == "!!merge"
}

// equalNodes says whether two values read the same. Their size is bounded by measure.
func equalNodes(a, b *yaml.Node) bool {
	a, b = aliasTarget(a), aliasTarget(b)
	if a == b {
		return true
	}
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind == yaml.ScalarNode {
		return resolveScalar(a) == resolveScalar(b)
	}
	for i := range a.Content {
		if !equalNodes(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
