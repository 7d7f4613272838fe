package report_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// Written piece by piece or at once: the bytes are the same.
func TestPiecesMakeTheWhole(t *testing.T) {
	t.Parallel()
	plans := map[string]*migrate.Plan{"zero": {}, "demo": readPlan(t, "demo"), "empty": readPlan(t, "empty"), "many": readPlan(t, "many"), "hostile": readPlan(t, "hostile"), "crowded": readPlan(t, "demo")}
	many := make([]migrate.Workload, 101) // so many that they are written one by one
	plans["crowded"].Namespaces[0].Workloads = append(many, migrate.Workload{Evaluation: &migrate.Evaluation{StricterEdits: []migrate.StricterEdits{{Level: "restricted", Edits: make([]migrate.TemplateEdit, 101)}, {}}}})
	plans["crowded"].Namespaces = append(plans["crowded"].Namespaces, migrate.Namespace{Labels: map[string]string{}, Workloads: make([]migrate.Workload, 101)})
	for name, p := range plans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var whole, pieces bytes.Buffer
			encoder := json.NewEncoder(&whole)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(p); err != nil {
				t.Fatal(err)
			}
			if err := report.PlanJSON(&pieces, p, report.Options{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(escape.JSON(whole.Bytes())), pieces.String()); diff != "" {
				t.Errorf("JSON (-whole +pieces):\n%s", diff)
			}
			if !json.Valid(pieces.Bytes()) {
				t.Error("the JSON form is not JSON")
			}
			whole.Reset()
			pieces.Reset()
			if err := manifest.WriteYAML(&whole, p); err != nil {
				t.Fatal(err)
			}
			if err := report.PlanYAML(&pieces, p, report.Options{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(whole.String(), pieces.String()); diff != "" {
				t.Errorf("YAML (-whole +pieces):\n%s", diff)
			}
		})
	}
}
