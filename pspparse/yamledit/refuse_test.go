package yamledit_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
)

// TestRefusals makes edits that cannot be made: the text stays as it is, and the reason is said.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, edit, want string }{
		"alias":                   {"a: &a {b: 1}\nc: *a\n", "c.d = 1", "c is the alias *a: an edit would change every place that has it"},
		"alias as value":          {"a: &a true\nc: *a\n", "c = false", "c is the alias *a: an edit would change every place that has it"},
		"anchor":                  {"a: &a {b: 1}\nc: *a\n", "a.d = 1", "a has the anchor &a, which is used elsewhere: an edit would change those places, too"},
		"anchor of what goes":     {"a: &a {b: 1}\nc: *a\n", "- a", "a has the anchor &a, which is used elsewhere: an edit would change those places, too"},
		"anchor within what goes": {"x:\n  a: &a {b: 1}\nc: *a\n", "- x", "x is left to be edited by hand: an anchor within it is used elsewhere"},
		"anchor within the new":   {"x:\n  a: &a {b: 1}\nc: *a\n", "x = {\"a\":{\"b\":2}}", "x is left to be edited by hand: an anchor within it is used elsewhere"},
		"merge key":               {"x: &x {a: 1}\nz:\n  <<: *x\n", "z.a = 2", "z.a comes from a merge key (<<): an edit would change every place that has it"},
		"merge key within":        {"x: &x {a: 1}\nz:\n  <<: *x\n", "z = {\"a\":2}", "z is left to be edited by hand: part of it comes from an alias or a merge key"},
		"anchor of the object":    {"&a\nb: {<<: *a}\n", "b = 1", "the document does not parse: line 2: the alias *\"a\" is part of what it stands for"},
		"tag":                     {"a: !!str x\n", `a = "y"`, "a has the tag !!str"},
		"tag of a key":            {"!!str a: x\n", `a = "y"`, "a has the tag !!str"},
		"tag of a map":            {"a: !!map\n  b: x\n", `a.b = "y"`, "a has the tag !!map"},
		"duplicate key":           {"a: 1\na: 2\n", `a = 3`, "a is given twice"},
		"duplicate key in quotes": {"a:\n  b: 1\n\"a\": {b: 2}\n", `a.b = 3`, "a is given twice"},
		"template":                {"a: {{ .x }}\nb: 1\n", `b = 3`, `the object is part of a template that was not rendered`},
		"template in a text":      {"a: x{{ .x }}\nb: 1\n", `b = 3`, `the object is part of a template that was not rendered`},
		"template in quotes":      {"a: '{{ .x }}'\n", `a = 3`, `a is part of a template that was not rendered`},
		"template in a comment":   {"a: 1 # {{ if x }}\nb: 1\n", `b = 3`, `the object is part of a template that was not rendered`},
		"template on its own":     {"# {{- if x }}\n\na: 1\nb: 1\n", `3: b = 3`, `the object is part of a template that was not rendered`},
		"template of Jinja":       {"a: 1 # {% x %}\nb: 1\n", `b = 3`, `the object is part of a template that was not rendered`},
		"ytt":                     {"a: 1 #@ x\nb: 1\n", `b = 3`, `the object is part of a template that was not rendered`},
		"envsubst":                {"a: ${A}\n", `a = 3`, `a is part of a template that was not rendered`},
		"no YAML":                 {"# x\n---\na: [\nb: 1\n", `3: b = 3`, "the document does not parse: line 3: did not find expected ',' or ']'"},
		"no YAML in Go templates": {"{{- if x }}\na: 1\n{{- end }}\n", `2: b = 3`, `the document is part of a template that was not rendered`},
		"a key that is no text":   {"a: 1\n? [x]\n: 1\n", `a = 3`, "the document does not parse: line 2: a key is no string"},
		"too deep":                {strings.Repeat("[", 101) + strings.Repeat("]", 101), `a = 3`, "the document does not parse: line 1: the document nests deeper than 100 levels"},
		"too many values":         {"a: [" + strings.Repeat("1,", 1_000_001) + "]", `a = 3`, "the document does not parse: it holds more than 1000000 values: split it"},
		"aliases that multiply":   {"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n", `f = 3`, "the document does not parse: line 1: the aliases (*name) expand to more than 100000 values; write them out"},
		"not UTF-8":               {"a: \xff\n", `a = 3`, "the document does not parse: it is not UTF-8"},
		"NUL":                     {"a: \x00\n", `a = 3`, "the document does not parse: control characters are not allowed"},
		"odd line breaks":         {"a: x\u2028y\n", `a = 3`, "the file is left to be edited by hand: it has a character that YAML takes for the end of a line (U+0085, U+2028 or U+2029)"},
		"lone carriage returns":   {"a: x\rb: y\n", `a = 3`, "the file is left to be edited by hand: it has a carriage return that ends no line"},
		"no map":                  {"a: x\n", "a.b = 1", `a is no map`},
		"no list":                 {"a: {}\n", "a[0] = 1", `a is no list`},
		"no map as root":          {"- a\n", "a.b = 1", "no object begins on line 1"},
		"no map in a list":        {"a: [x]\n", "a[0].b = 1", `a[0] is no map`},
		"no item":                 {"a:\n- x\n", "a[2] = 1", "a[2] is not in the list"},
		"another line":            {"a: 1\nb: 2\n", "2: b = 1", "no object begins on line 2"},
		"line 0":                  {"a: 1\nb: 2\n", "0: b = 1", "no object begins on line 0"},
		"beyond the end":          {"a: 1\nb: 2\n", "9: b = 1", "no object begins on line 9"},
		"several on a line":       {`{"a":1}{"a":2}`, "a = 3", "several objects begin on line 1"},
		"no JSON":                 {"a: 1\n", "a = nope", `there is no edit of a to make: this is not JSON: invalid character 'o' in literal null (expecting 'u')`},
		"question mark":           {"? a\n: 1\nb: 2\n", "a = 2", "a is left to be edited by hand: a key has a question mark or a tab before it"},
		"comment in brackets":     {"a: {b: 1, # one\n  c: 2 # two\n  }\n", "- a.b", "a.b is left to be edited by hand: there is a comment within brackets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, refused := apply(t, tt.text, tt.edit)
			if diff := cmp.Diff([]string{tt.want}, refused); diff != "" || got != tt.text {
				t.Errorf("text %q\nreasons (-want +got):\n%s", got, diff)
			}
		})
	}
}

// TestOthersAreMade refuses some edits of a document and makes the others.
func TestOthersAreMade(t *testing.T) {
	t.Parallel()
	text := "a: &a 1\nb: *a\nc: |\n  x\nd: 1\ne: [x]\n"
	got, refused := apply(t, text, "a = 2", "d = 2", "c = 3", "e[7] = 1", "e[1] = \"y\"", "f = 1")
	want := "a: &a 1\nb: *a\nc: 3\nd: 2\ne: [x, \"y\"]\nf: 1\n"
	wantRefused := []string{
		"a has the anchor &a, which is used elsewhere: an edit would change those places, too",
		"e[7] is not in the list",
	}
	if diff := cmp.Diff(want, got) + cmp.Diff(wantRefused, refused); diff != "" {
		t.Error(diff)
	}
}

// TestColumns edits objects that begin on one line.
func TestColumns(t *testing.T) {
	t.Parallel()
	text := `{"kind":"List","items":[{"é":"ü"},{"b":2}]} {"c":3}` + "\n"
	var edits []yamledit.Edit
	for _, column := range []int{25, 35, 45} {
		edits = append(edits, yamledit.Edit{Line: 1, Column: column, Path: fieldpath.Keys("x"), Value: json.RawMessage("1")})
	}
	got, refused, err := yamledit.Apply([]byte(text), edits)
	want := `{"kind":"List","items":[{"é":"ü","x":1},{"b":2,"x":1}]} {"c":3,"x":1}` + "\n"
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil || len(refused) > 0 {
		t.Errorf("%v %v %s", err, refused, diff)
	}
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	_, _, err := yamledit.Apply(make([]byte, 16<<20+1), nil)
	if err == nil || err.Error() != "editing a file of 16777217 bytes: the limit is 16777216" {
		t.Errorf("got the error %v", err)
	}
}
