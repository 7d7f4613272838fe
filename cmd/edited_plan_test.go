package cmd

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEditedPlans gives labels a saved plan of the demo cluster in which one value was edited: the error names the field, and no
// command is written.
func TestEditedPlans(t *testing.T) {
	t.Parallel()
	evaluationIndex := regexp.MustCompile(`evaluations\[\d+\]`)
	saved := demoOutput(t, "plan", "--demo", "-o", "json")
	for _, test := range []struct{ name, old, edited, want string }{
		{"nothing", "", "", ""},
		{"target version", `"targetVersion": "v1.25"`, `"targetVersion": "1.25"`, `targetVersion: "1.25" is not a Kubernetes minor such as v1.25, nor latest`},
		{"kind of source", `"kind": "demo"`, `"kind": "guess"`, `source.kind: "guess" is not one of cluster, files, files+cluster, snapshot, demo`},
		{"basis", `"basis": "workloads"`, `"basis": "feeling"`, `basis: "feeling" is not one of workloads, policies, both`},
		{"class of what is lost", `"class": "security"`, `"class": "severe"`, `policies[0].lost[1].class: "severe" is not one of security, functional, drift`},
		{"name of a namespace", `"name": "blog",`, `"name": "blog; reboot",`, `namespaces[0].name: "blog; reboot" is not a name that a namespace can have`},
		{"needed level", `"needed": "baseline"`, `"needed": "strict"`, `namespaces[0].needed: "strict" is not one of privileged, baseline, restricted`},
		{"recommended level", `"enforce": "baseline"`, `"enforce": "Baseline"`, `namespaces[0].recommended.enforce: "Baseline" is not one of privileged, baseline, restricted`},
		{"recommended version", `"enforceVersion": "v1.25"`, `"enforceVersion": "v1.99"`, "namespaces[0].recommended.enforceVersion: the target version v1.99 is newer than the standards known here: ask for v1.37 at most, or for latest"},
		{"action", `"action": "add"`, `"action": "delete"`, `namespaces[0].action: "delete" is not one of unchanged, add, change, loosen, withheld, skip`},
		{"status of a check", `"status": "guaranteed"`, `"status": "safe"`, `policies[0].checks[1].status: "safe" is not one of guaranteed, by-mutation, in-effect, not-ensured, impossible, unknown`},
		{"level in an evaluation", `"afterPSP": "privileged"`, `"afterPSP": "open"`, `evaluations[N].levels.afterPSP: "open" is not one of privileged, baseline, restricted`},
		{"id of a reason", `"id": "level-needed"`, `"id": "Level needed"`, `namespaces[0].reasons[0].id: "Level needed" is not the id of a message`},
		{"id of a problem", `"message": {
            "id": "psp-ranges-missing"`, `"message": {
            "id": "PSP"`, `policies[2].problems[0].message.id: "PSP" is not the id of a message`},
		{"argument in an evaluation", `"id": "edit-in-force",
                "args": {
                  "policy": "apps"`, `"id": "edit-in-force",
                "args": {
                  "policy": 1.5`, `evaluations[N].stricterEdits[0].edits[0].why.args.policy: 1.5 is no text, whole number, true or list of texts`},
		{"arguments of a reason", `"id": "level-needed",
          "args": {`, `"id": "level-needed",
          "args": 3, "x": {`, `namespaces[0].reasons[0].args: 3 is no object`},
		{"argument of a reason", `"next": "restricted"`, `"next": null`, `namespaces[0].reasons[0].args.next: null is no text, whole number, true or list of texts`},
		{"path of an edit", `"path": "spec.containers[0].securityContext.capabilities.drop",
              "container": "archive"`, `"path": "spec.containers[0].image",
              "container": "archive"`, `evaluations[N].stricterEdits[1].edits[1]: "spec.containers[0].image": it is no field that a patch may write`},
		{"value of an edit", `"container": "archive",
              "value": "[\"ALL\"]",
              "check"`, `"container": "archive",
              "value": "all",
              "check"`, `evaluations[N].stricterEdits[1].edits[1]: "spec.containers[0].securityContext.capabilities.drop": "all" is no value of this field`},
		{"number of replicas", `"replicas": 3`, `"replicas": "three"`, `namespaces[11].workloads[2].replicas: no string can stand here`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			edited := strings.Replace(saved, test.old, test.edited, 1)
			if (edited == saved) != (test.want == "") {
				t.Fatalf("the plan has no %s", test.old)
			}
			file := filepath.Join(t.TempDir(), "plan.json")
			if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
				t.Fatal(err)
			}
			streams, out, _ := BufferStreams("")
			root := NewRootCommand(streams, SystemDeps("psp2pss"))
			root.SetArgs([]string{"labels", "--plan", file})
			got := ""
			if err := root.ExecuteContext(t.Context()); err != nil {
				got = err.Error()
			}
			got = strings.TrimPrefix(strings.ReplaceAll(got, file, "FILE"), `reading the plan "FILE": `)
			got, _, _ = strings.Cut(got, "; correct it")
			got, _, _ = strings.Cut(got, "; save one")
			got = evaluationIndex.ReplaceAllString(got, "evaluations[N]") // evaluations are sorted by a hash of their content
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if test.want != "" && out.Len() > 0 {
				t.Errorf("it wrote %s", out)
			}
		})
	}
}

// demoOutput is what a command writes with the dependencies of the tool.
func demoOutput(t *testing.T, args ...string) string {
	t.Helper()
	streams, out, errOut := BufferStreams("")
	root := NewRootCommand(streams, SystemDeps("psp2pss"))
	root.SetArgs(args)
	if err := root.ExecuteContext(t.Context()); out.Len() == 0 {
		t.Fatalf("%v: %v\n%s", args, err, errOut)
	}
	return out.String()
}
