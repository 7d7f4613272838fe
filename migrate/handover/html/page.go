package html

import (
	"fmt"
	"html/template"
	"iter"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// page is what the template of an HTML report draws. Its texts are as they are in the report, but for those of rows: the template
// makes visible what is not, and html/template escapes.
type page struct {
	Policy   string
	Sheet    template.CSS
	Script   template.JS
	Cover    handover.Cover
	Summary  summary
	Sections []section

	fit *fit
	// packed is the data, where it has to be packed, and unpacked how many bytes it has before.
	packed   []byte
	unpacked int
}

// section is one section of an HTML report.
type section struct {
	ID, Title string
	Text      []string
	Tables    []*table
}

// table is one table of an HTML report, with what the page holds of it.
type table struct {
	*handover.Table
	// Heading is whether the title stands above the table: not where the section has the same.
	Heading bool
	// Missing says what of the table the page does not hold, and Undrawn what only its script shows; empty where that is nothing.
	Missing, Undrawn string
	// Command is the call that makes the report again.
	Command string
	Graph   *graph

	whole bool
	kept  *tableFit
	pool  *pool
	// names are what the rows of all tables are about, by their IDs.
	names map[string]string
}

// row is one row of a table of an HTML report for readers without scripts, with everything in its texts visible.
type row struct {
	ID      string
	Columns int
	Cells   []cell
	Details []detail
}

// cell is one cell of a row of an HTML report: its text, in pieces of which some are links.
type cell struct {
	First, Number bool
	Pieces        []piece
}

// piece is a part of the text of a cell of an HTML report, and the anchor of the row that it names, if any.
type piece struct {
	Text, Row string
}

// detail is what a row of an HTML report opens to.
type detail struct {
	Title string
	Code  bool
	Lines []string
}

// functions are what the template of the HTML report may call.
func functions() template.FuncMap {
	return template.FuncMap{
		"visible": escape.Visible,
		"lines":   linesOf,
		"number":  func(n int) string { return english.Number(int64(n)) },
		"share":   share,
	}
}

// assemble returns the page of a report, which holds no row of it yet.
func assemble(r *handover.Report) *page {
	p := &page{
		Policy: contentPolicy(),
		Sheet:  template.CSS(sheet),   //nolint:gosec // it is our own file
		Script: template.JS(script()), //nolint:gosec // it is our own file
		Cover:  r.Cover, Summary: newSummary(&r.Summary),
	}
	names := namesOfRows(r)
	var drawn bool // the first table that has a graph shows it
	for i := range r.Sections {
		s := &r.Sections[i]
		shown := section{ID: s.ID, Title: s.Title, Text: s.Text}
		for _, t := range s.Tables {
			made := &table{Table: t, Command: r.Cover.Command, Heading: t.Title != s.Title, names: names}
			if !drawn {
				made.Graph = newGraph(t)
				drawn = made.Graph != nil
			}
			shown.Tables = append(shown.Tables, made)
		}
		p.Sections = append(p.Sections, shown)
	}
	p.hold(newFit(r))
	return p
}

// hold makes a page hold what is chosen of its report.
func (p *page) hold(f *fit) {
	p.fit, p.packed, p.unpacked = f, nil, 0
	for _, s := range p.Sections {
		for _, t := range s.Tables {
			t.whole, t.kept, t.pool = f.whole, f.tables[t.Table], f.pool
		}
	}
}

// namesOfRows returns what each row of a report is about, by its ID: the names that it begins with, two at most.
func namesOfRows(r *handover.Report) map[string]string {
	names := map[string]string{}
	for t := range tablesOf(r) {
		for i := range t.Rows {
			name := t.Rows[i].Cells[0].Text
			if len(t.Columns) > 1 && t.Columns[0].Kind == "name" && t.Columns[1].Kind == "name" {
				name += " " + t.Rows[i].Cells[1].Text
			}
			names[t.Rows[i].ID] = name
		}
	}
	return names
}

// check returns an error for the first row of a report that a page cannot show: it has another number of cells than its table
// has columns, or an ID that is not the ID of its table and a number, or it refers to such a one.
func check(r *handover.Report) error {
	for t := range tablesOf(r) {
		for i := range t.Rows {
			if err := checkRow(t, &t.Rows[i]); err != nil {
				return fmt.Errorf("row %d of the table %q of the report: %w", i+1, t.ID, err)
			}
		}
	}
	return nil
}

// checkRow returns an error for a row of a report that a page cannot show.
func checkRow(t *handover.Table, r *handover.Row) error {
	if len(r.Cells) != len(t.Columns) || len(r.Cells) == 0 {
		return fmt.Errorf("it has %d cells, and the table %d columns", len(r.Cells), len(t.Columns))
	}
	if _, err := numberOf(t.ID, r.ID); err != nil {
		return err
	}
	for j := range r.Cells {
		for _, id := range r.Cells[j].Rows {
			if id == "" {
				continue // a name that is no row
			}
			if _, err := numberOf(t.Columns[j].Table, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// numberOf returns the number in the ID of a row of a table of a report, or an error where the ID is not that of the table and a number.
func numberOf(table, id string) (int, error) {
	number, ok := strings.CutPrefix(id, table+"-")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 0 {
		return 0, fmt.Errorf("the ID %q is not %q and a number", id, table+"-")
	}
	return n, nil
}

// note writes above each table of a page what of it the page does not hold.
func (p *page) note() {
	for _, s := range p.Sections {
		for _, t := range s.Tables {
			t.Missing = missing(len(t.Table.Rows), t.kept.rows, t.kept.details)
			if drawn := t.kept.drawn; drawn < len(t.Table.Rows) || t.details() > 0 {
				t.Undrawn = missing(len(t.Table.Rows), drawn, nil)
				if t.Undrawn == "" {
					t.Undrawn = "The details of the rows"
				}
			}
		}
	}
}

// missing says how many rows of a table a page does not hold, and how many details of those it does; it is empty if it holds all.
func missing(rows, kept int, details [][]int) string {
	var said []string
	if n := rows - kept; n > 0 {
		said = append(said, english.Number(int64(n))+" of "+english.Number(int64(rows))+" rows")
	}
	all, left := 0, 0
	for _, of := range details {
		for _, at := range of {
			all++
			if at == notKept {
				left++
			}
		}
	}
	if left > 0 {
		said = append(said, english.Number(int64(left))+" of "+english.Number(int64(all))+" details of rows")
	}
	return english.And(said)
}

// details returns how many details the rows of a table have in the data of a page.
func (t *table) details() int {
	n := 0
	for _, of := range t.kept.details {
		n += len(of)
	}
	return n
}

// Rows yields the rows of a table that the page holds as a table, as readers without scripts see them.
func (t *table) Rows() iter.Seq[row] {
	return func(yield func(row) bool) {
		for i := range t.kept.drawn {
			if !yield(t.row(i)) {
				return
			}
		}
	}
}

// row returns one row of a table as readers without scripts see it.
func (t *table) row(i int) row {
	from := &t.Table.Rows[i]
	r := row{ID: from.ID, Columns: len(t.Columns), Cells: make([]cell, len(from.Cells))}
	for j := range from.Cells {
		r.Cells[j] = t.cell(j, &from.Cells[j])
	}
	if !t.whole {
		return r
	}
	for j := range from.Detail {
		d := &from.Detail[j]
		r.Details = append(r.Details, detail{escape.Visible(d.Title), d.Kind == "code", visibleLines(d)})
	}
	return r
}

// mostNamed is how many rows that a number stands for are named beside it, for readers without scripts.
const mostNamed = 20

// cell returns one cell of a row as readers without scripts see it.
func (t *table) cell(column int, from *handover.Cell) cell {
	if t.Columns[column].Kind != "number" {
		return cell{column == 0, false, visible(piecesOf(from))}
	}
	pieces := []piece{{Text: english.Number(int64(from.Number))}}
	if !t.whole {
		return cell{column == 0, true, pieces}
	}
	for i, id := range from.Rows[:min(len(from.Rows), mostNamed)] {
		pieces = append(pieces, piece{Text: [...]string{", ", ": "}[max(0, 1-i)]}, piece{t.names[id], id})
	}
	if more := len(from.Rows) - mostNamed; more > 0 {
		pieces = append(pieces, piece{Text: " and " + english.Number(int64(more)) + " more"})
	}
	return cell{column == 0, true, visible(pieces)}
}

// visible makes everything in the texts of pieces visible, and returns them.
func visible(pieces []piece) []piece {
	for i := range pieces {
		pieces[i].Text = escape.Visible(pieces[i].Text)
	}
	return pieces
}

// piecesOf returns the text of a cell in pieces, one for each name that it lists: a link where the name has a row. Where the names
// cannot be told apart, links of numbers follow the text.
func piecesOf(from *handover.Cell) []piece {
	names := namesIn(from)
	if len(from.Rows) == 0 || names == nil {
		pieces := []piece{{Text: from.Text}}
		for i, id := range from.Rows {
			if id != "" {
				pieces = append(pieces, piece{Text: " "}, piece{fmt.Sprintf("[%d]", i+1), id})
			}
		}
		return pieces
	}
	var pieces []piece
	for i, name := range names {
		if i > 0 {
			pieces = append(pieces, piece{Text: ", "})
		}
		pieces = append(pieces, piece{name, from.Rows[i]})
	}
	return pieces
}

// namesIn returns the names that a cell lists, one for each row that it refers to; nil if they cannot be told apart.
func namesIn(from *handover.Cell) []string {
	if len(from.Rows) == 1 {
		return []string{from.Text}
	}
	if names := strings.Split(from.Text, ", "); len(names) == len(from.Rows) {
		return names
	}
	return nil
}

// visibleLines returns the lines of a detail with everything in them visible.
func visibleLines(d *handover.Detail) []string {
	if d.Kind == "code" {
		return linesOf(d.Lines)
	}
	lines := make([]string, len(d.Lines))
	for i, line := range d.Lines {
		lines[i] = escape.Visible(line)
	}
	return lines
}

// linesOf returns the lines of texts to copy, with everything in them visible.
func linesOf(texts []string) []string {
	var lines []string
	for _, text := range texts {
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			lines = append(lines, escape.Visible(line))
		}
	}
	return lines
}
