package saved

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// document has a field of every kind that saved documents have, and of those that they might get.
type document struct {
	Text    string            `json:"text"`
	Named   namedText         `json:"named,omitempty"`
	Yes     bool              `json:"yes"`
	Int     int               `json:"int"`
	Small   int32             `json:"small"`
	Tiny    int8              `json:"tiny"`
	Uint    uint16            `json:"uint"`
	Half    float64           `json:"half"`
	Pointer *bool             `json:"pointer,omitempty"`
	Texts   []string          `json:"texts"`
	Bytes   []byte            `json:"bytes"`
	Pair    [2]int            `json:"pair"`
	Any     any               `json:"any"`
	Time    time.Time         `json:"time"`
	Ref     ref               `json:"ref"`
	Refs    []*ref            `json:"refs"`
	Args    message.Args      `json:"args,omitempty"`
	Labels  map[string]string `json:"labels"`
	Lines   map[namedText]int `json:"lines"`
	Odd     map[int]string    `json:"odd"`
	Nested  []nested          `json:"nested"`
	Tree    *document         `json:"tree,omitempty"`
	Quoted  struct{ N int }   `json:"quoted"`
	Numbers struct {
		N int `json:"n,string"`
	} `json:"numbers"`
	Hidden string `json:"-"`
	message.Message
}

// namedText is a text of a type of its own.
type namedText string

// nested is a struct with embedded ones, one of which has a field of the same name.
type nested struct {
	inner
	Other string `json:"other"`
}

type inner struct {
	Name  string `json:"name"`
	Plain []string
}

// ref is read from a text such as "Deployment/web".
type ref struct{ kind, name string }

func (r *ref) UnmarshalText(text []byte) error {
	var found bool
	if r.kind, r.name, found = strings.Cut(string(text), "/"); !found {
		return fmt.Errorf("%q is no reference", text)
	}
	return nil
}

const written = `{
  "text": "a\u00e9 \"b\" \ud800 é", "named": "n", "yes": true, "int": -12, "small": 2147483647, "tiny": 127, "uint": 65535, "half": 1.5e3,
  "pointer": false, "texts": ["", "x", "x"], "bytes": "aGk=", "pair": [1, 2], "any": {"a": [1, 2.5, null, "t"], "b": {}},
  "time": "2026-01-02T03:04:05Z", "ref": "Deployment/web", "refs": ["a/b", null],
  "args": {"a": 1, "b": "x", "c": ["p", "q"], "d": true}, "labels": {"k": "v", "l": ""}, "lines": {"spec": 3}, "odd": {"7": "x"},
  "nested": [{"name": "n", "Plain": [], "other": "o"}, {}], "tree": {"int": 0, "nested": [], "labels": {}}, "quoted": {"N": 1},
  "numbers": {"n": "3"}, "id": "x-y"
}
`

// TestQuickly compares the quick reading of a document, damaged at random, with the decoder that takes everything: what the one takes,
// the other has to take as well, with the same result and without a complaint.
func TestQuickly(t *testing.T) {
	t.Parallel()
	var whole document
	if !quickly([]byte(written), reflect.ValueOf(&whole).Elem()) {
		t.Fatal("what is right is not read quickly")
	}
	r := rand.New(rand.NewPCG(23, 7))
	parts := []string{
		"null", "true", "false", "0", "-0", "01", "1.0", "-1", "1e2", "9223372036854775807", "123456789012345678901", `""`, `"\n"`, `"\x"`, `"\t\r\/\\\b"`, `"\\`, `"é\"\u00e9é"`, `"é"`, "\"\xff\"", "\"\x01\"",
		"{}", "[]", "{", "}", "[", "]", ",", ":", " ", "\n", `"text"`, `"id"`, `"ID"`, `"unknown":`, `"int":1,`, `"k":"w",`, `{"a":{}}`, `{"a":[]}`, `{"a":""}`, `{"b":1,"a":2}`, `{"a":1,"a":1}`,
		`{"a":null}`, `{"a":false}`, `{"a":["x",null]}`, `"a/b"`, `"Plain"`, "/", "\\", `\"`, strings.Repeat("[", 300), strings.Repeat(`{"tree":`, 300), "truex", "nul",
	}
	values := []string{"null", "0", "1", "-5", "1.5", `"x"`, `""`, "true", "false", "[]", "{}", `["a"]`, `[null]`, `{"a":1}`, `{"a":"b"}`, `{"N":2}`, `"4"`, `"a/b"`}
	taken, trials := 0, 15_000
	if testing.Short() { // a share of it
		trials = 2000
	}
	for range trials {
		text := []byte(written)
		for range 1 + r.IntN(2) {
			switch at, end := r.IntN(len(text)+1), 0; r.IntN(4) {
			case 0: // something stands there that was not
				text = slices.Insert(text, at, []byte(parts[r.IntN(len(parts))])...)
			case 1: // something is missing
				end = min(len(text), at+1+r.IntN(8))
				text = slices.Delete(text, at, end)
			case 2: // another value
				members := strings.SplitAfter(string(text), ": ")
				k := r.IntN(len(members))
				if before, after, found := strings.Cut(members[k], ","); found && k > 0 && !strings.ContainsAny(before, "{[") {
					members[k] = values[r.IntN(len(values))] + "," + after
				}
				text = []byte(strings.Join(members, ""))
			default: // another byte
				if at < len(text) {
					text[at] = byte(r.IntN(128))
				}
			}
		}
		var quick, slow document
		if !quickly(text, reflect.ValueOf(&quick).Elem()) {
			continue
		}
		taken++
		twice, err := json.UnmarshalStrict(text, &slow, json.DisallowDuplicateFields)
		if err != nil || len(twice) > 0 {
			t.Fatalf("taken, though %v %v:\n%s", err, twice, text)
		}
		if !reflect.DeepEqual(quick, slow) {
			t.Fatalf("-other +quick:\n%s\n%s", cmp.Diff(slow, quick, cmp.AllowUnexported(ref{}, document{}, nested{}, inner{})), text)
		}
	}
	if taken < trials/8 {
		t.Errorf("only %d of the documents were taken", taken)
	}
}

// TestDecode has the other decoder read what is not read quickly, from an empty struct.
func TestDecode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, text, err, twice string }{
		{`{"text": "a", "labels": {"a": "b"}, "later": {}}`, "a", "", ""},
		{`{"text": "a", "labels": {"a": "b"}, "text": "b"}`, "b", "", `duplicate field "text"`},
		{`{"text": "a", "labels": {"a": "b", "a": "c"}}`, "a", "", `duplicate field "labels.a"`},
		{`{"text": "a", "int": "b"}`, "", "json: cannot unmarshal string into Go struct field document.int of type int", ""},
		{`{"text": "a"`, "", "unexpected end of JSON input", ""},
		{`{"text": "a"} x`, "", "invalid character 'x' after top-level value", ""},
		{``, "", "unexpected end of JSON input", ""},
	} {
		var d document
		twice, err := Decode([]byte(test.in), &d)
		if err != nil && err.Error() != test.err || err == nil && (test.err != "" || d.Text != test.text) {
			t.Errorf("%s: %v, %q", test.in, err, d.Text)
		}
		if got := fmt.Sprint(twice); test.twice != "" && got != "["+test.twice+"]" || test.twice == "" && len(twice) > 0 {
			t.Errorf("%s: %s", test.in, got)
		}
	}
}

// TestUsualTexts has no shortcut take a text that the pattern of its format does not.
func TestUsualTexts(t *testing.T) {
	t.Parallel()
	const bytes = "abzAZ059.--@[`{v1.2_ \n\x80"
	for name, f := range formats() {
		r, usual := rand.New(rand.NewPCG(23, 8)), 0 // of its own: the formats come in any order
		for range 40_000 {
			text := make([]byte, r.IntN(6))
			if r.IntN(100) == 0 {
				text = make([]byte, 60+r.IntN(6))
			}
			for i := range text {
				text[i] = bytes[r.IntN(len(bytes))]
				if len(text) > 6 || r.IntN(3) == 0 {
					text[i] = "av1.25"[i%6]
				}
				if len(text) > 6 && text[i] == '.' {
					text[i] = 'x'
				}
			}
			if name == "version" && r.IntN(2) == 0 {
				text = append([]byte("v1."), text...)
			}
			if f.usual(string(text)) {
				usual++
				if !f.pattern.Match(text) {
					t.Fatalf("%s: %q is no usual one", name, text)
				}
			}
		}
		if usual < 20 {
			t.Errorf("%s: %d of the texts are usual", name, usual)
		}
	}
}
