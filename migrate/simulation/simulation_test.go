package simulation_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/simulation"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
)

func read(t *testing.T, path string) (*inventory.Inventory, *migrate.Plan) {
	t.Helper()
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	if err := (&files.Reader{Paths: []string{path}, Recursive: true}).Read(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	inv := b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: path})
	plan, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return inv, plan
}

// A saved plan says what its source says as written and after PSP, in every scenario, wherever it has an answer.
func TestFromPlanAgreesWithFromInventory(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("../../fixtures/*/input")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	known, unknown := 0, 0
	for _, input := range inputs {
		inv, plan := read(t, input)
		for _, form := range []simulation.Form{simulation.AsWritten, simulation.AfterPSP} {
			for _, level := range []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted} {
				request := simulation.Request{Form: form, Level: level}
				where := fmt.Sprintf("%s, %s, %s", input, form, level)
				want, err := simulation.FromInventory(inv, plan, request)
				if err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				got, err := simulation.FromPlan(plan, request)
				if err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				byName := map[string]simulation.Workload{}
				for _, w := range want.Results {
					byName[w.Namespace+"/"+w.Kind+"/"+w.Name] = w
				}
				for _, w := range got.Results {
					from, ok := byName[w.Namespace+"/"+w.Kind+"/"+w.Name]
					switch {
					case !ok:
						t.Errorf("%s: %s/%s/%s is in the plan only", where, w.Namespace, w.Kind, w.Name)
					case w.Unknown != "":
						unknown++
					default:
						known++
						if diff := cmp.Diff(from, w); diff != "" {
							t.Errorf("%s (-source +plan):\n%s", where, diff)
						}
					}
				}
				if len(got.Results) != len(want.Results) {
					t.Errorf("%s: %d workloads of the plan, %d of its source", where, len(got.Results), len(want.Results))
				}
			}
		}
	}
	if known < 300 || unknown < 10 {
		t.Errorf("%d answers known, %d not: the comparison says too little", known, unknown)
	}
}

func TestFromPlanAtAnotherVersion(t *testing.T) {
	t.Parallel()
	plan := &migrate.Plan{TargetVersion: "v1.25"}
	for version, want := range map[string]string{
		"v1.26": "simulating at v1.26: the plan holds verdicts at v1.25 only; read the source again instead of --plan",
		"v1.25": "<nil>",
	} {
		target, err := api.ParseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := simulation.FromPlan(plan, simulation.Request{Level: api.LevelBaseline, Target: target}); fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
