package files

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// misreadText returns, for a gap of the file's object, how YAML reads the value that should have been a string, and what to write; ""
// for any other error.
func misreadText(o *manifestObject, failed *inventory.DecodeError) string {
	if o.node == nil || !strings.Contains(failed.Err.Error(), "must be a string") {
		return ""
	}
	n := o.node
	for _, step := range failed.Path {
		values := valuesOfKey(n, step)
		if i, err := strconv.Atoi(step); err == nil && n.Kind == yaml.SequenceNode && i >= 0 && i < len(n.Content) {
			values = n.Content[i : i+1]
		}
		if len(values) == 0 {
			return ""
		}
		n = yamlnode.AliasTarget(values[0])
	}
	return yamlnode.Misreading(n)
}
