package cmd

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/fixtures"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// savePlan writes the plan of the demo as one of another source, and returns the name of the file.
func savePlan(t *testing.T, source inventory.Source) string {
	t.Helper()
	demo, err := fixtures.DemoInput()
	if err != nil {
		t.Fatal(err)
	}
	b := inventory.NewBuilder()
	if err := files.ReadFS(demo, b); err != nil {
		t.Fatal(err)
	}
	plan, err := migrate.Build(b.Build(source), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPlanOfAnotherCluster checks that a saved plan is rolled out, and verified, on the cluster that it is of and on no
// other, whatever the contexts are called.
func TestPlanOfAnotherCluster(t *testing.T) {
	t.Parallel()
	here := inventory.Source{Kind: inventory.SourceCluster, Name: "admin", ServerVersion: "v1.24.17", UID: "uid-of-kube-system"}
	there := here
	there.UID = "another"
	nameless := here
	nameless.UID = ""
	dump := inventory.Source{Kind: inventory.SourceFiles, Name: "dump", UID: "another"}
	const (
		elsewhere = `is of another cluster (context "admin", server v1.24.17) than that of context "prod": the UID of its namespace kube-system is another, and here it is uid-of-kube-system; choose the right cluster with --kubeconfig or --context, or make a plan of this one`
		ofDump    = `is of another cluster than that of context "prod": the UID of its namespace kube-system is another, and here it is uid-of-kube-system; choose the right cluster with --kubeconfig or --context, or make a plan of this one`
		ofDemo    = `is of the built-in demo cluster, which no command reaches: make a plan of the cluster with 'plan -o json=plan.json'`
		ofFiles   = `does not name its cluster, since it was made from files: make the plan of this cluster, or add --this-cluster if it is meant for this one`
		unread    = `does not name its cluster, since it has no UID of kube-system (that was not known when it was made, or it is of an earlier version): make the plan of this cluster, or add --this-cluster if it is meant for this one`
	)
	observe := []string{"rollout", "--yes", "--stage", "observe", "-n", "shop"}
	tests := []struct {
		name   string
		source inventory.Source
		args   []string
		code   int
		want   string // in the error, after the name of the plan
		writes int
	}{
		{"this one", here, observe, exitDone, "", 3},
		{"another", there, observe, exitFailed, elsewhere, 0},
		{"another, by force", there, append(observe, "--force", "--this-cluster", "--context", "prod"), exitFailed, elsewhere, 0},
		{"another, where nothing is left to do", there, []string{"rollout", "--yes", "-n", "kube-system", "--exclude", "kube-system"}, exitFailed, elsewhere, 0},
		{"another, asked of the server", there, []string{"rollout", "--dry-run=server"}, exitFailed, elsewhere, 0},
		{"another, verified", there, []string{"verify"}, exitFailed, elsewhere, 0},
		{"a dump of another", dump, observe, exitFailed, ofDump, 0},
		{"the demo", inventory.Source{Kind: inventory.SourceDemo}, append(observe, "--this-cluster"), exitUsage, ofDemo, 0},
		{"the demo, verified", inventory.Source{Kind: inventory.SourceDemo}, []string{"verify"}, exitUsage, ofDemo, 0},
		{"files", inventory.Source{Kind: inventory.SourceFiles, Name: "a.yaml"}, observe, exitUsage, ofFiles, 0},
		{"files, meant for this one", inventory.Source{Kind: inventory.SourceFiles}, append(observe, "--this-cluster"), exitDone, "", 3},
		{"not known", nameless, observe, exitUsage, unread, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			plan := savePlan(t, tt.source)
			args := append(tt.args[:len(tt.args):len(tt.args)], "--plan", plan)
			if tt.args[0] == "rollout" && tt.writes > 0 {
				args = append(args, "--journal", g.journal())
			}
			code, _, errOut := g.run(context.Background(), nil, args...)
			first, _, _ := strings.Cut(errOut, "\n")
			want := "psp2pss: the plan \"" + plan + "\" " + tt.want
			if code != tt.code || tt.want != "" && first != want {
				t.Errorf("exit code %d, want %d\n%s\nwant %s", code, tt.code, errOut, want)
			}
			if got := g.writes(); len(got) != tt.writes {
				t.Errorf("writes %q, want %d", got, tt.writes)
			}
		})
	}
}
