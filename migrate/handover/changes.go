package handover

import (
	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// ChangesSection is the ID of the section of a Report on what changed since an earlier plan; only a Report that is given Changes has it.
const ChangesSection = "changes"

// changesLine returns what the first screen of the Report says of what changed; "" where nothing was compared.
func changesLine(c *difference.Changes) string {
	if c == nil {
		return ""
	}
	line := "Since the earlier plan: " + report.TellChanges(c).Sentence
	if len(c.Cautions) > 0 {
		line += " What has to be known first is in the section on what changed."
	}
	return line
}

// changesSection returns the section of the Report on what changed since an earlier plan.
func (b *builder) changesSection(c *difference.Changes) Section {
	told := report.TellChanges(c)
	t := &Table{
		ID: ChangesSection, Title: "What changed",
		Text: "One row for each change, the worst first, with what it means. A change that only follows from another one says so.",
		Columns: []Column{
			{ID: "group", Title: "Group", Kind: kindStatus},
			{ID: "namespace", Title: "Namespace", Kind: kindName, Table: namespacesTable},
			{ID: "about", Title: "About", Kind: kindText},
			{ID: "object", Title: "Object", Kind: kindName},
			{ID: "consequence", Title: "What changed", Kind: kindText},
			{ID: "before", Title: "Before", Kind: kindText},
			{ID: "after", Title: "After", Kind: kindText},
			{ID: "follows", Title: "Follows from another", Kind: kindText},
		},
		Details: []DetailColumn{{ID: "added", Title: "Added", Kind: kindText}, {ID: "removed", Title: "Removed", Kind: kindText}},
	}
	for i := range c.Changes {
		change := &c.Changes[i]
		detail := append(t.detail("added", change.Added), t.detail("removed", change.Removed)...)
		t.addRow(detail, text(groupText(change.Group)), linked(change.Namespace, b.namespaceRow[change.Namespace]), text(aboutText(change)), text(change.Object),
			text(change.Consequence.Text), text(change.Before), text(change.After), text(yesNo(!told.Told[change])))
	}
	return Section{ID: ChangesSection, Title: "What changed since the earlier plan", Text: append(told.Head, told.Sentence), Tables: []*Table{t}}
}

// groupText returns the words of the Report for a group of changes.
func groupText(g difference.Group) string {
	switch g {
	case difference.GroupLooser:
		return "became looser"
	case difference.GroupNewBlocker:
		return "new blocker"
	case difference.GroupStricter:
		return "stricter, or can be now"
	case difference.GroupUnknown:
		return "not known"
	}
	return "other"
}

// aboutText returns what a change of the Report is about: its kind, with the field that changed.
func aboutText(c *difference.Change) string {
	if c.Field == "" || c.Kind == difference.KindGrant {
		return string(c.Kind)
	}
	return string(c.Kind) + " " + c.Field
}
