package jsonpath

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"k8s.io/client-go/util/jsonpath"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// Expression is a JSONPath template of kubectl: text, and in braces what is selected of a document.
type Expression struct {
	parts []part
}

// part is one piece of a JSONPath template: text of the template, a selection, or a range over a selection.
type part struct {
	isText    bool
	text      string
	selection []jsonpath.Node
	isRange   bool
	body      []part
}

// Parse reads a JSONPath template of kubectl, such as {.namespaces[*].name}. It returns an error for one that kubectl
// would refuse, at once or when it meets a document, and for one without braces, of which kubectl prints the letters.
func Parse(template string) (*Expression, error) {
	if !strings.Contains(template, "{") {
		return nil, fmt.Errorf("it selects nothing without braces: write it as {.%s}", strings.TrimPrefix(template, "."))
	}
	parser, err := parse(template)
	if err != nil {
		return nil, err
	}
	parts, rest, err := splitRanges(parser.Root.Nodes, false)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("{end} ends no {range}")
	}
	return &Expression{parts}, nil
}

// parse calls the JSONPath parser of kubectl, and returns an error where it panics as well.
func parse(template string) (parser *jsonpath.Parser, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be read as JSONPath")
		}
	}()
	return jsonpath.Parse("expression", template)
}

// splitRanges turns the nodes of a JSONPath template into parts, those between {range} and {end} into the body of one part.
// Within a range it returns the nodes behind its {end}.
func splitRanges(nodes []jsonpath.Node, inRange bool) (parts []part, rest []jsonpath.Node, err error) {
	for len(nodes) > 0 {
		node := nodes[0]
		nodes = nodes[1:]
		list, ok := node.(*jsonpath.ListNode)
		if !ok {
			parts = append(parts, part{isText: true, text: node.(*jsonpath.TextNode).Text})
			continue
		}
		switch keyword(list.Nodes) {
		case "end":
			if !inRange || len(list.Nodes) > 1 {
				return nil, []jsonpath.Node{node}, nil
			}
			return parts, nodes, nil
		case "range":
			p := part{selection: list.Nodes[1:], isRange: true}
			if p.body, nodes, err = splitRanges(nodes, true); err != nil {
				return nil, nil, err
			}
			list = &jsonpath.ListNode{Nodes: p.selection}
			parts = append(parts, p)
		default:
			parts = append(parts, part{selection: list.Nodes})
		}
		if err := checkIdentifiers(list.Nodes); err != nil {
			return nil, nil, err
		}
	}
	return parts, nil, nil // a range without {end} ends here, as with kubectl
}

// keyword returns the word that begins a list of JSONPath nodes, or "" if it begins with none.
func keyword(nodes []jsonpath.Node) string {
	if len(nodes) > 0 {
		if word, ok := nodes[0].(*jsonpath.IdentifierNode); ok {
			return word.Name
		}
	}
	return ""
}

// checkIdentifiers returns an error for a bare word in a JSONPath selection, which kubectl refuses once it meets a document.
func checkIdentifiers(nodes []jsonpath.Node) error {
	for _, node := range nodes {
		var err error
		switch n := node.(type) {
		case *jsonpath.IdentifierNode:
			err = fmt.Errorf("%q is neither a field, which begins with a dot, nor a text in quotes", n.Name)
		case *jsonpath.ListNode:
			err = checkIdentifiers(n.Nodes)
		case *jsonpath.UnionNode:
			for _, list := range n.Nodes {
				if err == nil {
					err = checkIdentifiers(list.Nodes)
				}
			}
		case *jsonpath.FilterNode:
			if err = checkIdentifiers(n.Left.Nodes); err == nil {
				err = checkIdentifiers(n.Right.Nodes)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Write prints what the JSONPath template selects of a JSON document. It returns errors of reading and writing, and for a
// selection that does not fit the document, such as an index of a list that is too short. A field that is not there is "".
func (e *Expression) Write(w io.Writer, document io.Reader) error {
	value, err := decodeAll(document)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := writeParts(&b, e.parts, value); err != nil {
		return err
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// writeParts prints the parts of a JSONPath template for one value.
func writeParts(b *strings.Builder, parts []part, of any) error {
	for _, p := range parts {
		if p.isText {
			b.WriteString(ownText(p.text))
			continue
		}
		found, err := selectNodes(p.selection, []any{of})
		if err != nil {
			return err
		}
		if p.isRange {
			for _, value := range found {
				if err := writeParts(b, p.body, value); err != nil {
					return err
				}
			}
			continue
		}
		for i, value := range found {
			if i > 0 {
				b.WriteByte(' ')
			}
			if err := writeValue(b, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// templateText is what a quoted text of a JSONPath template becomes where it is selected.
type templateText string

// writeValue prints one selected value as kubectl does: lists and objects as JSON, all else as it is.
func writeValue(b *strings.Builder, value any) error {
	switch v := value.(type) {
	case map[string]any, []any:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("writing what the expression selects: %w", err)
		}
		b.Write(escape.JSON(text))
	case nil:
		b.WriteString("null")
	case templateText:
		b.WriteString(ownText(string(v)))
	default:
		b.WriteString(escape.Terminal(fmt.Sprint(v)))
	}
	return nil
}

// ownText returns text of the JSONPath template itself, escaped for a terminal but for its lines and tabs.
func ownText(text string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "\n\t")
		if i < 0 {
			b.WriteString(escape.Terminal(rest))
			break
		}
		b.WriteString(escape.Terminal(rest[:i]))
		b.WriteByte(rest[i])
		rest = rest[i+1:]
	}
	return b.String()
}
