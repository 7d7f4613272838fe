package ciformat

import (
	"fmt"
	"io"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
)

// namesakes returns the result of a check of n objects of one name, on one line of a file, each with one finding.
func namesakes(n int) *finding.Result {
	r := &finding.Result{}
	for range n {
		object := finding.Object{APIVersion: "v1", Kind: "Pod", Namespace: "web", Name: "api"}
		r.Workloads = append(r.Workloads, finding.Workload{Object: object, Position: pspparse.Position{File: "a.json", Line: 1}, Failed: []string{"privileged"}})
		r.Findings = append(r.Findings, finding.Finding{
			Rule: "privileged", Level: "baseline", Severity: finding.SeverityError, Object: object, Message: "privileged (a)", Fingerprint: fmt.Sprint(len(r.Findings)),
			Places: []finding.Place{{Field: "spec", Range: finding.Range{File: "a.json", Line: 1, Column: len(r.Findings) + 1}}},
		})
	}
	return r
}

// widest remembers how much is written at once, and in all.
type widest struct{ all, most int }

func (w *widest) Write(text []byte) (int, error) {
	w.all, w.most = w.all+len(text), max(w.most, len(text))
	return len(text), nil
}

// No format holds a large document whole. A report object is held, as a server takes it.
func TestWrittenInPieces(t *testing.T) {
	t.Parallel()
	r := namesakes(6_000)
	for _, f := range Formats() {
		limit := 64 << 10
		switch f.Name {
		case "github", "github-summary": // they have a limit of their own
			continue
		case "policyreport", "openreports":
			limit = 2 * reportMostBytes
		}
		var w widest
		if err := f.Write(&w, r, Options{}); err != nil {
			t.Fatal(err)
		}
		if w.all < 1<<20 || w.most > limit {
			t.Errorf("%s: %d bytes at once, of %d, want at most %d", f.Name, w.most, w.all, limit)
		}
	}
}

// Of objects of one name, a finding that was taken is not looked at again, so that each costs the same.
func TestTakenFindingsAreGone(t *testing.T) {
	t.Parallel()
	r := namesakes(100)
	index := newFindingIndex(groupOutcomes(r, func(*finding.Object) string { return "" })[""].found)
	for i := range r.Workloads {
		if f := index.take(&r.Workloads[i], "privileged"); f == nil || f.finding != &r.Findings[i] {
			t.Fatalf("workload %d takes %v", i, f)
		}
		for _, left := range index.by {
			if len(left) != len(r.Findings)-i-1 {
				t.Fatalf("%d of %d findings are left", len(left), len(r.Findings)-i-1)
			}
		}
	}
	if f := index.take(&r.Workloads[0], "privileged"); f != nil {
		t.Errorf("a finding was taken twice: %v", f)
	}
}

// What objects of one name cost grows with their number, in objects that are allocated: the names of cases, fingerprints, results. It runs
// alone, for what other tests allocate would be counted, too.
func TestNamesakesCostInProportion(t *testing.T) { //nolint:paralleltest // see above
	for _, f := range Formats() {
		cost := func(n int) float64 {
			r := namesakes(n)
			return testing.AllocsPerRun(1, func() {
				if err := f.Write(io.Discard, r, Options{}); err != nil {
					t.Fatal(err)
				}
			})
		}
		none, one, four := cost(0), cost(500), cost(2_000)
		if ratio := (four - none) / (one - none); ratio > 4*1.5 {
			t.Errorf("%s: 500 objects of one name cost %.0f, 2,000 cost %.0f: %.1f times as much", f.Name, one-none, four-none, ratio)
		}
	}
}
