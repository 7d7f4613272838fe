package handover

import (
	"bytes"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// markdownLimit is the largest Markdown that WriteMarkdown writes: GitHub shows no larger file as a page.
const markdownLimit = 500_000

// WriteMarkdown writes a Report as Markdown that reads well as it is, and on GitHub and GitLab. What is too large for these is cut:
// every table then has its first rows, and says how many there are and how to get the others. It returns the errors of w.
func WriteMarkdown(w io.Writer, r *Report) error { return writeMarkdown(w, r, markdownLimit) }

// writeMarkdown writes a Report as Markdown of at most a number of bytes, as far as its texts outside of tables allow.
func writeMarkdown(w io.Writer, r *Report, limit int) error {
	m := &markdownWriter{report: r, limit: limit, drawn: map[*Table]*drawnTable{}}
	fixed := len(m.draw(0, 0))
	rows, details := m.largest(func(n int) int { return fixed + m.rowBytes(n) + m.detailBytes(n) }, limit), 0
	if details = rows; rows < m.mostRows() {
		rows = m.largest(func(n int) int { return fixed + m.rowBytes(n) }, (limit+fixed)/2)
		details = min(rows, m.largest(func(n int) int { return fixed + m.rowBytes(rows) + m.detailBytes(min(n, rows)) }, limit))
	}
	_, err := w.Write(m.draw(rows, details))
	return err
}

// markdownWriter draws one Report as Markdown.
type markdownWriter struct {
	report *Report
	limit  int
	drawn  map[*Table]*drawnTable
}

// drawnTable are the rows of one table of a Report in Markdown, as many as could be shown, and what they open to.
type drawnTable struct {
	head, rule    string
	rows, details []string
	// rowBytes and detailBytes are the sizes of the first rows together, from those of none on.
	rowBytes, detailBytes []int
}

// draw returns the Report as Markdown, with so many rows of each table, and what so many rows open to.
func (m *markdownWriter) draw(rows, details int) []byte {
	var b bytes.Buffer
	r := m.report
	fmt.Fprintf(&b, "# %s\n\n", escape.Markdown(r.Cover.Title))
	for _, row := range coverRows(r)[1:] {
		if row[0] != "verdict" && row[0] != "changes" {
			fmt.Fprintf(&b, "- %s: %s\n", row[0], escape.Markdown(row[1]))
		}
	}
	fmt.Fprintf(&b, "\n**%s**\n", escape.Markdown(r.Summary.Verdict.Text))
	if r.Summary.Changes != "" {
		fmt.Fprintf(&b, "\n%s\n", escape.Markdown(r.Summary.Changes))
	}
	b.WriteString("\n## At a glance\n")
	for _, t := range countTables(&r.Summary) {
		if len(t.Rows) > 0 {
			fmt.Fprintf(&b, "\n### %s\n\n", t.Title)
			if t.Text != "" {
				fmt.Fprintf(&b, "%s\n\n", escape.Markdown(t.Text))
			}
			whole := m.table(t)
			b.WriteString(whole.head + whole.rule + strings.Join(whole.rows, ""))
		}
	}
	for i := range r.Sections {
		s := &r.Sections[i]
		fmt.Fprintf(&b, "\n## %s\n", escape.Markdown(s.Title))
		for _, text := range s.Text {
			fmt.Fprintf(&b, "\n%s\n", escape.Markdown(text))
		}
		for _, t := range s.Tables {
			m.drawTable(&b, t, rows, details)
		}
	}
	return b.Bytes()
}

// drawTable writes a table of the Report, and below it what its rows open to.
func (m *markdownWriter) drawTable(b *bytes.Buffer, t *Table, rows, details int) {
	fmt.Fprintf(b, "\n### %s\n\n", escape.Markdown(t.Title))
	if t.Text != "" {
		fmt.Fprintf(b, "%s\n\n", escape.Markdown(t.Text))
	}
	if len(t.Rows) == 0 {
		b.WriteString("None.\n")
		return
	}
	d := m.table(t)
	rows, details = min(rows, len(d.rows)), min(details, len(d.rows))
	b.WriteString(d.head + d.rule)
	for _, row := range d.rows[:rows] {
		b.WriteString(row)
	}
	if rows < len(t.Rows) {
		fmt.Fprintf(b, "\nOnly the first %d of %s are here, since a page of GitHub holds no more. All of them: %s\n", rows, countRows(len(t.Rows)), escape.MarkdownCode(m.report.Cover.Command+" -o csv=FOLDER"))
	}
	for _, detail := range d.details[:details] {
		b.WriteString(detail)
	}
	if opens := rowsThatOpen(t); opens > 0 && details < len(t.Rows) {
		fmt.Fprintf(b, "\nWhat the rows open to is here for the first %d of %s. All of it: %s\n", details, countRows(len(t.Rows)), escape.MarkdownCode(m.report.Cover.Command+" -o html=report.html"))
	}
}

// rowsThatOpen returns how many rows of a table of the Report have more to tell.
func rowsThatOpen(t *Table) int {
	n := 0
	for i := range t.Rows {
		if len(t.Rows[i].Detail) > 0 {
			n++
		}
	}
	return n
}

// mostRows returns the number of rows of the largest table of the Report.
func (m *markdownWriter) mostRows() int {
	most := 0
	for _, t := range sectionTables(m.report) {
		most = max(most, len(t.Rows))
	}
	return most
}

// largest returns the greatest number of rows of each table of the Report for which a size is within a limit.
func (m *markdownWriter) largest(size func(int) int, limit int) int {
	return sort.Search(m.mostRows(), func(n int) bool { return size(n+1) > limit })
}

// rowBytes returns the size of the first n rows of every table of the Report in Markdown.
func (m *markdownWriter) rowBytes(n int) int {
	total := 0
	for _, t := range sectionTables(m.report) {
		total += sizeOf(m.table(t).rowBytes, n, len(t.Rows), m.limit)
	}
	return total
}

// detailBytes returns the size of what the first n rows of every table of the Report open to.
func (m *markdownWriter) detailBytes(n int) int {
	total := 0
	for _, t := range sectionTables(m.report) {
		total += sizeOf(m.table(t).detailBytes, n, len(t.Rows), m.limit)
	}
	return total
}

// sizeOf returns the size of the first n of all rows of a table of the Report, by the sizes of those that were drawn. Those that were
// not are too large.
func sizeOf(sizes []int, n, all, limit int) int {
	if n = min(n, all); n < len(sizes) {
		return sizes[n]
	}
	return limit + 1
}

// table returns a table of the Report in Markdown, as many of its rows as could be shown.
func (m *markdownWriter) table(t *Table) *drawnTable {
	if d := m.drawn[t]; d != nil {
		return d
	}
	d := &drawnTable{rowBytes: []int{0}, detailBytes: []int{0}}
	m.drawn[t] = d
	cells := m.cells(t)
	widths := columnWidths(t, cells)
	titles, rules := make([]string, len(t.Columns)), make([]string, len(t.Columns))
	for k := range t.Columns {
		titles[k], rules[k] = escape.Markdown(t.Columns[k].Title), strings.Repeat("-", max(widths[k], len("---")))
		if t.Columns[k].Kind == kindNumber {
			rules[k] = rules[k][1:] + ":"
		}
	}
	d.head, d.rule = tableLine(titles, t, widths), tableLine(rules, t, nil)
	for i := range cells {
		row := tableLine(cells[i], t, widths)
		d.rows = append(d.rows, row)
		d.rowBytes = append(d.rowBytes, d.rowBytes[i]+len(row))
		detail := ""
		total := d.detailBytes[i]
		if total <= m.limit {
			detail = detailText(t, &t.Rows[i])
		}
		d.details = append(d.details, detail)
		d.detailBytes = append(d.detailBytes, total+len(detail))
	}
	return d
}

// cells returns the cells of a table of the Report in Markdown, of as many rows as could be shown.
func (m *markdownWriter) cells(t *Table) [][]string {
	var cells [][]string
	total := 0
	for i := range t.Rows {
		if total > m.limit {
			break
		}
		line := make([]string, len(t.Columns))
		for k, c := range t.Rows[i].Cells {
			line[k] = cellText(t.Columns[k].Kind, c)
			total += len(line[k])
		}
		cells = append(cells, line)
	}
	return cells
}

// cellText returns a cell of the Report in Markdown.
func cellText(kind string, c Cell) string {
	switch {
	case kind == kindNumber:
		return strconv.Itoa(c.Number)
	case c.Text == "":
		return ""
	case kind == kindName || kind == kindCommand || kind == kindEvidence:
		return strings.ReplaceAll(escape.MarkdownCode(c.Text), "|", `\|`)
	}
	return strings.ReplaceAll(escape.Markdown(c.Text), "|", `\|`)
}

// mostPadded is the width up to which the cells of a column are filled up with blanks, so that the table reads well as it is.
const mostPadded = 24

// columnWidths returns how wide the columns of a table of the Report are in Markdown; 0 for those that are not filled up.
func columnWidths(t *Table, cells [][]string) []int {
	widths := make([]int, len(t.Columns))
	for k := range t.Columns {
		widths[k] = utf8.RuneCountInString(escape.Markdown(t.Columns[k].Title))
		for i := range cells {
			widths[k] = max(widths[k], utf8.RuneCountInString(cells[i][k]))
		}
		if widths[k] > mostPadded {
			widths[k] = 0
		}
	}
	return widths
}

// tableLine returns one line of a table of the Report in Markdown, numbers to the right.
func tableLine(cells []string, t *Table, widths []int) string {
	var b strings.Builder
	for k, c := range cells {
		pad := ""
		if widths != nil {
			pad = strings.Repeat(" ", max(0, widths[k]-utf8.RuneCountInString(c)))
		}
		if t.Columns[k].Kind == kindNumber {
			c, pad = pad+c, ""
		}
		b.WriteString("| " + c + pad + " ")
	}
	return b.String() + "|\n"
}

// detailText returns what a row of the Report opens to, closed at first; "" where it opens to nothing.
func detailText(t *Table, row *Row) string {
	if len(row.Detail) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details><summary>%s</summary>\n", summaryText(t, row))
	for i := range row.Detail {
		d := &row.Detail[i]
		fmt.Fprintf(&b, "\n**%s**\n\n", escape.Markdown(d.Title))
		if d.Kind == kindCode {
			b.WriteString(escape.MarkdownBlock(d.Lines))
			continue
		}
		for _, line := range d.Lines {
			b.WriteString("- " + escape.Markdown(line) + "\n")
		}
	}
	return b.String() + "\n</details>\n"
}

// summaryText returns the names by which a row of the Report is opened, as HTML.
func summaryText(t *Table, row *Row) string {
	var names []string
	for k := range row.Cells {
		if t.Columns[k].Kind == kindName && row.Cells[k].Text != "" && len(names) < 2 {
			names = append(names, "<code>"+htmlText(escape.Terminal(row.Cells[k].Text))+"</code>")
		}
	}
	return strings.Join(names, " ")
}
