package yamledit

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// value is a YAML or JSON value as kubectl reads it, with the edits that were made of it, and the node where it stands.
type value struct {
	node *yaml.Node // nil for a value that an edit brings
	kind yaml.Kind  // of a scalar, a mapping or a sequence
	// scalar is the JSON of a scalar.
	scalar string
	// entries are those of a mapping, items those of a sequence; those that edits bring follow the others.
	entries []*slot
	items   []*slot
	// doubtful are values on which readers differ: of keys that are given twice, and of merged ones.
	doubtful []*value
	places   map[string]int // of entries by name
	dirty    bool           // an edit changes something within
}

// slot is an entry of a YAML mapping or an item of a sequence.
type slot struct {
	name string
	// index is that of the key or the item in the content of the node; -1 for one that is merged in.
	index int
	// old is the value in the text, nil for an entry that an edit brings; now is the one after the edits, nil for one that is removed.
	old, now *value
}

// valueOf returns a YAML node as kubectl reads it. It fails for what kubectl does not read.
func valueOf(root *yaml.Node) (*value, error) {
	b := valueBuilder{}
	b.mappings = &yamlnode.MappingReader{Problem: b.problem, BeforeMerge: b.beforeMerge, Known: map[*yaml.Node][]yamlnode.MappingEntry{}}
	return b.value(root)
}

// valueBuilder makes values of YAML nodes.
type valueBuilder struct {
	mappings *yamlnode.MappingReader
	// doubtful are the second values of the mapping that is read.
	doubtful []*yaml.Node
}

// maxMergeDepth is how deep merge keys of a YAML document may merge mappings with merge keys.
const maxMergeDepth = 100

// beforeMerge refuses mappings that are merged into themselves.
func (b *valueBuilder) beforeMerge(_, _ *yaml.Node, depth int) error {
	if depth > maxMergeDepth {
		return errors.New("a merge key (<<) merges a map into itself")
	}
	return nil
}

// problem keeps the second value of a key of a YAML mapping, and refuses what is no key and no merge key.
func (b *valueBuilder) problem(p yamlnode.MappingProblem) error {
	switch p.Kind {
	case yamlnode.KeyNotText:
		return fmt.Errorf("line %d: a key is no string", p.First.Key.Line)
	case yamlnode.MergeNotMapping:
		return fmt.Errorf("line %d: a merge key (<<) takes a map, or a list of maps", p.First.Key.Line)
	case yamlnode.DuplicateKey, yamlnode.MergeConflict:
		b.doubtful = append(b.doubtful, p.Second.Value)
	case yamlnode.DuplicateMergeKey:
	}
	return nil
}

// value returns the value of a YAML node.
func (b *valueBuilder) value(n *yaml.Node) (*value, error) {
	t := yamlnode.AliasTarget(n)
	v := &value{node: n, kind: t.Kind}
	switch t.Kind {
	case yaml.MappingNode:
		return v, b.mapping(v, t)
	case yaml.SequenceNode:
		for i, item := range t.Content {
			x, err := b.value(item)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, &slot{index: i, old: x, now: x})
		}
		return v, nil
	}
	text, err := yamlnode.AppendScalar(nil, t)
	v.scalar = string(text)
	return v, err
}

// mapping reads the entries of a YAML mapping into its value.
func (b *valueBuilder) mapping(v *value, n *yaml.Node) error {
	b.doubtful = nil
	entries, err := b.mappings.Entries(n, 1)
	if err != nil {
		return err
	}
	doubtful := b.doubtful
	for _, e := range entries {
		x, err := b.value(e.Value)
		if err != nil {
			return err
		}
		v.add(&slot{name: e.Name, index: e.Index, old: x, now: x})
	}
	for _, n := range doubtful {
		x, err := b.value(n)
		if err != nil {
			return err
		}
		v.doubtful = append(v.doubtful, x)
	}
	return nil
}

// add adds an entry to the value of a YAML mapping.
func (v *value) add(s *slot) {
	const small = 16
	v.entries = append(v.entries, s)
	switch {
	case v.places != nil:
		v.places[s.name] = len(v.entries) - 1
	case len(v.entries) > small:
		v.places = map[string]int{}
		for i, e := range v.entries {
			v.places[e.name] = i
		}
	}
}

// find returns the entry of the value of a YAML mapping that has a name; nil if there is none.
func (v *value) find(name string) *slot {
	if v.places != nil {
		if i, ok := v.places[name]; ok {
			return v.entries[i]
		}
		return nil
	}
	for _, e := range v.entries {
		if e.name == name {
			return e
		}
	}
	return nil
}

// isNull reports whether a YAML value is null.
func (v *value) isNull() bool { return v.kind == yaml.ScalarNode && v.scalar == "null" }

// live returns the slots of a YAML value that are there after the edits.
func live(slots []*slot) []*slot {
	out := make([]*slot, 0, len(slots))
	for _, s := range slots {
		if s.now != nil {
			out = append(out, s)
		}
	}
	return out
}

// equal reports whether two YAML values are the same to kubectl, with the edits made. The order of keys does not count.
func equal(a, b *value) bool {
	if a == b {
		return true
	}
	if a.kind != b.kind || a.scalar != b.scalar || len(a.doubtful) != len(b.doubtful) {
		return false
	}
	for i := range a.doubtful {
		if !equal(a.doubtful[i], b.doubtful[i]) {
			return false
		}
	}
	items, others := live(a.items), live(b.items)
	entries := live(a.entries)
	if len(items) != len(others) || len(entries) != len(live(b.entries)) {
		return false
	}
	for i := range items {
		if !equal(items[i].now, others[i].now) {
			return false
		}
	}
	for _, e := range entries {
		other := b.find(e.name)
		if other == nil || other.now == nil || !equal(e.now, other.now) {
			return false
		}
	}
	return true
}

// set makes a slot of a YAML value have a new value. Maps keep the entries that both have, lists the items.
func (s *slot) set(now *value) {
	if now.kind == yaml.MappingNode {
		s.revive()
	}
	switch before := s.now; {
	case before == nil || before.kind != now.kind:
		s.now = now
	case equal(before, now):
	case now.kind == yaml.MappingNode:
		before.setEntries(now)
	case now.kind == yaml.SequenceNode:
		before.setItems(now)
	default:
		s.now = now
	}
}

// revive brings back the map of a YAML file that an edit has removed from a slot, without what was in it, so that another edit can put
// something there.
func (s *slot) revive() {
	if s.now != nil || s.old == nil || s.old.kind != yaml.MappingNode {
		return
	}
	s.now = s.old
	s.now.dirty = true
	for _, e := range s.now.entries {
		e.now = nil
	}
}

// setEntries makes the value of a YAML mapping equal to another one.
func (v *value) setEntries(now *value) {
	v.dirty = true
	for _, e := range v.entries {
		if e.now != nil && now.find(e.name) == nil {
			e.now = nil
		}
	}
	for _, e := range now.entries {
		v.setEntry(e.name, e.now)
	}
}

// setEntry gives a key of the value of a YAML mapping a value.
func (v *value) setEntry(name string, now *value) {
	v.dirty = true
	if e := v.find(name); e != nil {
		e.set(now)
		return
	}
	v.add(&slot{name: name, index: -1, now: now})
}

// setItems makes the value of a YAML sequence equal to another one. The items that both have, in the same order, stay.
func (v *value) setItems(now *value) {
	v.dirty = true
	rest := live(now.items)
	for _, s := range v.items {
		switch {
		case s.now == nil:
		case len(rest) > 0 && equal(s.now, rest[0].now):
			rest = rest[1:]
		default:
			s.now = nil
		}
	}
	for _, s := range rest {
		v.items = append(v.items, &slot{index: -1, now: s.now})
	}
}
