package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// A saved plan has all that gate asks about but stored Helm releases, of which the scenarios have none: that it says, and else the
// same as of the input.
func TestGateOfASavedPlanSaysTheSame(t *testing.T) {
	t.Parallel()
	var inputs []string
	for _, pattern := range []string{"*/input", "only-in-files/*/input"} {
		found, err := filepath.Glob(filepath.Join("..", "fixtures", pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %q, %v", pattern, found, err)
		}
		inputs = append(inputs, found...)
	}
	for _, input := range inputs {
		for _, to := range []string{"v1.25", "v1.30"} {
			t.Run(input+" "+to, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "plan.json")
				if code, _, errOut := runTool(SystemDeps("psp2pss"), "", "plan", "-R", "-f", input, "-o", "json="+file); code != exitDone && code != exitPartial {
					t.Fatalf("saving the plan: exit code %d\n%s", code, errOut)
				}
				read, saved := gateAnswerOf(t, "--to", to, "-R", "-f", input), gateAnswerOf(t, "--to", to, "--plan", file)
				of := slices.IndexFunc(read.Result.Unknown, func(u gate.Unknown) bool { return u.ID == "helm-releases-unread" })
				if of < 0 {
					t.Fatal("the answer from files does not say that Helm releases were not read")
				}
				read.Result.Unknown[of].Message = message.New("helm-releases-unread", "plan", true, "releases", 0)
				if diff := cmp.Diff(read, saved); diff != "" {
					t.Errorf("(-read +saved):\n%s", diff)
				}
			})
		}
	}
}

// gateAnswer is what the command gate says.
type gateAnswer struct {
	Code   int
	Result gate.Result
	Errors string
}

// gateAnswerOf runs the command gate.
func gateAnswerOf(t *testing.T, args ...string) gateAnswer {
	t.Helper()
	code, out, errOut := runTool(SystemDeps("psp2pss"), "", append([]string{"gate", "-o", "json"}, args...)...)
	answer := gateAnswer{Code: code, Errors: errOut}
	if err := json.Unmarshal([]byte(out), &answer.Result); err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	return answer
}

// A plan says which version of the tool made it and when its cluster was read, and two plans are compared without both.
func TestRunInAPlan(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 30, 0, 5, time.FixedZone("", 3600))
	deps := Deps{Now: func() time.Time { return at }}
	tool := "psp2pss " + readBuildInfo().Version
	want := []*inventory.Run{{Tool: tool, ReadAt: time.Date(2026, 3, 1, 11, 30, 0, 0, time.UTC)}, {Tool: tool}, nil}
	got := []*inventory.Run{runOf(deps, SourceOptions{}), runOf(deps, SourceOptions{Files: []string{"a.yaml"}}), runOf(deps, SourceOptions{Demo: true})}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of a cluster, files and the demo (-want +got):\n%s", diff)
	}
	one := &migrate.Plan{Source: inventory.Source{Kind: inventory.SourceCluster, UID: "a", Run: got[0]}}
	two := &migrate.Plan{Source: inventory.Source{Kind: inventory.SourceCluster, UID: "b", Run: got[1]}}
	if diff := cmp.Diff(one.Comparable(), two.Comparable()); diff != "" {
		t.Errorf("two plans of the same objects differ:\n%s", diff)
	}
	if one.Source.UID != "a" || one.Source.Run == nil {
		t.Error("comparing changed the plan")
	}
}

// A saved plan knows the generated policies that were read: its gate says of them, and of the roles that they ask, what it says of the
// input. What writes into pods as it was generated is no gap, and what somebody has changed is one.
func TestGateOfASavedPlanKnowsGeneratedPolicies(t *testing.T) {
	t.Parallel()
	demo := filepath.Join("..", "fixtures", "demo", "input")
	noPods := filepath.Join(t.TempDir(), "deployment.yaml")
	if err := os.WriteFile(noPods, []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stopped, namespace: shop}\n"+
		"spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{"", "string(i)"} {
		folder := filepath.Join(t.TempDir(), "set")
		if code, _, errOut := runTool(SystemDeps("psp2pss"), "", "generate", "-R", "-f", demo, "--mode=continuity", "--action=deny", "-o", "dir="+folder); code != exitDone && code != exitPartial {
			t.Fatalf("generating: exit code %d\n%s", code, errOut)
		}
		mutating, err := filepath.Glob(filepath.Join(folder, "*-mutatingadmissionpolicy-*.yaml"))
		if err != nil || len(mutating) != 1 {
			t.Fatalf("%q, %v", mutating, err)
		}
		if change != "" {
			text, err := os.ReadFile(mutating[0])
			if err != nil || !bytes.Contains(text, []byte(change)) {
				t.Fatal(err)
			}
			if err := os.WriteFile(mutating[0], bytes.Replace(text, []byte(change), []byte(change+" + ''"), 1), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.RemoveAll(filepath.Join(folder, "probe")); err != nil {
			t.Fatal(err)
		}
		input := []string{"-R", "-f", demo, "-f", folder}
		file := filepath.Join(t.TempDir(), "plan.json")
		if code, _, errOut := runTool(SystemDeps("psp2pss"), "", append([]string{"plan", "-o", "json=" + file}, input...)...); code != exitDone && code != exitPartial {
			t.Fatalf("saving the plan: exit code %d\n%s", code, errOut)
		}
		read, saved := gateAnswerOf(t, append([]string{"--to", "v1.37"}, input...)...), gateAnswerOf(t, "--to", "v1.37", "--plan", file)
		of := slices.IndexFunc(read.Result.Unknown, func(u gate.Unknown) bool { return u.ID == "helm-releases-unread" })
		read.Result.Unknown[of].Message = message.New("helm-releases-unread", "plan", true, "releases", 0)
		if diff := cmp.Diff(read, saved); diff != "" {
			t.Errorf("(-read +saved):\n%s", diff)
		}
		for _, id := range []string{"policy-roles-asked", "replacements-in-force"} {
			if !slices.ContainsFunc(saved.Result.Notes, func(n gate.Note) bool { return n.ID == id }) {
				t.Errorf("the saved plan says nothing of %s", id)
			}
		}
		if code, _, errOut := runTool(SystemDeps("psp2pss"), "", "plan", "-f", noPods, "-f", folder, "-o", "json="+file); code != exitDone && code != exitPartial {
			t.Fatalf("planning for what has no pods: exit code %d\n%s", code, errOut)
		}
		plan := readPlanFile(t, file)
		gap := slices.ContainsFunc(plan.Gaps, func(g migrate.Gap) bool { return g.ID == "mutator-unknown" })
		if gap != (change != "") {
			t.Errorf("changed %q: is it a gap: %t\n%v", change, gap, plan.Gaps)
		}
		if changed := slices.ContainsFunc(plan.GeneratedPolicies, func(p inventory.GeneratedPolicy) bool { return p.Changed }); changed != (change != "") {
			t.Errorf("changed %q: the plan says %t of %+v", change, changed, plan.GeneratedPolicies)
		}
	}
}

// readPlanFile returns a plan that was saved in a file.
func readPlanFile(t *testing.T, file string) *migrate.Plan {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var plan migrate.Plan
	if err := json.Unmarshal(data, &plan); err != nil {
		t.Fatal(err)
	}
	return &plan
}
