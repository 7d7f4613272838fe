package yamlnode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// places renders the line and column of each node.
func places(n *yaml.Node, indent string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%d:%d %q\n", indent, n.Line, n.Column, n.Value)
	for _, c := range n.Content {
		b.WriteString(places(c, indent+"  "))
	}
	return b.String()
}

// TestColumnsOfJSON compares the places of nodes with those that the same text has as YAML.
func TestColumnsOfJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"{}", "[1, 2,3 , [] ,{}]", "{\"é😀\" : {\"b\":\r\n [true,null,\t\"ü\"\n,\n  -1.5e3]} , \"c\":\"d\\\"\"}", "\n\n  {\n  \"a\": {\n    \"b\": [\n      \"c\"\n    ]\n  }\n}\n",
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		n, err := FromJSONAt([]byte(text), 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(places(doc.Content[0], ""), places(n, "")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	n, err := FromJSONAt([]byte("[1,\n2]"), 7, 9)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("7:9 \"\"\n  7:10 \"1\"\n  8:1 \"2\"\n", places(n, "")); diff != "" {
		t.Errorf("from line 7, column 9 (-want +got):\n%s", diff)
	}
}
