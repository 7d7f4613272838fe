package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// pointer is a line of the report on a Plan that counts something and names the command that tells or does more.
type pointer struct{ title, text, command string }

// pointersTable returns the report's table of such lines, with the commands one below the other. On a terminal of a width
// with no room for that a command is right behind its text, or else below it, and a long text is folded.
func pointersTable(pointers []pointer, width int) *Table {
	title, text := 0, 0
	for _, p := range pointers {
		title, text = max(title, columnsOf(p.title)), max(text, columnsOf(p.text))
	}
	t := &Table{Columns: []Column{{"", RoleText}, {"", RoleCommand}}}
	for _, p := range pointers {
		behind := p.text + strings.Repeat(" ", gutter) + p.command
		beside := p.text + strings.Repeat(" ", text-columnsOf(p.text)+gutter) + p.command
		switch {
		case p.command != "" && width == 0 || title+gutter+columnsOf(beside) <= width:
			t.Rows = append(t.Rows, []string{p.title, beside})
		case p.command != "" && title+gutter+columnsOf(behind) <= width:
			t.Rows = append(t.Rows, []string{p.title, behind})
		default:
			lines := []string{p.text}
			if width > 0 {
				lines = Fold(p.text, width-title-gutter)
			}
			for i, line := range lines {
				t.Rows = append(t.Rows, []string{[]string{p.title, ""}[min(i, 1)], line})
			}
			if p.command != "" {
				t.Rows = append(t.Rows, []string{"", "  " + p.command})
			}
		}
	}
	return t
}

// summary returns the report's lines on policies, losses, findings and gaps.
func (s *planScreen) summary() []pointer {
	c := s.invocation()
	wide := c.Command("plan", c.Source, c.Target, c.Decide, c.Scope, []string{"-o", "wide"})
	out := []pointer{
		{"POLICIES", s.policiesText(), c.Command("explain psp", []string{s.worstPolicy()}, c.Source, c.Target)},
		{"LOST", s.lossesText(), c.Command("explain ns", []string{s.worstLoss()}, c.Source, c.Target, c.Decide)},
		{"FINDINGS", countsOrNone(count{len(CautionTexts(s.plan)), "kind of caution", "kinds of caution"}, count{len(grantFindings(s.plan, false)) + len(NoteTexts(s.plan)), "note", "notes"}, count{s.unrendered(), "looks unrendered", "look unrendered"}), wide},
		{"GAPS", s.gapsText(), wide},
	}
	if e := s.plan.AuditEvidence; e != nil {
		out = append(out, pointer{"LOG", auditLogText(e), wide})
	}
	for i := range out {
		if out[i].text == "none" {
			out[i].command = ""
		}
	}
	return out
}

// gapsText returns the report's counts of what was not read, and of the namespaces whose level is unknown for it.
func (s *planScreen) gapsText() string {
	parts := s.unread()
	if n := s.countRank(rankUnknown); n > 0 {
		parts = append(parts, english.Count(n, "namespace unknown", "namespaces unknown"))
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

// unrendered returns the number of the report's notes on what looks like a template that was not rendered.
func (s *planScreen) unrendered() int {
	n := 0
	for i := range s.plan.Notes {
		if id := s.plan.Notes[i].ID; id == "looks-unrendered" || id == "release-unnamed" {
			n++
		}
	}
	return n
}

// worstPolicy returns the name of the policy that the report explains first: one that is closest to the loosest level, is
// no provider's if another is, and restricts least beyond that.
func (s *planScreen) worstPolicy() string {
	worst, lost, provider := "", 0, false
	var loosest api.Level
	for i := range s.plan.Policies {
		po := &s.plan.Policies[i]
		switch {
		case worst == "", po.ClosestLevel != "" && (loosest == "" || levels.Looser(po.ClosestLevel, loosest)), po.ClosestLevel == loosest && !po.ProviderDefault && (provider || len(po.Lost) < lost):
			worst, loosest, lost, provider = po.Name, po.ClosestLevel, len(po.Lost), po.ProviderDefault
		}
	}
	return worst
}

// worstLoss returns the name of the namespace whose losses the report explains first: one that loses most restrictions,
// and where none does, most defaults.
func (s *planScreen) worstLoss() string {
	name, most := "", [2]int{-1, 0}
	for i := range s.plan.Namespaces {
		ns := &s.plan.Namespaces[i]
		var n [2]int
		for _, l := range ns.Lost {
			switch l.Class {
			case mapping.SecurityLoss:
				n[0]++
			case mapping.FunctionalLoss:
				n[1]++
			}
		}
		if c := slices.Compare(n[:], most[:]); c > 0 || c == 0 && ns.Name < name {
			name, most = ns.Name, n
		}
	}
	return name
}

// policiesText returns the report's count of the policies, and of those that are closest to privileged.
func (s *planScreen) policiesText() string {
	n, loosest := len(s.plan.Policies), 0
	for i := range s.plan.Policies {
		if s.plan.Policies[i].ClosestLevel == api.LevelPrivileged {
			loosest++
		}
	}
	switch {
	case n == 0:
		return "none"
	case loosest == 0:
		return fmt.Sprintf("%d, none closest to privileged", n)
	}
	return fmt.Sprintf("%d, %d closest to privileged", n, loosest)
}

// lossesText returns the report's count of the namespaces in which policies forbid what the recommended level allows;
// where there are none, of those in which policies set values.
func (s *planScreen) lossesText() string {
	forbidden, set := 0, 0
	for i := range s.plan.Namespaces {
		forbids, sets := false, false
		for _, l := range s.plan.Namespaces[i].Lost {
			forbids, sets = forbids || l.Class == mapping.SecurityLoss, sets || l.Class == mapping.FunctionalLoss
		}
		if forbids {
			forbidden++
		}
		if sets {
			set++
		}
	}
	if forbidden == 0 {
		return countsOrNone(count{set, "namespace loses defaults", "namespaces lose defaults"})
	}
	return english.Count(forbidden, "namespace loses restrictions", "namespaces lose restrictions")
}

// count is a number with its noun in a line of a report.
type count struct {
	n         int
	one, many string
}

// countsOrNone returns the report's text on the numbers that are not 0; "none" where all are.
func countsOrNone(counts ...count) string {
	text := ""
	for _, c := range counts {
		if c.n == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += english.Count(c.n, c.one, c.many)
	}
	if text == "" {
		return "none"
	}
	return text
}
