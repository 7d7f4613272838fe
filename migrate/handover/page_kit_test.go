package handover_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	dom "golang.org/x/net/html"

	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/handover/html"
)

// htmlPage is what stands in the HTML page of a report, read back from its bytes alone.
type htmlPage struct {
	root *dom.Node
	// report has the first screen as far as the page shows it, and the tables of the data for the script.
	report *handover.Report
	// drawn has the rows of the tables for readers without scripts.
	drawn map[string][]drawnRow
	// more is how many blockers the first screen says to open to, and refusing in how many namespaces it says that what runs is refused.
	more, refusing int
}

// drawnRow is a row for readers without scripts: its ID, and each cell with its text and how many links it has.
type drawnRow struct {
	id    string
	texts []string
	links []int
}

// pageOf writes the page of a report and reads it back.
func pageOf(t *testing.T, r *handover.Report) *htmlPage {
	t.Helper()
	var out bytes.Buffer
	if err := html.Write(&out, r); err != nil {
		t.Fatal(err)
	}
	root, err := dom.ParseWithOptions(&out, dom.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	p := &htmlPage{root: root, report: &handover.Report{}, drawn: map[string][]drawnRow{}}
	p.readData(t)
	p.readDrawn(t)
	p.readSummary(t)
	return p
}

// under are the elements below a node of the page that have a name and a class; "" stands for any.
func under(n *dom.Node, name, class string) []*dom.Node {
	var found []*dom.Node
	for d := range n.Descendants() {
		if d.Type == dom.ElementNode && (name == "" || d.Data == name) && (class == "" || slices.Contains(strings.Fields(attributeOf(d, "class")), class)) {
			found = append(found, d)
		}
	}
	return found
}

// attributeOf is an attribute of an element; "" if it has none.
func attributeOf(n *dom.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// textOf is the text in an element.
func textOf(n *dom.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == dom.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// numberIn is the number that a text begins with, written as the page writes numbers.
func numberIn(t *testing.T, text string) int {
	t.Helper()
	end := strings.IndexFunc(text, func(r rune) bool { return r != ',' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(text)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(strings.TrimRight(text[:end], ","), ",", ""))
	if err != nil {
		t.Fatalf("%q begins with no number", text)
	}
	return n
}

// byID is the element with an ID.
func (p *htmlPage) byID(t *testing.T, id string) *dom.Node {
	t.Helper()
	for _, n := range under(p.root, "", "") {
		if attributeOf(n, "id") == id {
			return n
		}
	}
	t.Fatalf("the page has no element %q", id)
	return nil
}

// readData reads the block of data for the script, into tables of one section.
func (p *htmlPage) readData(t *testing.T) {
	t.Helper()
	var data struct {
		Texts  []string
		Tables []struct {
			ID      string
			Columns []handover.Column
			Rows    [][]any
		}
	}
	if err := json.Unmarshal([]byte(textOf(p.byID(t, "page-data"))), &data); err != nil {
		t.Fatal(err)
	}
	var s handover.Section
	for _, from := range data.Tables {
		table := &handover.Table{ID: from.ID, Columns: from.Columns}
		for _, r := range from.Rows {
			row := handover.Row{ID: fmt.Sprintf("%s-%v", from.ID, r[0])}
			for i, c := range r[1].([]any) {
				row.Cells = append(row.Cells, cellOfData(&from.Columns[i], c, data.Texts))
			}
			table.Rows = append(table.Rows, row)
		}
		s.Tables = append(s.Tables, table)
	}
	p.report.Sections = []handover.Section{s}
}

// cellOfData is a cell as the data for the script has it.
func cellOfData(column *handover.Column, from any, texts []string) handover.Cell {
	var c handover.Cell
	if list, ok := from.([]any); ok {
		from = list[0]
		for _, n := range list[1:] {
			id := ""
			if n.(float64) >= 0 {
				id = fmt.Sprintf("%s-%v", column.Table, n)
			}
			c.Rows = append(c.Rows, id)
		}
	}
	if n := int(from.(float64)); column.Kind == "number" {
		c.Number = n
	} else {
		c.Text = texts[n]
	}
	return c
}

// readDrawn reads the tables for readers without scripts.
func (p *htmlPage) readDrawn(t *testing.T) {
	t.Helper()
	for _, place := range under(p.root, "div", "table") {
		id := attributeOf(place, "id")
		for _, tr := range under(place, "tr", "") {
			if attributeOf(tr, "id") == "" {
				continue // the head, what a row opens to, or that there is none
			}
			row := drawnRow{id: attributeOf(tr, "id")}
			for c := range tr.ChildNodes() {
				if c.Type == dom.ElementNode {
					row.texts, row.links = append(row.texts, textOf(c)), append(row.links, len(under(c, "a", "")))
				}
			}
			p.drawn[id] = append(p.drawn[id], row)
		}
	}
}

// readSummary reads the first screen.
func (p *htmlPage) readSummary(t *testing.T) {
	t.Helper()
	screen, s := p.byID(t, "page-summary"), &p.report.Summary
	verdict := under(screen, "p", "verdict")[0]
	for _, status := range []string{"ready", "not-ready", "unknown"} {
		if strings.HasSuffix(attributeOf(verdict, "class"), " verdict-"+status) {
			s.Verdict.Status = status
		}
	}
	s.Verdict.Text = textOf(verdict)
	p.readBars(t, screen)
	p.readBlockers(t, screen)
	for i, li := range under(under(screen, "ul", "lost")[0], "li", "") {
		l := handover.LossCount{Class: []string{"security", "functional", "drift"}[i], Constraints: numberIn(t, textOf(under(li, "strong", "")[0]))}
		for _, where := range under(li, "span", "where") {
			if _, in, ok := strings.Cut(textOf(where), ", in "); ok {
				l.Namespaces = numberIn(t, in)
			}
		}
		s.Lost = append(s.Lost, l)
	}
	for _, li := range under(under(screen, "div", "panel-unseen")[0], "li", "") {
		s.Unseen = append(s.Unseen, textOf(li))
	}
	for _, ol := range under(screen, "ol", "next") {
		for _, li := range under(ol, "li", "") {
			s.Next = append(s.Next, stepOf(t, li))
		}
	}
	s.Namespaces = len(p.drawn["namespaces"])
	s.Workloads = len(p.drawn["workloads"])
}

// readBars reads the chart of levels.
func (p *htmlPage) readBars(t *testing.T, screen *dom.Node) {
	t.Helper()
	bars := under(screen, "div", "bar")
	if len(bars) != 3 && (len(bars) > 0 || len(p.drawn["namespaces"]) > 0) {
		t.Fatalf("there are %d bars", len(bars))
	}
	names := map[string]string{"no level": "none", "not known": "unknown"}
	s := &p.report.Summary
	s.Levels = []handover.LevelCount{{Level: "restricted"}, {Level: "baseline"}, {Level: "privileged"}, {Level: "none"}, {Level: "unknown"}}
	for i, bar := range bars {
		if _, in, ok := strings.Cut(textOf(under(bar, "p", "bar-title")[0]), "would refuse what runs today in "); ok {
			p.refusing = numberIn(t, in)
		}
		counts, total := map[string]int{}, 0
		for _, li := range under(bar, "li", "") {
			n, name, _ := strings.Cut(textOf(li), " ")
			if other, ok := names[name]; ok {
				name = other
			}
			counts[name] = numberIn(t, n)
			total += counts[name]
		}
		checkParts(t, bar, counts, total)
		for k := range s.Levels {
			l := &s.Levels[k]
			*[]*int{&l.Today, &l.Recommended, &l.WithPatches}[i] = counts[l.Level]
		}
	}
}

// checkParts compares the parts that are drawn of a bar with the numbers that stand below it.
func checkParts(t *testing.T, bar *dom.Node, counts map[string]int, total int) {
	t.Helper()
	drawn := map[string]bool{}
	for _, part := range under(bar, "svg", "part") {
		level := strings.TrimPrefix(attributeOf(part, "class"), "part level-")
		drawn[level] = true
		if got, want := attributeOf(part, "width"), fmt.Sprintf("%.2f%%", 100*float64(counts[level])/float64(total)); got != want {
			t.Errorf("the part of %s takes %s, want %s", level, got, want)
		}
		for _, n := range under(part, "text", "") {
			if numberIn(t, textOf(n)) != counts[level] {
				t.Errorf("in the part of %s stands %s, and below it %d", level, textOf(n), counts[level])
			}
		}
	}
	for level, n := range counts {
		if drawn[level] != (n > 0) {
			t.Errorf("%d namespaces at %s, and their part is drawn: %v", n, level, drawn[level])
		}
	}
}

// readBlockers reads the chart of what blocks.
func (p *htmlPage) readBlockers(t *testing.T, screen *dom.Node) {
	t.Helper()
	panel := under(screen, "div", "panel-blockers")[0]
	longest := 0
	for _, tr := range under(panel, "tr", "") {
		if len(under(tr, "td", "")) == 0 {
			continue
		}
		level := textOf(under(tr, "span", "check")[0])
		b := handover.BlockerCount{
			Level: strings.TrimPrefix(level, "for "), Text: strings.TrimSpace(strings.TrimSuffix(textOf(under(tr, "th", "")[0]), level)),
			Namespaces: numberIn(t, textOf(under(tr, "span", "count")[0])), Workloads: numberIn(t, textOf(under(tr, "td", "kind-number")[0])),
		}
		longest = max(longest, b.Namespaces)
		line := under(tr, "rect", "level-"+b.Level)
		if want := fmt.Sprintf("%.2f%%", 100*float64(b.Namespaces)/float64(longest)); len(line) != 1 || attributeOf(line[0], "width") != want {
			t.Errorf("the line of %+v is not %s long", b, want)
		}
		p.report.Summary.Blockers = append(p.report.Summary.Blockers, b)
	}
	for _, more := range under(panel, "details", "more") {
		p.more = numberIn(t, strings.TrimPrefix(textOf(under(more, "summary", "")[0]), "And "))
	}
}

// stepOf is a next step of the first screen, with the numbers in its effort.
func stepOf(t *testing.T, li *dom.Node) handover.NextStep {
	t.Helper()
	step := handover.NextStep{Text: textOf(under(li, "strong", "")[0])}
	for _, e := range under(li, "span", "effort") {
		step.Effort = textOf(e)
	}
	for part := range strings.SplitSeq(step.Effort, " in ") {
		switch {
		case strings.Contains(part, " workload"):
			step.Workloads = numberIn(t, part)
		case strings.Contains(part, " namespace"):
			step.Namespaces = numberIn(t, part)
		}
	}
	for _, code := range under(li, "code", "") {
		step.Commands = append(step.Commands, textOf(code))
	}
	return step
}
