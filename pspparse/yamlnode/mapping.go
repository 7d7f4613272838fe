package yamlnode

import "gopkg.in/yaml.v3"

// MappingEntry is one key of a YAML mapping and its value.
type MappingEntry struct {
	Name       string
	Key, Value *yaml.Node
	// Index is where the key stands in its mapping; -1 for a key that was merged into it.
	Index int
}

// MappingProblemKind says what is wrong with a YAML mapping.
type MappingProblemKind int

// The kinds of a MappingProblem.
const (
	// KeyNotText is a key that kubectl cannot turn into a string.
	KeyNotText MappingProblemKind = iota
	// DuplicateKey is a key that the mapping itself gives twice.
	DuplicateKey
	// DuplicateMergeKey is a second merge key (<<).
	DuplicateMergeKey
	// MergeNotMapping is a merge key whose value, or an item of it, is no mapping.
	MergeNotMapping
	// MergeConflict is a key above the merge key for which the merged mapping has another value. By the YAML specification
	// the mapping's own key wins; kubectl and Helm take the one that stands below.
	MergeConflict
)

// MappingProblem is one thing that is wrong with a YAML mapping.
type MappingProblem struct {
	Kind MappingProblemKind
	// First is the key in question, Second the one that contradicts it. Of a MergeNotMapping First has the merge key and, as
	// its value, what is no mapping.
	First, Second MappingEntry
}

// MappingReader reads YAML mappings as kubectl does: a mapping has its own keys in order, and then those that a merge key
// (<<) adds and that it does not have itself; of several merged mappings the first one's count.
type MappingReader struct {
	// Problem receives all that is wrong. An error that it returns ends the reading; else the problem is ignored, and of
	// a key that is given twice the first counts.
	Problem func(MappingProblem) error
	// KeepLast makes the last of a key that is given twice count.
	KeepLast bool
	// BeforeMerge, if set, is called before a mapping is read that a key of a mapping at some depth merges. An error ends the
	// reading. A mapping that is merged into itself is read without end if nothing stops it.
	BeforeMerge func(key, merged *yaml.Node, depth int) error
	// AfterMerge, if set, is called with the number of keys of each merged mapping. An error ends the reading.
	AfterMerge func(key *yaml.Node, keys int) error
	// AfterCompare, if set, is called with how many values, and bytes of text, of a merged mapping were compared with those of
	// a key above the merge key. An error ends the reading.
	AfterCompare func(key *yaml.Node, values, text int) error
	// Known, if not nil, keeps what was read of mappings that aliases may stand for.
	Known map[*yaml.Node][]MappingEntry
}

// Entries returns the keys and values, as kubectl reads them, of a YAML mapping that stands at a depth in the document.
// It fails with the first error of a function of the reader.
func (r *MappingReader) Entries(n *yaml.Node, depth int) ([]MappingEntry, error) {
	if known, ok := r.Known[n]; ok {
		return known, nil
	}
	entries, err := r.read(n, depth)
	if err == nil && n.Anchor != "" && r.Known != nil {
		r.Known[n] = entries
	}
	return entries, err
}

// read returns the entries of a YAML mapping that was not read before.
func (r *MappingReader) read(n *yaml.Node, depth int) ([]MappingEntry, error) {
	entries := make([]MappingEntry, 0, len(n.Content)/2)
	var merges []MappingEntry
	var index entryIndex
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := MappingEntry{Key: n.Content[i], Value: n.Content[i+1], Index: i}
		var isText bool
		var problem error
		switch e.Name, isText = KeyName(AliasTarget(e.Key)); {
		case !isText:
			problem = r.Problem(MappingProblem{Kind: KeyNotText, First: e})
		case isMergeKey(e.Key):
			if merges = append(merges, e); len(merges) > 1 {
				problem = r.Problem(MappingProblem{DuplicateMergeKey, merges[0], e})
			}
		default:
			first := index.find(entries, e.Name)
			if first < 0 {
				entries = append(entries, e)
				break
			}
			problem = r.Problem(MappingProblem{DuplicateKey, entries[first], e})
			if r.KeepLast {
				entries[first] = e
			}
		}
		if problem != nil {
			return nil, problem
		}
	}
	for _, m := range merges {
		var err error
		if entries, err = r.merge(entries, &index, m, depth); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// merge appends to the entries of a YAML mapping those of a merge key's mappings that it does not have yet.
func (r *MappingReader) merge(entries []MappingEntry, index *entryIndex, merge MappingEntry, depth int) ([]MappingEntry, error) {
	sources := []*yaml.Node{AliasTarget(merge.Value)}
	if sources[0].Kind == yaml.SequenceNode {
		sources = sources[0].Content
	}
	for _, source := range sources {
		merged, err := r.mergedEntries(AliasTarget(source), merge, depth)
		if err != nil {
			return nil, err
		}
		for _, e := range merged {
			at := index.find(entries, e.Name)
			if at < 0 {
				e.Index = -1
				entries = append(entries, e)
				continue
			}
			own := entries[at]
			if own.Index < 0 || own.Index > merge.Index {
				continue
			}
			var c nodeComparison
			equal := c.equal(own.Value, e.Value)
			if r.AfterCompare != nil {
				if err := r.AfterCompare(merge.Key, c.values, c.text); err != nil {
					return nil, err
				}
			}
			if equal {
				continue
			}
			if err := r.Problem(MappingProblem{MergeConflict, own, e}); err != nil {
				return nil, err
			}
		}
	}
	return entries, nil
}

// mergedEntries returns the entries of one mapping of a YAML merge key.
func (r *MappingReader) mergedEntries(source *yaml.Node, merge MappingEntry, depth int) ([]MappingEntry, error) {
	if source.Kind != yaml.MappingNode {
		merge.Value = source
		return nil, r.Problem(MappingProblem{Kind: MergeNotMapping, First: merge})
	}
	if r.BeforeMerge != nil {
		if err := r.BeforeMerge(merge.Key, source, depth); err != nil {
			return nil, err
		}
	}
	entries, err := r.Entries(source, depth+1)
	if err == nil && r.AfterMerge != nil {
		err = r.AfterMerge(merge.Key, len(entries))
	}
	return entries, err
}

// isMergeKey reports whether the key of a YAML mapping merges other mappings into it; a quoted << does not.
func isMergeKey(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.ShortTag() == "!!merge"
}

// entryIndex finds the entries of a YAML mapping by name. Most mappings are small enough to look through.
type entryIndex struct {
	places map[string]int
	known  int // entries that are in places
}

// find returns the index of the YAML mapping's entry with a name; -1 for none.
func (x *entryIndex) find(entries []MappingEntry, name string) int {
	const small = 24
	if len(entries) <= small {
		for i := range entries {
			if entries[i].Name == name {
				return i
			}
		}
		return -1
	}
	if x.places == nil {
		x.places = make(map[string]int, 2*len(entries))
	}
	for ; x.known < len(entries); x.known++ {
		x.places[entries[x.known].Name] = x.known
	}
	if i, ok := x.places[name]; ok {
		return i
	}
	return -1
}

// The most that is compared of two YAML trees. Larger ones count as different: they may be made of aliases that multiply.
const (
	maxComparedValues = 1000
	maxComparedText   = 1 << 20
	// maxResolvedText is how long a text may be that is compared by what it means: 0x10 is 16. Longer ones are compared as they
	// are written.
	maxResolvedText = 64
)

// nodeComparison compares two YAML nodes, and counts the pairs of values, and the bytes of long texts, that it looks at.
type nodeComparison struct{ values, text int }

// equal reports whether two YAML nodes have the same value to kubectl.
func (c *nodeComparison) equal(a, b *yaml.Node) bool {
	a, b = AliasTarget(a), AliasTarget(b)
	if c.values++; c.values > maxComparedValues {
		return false
	}
	switch {
	case a == b:
		return true
	case a.Kind != b.Kind || len(a.Content) != len(b.Content):
		return false
	case a.Kind == yaml.ScalarNode:
		return c.equalScalars(a, b)
	}
	for i := range a.Content {
		if !c.equal(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// equalScalars reports whether two YAML scalars have the same value to kubectl. Long ones must be written alike.
func (c *nodeComparison) equalScalars(a, b *yaml.Node) bool {
	if max(len(a.Value), len(b.Value)) > maxResolvedText {
		if len(a.Value) != len(b.Value) {
			return false
		}
		if c.text += len(a.Value); c.text > maxComparedText || a.Value != b.Value {
			return false
		}
	}
	return ResolveScalar(a) == ResolveScalar(b)
}
