package exceptions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/exceptions"
	"github.com/psp2pss/psp2pss/migrate/finding"
)

// head is what a file of exceptions begins with.
const head = "apiVersion: psp2pss.dev/v1\nkind: Exceptions\n"

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := exceptions.Parse("a/.psp2pss.yaml", []byte(head+`exceptions:
- rule: hostPathVolumes
  object: {kind: DaemonSet, namespace: logging, name: fluent-*}
  reason: " reads the logs of the node "
  until: 2027-03-31
- object:
    name: 'legacy'
  rule: privileged
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &exceptions.File{Name: "a/.psp2pss.yaml", Entries: []exceptions.Entry{
		{
			Exception: finding.Exception{
				Rule: "hostPathVolumes", Reason: "reads the logs of the node", Until: "2027-03-31", Field: "exceptions[0]",
				Range: finding.Range{File: "a/.psp2pss.yaml", Line: 4, Column: 3, EndLine: 4, EndColumn: 7},
			},
			Object: exceptions.Selector{Kind: "DaemonSet", Namespace: "logging", Name: "fluent-*"},
		},
		{
			Exception: finding.Exception{
				Rule: "privileged", Field: "exceptions[1]",
				Range: finding.Range{File: "a/.psp2pss.yaml", Line: 8, Column: 3, EndLine: 8, EndColumn: 9},
			},
			Object: exceptions.Selector{Name: "legacy"},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if empty, err := exceptions.Parse("f", []byte(head+"exceptions: []\n")); err != nil || len(empty.Entries) != 0 {
		t.Errorf("got %v, %v for an empty list", empty, err)
	}
	if inJSON, err := exceptions.Parse("f", []byte(`{"apiVersion":"psp2pss.dev/v1","kind":"Exceptions","exceptions":[{"rule":"privileged","object":{"name":"a"}}]}`)); err != nil || len(inJSON.Entries) != 1 {
		t.Errorf("got %v, %v for JSON", inJSON, err)
	}
}

// What a file of exceptions cannot be is told with its line and field.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	const entry = head + "exceptions:\n- rule: privileged\n"
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", `f: it is empty: it begins with "apiVersion: psp2pss.dev/v1" and "kind: Exceptions", and has a list "exceptions"`},
		{"only a comment", "# nothing\n", `f: it is empty: it begins with "apiVersion: psp2pss.dev/v1" and "kind: Exceptions", and has a list "exceptions"`},
		{"no YAML", "a: [\n", "f: line 1: it is no YAML: did not find expected node content"},
		{"two documents", head + "exceptions: []\n---\n{}\n", "f: it has more than one document: write all exceptions in one"},
		{"a list", "- a\n", `f:1: it is no mapping of apiVersion, kind and exceptions: it begins with "apiVersion: psp2pss.dev/v1" and "kind: Exceptions", and has a list "exceptions"`},
		{"no version", "kind: Exceptions\n", `f:1: apiVersion: it is "", and this version reads psp2pss.dev/v1`},
		{"other version", "kind: Exceptions\napiVersion: psp2pss.dev/v2\n", `f:2: apiVersion: it is "psp2pss.dev/v2", and this version reads psp2pss.dev/v1`},
		{"other kind", "apiVersion: psp2pss.dev/v1\nkind: Plan\n", `f:2: kind: it is "Plan", want Exceptions`},
		{"no list", head, `f:1: there is no list "exceptions"`},
		{"misspelt list", head + "exeptions: []\n", `f:3: there is no key "exeptions": did you mean "exceptions"?`},
		{"unknown key", head + "levels: []\n", `f:3: there is no key "levels", only apiVersion, kind and exceptions`},
		{"list of texts", head + "exceptions: [privileged]\n", "f:3: exceptions[0]: it is no mapping of rule, object, reason and until"},
		{"no text", head + "exceptions: x\n", "f:3: exceptions: it is no list"},
		{"no rule", head + "exceptions:\n- reason: x\n", "f:4: exceptions[0].rule: it is missing: it is the ID of the check that may fail"},
		{"several rules", head + "exceptions:\n- rule: [a, b]\n", "f:4: exceptions[0].rule: it is no text: a list; write an exception for each"},
		{"no object", entry, "f:4: exceptions[0].object: it is missing: say by kind, namespace and name which objects may fail the check"},
		{"empty object", entry + "  object: {}\n", "f:5: exceptions[0].object: it is every object: name a kind, a namespace or a name"},
		{"every object", entry + "  object: {kind: '*', name: '**'}\n", "f:5: exceptions[0].object: it is every object: name a kind, a namespace or a name"},
		{"unknown key of an object", entry + "  object: {names: x}\n", `f:5: exceptions[0].object: there is no key "names": did you mean "name"?`},
		{"key of other case", entry + "  Object: {name: x}\n", `f:5: exceptions[0]: there is no key "Object": did you mean "object"?`},
		{"key twice", entry + "  rule: hostPorts\n", "f:5: exceptions[0].rule: it is given twice, on line 4 too"},
		{"key that is no text", entry + "  ? [a]\n  : b\n", "f:5: exceptions[0]: it has a key that is no text"},
		{"merge key", entry + "  <<: {object: {name: x}}\n", `f:5: exceptions[0]: there is no key "<<", only rule, object, reason and until`},
		{"a boolean", entry + "  reason: yes\n", `f:5: exceptions[0].reason: YAML reads yes as true: write "yes"`},
		{"a number", entry + "  until: 2027\n", `f:5: exceptions[0].until: YAML reads 2027 as a number: write "2027"`},
		{"long text", entry + "  reason: " + strings.Repeat("x", 1001) + "\n", "f:5: exceptions[0].reason: it has 1001 bytes, and 1000 is the most"},
		{"hostile key", head + "\"a\\e[31m\\n\": 1\n", `f:3: there is no key "a\x1b[31m\n", only apiVersion, kind and exceptions`},
		{"too many", head + "exceptions: [" + strings.Repeat("{},", 2001) + "]\n", "f:3: exceptions: it has 2001 entries, and 2000 is the most"},
		{"too large", strings.Repeat("#", exceptions.MaxFileSize+1), "f: it has more than 1048576 bytes: a file of exceptions is smaller"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := exceptions.Parse("f", []byte(test.text))
			if got != nil || err == nil || err.Error() != test.want {
				t.Errorf("got  %v, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

// A file with aliases that stand for more than they say is refused.
func TestParseBomb(t *testing.T) {
	t.Parallel()
	text := head + "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		text += fmt.Sprintf("b%d: &a%d [%s*a%d]\n", i, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	if _, err := exceptions.Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), "alias") {
		t.Errorf("got %v", err)
	}
}

// Whatever a file of exceptions has in it, it is read or refused with an error of one line, and each of its exceptions has a rule, an
// object and a place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "exceptions:\n- rule: privileged\n  object: {kind: Pod, name: a*}\n  reason: x\n  until: 2027-01-01\n"))
	f.Add([]byte(head + "exceptions: &a\n- *a\n"))
	f.Add([]byte("{\"apiVersion\": 1}"))
	f.Add([]byte("--- !!binary x\n...\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := exceptions.Parse("f", data)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("the error has control characters: %q", err)
			}
			return
		}
		for _, e := range file.Entries {
			if e.Rule == "" || e.Object == (exceptions.Selector{}) || e.Line == 0 || e.Field == "" {
				t.Errorf("an exception is not whole: %+v", e)
			}
		}
	})
}
