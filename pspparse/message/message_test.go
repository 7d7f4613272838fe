package message

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTable checks each row: an id in kebab-case that no other row has, a help sentence, a format whose places are all read.
func TestTable(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, k := range Table() {
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(k.ID) || ids[k.ID] {
			t.Errorf("id %q is not in kebab-case, or stands twice", k.ID)
		}
		ids[k.ID] = true
		if !strings.HasSuffix(k.Help, ".") || k.Help[0] < 'A' || k.Help[0] > 'z' {
			t.Errorf("%s: help %q is no sentence", k.ID, k.Help)
		}
		rest := parseFormat(k.Format).render(nil)
		if strings.ContainsAny(rest, "?|") || strings.Contains(rest, "{}") || strings.Count(rest, "(") != strings.Count(rest, ")") {
			t.Errorf("%s: without arguments the text is %q", k.ID, rest)
		}
	}
}

// TestCalls reads every call of New in the production code: its id is in the table, its arguments are those of the format, and
// every id is used.
func TestCalls(t *testing.T) {
	t.Parallel()
	unused := map[string]format{}
	for _, k := range Table() {
		unused[k.ID] = parseFormat(k.Format)
	}
	known := formats()
	eachCall(t, func(at token.Position, call *ast.CallExpr) {
		id, ok := literal(call.Args[0])
		if !ok {
			t.Errorf("%s: the id is no literal, so it cannot be checked", at)
			return
		}
		f, ok := known[id]
		if !ok {
			t.Errorf("%s: there is no id %q in the table", at, id)
			return
		}
		delete(unused, id)
		names := map[string]bool{}
		f.names(names)
		for i := 1; i < len(call.Args); i += 2 {
			if name, ok := literal(call.Args[i]); !ok || !names[name] || i+1 == len(call.Args) {
				t.Errorf("%s: %s has no argument %s with a value", at, id, name)
			}
		}
	})
	for id := range unused {
		t.Errorf("the id %q of the table is used nowhere", id)
	}
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// eachCall visits the calls of message.New in files of the module that are no tests.
func eachCall(t *testing.T, visit func(token.Position, *ast.CallExpr)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "fixtures" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "New" {
					if of, ok := s.X.(*ast.Ident); ok && of.Name == "message" {
						visit(files.Position(call.Pos()), call)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	few, many := []string{"a"}, []string{"a", "b", "c", "d", "e"}
	for _, test := range []struct {
		name, format string
		args         []any
		want         string
	}{
		{"nothing", "as it is {{ x }} [0]", nil, "as it is {{ x }} [0]"},
		{"text", "a {x}, b", []any{"x", "one"}, "a one, b"},
		{"quoted", "{x:q}", []any{"x", `a"b`}, `"a\"b"`},
		{"absent", "a{x}b", nil, "ab"},
		{"number", "{n} {n:item|items}", []any{"n", 1}, "1 item"},
		{"zero", "{n} {n:item|items}", []any{"n", 0}, "0 items"},
		{"list", "{x}", []any{"x", many}, "a, b, c, d, e"},
		{"first of a list", "{x:3}", []any{"x", many}, "a, b, c, 2 more"},
		{"the rest after and", "{x:q3 and}", []any{"x", many}, `"a", "b", "c" and 2 more`},
		{"short list", "{x:3} {x:is|are} {x:#}", []any{"x", few}, "a is 1"},
		{"at most as many as there are", "{x:max 5}", []any{"x", many}, "a, b, c, d, e"},
		{"at most one fewer", "{x:max 4}", []any{"x", many}, "a, b, c and 2 more"},
		{"input", "{x:input}", []any{"x", "a\u00e9\n"}, `"a\u00e9\n"`},
		{"long input", "{x:input}", []any{"x", strings.Repeat("a", 65)}, `"` + strings.Repeat("a", 64) + `"... (65 bytes)`},
		{"absent input", "{x:input}", nil, `""`},
		{"semicolons", "{x:;}", []any{"x", many[:2]}, "a; b"},
		{"first before semicolons", "{x:;2}", []any{"x", many}, "a; b; and 3 more"},
		{"commas", "{x:,}", []any{"x", many[:2]}, "a,b"},
		{"spaces", "{x: }", []any{"x", many[:2]}, "a b"},
		{"lower case", "{x:lower}", []any{"x", "DaemonSet"}, "daemonset"},
		{"and", "{x:and}", []any{"x", many[:3]}, "a and b and c"},
		{"or", "{x:or}", []any{"x", many[:2]}, "a or b"},
		{"ASCII", "{x:ascii}", []any{"x", "a\u00e9\n"}, `"a\u00e9\n"`},
		{"for programs alone", "a[?x ]b", []any{"x", "1"}, "ab"},
		{"part with", "a[?x  {x}!]b", []any{"x", "1"}, "a 1!b"},
		{"part without", "a[?x  {x}!][!x -]b", nil, "a-b"},
		{"part within a part", "[?x [!y {x}]]", []any{"x", "1"}, "1"},
		{"part of zero", "[?n {n}][!n none]", []any{"n", 0}, "none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := parseFormat(test.format).render(newArgs(test.args)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestRoundTrip checks that the JSON form has all that the text is made from.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	type level string
	for _, m := range []Message{
		New("restricted-met"),
		New("level-needed", "level", level("baseline"), "workloads", []string{"pod/a", "pod/<b>"}, "next", level("restricted")),
		New("exempt-namespace", "labels", true),
		New("level-estimated", "n", 0),
		New("object-invalid", "error", errors.New("broken"), "hint", ""),
	} {
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var got Message
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", data, diff)
		}
		if text, err := Render(got.ID, got.Args); err != nil || text != m.Text {
			t.Errorf("rendered anew: %q, %v, want %q", text, err, m.Text)
		}
	}
	for _, text := range []string{`[]`, `{"a":null}`, `{"a":1.5}`, `{"a":false}`, `{"a":{}}`, `{"a":[1]}`} {
		var got Args
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		name, err := got.Check()
		if (name == "a") != (text[0] == '{') || err == nil || !strings.Contains(err.Error(), " is no ") {
			t.Errorf("%s was read as %v: argument %q, %v", text, got, name, err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	if k, ok := Find("restricted-met"); !ok || k.Help == "" {
		t.Errorf("got %v, %v", k, ok)
	}
	if _, ok := Find("no-such-id"); ok {
		t.Error("found an id that is not in the table")
	}
	if _, err := Render("no-such-id", nil); err == nil {
		t.Error("rendered an id that is not in the table")
	}
	if got := Texts([]Message{New("empty"), New("empty")}); !slices.Equal(got, []string{"nothing runs here", "nothing runs here"}) {
		t.Errorf("got %q", got)
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New("level-needed", "level", "baseline", "workloads", []string{"a", "b", "c", "d"}, "next", "restricted")
	}
}

// A message without its last argument is the one that was made without it, also after it was saved.
func TestWithoutTheLastArgument(t *testing.T) {
	t.Parallel()
	got := New("field-escalation-allowed", "absent", true).Without("absent")
	if diff := cmp.Diff(New("field-escalation-allowed"), got); diff != "" {
		t.Errorf("(-made without it +got):\n%s", diff)
	}
}
