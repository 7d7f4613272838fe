package jsonpath

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/client-go/third_party/forked/golang/template"
	"k8s.io/client-go/util/jsonpath"
)

// selectNodes returns what a chain of JSONPath nodes selects of some JSON values, each node of what the one before selected.
func selectNodes(nodes []jsonpath.Node, of []any) ([]any, error) {
	for _, node := range nodes {
		var err error
		if of, err = selectNode(node, of); err != nil {
			return nil, err
		}
	}
	return of, nil
}

// selectNode returns what one JSONPath node selects of some JSON values.
func selectNode(node jsonpath.Node, of []any) ([]any, error) {
	switch n := node.(type) {
	case *jsonpath.ListNode:
		return selectNodes(n.Nodes, of)
	case *jsonpath.TextNode:
		return []any{templateText(n.Text)}, nil
	case *jsonpath.IntNode:
		return slices.Repeat([]any{n.Value}, len(of)), nil
	case *jsonpath.FloatNode:
		return slices.Repeat([]any{n.Value}, len(of)), nil
	case *jsonpath.BoolNode:
		return slices.Repeat([]any{n.Value}, len(of)), nil
	case *jsonpath.FieldNode:
		return selectField(n.Value, of), nil
	case *jsonpath.WildcardNode:
		return eachSelected(of, func(v any) ([]any, error) { return childrenOf(v), nil })
	case *jsonpath.RecursiveNode:
		return selectDescendants(of), nil
	case *jsonpath.ArrayNode:
		return eachSelected(of, func(v any) ([]any, error) { return selectItems(n.Params, v) })
	case *jsonpath.FilterNode:
		return eachSelected(of, func(v any) ([]any, error) { return filterItems(n, v) })
	case *jsonpath.UnionNode:
		var out []any
		for _, list := range n.Nodes {
			found, err := selectNodes(list.Nodes, of)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("JSONPath has no %s here", node)
}

// eachSelected joins what f selects of each JSON value.
func eachSelected(of []any, f func(any) ([]any, error)) ([]any, error) {
	var out []any
	for _, value := range of {
		found, err := f(value)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// selectField returns the field of each JSON value that is an object with it.
func selectField(name string, of []any) []any {
	var out []any
	for _, value := range of {
		if object, ok := value.(map[string]any); ok {
			if field, ok := object[name]; ok {
				out = append(out, field)
			}
		}
	}
	return out
}

// childrenOf returns the items of a JSON list, or the fields of an object by their sorted names.
func childrenOf(value any) []any {
	switch v := value.(type) {
	case []any:
		return v
	case map[string]any:
		out := make([]any, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, v[name])
		}
		return out
	}
	return nil
}

// selectDescendants returns JSON values with everything below them that is a list, an object or a text.
func selectDescendants(of []any) []any {
	var out []any
	for _, value := range of {
		children := childrenOf(value)
		if text, ok := value.(string); len(children) > 0 || ok && text != "" {
			out = append(append(out, value), selectDescendants(children)...)
		}
	}
	return out
}

// selectItems returns the items of a JSON list from a first index to before a last one, in steps. Indexes below zero
// count from the end. It returns an error for a value that is no list, and for indexes that the list does not have.
func selectItems(params [3]jsonpath.ParamsEntry, of any) ([]any, error) {
	if of == nil {
		return nil, nil
	}
	list, ok := of.([]any)
	if !ok {
		return nil, fmt.Errorf("an index is asked of something that is no list")
	}
	first, last, step := params[0].Value, params[1].Value, 1
	if first < 0 {
		first += len(list)
	}
	if !params[1].Known {
		last = len(list)
	} else if last < 0 || last == 0 && params[1].Derived {
		last += len(list)
	}
	if params[2].Known {
		step = params[2].Value
	}
	switch {
	case first == last:
		return nil, nil
	case first < 0 || first >= len(list):
		return nil, fmt.Errorf("there is no item %d in a list of %d", params[0].Value, len(list))
	case last < 0 || last > len(list):
		return nil, fmt.Errorf("there is no item %d in a list of %d", last-1, len(list))
	case first > last:
		return nil, fmt.Errorf("the first index %d is behind the last, %d", first, last)
	case step <= 0:
		return nil, fmt.Errorf("the step between indexes must be above 0")
	}
	var out []any
	for i := first; i < last; i += step {
		out = append(out, list[i])
	}
	return out, nil
}

// filterItems returns the items of a JSON list for which a JSONPath filter holds. It returns an error for a value that is
// no list, and for values that cannot be compared.
func filterItems(n *jsonpath.FilterNode, of any) ([]any, error) {
	list, ok := of.([]any)
	if !ok {
		return nil, fmt.Errorf("a filter is asked of something that is no list")
	}
	var out []any
	for _, item := range list {
		passes, err := passesFilter(n, item)
		if err != nil {
			return nil, err
		}
		if passes {
			out = append(out, item)
		}
	}
	return out, nil
}

// passesFilter returns whether a JSONPath filter holds for an item.
func passesFilter(n *jsonpath.FilterNode, item any) (bool, error) {
	left, err := selectNodes(n.Left.Nodes, []any{item})
	if n.Operator == "exists" {
		return len(left) > 0, nil
	}
	if err != nil {
		return false, err
	}
	right, err := selectNodes(n.Right.Nodes, []any{item})
	if err != nil {
		return false, err
	}
	switch {
	case len(left) == 0 || len(right) == 0:
		return false, nil
	case len(left) > 1 || len(right) > 1:
		return false, fmt.Errorf("a filter compares one value with one, and this one selects more")
	}
	return compareValues(n.Operator, plainText(left[0]), plainText(right[0]))
}

// compareValues compares two scalar JSON values by an operator of a JSONPath filter. It returns an error for values of
// different types, and for lists and objects.
func compareValues(operator string, left, right any) (bool, error) {
	switch operator {
	case "<":
		return template.Less(left, right)
	case ">":
		return template.Greater(left, right)
	case "==":
		return template.Equal(left, right)
	case "!=":
		return template.NotEqual(left, right)
	case "<=":
		return template.LessEqual(left, right)
	case ">=":
		return template.GreaterEqual(left, right)
	}
	return false, fmt.Errorf("there is no operator %s in a filter", operator)
}

// plainText returns the text of a quoted text of the JSONPath template, and any other value as it is.
func plainText(value any) any {
	if text, ok := value.(templateText); ok {
		return string(text)
	}
	return value
}
