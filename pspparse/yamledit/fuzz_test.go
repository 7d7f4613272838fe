package yamledit_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	kubectlyaml "sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
)

// FuzzApply makes one edit in any text: it is refused and the text stays, or kubectl reads what was meant and making it again changes nothing.
func FuzzApply(f *testing.F) {
	for _, seed := range []struct{ text, path, value string }{
		{"kind: Pod\nspec:\n  containers:\n  - name: a # c\n    securityContext: {}\n", "spec.containers[0].securityContext.privileged", "false"},
		{"{\"spec\": {\n\t\"a\": [1, {}]}}", "spec.a[1].b", `["x"]`},
		{"a: &a {b: 1}\nc:\n  <<: *a\n", "c.b", ""},
		{"\ufeffa: |+\r\n  x\r\n\r\nb: 'c'\r\n", "b", `{"d":[{"e":null}]}`},
		{"- a\n---\n%YAML 1.1\n---\n? a\n: b\n...\n", "a", ""},
		{"a:\n- - b\n  - c: d\n    e: {f: [g, 'h' # i\n     ]}\n", "a[0][1].e.f[1]", ""},
	} {
		f.Add([]byte(seed.text), 1, 0, seed.path, seed.value)
	}
	f.Fuzz(func(t *testing.T, text []byte, line, column int, path, value string) {
		p, err := fieldpath.Parse(path)
		if err != nil || len(text) > 1<<16 {
			return
		}
		var doc yaml.Node
		if yaml.Unmarshal(text, &doc) == nil && len(doc.Content) > 0 {
			yamledit.Locate(doc.Content[0], p)
		}
		e := yamledit.Edit{Line: line, Column: column, Path: p, Remove: value == "", Value: json.RawMessage(value)}
		out, refused, err := yamledit.Apply(text, []yamledit.Edit{e})
		switch {
		case err != nil:
			t.Fatal(err)
		case len(refused) > 0 && !bytes.Equal(text, out):
			t.Fatalf("refused (%s), and changed: %q", refused[0].Reason.Text, out)
		case len(refused) > 0:
			return
		}
		if again, refused, err := yamledit.Apply(out, []yamledit.Edit{e}); !bytes.Equal(again, out) && !removesItem(e) {
			t.Fatalf("once %q, twice %q (%v, %v)", out, again, refused, err)
		}
		compareAsKubectl(t, text, out, e)
	})
}

// removesItem reports whether an edit takes away an item of a list: the next one has its index then.
func removesItem(e yamledit.Edit) bool {
	return e.Remove && slices.ContainsFunc(e.Path, func(s fieldpath.Step) bool { return s.IsIndex })
}

// compareAsKubectl compares what kubectl reads in a text of one document before and after an edit of it.
func compareAsKubectl(t *testing.T, before, after []byte, e yamledit.Edit) {
	t.Helper()
	for _, mark := range []string{"---", "...", "\"items\"", "items", "}\n{", "}{"} {
		if bytes.Contains(before, []byte(mark)) {
			return
		}
	}
	var was, is any
	if kubectlyaml.UnmarshalStrict(before, &was) != nil {
		return
	}
	if err := kubectlyaml.UnmarshalStrict(after, &is); err != nil {
		t.Fatalf("kubectl does not read %q: %v", after, err)
	}
	want, ok := edited(was, e.Path, e)
	if diff := cmp.Diff(swept(want), is); diff != "" || !ok {
		t.Fatalf("%q became %q (-want +got):\n%s", before, after, diff)
	}
}
