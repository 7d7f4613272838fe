package yamledit

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// hasMark reports whether a text in a YAML file has the mark of a template in it.
func hasMark(s string) bool { return strings.Contains(s, "{{") || strings.Contains(s, "{%") }

// isTemplate reports whether an object in a YAML document, or a comment in it, has the mark of a template outside quotes. Each is looked
// through once.
func (d *document) isTemplate(object *yaml.Node) bool {
	if d.json {
		return false
	}
	known, ok := d.templates[object]
	if !ok {
		known = hasMark(d.comments) || markedWithin(object)
		d.templates[object] = known
	}
	return known
}

// markedWithin reports whether a YAML tree has the mark of a template outside quotes, or a ytt annotation.
func markedWithin(n *yaml.Node) bool {
	for _, comment := range []string{n.HeadComment, n.LineComment, n.FootComment} {
		if hasMark(comment) || strings.HasPrefix(comment, "#@") || strings.Contains(comment, "\n#@") {
			return true
		}
	}
	if n.Kind == yaml.ScalarNode && n.Style == 0 && hasMark(n.Value) {
		return true
	}
	for i, c := range n.Content {
		// {{ x }} is a map as the key of a map.
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Kind == yaml.MappingNode || markedWithin(c) {
			return true
		}
	}
	return false
}
