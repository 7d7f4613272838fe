package yamledit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// TestCorpus denies every container of the corpus the escalation of privileges: each file that parses is edited, no line is touched
// that does not have to be, and kubectl reads what was meant.
func TestCorpus(t *testing.T) {
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("the corpus is absent: other tests hold what it taught")
	}
	files, edited, edits, refusals := 0, 0, 0, 0
	err := filepath.WalkDir(corpus, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all := escalationEdits(text)
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
			compareEdited(t, path, text, out, all)
		}
		again, _, err := yamledit.Apply(out, escalationEdits(out))
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("%s: a second run changes the text (%v)", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d files edited; %d of %d edits refused", edited, files, refusals, edits)
	if files == 0 || edited < files {
		t.Errorf("%d of %d files edited, want all", edited, files)
	}
}

// escalationEdits returns the edits of all containers of the workloads in a file that can be read.
func escalationEdits(text []byte) []yamledit.Edit {
	var out []yamledit.Edit
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		if dec.Decode(&doc) != nil {
			return out
		}
		if len(doc.Content) > 0 {
			out = append(out, escalationEditsOf(doc.Content[0])...)
		}
	}
}

// escalationEditsOf returns the edits of an object, or of the items of a List.
func escalationEditsOf(n *yaml.Node) []yamledit.Edit {
	var out []yamledit.Edit
	var o struct {
		Kind  string
		Items []yaml.Node
	}
	if n.Decode(&o) != nil {
		return nil
	}
	for i := range o.Items {
		out = append(out, escalationEditsOf(&o.Items[i])...)
	}
	path := podSpecs[o.Kind]
	if path == nil {
		return out
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

// compareEdited compares a text with an edited one: as kubectl reads them, and line by line.
func compareEdited(t *testing.T, path string, before, after []byte, edits []yamledit.Edit) {
	t.Helper()
	want, got := documentsOf(t, before), documentsOf(t, after)
	for _, doc := range want {
		denyEscalation(doc)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: value (-want +got):\n%s", path, diff)
	}
	rest := strings.Split(string(after), "\n")
	var changed []string
	for _, line := range strings.Split(string(before), "\n") {
		if strings.TrimSpace(line) == "allowPrivilegeEscalation: true" {
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
		if text := strings.TrimSpace(line); text != "" && text != "securityContext:" && text != "allowPrivilegeEscalation: false" {
			t.Errorf("%s: the line %q is new", path, line)
		}
	}
	if len(changed)+len(rest) > 2*len(edits) {
		t.Errorf("%s: %d lines changed for %d edits", path, len(changed), len(edits))
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

// denyEscalation sets what the edits of escalationEdits set in a document as kubectl reads it.
func denyEscalation(doc any) {
	o, _ := doc.(map[string]any)
	items, _ := o["items"].([]any)
	for _, item := range items {
		denyEscalation(item)
	}
	kind, _ := o["kind"].(string)
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
