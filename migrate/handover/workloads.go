package handover

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// workloadLine is one workload of the Report, with what is to be changed of it.
type workloadLine struct {
	ns       *migrate.Namespace
	workload *migrate.Workload
	ref      patch.WorkloadRef
	change   change
	blocked  *migrate.BlockedWorkload
}

// change says what is to be changed of a workload of a Report.
type change int

// The changes, those that have to come first before the others.
const (
	changeByHand change = iota
	changePatch
	changeDelete
	changeToRaise
	changeNothing
)

// String returns the word of the Report for what is to be changed of a workload.
func (c change) String() string {
	return []string{"change by hand", "patch", "delete if unused", "in the way", "nothing"}[c]
}

// workloadLines returns the workloads of a Report: those first that lose values with PodSecurityPolicy, then those that keep their
// namespace from the next level, the loosest first; then by namespace, kind and name.
func workloadLines(o *report.Overview) []workloadLine {
	var out []workloadLine
	for i := range o.Plan.Namespaces {
		ns := &o.Plan.Namespaces[i]
		blocked := map[migrate.WorkloadRef]*migrate.BlockedWorkload{}
		for _, b := range ns.BlockedWorkloads() {
			blocked[b.WorkloadRef] = &b
		}
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			line := workloadLine{
				ns: ns, workload: w, ref: patch.WorkloadRef{Namespace: ns.Name, Kind: w.Kind, Name: w.Name},
				blocked: blocked[migrate.WorkloadRef{Kind: w.Kind, Name: w.Name}],
			}
			line.change = changeOf(o, &line)
			out = append(out, line)
		}
	}
	slices.SortStableFunc(out, func(x, y workloadLine) int {
		return cmp.Or(
			cmp.Compare(x.change, y.change), api.CompareLevels(x.workload.Levels.AfterPSP, y.workload.Levels.AfterPSP),
			cmp.Compare(x.ref.Namespace, y.ref.Namespace), cmp.Compare(x.ref.Kind, y.ref.Kind), cmp.Compare(x.ref.Name, y.ref.Name),
		)
	})
	return out
}

// changeOf returns what is to be changed of a workload of a Report.
func changeOf(o *report.Overview, line *workloadLine) change {
	switch {
	case o.ByHand[line.ref] > 0:
		return changeByHand
	case o.Patched[line.ref]:
		return changePatch
	case line.blocked != nil && line.ns.IsOldRevision(line.workload):
		return changeDelete
	case line.blocked != nil:
		return changeToRaise
	}
	return changeNothing
}

// workloadsSection returns the section of the Report on the workloads: one row each, those to change first.
func (b *builder) workloadsSection() Section {
	t := &Table{
		ID: workloadsTable, Title: "Workloads",
		Text: "One row for each workload, those to change first. The levels are the strictest that its pods meet as their author wrote them, " +
			"as PodSecurityPolicy admits them today, and once no policy sets anything in them. A patch writes the values that policies set today " +
			"into the pod template: save it as a file and apply it with '" + patch.PatchFileCommand + "', or change the source of the workload alike.",
		Columns: []Column{
			{ID: "namespace", Title: "Namespace", Kind: kindName, Table: namespacesTable},
			{ID: "workload", Title: "Workload", Kind: kindName},
			{ID: "change", Title: "To do", Kind: kindStatus},
			{ID: "as-written", Title: "As written", Kind: kindLevel},
			{ID: "as-admitted", Title: "As admitted today", Kind: kindLevel},
			{ID: "after-psp", Title: "After PSP", Kind: kindLevel},
			{ID: "blocks", Title: "Keeps its namespace from", Kind: kindLevel},
			{ID: "checks", Title: "By", Kind: kindText},
			{ID: "admitted-by", Title: "Admitted by", Kind: kindName, Table: policiesTable},
			{ID: "account", Title: "Service account", Kind: kindName},
			{ID: "managed-by", Title: "Written by", Kind: kindText},
			{ID: "replicas", Title: "Replicas", Kind: kindNumber},
			{ID: "pods", Title: "Pods", Kind: kindNumber},
			{ID: "evidence", Title: "Read from", Kind: kindEvidence},
		},
		Details: []DetailColumn{
			{"remarks", "To know", kindText},
			{"patch", "Patch that keeps it as it is today", kindCode},
			{"raise", "Patch that reaches the next level", kindCode},
			{"obstacles", "What no patch can do", kindText},
			{"violations", "What it fails once PSP is gone, in the words of Pod Security admission", kindEvidence},
		},
	}
	for i := range b.workloads {
		line := &b.workloads[i]
		t.addRow(b.workloadDetail(t, line), b.workloadCells(line)...)
	}
	return Section{Tables: []*Table{t}}
}

// workloadCells returns the cells of the row about a workload of the Report.
func (b *builder) workloadCells(line *workloadLine) []Cell {
	w, blocks, checks := line.workload, "", ""
	if line.blocked != nil {
		var reasons []string
		for _, bl := range line.blocked.Blockers {
			blocks = string(bl.Level)
			if !slices.Contains(reasons, bl.Reason) {
				reasons = append(reasons, bl.Reason)
			}
		}
		checks = strings.Join(reasons, ", ")
	}
	admitted := text(admittedByText(w))
	if w.AdmittedBy != "" {
		admitted = linked(w.AdmittedBy, b.policyRow[w.AdmittedBy])
	}
	return []Cell{
		linked(line.ns.Name, b.namespaceRow[line.ns.Name]), text(strings.ToLower(w.Kind) + "/" + w.Name), text(line.change.String()),
		text(string(w.Levels.AsWritten)), text(string(w.Levels.AsAdmitted)), text(afterPSPText(w)), text(blocks), text(checks),
		admitted, text(w.ServiceAccount), text(managedByText(w.ManagedBy)), number(w.Replicas), number(w.Pods), text(evidence(w.Position, w.Kind+" "+line.ns.Name+"/"+w.Name)),
	}
}

// admittedByText returns the cell of the Report for a workload that no policy is known to admit.
func admittedByText(w *migrate.Workload) string {
	if by := report.AdmittedBy(w); by != "-" {
		return by
	}
	return ""
}

// afterPSPText returns the cell of the Report for the level of a workload after PSP.
func afterPSPText(w *migrate.Workload) string {
	out := string(w.Levels.AfterPSP)
	if w.LevelEstimated {
		out += " (estimated)"
	}
	if w.Exempt != nil {
		out += " (exempt)"
	}
	return out
}

// managedByText returns the cell of the Report for the tool that writes a workload.
func managedByText(m *migrate.ManagedBy) string {
	if m == nil {
		return ""
	}
	var parts []string
	for _, part := range []string{m.Tool, m.Source, m.Chart} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// workloadDetail returns what the row about a workload of the Report opens to.
func (b *builder) workloadDetail(t *Table, line *workloadLine) []Detail {
	var out []Detail
	var remarks []string
	if line.change == changeByHand || line.change == changePatch {
		keep, lines := b.patchLines(line, patch.Options{Set: patch.SetKeep}, kindPatch)
		remarks = lines
		out = append(out, t.detail("patch", keep)...)
	}
	if line.ns.IsOldRevision(line.workload) {
		remarks = append(remarks, "It "+report.OldRevisionPhrase)
	}
	remarks = append(remarks, report.InjectionTexts(line.workload)...)
	if line.blocked != nil && line.change != changeDelete {
		next := levels.NextStricter(line.ns.NeededLevel)
		raise, lines := b.patchLines(line, patch.Options{Set: patch.SetRaise, Level: next}, kindRaise)
		if len(raise) > 0 {
			out = append(out, t.detail("raise", raise)...)
		} else {
			out = append(out, t.detail("obstacles", lines)...)
		}
	}
	out = append(t.detail("remarks", remarks), out...)
	return append(out, t.detail("violations", b.violationTexts(line.workload))...)
}

// patchLines returns a patch of a workload of the Report as lines to copy, which equal workloads share, and the remarks on it; no
// lines where it cannot be patched.
func (b *builder) patchLines(line *workloadLine, o patch.Options, kind sharedKind) (lines, remarks []string) {
	p, ok := patch.For(b.plan, line.ns, line.workload, o)
	if !ok {
		return nil, nil
	}
	remarks = message.Texts(p.AllRemarks())
	if !p.IsApplicable() {
		return nil, remarks
	}
	key := codeKey{kind: kind, of: line.workload.EvaluationKey, workload: line.workload.Kind, level: o.Level}
	return b.shared(key, func() []string {
		var out bytes.Buffer
		if err := p.WriteStrategicBody(&out); err != nil {
			return []string{fmt.Sprintf("# %v", err)}
		}
		return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}), remarks
}

// violationTexts returns what a workload of the Report fails after PSP, in the words of Pod Security admission.
func (b *builder) violationTexts(w *migrate.Workload) []string {
	if len(w.Violations) == 0 {
		return nil
	}
	return b.shared(codeKey{kind: kindViolations, of: w.EvaluationKey}, func() []string {
		var out []string
		for _, v := range w.Violations {
			out = append(out, string(v.Level)+": "+report.ViolationText(v.Reason, v.Detail))
		}
		return out
	})
}
