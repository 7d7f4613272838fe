package cmd

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// A saved plan has all that gate asks about but stored Helm releases, of which the scenarios have none.
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
				read := [3]any{}
				read[0], read[1], read[2] = runTool(SystemDeps("psp2pss"), "", "gate", "--to", to, "-R", "-f", input, "-o", "json")
				saved := [3]any{}
				saved[0], saved[1], saved[2] = runTool(SystemDeps("psp2pss"), "", "gate", "--to", to, "--plan", file, "-o", "json")
				if diff := cmp.Diff(read, saved); diff != "" {
					t.Errorf("exit code, answer, errors (-read +saved):\n%s", diff)
				}
			})
		}
	}
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
