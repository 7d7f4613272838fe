package handover_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// Every number on the HTML page is the Plan's: the page is read back from its bytes, and each number is counted from the Plan in
// another way. The report between them is not looked at.
func TestNumbersOnThePageAreThePlans(t *testing.T) {
	t.Parallel()
	forEachPlan(t, func(t *testing.T, p *migrate.Plan) {
		t.Parallel()
		checkHTMLNumbers(t, p)
	})
	t.Run("more than are named", func(t *testing.T) {
		t.Parallel()
		var dump bytes.Buffer
		if err := (cluster.Spec{Seed: 1, Namespaces: 2, Pods: 200, Bindings: 5, Policies: 2, Apps: 60}).WriteJSON(&dump); err != nil {
			t.Fatal(err)
		}
		p := readPlan(t, &files.Reader{Paths: []string{"-"}, Stdin: &dump}, migrate.Options{}, nil)
		if !slices.ContainsFunc(p.Namespaces, func(ns migrate.Namespace) bool { return len(ns.Workloads) > 21 }) {
			t.Fatal("no namespace has so many workloads that the page does not name all")
		}
		checkHTMLNumbers(t, p)
	})
}

// checkHTMLNumbers compares every number on the page about a plan with it.
func checkHTMLNumbers(t *testing.T, p *migrate.Plan) {
	t.Helper()
	answer := answerOf(p)
	page := pageOf(t, handover.Build(p, answer, handover.Options{}))
	r := page.report
	checkVerdict(t, answer, r.Summary.Verdict)
	if diff := cmp.Diff(countLevels(p), r.Summary.Levels); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
	checkRefusing(t, p, page.refusing)
	checkShownBlockers(t, p, page)
	checkLost(t, p, r.Summary.Lost)
	checkNext(t, p, answer, r.Summary.Next)
	checkUnseen(t, p, r.Summary.Unseen)
	checkNamespaceNumbers(t, p, r)
	checkWorkloadNumbers(t, p, tableOf(t, r, "workloads"))
	checkPolicyNumbers(t, p, r)
	checkUses(t, p, tableOf(t, r, "policy-use"))
	checkUpgrade(t, answer, tableOf(t, r, "upgrade"))
	checkUpgradeNotes(t, answer, tableOf(t, r, "upgrade-notes"))
	checkVersions(t, p, tableOf(t, r, "version-counts"), tableOf(t, r, "version-changes"))
	checkGaps(t, p, r)
	checkCoverage(t, p, tableOf(t, r, "coverage"))
	checkOthers(t, p, tableOf(t, r, "ineffective-grants"))
	checkEvidence(t, p, r)
	checkReferences(t, r)
	checkDrawnNumbers(t, page)
}

// Each column of numbers that a page has is one that the test above compares with the Plan.
func TestEveryColumnOfNumbersIsCompared(t *testing.T) {
	t.Parallel()
	var got []string
	for _, table := range pageOf(t, reportOn(demoPlan(t))).report.Sections[0].Tables {
		for _, c := range table.Columns {
			if c.Kind == "number" {
				got = append(got, table.ID+" "+c.ID)
			}
		}
	}
	want := []string{
		"namespaces workloads", "namespaces lost", "workloads replicas", "workloads pods",
		"policies conditions", "policies sets", "policies lost", "policies workloads", "policies namespaces",
		"ineffective-grants others", "upgrade step", "upgrade objects", "upgrade-notes objects",
		"version-counts restricted", "version-counts baseline", "version-counts privileged", "version-counts none", "version-counts changed",
		"gaps namespaces", "coverage number", "evidence workloads",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-compared +on the page):\n%s", diff)
	}
}

// checkRefusing compares in how many namespaces the page says that the recommended level would refuse what runs.
func checkRefusing(t *testing.T, p *migrate.Plan, got int) {
	t.Helper()
	want := 0
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		enforce := ns.RecommendedLabels.Enforce
		if ns.Action != migrate.ActionWithheld && !ns.Exempt && rank(string(ns.NeededLevel)) >= 0 && rank(string(ns.NeededLevel)) < rank(enforce) {
			want++
		}
	}
	if got != want {
		t.Errorf("the page says that %d namespaces refuse what runs, want %d", got, want)
	}
}

// checkShownBlockers compares the chart of what blocks with the blockers of every namespace: it has them all, the most frequent first.
func checkShownBlockers(t *testing.T, p *migrate.Plan, page *htmlPage) {
	t.Helper()
	namespaces, workloads := map[[3]string]map[string]bool{}, map[[3]string]map[string]bool{}
	for _, ns := range p.Namespaces {
		for _, b := range ns.Blockers {
			key := [3]string{b.Check, string(b.Level), b.Reason}
			if namespaces[key] == nil {
				namespaces[key], workloads[key] = map[string]bool{}, map[string]bool{}
			}
			namespaces[key][ns.Name] = true
			for _, w := range b.Workloads {
				workloads[key][ns.Name+"/"+w.Kind+"/"+w.Name] = true
			}
		}
	}
	left := map[string]int{} // how many lines say it
	for key, in := range namespaces {
		line := fmt.Sprintf("%s, %s: %d, %d", key[2], key[1], len(in), len(workloads[key]))
		left[line]++
	}
	before := len(p.Namespaces)
	for _, b := range page.report.Summary.Blockers {
		line := fmt.Sprintf("%s, %s: %d, %d", b.Text, b.Level, b.Namespaces, b.Workloads)
		if left[line]--; left[line] < 0 {
			t.Errorf("the page has %q, and the Plan does not", line)
		}
		if b.Namespaces > before {
			t.Errorf("the page has %q behind one of %d namespaces", line, before)
		}
		before = b.Namespaces
	}
	for line, n := range left {
		if n > 0 {
			t.Errorf("the page has %q not", line)
		}
	}
	if want := max(0, len(page.report.Summary.Blockers)-6); page.more != want {
		t.Errorf("the page opens to %d more blockers and counts %d", want, page.more)
	}
}

// checkUnseen compares the numbers in the sentences on what could not be seen with the gaps of the Plan.
func checkUnseen(t *testing.T, p *migrate.Plan, got []string) {
	t.Helper()
	alikeMore := regexp.MustCompile(`^.*?, and ([0-9,]+) more: `)
	estimated := 0
	for _, ns := range p.Namespaces {
		if slices.ContainsFunc(ns.Workloads, func(w migrate.Workload) bool {
			taken := slices.ContainsFunc(w.Injections, func(in migrate.Injection) bool { return in.Level == ns.NeededLevel && in.Level != "restricted" })
			return w.Evaluation != nil && w.Exempt == nil && ns.NeededLevel != "" && w.Levels.AfterPSP == ns.NeededLevel && (w.LevelEstimated || taken)
		}) {
			estimated++
		}
	}
	told, unread, seen := 0, 0, 0
	for _, line := range got {
		switch {
		case strings.HasSuffix(line, "more: see the section on what could not be seen"):
			return // the rest is in the table of gaps
		case strings.HasSuffix(line, "was not read: what it grants is not known"), strings.HasSuffix(line, "were not read: what they grant is not known"):
			unread = numberIn(t, line)
		case strings.HasSuffix(line, " a level that rests on an estimate"):
			seen = numberIn(t, line)
		case strings.HasSuffix(line, "were not read: they may change pods or refuse them"):
		default:
			told++
			if found := alikeMore.FindStringSubmatch(line); found != nil {
				told += numberIn(t, found[1])
			}
		}
	}
	roles := map[string]bool{}
	for _, g := range p.IneffectiveGrants {
		if g.RoleNotRead {
			roles[g.Subject] = true
		}
	}
	if told != len(p.Gaps) || seen != estimated || unread != len(roles) {
		t.Errorf("%q: %d gaps, %d estimates, %d roles; want %d, %d, %d", got, told, seen, unread, len(p.Gaps), estimated, len(roles))
	}
}

// checkUpgradeNotes compares the notes on the upgrade with the answer of the gate.
func checkUpgradeNotes(t *testing.T, answer *gate.Result, table *handover.Table) {
	t.Helper()
	var want, got []string
	for _, n := range answer.Notes {
		want = append(want, fmt.Sprint(n.ID, " ", len(n.Objects)))
	}
	for i := range table.Rows {
		got = append(got, fmt.Sprint(cellOf(t, table, &table.Rows[i], "id").Text, " ", cellOf(t, table, &table.Rows[i], "objects").Number))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notes on the upgrade (-want +got):\n%s", diff)
	}
}

// checkCoverage compares every line on what was read with the Plan.
func checkCoverage(t *testing.T, p *migrate.Plan, table *handover.Table) {
	t.Helper()
	want := map[string]int{
		"namespaces": len(p.Namespaces), "namespaces whose level a gap can change": 0, "workloads": 0, "workloads of which no level is known": 0, "live pods": 0,
		"pods that have ended, passed over": p.FinishedPods, "PodSecurityPolicies": len(p.Policies), "roles that let use policies": len(p.Roles),
		"bindings to them": len(p.Bindings), "gaps": len(p.Gaps), "notes": len(p.Notes),
	}
	for _, k := range p.SkippedKinds {
		want[k.Kind+", passed over: it holds no pod, policy or grant"] = k.Count
	}
	for _, ns := range p.Namespaces {
		if !ns.Complete {
			want["namespaces whose level a gap can change"]++
		}
		want["workloads of which no level is known"] += len(ns.UnseenWorkloads)
		for _, w := range ns.Workloads {
			want["workloads"]++
			want["live pods"] += w.Pods
		}
	}
	got := map[string]int{}
	for i := range table.Rows {
		got[table.Rows[i].Cells[0].Text] = table.Rows[i].Cells[1].Number
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was read (-want +got):\n%s", diff)
	}
}

// checkOthers compares the findings on grants with the Plan.
func checkOthers(t *testing.T, p *migrate.Plan, table *handover.Table) {
	t.Helper()
	var want, got []string
	for _, g := range p.IneffectiveGrants {
		want = append(want, fmt.Sprint(g.Subject, " ", len(g.Others)))
	}
	for i := range table.Rows {
		got = append(got, fmt.Sprint(cellOf(t, table, &table.Rows[i], "object").Text, " ", cellOf(t, table, &table.Rows[i], "others").Number))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("grants without effect (-want +got):\n%s", diff)
	}
}

// checkEvidence counts the workloads that each statement of the appendix is about.
func checkEvidence(t *testing.T, p *migrate.Plan, r *handover.Report) {
	t.Helper()
	want, got := map[string]int{}, map[string]int{} // the workloads that fail a check, by what is said of them
	for _, ns := range p.Namespaces {
		for _, w := range ns.Workloads {
			for _, v := range w.Violations {
				want[fmt.Sprintf("fails %s of %s after PSP", v.Check, v.Level)]++
			}
			if len(w.Violations) == 0 {
				want["fails no check of any level after PSP"]++
			}
		}
	}
	table := tableOf(t, r, "evidence")
	for i := range table.Rows {
		statement, n := cellOf(t, table, &table.Rows[i], "statement").Text, cellOf(t, table, &table.Rows[i], "workloads")
		if len(n.Rows) != n.Number {
			t.Errorf("%q is of %d workloads and refers to %d", statement, n.Number, len(n.Rows))
		}
		about := cellOf(t, table, &table.Rows[i], "about").Text
		if _, more, ok := strings.Cut(about, " and "); ok && n.Number > 0 && numberIn(t, more) != n.Number-1 {
			t.Errorf("%q is of %d workloads", about, n.Number)
		}
		if said, _, _ := strings.Cut(statement, ": "); n.Number > 0 {
			got[said] += n.Number
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workloads of the appendix (-want +got):\n%s", diff)
	}
}

// checkDrawnNumbers compares what readers without scripts see with the data for the script, which is compared with the Plan: the rows
// in their order, each number, and how many rows are named for it.
func checkDrawnNumbers(t *testing.T, page *htmlPage) {
	t.Helper()
	for _, table := range page.report.Sections[0].Tables {
		drawn := page.drawn[table.ID]
		if len(drawn) != len(table.Rows) {
			t.Errorf("%s has %d rows without scripts, want %d", table.ID, len(drawn), len(table.Rows))
			continue
		}
		for i, row := range table.Rows {
			if drawn[i].id != row.ID || len(drawn[i].texts) != len(row.Cells) {
				t.Errorf("row %d of %s is %s with %d cells, want %s", i, table.ID, drawn[i].id, len(drawn[i].texts), row.ID)
				continue
			}
			for k, c := range row.Cells {
				if table.Columns[k].Kind != "number" {
					continue
				}
				text := drawn[i].texts[k]
				named, _, _ := strings.Cut(text, ":")
				if numberIn(t, text) != c.Number || len(c.Rows) == 0 && text != named {
					t.Errorf("%s, %s: %q without scripts, want %d", row.ID, table.Columns[k].ID, text, c.Number)
				}
				more := 0
				if at := strings.LastIndex(text, " and "); at >= 0 && strings.HasSuffix(text, " more") {
					more = numberIn(t, text[at+len(" and "):])
				}
				if drawn[i].links[k]+more != len(c.Rows) {
					t.Errorf("%s, %s: %d names and %d more without scripts, want %d", row.ID, table.Columns[k].ID, drawn[i].links[k], more, len(c.Rows))
				}
			}
		}
	}
}
