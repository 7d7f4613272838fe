package html

import (
	"fmt"
	"html/template"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// page is what the template of an HTML report draws. Its texts are as they are in the report: the template makes visible
// what is not, and html/template escapes.
type page struct {
	Policy   string
	Sheet    template.CSS
	Script   template.JS
	Cover    handover.Cover
	Summary  summary
	Sections []section

	fit *fit
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
	// Notes say what of the table the page does not hold.
	Notes []string
	Graph *graph

	kept *tableFit
	pool *pool
	// names are what the rows of all tables are about, by their IDs.
	names map[string]string
}

// row is one row of a table of an HTML report for readers without scripts.
type row struct {
	ID      string
	Columns int
	Cells   []cell
	Details []detail
	// Left is how many details of the row the page does not hold.
	Left int
}

// cell is one cell of a row of an HTML report: its text, in pieces of which some are links.
type cell struct {
	Kind   string
	Pieces []piece
}

// piece is a part of the text of a cell of an HTML report, and the anchor of the row that it names, if any.
type piece struct {
	Text, Row string
}

// detail is what a row of an HTML report opens to. Same is the anchor of the row that has the same, where this one does not
// repeat it.
type detail struct {
	Title, Kind string
	Lines       []string
	Same        string
}

// functions are what the template of the HTML report may call.
func functions() template.FuncMap {
	return template.FuncMap{
		"visible": escape.Visible,
		"lines":   visibleLines,
		"number":  func(n int) string { return english.Number(int64(n)) },
		"share":   share,
	}
}

// newPage returns the page of a report that holds as much of it as a number of bytes allows. The error names a row that no page
// can show.
func newPage(r *handover.Report, limit int) (*page, error) {
	if err := check(r); err != nil {
		return nil, err
	}
	f := newFit(r, limit)
	names := namesOfRows(r)
	p := &page{
		Policy: contentPolicy(),
		Sheet:  template.CSS(sheet),   //nolint:gosec // it is our own file
		Script: template.JS(script()), //nolint:gosec // it is our own file
		Cover:  r.Cover, Summary: newSummary(&r.Summary), fit: f,
	}
	var drawn bool // the first table that has a graph shows it
	for i := range r.Sections {
		s := &r.Sections[i]
		shown := section{ID: s.ID, Title: s.Title, Text: s.Text}
		for _, t := range s.Tables {
			kept := f.tables[t]
			made := &table{Table: t, Heading: t.Title != s.Title, Notes: notes(t, kept), kept: kept, pool: f.pool, names: names}
			if !drawn {
				made.Graph = newGraph(t)
				drawn = made.Graph != nil
			}
			shown.Tables = append(shown.Tables, made)
		}
		p.Sections = append(p.Sections, shown)
	}
	return p, nil
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

// notes returns sentences on what of a table a page does not hold, and where it is.
func notes(t *handover.Table, kept *tableFit) []string {
	var said []string
	if n := len(t.Rows) - kept.rows; n > 0 {
		said = append(said, fmt.Sprintf("%s of %s rows are not in this file", english.Number(int64(n)), english.Number(int64(len(t.Rows)))))
	}
	for _, kind := range kindsInOrder() {
		if n := kept.left[kind]; n > 0 {
			said = append(said, fmt.Sprintf("%s of %s are not in this file", english.Number(int64(n)), kindsNamed()[kind]))
		}
	}
	if len(said) == 0 {
		return nil
	}
	return []string{english.And(said) + ": it would become too large. The same report as JSON has them: add -o json=report.json to the command."}
}

// kindsNamed returns how a note of an HTML report calls the details of each kind.
func kindsNamed() map[string]string {
	return map[string]string{"text": "the explanations", "code": "the texts to copy", "evidence": "the pieces of evidence"}
}

// Rows yields the rows of a table that the page holds, as readers without scripts see them.
func (t *table) Rows() iter.Seq[row] {
	return func(yield func(row) bool) {
		for i := range t.kept.rows {
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
	for j := range from.Detail {
		kept := t.kept.details[i][j]
		d := &from.Detail[j]
		switch {
		case kept.at == notKept:
			r.Left++
		case kept.full:
			r.Details = append(r.Details, detail{d.Title, d.Kind, d.Lines, ""})
		default:
			r.Details = append(r.Details, detail{d.Title, d.Kind, nil, t.pool.details[kept.at].row})
		}
	}
	return r
}

// mostNamed is how many rows that a number stands for are named beside it, for readers without scripts.
const mostNamed = 20

// cell returns one cell of a row as readers without scripts see it.
func (t *table) cell(column int, from *handover.Cell) cell {
	kind := t.Columns[column].Kind
	if kind != "number" {
		return cell{kind, piecesOf(from)}
	}
	pieces := []piece{{Text: english.Number(int64(from.Number))}}
	for i, id := range from.Rows[:min(len(from.Rows), mostNamed)] {
		pieces = append(pieces, piece{Text: [...]string{", ", ": "}[max(0, 1-i)]}, piece{t.names[id], id})
	}
	if more := len(from.Rows) - mostNamed; more > 0 {
		pieces = append(pieces, piece{Text: " and " + english.Number(int64(more)) + " more"})
	}
	return cell{kind, pieces}
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

// visibleLines returns the lines of texts to copy, with everything in them visible.
func visibleLines(texts []string) []string {
	var lines []string
	for _, text := range texts {
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			lines = append(lines, escape.Visible(line))
		}
	}
	return slices.Clip(lines)
}
