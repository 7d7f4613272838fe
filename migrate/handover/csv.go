package handover

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// CSVFile is one table of a Report as a file of comma-separated values.
type CSVFile struct {
	Name  string
	Table *Table
}

// CSVFiles returns the tables of a Report as files, one each: those of the first screen, then those of the sections.
func CSVFiles(r *Report) []CSVFile {
	var out []CSVFile
	for _, t := range slices.Concat(summaryTables(r), sectionTables(r)) {
		out = append(out, CSVFile{t.ID + ".csv", t})
	}
	return out
}

// sectionTables returns the tables of all sections of a Report.
func sectionTables(r *Report) []*Table {
	var out []*Table
	for i := range r.Sections {
		out = append(out, r.Sections[i].Tables...)
	}
	return out
}

// byteOrderMark at the beginning of a file tells Excel that it is UTF-8.
const byteOrderMark = "\ufeff"

// WriteCSV writes one table of a Report as RFC 4180 has it, but with lines that end as those of Unix do, which spreadsheets read as well:
// a line of column IDs, then a line for each row. What a row opens to is in columns behind the others, sentences joined by "; " and lines of code by line ends. No cell begins a formula of
// a spreadsheet: one that would has an apostrophe in front, as a semicolon has behind it where a formula could begin there. What does
// not show is escaped. It returns the errors of w.
func WriteCSV(w io.Writer, t *Table, bom bool) error {
	if bom {
		if _, err := io.WriteString(w, byteOrderMark); err != nil {
			return err
		}
	}
	out := csv.NewWriter(w)
	record := make([]string, 0, len(t.Columns)+len(t.Details))
	for i := range t.Columns {
		record = append(record, t.Columns[i].ID)
	}
	for i := range t.Details {
		record = append(record, "detail-"+t.Details[i].ID)
	}
	_ = out.Write(record) // Flush and Error report it
	for i := range t.Rows {
		_ = out.Write(csvRecord(record[:0], t, &t.Rows[i]))
	}
	out.Flush()
	return out.Error()
}

// csvRecord returns the cells of one row of a table of the Report, in the memory of record.
func csvRecord(record []string, t *Table, row *Row) []string {
	for k, c := range row.Cells {
		if t.Columns[k].Kind == kindNumber {
			record = append(record, strconv.Itoa(c.Number))
			continue
		}
		record = append(record, escape.Spreadsheet(escape.Terminal(c.Text)))
	}
	for i := range t.Details {
		record = append(record, csvDetail(row, &t.Details[i]))
	}
	return record
}

// csvDetail returns the cell for what a row of the Report opens to under one of its details; "" where it has none.
func csvDetail(row *Row, column *DetailColumn) string {
	for i := range row.Detail {
		d := &row.Detail[i]
		if d.ID != column.ID {
			continue
		}
		lines := make([]string, len(d.Lines))
		for k, line := range d.Lines {
			lines[k] = escape.Terminal(line)
		}
		separator := "; "
		if d.Kind == kindCode {
			separator = "\n"
		}
		return escape.Spreadsheet(strings.Join(lines, separator))
	}
	return ""
}

// summaryTables returns the cover and the first screen of a Report as tables, for forms that have only tables.
func summaryTables(r *Report) []*Table {
	cover := &Table{ID: "cover", Title: "Cover", Columns: []Column{{ID: "item", Title: "Item", Kind: kindName}, {ID: "value", Title: "Value", Kind: kindText}}}
	for _, row := range coverRows(r) {
		cover.addRow(nil, text(row[0]), text(row[1]))
	}
	return append([]*Table{cover}, countTables(&r.Summary)...)
}

// coverRows returns what the cover of a Report says, item by item, with the verdict.
func coverRows(r *Report) [][2]string {
	var out [][2]string
	for _, row := range [][2]string{
		{"title", r.Cover.Title},
		{"client", r.Cover.Client},
		{"author", r.Cover.Author},
		{"source", r.Cover.Source},
		{"only about", r.Cover.Scope},
		{"read at", r.Cover.ReadAt},
		{"version of the standards", r.Cover.TargetVersion},
		{"version of the server", r.Cover.ServerVersion},
		{"made by", r.Cover.ToolVersion},
		{"verdict", r.Summary.Verdict.Text},
		{"changes", r.Summary.Changes},
	} {
		if row[1] != "" {
			out = append(out, row)
		}
	}
	return out
}

// countTables returns the first screen of a Report as tables: levels, blockers, losses, what was not seen, and what to do next.
func countTables(s *Summary) []*Table {
	levels := &Table{ID: "summary-levels", Title: "Namespaces by level", Columns: []Column{
		{ID: "level", Title: "Level", Kind: kindLevel},
		{ID: "today", Title: "Today", Kind: kindNumber},
		{ID: "recommended", Title: "Recommended", Kind: kindNumber},
		{ID: "with-patches", Title: "With patches", Kind: kindNumber},
	}}
	if s.Refusing > 0 {
		levels.Text = "The recommended levels were asked for: in " + english.Count(s.Refusing, "namespace", "namespaces") + " they would refuse what runs there today."
	}
	for _, l := range s.Levels {
		levels.addRow(nil, text(l.Level), number(l.Today), number(l.Recommended), number(l.WithPatches))
	}
	blockers := &Table{ID: "summary-blockers", Title: "What keeps namespaces from the next level", Columns: []Column{
		{ID: "check", Title: "Check", Kind: kindName},
		{ID: "level", Title: "Of", Kind: kindLevel},
		{ID: "violation", Title: "Pod Security says", Kind: kindText},
		{ID: "namespaces", Title: "Namespaces", Kind: kindNumber},
		{ID: "workloads", Title: "Workloads", Kind: kindNumber},
	}}
	for _, b := range s.Blockers {
		blockers.addRow(nil, text(b.Check), text(b.Level), text(b.Text), number(b.Namespaces), number(b.Workloads))
	}
	lost := &Table{ID: "summary-lost", Title: "What is lost with PodSecurityPolicy", Columns: []Column{
		{ID: "risk", Title: "Risk", Kind: kindStatus},
		{ID: "what", Title: "What", Kind: kindText},
		{ID: "fields", Title: "Fields", Kind: kindNumber},
		{ID: "namespaces", Title: "Namespaces", Kind: kindNumber},
	}}
	for _, l := range s.Lost {
		lost.addRow(nil, text(l.Class), text(l.Text), number(l.Constraints), number(l.Namespaces))
	}
	unseen := &Table{ID: "summary-unseen", Title: "What could not be seen", Columns: []Column{{ID: "what", Title: "What", Kind: kindText}}}
	for _, sentence := range s.Unseen {
		unseen.addRow(nil, text(sentence))
	}
	next := &Table{ID: "summary-next", Title: "What to do next", Columns: []Column{
		{ID: "what", Title: "What", Kind: kindText}, {ID: "effort", Title: "Touches", Kind: kindText}, {ID: "commands", Title: "Command", Kind: kindCommand},
	}}
	for _, step := range s.Next {
		next.addRow(nil, text(step.Text), text(step.Effort), text(strings.Join(step.Commands, " && ")))
	}
	return []*Table{levels, blockers, lost, unseen, next}
}

// countRows returns a number of rows of a table for a sentence of the Report.
func countRows(n int) string { return english.Count(n, "row", "rows") }
