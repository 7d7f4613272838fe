package yamledit

import (
	"errors"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// errNotMap and errNoItem say that a value on the way of an edit of a YAML file is no map or list, or lacks the item that the path names.
var (
	errNotMap = errors.New("no map")
	errNoItem = errors.New("no such item")
)

// edit makes an edit in the value of a YAML object. It fails where the path leads through what is no map or list.
func (v *value) edit(e Edit) error {
	if e.Remove {
		return v.remove(e.Path)
	}
	now, err := editValue(e)
	if err != nil {
		return err
	}
	root := slot{old: v, now: v}
	return root.setAt(e.Path, now)
}

// editValue returns the value that an edit of a YAML file brings.
func editValue(e Edit) (*value, error) {
	n, err := yamlnode.FromJSON(e.Value, 0)
	if err != nil {
		return nil, err
	}
	v, err := valueOf(n)
	if err != nil {
		return nil, err
	}
	v.forget()
	return v, nil
}

// forget takes the nodes of a YAML value that stands in no text.
func (v *value) forget() {
	v.node = nil
	for _, s := range v.entries {
		s.index, s.old = -1, nil
		s.now.forget()
	}
	for _, s := range v.items {
		s.index, s.old = -1, nil
		s.now.forget()
	}
}

// setAt sets the field of a YAML value at a path. Maps that are missing are made.
func (s *slot) setAt(path fieldpath.Path, now *value) error {
	if len(path) == 0 {
		s.set(now)
		return nil
	}
	step := path[0]
	if step.IsIndex {
		return s.setItemAt(path, now)
	}
	if s.revive(); s.now == nil || s.now.isNull() {
		s.now = &value{kind: yaml.MappingNode}
	}
	if s.now.kind != yaml.MappingNode {
		return errNotMap
	}
	s.now.dirty = true
	e := s.now.find(step.Key)
	if e == nil {
		e = &slot{name: step.Key, index: -1}
		s.now.add(e)
	}
	return e.setAt(path[1:], now)
}

// setItemAt sets the field of a YAML value at a path that begins with the index of an item. The index behind the last adds one.
func (s *slot) setItemAt(path fieldpath.Path, now *value) error {
	i := path[0].Index
	if s.now == nil || s.now.isNull() {
		s.now = &value{kind: yaml.SequenceNode}
	}
	switch items := len(s.now.items); {
	case s.now.kind != yaml.SequenceNode:
		return errNotMap
	case i == items:
		s.now.items = append(s.now.items, &slot{index: -1})
	case i > items || i < 0 || s.now.items[i].now == nil:
		return errNoItem
	}
	s.now.dirty = true
	return s.now.items[i].setAt(path[1:], now)
}

// remove takes away the field of a YAML value at a path, if it is there.
func (v *value) remove(path fieldpath.Path) error {
	if v.isNull() {
		return nil
	}
	var s *slot
	switch step := path[0]; {
	case step.IsIndex && v.kind != yaml.SequenceNode, !step.IsIndex && v.kind != yaml.MappingNode:
		return errNotMap
	case step.IsIndex && step.Index >= 0 && step.Index < len(v.items):
		s = v.items[step.Index]
	case !step.IsIndex:
		s = v.find(step.Key)
	}
	if s == nil || s.now == nil {
		return nil
	}
	v.dirty = true
	if len(path) == 1 {
		s.now = nil
		return nil
	}
	return s.now.remove(path[1:])
}
