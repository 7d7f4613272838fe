package html

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// demo returns the report of the demo.
func demo(t *testing.T) *handover.Report {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &handover.Report{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// written returns the page of a report of at most a number of bytes, as text and parsed as a browser without scripts does.
func written(t *testing.T, r *handover.Report, limit int) (string, *html.Node) {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, r, limit); err != nil {
		t.Fatal(err)
	}
	root, err := html.ParseWithOptions(bytes.NewReader(out.Bytes()), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), root
}

// elements returns all elements of a name below a node; "" stands for every name.
func elements(root *html.Node, name string) []*html.Node {
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

// attribute returns an attribute of an element, "" if it has none.
func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// text returns the text in an element.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// content is the data of a page as its script reads it.
type content struct {
	Texts   []string
	Details [][]any
	Tables  []struct {
		ID   string
		Rows [][]any
	}
}

// contentOf returns the data of a page.
func contentOf(t *testing.T, root *html.Node) content {
	t.Helper()
	for _, n := range elements(root, "script") {
		if attribute(n, "id") != "page-data" {
			continue
		}
		var from io.Reader = strings.NewReader(text(n))
		if attribute(n, "type") == "application/gzip" {
			unzipped, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, from))
			if err != nil {
				t.Fatal(err)
			}
			from = unzipped
		}
		var c content
		if err := json.NewDecoder(from).Decode(&c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Fatal("the page has no data")
	return content{}
}

// What the policy lets run is what stands between the tags, and the policy stands before everything that it is about.
func TestPolicy(t *testing.T) {
	t.Parallel()
	_, root := written(t, demo(t), maxBytes)
	head := elements(root, "head")[0]
	first := elements(head, "")[0]
	if attribute(first, "http-equiv") != "Content-Security-Policy" {
		t.Fatalf("the head begins with %s", first.Data)
	}
	style, scripts := elements(root, "style"), elements(root, "script")
	if len(style) != 1 || len(scripts) != 2 || attribute(scripts[1], "type") != "" {
		t.Fatalf("%d style sheets, %d scripts", len(style), len(scripts))
	}
	want := fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", hashOf(text(style[0])), hashOf(text(scripts[1])))
	if got := attribute(first, "content"); got != want {
		t.Errorf("the policy is\n%s\nthe elements have\n%s", got, want)
	}
	for _, n := range elements(root, "") {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s>: the policy refuses it", n.Data, a.Key)
			}
			if slices.Contains([]string{"href", "src"}, a.Key) && !strings.HasPrefix(a.Val, "#") && a.Val != "data:," {
				t.Errorf("<%s %s=%q> leads out of the page", n.Data, a.Key, a.Val)
			}
		}
	}
}

// The page of the demo, as its elements: texts change more often than what they stand in. Rows are left out after the first of a table.
func TestStructure(t *testing.T) {
	t.Parallel()
	_, root := written(t, demo(t), maxBytes)
	var got strings.Builder
	outline(&got, elements(root, "html")[0], 0)
	path := filepath.Join("testdata", "structure.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// outline writes an element with its attributes, and those in it. What repeats the one before is left out.
func outline(w *strings.Builder, n *html.Node, depth int) {
	fmt.Fprintf(w, "%s%s", strings.Repeat(" ", depth), n.Data)
	for _, a := range n.Attr {
		if slices.Contains([]string{"id", "class", "role", "scope", "type", "lang", "aria-label", "aria-labelledby", "aria-hidden", "tabindex", "href"}, a.Key) {
			fmt.Fprintf(w, " %s=%q", a.Key, a.Val)
		}
	}
	w.WriteString("\n")
	var before string
	for c := range n.ChildNodes() {
		if c.Type != html.ElementNode || c.Data == "path" {
			continue
		}
		if repeated := c.Data + attribute(c, "class"); repeated != before || !slices.Contains([]string{"tr", "li", "a", "p"}, c.Data) {
			outline(w, c, depth+1)
			before = repeated
		}
	}
}

// Everything is there for readers without scripts and for the script: each text of each cell and each detail of the demo.
func TestHoldsTheReport(t *testing.T) {
	t.Parallel()
	r := demo(t)
	_, root := written(t, r, maxBytes)
	c := contentOf(t, root)
	byID := map[string]*html.Node{}
	for _, n := range elements(root, "") {
		if id := attribute(n, "id"); id != "" {
			if byID[id] != nil {
				t.Errorf("there are two elements %s", id)
			}
			byID[id] = n
		}
	}
	tables := slices.Collect(tablesOf(r))
	for i, table := range tables {
		if c.Tables[i].ID != table.ID || len(c.Tables[i].Rows) != len(table.Rows) {
			t.Fatalf("the data has %d rows of %s, and the report %d of %s", len(c.Tables[i].Rows), c.Tables[i].ID, len(table.Rows), table.ID)
		}
		for j, row := range table.Rows {
			checkDrawn(t, table, &row, byID[row.ID])
			checkData(t, table, &row, c, c.Tables[i].Rows[j])
		}
	}
}

// checkDrawn compares a row with its element.
func checkDrawn(t *testing.T, table *handover.Table, row *handover.Row, drawn *html.Node) {
	t.Helper()
	if drawn == nil {
		t.Errorf("there is no element %s", row.ID)
		return
	}
	i := 0
	for c := range drawn.ChildNodes() {
		if c.Type != html.ElementNode {
			continue
		}
		if got := strings.TrimSuffix(text(c), "\n"); table.Columns[i].Kind != "number" && got != row.Cells[i].Text {
			t.Errorf("%s, column %s: %q, want %q", row.ID, table.Columns[i].ID, got, row.Cells[i].Text)
		} else if table.Columns[i].Kind == "number" && !strings.HasPrefix(strings.ReplaceAll(got, ",", ""), fmt.Sprint(row.Cells[i].Number)) {
			t.Errorf("%s, column %s: %q, want %d", row.ID, table.Columns[i].ID, got, row.Cells[i].Number)
		}
		i++
	}
	if i != len(table.Columns) {
		t.Errorf("%s has %d cells", row.ID, i)
	}
	if len(row.Detail) == 0 {
		return
	}
	said := text(drawn.NextSibling.NextSibling) + text(drawn.NextSibling)
	for _, d := range row.Detail {
		for _, line := range append([]string{d.Title}, d.Lines...) {
			if !strings.Contains(said, line) {
				t.Errorf("%s: the detail %q is not there", row.ID, line)
			}
		}
	}
}

// checkData compares a row with what the script has of it.
func checkData(t *testing.T, table *handover.Table, row *handover.Row, c content, data []any) {
	t.Helper()
	if id := fmt.Sprintf("%s-%v", table.ID, data[0]); id != row.ID {
		t.Errorf("the data has %s for %s", id, row.ID)
	}
	for i, cell := range data[1].([]any) {
		var rows []string
		if list, ok := cell.([]any); ok {
			cell = list[0]
			for _, n := range list[1:] {
				rows = append(rows, map[bool]string{true: "", false: fmt.Sprintf("%s-%v", table.Columns[i].Table, n)}[n == float64(noRow)])
			}
		}
		got := handover.Cell{Rows: rows}
		if table.Columns[i].Kind == "number" {
			got.Number = int(cell.(float64))
		} else {
			got.Text = c.Texts[int(cell.(float64))]
		}
		if diff := cmp.Diff(row.Cells[i], got); diff != "" {
			t.Errorf("%s, column %s (-report +data):\n%s", row.ID, table.Columns[i].ID, diff)
		}
	}
	for i, at := range data[2].([]any) {
		d := c.Details[int(at.(float64))]
		got := handover.Detail{ID: row.Detail[i].ID, Title: c.Texts[int(d[0].(float64))], Kind: detailKinds()[int(d[1].(float64))]}
		for _, line := range d[2].([]any) {
			got.Lines = append(got.Lines, c.Texts[int(line.(float64))])
		}
		if diff := cmp.Diff(row.Detail[i], got); diff != "" {
			t.Errorf("%s (-report +data):\n%s", row.ID, diff)
		}
	}
}

// hostileTexts would run, end an element, or hide what they are.
func hostileTexts() []string {
	return []string{
		`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `</style><script>alert(1)</script>`, `</noscript><img src=x onerror=alert(1)>`,
		`"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `<!--`, `]]>`, `{{.}}`, `&lt;b&gt; &amp; &#x41;`, `javascript:alert(1)`,
		"\u202egnp.exe", "\u2066a\u2069", "\x1b[31mred\x07\x00", "a\u2028b\u2029c", "zero\u200bwidth\ufeff", "\xff\xfe", "line\nend\ttab\r",
		strings.Repeat("n", 253), "größe 日本",
	}
}

// spoil replaces every text of a report that is no identifier or word of ours by hostile ones, and returns them. Each has a number.
func spoil(r *handover.Report) []string {
	var spoilt []string
	spoiled := func(s *string) {
		*s = fmt.Sprintf("%d%s", len(spoilt)+1000, hostileTexts()[len(spoilt)%len(hostileTexts())])
		spoilt = append(spoilt, *s)
	}
	for _, s := range []*string{&r.Cover.Title, &r.Cover.Client, &r.Cover.Author, &r.Cover.Source, &r.Cover.ReadAt, &r.Cover.TargetVersion, &r.Cover.ServerVersion, &r.Cover.ToolVersion, &r.Summary.Verdict.Text} {
		spoiled(s)
	}
	for i := range r.Summary.Blockers {
		spoiled(&r.Summary.Blockers[i].Text)
	}
	for i := range r.Summary.Lost {
		spoiled(&r.Summary.Lost[i].Text)
	}
	for i := range r.Summary.Unseen {
		spoiled(&r.Summary.Unseen[i])
	}
	for i := range r.Summary.Next {
		spoiled(&r.Summary.Next[i].Text)
		spoiled(&r.Summary.Next[i].Effort)
	}
	for i := range r.Sections {
		s := &r.Sections[i]
		spoiled(&s.Title)
		for j := range s.Text {
			spoiled(&s.Text[j])
		}
		for _, t := range s.Tables {
			spoiled(&t.Title)
			spoiled(&t.Text)
			for j := range t.Columns {
				spoiled(&t.Columns[j].Title)
			}
			for j := range t.Rows {
				for k := range t.Rows[j].Cells {
					if t.Columns[k].Kind != "number" {
						spoiled(&t.Rows[j].Cells[k].Text)
					}
				}
				for k := range t.Rows[j].Detail {
					d := &t.Rows[j].Detail[k]
					d.Kind = map[bool]string{true: "text", false: "evidence"}[d.Kind != "evidence"] // lines of code keep their ends
					spoiled(&d.Title)
					for l := range d.Lines {
						spoiled(&d.Lines[l])
					}
				}
			}
		}
	}
	return spoilt
}

// Nothing that a report says runs, ends an element or hides: the page has the same elements, and every text can be read.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	r := demo(t)
	spoilt := spoil(r)
	page, root := written(t, r, maxBytes)
	if n := len(elements(root, "script")); n != 2 {
		t.Errorf("there are %d scripts", n)
	}
	for _, n := range elements(root, "") {
		if slices.Contains([]string{"img", "b", "iframe", "object"}, n.Data) {
			t.Errorf("a text became <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || strings.Contains(a.Key, "'") {
				t.Errorf("a text became the attribute %s", a.Key)
			}
		}
	}
	for _, r := range page {
		if r != '\n' && !escape.IsVisible(r) {
			t.Fatalf("the page has the rune %U, which nobody sees", r)
		}
	}
	said := text(elements(root, "body")[0])
	c := contentOf(t, root)
	inData := map[string]bool{}
	for _, s := range c.Texts {
		inData[s] = true
	}
	for _, s := range spoilt {
		if !strings.Contains(said, escape.Visible(s)) {
			t.Errorf("%q cannot be read", s)
		}
	}
	for table := range tablesOf(r) {
		for _, row := range table.Rows {
			for i, cell := range row.Cells {
				if table.Columns[i].Kind != "number" && !inData[escape.Visible(cell.Text)] {
					t.Errorf("%s: the data lacks %q", row.ID, cell.Text)
				}
			}
		}
	}
}

// panel returns the panel of the first screen with a class.
func panel(t *testing.T, root *html.Node, class string) *html.Node {
	t.Helper()
	for _, n := range elements(root, "div") {
		if slices.Contains(strings.Fields(attribute(n, "class")), class) {
			return n
		}
	}
	t.Fatalf("there is no panel %s", class)
	return nil
}

// Every check that blocks is on the first screen: the most frequent at once, the others where "And 2 more" opens to them.
func TestMoreBlockers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "", mostBlockers: "", mostBlockers + 1: "And 1 more", 31: "And 25 more"} {
		r := demo(t)
		r.Summary.Blockers = nil
		for i := range n {
			r.Summary.Blockers = append(r.Summary.Blockers, handover.BlockerCount{Level: "baseline", Text: fmt.Sprintf("reason %d", i), Namespaces: n - i, Workloads: n})
		}
		_, root := written(t, r, maxBytes)
		blockers := panel(t, root, "panel-blockers")
		said := ""
		for _, s := range elements(blockers, "summary") {
			said = text(s)
			if opened := len(elements(s.Parent, "tr")) - 1; opened != n-mostBlockers {
				t.Errorf("%q opens to %d checks, want %d", said, opened, n-mostBlockers)
			}
		}
		if said != want {
			t.Errorf("of %d checks the first screen says %q, want %q", n, said, want)
		}
		for i := range n {
			if !strings.Contains(text(blockers), fmt.Sprintf("reason %d ", i)) {
				t.Errorf("of %d checks number %d is not there", n, i)
			}
		}
	}
}

// Where there is no namespace the first screen says so in words, and draws no empty chart.
func TestNoNamespaces(t *testing.T) {
	t.Parallel()
	r := demo(t)
	for i := range r.Summary.Levels {
		r.Summary.Levels[i] = handover.LevelCount{Level: r.Summary.Levels[i].Level}
	}
	_, root := written(t, r, maxBytes)
	levels := panel(t, root, "panel-levels")
	if len(elements(levels, "svg")) > 0 || !strings.Contains(text(levels), "There is no namespace to count.") {
		t.Errorf("the chart of no namespaces says %q", text(levels))
	}
	_, root = written(t, demo(t), maxBytes)
	if levels = panel(t, root, "panel-levels"); len(elements(levels, "svg")) == 0 || strings.Contains(text(levels), "no namespace to count") {
		t.Errorf("the chart of the demo says %q", text(levels))
	}
}

// many returns the report of the demo with a number of further rows in its table of namespaces.
func many(t *testing.T, rows int) *handover.Report {
	t.Helper()
	r := demo(t)
	table := r.Sections[0].Tables[0]
	for i := range rows {
		row := table.Rows[i%13]
		row.ID = fmt.Sprintf("namespaces-%d", len(table.Rows)+1)
		row.Cells = slices.Clone(row.Cells)
		row.Cells[0].Text += fmt.Sprintf("-%d", i)
		row.Detail = slices.Clone(row.Detail)
		row.Detail[0].Lines = []string{fmt.Sprintf("a reason that no other row has: %x", sha256.Sum256([]byte(row.ID)))}
		table.Rows = append(table.Rows, row)
	}
	return r
}

// A page never becomes larger than it may, and says what it left out: first what only readers without scripts have, then details, then
// the last rows of long tables.
func TestLimit(t *testing.T) {
	t.Parallel()
	r := many(t, 2000)
	whole, _ := written(t, r, 100_000_000)
	if strings.Contains(whole, `class="cut"`) {
		t.Error("a page without a limit says that something is missing")
	}
	bare, err := assemble(r).size() // the page without a row
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		limit         int
		rows, details bool   // whether the data has them all
		said          string // about the namespaces
	}{
		{len(whole) * 3 / 2, true, true, ""},
		{bare + 1_050_000, true, true, "The details of the rows would make this file too large for a browser without scripts."},
		{bare + 380_000, true, true, "rows would make this file too large for a browser without scripts."},
		{bare + 130_000, true, false, "details of rows would make this file too large."},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.limit), func(t *testing.T) {
			t.Parallel()
			page, root := written(t, r, tt.limit)
			if len(page) > tt.limit {
				t.Errorf("the page has %d bytes", len(page))
			}
			c := contentOf(t, root)
			details := 0
			for _, row := range c.Tables[0].Rows {
				details += int(row[3].(float64))
			}
			if got := len(c.Tables[0].Rows) == 2013; got != tt.rows {
				t.Errorf("the data has %d rows", len(c.Tables[0].Rows))
			}
			if got := details == 0; got != tt.details {
				t.Errorf("the data lacks %d details", details)
			}
			var said []string
			for _, n := range elements(root, "p") {
				if attribute(n, "class") == "cut" {
					said = append(said, text(n))
				}
			}
			all := strings.Join(said, "\n")
			if tt.said == "" && all != "" || !strings.Contains(all, tt.said) || tt.said != "" && !strings.Contains(all, "psp2pss report --demo -o json=report.json") {
				t.Errorf("the page says %q", all)
			}
		})
	}
}

// A report that no page can show is an error that names the row.
func TestErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*handover.Row){
		`row 2 of the table "namespaces" of the report: the ID "namespaces" is not "namespaces-" and a number`: func(r *handover.Row) { r.ID = "namespaces" },
		`row 2 of the table "namespaces" of the report: the ID "x-1" is not "workloads-" and a number`:         func(r *handover.Row) { r.Cells[9].Rows = []string{"x-1"} },
		`row 2 of the table "namespaces" of the report: it has 12 cells, and the table 13 columns`:             func(r *handover.Row) { r.Cells = r.Cells[1:] },
	}
	for want, change := range tests {
		r := demo(t)
		change(&r.Sections[0].Tables[0].Rows[1])
		if err := Write(io.Discard, r); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := Write(brokenWriter{}, demo(t)); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

var errBroken = errors.New("no space left")

// brokenWriter fails.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// The same report gives the same page.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{maxBytes, 300_000} {
		first, _ := written(t, many(t, 500), limit)
		second, _ := written(t, many(t, 500), limit)
		if first != second {
			t.Errorf("two pages of at most %d bytes differ", limit)
		}
	}
}

// The script and the sheet name no place outside the page.
func TestNothingFromOutside(t *testing.T) {
	t.Parallel()
	if found := regexp.MustCompile(`(?i)https?://[^"\s]*|@import|innerHTML|eval\(`).FindAllString(sheet+script(), -1); !slices.Equal(found, []string{"http://www.w3.org/2000/svg"}) {
		t.Errorf("found %q", found)
	}
}
