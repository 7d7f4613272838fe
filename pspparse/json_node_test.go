package pspparse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

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
			n, err := NodeFromJSON([]byte(tc.text), tc.line)
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
			n, err := NodeFromJSON([]byte(tc.text), tc.line)
			if err == nil {
				t.Fatalf("there is no error, but a node:\n%s", outline(n, ""))
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := NodeFromJSON([]byte(strings.Repeat("[", 100)+strings.Repeat("]", 100)), 1); err != nil {
		t.Errorf("a depth of 100 is refused: %v", err)
	}
}

func TestParseJSON(t *testing.T) {
	t.Parallel()
	const rules = `"runAsUser":{"rule":"RunAsAny"},"seLinux":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"},"fsGroup":{"rule":"RunAsAny"}`
	const head = `{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"p"},` + "\n\"spec\":{"
	for name, tc := range map[string]struct {
		text     string
		at       Position
		problems string // the Errors, or else the Warnings
		read     bool
	}{
		"valid": {head + rules + `}}`, Position{File: "f", Line: 7}, "", true},
		"duplicate keys": {
			head + "\"privileged\":false,\n\"privileged\":true," + rules + `}}`,
			Position{Line: 7},
			"9 error spec.privileged: the key \"privileged\" stands twice (lines 8 and 9): which one counts depends on the reader; remove one\n", false,
		},
		"duplicate keys from a cluster": {
			head + "\"privileged\":false,\n\"privileged\":true," + rules + `}}`,
			Position{},
			"0 error spec.privileged: the key \"privileged\" stands twice: which one counts depends on the reader; remove one\n", false,
		},
		"duplicate keys spelt otherwise": {
			head + `"privileged":false,"\u0070rivileged":true,` + rules + `}}`,
			Position{Line: 7},
			"8 error spec.privileged: the key \"privileged\" stands twice (both in line 8): which one counts depends on the reader; remove one\n", false,
		},
		"wrong case": {
			head + `"Privileged":true,` + rules + `}}`,
			Position{Line: 7},
			"8 warning spec.Privileged: unknown field \"Privileged\", which the API server ignores; did you mean \"privileged\"? Names are case-sensitive.\n", true,
		},
		"wrong type": {
			head + `"privileged":"true",` + rules + `}}`,
			Position{Line: 7},
			"8 error spec.privileged: expected a boolean (true or false), found the string \"true\"\n", false,
		},
		"yes is text in JSON": {head + `"volumes":["yes","5"],` + rules + `}}`, Position{Line: 7}, lines(
			`8 warning spec.volumes[0]: unknown volume type "yes"; the API server would refuse this policy`,
			`8 warning spec.volumes[1]: unknown volume type "5"; the API server would refuse this policy`), true},
		"numbers": {head + `"hostPorts":[{"min":1e3,"max":1.5e3}],` + rules + `}}`, Position{Line: 7}, "", true},
		"number too fine": {head + `"hostPorts":[{"min":1e-3,"max":1e400}],` + rules + `}}`, Position{Line: 7}, lines(
			`8 error spec.hostPorts[0].max: expected an integer, found the string "1e400"`,
			`8 error spec.hostPorts[0].min: expected an integer, found the number "1e-3"`), false},
		"replacement character": {
			strings.Replace(head, `"p"`, `"p\ud800"`, 1) + rules + `}}`,
			Position{Line: 7},
			"7 error metadata.name: \"p\\ufffd\" is not a valid name: a name is at most 253 lower-case letters, digits, '-' and '.', and starts and ends with a letter or digit\n", false,
		},
		"cut off": {head, Position{Line: 7}, "8 error : the JSON ends too early\n", false},
		"null":    {"null", Position{Line: 7}, "7 error : the document is empty\n", false},
		"a list":  {"[]", Position{Line: 7}, "7 error : expected an object, found a list\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := ParseJSON([]byte(tc.text), tc.at)
			if (p != nil) != tc.read {
				t.Fatalf("read: %v\n%s", p != nil, told(problems))
			}
			if p != nil {
				if problems != nil {
					t.Errorf("a policy was read, and yet there are errors:\n%s", told(problems))
				}
				problems = p.Problems
				if diff := cmp.Diff(tc.at, p.Position); diff != "" {
					t.Errorf("position (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(tc.problems, told(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
