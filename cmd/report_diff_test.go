package cmd

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// The report tells the changes of plan --diff, all of them in its order, with the same sentence that counts them.
func TestReportTellsTheChanges(t *testing.T) {
	t.Parallel()
	earlier, deps := earlierPlan(t), SystemDeps("psp2pss")
	for _, scope := range [][]string{nil, {"-n", "shop,ci"}, {"--exclude", "search"}, {"-n", "staging"}, {"-n", "staging,shop"}} {
		var changes difference.Changes
		text, _ := runDone(t, deps, append([]string{"plan", "--demo", "--diff", earlier, "-o", "json"}, scope...)...)
		if err := json.Unmarshal([]byte(text), &changes); err != nil || len(changes.Changes) == 0 {
			t.Fatalf("%d changes, %v", len(changes.Changes), err)
		}
		var want []string
		for i := range changes.Changes {
			c := &changes.Changes[i]
			want = append(want, strings.Join([]string{c.Namespace, c.Object, c.Consequence.Text, c.Before, c.After}, "|"))
		}
		var r handover.Report
		text, _ = runDone(t, deps, append([]string{"report", "--demo", "--diff", earlier, "-o", "json"}, scope...)...)
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if r.Sections[0].ID != handover.ChangesSection || len(r.Sections) != len(handover.SectionIDs())+1 {
			t.Fatalf("%d sections, the first is %s", len(r.Sections), r.Sections[0].ID)
		}
		var got []string
		for _, row := range r.Sections[0].Tables[0].Rows {
			c := row.Cells
			got = append(got, strings.Join([]string{c[1].Text, c[3].Text, c[4].Text, c[5].Text, c[6].Text}, "|"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: (-plan +report):\n%s", scope, diff)
		}
		table, _ := runDone(t, deps, append([]string{"plan", "--demo", "--diff", earlier}, scope...)...)
		sentence, _, _ := strings.Cut(strings.TrimPrefix(r.Summary.Changes, "Since the earlier plan: "), ".")
		if flat := strings.Join(strings.Fields(table), " "); !strings.Contains(flat, sentence+".") {
			t.Errorf("%q: the first screen says %q, and the plan:\n%s", scope, sentence, table)
		}
		checkOutput(t, filepath.FromSlash("../migrate/handover/report.schema.json"), deps, append([]string{"report", "--demo", "--diff", earlier}, scope...)...)
	}
}

// A namespace that only the earlier plan has is compared, and the rest of the report has none; a name that neither has is an error.
func TestReportOnANamespaceThatIsGone(t *testing.T) {
	t.Parallel()
	earlier, deps := earlierPlan(t), SystemDeps("psp2pss")
	var r handover.Report
	text, _ := runDone(t, deps, "report", "--demo", "--diff", earlier, "-n", "staging", "-o", "json")
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	changes, namespaces := r.Sections[0].Tables[0], r.Sections[1].Tables[0]
	if !slices.ContainsFunc(changes.Rows, func(row handover.Row) bool {
		return row.Cells[1].Text == "staging" && row.Cells[4].Text == "staging is gone"
	}) || len(namespaces.Rows) != 0 {
		t.Errorf("%+v, and %d namespaces", changes.Rows, len(namespaces.Rows))
	}
	if r.Cover.Scope != "0 of 13 namespaces; the verdict is on all 13" {
		t.Errorf("the scope is %q", r.Cover.Scope)
	}
	for _, format := range []string{"html", "markdown", "csv=" + t.TempDir()} {
		_, whole := runDone(t, deps, "report", "--demo", "--diff", earlier, "-o", format)
		if _, code := runDone(t, deps, "report", "--demo", "--diff", earlier, "-n", "staging", "-o", format); code != whole {
			t.Errorf("%s: exit code %d, and %d on all namespaces", format, code, whole)
		}
	}
	for _, scope := range []string{"nowhere", "staging,nowhere"} {
		streams, _, errOut := BufferStreams("")
		if code := Run(t.Context(), streams, deps, []string{"report", "--demo", "--diff", earlier, "-n", scope}); code != exitUsage || !strings.Contains(errOut.String(), `"nowhere"`) {
			t.Errorf("-n %s: exit code %d, %s", scope, code, errOut)
		}
	}
}
