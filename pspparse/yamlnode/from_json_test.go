package yamlnode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// lines joins lines of an outline.
func lines(ss ...string) string { return strings.Join(ss, "\n") + "\n" }

// outline renders a node as indented "line tag value" lines.
func outline(n *yaml.Node, indent string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%d %s %q\n", indent, n.Line, n.Tag, n.Value)
	for _, c := range n.Content {
		b.WriteString(outline(c, indent+"  "))
	}
	return b.String()
}

func TestJSONNode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		line int
		want string
	}{
		"lines": {"{\n \"a\": [\n1,\n\n{\"b\":null}], \"c\"\n:\n\"d\"}\n", 10, lines(
			`10 !!map ""`, `  11 !!str "a"`, `  11 !!seq ""`, `    12 !!int "1"`, `    14 !!map ""`, `      14 !!str "b"`, `      14 !!null "null"`,
			`  14 !!str "c"`, `  16 !!str "d"`)},
		"no lines":               {"{\"a\":\n1}", 0, lines(`0 !!map ""`, `  0 !!str "a"`, `  0 !!int "1"`)},
		"duplicate keys":         {`{"a":1,"a":2}`, 1, lines(`1 !!map ""`, `  1 !!str "a"`, `  1 !!int "1"`, `  1 !!str "a"`, `  1 !!int "2"`)},
		"escapes":                {`"a\/b\u00e9\ud83d\ude00\n\"\\"`, 1, "1 !!str \"a/bé😀\\n\\\"\\\\\"\n"},
		"half a surrogate pair":  {`"\ud83d"`, 1, "1 !!str \"\ufffd\"\n"},
		"text like other things": {`["true","1","null","<<"]`, 1, lines(`1 !!seq ""`, `  1 !!str "true"`, `  1 !!str "1"`, `  1 !!str "null"`, `  1 !!str "<<"`)},
		"numbers":                {`[0,-1,1.5,1e9,1E400,99999999999999999999]`, 1, lines(`1 !!seq ""`, `  1 !!int "0"`, `  1 !!int "-1"`, `  1 !!float "1.5"`, `  1 !!float "1e9"`, `  1 !!float "1E400"`, `  1 !!int "99999999999999999999"`)},
		"booleans":               {`[true,false]`, 1, lines(`1 !!seq ""`, `  1 !!bool "true"`, `  1 !!bool "false"`)},
		"empty collections":      {`[{},[]]`, 1, lines(`1 !!seq ""`, `  1 !!map ""`, `  1 !!seq ""`)},
		"byte order mark":        {"\ufeff{}", 1, lines(`1 !!map ""`)},
		"line ends of Windows":   {"{\r\n\"a\":\r\n1}\r\n", 1, lines(`1 !!map ""`, `  2 !!str "a"`, `  3 !!int "1"`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := FromJSON([]byte(tc.text), tc.line)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, outline(n, "")); diff != "" {
				t.Errorf("node (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONNodeErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		line int
		want string
	}{
		"empty":                              {"", 5, "line 5: the JSON ends too early"},
		"blank":                              {" \n ", 5, "line 6: the JSON ends too early"},
		"cut off":                            {"{\n\"a\": [1,\n", 5, "line 7: the JSON ends too early"},
		"cut in a string":                    {"{\"a", 5, "line 5: the JSON ends too early"},
		"comment":                            {"// x\n{}", 5, "line 5: this is not JSON: invalid character '/' looking for beginning of value"},
		"comment inside":                     {"{\n\n // x\n\"a\":1}", 5, "line 7: this is not JSON: invalid character '/'"},
		"trailing comma":                     {"{\"a\":[1,\n]}", 5, "line 6: this is not JSON: invalid character ']' looking for beginning of value"},
		"missing comma":                      {"[1\n2]", 5, "line 6: this is not JSON: invalid character '2' after array element"},
		"bare key":                           {"{a: 1}", 5, "line 5: this is not JSON: invalid character 'a'"},
		"number as key":                      {"{1: 1}", 5, "line 5: this is not JSON: invalid character '1'"},
		"bad escape":                         {`["\x"]`, 5, "line 5: this is not JSON: invalid character 'x' in string escape code"},
		"control byte":                       {"[\"a\tb\"]", 5, "line 5: this is not JSON: invalid character '\\t' in string literal"},
		"leading zero":                       {"[01]", 5, "line 5: this is not JSON: invalid character '1' after array element"},
		"two values":                         {"{}\n{}", 5, "line 6: there is more after the end of the JSON value"},
		"two values blank":                   {"{}\n\n  x", 0, "there is more after the end of the JSON value"},
		"not UTF-8":                          {"{\n\"a\": \"\xff\"}", 5, "line 6: the text is not UTF-8"},
		"not UTF-8 after what looks like it": {"{\"\ufffd\":\n\"\xff\"}", 5, "line 6: the text is not UTF-8"},
		"deep":                               {strings.Repeat("[\n", 101) + strings.Repeat("]", 101), 1, "line 101: the document nests deeper than 100 levels"},
		"very deep":                          {strings.Repeat(`{"a":`, 1_000_000), 1, "line 1: the document nests deeper than 100 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := FromJSON([]byte(tc.text), tc.line)
			if err == nil {
				t.Fatalf("there is no error, but a node:\n%s", outline(n, ""))
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := FromJSON([]byte(strings.Repeat("[", 100)+strings.Repeat("]", 100)), 1); err != nil {
		t.Errorf("a depth of 100 is refused: %v", err)
	}
}
