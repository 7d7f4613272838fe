package handover

import (
	"cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// unseen returns the section of the Report on what could not be read or evaluated, and on what was seen beside.
func (b *builder) unseen() Section {
	s := Section{Text: b.unseenSentences(), Tables: []*Table{b.gapsTable(), b.notesTable()}}
	if len(s.Text) == 0 {
		s.Text = []string{"Everything that was there was read and evaluated."}
	}
	return s
}

// gapsTable returns the table of the Report on what could not be read or evaluated.
func (b *builder) gapsTable() *Table {
	t := &Table{
		ID: "gaps", Title: "What could not be seen", Text: "One row for each thing that could not be read or evaluated, with what it can change.",
		Columns: []Column{
			{ID: "what", Title: "What", Kind: kindName},
			{ID: "why", Title: "Why, and what to try next", Kind: kindText},
			{ID: "changes", Title: "Can change", Kind: kindStatus},
			{ID: "touches", Title: "Touches", Kind: kindText},
			{ID: "namespaces", Title: "Namespaces", Kind: kindNumber, Table: namespacesTable},
			{ID: "evidence", Title: "At", Kind: kindEvidence},
		},
	}
	for i := range b.plan.Gaps {
		g := &b.plan.Gaps[i]
		namespaces := Cell{}
		for _, name := range g.Affects {
			switch row := b.namespaceRow[name]; {
			case name == "*":
				namespaces.Number = len(b.plan.Namespaces)
			default:
				namespaces.Number++
				namespaces.Rows = append(namespaces.Rows, row)
			}
		}
		namespaces.Rows = withRows(namespaces.Rows)
		t.addRow(nil, text(g.What), text(g.Text), text(changesText(g)), text(touchesText(g)), namespaces, text(fileLine(g.Position)))
	}
	return t
}

// changesText returns the words of the Report for what a gap can change.
func changesText(g *migrate.Gap) string {
	switch g.Changes {
	case "workloads":
		return "what runs"
	case "grants":
		return "who may use which policy"
	case "labels":
		return "the labels of the namespace"
	}
	return cmp.Or(g.Changes, "anything")
}

// touchesText returns the words of the Report for the namespaces that a gap touches.
func touchesText(g *migrate.Gap) string {
	const most = 3
	if len(g.Affects) > 0 && g.Affects[0] == "*" {
		return "every namespace"
	}
	return english.First(g.Affects, most)
}

// notesTable returns the table of the Report on what was noticed and changes nothing.
func (b *builder) notesTable() *Table {
	t := &Table{
		ID: "notes", Title: "Noticed beside", Text: "Remarks on what was read, and what was passed over. They make nothing uncertain.",
		Columns: []Column{{ID: "note", Title: "Note", Kind: kindText}},
	}
	for _, note := range report.NoteTexts(b.plan) {
		t.addRow(nil, text(note))
	}
	for _, caution := range report.CautionTexts(b.plan) {
		t.addRow(nil, text(caution))
	}
	return t
}
