package pspparse

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// FuzzParse: no document may panic; Errors and a policy exclude each other; and what was read, written out and read
// again is the same policy. The seeds are in testdata/fuzz.
func FuzzParse(f *testing.F) {
	f.Add([]byte(valid))
	f.Fuzz(func(t *testing.T, data []byte) {
		ParseJSON(data, Position{Line: 1})
		var doc yaml.Node
		if yaml.Unmarshal(data, &doc) != nil {
			return
		}
		first, problems := Parse(&doc, "f")
		if first == nil {
			if len(problems) == 0 {
				t.Fatal("neither a policy nor a reason")
			}
			return
		}
		if problems != nil {
			t.Fatalf("a policy and errors:\n%s", told(problems))
		}
		text, err := json.Marshal(asDocument(first))
		if err != nil {
			t.Fatal(err)
		}
		second, problems := ParseJSON(text, Position{Line: 1})
		if second == nil {
			t.Fatalf("what was read cannot be read again:\n%s%s", told(problems), text)
		}
		again, err := json.Marshal(asDocument(second))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(again)); diff != "" {
			t.Fatalf("read again it differs (-first +second):\n%s", diff)
		}
		if !cmp.Equal(first.UnusableReasons(), second.UnusableReasons()) || !cmp.Equal(first.MutatingFields(), second.MutatingFields()) {
			t.Fatal("read again it means something else")
		}
		if len(first.Problems) == 0 && len(second.Problems) > 0 {
			t.Fatalf("read again it has problems:\n%s", told(second.Problems))
		}
	})
}

func asDocument(p *Policy) any {
	return map[string]any{
		"apiVersion": p.APIVersion, "kind": PolicyKind, "spec": p.Spec,
		"metadata": map[string]any{"name": p.Name, "labels": p.Labels, "annotations": p.Annotations},
	}
}
