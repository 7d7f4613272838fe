package report

import (
	"fmt"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// addDecision adds to a report why a namespace gets its level, and beside the reasons the workloads that block the next one in the
// words of Pod Security admission. Several that fail alike are a table, a check in each row; wide has each with all its words.
func (d *Document) addDecision(ns *migrate.Namespace, wide bool) {
	blocked := ns.BlockedWorkloads()
	heading := "WHY"
	if len(blocked) > 0 {
		heading += ", and what blocks " + string(ns.Blockers[0].Level)
	}
	if len(ns.Reasons)+len(blocked) == 0 {
		return
	}
	list := listOf(append(message.Texts(ns.Reasons), oldRevisionsTexts(ns)...))
	alike := !wide && slices.ContainsFunc(ns.Blockers, func(b migrate.Blocker) bool { return len(workloadsFailing(ns, b.Check)) > 1 })
	if alike {
		d.add(Heading(heading))
		if len(list.Items) > 0 {
			d.add(list)
		}
		d.add(blockersTable(ns, len(blocked)))
		return
	}
	for _, w := range blocked {
		item := Item{Text: phrases.ObjectName(w.Kind, w.Name)}
		for _, b := range w.Blockers {
			item.Items = append(item.Items, Item{Text: ViolationText(b.Reason, b.Detail)})
		}
		list.Items = append(list.Items, item)
	}
	d.add(Heading(heading), list)
}

// oldRevisionsTexts returns the report's text on the old revisions that block the next level of a namespace, and what to do with
// them; none where there are none.
func oldRevisionsTexts(ns *migrate.Namespace) []string {
	const most = 6
	var names []string
	for _, w := range ns.OldRevisions() {
		names = append(names, phrases.ObjectName("replicaset", w.Name))
	}
	switch len(names) {
	case 0:
		return nil
	case 1:
		return []string{names[0] + " " + OldRevisionPhrase}
	}
	return []string{fmt.Sprintf("each of %s %s", english.First(names, most), OldRevisionPhrase)}
}

// OldRevisionPhrase is the report's text on what an old revision is, and what to do with it.
const OldRevisionPhrase = "has no pods, and counts since 'kubectl rollout undo' could bring it back: delete it if nobody goes back to it, then plan again"

// blockersTable returns the report's table of the checks that keep a namespace from the next level, one in each row, with the
// workloads that fail it.
func blockersTable(ns *migrate.Namespace, blocked int) *Table {
	t := &Table{Columns: []Column{{"POD SECURITY SAYS", RoleText}, {"OF WORKLOADS", RoleText}}}
	for i, b := range ns.Blockers {
		if i > 0 && ns.Blockers[i-1].Check == b.Check {
			continue
		}
		failing := workloadsFailing(ns, b.Check)
		says := b.Reason
		if len(failing) == len(b.Workloads) { // all in the same words
			says = ViolationText(b.Reason, b.Detail)
		} else {
			t.Omitted = "which containers, and which values: " + inWide
		}
		t.Rows = append(t.Rows, []string{says, workloadsCell(failing, blocked)})
	}
	return t
}

// workloadsFailing returns the workloads of a namespace that fail a check, whatever the words, each once, for a report.
func workloadsFailing(ns *migrate.Namespace, check string) []migrate.WorkloadRef {
	var out []migrate.WorkloadRef
	seen := map[migrate.WorkloadRef]bool{}
	for _, b := range ns.Blockers {
		if b.Check != check {
			continue
		}
		for _, w := range b.Workloads {
			if !seen[w] {
				seen[w] = true
				out = append(out, w)
			}
		}
	}
	return out
}

// workloadsCell returns the table cell on the workloads that fail a check, out of all that are blocked.
func workloadsCell(failing []migrate.WorkloadRef, blocked int) string {
	switch {
	case len(failing) < blocked:
	case blocked == 2:
		return "both"
	default:
		return fmt.Sprintf("all %d", blocked)
	}
	const most = 6
	names := make([]string, len(failing))
	for i, w := range failing {
		names[i] = phrases.ObjectName(w.Kind, w.Name)
	}
	return english.First(names, most)
}

// ViolationText returns the report's text of a violation as Pod Security admission words it: reason (detail).
func ViolationText(reason, detail string) string {
	if detail == "" {
		return reason
	}
	return reason + " (" + detail + ")"
}

// mostWorkloads is the number of workloads of a namespace that a report shows where it is not wide.
const mostWorkloads = 30

// addWorkloads adds to a report the table of the workloads of a namespace, those that need the loosest level first.
func (d *Document) addWorkloads(ns *migrate.Namespace, wide bool) {
	if len(ns.Workloads) == 0 {
		return
	}
	workloads := make([]*migrate.Workload, len(ns.Workloads))
	for i := range ns.Workloads {
		workloads[i] = &ns.Workloads[i]
	}
	slices.SortStableFunc(workloads, func(a, b *migrate.Workload) int {
		return api.CompareLevels(a.Levels.AfterPSP, b.Levels.AfterPSP)
	})
	t := workloadsTable(workloads, wide)
	if more := len(t.Rows) - mostWorkloads; !wide && more > 0 {
		t.Rows, t.Omitted = t.Rows[:mostWorkloads], restInWide(more)
	}
	d.add(Heading("WORKLOADS, and the level that their pods meet"), t)
}

// workloadsTable returns the report's table of workloads with the levels that their pods meet.
func workloadsTable(workloads []*migrate.Workload, wide bool) *Table {
	t := &Table{Columns: []Column{{"WORKLOAD", RoleText}, {"AS ADMITTED", RoleLevel}, {"AFTER PSP", RoleLevel}, {"ADMITTED BY", RoleText}}}
	if wide {
		t.Columns = append(t.Columns, Column{"AS WRITTEN", RoleLevel}, Column{"ACCOUNT", RoleText})
	}
	for _, w := range workloads {
		after := orDash(string(w.Levels.AfterPSP))
		if w.LevelEstimated {
			after += " (estimated)"
		}
		if w.Exempt != nil {
			after += " (exempt)"
		}
		row := []string{phrases.ObjectName(w.Kind, w.Name), orDash(string(w.Levels.AsAdmitted)), after, AdmittedBy(w)}
		if wide {
			row = append(row, orDash(string(w.Levels.AsWritten)), orDash(w.ServiceAccount))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// AdmittedBy returns the table cell for the policy that admits a workload's pods today, or why none is named.
func AdmittedBy(wl *migrate.Workload) string {
	switch {
	case len(wl.Refused) > 0:
		return "refused today"
	case wl.AdmittedBy == "" && len(wl.UsablePolicies) > 0:
		return "unknown"
	}
	return orDash(wl.AdmittedBy)
}
