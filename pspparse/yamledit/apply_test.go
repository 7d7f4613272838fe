package yamledit_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
)

// parse returns the edit of the object on line 1 that a text says: "path = JSON", or "- path"; "3: path = JSON" for line 3.
func parse(t testing.TB, text string) yamledit.Edit {
	t.Helper()
	e := yamledit.Edit{Line: 1}
	if line, rest, ok := strings.Cut(text, ": "); ok && json.Unmarshal([]byte(line), &e.Line) == nil {
		text = rest
	}
	path, value, set := strings.Cut(text, " = ")
	if set {
		e.Value = json.RawMessage(value)
	} else {
		e.Remove, path = true, strings.TrimPrefix(path, "- ")
	}
	p, err := fieldpath.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	e.Path = p
	return e
}

// apply returns the text after edits, and what was refused.
func apply(t testing.TB, text string, edits ...string) (edited string, refused []string) {
	t.Helper()
	var all []yamledit.Edit
	for _, e := range edits {
		all = append(all, parse(t, e))
	}
	out, refusals, err := yamledit.Apply([]byte(text), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refusals {
		refused = append(refused, r.Reason.Text)
	}
	return string(out), refused
}

func TestApply(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text  string
		edits []string
		want  string
	}{
		"lines that end in two ways": {
			"a:\n  b: 1\r\n  c: {}\r\nd:\n- 1\r\n- 2\ne: [\n  1\r\n]\n",
			[]string{"a.x = {\"k\": 1}", "a.c = {\"z\": 2}", "d[2] = 3", "e[1] = 4"},
			"a:\n  b: 1\r\n  c:\r\n    z: 2\r\n  x:\r\n    k: 1\r\nd:\n- 1\r\n- 2\n- 3\ne: [\n  1,\r\n  4\r\n]\n",
		},
		"lines that end as the first does not": {
			"a: 1\r\nb:\n  c: 1\n", []string{"b.x = {\"k\": 1}"}, "a: 1\r\nb:\n  c: 1\n  x:\n    k: 1\n",
		},
		"a key in a map that is there": {
			"a:\n  b: 1 # one\n  # after\nc: 2\n", []string{"a.x = false"}, "a:\n  b: 1 # one\n  x: false\n  # after\nc: 2\n",
		},
		"missing maps": {
			"spec:\n    containers:\n    - name: a\n      image: x\n    - name: b\n",
			[]string{"spec.containers[0].securityContext.capabilities.drop = [\"ALL\"]", "spec.containers[0].securityContext.privileged = false"},
			"spec:\n    containers:\n    - name: a\n      image: x\n      securityContext:\n          capabilities:\n              drop:\n              - ALL\n          privileged: false\n    - name: b\n",
		},
		"no value":                  {"a:\n  securityContext: # none yet\n  # x: 1\nb: 1\n", []string{"a.securityContext.x = true"}, "a:\n  securityContext: # none yet\n    x: true\n  # x: 1\nb: 1\n"},
		"null":                      {"a:\n  s: null # none\nb: 1\n", []string{"a.s.x = true"}, "a:\n  s: # none\n    x: true\nb: 1\n"},
		"{}":                        {"a:\n  s: {} # none\nb: 1\n", []string{"a.s.x.z = \"off\""}, "a:\n  s: # none\n    x:\n      z: \"off\"\nb: 1\n"},
		"flow":                      {"a: {b: 1, s: {}}\nc: 1\n", []string{"a.s.x = [\"ALL\"]", "a.z = null"}, "a: {b: 1, s: {x: [ALL]}, z: null}\nc: 1\n"},
		"replace":                   {"a: true # why\nb: 'x' # y\nc: \"é\"\n", []string{"a = false", "b = \"it\"", "c = \"z\""}, "a: false # why\nb: 'it' # y\nc: \"z\"\n"},
		"remove":                    {"a: 1\nb:\n  c: 1\n  # deep\nd: 2 # c\n# end\n", []string{"- b", "- d"}, "a: 1\n# end\n"},
		"remove all of a map":       {"a: # x\n  b: 1 # y\nc: 1\n", []string{"- a.b"}, "a: {} # x\nc: 1\n"},
		"remove behind the dash":    {"l:\n- a: 1\n  # c\n  b: 2\n- a: 1\n", []string{"- l[0].a", "- l[1].a"}, "l:\n- # c\n  b: 2\n- {}\n"},
		"remove items":              {"l:\n- a # x\n- b # y\n- c\nk: [a, b, c]\n", []string{"- l[0]", "- l[2]", "- k[0]", "- k[1]"}, "l:\n- b # y\nk: [c]\n"},
		"lists keep what both have": {"l:\n- a # x\n- b # y\n", []string{`l = ["b","c"]`}, "l:\n- b # y\n- c\n"},
		"lists in brackets":         {"k: {add: [NET_ADMIN]}\nl: [\"A\", \"B\"]\n", []string{`k.add = []`, `l = ["ALL"]`}, "k: {add: []}\nl: [\"ALL\"]\n"},
		"another list":              {"l:\n- a # x\n", []string{`l = ["ALL","X"]`}, "l:\n- ALL # x\n- X\n"},
		"no last newline":           {"a:\n  b: 1", []string{"a.c = 2"}, "a:\n  b: 1\n  c: 2"},
		"CRLF and BOM":              {"\ufeffa:\r\n  b: 1\r\n\r\nc: 1\r\n", []string{"a.c.d = 2", "- c"}, "\ufeffa:\r\n  b: 1\r\n  c:\r\n    d: 2\r\n\r\n"},
		"documents":                 {"a: 1\n---\n# x\nb: 1\n---\nc: 1\n", []string{"4: b = 2", "6: d = 3"}, "a: 1\n---\n# x\nb: 2\n---\nc: 1\nd: 3\n"},
		"List":                      {"kind: List\nitems:\n- kind: A\n  x: 1\n- kind: B\n", []string{"3: k = 2", "5: k.z = 3"}, "kind: List\nitems:\n- kind: A\n  x: 1\n  k: 2\n- kind: B\n  k:\n    z: 3\n"},
		"JSON": {
			"{\n\t\"a\": {},\n\t\"b\": [\n\t\t{\n\t\t\t\"c\": 1\n\t\t}\n\t]\n}\n",
			[]string{"a.x.y = \"z\"", "b[0].d = [\"ALL\"]"},
			"{\n\t\"a\": {\n\t\t\"x\": {\n\t\t\t\"y\": \"z\"\n\t\t}\n\t},\n\t\"b\": [\n\t\t{\n\t\t\t\"c\": 1,\n\t\t\t\"d\": [\n\t\t\t\t\"ALL\"\n\t\t\t]\n\t\t}\n\t]\n}\n",
		},
		"JSON on a line":          {`{"a":{"b":1,"c":2},"d":null}`, []string{"a.x = {\"y\":[\"z\"]}", "- a.b", "d.e = 1"}, `{"a":{"c":2,"x":{"y":["z"]}},"d":{"e":1}}`},
		"block scalar":            {"a:\n  b: |+\n    x\n\nc:\n  d: >-\n    y\n     z\n\n  # w\nk:\n  - |2\n     x\n    # no\n", []string{"a.m = 1", "c.m = 1", "k[1] = \"z\""}, "a:\n  b: |+\n    x\n\n  m: 1\nc:\n  d: >-\n    y\n     z\n  m: 1\n\n  # w\nk:\n  - |2\n     x\n    # no\n  - z\n"},
		"block scalar at the end": {"a:\n  b: 0\n  c: |\n    x", []string{"a.m = 1"}, "a:\n  b: 0\n  m: 1\n  c: |\n    x"},
		"another kind":            {"a: # x\n  b: 1\n# y\nc:\n- d\ne: | # z\n  f\n\ng:\n- h: 1\n  i: 2\n- |\n  j\n- - k\n", []string{"a = 1", `c = {"x":1}`, `e = ["x"]`, `g = [{"x":[]},"z"]`}, "a: 1 # x\n# y\nc:\n  x: 1\ne: # z\n- x\n\ng:\n- x: []\n- z\n"},
		"another kind of item":    {"g:\n- h: 1\n  i: 2 # c\n- |\n  j\n- - k # d\n- {}\n", []string{`g[0] = 1`, `g[1] = {"a":1,"b":2}`, `g[2] = {"a":1,"b":2}`, `g[3] = [1]`}, "g:\n- 1\n- a: 1\n  b: 2\n- a: 1 # d\n  b: 2\n- [1]\n"},
		"quoted keys":             {"\"a\":\n  \"b\": \"c\"\n", []string{"a.d = \"e\""}, "\"a\":\n  \"b\": \"c\"\n  \"d\": \"e\"\n"},
		"long texts":              {"a: one\n  two\n\n  three\nb: \"x\n  y\" # z\nc: 'it''s\n  # no'\n", []string{"d = 1", "- b"}, "a: one\n  two\n\n  three\nc: 'it''s\n  # no'\nd: 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, refused := apply(t, tt.text, tt.edits...)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(refused) > 0 {
				t.Errorf("refused %q\n(-want +got):\n%s", refused, diff)
			}
		})
	}
}
