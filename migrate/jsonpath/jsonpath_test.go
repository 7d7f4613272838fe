package jsonpath

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/util/jsonpath"
)

// pod is a document whose answers are those that kubectl v1.32 gave, asked with "kubectl label --local -o".
const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","annotations":{"a.b/c":"two words","n":"1"}},
"spec":{"priority":7,"weight":1.5,"hostNetwork":true,"containers":[{"name":"a","image":"i1","args":["x","y"],"ports":[{"containerPort":80}]},{"name":"b","image":"i2"}]},
"empty":[],"none":null,"teams":[{"members":["x"]},{"members":[]},{"members":["y"]}]}`

func TestExpression(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ expression, want, err string }{
		{expression: `{.metadata.name}`, want: "web"},
		{expression: `{.spec.containers[*].name}`, want: "a b"},
		{expression: `{range .spec.containers[*]}{.name}{"\t"}{.image}{"\n"}{end}`, want: "a\ti1\nb\ti2\n"},
		{expression: `{range .spec.containers[*]}{.name}`, want: "ab"},
		{expression: `{range .nosuch[*]}{.name}{end}after`, want: "after"},
		{expression: `{range .spec.containers[*]}{range .args[*]}<{@}>{end};{end}`, want: "<x><y>;;"},
		{expression: `{.nosuch}`, want: ""},
		{expression: `{.metadata.annotations.a\.b/c}`, want: "two words"},
		{expression: `{.metadata.annotations['a\.b/c']}`, want: "two words"},
		{expression: `{['metadata']['name']}`, want: "web"},
		{expression: `{.spec.containers[?(@.name=="b")].image}`, want: "i2"},
		{expression: `{.spec.containers[?(@.args)].name}`, want: "a"},
		{expression: `{.spec.containers[?(@.ports[0].containerPort>=80)].name}`, want: "a"},
		{expression: `{..name}`, want: "web a b"},
		{expression: `{.metadata.*}`, want: `{"a.b/c":"two words","n":"1"} web shop`}, // by name, where kubectl's order is random
		{expression: `{.spec.containers[0].args}`, want: `["x","y"]`},
		{expression: `{.spec.containers[0].ports[0]}`, want: `{"containerPort":80}`},
		{expression: `{.spec.containers[0,1].name}`, want: "a b"},
		{expression: `{.spec.containers[-1].name}`, want: "b"},
		{expression: `{.spec.containers[0:2].name}`, want: "a b"},
		{expression: `{.spec.containers[::2].name}`, want: "a"},
		{expression: `{.spec.priority} {.spec.hostNetwork} {.spec.weight}`, want: "7 true 1.5"},
		{expression: `a{.metadata.name}b`, want: "awebb"},
		{expression: `{"a"}{.metadata.name}`, want: "aweb"},
		{expression: `{$.kind}{@.kind}`, want: "PodPod"},
		{expression: `{.spec.priority.x}`, want: ""},
		{expression: `{.empty[*]}{.none}`, want: "null"},
		{expression: `{.teams[*].members[*]}`, want: "x y"}, // kubectl stops at the empty list

		{expression: `{.spec.containers[5].name}`, err: "there is no item 5 in a list of 2"},
		{expression: `{.empty[0]}`, err: "there is no item 0 in a list of 0"},
		{expression: `{.metadata.name[0]}`, err: "an index is asked of something that is no list"},
		{expression: `{.metadata.name[?(@.x)]}`, err: "a filter is asked of something that is no list"},
		{expression: `{.spec.containers[?(@.name>1)]}`, err: "incompatible types for comparison"},
		{expression: `{.spec.containers[?(@.name=!"a")]}`, err: "there is no operator =! in a filter"},
		{expression: `{range .none}{[0]}{end}`, want: ""},

		{expression: `.metadata.name`, err: "it selects nothing without braces: write it as {.metadata.name}"},
		{expression: `{.a`, err: "unclosed action"},
		{expression: `{foo}`, err: `"foo" is neither a field, which begins with a dot, nor a text in quotes`},
		{expression: `{.spec.containers[?(@.name==b)]}`, err: `"b" is neither a field, which begins with a dot, nor a text in quotes`},
		{expression: `{.a range}`, err: `"range" is neither a field, which begins with a dot, nor a text in quotes`},
		{expression: `{end}`, err: "{end} ends no {range}"},
		{expression: `{range .a[*]}{end}{end}`, err: "{end} ends no {range}"},
		{expression: `{.a[b]}`, err: "invalid array index b"},
		{expression: `{.a[`, err: "unterminated array"},
		{expression: `{.a[?(@.b`, err: "unterminated filter"},
		{expression: `{"a}`, err: "unterminated quoted string"},
		{expression: `{(}`, err: "unrecognized character in action: U+0028 '('"},
	} {
		t.Run(test.expression, func(t *testing.T) {
			t.Parallel()
			got, err := evaluate(test.expression, pod)
			if text := fmt.Sprint(err); test.err != "" && text != test.err || test.err == "" && err != nil {
				t.Fatalf("got error %v, want %s", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// evaluate parses an expression and prints what it selects of a document.
func evaluate(expression, document string) (string, error) {
	e, err := Parse(expression)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = e.Write(&out, strings.NewReader(document))
	return out.String(), err
}

func TestColumns(t *testing.T) {
	t.Parallel()
	const document = `{"kind":"List","before":{"items":[{"name":"hidden"}]},
"items":[{"name":"web","n":7,"tags":{"a":"b"},"list":[1,2]},{"name":"a-much-longer-name","list":[]}],"none":null,"more":[{"name":"last\u001b\n"}],"after":1}`
	for _, test := range []struct {
		name, spec, want, err string
		lists                 []string
		noHeaders             bool
	}{
		{name: "every form of a path", spec: "A:name,B:.name,C:{name},D:{.name}", want: "" +
			"A                    B                    C                    D\n" +
			"web                  web                  web                  web\n" +
			"a-much-longer-name   a-much-longer-name   a-much-longer-name   a-much-longer-name\n"},
		{name: "what is not there, and lists", spec: "NAME:.name,N:.n,NONE:.no.such,TAGS:.tags,LIST:.list,EACH:.list[*]", want: "" +
			"NAME                 N        NONE     TAGS       LIST    EACH\n" +
			"web                  7        <none>   map[a:b]   [1 2]   1,2\n" +
			"a-much-longer-name   <none>   <none>   <none>     []      <none>\n"},
		{name: "without headers", spec: "NAME:.name", noHeaders: true, want: "web\na-much-longer-name\n"},
		{name: "several lists, one of them null, escaped", spec: "NAME:.name,:.n", lists: []string{"more", "items", "none"}, want: "" +
			"NAME                 \n" +
			"web                  7\n" +
			"a-much-longer-name   <none>\n" +
			`last\x1b\n` + "           <none>\n"},
		{name: "no rows", spec: "NAME:.name,N:.n", lists: []string{"none"}, want: "NAME   N\n"},

		{name: "no path", spec: "NAME", err: `"NAME" is no column: give each as HEADER:PATH, such as NAME:.name`},
		{name: "a comma too many", spec: "NAME:.name,", err: `"" is no column: give each as HEADER:PATH, such as NAME:.name`},
		{name: "an empty path", spec: "NAME:", err: `"" is no path of a column: give it as .field or .field.field`},
		{name: "two expressions", spec: "NAME:{.a}{.b}", err: `"{.a}{.b}" is no path of a column: give it as .field or .field.field`},
		{name: "an index that is none", spec: "NAME:.a[b]", err: `the path ".a[b]": invalid array index b`},
		{name: "a word in a filter", spec: "NAME:.a[?(@.b==c)]", err: `the path ".a[?(@.b==c)]": "c" is neither a field, which begins with a dot, nor a text in quotes`},
		{name: "an index beyond a row", spec: "NAME:.name,FIRST:.list[0]", err: "the column FIRST: there is no item 0 in a list of 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.lists == nil {
				test.lists = []string{"items"}
			}
			var out bytes.Buffer
			c, err := ParseColumns(test.spec)
			if err == nil {
				err = c.Write(&out, strings.NewReader(document), test.lists, test.noHeaders)
			}
			if test.err != "" {
				if fmt.Sprint(err) != test.err {
					t.Fatalf("got error %v, want %s", err, test.err)
				}
				return
			}
			if diff := cmp.Diff(test.want, out.String()); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A document that ends early is an error, whatever is asked of it.
func TestDocumentThatEndsEarly(t *testing.T) {
	t.Parallel()
	const whole = `{"kind":"x","items":[{"a":[1,{"b":2}]},{}],"more":{}}`
	e, err := Parse("{.kind}")
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseColumns("A:.a")
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		var out bytes.Buffer
		if err := e.Write(&out, strings.NewReader(whole[:n])); err == nil || out.Len() > 0 {
			t.Errorf("%s: error %v, output %q", whole[:n], err, &out)
		}
		if err := c.Write(&out, strings.NewReader(whole[:n]), []string{"items"}, false); err == nil {
			t.Errorf("%s: no error of columns", whole[:n])
		}
	}
}

// Text of the template keeps its lines and tabs, and nothing else acts on a terminal.
func TestEscapes(t *testing.T) {
	t.Parallel()
	got, err := evaluate("x\x1b\n{.a}{\"\\t\\u202e\\n\"}{.b}", `{"a":"1\n2\u001b","b":{"c\u202e":"\u200b\u001b"}}`)
	if want := `x\x1b` + "\n" + `1\n2\x1b` + "\t" + `\u202e` + "\n" + `{"c\u202e":"\u200b\u001b"}`; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestAgreesWithKubectl compares with the evaluation of client-go, which kubectl has, on random expressions and documents. Where the
// expression goes through all that is in a value, objects have one field at most, since client-go goes through them in random order, and
// texts are empty, since it goes through their bytes. Lists are not: client-go forgets what comes after an empty one.
func TestAgreesWithKubectl(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	same := 0
	for range 4000 {
		expression := randomExpression(r)
		fields := 3
		if strings.Contains(expression, "..") || strings.Contains(expression, "*") {
			fields = 1
		}
		document := randomValue(r, 4, fields)
		data, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		want, wantErr := askKubectl(expression, document)
		got, err := evaluate(expression, string(data))
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Fatalf("%s of %s:\ngot  %q, %v\nwant %q, %v", expression, data, got, err, want, wantErr)
		}
		if err == nil && got != "" {
			same++
		}
	}
	if same < 600 {
		t.Errorf("only %d expressions selected anything", same)
	}
}

// askKubectl evaluates an expression as kubectl does. A panic is an error.
func askKubectl(expression string, document any) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	e := jsonpath.New("expression").AllowMissingKeys(true)
	if err := e.Parse(expression); err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = e.Execute(&out, document)
	return out.String(), err
}

// randomExpression makes a template of a few selections, some of them in a range.
func randomExpression(r *rand.Rand) string {
	if r.IntN(4) == 0 {
		return "{range " + randomPath(r) + "}[{" + randomPath(r) + `}{"\n"}{end}{` + randomPath(r) + "}"
	}
	return "x{" + randomPath(r) + "}{" + randomPath(r) + "}"
}

// randomPath makes a path of one to four steps.
func randomPath(r *rand.Rand) string {
	steps := []string{".a", ".b", ".a", ".b", ".c", "[0]", "[-1]", "[*]", "[0:1]", "[-1:]", "[0:2:2]", "[0,1]", ".*", "..a", "..", "['a']", `[?(@.a==1)]`, `[?(@.b)]`, `[?(@.a!="t")]`, `[?(@.a<2)]`, `[?(@.a==@.b)]`}
	path := steps[r.IntN(5)]
	for range r.IntN(4) {
		path += steps[r.IntN(len(steps))]
	}
	return path
}

// randomValue makes a JSON value of some depth whose objects have at most so many fields.
func randomValue(r *rand.Rand, depth, fields int) any {
	kind := r.IntN(8)
	if depth == 4 {
		kind = 7
	}
	switch {
	case depth == 0 || kind < 2:
		scalars := []any{int64(1), int64(2), "", true, 1.5, nil, "t"}
		if fields == 1 {
			scalars = scalars[:6]
		}
		return scalars[r.IntN(len(scalars))]
	case kind < 5:
		list := []any{}
		for range 1 + r.IntN(3) {
			list = append(list, randomValue(r, depth-1, fields))
		}
		return list
	}
	object := map[string]any{}
	for range fields {
		object[string(rune('a'+r.IntN(3)))] = randomValue(r, depth-1, fields)
		if len(object) == fields {
			break
		}
	}
	return object
}
