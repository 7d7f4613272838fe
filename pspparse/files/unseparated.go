package files

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// joined is one of the objects that a mapping holds because no "---" stands between them.
type joined struct {
	line int // of its first key
	head head
	name string
	keys map[string]bool
}

// whole is true of what looks like an object: anything less is a key that somebody has written twice.
func (o *joined) whole() bool {
	return o.head.apiVersion != "" && o.head.kind != "" && (o.keys["metadata"] || o.keys["items"])
}

// String names the object as far as it says its name.
func (o *joined) String() string {
	kind := clean(o.head.kind)
	if o.name == "" {
		return kind
	}
	return kind + " " + quote(o.name)
}

// unseparated are the objects in a mapping, at least two: another one begins where a key stands that the one before has.
// Before are the keys that stand above the mapping. There are none where the keys of a mapping do not make whole objects.
func unseparated(root *yaml.Node, before ...string) []joined {
	if root.Kind != yaml.MappingNode || len(before) == 0 && !repeats(root) {
		return nil
	}
	first := joined{line: root.Line, keys: map[string]bool{}}
	for _, key := range before {
		first.keys[key] = true
	}
	all := []joined{first}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], deref(root.Content[i+1])
		if last := &all[len(all)-1]; last.keys[key.Value] {
			if !last.whole() && (len(all) > 1 || len(before) == 0) {
				return nil
			}
			all = append(all, joined{line: key.Line, keys: map[string]bool{}})
		}
		o := &all[len(all)-1]
		o.keys[key.Value] = true
		switch key.Value {
		case "apiVersion":
			o.head.apiVersion = textOf(value)
		case "kind":
			o.head.kind = textOf(value)
		case "metadata":
			o.name = nameIn(value)
		}
	}
	if len(all) == 1 || !all[len(all)-1].whole() {
		return nil
	}
	return all
}

// repeats is true of a mapping that says twice what it is. It may be the end of an object and the head of a list.
func repeats(root *yaml.Node) bool {
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

// nameIn is the name in the metadata of an object.
func nameIn(metadata *yaml.Node) string {
	for i := 0; i+1 < len(metadata.Content); i += 2 {
		if metadata.Kind == yaml.MappingNode && metadata.Content[i].Value == "name" {
			return textOf(deref(metadata.Content[i+1]))
		}
	}
	return ""
}

// maxJoined places of one document are named.
const maxJoined = 10

// separate is the error of objects without "---" between them.
func separate(objects []joined) error {
	others := objects[1:]
	var places []string
	for i := range others {
		if i == maxJoined {
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
		count, objects[0].named(), line, strings.Join(places, ", "))}
}

// named says which object is the first; nothing where that is not known.
func (o *joined) named() string {
	if o.head.kind == "" {
		return ""
	}
	return ", " + o.String() + " first"
}
