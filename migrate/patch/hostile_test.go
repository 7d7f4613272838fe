package patch_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// hostile is text that does harm wherever it is not escaped.
func hostile() []string {
	return []string{
		"$(touch pwned)", "`touch pwned`", "a;touch pwned", "a\ntouch pwned", "a\rtouch pwned", "'; touch pwned; '", `"; touch pwned; "`,
		"-n", "--all", "a && touch pwned", "a>pwned", "\\", "'", "a\\\ntouch pwned", "\u2028touch pwned", "\u202e", "#", "~", "*", "a\x00b",
		"\xff", "", "x\n---\nkind: Secret", "../../x", "a/b", "web\n#!/bin/sh\ntouch pwned", "- a: b", "{{x}}",
	}
}

// hostilePlan has the text wherever a plan can have it.
func hostilePlan(at, text string) *migrate.Plan {
	w := raised("Deployment", "web")
	p := planOf(w)
	ns := &p.Namespaces[0]
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	edit := &ns.Workloads[0].StricterEdits[0].Edits[0]
	switch at {
	case "namespace":
		ns.Name = text
	case "kind":
		ns.Workloads[0].Kind = text
	case "name":
		ns.Workloads[0].Name = text
	case "container":
		edit.Container = text
	case "path":
		edit.Path = text
	case "field":
		edit.Path = "spec.containers[0].securityContext." + text
	case "value":
		edit.Value = text
	case "string":
		ns.Workloads[0].StricterEdits[0].Edits[1] = migrate.TemplateEdit{Path: "spec.runtimeClassName", Value: string(quoted), Safety: text, Why: message.Message{Text: text}}
	case "profile":
		ns.Workloads[0].StricterEdits[0].Edits[1].Value = `{"type":"Localhost","localhostProfile":` + string(quoted) + "}"
	case "annotation":
		ns.Workloads[0].StricterEdits[0].Edits[1] = migrate.TemplateEdit{Path: "metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]", Value: string(quoted)}
	case "key":
		ns.Workloads[0].StricterEdits[0].Edits[1] = migrate.TemplateEdit{Path: "metadata.annotations[" + text + "]", Value: `"x"`}
	case "comment":
		p.TargetVersion, p.Source.ServerVersion = text, text
		ns.Workloads[0].Owner = &migrate.WorkloadRef{Kind: text, Name: text}
		ns.Workloads[0].ManagedBy = &migrate.ManagedBy{Tool: text, Source: text, Chart: text}
		ns.Workloads[0].StricterEdits[0].Obstacles = []migrate.StricterObstacle{{Check: text, Why: text, Advice: message.Message{Text: text}, Injected: true}}
		ns.Workloads[0].Template.Containers = []migrate.TemplateContainer{{Name: text, Image: text}}
		edit.Safety, edit.Why.Text, edit.Check = text, text, text
	case "parents":
		ns.Workloads[0].Template.Parents = []string{text, "spec.containers[0].securityContext" + text}
	case "context":
		p.Source = inventory.Source{Kind: inventory.SourceCluster, Name: text}
	}
	return p
}

func places() []string {
	return []string{"namespace", "kind", "name", "container", "path", "field", "value", "string", "profile", "annotation", "key", "comment", "parents", "context"}
}

// allowedKeys are all that a patch may have between the object and a value.
var allowedKeys = map[string]bool{
	"spec": true, "template": true, "metadata": true, "annotations": true, "containers": true, "securityContext": true, "capabilities": true,
	"drop": true, "name": true, "seccompProfile": true, "type": true, "localhostProfile": true, "runtimeClassName": true,
	"container.apparmor.security.beta.kubernetes.io/app": true, "apiVersion": true, "kind": true, "namespace": true,
}

func wantAllowedKeys(t *testing.T, what string, doc any) {
	t.Helper()
	switch d := doc.(type) {
	case map[string]any:
		for key, value := range d {
			if !allowedKeys[key] {
				t.Errorf("%s: a patch has the key %q", what, key)
			}
			wantAllowedKeys(t, what, value)
		}
	case []any:
		for _, item := range d {
			wantAllowedKeys(t, what, item)
		}
	}
}

// From a plan in which everything that a plan can hold is hostile, a script runs kubectl patch on a workload and nothing else,
// and manifests and file names are of that workload.
func TestHostilePlans(t *testing.T) {
	t.Parallel()
	opts := patch.Options{Tool: "psp2pss", Set: patch.SetRaise, Level: api.LevelRestricted}
	for _, text := range hostile() {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			for _, at := range places() {
				p := hostilePlan(at, text)
				what := at + " is " + text
				var script bytes.Buffer
				if err := patch.WriteCommands(&script, p, opts); err == nil {
					wantVisible(t, what, script.Bytes())
					wantOnlyPatches(t, what, at, text, runWithStub(t, script.Bytes()))
				} else if at != "context" {
					t.Errorf("%s: %v", what, err)
				}
				wantHarmlessDocuments(t, what, p, opts)
			}
		})
	}
}

func wantOnlyPatches(t *testing.T, what, at, text string, calls []string) {
	t.Helper()
	for _, call := range calls {
		args := strings.Split(strings.TrimSuffix(call, "\x01"), "\x01")
		if at == "context" && text != "" {
			if args[0] != "--context="+text {
				t.Errorf("%s: the context became %q", what, args[0])
			}
			args = args[1:]
		}
		if len(args) != 6 || args[0] != "patch" || args[1] != "deployment" || args[2] != "web" || args[3] != "--namespace=shop" || args[4] != "--type=strategic" {
			t.Errorf("%s: kubectl got %q", what, args)
			continue
		}
		body, is := strings.CutPrefix(args[5], "--patch=")
		var doc any
		if err := json.Unmarshal([]byte(body), &doc); !is || err != nil {
			t.Errorf("%s: the patch is %q: %v", what, args[5], err)
		}
		wantAllowedKeys(t, what, doc)
	}
}

func wantHarmlessDocuments(t *testing.T, what string, p *migrate.Plan, opts patch.Options) {
	t.Helper()
	var stream, list bytes.Buffer
	if err := patch.WriteStrategic(&stream, p, opts); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if err := patch.WriteJSONPatches(&list, p, opts); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var document struct {
		Patches []struct{ Patch []patch.JSONPatchOperation }
	}
	if err := json.Unmarshal(list.Bytes(), &document); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	documents := 0
	for _, text := range strings.Split(stream.String(), "\n---\n") {
		var doc map[string]any
		if err := yaml.UnmarshalStrict([]byte(text), &doc); err != nil {
			t.Errorf("%s: %v\n%s", what, err, text)
		}
		if len(doc) > 0 {
			documents++
			wantAllowedKeys(t, what, doc)
			if diff := cmp.Diff(map[string]any{"name": "web", "namespace": "shop"}, doc["metadata"]); diff != "" || doc["kind"] != "Deployment" {
				t.Errorf("%s: a document of %v, %s", what, doc["kind"], diff)
			}
		}
	}
	wantVisible(t, what, stream.Bytes())
	wantVisible(t, what, list.Bytes())
	files, err := patch.KustomizeFiles(p, opts)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if len(files) != documents+1 || len(files) > 1 && files[1].Name != "shop.deployment.web.yaml" {
		t.Errorf("%s: %d documents and the files %+v", what, documents, files)
	}
}

// wantVisible: nobody is to review what does not show.
func wantVisible(t *testing.T, what string, text []byte) {
	t.Helper()
	for _, r := range string(text) {
		if r != '\n' && !escape.IsVisible(r) {
			t.Fatalf("%s: a rune that does not show: %q", what, text)
		}
	}
}

// runWithStub runs the script in an empty folder with a kubectl that only notes its arguments and no other program on PATH,
// and returns the calls.
func runWithStub(t *testing.T, script []byte) []string {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh here")
	}
	bin, work := t.TempDir(), t.TempDir()
	stub := "#!" + sh + "\nfor a in \"$@\"; do printf '%s\\001' \"$a\"; done >> '" + bin + "/calls'\nprintf '\\002' >> '" + bin + "/calls'\n"
	// A program that another test starts in this very moment would inherit the open file, and nothing can be run that is
	// open for writing ("text file busy").
	syscall.ForkLock.RLock()
	err = os.WriteFile(filepath.Join(bin, "kubectl"), []byte(stub), 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(bin, "script.sh")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), sh, path)
	cmd.Dir = work
	cmd.Env = []string{"PATH=" + bin, "PSP2PSS_THIS_CLUSTER=1"}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("sh: %v\n%s\n%s", err, out, script)
	}
	if left, err := os.ReadDir(work); err != nil || len(left) > 0 {
		t.Fatalf("the script left %v behind:\n%s", left, script)
	}
	calls, err := os.ReadFile(filepath.Join(bin, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(calls), "\x02"), "\x02")
}

// A path or value that no sound plan has is refused, and said to be.
func TestUnsoundValuesAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path, container, value, want string }{
		"another field":                  {"spec.containers[0].securityContext.privileged", "app", "true", `refused: "spec.containers[0].securityContext.privileged": it is no field that a patch may write`},
		"a field of the pod":             {"spec.containers[0].securityContext.fsGroup", "app", "1", `refused: "spec.containers[0].securityContext.fsGroup": it is no field that a patch may write`},
		"beside the security context":    {"spec.containers[0].command", "app", `["sh"]`, `refused: "spec.containers[0].command": it is no field that a patch may write`},
		"another annotation":             {"metadata.annotations[example.com/x]", "", `"x"`, `refused: "metadata.annotations[example.com/x]": it is no field that a patch may write`},
		"a wrong type":                   {"spec.securityContext.runAsNonRoot", "", `"true"`, `refused: "spec.securityContext.runAsNonRoot": "\"true\"" is no value of this field`},
		"an unknown key":                 {"spec.securityContext.seccompProfile", "", `{"types":"RuntimeDefault"}`, `refused: "spec.securityContext.seccompProfile": "{\"types\":\"RuntimeDefault\"}" is no value of this field`},
		"null, which deletes":            {"spec.securityContext.seccompProfile", "", "null", `refused: "spec.securityContext.seccompProfile": "null" is no value of this field`},
		"more than one value":            {"spec.securityContext.fsGroup", "", "1 2", `refused: "spec.securityContext.fsGroup": "1 2" is no value of this field`},
		"a container at the pod level":   {"spec.securityContext.fsGroup", "app", "1", `refused: "spec.securityContext.fsGroup": the container "app" has no valid name there`},
		"no container":                   {"spec.containers[0].securityContext.runAsUser", "", "1", `refused: "spec.containers[0].securityContext.runAsUser": the container "" has no valid name there`},
		"another container's annotation": {"metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]", "other", `"x"`, `refused: "metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]": the container "other" has no valid name there`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := migrate.Workload{Kind: "Deployment", Name: "web", Evaluation: &migrate.Evaluation{Mutations: []migrate.TemplateMutation{{Path: tt.path, Container: tt.container, Value: tt.value, Policy: "p"}}}}
			got := patch.PatchesFor(planOf(w), patch.Options{Set: patch.SetKeep})
			if len(got) != 1 || got[0].ManualReason.Text != tt.want || len(got[0].Values) > 0 {
				t.Errorf("got %+v, want it %s", got, tt.want)
			}
		})
	}
}

// TestCheckPlan names the value that no patch could write. A container may have any name.
func TestCheckPlan(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mutation migrate.TemplateMutation
		edit     migrate.TemplateEdit
		want     string
	}{
		"none": {},
		"a path": {
			mutation: migrate.TemplateMutation{Path: "spec.hostNetwork", Value: "true"},
			want:     `evaluations[0].mutations[0]: "spec.hostNetwork": it is no field that a patch may write`,
		},
		"a value": {
			edit: migrate.TemplateEdit{Path: "spec.securityContext.runAsNonRoot", Value: "yes"},
			want: `evaluations[0].stricterEdits[0].edits[0]: "spec.securityContext.runAsNonRoot": "yes" is no value of this field`,
		},
		"a container without a name": {edit: migrate.TemplateEdit{Path: "spec.containers[0].securityContext.runAsNonRoot", Value: "true"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &migrate.Evaluation{}
			if tt.mutation.Path != "" {
				e.Mutations = []migrate.TemplateMutation{tt.mutation}
			}
			if tt.edit.Path != "" {
				e.StricterEdits = []migrate.StricterEdits{{Edits: []migrate.TemplateEdit{tt.edit}}}
			}
			got := ""
			if err := patch.CheckPlan(&migrate.Plan{Evaluations: []*migrate.Evaluation{e}}); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}
