package handover

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// upgrade returns the section of the Report on the gate: what stands against the upgrade, and what is not known, in the order in which
// to clear it.
func (b *builder) upgrade() Section {
	t := &Table{
		ID: "upgrade", Title: "Before the upgrade to " + b.gate.To,
		Text: "One row for each reason against the upgrade and each open question, in the order in which to clear them: then none opens a gap or breaks what runs.",
		Columns: []Column{
			{ID: "step", Title: "Step", Kind: kindNumber},
			{ID: "kind", Title: "Kind", Kind: kindStatus},
			{ID: "id", Title: "Name", Kind: kindName},
			{ID: "text", Title: "What", Kind: kindText},
			{ID: "objects", Title: "Objects", Kind: kindNumber},
			{ID: "assert", Title: "Once you know", Kind: kindCommand},
		},
		Details: []DetailColumn{{"objects", "Objects", kindText}, {"advice", "What to know", kindText}, {"commands", "Commands", kindCode}},
	}
	for i, f := range b.gate.Findings() {
		if f.Reason != nil {
			b.addReason(t, i+1, f.Reason)
			continue
		}
		u := f.Unknown
		assert := ""
		if u.Assert != "" {
			assert = "--assert=" + string(u.Assert)
		}
		t.addRow(append(t.detail("advice", message.Texts(u.Advice)), t.detail("commands", u.Commands)...),
			number(i+1), text("question"), text(u.ID), text(u.Text), number(0), text(assert))
	}
	notes := &Table{
		ID: "upgrade-notes", Title: "Worth knowing for the upgrade", Text: "What was found beside, and decides nothing.",
		Columns: []Column{{ID: "id", Title: "Name", Kind: kindName}, {ID: "text", Title: "What", Kind: kindText}, {ID: "objects", Title: "Objects", Kind: kindNumber}},
		Details: []DetailColumn{{"objects", "Objects", kindText}},
	}
	for i := range b.gate.Notes {
		n := &b.gate.Notes[i]
		notes.addRow(notes.detail("objects", message.Texts(n.Objects)), text(n.ID), text(n.Text), number(len(n.Objects)))
	}
	return Section{Text: []string{b.gate.Verdict()}, Tables: []*Table{t, notes}}
}

// addReason adds to a table of the Report the row about a reason of the gate.
func (b *builder) addReason(t *Table, step int, reason *gate.Reason) {
	advice, assert := message.Texts(reason.Advice), ""
	if b.gate.AwaitsAssertion(reason) {
		advice = append(advice, fmt.Sprintf("not before %s is known to hold", reason.Requires))
		assert = "--assert=" + string(reason.Requires)
	}
	detail := append(t.detail("objects", message.Texts(reason.Objects)), t.detail("advice", advice)...)
	t.addRow(append(detail, t.detail("commands", commandLines(reason))...),
		number(step), text("reason"), text(reason.ID), text(reason.Text), number(len(reason.Objects)), text(assert))
}

// commandLines returns the commands of a reason of the gate as lines of the Report, with a comment where to stop and look.
func commandLines(reason *gate.Reason) []string {
	var out []string
	stops := map[int]bool{}
	for _, stop := range reason.Stops {
		stops[stop] = true
	}
	for i, c := range reason.Commands {
		if stops[i] {
			out = append(out, "# when you have looked at what that has done:")
		}
		out = append(out, c)
	}
	return out
}
