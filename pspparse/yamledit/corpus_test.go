package yamledit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	kubectlyaml "sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
)

const corpus = "../../../shared/corpus/devset"

// podSpecs are the paths to the pod specs of workloads by kind.
var podSpecs = map[string][]string{
	"Pod": {"spec"}, "Deployment": {"spec", "template", "spec"}, "DaemonSet": {"spec", "template", "spec"}, "StatefulSet": {"spec", "template", "spec"},
	"ReplicaSet": {"spec", "template", "spec"}, "ReplicationController": {"spec", "template", "spec"}, "Job": {"spec", "template", "spec"},
	"CronJob": {"spec", "jobTemplate", "spec", "template", "spec"},
}

// change is a change of all objects of a file: as edits of one object, and in an object as kubectl reads it.
type change struct {
	edits func(n *yaml.Node, kind string) []yamledit.Edit
	make  func(o map[string]any, kind string)
	// adds are the lines that it may add, without white space around them; replaces is one that it may replace.
	adds     []string
	replaces string
	// files is how many files of the corpus have something to change.
	files int
}

// TestCorpus denies every container of the corpus the escalation of privileges, and labels every object: each file that can be read is
// edited, no line is touched that does not have to be, and kubectl reads what was meant.
func TestCorpus(t *testing.T) {
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("the corpus is absent: other tests hold what it taught")
	}
	for name, c := range map[string]change{
		"escalation": {escalationEdits, denyEscalation, []string{"securityContext:", "allowPrivilegeEscalation: false"}, "allowPrivilegeEscalation: true", 82},
		"labels":     {labelEdits, label, []string{"metadata:", "labels:", "example.com/level: restricted", `example.com/level: "restricted"`}, "", 286},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.testFiles(t)
		})
	}
}

// testFiles makes a change in all files of the corpus.
func (c change) testFiles(t *testing.T) {
	files, edited, edits, refusals := 0, 0, 0, 0
	err := filepath.WalkDir(corpus, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all := c.editsOf(text)
		if len(all) == 0 {
			return nil
		}
		files++
		edits += len(all)
		out, refused, err := yamledit.Apply(text, all)
		if err != nil {
			return err
		}
		for _, r := range refused {
			refusals++
			t.Logf("%s: line %d, %s: %s", path, r.Edit.Line, r.Edit.Path, r.Reason.Text)
		}
		if len(refused) == 0 {
			edited++
			c.compare(t, path, text, out, all)
		}
		again, _, err := yamledit.Apply(out, c.editsOf(out))
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("%s: a second run changes the text (%v)", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d files edited; %d of %d edits refused", edited, files, refusals, edits)
	if files != c.files || edited < files {
		t.Errorf("%d of %d files edited, want all of %d", edited, files, c.files)
	}
}

// editsOf returns the edits of all objects in a file that can be read.
func (c change) editsOf(text []byte) []yamledit.Edit {
	var out []yamledit.Edit
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		if dec.Decode(&doc) != nil {
			return out
		}
		if len(doc.Content) > 0 {
			out = append(out, c.editsOfObject(doc.Content[0])...)
		}
	}
}

// editsOfObject returns the edits of an object, or of the items of a List.
func (c change) editsOfObject(n *yaml.Node) []yamledit.Edit {
	var out []yamledit.Edit
	var o struct {
		Kind  string
		Items []yaml.Node
	}
	if n.Decode(&o) != nil || o.Kind == "" {
		return nil
	}
	for i := range o.Items {
		out = append(out, c.editsOfObject(&o.Items[i])...)
	}
	if len(o.Items) > 0 {
		return out
	}
	return c.edits(n, o.Kind)
}

// labelEdits returns the edit that labels an object.
func labelEdits(n *yaml.Node, _ string) []yamledit.Edit {
	return []yamledit.Edit{{Line: n.Line, Path: fieldpath.Keys("metadata", "labels", "example.com/level"), Value: json.RawMessage(`"restricted"`)}}
}

// label does what labelEdits does in an object as kubectl reads it.
func label(o map[string]any, _ string) {
	for _, key := range []string{"metadata", "labels"} {
		inner, _ := o[key].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
		}
		o[key] = inner
		o = inner
	}
	o["example.com/level"] = "restricted"
}

// escalationEdits returns the edits of all containers of a workload.
func escalationEdits(n *yaml.Node, kind string) []yamledit.Edit {
	var out []yamledit.Edit
	path := podSpecs[kind]
	if path == nil {
		return nil
	}
	for _, list := range []string{"initContainers", "containers"} {
		at := n
		for _, key := range append(path[:len(path):len(path)], list) {
			at = valueOfKey(at, key)
		}
		for i := range at.Content {
			p := fieldpath.Keys(path...).Keys(list).Item(i).Keys("securityContext", "allowPrivilegeEscalation")
			out = append(out, yamledit.Edit{Line: n.Line, Path: p, Value: json.RawMessage("false")})
		}
	}
	return out
}

// valueOfKey returns the value of a key of a mapping; an empty node if there is none.
func valueOfKey(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return &yaml.Node{}
}

// compare compares a text with an edited one: as kubectl reads them, and line by line.
func (c change) compare(t *testing.T, path string, before, after []byte, edits []yamledit.Edit) {
	t.Helper()
	want, got := documentsOf(t, before), documentsOf(t, after)
	for _, doc := range want {
		c.makeIn(doc)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: value (-want +got):\n%s", path, diff)
	}
	rest := strings.Split(string(after), "\n")
	var changed []string
	for _, line := range strings.Split(string(before), "\n") {
		if c.replaces != "" && strings.TrimSpace(line) == c.replaces {
			continue // an edit replaces it
		}
		for len(rest) > 0 && rest[0] != line {
			changed, rest = append(changed, rest[0]), rest[1:]
		}
		if len(rest) == 0 {
			t.Errorf("%s: the line %q is gone", path, line)
			return
		}
		rest = rest[1:]
	}
	for _, line := range append(changed, rest...) {
		if text := strings.TrimSpace(line); text != "" && !slices.Contains(c.adds, text) {
			t.Errorf("%s: the line %q is new", path, line)
		}
	}
	if len(changed)+len(rest) > len(c.adds)*len(edits) {
		t.Errorf("%s: %d lines changed for %d edits", path, len(changed)+len(rest), len(edits))
	}
}

// documentsOf returns the documents of a text as kubectl reads them.
func documentsOf(t *testing.T, text []byte) []any {
	t.Helper()
	var out []any
	for _, doc := range strings.Split("\n"+string(text), "\n---") {
		var v any
		if err := kubectlyaml.Unmarshal([]byte(doc), &v); err != nil {
			v = fmt.Sprint("no YAML: ", err)
		}
		out = append(out, v)
	}
	return out
}

// makeIn makes the change in a document as kubectl reads it.
func (c change) makeIn(doc any) {
	o, _ := doc.(map[string]any)
	items, _ := o["items"].([]any)
	for _, item := range items {
		c.makeIn(item)
	}
	if kind, _ := o["kind"].(string); kind != "" && len(items) == 0 {
		c.make(o, kind)
	}
}

// denyEscalation does what escalationEdits does in an object as kubectl reads it.
func denyEscalation(o map[string]any, kind string) {
	if podSpecs[kind] == nil {
		return
	}
	for _, key := range podSpecs[kind] {
		o, _ = o[key].(map[string]any)
	}
	for _, list := range []string{"initContainers", "containers"} {
		containers, _ := o[list].([]any)
		for _, c := range containers {
			c := c.(map[string]any)
			sc, _ := c["securityContext"].(map[string]any)
			if sc == nil {
				sc = map[string]any{}
			}
			sc["allowPrivilegeEscalation"] = false
			c["securityContext"] = sc
		}
	}
}
