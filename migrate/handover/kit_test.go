package handover_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate"
)

var update = flag.Bool("update", false, "rewrite the files under testdata/")

// readPlan makes the plan of files, or of standard input where it names none.
func readPlan(t testing.TB, r *files.Reader, o migrate.Options, change func(*inventory.Inventory)) *migrate.Plan {
	t.Helper()
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	if err := r.Read(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	inv := b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: "input"})
	if change != nil {
		change(inv)
	}
	p, err := migrate.Build(inv, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// demoPlan makes the plan of the demo cluster.
func demoPlan(t testing.TB) *migrate.Plan {
	t.Helper()
	return readPlan(t, &files.Reader{Paths: []string{"../../fixtures/demo/input"}, Recursive: true}, migrate.Options{}, nil)
}

// answerOf asks the gate about a plan.
func answerOf(p *migrate.Plan) *gate.Result {
	return gate.Evaluate(p, gate.Facts{HelmReleases: gate.HelmReleases{NotInPlan: true}}, gate.Options{To: gate.DefaultRelease(p), Tool: "psp2pss"})
}

// reportOn builds the whole report on a plan.
func reportOn(p *migrate.Plan) *handover.Report {
	return handover.Build(p, answerOf(p), handover.Options{})
}

// scenarioPlans are the plans of all scenarios of fixtures, the demo among them, by name.
func scenarioPlans(t *testing.T) map[string]*migrate.Plan {
	t.Helper()
	out := map[string]*migrate.Plan{}
	for _, pattern := range []string{"../../fixtures/*/input", "../../fixtures/only-in-files/*/input"} {
		inputs, err := filepath.Glob(pattern)
		if err != nil || len(inputs) == 0 {
			t.Fatalf("%s: %q, %v", pattern, inputs, err)
		}
		for _, input := range inputs {
			out[input] = readPlan(t, &files.Reader{Paths: []string{input}, Recursive: true}, migrate.Options{}, nil)
		}
	}
	return out
}

// generatedPlan makes the plan of a generated cluster: with options, gaps, namespaces that were not read and other target versions
// that a seed chooses.
func generatedPlan(t testing.TB, seed int) *migrate.Plan {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(seed), 21))
	var dump bytes.Buffer
	spec := cluster.Spec{Seed: uint64(seed), Namespaces: 1 + r.IntN(9), Pods: r.IntN(50), Bindings: r.IntN(20), Policies: r.IntN(6), Apps: 1 + r.IntN(5)}
	if err := spec.WriteJSON(&dump); err != nil {
		t.Fatal(err)
	}
	pick := func(from ...api.Level) api.Level { return from[r.IntN(len(from))] }
	o := migrate.Options{
		Target:       []api.Version{{}, api.LatestVersion(), api.MajorMinorVersion(1, 24), api.MajorMinorVersion(1, 33)}[r.IntN(4)],
		Basis:        []migrate.Basis{"", migrate.BasisPolicies, migrate.BasisBoth}[r.IntN(3)],
		Enforce:      pick("", "", "", "", api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted),
		AllowPartial: r.IntN(2) == 0,
	}
	if r.IntN(3) == 0 {
		o.EmptyNamespaces = migrate.EmptySkip
	}
	return readPlan(t, &files.Reader{Paths: []string{"-"}, Stdin: &dump}, o, func(inv *inventory.Inventory) {
		if r.IntN(2) == 0 {
			touched := []string{"team-00001", inventory.AllNamespaces}[r.IntN(2)]
			part := []inventory.GapPart{"", inventory.PartWorkloads, inventory.PartGrants, inventory.PartPolicies, inventory.PartLabels}[r.IntN(5)]
			inv.Gaps = append(inv.Gaps, inventory.Gap{What: "something", Why: message.Message{Text: "it could not be read"}, Namespaces: []string{touched}, Affects: part})
		}
		for i := range inv.Namespaces {
			if r.IntN(3) == 0 {
				level := pick(api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted, "wrong")
				inv.Namespaces[i].Labels = map[string]string{api.EnforceLevelLabel: string(level), api.EnforceVersionLabel: "v1.25"}
			}
		}
		if n := len(inv.Namespaces); n > 2 && r.IntN(4) == 0 {
			inv.Namespaces[n-1].Declared, inv.Namespaces[n-1].Labels = false, nil
			inv.Namespaces[n-2].Terminating = true
		}
	})
}

// generated is how many clusters the properties of the report are tried on.
const generated = 100

// forEachPlan calls a test for the plan of every scenario, and of every generated cluster.
func forEachPlan(t *testing.T, test func(t *testing.T, p *migrate.Plan)) {
	t.Helper()
	for name, p := range scenarioPlans(t) {
		t.Run(name, func(t *testing.T) { test(t, p) })
	}
	n := generated
	if testing.Short() { // for the race detector
		n /= 10
	}
	for seed := range n {
		t.Run(fmt.Sprintf("generated/%d", seed), func(t *testing.T) { test(t, generatedPlan(t, seed)) })
	}
}

// tableOf is the table of a report with an ID.
func tableOf(t *testing.T, r *handover.Report, id string) *handover.Table {
	t.Helper()
	for i := range r.Sections {
		for _, table := range r.Sections[i].Tables {
			if table.ID == id {
				return table
			}
		}
	}
	t.Fatalf("the report has no table %q", id)
	return nil
}

// cellOf is the cell of a row in the column with an ID.
func cellOf(t *testing.T, table *handover.Table, row *handover.Row, column string) handover.Cell {
	t.Helper()
	for k := range table.Columns {
		if table.Columns[k].ID == column {
			return row.Cells[k]
		}
	}
	t.Fatalf("the table %s has no column %q", table.ID, column)
	return handover.Cell{}
}
