package files

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// joinedObject is one of several objects that one YAML mapping holds because no "---" stands between them.
type joinedObject struct {
	// line is the line of its first key.
	line int
	// head is its apiVersion and kind.
	head objectHeader
	// name is the name in its metadata.
	name string
	// keys are the top-level keys that it has.
	keys map[string]bool
}

// isComplete reports whether the keys of a YAML mapping make an object of their own: anything less is a key that
// somebody has written twice.
func (o *joinedObject) isComplete() bool {
	return o.head.apiVersion != "" && o.head.kind != "" && (o.keys["metadata"] || o.keys["items"])
}

// String returns, of a document, the kind and name of one of the objects without "---" between them, as far as it has
// them.
func (o *joinedObject) String() string {
	kind := english.EscapeInput(o.head.kind)
	if o.name == "" {
		return kind
	}
	return kind + " " + quoteInput(o.name)
}

// objectsWithoutSeparator returns the objects in a YAML mapping that lacks "---" between them, at least two: another one begins
// where a key stands that the one before has. The keys of before stand above the mapping. It returns none where the keys do not
// make whole objects.
func objectsWithoutSeparator(root *yaml.Node, before ...string) []joinedObject {
	if root.Kind != yaml.MappingNode || len(before) == 0 && !repeatsTypeKeys(root) {
		return nil
	}
	first := joinedObject{line: root.Line, keys: map[string]bool{}}
	for _, key := range before {
		first.keys[key] = true
	}
	all := []joinedObject{first}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], yamlnode.AliasTarget(root.Content[i+1])
		if last := &all[len(all)-1]; last.keys[key.Value] {
			if !last.isComplete() && (len(all) > 1 || len(before) == 0) {
				return nil
			}
			all = append(all, joinedObject{line: key.Line, keys: map[string]bool{}})
		}
		o := &all[len(all)-1]
		o.keys[key.Value] = true
		switch key.Value {
		case "apiVersion":
			o.head.apiVersion = stringOfNode(value)
		case "kind":
			o.head.kind = stringOfNode(value)
		case "metadata":
			o.name = nameInMetadata(value)
		}
	}
	if len(all) == 1 || !all[len(all)-1].isComplete() {
		return nil
	}
	return all
}

// repeatsTypeKeys reports whether a document's YAML mapping has the key apiVersion or kind twice.
func repeatsTypeKeys(root *yaml.Node) bool {
	versions, kinds := 0, 0
	for i := 0; i < len(root.Content) && root.Kind == yaml.MappingNode; i += 2 {
		switch root.Content[i].Value {
		case "apiVersion":
			versions++
		case "kind":
			kinds++
		}
	}
	return versions > 1 || kinds > 1
}

// nameInMetadata returns the name in the metadata of a document's object.
func nameInMetadata(metadata *yaml.Node) string {
	for i := 0; i+1 < len(metadata.Content); i += 2 {
		if metadata.Kind == yaml.MappingNode && metadata.Content[i].Value == "name" {
			return stringOfNode(yamlnode.AliasTarget(metadata.Content[i+1]))
		}
	}
	return ""
}

// maxJoinedNamed is how many objects without "---" before them are named of one document.
const maxJoinedNamed = 10

// missingSeparatorError returns the error of a document with objects without "---" between them.
func missingSeparatorError(objects []joinedObject) error {
	others := objects[1:]
	var places []string
	for i := range others {
		if i == maxJoinedNamed {
			places = append(places, fmt.Sprintf("and %d more", len(others)-i))
			break
		}
		places = append(places, fmt.Sprintf("%d (%s)", others[i].line, &others[i]))
	}
	count, line := "two", "line"
	if len(others) > 1 {
		count, line = strconv.Itoa(len(objects)), "lines"
	}
	return &syntaxError{line: others[0].line, msg: fmt.Sprintf("%s objects without --- between them%s: put --- before %s %s",
		count, objects[0].firstObjectText(), line, strings.Join(places, ", "))}
}

// firstObjectText returns the text on which object of a document without "---" is the first; "" where that is not
// known.
func (o *joinedObject) firstObjectText() string {
	if o.head.kind == "" {
		return ""
	}
	return ", " + o.String() + " first"
}
