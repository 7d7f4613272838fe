package html

import (
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// fit is what of a report a page of limited size holds. A page has its rows twice: as data for the script, where each text
// stands once, and as tables for readers without scripts.
type fit struct {
	pool *pool
	left int // bytes
	// whole is whether every row is to show all its details itself, without a pointer to a row that has the same.
	whole  bool
	tables map[*handover.Table]*tableFit
}

// tableFit is what of one table of a report a page holds: its first rows, and of each of them some details.
type tableFit struct {
	rows    int
	details [][]keptDetail
	// left counts the details of those rows that are not in the page, by kind.
	left map[string]int
}

// keptDetail is one detail of a row in a page: its place in the pool, or notKept. Without scripts a detail that is not in full
// is a pointer to the row that has the same.
type keptDetail struct {
	at   int
	full bool
}

// notKept is the place of a detail of a report that a page does not hold.
const notKept = -1

// Bytes that the markup of a page takes beside the texts, at most.
const (
	pageBytes   = 100_000 // the template, the sheet and the script
	rowBytes    = 80
	cellBytes   = 24
	refBytes    = 120 // a name that is a link
	numberBytes = 8   // the number of a row
	detailBytes = 120
	lineBytes   = 24
)

// kindsInOrder are the kinds of details of a report, those first that a page gives up last.
func kindsInOrder() []string { return []string{"text", "code", "evidence"} }

// newFit chooses what of a report a page of a number of bytes holds: all of it if it can. Else it holds the rows first,
// then sentences, then text to copy, then evidence, and of each kind what equals nothing before it first.
func newFit(r *handover.Report, limit int) *fit {
	limit -= pageBytes + bytesOfTexts(r)
	if f := choose(r, limit, true); !f.isShort(r) {
		return f
	}
	return choose(r, limit, false)
}

// choose puts as much of a report as fits into a page of a number of bytes.
func choose(r *handover.Report, limit int, whole bool) *fit {
	f := &fit{pool: newPool(), left: limit, whole: whole, tables: map[*handover.Table]*tableFit{}}
	for t := range tablesOf(r) {
		f.takeRows(t)
	}
	for _, kind := range kindsInOrder() {
		for t := range tablesOf(r) {
			f.takeDetails(t, kind, false)
		}
		for t := range tablesOf(r) {
			f.takeDetails(t, kind, true)
		}
	}
	return f
}

// isShort reports whether a page holds less than the whole report.
func (f *fit) isShort(r *handover.Report) bool {
	for t := range tablesOf(r) {
		if kept := f.tables[t]; kept.rows < len(t.Rows) || len(kept.left) > 0 {
			return true
		}
	}
	return false
}

// takeRows puts the rows of a table without their details into a page, as many as fit.
func (f *fit) takeRows(t *handover.Table) {
	kept := &tableFit{left: map[string]int{}}
	f.tables[t] = kept
	for i := range t.Rows {
		if !f.take(f.costOfRow(&t.Rows[i])) {
			break
		}
		for j := range t.Rows[i].Cells {
			f.pool.text(t.Rows[i].Cells[j].Text)
		}
		kept.rows++
		details := make([]keptDetail, len(t.Rows[i].Detail))
		for j := range details {
			details[j].at = notKept
		}
		kept.details = append(kept.details, details)
	}
}

// takeDetails puts the details of one kind of the rows of a table into a page, as many as fit: those that are new, or else,
// again, those that equal one that the page holds.
func (f *fit) takeDetails(t *handover.Table, kind string, again bool) {
	kept := f.tables[t]
	for i := range kept.rows {
		for j := range t.Rows[i].Detail {
			d := &t.Rows[i].Detail[j]
			if d.Kind != kind || kept.details[i][j].at != notKept {
				continue
			}
			at, known := f.pool.detail(d)
			switch {
			case again && (!known || !f.take(f.costOfRepeated(d))):
				kept.left[kind]++
			case again:
				kept.details[i][j] = keptDetail{at, f.whole}
			case !known && f.take(f.costOfNew(d)):
				kept.details[i][j] = keptDetail{f.pool.add(d, t.Rows[i].ID), true}
			}
		}
	}
}

// take takes a number of bytes from what is left of a page, if there are so many.
func (f *fit) take(bytes int) bool {
	if bytes > f.left {
		return false
	}
	f.left -= bytes
	return true
}

// costOfRow returns how many bytes of a page a row takes without its details.
func (f *fit) costOfRow(r *handover.Row) int {
	cost := rowBytes
	for i := range r.Cells {
		named := min(len(r.Cells[i].Rows), mostNamed)
		cost += cellBytes + refBytes*named + numberBytes*(len(r.Cells[i].Rows)-named) + f.costOfText(r.Cells[i].Text)
	}
	return cost
}

// costOfNew returns how many bytes of a page a detail takes that no row before has.
func (f *fit) costOfNew(d *handover.Detail) int {
	cost := detailBytes + f.costOfText(d.Title)
	for _, line := range d.Lines {
		cost += lineBytes + f.costOfText(line)
	}
	return cost
}

// costOfRepeated returns how many bytes of a page a detail takes that the pool has: its place there, and without scripts the
// whole or a pointer.
func (f *fit) costOfRepeated(d *handover.Detail) int {
	if !f.whole {
		return detailBytes + refBytes
	}
	cost := detailBytes + inHTML(d.Title)
	for _, line := range d.Lines {
		cost += lineBytes + inHTML(line)
	}
	return cost
}

// costOfText returns how many bytes of a page a text of a row takes: in its table, and in the pool if it is new there.
func (f *fit) costOfText(s string) int {
	cost := inHTML(s)
	if _, ok := f.pool.ofText[s]; !ok {
		cost += inJSON(s)
	}
	return cost
}

// inHTML returns how many bytes a text takes in HTML.
func inHTML(s string) int {
	n := 0
	for _, r := range escape.Visible(s) {
		switch r {
		case '<', '>':
			n += len("&lt;")
		case '&', '"', '\'', '+':
			n += len("&#34;")
		default:
			n += utf8.RuneLen(r)
		}
	}
	return n
}

// inJSON returns how many bytes a text takes as a string of a list in JSON.
func inJSON(s string) int {
	n := len(`"",`)
	for _, r := range escape.Visible(s) {
		switch r {
		case '<', '>', '&':
			n += len(`\u003c`)
		case '"', '\\':
			n += 2
		default:
			n += utf8.RuneLen(r)
		}
	}
	return n
}

// bytesOfTexts returns how many bytes of a page the texts around the tables of a report take.
func bytesOfTexts(r *handover.Report) int {
	n := 0
	for i := range r.Sections {
		s := &r.Sections[i]
		n += detailBytes + 2*inHTML(s.Title) + inHTML(strings.Join(s.Text, ""))
		for _, t := range s.Tables {
			n += 10*detailBytes + 2*inHTML(t.Title) + 2*inHTML(t.Text)
			for _, c := range t.Columns {
				n += detailBytes + 2*inHTML(c.Title)
			}
		}
	}
	return n
}

// tablesOf returns the tables of a report in its order.
func tablesOf(r *handover.Report) iter.Seq[*handover.Table] {
	return func(yield func(*handover.Table) bool) {
		for i := range r.Sections {
			for _, t := range r.Sections[i].Tables {
				if !yield(t) {
					return
				}
			}
		}
	}
}
