package cmd

import (
	"encoding/json"
	"path/filepath"
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
	for _, scope := range [][]string{nil, {"-n", "shop,ci"}, {"--exclude", "search"}} {
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
