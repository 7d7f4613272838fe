package jsonpath

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"

	"k8s.io/client-go/util/jsonpath"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// Columns are the columns of a table that the output format custom-columns asks for: headers, and what is selected of
// each row.
type Columns struct {
	headers    []string
	selections [][]jsonpath.Node
}

// columnPath is the form of a path in custom-columns: a field, with or without the dot before it and braces around it.
var columnPath = regexp.MustCompile(`^(?:\{\.?([^{}]+)\}|\.?([^{}]+))$`)

// ParseColumns reads the columns of kubectl's custom-columns: HEADER:PATH pairs with commas between, such as
// NAME:.name,LEVEL:.needed. It returns an error for what is no such pair or no path.
func ParseColumns(spec string) (*Columns, error) {
	c := &Columns{}
	for pair := range strings.SplitSeq(spec, ",") {
		header, path, ok := strings.Cut(pair, ":")
		if !ok {
			return nil, fmt.Errorf("%q is no column: give each as HEADER:PATH, such as NAME:.name", pair)
		}
		if err := c.add(header, path); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// ParseColumnsFile reads the columns of kubectl's custom-columns-file: headers in the first line, a path for each in the second,
// with blanks between. It returns an error for any other number of paths, and for what is no path.
func ParseColumnsFile(text string) (*Columns, error) {
	first, rest, _ := strings.Cut(text, "\n")
	second, _, _ := strings.Cut(rest, "\n")
	headers, paths := strings.Fields(first), strings.Fields(second)
	if len(headers) == 0 || len(headers) != len(paths) {
		return nil, fmt.Errorf("it has %d headers in its first line and %d paths in its second: give one for each", len(headers), len(paths))
	}
	c := &Columns{}
	for i, header := range headers {
		if err := c.add(header, paths[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// add adds a column of custom-columns. It returns an error for what is no path.
func (c *Columns) add(header, path string) error {
	match := columnPath.FindStringSubmatch(path)
	if match == nil {
		return fmt.Errorf("%q is no path of a column: give it as .field or .field.field", path)
	}
	parser, err := parse("{." + match[1] + match[2] + "}")
	if err != nil {
		return fmt.Errorf("the path %q: %w", path, err)
	}
	nodes := parser.Root.Nodes[0].(*jsonpath.ListNode).Nodes
	if err := checkIdentifiers(nodes); err != nil {
		return fmt.Errorf("the path %q: %w", path, err)
	}
	c.headers = append(c.headers, escape.Terminal(header))
	c.selections = append(c.selections, nodes)
	return nil
}

// Write prints, as kubectl does, a table with a row for each item of the lists at the top of a JSON document. What a row
// does not have is <none>; several values stand with commas between. It returns errors of reading and writing, and for a
// path that does not fit a row.
func (c *Columns) Write(w io.Writer, document io.Reader, lists []string, noHeaders bool) error {
	const minWidth, tabWidth, padding = 6, 4, 3 // kubectl's
	table := tabwriter.NewWriter(w, minWidth, tabWidth, padding, ' ', 0)
	if !noHeaders {
		if _, err := fmt.Fprintln(table, strings.Join(c.headers, "\t")); err != nil {
			return err
		}
	}
	if err := decodeItems(document, lists, func(row any) error {
		line, err := c.row(row)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(table, line)
		return err
	}); err != nil {
		return err
	}
	return table.Flush()
}

// row returns the cells of a row, with tabs between.
func (c *Columns) row(of any) (string, error) {
	cells := make([]string, len(c.selections))
	for i, selection := range c.selections {
		found, err := selectNodes(selection, []any{of})
		if err != nil {
			return "", fmt.Errorf("the column %s: %w", c.headers[i], err)
		}
		texts := make([]string, len(found))
		for k, value := range found {
			texts[k] = escape.Terminal(fmt.Sprint(value))
		}
		if len(texts) == 0 {
			texts = []string{"<none>"}
		}
		cells[i] = strings.Join(texts, ",")
	}
	return strings.Join(cells, "\t"), nil
}
