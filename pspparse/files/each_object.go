package files

import (
	"bytes"
	"cmp"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// Object is one object of a file, a document or an item of a List, as a Reader shows it before it goes to the Sink. It is
// valid until the call that shows it returns.
type Object struct {
	// APIVersion and Kind are those of the object; Kind is "" for a kustomization without one and for a Chart.yaml.
	APIVersion, Kind string
	// Position is where its document begins.
	Position pspparse.Position

	manifest *manifestObject
	// tree is what Node returned of an object in JSON.
	tree *yaml.Node
}

// showObject hands an object of the file to Reader.EachObject, if that is set.
func (s *documentReader) showObject(o *manifestObject) {
	if s.eachObject != nil {
		s.eachObject(&Object{APIVersion: o.header.apiVersion, Kind: o.header.kind, Position: s.position(o.line), manifest: o})
	}
}

// Node returns the object as a YAML tree whose nodes have the lines and columns of the file. That of an object in JSON is made
// by the first call; it is nil where the text is no JSON.
func (o *Object) Node() *yaml.Node {
	m := o.manifest
	if m.node != nil || o.tree != nil {
		return cmp.Or(m.node, o.tree)
	}
	root, err := yamlnode.FromJSONAt(m.data, m.line, o.Column())
	if err != nil {
		return nil
	}
	o.tree = root
	return root
}

// Column returns the code point of its line at which the object begins, from 1.
func (o *Object) Column() int {
	switch m := o.manifest; {
	case m.node != nil:
		return m.node.Column
	case m.column != nil:
		return m.column()
	}
	return 1
}

// Template returns the file of the chart that Helm rendered the object from, by the last comment "# Source: chart/templates/x.yaml"
// above its content: what stands above that is of documents without content. It is "" where there is none.
func (o *Object) Template() string {
	template := ""
	for line := range bytes.Lines(o.manifest.text) {
		line = bytes.TrimSpace(line)
		source, found := bytes.CutPrefix(line, []byte("# Source: "))
		switch {
		case found:
			template = string(bytes.TrimSpace(source))
		case len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")):
			return template
		}
	}
	return template
}
