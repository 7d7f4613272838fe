package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/message"
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

// manyFindings returns the result of a check of n workloads, each with one finding of some places.
func manyFindings(n, places int) *finding.Result {
	r := &finding.Result{APIVersion: finding.APIVersion, Kind: finding.Kind, Ignored: []finding.Ignored{}, Gaps: []finding.Gap{{What: "a \u202e gap", Message: message.New("template-partial")}}}
	for i := range n {
		object := finding.Object{APIVersion: "v1", Kind: "Pod", Name: fmt.Sprint("pod-<", i)}
		f := finding.Finding{Rule: "privileged", Level: "baseline", Severity: finding.SeverityError, Object: object, New: i%2 == 0, Message: "privileged (a \x1b[1m)"}
		for range places {
			f.Places = append(f.Places, finding.Place{Field: "spec", Value: json.RawMessage(`{"a": 1}`), Range: finding.Range{File: "a.yaml", Line: i + 1}, Edit: &finding.Edit{Op: finding.OpRemove}})
		}
		r.Findings = append(r.Findings, f)
		r.Workloads = append(r.Workloads, finding.Workload{Object: object, Failed: []string{"privileged"}})
		r.Fixed = append(r.Fixed, finding.Known{Rule: "hostPorts", Object: object})
	}
	return r
}

// The result of a check is the same, written at once or piece by piece.
func TestPiecesMakeTheWholeCheck(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*finding.Result{"zero": {}, "one": manyFindings(1, 1), "many": manyFindings(40, 3), "places": manyFindings(3, 101)} {
		var whole, pieces bytes.Buffer
		if err := manifest.WriteJSON(&whole, r); err != nil {
			t.Fatal(err)
		}
		if err := report.FindingJSON(&pieces, r, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole.String(), pieces.String()); diff != "" {
			t.Errorf("%s (-whole +pieces):\n%s", name, diff)
		}
	}
}

// pieceWriter counts what is written into it, and the most that is at once.
type pieceWriter struct{ all, most int }

func (w *pieceWriter) Write(text []byte) (int, error) {
	w.all, w.most = w.all+len(text), max(w.most, len(text))
	return len(text), nil
}

// The JSON of a large result, and of a finding with many places, is never held whole.
func TestCheckIsWrittenInPieces(t *testing.T) {
	t.Parallel()
	for _, r := range []*finding.Result{manyFindings(5_000, 1), manyFindings(1, 20_000)} {
		var w pieceWriter
		if err := report.FindingJSON(&w, r, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if w.all < 2<<20 || w.most > 64<<10 {
			t.Errorf("%d bytes at once, of %d: want at most 64 KiB", w.most, w.all)
		}
	}
}
