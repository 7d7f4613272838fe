package html

import (
	"cmp"
	"crypto/sha256"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// fit is what of a report a page of limited size holds. A page has its rows twice: as data for the script, where each text
// stands once, and as tables for readers without scripts.
type fit struct {
	pool *pool
	left int // bytes
	// whole is whether the page holds the whole report in both forms. Else its data is packed, and its tables are without details.
	whole  bool
	tables map[*handover.Table]*tableFit
}

// tableFit is what of one table of a report a page holds: how many of its first rows as data, and of each of them some details, as their
// places in the pool or notKept; and how many of its first rows as a table.
type tableFit struct {
	rows    int
	details [][]int
	drawn   int
}

// notKept is the place of a detail of a report that a page does not hold.
const notKept = -1

// Bytes that the markup of a page takes beside the texts, at most.
const (
	rowBytes    = 24
	linkBytes   = 100 // the name of a row that is a link
	numberBytes = 7   // in the data, the place of a text or the number of a row
	detailBytes = 110 // in a table
	lineBytes   = 10
)

// appendix is the table of a report that says again what its other tables say, and so is the last to find room in a page.
const appendix = "evidence"

// newFit returns what a page holds that holds no row of a report.
func newFit(r *handover.Report) *fit {
	f := &fit{pool: newPool(), tables: map[*handover.Table]*tableFit{}}
	for t := range tablesOf(r) {
		f.tables[t] = &tableFit{}
	}
	return f
}

// wholeFit puts a whole report into a page, if it fits into a number of bytes.
func wholeFit(r *handover.Report, bytes int) (*fit, bool) {
	f := takeData(r, bytes, true)
	return f, f.whole && f.draw(r, f.left)
}

// takeData puts as much of a report as a number of bytes holds into the data of a page: the rows, those of short tables first, then the
// details that several rows have, which cost little, then the others, then the appendix.
func takeData(r *handover.Report, bytes int, whole bool) *fit {
	f := newFit(r)
	f.left, f.whole = bytes, whole
	tables := tablesInOrder(r)
	last := len(tables)
	if last > 0 && tables[last-1].ID == appendix {
		last--
	}
	counts := countDetails(r)
	all := f.takeRows(tables[:last])
	all = f.takeDetails(r, func(key [sha256.Size]byte) bool { return counts[key] > 1 }) && all
	all = f.takeDetails(r, func(key [sha256.Size]byte) bool { return counts[key] == 1 }) && all
	all = f.takeRows(tables[last:]) && all
	f.whole = whole && f.takeDetails(r, func([sha256.Size]byte) bool { return true }) && all
	return f
}

// draw puts as many rows of a report as a number of bytes holds into the tables of a page, those of short tables first, and reports
// whether all fit.
func (f *fit) draw(r *handover.Report, bytes int) bool {
	f.left = bytes
	all := true
	for _, t := range tablesInOrder(r) {
		kept := f.tables[t]
		kept.drawn = 0
		for i := range t.Rows {
			if !f.take(f.costDrawn(t, &t.Rows[i])) {
				all = false
				break
			}
			kept.drawn++
		}
	}
	return all
}

// hasRows reports whether the data of a page has all rows of its report, but for those of the appendix.
func (f *fit) hasRows() bool {
	for t, kept := range f.tables {
		if kept.rows < len(t.Rows) && t.ID != appendix {
			return false
		}
	}
	return true
}

// tablesInOrder returns the tables of a report in the order in which a page takes them: the appendix last, before it by length.
func tablesInOrder(r *handover.Report) []*handover.Table {
	tables := slices.Collect(tablesOf(r))
	slices.SortStableFunc(tables, func(a, b *handover.Table) int {
		if (a.ID == appendix) != (b.ID == appendix) {
			return map[bool]int{true: 1, false: -1}[a.ID == appendix]
		}
		return cmp.Compare(len(a.Rows), len(b.Rows))
	})
	return tables
}

// countDetails returns how many rows of a report have each detail.
func countDetails(r *handover.Report) map[[sha256.Size]byte]int {
	counts := map[[sha256.Size]byte]int{}
	for t := range tablesOf(r) {
		for i := range t.Rows {
			for j := range t.Rows[i].Detail {
				counts[keyOf(&t.Rows[i].Detail[j])]++
			}
		}
	}
	return counts
}

// takeRows puts the rows of tables without their details into the data of a page, as many as fit, and reports whether all do.
func (f *fit) takeRows(tables []*handover.Table) bool {
	all := true
	for _, t := range tables {
		kept := f.tables[t]
		for i := range t.Rows {
			if !f.take(f.costOfRow(&t.Rows[i])) {
				all = false
				break
			}
			for j := range t.Rows[i].Cells {
				f.pool.text(t.Rows[i].Cells[j].Text)
			}
			kept.rows++
			kept.details = append(kept.details, slices.Repeat([]int{notKept}, len(t.Rows[i].Detail)))
		}
	}
	return all
}

// takeDetails puts those details of the rows that a page holds into its data that are wanted and not there yet, as many as fit, and
// reports whether all do.
func (f *fit) takeDetails(r *handover.Report, wanted func([sha256.Size]byte) bool) bool {
	all := true
	for t := range tablesOf(r) {
		kept := f.tables[t]
		for i := range kept.rows {
			for j := range t.Rows[i].Detail {
				if kept.details[i][j] == notKept && !f.takeDetail(&kept.details[i][j], &t.Rows[i].Detail[j], wanted) {
					all = false
				}
			}
		}
	}
	return all
}

// takeDetail puts a detail into the data of a page, if it is wanted, and its place into at. It reports whether it fits.
func (f *fit) takeDetail(at *int, d *handover.Detail, wanted func([sha256.Size]byte) bool) bool {
	key := keyOf(d)
	if !wanted(key) {
		return true
	}
	known, ok := f.pool.ofDetail[key]
	if !f.take(f.costOfDetail(d, ok)) {
		return false
	}
	if !ok {
		known = f.pool.add(key, d)
	}
	*at = known
	return true
}

// take takes a number of bytes from what is left of a page, if there are so many.
func (f *fit) take(bytes int) bool {
	if bytes > f.left {
		return false
	}
	f.left -= bytes
	return true
}

// costOfRow returns how many bytes of the data of a page a row takes without its details.
func (f *fit) costOfRow(r *handover.Row) int {
	cost := rowBytes
	for i := range r.Cells {
		cost += numberBytes*(1+len(r.Cells[i].Rows)) + f.costInPool(r.Cells[i].Text)
	}
	return cost
}

// costOfDetail returns how many bytes of the data of a page a detail takes, which the pool has already or not.
func (f *fit) costOfDetail(d *handover.Detail, known bool) int {
	if known {
		return numberBytes
	}
	cost := 5*numberBytes + f.costInPool(d.Title)
	for _, line := range d.Lines {
		cost += numberBytes + f.costInPool(line)
	}
	return cost
}

// costInPool returns how many bytes a text takes in the pool of a page: none if it is there.
func (f *fit) costInPool(s string) int {
	if _, ok := f.pool.ofText[s]; ok {
		return 0
	}
	return inJSON(s)
}

// costDrawn returns how many bytes of a table of a page a row takes.
func (f *fit) costDrawn(t *handover.Table, r *handover.Row) int {
	cost := len("<tr id=><th scope=row>\n") + len(r.ID)
	for i := range r.Cells {
		c := &r.Cells[i]
		if t.Columns[i].Kind == "number" {
			cost += len("<td class=n>") + numberBytes
			if f.whole {
				cost += linkBytes * min(len(c.Rows), mostNamed)
			}
			continue
		}
		cost += len("<td>") + inHTML(c.Text)
		for _, id := range c.Rows {
			cost += len(`<a href="#"></a>`) + len(id)
		}
	}
	if !f.whole {
		return cost
	}
	for i := range r.Detail {
		cost += detailBytes + inHTML(r.Detail[i].Title)
		for _, line := range r.Detail[i].Lines {
			cost += lineBytes + inHTML(line)
		}
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
	n := len("\"\",\n")
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
