package handover_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// hostileTexts are names as an attacker would choose them.
func hostileTexts() []string {
	return []string{
		"<script>alert(1)</script>", "</details><img src=x onerror=alert(1)>", "a|b|c", "`code`", "``", "`", "a`b``c", "[x](https://evil.example)", "![x](https://evil.example/i.png)",
		"https://evil.example/", "www.evil.example", "mail@evil.example", "@everyone", "org/@team", "#1", "org/repo#12", "GH-1", "!1", "~bug", "%1", "$x$", "&copy; &lt;", ":smile:",
		"*bold* _em_ __strong__ ~~gone~~", "_a_b_", "\\", "\\|", "\\`", "a\\", "# heading", "> quote", "- item", "+ item", "1. item", "1) item", "===", "---", "```", "~~~", "    code", "\tcode",
		"line\nbreak", "line\r\n\r\n# heading", "\x1b[31mred\x1b[0m", "\u202egnp.exe\u202c", "\u200bzero", "\x00", "=1+1", "+1", "-1", "@SUM(A1)", "＝1", "\t=1", `"=1"`, "a;=1",
		"| --- |", "<!-- comment -->", "<details>", "<http://evil.example>", "[ref]: https://evil.example", "[^1]: note", "http://evil.example|x", "xmpp:a@b.example", "\ufeffx",
		strings.Repeat("long-name-", 25) + "x", "名前空間", "::error file=a::b", "##[error]x", "{{ template }}", "<a href=\"javascript:alert(1)\">x</a>", "'; DROP TABLE x; --", "%0A", "a  b", " a ",
	}
}

// hostileReport is the report on the demo with hostile texts in place of what comes from the input.
func hostileReport(t *testing.T) *handover.Report {
	t.Helper()
	r := reportOn(demoPlan(t))
	texts, n := hostileTexts(), 0
	next := func() string { n++; return texts[n%len(texts)] }
	r.Cover.Title, r.Cover.Client, r.Cover.Author, r.Cover.Source = next(), next(), next(), next()
	for i := range r.Summary.Unseen {
		r.Summary.Unseen[i] = next()
	}
	for i := range r.Sections {
		for k := range r.Sections[i].Text {
			r.Sections[i].Text[k] = next()
		}
		for _, table := range r.Sections[i].Tables {
			for j := range table.Rows {
				row := &table.Rows[j]
				for k := range row.Cells {
					if table.Columns[k].Kind != "number" {
						row.Cells[k].Text = next()
					}
				}
				for k := range row.Detail {
					row.Detail[k].Lines = []string{next(), next(), next()}
				}
			}
		}
	}
	if n < 5*len(texts) {
		t.Fatalf("%d hostile texts were used: not each at several places", n)
	}
	return r
}

// page is Markdown as a page shows it: the cells of its tables, the texts in code, and the texts outside of it.
type page struct {
	tables         [][][]string
	code, outside  []string
	summaries      []string
	elements       map[string]bool
	paragraphTexts []string
}

// renderMarkdown renders Markdown as GitHub does, HTML and all, and reads the page.
func renderMarkdown(t *testing.T, markdown []byte) *page {
	t.Helper()
	var out bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithRendererOptions(html.WithUnsafe(), html.WithXHTML()))
	if err := md.Convert(markdown, &out); err != nil {
		t.Fatal(err)
	}
	p := &page{elements: map[string]bool{}}
	d := xml.NewDecoder(io.MultiReader(strings.NewReader("<page>"), &out, strings.NewReader("</page>")))
	d.Entity = xml.HTMLEntity
	var path []string
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return p
		} else if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			p.start(t, token, &text)
			path = append(path, token.Name.Local)
		case xml.EndElement:
			p.end(token.Name.Local, text.String())
			path = path[:len(path)-1]
		case xml.CharData:
			text.Write(token)
			if slices.Contains(path, "code") {
				p.code = append(p.code, string(token))
			} else {
				p.outside = append(p.outside, string(token))
			}
		case xml.Comment, xml.Directive, xml.ProcInst:
			t.Errorf("the page has %T", token)
		}
	}
}

// start notes the beginning of an element, and that it is one that we write.
func (p *page) start(t *testing.T, e xml.StartElement, text *strings.Builder) {
	t.Helper()
	p.elements[e.Name.Local] = true
	for _, a := range e.Attr {
		if a.Name.Local != "align" && (a.Name.Local != "style" || !strings.HasPrefix(a.Value, "text-align:")) {
			t.Errorf("<%s> has the attribute %s=%q", e.Name.Local, a.Name.Local, a.Value)
		}
	}
	switch e.Name.Local {
	case "table":
		p.tables = append(p.tables, nil)
	case "tr":
		last := len(p.tables) - 1
		p.tables[last] = append(p.tables[last], nil)
	case "td", "th", "summary", "h1":
		text.Reset()
	}
}

// end notes the end of an element with its text.
func (p *page) end(name, text string) {
	switch name {
	case "td", "th":
		table := p.tables[len(p.tables)-1]
		table[len(table)-1] = append(table[len(table)-1], text)
	case "summary":
		p.summaries = append(p.summaries, text)
	case "h1":
		p.paragraphTexts = append(p.paragraphTexts, text)
	}
}

// blanks are what HTML shows as one.
var blanks = regexp.MustCompile(`[ \t\n]+`)

// shown is a text as a page shows it.
func shown(s string) string {
	return collapsed(escape.Terminal(s))
}

// collapsed is a text of a page with its blanks as they show.
func collapsed(s string) string { return strings.TrimSpace(blanks.ReplaceAllString(s, " ")) }

// checkTables compares the tables of a page with those of the report, as many rows as the page has.
func checkTables(t *testing.T, r *handover.Report, p *page, cut bool) {
	t.Helper()
	var tables []*handover.Table
	for _, f := range handover.CSVFiles(r)[1:] {
		if len(f.Table.Rows) > 0 {
			tables = append(tables, f.Table)
		}
	}
	if len(tables) != len(p.tables) {
		t.Fatalf("the page has %d tables, want %d", len(p.tables), len(tables))
	}
	for i, table := range tables {
		var want [][]string
		head := []string{}
		for _, c := range table.Columns {
			head = append(head, shown(c.Title))
		}
		want = append(want, head)
		for k := range table.Rows {
			line := []string{}
			for j, c := range table.Rows[k].Cells {
				if table.Columns[j].Kind == "number" {
					line = append(line, strconv.Itoa(c.Number))
				} else {
					line = append(line, shown(c.Text))
				}
			}
			want = append(want, line)
		}
		for _, line := range p.tables[i] {
			for k := range line {
				line[k] = collapsed(line[k])
			}
		}
		if cut {
			want = want[:min(len(want), len(p.tables[i]))]
		}
		if diff := cmp.Diff(want, p.tables[i]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table.ID, diff)
		}
	}
}

// acts matches, outside of code, what GitHub or GitLab make a link, a mention, a reference, an emoji or a formula of.
var acts = regexp.MustCompile(`@[a-z]|://|www\.|#[0-9]|GH-[0-9]|\$[a-z]|~[a-z]|%[0-9]|![0-9]|:[a-z]+:`)

// checkPage checks that nothing of the input acts on a page.
func checkPage(t *testing.T, p *page) {
	t.Helper()
	ours := []string{"page", "h1", "h2", "h3", "p", "ul", "li", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
	for name := range p.elements {
		if !slices.Contains(ours, name) {
			t.Errorf("the page has an element <%s>", name)
		}
	}
	for _, text := range p.outside {
		if found := acts.FindString(text); found != "" {
			t.Errorf("%q in %q acts on a page", found, text)
		}
	}
	for _, text := range slices.Concat(p.outside, p.code) {
		for _, r := range text {
			if r != '\n' && !escape.IsVisible(r) {
				t.Errorf("%q has %q, which does not show", text, r)
			}
		}
	}
}

// The tables of the page are those of the report, also with hostile texts, and nothing of these acts.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*handover.Report{"demo": reportOn(demoPlan(t)), "hostile": hostileReport(t), "generated": reportOn(generatedPlan(t, 3))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := handover.WriteMarkdown(&out, r); err != nil {
				t.Fatal(err)
			}
			p := renderMarkdown(t, out.Bytes())
			checkTables(t, r, p, false)
			checkPage(t, p)
			if len(p.paragraphTexts) != 1 || collapsed(p.paragraphTexts[0]) != shown(r.Cover.Title) {
				t.Errorf("headings of the first order: %q, want the title %q", p.paragraphTexts, r.Cover.Title)
			}
			opens := 0
			for i := range r.Sections {
				for _, table := range r.Sections[i].Tables {
					for k := range table.Rows {
						opens += min(len(table.Rows[k].Detail), 1)
					}
				}
			}
			if len(p.summaries) != opens {
				t.Errorf("%d rows open, want %d", len(p.summaries), opens)
			}
			checkLines(t, r, p)
		})
	}
}

// checkLines checks that every line that a row opens to is on the page.
func checkLines(t *testing.T, r *handover.Report, p *page) {
	t.Helper()
	words, code := map[string]bool{}, map[string]bool{}
	for word := range strings.FieldsSeq(strings.Join(p.outside, "")) {
		words[word] = true
	}
	for _, text := range p.code {
		code[strings.TrimSuffix(text, "\n")] = true
		for word := range strings.FieldsSeq(text) {
			words[word] = true
		}
	}
	for i := range r.Sections {
		for _, table := range r.Sections[i].Tables {
			for k := range table.Rows {
				for _, d := range table.Rows[k].Detail {
					lines := slices.Clone(d.Lines)
					for j := range lines {
						lines[j] = escape.Terminal(lines[j])
					}
					if whole := strings.Join(lines, "\n"); d.Kind == "code" {
						if !code[whole] {
							t.Errorf("%s, %s: %q is not on the page", table.Rows[k].ID, d.ID, whole)
						}
						continue
					}
					for word := range strings.FieldsSeq(strings.Join(lines, " ")) {
						if !words[word] {
							t.Errorf("%s, %s: %q is not on the page", table.Rows[k].ID, d.ID, word)
						}
					}
				}
			}
		}
	}
}

// What is too large for a page is cut, and says so with the numbers and the command.
func TestLargeMarkdownIsCut(t *testing.T) {
	t.Parallel()
	r := largeReport(t)
	var out bytes.Buffer
	if err := handover.WriteMarkdown(&out, r); err != nil {
		t.Fatal(err)
	}
	if n := out.Len(); n > 500_000 || n < 400_000 {
		t.Errorf("%d bytes, want the page nearly full", n)
	}
	p := renderMarkdown(t, out.Bytes())
	checkTables(t, r, p, true)
	checkPage(t, p)
	rows := len(tableOf(t, r, "namespaces").Rows)
	said := regexp.MustCompile(`Only the first (\d+) of ` + fmt.Sprint(rows) + " rows are here, since a page of GitHub holds no more. All of them: `psp2pss report --plan plan.json -o csv=FOLDER`\n").FindSubmatch(out.Bytes())
	if said == nil {
		t.Fatalf("nothing says that the %d namespaces are cut:\n%.3000s", rows, out.Bytes())
	}
	if n, _ := strconv.Atoi(string(said[1])); n < 100 || n >= rows {
		t.Errorf("%s of %d rows are there", said[1], rows)
	}
	if !bytes.Contains(out.Bytes(), []byte("All of it: `psp2pss report --plan plan.json -o html=report.html`")) {
		t.Error("nothing says that what rows open to is cut")
	}
}

// largeReport is a report on many namespaces: the rows of the demo again and again.
func largeReport(t *testing.T) *handover.Report {
	t.Helper()
	r := reportOn(demoPlan(t))
	for i := range r.Sections {
		for _, table := range r.Sections[i].Tables {
			if slices.Contains([]string{"namespaces", "workloads", "policy-use", "evidence"}, table.ID) {
				rows := table.Rows
				for len(table.Rows) < 5000 {
					table.Rows = append(table.Rows, rows...)
				}
			}
		}
	}
	return r
}

// The Markdown of the demo, as it is read: the first page and some of the sections.
func TestMarkdownOfTheDemo(t *testing.T) {
	t.Parallel()
	const file = "testdata/demo.md"
	var got bytes.Buffer
	p := demoPlan(t)
	r := handover.Build(p, answerOf(p), handover.Options{Client: "Example AG", Sections: []string{"namespaces", "rbac", "versions", "unseen", "method"}})
	if err := handover.WriteMarkdown(&got, r); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
