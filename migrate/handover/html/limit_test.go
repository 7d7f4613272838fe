package html

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/psp2pss/psp2pss/migrate/handover"
)

// letters returns a text of a length that nothing makes shorter.
func letters(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
	}
	return string(b)
}

// huge returns a report with a number of namespaces and two workloads in each. Names are as long as Kubernetes allows; details
// are of one row each, but for a share of them that many rows have; the appendix says it all again.
func huge(r *rand.Rand, namespaces int, alike float64) *handover.Report {
	report := &handover.Report{Cover: handover.Cover{Title: "Report", Source: "files", TargetVersion: "v1.25", Command: "psp2pss report --plan plan.json"}}
	report.Summary.Verdict = handover.Verdict{Status: "unknown", Text: "it is not known"}
	name := func(id, table string) handover.Column {
		return handover.Column{ID: id, Title: strings.ToUpper(id), Kind: "name", Table: table}
	}
	of := &handover.Table{ID: "namespaces", Title: "Namespaces", Columns: []handover.Column{name("namespace", ""), {ID: "workloads", Title: "Workloads", Kind: "number", Table: "workloads"}}}
	in := &handover.Table{ID: "workloads", Title: "Workloads", Columns: []handover.Column{name("namespace", "namespaces"), name("workload", "")}}
	proof := &handover.Table{ID: appendix, Title: "Evidence", Columns: []handover.Column{name("about", ""), {ID: "statement", Title: "Statement", Kind: "text"}}}
	detail := func(kind string, n int) []handover.Detail {
		line := letters(r, n)
		if r.Float64() < alike {
			line = fmt.Sprint("what many rows have ", r.IntN(20))
		}
		return []handover.Detail{{ID: kind, Title: "Detail", Kind: kind, Lines: []string{"spec:", "  " + line}}}
	}
	for i := range namespaces {
		ns := handover.Row{ID: fmt.Sprintf("namespaces-%d", i+1), Cells: []handover.Cell{{Text: letters(r, 63)}, {Number: 2}}, Detail: detail("text", 100)}
		for k := range 2 {
			id := fmt.Sprintf("workloads-%d", 2*i+k+1)
			ns.Cells[1].Rows = append(ns.Cells[1].Rows, id)
			in.Rows = append(in.Rows, handover.Row{ID: id, Cells: []handover.Cell{{Text: ns.Cells[0].Text, Rows: []string{ns.ID}}, {Text: "deployment/" + letters(r, 63)}}, Detail: detail("code", 200)})
		}
		of.Rows = append(of.Rows, ns)
		proof.Rows = append(proof.Rows, handover.Row{ID: fmt.Sprintf("%s-%d", appendix, i+1), Cells: []handover.Cell{{Text: "namespace " + ns.Cells[0].Text}, {Text: letters(r, 90)}}})
	}
	report.Sections = []handover.Section{
		{ID: "namespaces", Title: "Namespaces", Tables: []*handover.Table{of}},
		{ID: "workloads", Title: "Workloads", Tables: []*handover.Table{in}},
		{ID: appendix, Title: "Evidence", Tables: []*handover.Table{proof}},
	}
	return report
}

// checkSaid checks that a page says of each table how many rows and details it does not hold, and how many rows scripts alone show, by
// counting what it holds; and that it names the command that prints them.
func checkSaid(t *testing.T, r *handover.Report, root *html.Node) {
	t.Helper()
	c := contentOf(t, root)
	i := 0
	for table := range tablesOf(r) {
		data := c.Tables[i]
		i++
		all, left := 0, 0
		for k := range data.Rows {
			all += len(table.Rows[k].Detail)
			left += len(table.Rows[k].Detail) - len(data.Rows[k][2].([]any))
		}
		var place *html.Node
		for _, n := range elements(root, "div") {
			if attribute(n, "id") == table.ID {
				place = n
			}
		}
		drawn := 0
		for _, n := range elements(place, "tr") {
			if attribute(n, "id") != "" {
				drawn++
			}
		}
		var notes [2]string // above the table, and for readers without scripts
		for _, n := range elements(place, "p") {
			if attribute(n, "class") == "cut" {
				if !strings.Contains(text(n), "psp2pss report --plan plan.json -o json=report.json") {
					t.Errorf("%s: no command in %q", table.ID, text(n))
				}
				if n.Parent.Data == "noscript" {
					notes[1] = text(n)
				} else {
					notes[0] = text(n)
				}
			}
		}
		for _, want := range []struct {
			note   string
			n, of  int
			what   string
			reason string
		}{
			{notes[0], len(table.Rows) - len(data.Rows), len(table.Rows), "rows", "rows that the page does not hold"},
			{notes[0], left, all, "details of rows", "details that the page does not hold"},
			{notes[1], len(table.Rows) - drawn, len(table.Rows), "rows", "rows that readers without scripts do not have"},
		} {
			if got := saidOf(want.note, want.what); got != [2]int{want.n, want.of} && (want.n > 0 || got != [2]int{}) {
				t.Errorf("%s, %s: %v in %q, want %d of %d", table.ID, want.reason, got, want.note, want.n, want.of)
			}
		}
	}
}

// saidOf returns the two numbers of "1,000 of 2,000 rows" in a note on a page; none where it does not say that.
func saidOf(note, what string) [2]int {
	found := regexp.MustCompile(`([0-9,]+) of ([0-9,]+) ` + what + `(?: and| would)`).FindStringSubmatch(note)
	if found == nil {
		return [2]int{}
	}
	var out [2]int
	for i := range out {
		out[i], _ = strconv.Atoi(strings.ReplaceAll(found[1+i], ",", ""))
	}
	return out
}

// A report of 4,000 namespaces with long names, which is many times as large as a page may be, becomes a page that is not larger.
func TestLimitOfALargeReport(t *testing.T) {
	t.Parallel()
	const limit = maxBytes / 10
	r := huge(rand.New(rand.NewPCG(1, 2)), 4_000, 0.5)
	page, root := written(t, r, limit)
	if len(page) > limit || len(page) < limit*7/10 {
		t.Errorf("the page has %d bytes, want at most %d and most of it used", len(page), limit)
	}
	checkSaid(t, r, root)
}

// Whatever a report has in it, its page is never larger than it may be, says what it leaves out, and fills most of what it may have.
func TestLimitOfGeneratedReports(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			r := huge(random, random.IntN(800), random.Float64())
			for range random.IntN(3) {
				r.Summary.Next = append(r.Summary.Next, handover.NextStep{Text: "Do it.", Commands: []string{"psp2pss labels -n " + letters(random, random.IntN(60_000))}})
			}
			limit := 250_000 + random.IntN(500_000)
			page, root := written(t, r, limit)
			if len(page) > limit {
				t.Errorf("the page has %d bytes, and may have %d", len(page), limit)
			}
			checkSaid(t, r, root)
			if strings.Contains(page, `class="cut"`) && len(page) < limit/2 {
				t.Errorf("the page has %d bytes of %d, and leaves something out", len(page), limit)
			}
		})
	}
}

// A page without a row that is too large all the same is an error that says what to do.
func TestLimitOfTexts(t *testing.T) {
	t.Parallel()
	r := huge(rand.New(rand.NewPCG(3, 4)), 10, 0)
	r.Summary.Next = []handover.NextStep{{Text: "Do it.", Commands: []string{strings.Repeat("n", 300_000)}}}
	err := write(&strings.Builder{}, r, 200_000)
	if err == nil || !regexp.MustCompile(`^the HTML report has [0-9,]+ bytes without a row of its tables, and may have 200,000: .*-n`).MatchString(err.Error()) {
		t.Errorf("got %v", err)
	}
}
