// Package yamledit finds fields in the text of YAML and JSON files.
package yamledit

import (
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// Place is where a field stands in a file.
type Place struct {
	Line, Column, EndLine, EndColumn int
	Missing                          bool
}

// Locate finds a field of an object in its file.
func Locate(root *yaml.Node, path fieldpath.Path) Place {
	at, n := root, yamlnode.AliasTarget(root)
	for _, step := range path {
		var key, value *yaml.Node
		switch {
		case step.IsIndex && n.Kind == yaml.SequenceNode && step.Index < len(n.Content):
			key, value = n.Content[step.Index], n.Content[step.Index]
		case !step.IsIndex && n.Kind == yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == step.Key {
					key, value = n.Content[i], n.Content[i+1]
				}
			}
		}
		if value == nil {
			return Place{at.Line, at.Column, at.Line, at.Column + len(at.Value), true}
		}
		at, n = key, yamlnode.AliasTarget(value)
	}
	return Place{at.Line, at.Column, at.Line, at.Column + len(at.Value), false}
}
