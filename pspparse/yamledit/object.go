package yamledit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// place is the line and column of the file where a YAML mapping begins; column 0 stands for any.
type place struct{ line, column int }

// objectAt is an object in a YAML or JSON file: its mapping, and the index of its document in the part of the file.
type objectAt struct {
	node     *yaml.Node
	document int
	// list is set for a List, of which the items are objects, too.
	list bool
}

// collectObjects adds the object of a YAML document, and those in it if it is a List, by where they begin.
func (d *document) collectObjects(n *yaml.Node, index int, into map[place][]objectAt) {
	if n.Kind != yaml.MappingNode {
		return
	}
	_, items := child(n, fieldpath.Step{Key: "items"})
	o := objectAt{node: n, document: index, list: items != nil && items.Kind == yaml.SequenceNode && len(items.Content) > 0}
	line, column := d.fileLine(n.Line), n.Column
	if n.Line == 1 {
		column += d.column - 1
	}
	into[place{line, column}] = append(into[place{line, column}], o)
	into[place{line, 0}] = append(into[place{line, 0}], o)
	for i := 0; o.list && i < len(items.Content); i++ {
		d.collectObjects(items.Content[i], index, into)
	}
}

// findObject returns the object of a YAML file that an edit is for, or why there is none.
func findObject(objects map[place][]objectAt, e Edit) (objectAt, *message.Message) {
	found := objects[place{e.Line, e.Column}]
	if len(found) > 1 {
		var single []objectAt
		for _, o := range found {
			if !o.list {
				single = append(single, o)
			}
		}
		found = single
	}
	switch len(found) {
	case 0:
		m := message.New("file-edit-no-object", "line", e.Line)
		return objectAt{}, &m
	case 1:
		return found[0], nil
	}
	m := message.New("file-edit-objects-in-line", "line", e.Line)
	return objectAt{}, &m
}

// check returns why an edit of an object in a YAML document must not be made, from the nodes on its path; nil if they forbid nothing.
func (d *document) check(object *yaml.Node, e Edit) *message.Message {
	path := e.Path.String()
	refuse := func(m message.Message) *message.Message { return &m }
	if len(e.Path) == 0 {
		return refuse(message.New("file-edit-invalid", "path", path, "error", "it has no path"))
	}
	if !e.Remove {
		if _, err := editValue(e); err != nil {
			return refuse(message.New("file-edit-invalid", "path", path, "error", err))
		}
	}
	if d.isTemplate(object) {
		return refuse(message.New("file-edit-template", "path", "the object"))
	}
	at := object
	for i := 0; ; i++ {
		here := cmp.Or(e.Path[:i].String(), "the object")
		switch {
		case at.Kind == yaml.AliasNode && !(e.Remove && i == len(e.Path)):
			return refuse(message.New("file-edit-alias", "path", here, "alias", at.Value))
		case d.shared[at]:
			return refuse(message.New("file-edit-anchor", "path", here, "anchor", at.Anchor))
		case at.Style&yaml.TaggedStyle != 0:
			return refuse(message.New("file-edit-tag", "path", here, "tag", at.Tag))
		case at.Kind == yaml.ScalarNode && strings.ContainsAny(at.Value, "{$") && (hasMark(at.Value) || strings.Contains(at.Value, "${")):
			return refuse(message.New("file-edit-template", "path", here))
		case i == len(e.Path):
			return nil
		}
		next, problem := d.step(at, e.Path[:i+1], here)
		if problem != nil || next == nil {
			return problem
		}
		at = next
	}
}

// step returns the YAML node to which the last step of a path leads from another one, or why it must not be gone; nil if there is none.
func (d *document) step(at *yaml.Node, path fieldpath.Path, here string) (*yaml.Node, *message.Message) {
	step := path[len(path)-1]
	shown := path.String()
	if yamlnode.IsNull(at) {
		return nil, nil
	}
	if step.IsIndex && at.Kind != yaml.SequenceNode || !step.IsIndex && at.Kind != yaml.MappingNode {
		m := message.New("file-edit-other-kind", "path", here, "list", step.IsIndex)
		return nil, &m
	}
	if step.IsIndex {
		_, next := child(at, step)
		return next, nil
	}
	keys := d.keysOf(at)
	i, ok := keys.first[step.Key]
	if !ok {
		if !keys.merges {
			return nil, nil
		}
		if _, merged := child(at, step); merged == nil {
			return nil, nil
		}
		m := message.New("file-edit-merge-key", "path", shown)
		return nil, &m
	}
	var m message.Message
	switch key := at.Content[i]; {
	case keys.twice[step.Key]:
		m = message.New("file-edit-duplicate-key", "path", shown)
	case key.Kind == yaml.AliasNode || d.shared[key]:
		m = message.New("file-edit-alias", "path", shown, "alias", key.Value)
	case key.Style&yaml.TaggedStyle != 0:
		m = message.New("file-edit-tag", "path", shown, "tag", key.Tag)
	default:
		return at.Content[i+1], nil
	}
	return nil, &m
}

// keys are those of a YAML mapping: where each is first, which are given twice, and whether there is a merge key.
type keys struct {
	first  map[string]int
	twice  map[string]bool
	merges bool
}

// keysOf returns the keys of a YAML mapping; each is looked through once.
func (d *document) keysOf(n *yaml.Node) keys {
	if known, ok := d.keys[n]; ok {
		return known
	}
	k := keys{first: map[string]int{}, twice: map[string]bool{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, ok := yamlnode.KeyName(yamlnode.AliasTarget(n.Content[i]))
		if !ok {
			continue
		}
		if isMergeKey(n.Content[i]) {
			k.merges = true
			continue
		}
		if _, again := k.first[name]; again {
			k.twice[name] = true
			continue
		}
		k.first[name] = i
	}
	if d.keys == nil {
		d.keys = map[*yaml.Node]keys{}
	}
	d.keys[n] = k
	return k
}

// errorLine matches the line of a document in an error.
var errorLine = regexp.MustCompile(`^line ([0-9]+): `)

// refuseAll refuses the edits of a YAML document that begins on a line of the file and is not read.
func (f *fileEditor) refuseAll(edits []indexedEdit, err error, text []byte, first int) {
	reason := message.New("file-edit-not-parsed", "error", parseError(err, first))
	if _, isLayout := errors.AsType[layoutError](err); isLayout {
		reason = message.New("file-edit-layout", "path", "the file", "layout", err)
	}
	if bytes.Contains(text, []byte("{{")) || bytes.Contains(text, []byte("{%")) {
		reason = message.New("file-edit-template", "path", "the document")
	}
	for _, e := range edits {
		f.refuse(e, reason)
	}
}

// parseError returns what is wrong with a YAML document that begins on a line of the file, with the line of the file.
func parseError(err error, first int) string {
	text := err.Error()
	if m := errorLine.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			text = text[len(m[0]):]
			// The parser counts from 0 where its scanner counts from 1.
			if strings.HasPrefix(text, "did not find expected") {
				n++
			}
			text = fmt.Sprintf("line %d: %s", n+first-1, text)
		}
	}
	return text
}

// reasonOf returns the message of an error that an edit of a YAML file met.
func reasonOf(err error, e Edit) message.Message {
	path := e.Path.String()
	switch {
	case errors.Is(err, errUnsure):
		return message.New("file-edit-unsure", "path", path)
	case errors.Is(err, errNoItem):
		return message.New("file-edit-no-item", "path", path)
	}
	return message.New("file-edit-layout", "path", path, "layout", err)
}

// findObjects puts the values of the YAML nodes that are keys of a map into it: those of the value itself and, if it is a List, of its items.
func (v *value) findObjects(into map[*yaml.Node]*value) {
	if _, ok := into[v.node]; ok {
		into[v.node] = v
	}
	items := v.find("items")
	for i := 0; items != nil && i < len(items.now.items); i++ {
		items.now.items[i].now.findObjects(into)
	}
}
