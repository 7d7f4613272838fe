package check

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// maxValueBytes is how long a value that a place of a finding keeps whole may be, as JSON.
const maxValueBytes = 100

// refusedValue returns what a check refuses at a path of an object, as JSON: a scalar, or the member of a mapping by which the check
// decides. It is nil for a list, for any other mapping, and where nothing is.
func refusedValue(root *yaml.Node, path fieldpath.Path) json.RawMessage {
	n := yamledit.Value(root, path)
	if n != nil && n.Kind == yaml.MappingNode {
		n = yamledit.Value(n, decidingMember(path))
	}
	if n == nil || n.Kind != yaml.ScalarNode || yamlnode.IsNull(n) {
		return nil
	}
	text, err := yamlnode.AppendScalar(nil, n)
	switch {
	case err != nil:
		return nil
	case len(text) > maxValueBytes:
		sum := sha256.Sum256(text)
		return json.RawMessage(`"sha256:` + hex.EncodeToString(sum[:]) + `"`)
	}
	return text
}

// decidingMember returns the member by which a check decides about the mapping at a path: the path of a hostPath, the name of a
// sysctl, the type of a profile. It is the mapping itself for any other.
func decidingMember(path fieldpath.Path) fieldpath.Path {
	named := slices.DeleteFunc(slices.Clone(path), func(s fieldpath.Step) bool { return s.IsIndex })
	if len(named) == 0 {
		return nil
	}
	switch named[len(named)-1].Key {
	case "hostPath":
		return fieldpath.Keys("path")
	case "sysctls":
		return fieldpath.Keys("name")
	case "seccompProfile", "appArmorProfile":
		return fieldpath.Keys("type")
	}
	return nil
}
