package yamlnode_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// TestMappingReader reads the mapping m of each text: what it holds, what is wrong with it, and what is merged.
func TestMappingReader(t *testing.T) {
	t.Parallel()
	long, zeros := strings.Repeat("x", 100), strings.Repeat("0", 100)
	// nested is a list of a thousand scalars, in lists of ten.
	nested := func(name, scalar string) string {
		ten := func(alias string) string { return strings.Repeat(",*"+alias, 9) + "]" }
		return "[&" + name + "1 [&" + name + "2 [&" + name + "3 " + scalar + ten(name+"3") + ten(name+"2") + ten(name+"1")
	}
	kinds := []string{"key not text", "duplicate key", "duplicate merge key", "merge not mapping", "merge conflict"}
	for name, tt := range map[string]struct {
		text     string
		keepLast bool
		want     []string
	}{
		"own keys":               {"m: {a: 1, 2: b, yes: c}", false, []string{"a=1", "2=b", "true=c"}},
		"a duplicate key":        {"m: {a: 1, a: 2, b: 3}", false, []string{"duplicate key a a", "a=1", "b=3"}},
		"the last counts":        {"m: {a: 1, a: 2, b: 3}", true, []string{"duplicate key a a", "a=2", "b=3"}},
		"a key that is a list":   {"m: {[a]: 1, b: 2}", false, []string{"key not text  ", "b=2"}},
		"a merge":                {"x: &x {a: 1, b: 2}\nm: {<<: *x, b: 3}", false, []string{"before 1", "after 2", "b=3", "a=1 merged"}},
		"merges of a list":       {"x: &x {a: 1}\ny: &y {a: 2, b: 2}\nm: {<<: [*x, *y]}", false, []string{"before 1", "after 1", "before 1", "after 2", "a=1 merged", "b=2 merged"}},
		"a merge within a merge": {"x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nm: {<<: *y}", false, []string{"before 1", "before 2", "after 1", "after 2", "b=2 merged", "a=1 merged"}},
		"two merge keys":         {"x: &x {a: 1}\ny: &y {b: 2}\nm:\n  <<: *x\n  <<: *y", false, []string{"duplicate merge key << <<", "before 1", "after 1", "before 1", "after 1", "a=1 merged", "b=2 merged"}},
		"a merge of text":        {"m: {<<: x, a: 1}", false, []string{"merge not mapping << ", "a=1"}},
		"a conflict":             {"x: &x {a: 1}\nm: {a: 2, <<: *x}", false, []string{"before 1", "after 1", "compared 1, 0", "merge conflict a a", "a=2"}},
		"no conflict above":      {"x: &x {a: 1}\nm: {<<: *x, a: 2}", false, []string{"before 1", "after 1", "a=2"}},
		"equal lists":            {"x: &x {a: [1, yes]}\nm: {a: [0x1, true], <<: *x}", false, []string{"before 1", "after 1", "compared 3, 0", "a="}},
		"equal long texts":       {"x: &x {a: " + long + "}\nm: {a: '" + long + "', <<: *x}", false, []string{"before 1", "after 1", "compared 1, 100", "a=" + long}},
		"long texts that differ": {"x: &x {a: " + long + "}\nm: {a: y" + long[1:] + ", <<: *x}", false, []string{"before 1", "after 1", "compared 1, 100", "merge conflict a a", "a=y" + long[1:]}},
		"a long and a short":     {"x: &x {a: 1}\nm: {a: " + zeros + "1, <<: *x}", false, []string{"before 1", "after 1", "compared 1, 0", "merge conflict a a", "a=" + zeros + "1"}},
		"many values":            {"x: &x {a: " + nested("p", "1") + "}\nm: {a: " + nested("q", "1") + ", <<: *x}", false, []string{"before 1", "after 1", "compared 1001, 0", "merge conflict a a", "a="}},
		"much text":              {"x: &x {a: " + nested("p", strings.Repeat("x", 11_000)) + "}\nm: {a: " + nested("q", strings.Repeat("x", 11_000)) + ", <<: *x}", false, []string{"before 1", "after 1", "compared 108, 1056000", "merge conflict a a", "a="}},
		"a quoted merge key":     {"m: {'<<': {a: 1}}", false, []string{"<<="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(tt.text), &doc); err != nil {
				t.Fatal(err)
			}
			root := doc.Content[0]
			var got []string
			r := yamlnode.MappingReader{
				KeepLast: tt.keepLast,
				Problem: func(p yamlnode.MappingProblem) error {
					got = append(got, fmt.Sprintf("%s %s %s", kinds[p.Kind], p.First.Name, p.Second.Name))
					return nil
				},
				BeforeMerge: func(_, _ *yaml.Node, depth int) error {
					got = append(got, fmt.Sprintf("before %d", depth))
					return nil
				},
				AfterMerge: func(_ *yaml.Node, keys int) error {
					got = append(got, fmt.Sprintf("after %d", keys))
					return nil
				},
				AfterCompare: func(_ *yaml.Node, values, text int) error {
					got = append(got, fmt.Sprintf("compared %d, %d", values, text))
					return nil
				},
				Known: map[*yaml.Node][]yamlnode.MappingEntry{},
			}
			entries, err := r.Entries(root.Content[len(root.Content)-1], 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				merged := ""
				if e.Index < 0 {
					merged = " merged"
				}
				got = append(got, e.Name+"="+e.Value.Value+merged)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Every function of a MappingReader can end the reading, and a mapping that is known is not read again.
func TestMappingReaderStops(t *testing.T) {
	t.Parallel()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte("x: &x {a: 1}\nm: &m {a: 2, <<: *x}\nself: &self {<<: *self}\n"+strings.Repeat("z: 1\n", 2)), &doc); err != nil {
		t.Fatal(err)
	}
	root := doc.Content[0]
	stop := errors.New("stop")
	stops := func(...any) error { return stop }
	passes := yamlnode.MappingReader{Problem: func(yamlnode.MappingProblem) error { return nil }}
	for name, r := range map[string]yamlnode.MappingReader{
		"problem": {Problem: func(yamlnode.MappingProblem) error { return stops() }},
		"before":  {Problem: passes.Problem, BeforeMerge: func(_, _ *yaml.Node, _ int) error { return stops() }},
		"compare": {Problem: passes.Problem, AfterCompare: func(_ *yaml.Node, _, _ int) error { return stops() }},
		"after":   {Problem: passes.Problem, AfterMerge: func(*yaml.Node, int) error { return stops() }},
	} {
		if _, err := r.Entries(root.Content[3], 1); !errors.Is(err, stop) {
			t.Errorf("%s: %v", name, err)
		}
	}
	deep := passes
	deep.BeforeMerge = func(_, _ *yaml.Node, depth int) error {
		if depth > 10 {
			return stop
		}
		return nil
	}
	if _, err := deep.Entries(root.Content[5], 1); !errors.Is(err, stop) {
		t.Errorf("merged into itself: %v", err)
	}
	known := passes
	known.Known = map[*yaml.Node][]yamlnode.MappingEntry{root.Content[3]: {{Name: "known"}}}
	if entries, err := known.Entries(root.Content[3], 1); err != nil || len(entries) != 1 || entries[0].Name != "known" {
		t.Errorf("%v %v", entries, err)
	}
}
