package html

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// noRow stands in the data of an HTML report for a name that is no row of the table its column refers to.
const noRow = -1

// detailKinds are the kinds of details of a report. The data of an HTML report has their places in this list.
func detailKinds() []string { return []string{"text", "code", "evidence"} }

// dataColumn is a column of a table in the data of an HTML report.
type dataColumn struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Kind  string `json:"kind"`
	Table string `json:"table,omitempty"`
}

// writeData writes the rows of an HTML report as the block that its script reads: a JSON document or, where that would make the page
// too large, the same packed by gzip in base64.
func writeData(w *bufio.Writer, p *page) error {
	kind := "application/json"
	if p.packed != nil {
		kind = "application/gzip"
	}
	if _, err := w.WriteString(`<script type="` + kind + `" id="page-data">`); err != nil {
		return err
	}
	if p.packed != nil {
		if _, err := w.Write(p.packed); err != nil {
			return err
		}
	} else if err := writeJSON(w, p); err != nil {
		return err
	}
	_, err := w.WriteString("</script>\n")
	return err
}

// pack packs the data of an HTML report.
func (p *page) pack() error {
	var packed bytes.Buffer
	encoded := base64.NewEncoder(base64.StdEncoding, &packed)
	zipped := gzip.NewWriter(encoded)
	counted := &counter{w: zipped}
	err := writeJSON(counted, p)
	for _, c := range []io.Closer{zipped, encoded} {
		if closing := c.Close(); err == nil {
			err = closing
		}
	}
	p.packed, p.unpacked = packed.Bytes(), counted.n
	return err
}

// counter counts what is written through it.
type counter struct {
	w io.Writer
	n int
}

// Write writes to the writer behind a counter.
func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return c.w.Write(b)
}

// writeJSON writes the rows of an HTML report as JSON: {"texts": [text...], "details": [[title, kind, [line...]]...], "tables":
// [{"id", "columns", "graph", "rows": [[number, [cell...], [detail...], details left out]...]}...]}. Texts and details stand as
// their places in those lists. A cell is a place, or [place, number of a row that it refers to...]; in a column of numbers it has the
// number for the place.
func writeJSON(w io.Writer, p *page) error {
	d := &dataWriter{w: w}
	d.raw(`{"texts":[`)
	for i, text := range p.fit.pool.texts {
		d.comma(i)
		d.value(text)
	}
	d.raw("],\n\"details\":[")
	for i, detail := range p.fit.pool.details {
		d.comma(i)
		d.value([]any{detail.title, slices.Index(detailKinds(), detail.kind), detail.lines})
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
	d.raw("]}")
	return d.err
}

// dataWriter writes the data of an HTML report, and keeps the first error.
type dataWriter struct {
	w   io.Writer
	err error
}

// raw writes text of the data of an HTML report as it is.
func (d *dataWriter) raw(text string) {
	if d.err == nil {
		_, d.err = io.WriteString(d.w, text)
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
	for _, at := range t.kept.details[i] {
		if at == notKept {
			left++
		} else {
			details = append(details, at)
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
