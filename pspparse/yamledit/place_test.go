package yamledit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// shown returns a place as "line:column-line:end", with a question mark for a missing field.
func shown(p yamledit.Place) string {
	missing := ""
	if p.Missing {
		missing = "?"
	}
	return fmt.Sprintf("%d:%d-%d:%d%s", p.Line, p.Column, p.EndLine, p.EndColumn, missing)
}

func TestLocate(t *testing.T) {
	t.Parallel()
	const text = `é: {k: "ü", l: 'a''b'} # 1
spec:
  containers:
  - name: a
    "securityContext": &sc
      privileged: true
      user: &u 5
      text: |
        long
  - securityContext: *sc
    args: [é, "b\"", *u, {c: d}]
  - <<: [{x: 1}, {securityContext: *sc}]
    empty:
    more:
      - - 7
  - &loop
    <<: *loop
`
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"[é].k":                              "1:5-1:11",
		"[é].l":                              "1:13-1:22",
		"[é].m":                              "1:1-1:2?",
		"spec":                               "2:1-2:5",
		"spec.containers[0]":                 "4:5-4:9",
		"spec.containers[0].name":            "4:5-4:12",
		"spec.containers[0].name.x":          "4:5-4:12?",
		"spec.containers[0].image":           "4:5-4:9?",
		"spec.containers[0].ports[0].a":      "4:5-4:9?",
		"spec.containers[9].ports":           "3:3-3:13?",
		"spec.containers[0].securityContext": "5:5-5:22",
		"spec.containers[0].securityContext.privileged": "6:7-6:23",
		"spec.containers[0].securityContext.user":       "7:7-7:17",
		"spec.containers[0].securityContext.text":       "8:7-8:11",
		"spec.containers[1].securityContext.privileged": "6:7-6:23",
		"spec.containers[1].securityContext":            "10:5-10:25",
		"spec.containers[1].args[0]":                    "11:12-11:13",
		"spec.containers[1].args[1]":                    "11:15-11:20",
		"spec.containers[1].args[2]":                    "11:22-11:24",
		"spec.containers[1].args[3]":                    "11:26-11:28",
		"spec.containers[1].args[3].c":                  "11:27-11:31",
		"spec.containers[2].securityContext.privileged": "6:7-6:23",
		"spec.containers[2].x":                          "12:11-12:15",
		"spec.containers[2].empty":                      "13:5-13:10",
		"spec.containers[2].empty.x":                    "13:5-13:10?",
		"spec.containers[2].more[0][0]":                 "15:11-15:12",
		"spec.containers[3].x":                          "16:5-16:6?",
		"status.x":                                      "1:1-1:2?",
	} {
		p, err := fieldpath.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(yamledit.Locate(doc.Content[0], p)); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestLocateInJSON(t *testing.T) {
	t.Parallel()
	const text = "{\"é\":\n\t{ \"a\" : [1, \"é\", true], \"b\":null}}"
	for path, want := range map[string][2]string{
		"[é]":      {"3:8-3:11", "3:0-3:0"},
		"[é].a":    {"4:4-4:7", "4:0-4:0"},
		"[é].a[1]": {"4:14-4:17", "4:0-4:0"},
		"[é].b":    {"4:26-4:34", "4:0-4:0"},
		"[é].c":    {"3:8-3:11?", "3:0-3:0?"},
	} {
		p, err := fieldpath.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, column := range []int{7, 0} {
			n, err := yamlnode.FromJSONAt([]byte(text), 3, column)
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(yamledit.Locate(n, p)); got != want[i] {
				t.Errorf("%s from column %d: got %s, want %s", path, column, got, want[i])
			}
		}
	}
}

// TestPlacesOfRandomText finds every field of random text: its key stands there, and nothing of the field stands behind the end on the line.
func TestPlacesOfRandomText(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 23)), step: 2, listStep: 2}
		w.mapping(0, 0, false)
		text := w.b.String()
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(text, "\n")
		eachField(doc.Content[0], nil, func(path fieldpath.Path, key, value *yaml.Node) {
			p := yamledit.Locate(doc.Content[0], path)
			line := []rune(lines[p.Line-1])
			if strings.Contains(value.Value, " ") && !strings.Contains(string(line), value.Value) {
				return // the node does not tell where a text is folded
			}
			if p.Missing || p.EndLine != p.Line || p.EndColumn <= p.Column || p.EndColumn > len(line)+1 {
				t.Errorf("seed %d: %s is at %s in\n%s", seed, path, shown(p), text)
				return
			}
			field, rest := string(line[p.Column-1:p.EndColumn-1]), strings.TrimSpace(string(line[p.EndColumn-1:]))
			if !strings.HasPrefix(strings.Trim(field, `'"`), key.Value) {
				t.Errorf("seed %d: %s is %q", seed, path, field)
			}
			if strings.Contains(string(line), `\`) {
				return // the node does not tell how a character is escaped
			}
			if after := rest == "" || strings.Contains("#,]}:", rest[:1]); !after || value.Kind == yaml.ScalarNode && value.Line == key.Line && strings.HasPrefix(rest, ":") && width(value) {
				t.Errorf("seed %d: %s is %q, and then comes %q", seed, path, field, rest)
			}
		})
	}
}

// width reports whether a scalar is written on one line, and something of it is.
func width(n *yaml.Node) bool {
	return n.Value != "" && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && !strings.Contains(n.Value, "\n")
}

// eachField visits the fields of maps in a tree with their paths.
func eachField(n *yaml.Node, path fieldpath.Path, visit func(path fieldpath.Path, key, value *yaml.Node)) {
	for i, c := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			eachField(c, path.Item(i), visit)
		case i%2 == 1:
			visit(path.Keys(n.Content[i-1].Value), n.Content[i-1], c)
			eachField(c, path.Keys(n.Content[i-1].Value), visit)
		}
	}
}
