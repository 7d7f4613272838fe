package html

import (
	"bufio"
	"encoding/json"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// noRow stands in the data of an HTML report for a name that is no row of the table its column refers to.
const noRow = -1

// dataColumn is a column of a table in the data of an HTML report.
type dataColumn struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Kind  string `json:"kind"`
	Table string `json:"table,omitempty"`
}

// writeData writes the rows of an HTML report as the one JSON document that its script reads: {"texts": [text...], "details":
// [[title, kind, [line...]]...], "tables": [{"id", "columns", "rows": [[number, [cell...], [detail...], left]...]}...], "graph"}.
// Texts and details stand as their places in those lists. A cell is a place, or [place, number of a row that it refers to...];
// in a column of numbers it has the number for the place.
func writeData(w *bufio.Writer, p *page) error {
	d := &dataWriter{w: w}
	d.raw(`<script type="application/json" id="page-data">{"texts":[`)
	for i, text := range p.fit.pool.texts {
		d.comma(i)
		d.value(text)
	}
	d.raw("],\n\"details\":[")
	for i, detail := range p.fit.pool.details {
		d.comma(i)
		d.value([]any{detail.title, slices.Index(kindsInOrder(), detail.kind), detail.lines})
	}
	d.raw("],\n\"tables\":[")
	n := 0
	for _, s := range p.Sections {
		for _, t := range s.Tables {
			d.comma(n)
			d.table(t)
			n++
		}
	}
	d.raw("]}</script>\n")
	return d.err
}

// dataWriter writes the data of an HTML report, and keeps the first error.
type dataWriter struct {
	w   *bufio.Writer
	err error
}

// raw writes text of the data of an HTML report as it is.
func (d *dataWriter) raw(text string) {
	if d.err == nil {
		_, d.err = d.w.WriteString(text)
	}
}

// comma separates the elements of a list in the data of an HTML report; the number is that of the next one.
func (d *dataWriter) comma(i int) {
	if i > 0 {
		d.raw(",\n")
	}
}

// value writes a value of the data of an HTML report as JSON in which nothing can end a script.
func (d *dataWriter) value(v any) {
	text, err := json.Marshal(v)
	if err != nil && d.err == nil {
		d.err = err
	}
	d.raw(string(text))
}

// table writes a table of an HTML report with the rows that the page holds.
func (d *dataWriter) table(t *table) {
	d.raw(`{"id":`)
	d.value(t.ID)
	d.raw(`,"columns":`)
	columns := make([]dataColumn, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = dataColumn(c)
		columns[i].Title = escape.Visible(c.Title)
	}
	d.value(columns)
	if t.Graph != nil {
		d.raw(`,"graph":`)
		d.value(t.Graph.data(t.pool))
	}
	d.raw(`,"rows":[`)
	for i := range t.kept.rows {
		d.comma(i)
		d.row(t, i)
	}
	d.raw("]}")
}

// row writes a row of a table of an HTML report.
func (d *dataWriter) row(t *table, i int) {
	from := &t.Table.Rows[i]
	number, err := numberOf(t.ID, from.ID)
	if err != nil && d.err == nil {
		d.err = err
	}
	cells := make([]any, len(t.Columns))
	for j := range t.Columns {
		cells[j] = d.cell(t, &t.Columns[j], &from.Cells[j])
	}
	details := []int{}
	left := 0
	for _, kept := range t.kept.details[i] {
		if kept.at == notKept {
			left++
		} else {
			details = append(details, kept.at)
		}
	}
	d.value([]any{number, cells, details, left})
}

// cell returns a cell of a row of an HTML report as it stands in its data.
func (d *dataWriter) cell(t *table, c *handover.Column, from *handover.Cell) any {
	first := from.Number
	if c.Kind != "number" {
		first = t.pool.text(from.Text)
	}
	if len(from.Rows) == 0 {
		return first
	}
	places := []int{first}
	for _, id := range from.Rows {
		if id == "" {
			places = append(places, noRow)
			continue
		}
		number, err := numberOf(c.Table, id)
		if err != nil && d.err == nil {
			d.err = err
		}
		places = append(places, number)
	}
	return places
}
