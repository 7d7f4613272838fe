package engine_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// planOf reads a Plan from files.
func planOf(t testing.TB, paths ...string) *migrate.Plan {
	t.Helper()
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	r := &files.Reader{Paths: paths, Recursive: true}
	if err := r.Read(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	p, err := migrate.Build(b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: "test"}), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// demoPlan is the Plan of the built-in demo cluster.
func demoPlan(t testing.TB) *migrate.Plan {
	t.Helper()
	return planOf(t, filepath.Join("..", "..", "fixtures", "demo", "input"))
}

// build is Build of options that are right.
func build(t testing.TB, p *migrate.Plan, o engine.Options) *engine.Table {
	t.Helper()
	table, err := engine.Build(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestDemo compares the tables of the demo with golden files: what each mode keeps there.
func TestDemo(t *testing.T) {
	t.Parallel()
	p := demoPlan(t)
	for name, o := range map[string]engine.Options{
		"delta":              {Mode: engine.Delta},
		"delta-static":       {Mode: engine.Delta, Grants: engine.StaticGrants},
		"continuity":         {Mode: engine.Continuity},
		"restricted-but-for": {Mode: engine.RestrictedButFor, MaxExceptions: 1},
	} {
		got := shown(t, build(t, p, o))
		path := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// shown is a table as JSON, with the constraints as Go writes them, since their types matter.
func shown(t testing.TB, table *engine.Table) []byte {
	t.Helper()
	type alternative struct {
		engine.Alternative
		Constraints []string
	}
	type policy struct {
		engine.Policy
		Constraints []string
	}
	type set struct {
		engine.Set
		Alternatives []alternative
	}
	out := struct {
		*engine.Table
		Policies []policy
		Sets     []set
	}{Table: table}
	for _, p := range table.Policies {
		out.Policies = append(out.Policies, policy{p, texts(t, p.Constraints)})
	}
	for _, s := range table.Sets {
		shown := set{Set: s}
		for _, a := range s.Alternatives {
			shown.Alternatives = append(shown.Alternatives, alternative{a, texts(t, a.Constraints)})
		}
		out.Sets = append(out.Sets, shown)
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

// texts are constraints with the names of their types.
func texts[T any](t testing.TB, all []T) []string {
	t.Helper()
	out := []string{}
	for _, c := range all {
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%T %s", c, data))
	}
	return out
}
