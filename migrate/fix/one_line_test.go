package fix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/patch"
)

// raiseAll are the options that make all edits to reach restricted.
func raiseAll() Options {
	return Options{Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion(), IncludeTest: true}
}

// Objects that share a line are each edited where they stand, and every other byte of the line stays.
func TestObjectsOnOneLine(t *testing.T) {
	t.Parallel()
	const (
		jsonPod   = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"%s"},"spec":{"containers":[{"name":"é","image":"x"%s}]%s}}`
		jsonBox   = `,"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}`
		jsonOfPod = `,"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}`
		flowPod   = `{kind: Pod, apiVersion: v1, metadata: {name: %s}, spec: {containers: [{name: é, image: x%s}]%s}}`
		flowBox   = `, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}`
		flowOfPod = `, securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}`
	)
	pods := func(pod, box, ofPod string) func(names ...string) []any {
		return func(names ...string) (out []any) {
			for _, name := range names {
				out = append(out, fmt.Sprintf(pod, name, box, ofPod))
			}
			return out
		}
	}
	for name, c := range map[string]struct {
		flow bool
		text string // with a place for each of three pods
	}{
		"a List":                       {false, `{"apiVersion":"v1","kind":"List","items":[%s,%s,%s]}`},
		"a List with its kind behind":  {false, `{"items":[%s,%s,%s],"kind":"List","apiVersion":"v1"}` + "\n"},
		"a List with white space":      {false, "\ufeff{ \"items\" : [ %s ,\t%s , %s ] , \"kind\":\"List\", \"apiVersion\":\"v1\" } "},
		"values side by side":          {false, "%s%s %s\r\n"},
		"Lists in a List":              {false, `{"apiVersion":"v1","kind":"List","é":"é","items":[{"apiVersion":"v1","kind":"List","items":[%s,%s]},%s]}`},
		"a flow List":                  {true, "{apiVersion: v1, kind: List, items: [%s, %s, %s]}\n"},
		"a flow List behind a marker":  {true, "--- {apiVersion: v1, kind: List, items: [%s, %s,%s]}   # é\n---\n"},
		"flow items of a List":         {true, "apiVersion: v1\r\nkind: List\r\nitems: [%s, %s,\r\n  %s] # é\r\n"},
		"JSON in YAML":                 {false, "# é\n---\napiVersion: v1\nkind: List\nitems: [%s,%s,%s]\n"},
		"flow Lists in a flow List":    {true, "{kind: List, apiVersion: v1, items: [{kind: List, apiVersion: v1, items: [%s]}, %s, %s]}"},
		"items of a List and a List":   {true, "kind: List\napiVersion: v1\nitems:\n- {kind: List, apiVersion: v1, items: [%s, %s]}\n- %s\n"},
		"items of a List with anchors": {true, "kind: List\napiVersion: v1\nmetadata: {annotations: &a {x: é}}\nitems:\n- {kind: List, apiVersion: v1, metadata: {x: *a}, items: [%s, %s]}\n- %s\n"},
	} {
		before, after := pods(jsonPod, "", ""), pods(jsonPod, jsonBox, jsonOfPod)
		if c.flow {
			before, after = pods(flowPod, "", ""), pods(flowPod, flowBox, flowOfPod)
		}
		text, want := fmt.Sprintf(c.text, before("a", "b", "c")...), fmt.Sprintf(c.text, after("a", "b", "c")...)
		got, left := fixed(t, text, raiseAll())
		if diff := cmp.Diff(want, got); diff != "" || len(left) > 0 {
			t.Errorf("%s: left %q (-want +got):\n%s", name, left, diff)
		}
		if again, _ := fixed(t, got, raiseAll()); again != got {
			t.Errorf("%s: the second run changes it:\n%s", name, again)
		}
		wantApplied(t, []byte(text), []byte(want))
	}
}

// wantApplied has git apply the diff of a fixed file, and wants the fixed text.
func wantApplied(t *testing.T, before, after []byte) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.yaml")
	if err := os.WriteFile(path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	apply := exec.CommandContext(t.Context(), "git", "apply", "--whitespace=nowarn", "-")
	apply.Dir, apply.Stdin = dir, strings.NewReader(string(UnifiedDiff(&File{Name: "x.yaml", Before: before, After: after})))
	if out, err := apply.CombinedOutput(); err != nil {
		t.Errorf("git apply: %v\n%s", err, out)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(after) {
		t.Errorf("git apply made %q (%v), want %q", got, err, after)
	}
}
