package custom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// parseTree decodes a custom object's JSON into maps and lists; why says what keeps it from being searched, and is ""
// if nothing does.
func parseTree(data []byte) (tree map[string]any, why string) {
	if hasTooManyValues(data) {
		return nil, "it is too large to be looked through"
	}
	if err := decodeJSON(data, &tree); err != nil {
		return nil, fmt.Sprintf("reading JSON: %v", err)
	}
	return tree, ""
}

// hasTooManyValues reports whether a custom object's JSON may have so many values that a tree of them costs far too
// much memory.
func hasTooManyValues(data []byte) bool { return yamlnode.MayExceedValues(data, 2_000_000) }

// decodeJSON decodes a custom object's JSON and keeps numbers as they are written.
func decodeJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

// marshalJSON encodes a value of a custom object's JSON, for which encoding cannot fail.
func marshalJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return data
}

// metadataNamespace returns metadata.namespace of a custom object; "" where it has none.
func metadataNamespace(m map[string]any) string {
	metadata, _ := m["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	return namespace
}

// jsonChildren yields, for a search of a custom object, the items of a JSON list, or the values of an object in the order
// of their keys, each with the step of a path that leads to it: "[0]", ".key".
func jsonChildren(v any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		switch v := v.(type) {
		case []any:
			for i, item := range v {
				if !yield("["+strconv.Itoa(i)+"]", item) {
					return
				}
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if !yield("."+key, v[key]) {
					return
				}
			}
		}
	}
}

// anyJSONItem reports whether one item of a custom object's JSON list, or one value of an object, meets a condition.
func anyJSONItem(v any, is func(any) bool) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, is)
	case map[string]any:
		for _, item := range v {
			if is(item) {
				return true
			}
		}
	}
	return false
}

// jsonPath is the path to a value of a custom object's JSON, step by step.
type jsonPath []string

// visitChildren calls visit with each child of the custom object's value that the path leads to, while the path leads
// to that child. Where skip is true for the key and the value of an object, it passes over them.
func (p *jsonPath) visitChildren(v any, skip func(key string, value any) bool, visit func(value any)) {
	for step, value := range jsonChildren(v) {
		if key, isKey := strings.CutPrefix(step, "."); isKey {
			if skip != nil && skip(key, value) {
				continue
			}
			step = "." + truncateKey(key)
		}
		*p = append(*p, step)
		visit(value)
		*p = (*p)[:len(*p)-1]
	}
}

// String returns the path in a custom object for a message: "spec.items[0]".
func (p *jsonPath) String() string {
	return escapeText(strings.TrimPrefix(strings.Join(*p, ""), "."))
}

// fieldPath returns the path in a custom object to the value that it leads to. Keys that are too long for a message are cut in it.
func (p *jsonPath) fieldPath() fieldpath.Path {
	out := make(fieldpath.Path, 0, len(*p)+4)
	for _, step := range *p {
		if key, isKey := strings.CutPrefix(step, "."); isKey {
			out = append(out, fieldpath.Step{Key: key})
			continue
		}
		index, _ := strconv.Atoi(strings.Trim(step, "[]"))
		out = append(out, fieldpath.Step{Index: index, IsIndex: true})
	}
	return out
}

// of returns the path of a key of the custom object's value that the path leads to, for a message.
func (p *jsonPath) of(key string) string {
	return escapeText(strings.TrimPrefix(strings.Join(*p, "")+"."+key, "."))
}

// isRoot reports whether the path leads to the whole custom object.
func (p *jsonPath) isRoot() bool { return len(*p) == 0 }

// saysNothing reports whether a key of a custom object says nothing of the pods that are made from it: what servers
// write, and the object's own metadata.
func (p *jsonPath) saysNothing(key string) bool {
	return key == "managedFields" || p.isRoot() && (key == "status" || key == "metadata")
}
