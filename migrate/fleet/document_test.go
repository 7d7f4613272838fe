package fleet_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// drawn returns a document for people as it is drawn.
func drawn(t *testing.T, d *report.Document, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, d, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestClustersDocument draws the table of clusters of which some could not be read: they have no numbers, and the first have their reasons.
func TestClustersDocument(t *testing.T) {
	t.Parallel()
	fleets := []*fleet.Fleet{fleet.Of(summarise(t, planOf(t, "../../fixtures/demo/input", "prod", "uid")))}
	for i := range 25 {
		fleets = append(fleets, fleet.Of(fleet.Unread(fmt.Sprintf("gone-%02d", i), "no answer\x1b[31m")))
	}
	f := merge(t, fleets...)
	text := drawn(t, fleet.ClustersDocument(f, report.Options{}), report.Options{})
	for _, want := range []string{"CLUSTER  UPGRADE", "\nprod     not ready  v1.24.17  13 ", "\ngone-00  not read   -         -   ", "\n  gone-19: no answer", "5 more: -o fleet has all", "25 could not be read"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "gone-20: ") || strings.Contains(text, "\x1b") {
		t.Errorf("too much is shown:\n%s", text)
	}
	rows := drawn(t, fleet.ClustersDocument(f, report.Options{NoHeaders: true}), report.Options{NoHeaders: true})
	if strings.Count(rows, "\n") != 26 || strings.Contains(rows, "CLUSTER") {
		t.Errorf("without headers it is\n%s", rows)
	}
	if text := drawn(t, fleet.ClustersDocument(merge(t), report.Options{}), report.Options{}); !strings.Contains(text, "There is no cluster") {
		t.Errorf("of no cluster it is\n%s", text)
	}
}

// TestAnswers counts the answers of the gate, and refuses two on one cluster.
func TestAnswers(t *testing.T) {
	t.Parallel()
	p := planOf(t, "../../fixtures/demo/input", "prod", "uid")
	result := gate.Evaluate(p, gate.Facts{HelmReleases: gate.HelmReleases{NotInPlan: true}}, gate.Options{To: gate.DefaultRelease(p), Tool: "psp2pss"})
	open, pass := &gate.Result{Unknown: []gate.Unknown{{}}, To: "v1.25"}, &gate.Result{Pass: true, To: "v1.25"}
	a, err := fleet.NewAnswers([]fleet.Answer{{Name: "z", Result: result}, {Name: "c", Error: "no answer"}, {Name: "b", Result: open}, {Name: "a", Result: pass}})
	if err != nil {
		t.Fatal(err)
	}
	notReady, questions, unread := a.Names()
	if got := fmt.Sprint(notReady, questions, unread); got != "[z] [b] [c]" {
		t.Errorf("not ready, open, unread: %s", got)
	}
	text := drawn(t, fleet.AnswersDocument(a, report.Options{}), report.Options{})
	for _, want := range []string{"\na        ready ", "\nb        open questions ", "\nc        not read ", "\nz        not ready ", "1 of 4 clusters", "\n  c: no answer"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if _, err := fleet.NewAnswers([]fleet.Answer{{Name: "a", Result: result}, {Name: "b", Result: result}}); err == nil || !strings.Contains(err.Error(), `"a" and "b" are one cluster`) {
		t.Errorf("two answers on one cluster: %v", err)
	}
}
