package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/fixtures/schema"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/migrate/rollout/verify"
	"github.com/psp2pss/psp2pss/migrate/saved"
	"github.com/psp2pss/psp2pss/migrate/simulation"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// schemas are the committed schemas of what -o json writes, with the types that they are made of.
func schemas() []struct {
	file, title string
	of          reflect.Type
} {
	return []struct {
		file, title string
		of          reflect.Type
	}{
		{"../migrate/plan.schema.json", "Plan of psp2pss", reflect.TypeFor[migrate.Plan]()},
		{"../migrate/difference/changes.schema.json", "changes of psp2pss plan --diff", reflect.TypeFor[difference.Changes]()},
		{"../migrate/gate/gate.schema.json", "answer of psp2pss gate", reflect.TypeFor[gate.Result]()},
		{"../migrate/handover/report.schema.json", "report of psp2pss", reflect.TypeFor[handover.Report]()},
		{"../migrate/fleet/fleet.schema.json", "clusters of psp2pss report --merge -o fleet", reflect.TypeFor[fleet.Fleet]()},
		{"../migrate/fleet/answers.schema.json", "answers of psp2pss gate on several clusters", reflect.TypeFor[fleet.Answers]()},
		{"../migrate/patch/patches.schema.json", "JSON patches of psp2pss patch", reflect.TypeFor[patch.JSONPatches]()},
		{"../migrate/simulation/simulation.schema.json", "answer of psp2pss simulate", reflect.TypeFor[simulation.Result]()},
		{"../migrate/finding/check.schema.json", "answer of psp2pss check", reflect.TypeFor[finding.Result]()},
		{"../migrate/rollout/steps.schema.json", "steps of psp2pss rollout and rollback", reflect.TypeFor[stepsReport]()},
		{"../migrate/report/verification.schema.json", "answer of psp2pss verify", reflect.TypeFor[report.Verification]()},
	}
}

// TestSchemas compares the committed schemas with the types. -args -update writes them anew.
func TestSchemas(t *testing.T) {
	t.Parallel()
	for _, s := range schemas() {
		now, err := schema.Of(s.of, schema.Rules{
			ID: "https://psp2pss.dev/v1/" + filepath.Base(s.file), Title: s.title,
			Values: allowedValues, Patterns: saved.Patterns(),
			Types: map[reflect.Type]schema.Object{reflect.TypeFor[json.RawMessage](): {}, reflect.TypeFor[message.Args](): {
				{Name: "type", Value: "object"},
				{Name: "additionalProperties", Value: map[string]any{"anyOf": []map[string]any{
					{"type": "string"}, {"type": "integer"}, {"const": true}, {"type": "array", "items": map[string]string{"type": "string"}, "minItems": 1},
				}}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		schema.Compare(t, s.file, now, *update)
	}
}

// allowedValues are those of types that a Plan does not have, and of those that it has.
func allowedValues(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[report.VerificationStatus]():
		return []string{string(verify.StatusOK), string(verify.StatusNotOK), string(verify.StatusUnknown)}
	case reflect.TypeFor[simulation.Form]():
		return []string{string(simulation.AsWritten), string(simulation.AsAdmitted), string(simulation.AfterPSP)}
	case reflect.TypeFor[rollout.Stage]():
		return []string{string(rollout.StageObserve), string(rollout.StageEnforce), string(rollout.StageBypass), string(rollout.StagePolicies)}
	case reflect.TypeFor[gate.Assertion]():
		var out []string
		for _, a := range gate.Assertions() {
			out = append(out, string(a.Name))
		}
		return out
	}
	return migrate.AllowedValues(t)
}

// TestOutputMatchesItsSchema checks what the commands write of the demo cluster and of a roll-out: every command of the tree that
// has -o json is among them.
func TestOutputMatchesItsSchema(t *testing.T) {
	t.Parallel()
	verified, journal := verifyWorld(t)
	unchecked := commandsWithJSON(t)
	for _, test := range []struct {
		file string
		deps Deps
		args []string
	}{
		{"../migrate/plan.schema.json", SystemDeps("psp2pss"), []string{"plan", "--demo"}},
		{"../migrate/difference/changes.schema.json", SystemDeps("psp2pss"), []string{"plan", "--demo", "--diff", earlierPlan(t)}},
		{"../migrate/gate/gate.schema.json", SystemDeps("psp2pss"), []string{"gate", "--demo"}},
		{"../migrate/handover/report.schema.json", SystemDeps("psp2pss"), []string{"report", "--demo"}},
		{"../migrate/patch/patches.schema.json", SystemDeps("psp2pss"), []string{"patch", "--demo"}},
		{"../migrate/patch/patches.schema.json", SystemDeps("psp2pss"), []string{"patch", "--demo", "--raise"}},
		{"../migrate/simulation/simulation.schema.json", SystemDeps("psp2pss"), []string{"simulate", "--demo", "--level", "restricted"}},
		{"../migrate/simulation/simulation.schema.json", SystemDeps("psp2pss"), []string{"simulate", "--demo", "--as-admitted", "--level", "baseline"}},
		{"../migrate/simulation/simulation.schema.json", SystemDeps("psp2pss"), []string{"simulate", "--demo", "--after-psp", "--level", "restricted"}},
		{"../migrate/finding/check.schema.json", SystemDeps("psp2pss"), []string{"check", "-f", "testdata/check", "-n", "blog", "--level=restricted", "--target-version=v1.25,latest"}},
		{"../migrate/rollout/steps.schema.json", SystemDeps("psp2pss"), []string{"rollout", "--demo", "--dry-run=client"}},
		{"../migrate/report/verification.schema.json", verified, []string{"verify", "--journal", journal}},
		{"../migrate/rollout/steps.schema.json", verified, []string{"rollback", "--journal", journal, "--dry-run=client"}},
	} {
		checkOutput(t, test.file, test.deps, test.args...)
		delete(unchecked, test.args[0])
	}
	for path := range unchecked {
		t.Errorf("%s -o json is not checked here: give what it writes a schema", path)
	}
}

// commandsWithJSON returns the paths of the commands that offer json for their flag -o.
func commandsWithJSON(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for path, c := range commands(t) {
		if c.Flags().Lookup("output") == nil {
			continue
		}
		complete, ok := c.GetFlagCompletionFunc("output")
		if !ok {
			t.Errorf("%s does not complete the formats of -o", path)
			continue
		}
		if offered, _ := complete(c, nil, ""); slices.Contains(offered, "json") {
			found[path] = true
		}
	}
	return found
}

// checkOutput runs a command with -o json and checks what it writes by a schema.
func checkOutput(t *testing.T, schemaFile string, deps Deps, args ...string) {
	t.Helper()
	streams, out, errOut := BufferStreams("")
	root := NewRootCommand(streams, deps)
	root.SetArgs(append(args, "-o", "json"))
	_ = root.ExecuteContext(t.Context()) // findings are errors, too
	if err := schema.Validate(schemaFile, out.Bytes()); err != nil {
		t.Errorf("%v: %v\n%s", args, err, errOut)
	}
	var document any
	if err := json.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if args[0] != "report" { // whose texts are no messages
		checkMessages(t, strings.Join(args, " "), document)
	}
}

// TestScenariosMatchTheirSchemas checks the recorded plan of every scenario, and what the commands write of its input.
func TestScenariosMatchTheirSchemas(t *testing.T) {
	t.Parallel()
	var plans []string
	for _, pattern := range []string{"../fixtures/*/want/plan.json", "../fixtures/only-in-files/*/want/plan.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no golden plans in %s: %v", pattern, err)
		}
		plans = append(plans, found...)
	}
	for _, file := range plans {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte(`"kind": ""`), []byte(`"kind": "files"`), 1) // scenarios have no source
		if err := schema.Validate("../migrate/plan.schema.json", text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		var plan any
		if err := json.Unmarshal(text, &plan); err != nil {
			t.Fatal(err)
		}
		checkMessages(t, file, plan)
		input := filepath.Join(filepath.Dir(filepath.Dir(file)), "input")
		checkOutput(t, "../migrate/plan.schema.json", SystemDeps("psp2pss"), "plan", "-R", "-f", input)
		checkOutput(t, "../migrate/gate/gate.schema.json", SystemDeps("psp2pss"), "gate", "-R", "-f", input)
		checkOutput(t, "../migrate/handover/report.schema.json", SystemDeps("psp2pss"), "report", "-R", "-f", input)
		checkOutput(t, "../migrate/patch/patches.schema.json", SystemDeps("psp2pss"), "patch", "-R", "-f", input)
		checkOutput(t, "../migrate/simulation/simulation.schema.json", SystemDeps("psp2pss"), "simulate", "--level", "restricted", "-R", "-f", input)
		checkOutput(t, "../migrate/finding/check.schema.json", SystemDeps("psp2pss"), "check", "--level", "restricted", "-R", "-f", input)
	}
}

// checkMessages checks that the text of each message in a document is what its id and arguments make.
func checkMessages(t *testing.T, file string, value any) {
	t.Helper()
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			checkMessages(t, file, item)
		}
	case map[string]any:
		if id, ok := v["id"].(string); ok && v["text"] != nil {
			data, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			var m message.Message
			if err := json.Unmarshal(data, &m); err != nil {
				t.Fatal(err)
			}
			if text, err := message.Render(id, m.Args); err != nil || text != m.Text {
				t.Errorf("%s: %s makes %q, %v, and the document says %q", file, id, text, err, m.Text)
			}
		}
		for _, item := range v {
			checkMessages(t, file, item)
		}
	}
}
