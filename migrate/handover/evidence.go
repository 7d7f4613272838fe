package handover

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// fileLine returns the position of an object for the Report: "file:line"; "" for what was not read from a file.
func fileLine(at pspparse.Position) string { return phrases.FileLine(at) }

// evidenceSection returns the appendix of the Report: where each statement comes from, and the words of Pod Security admission.
func (b *builder) evidenceSection() Section {
	t := &Table{
		ID: "evidence", Title: "Evidence",
		Text: "One row for each statement: what it is about, what is said, and where that was read (file:line, or the object on the cluster). " +
			"Violations are in the words of Pod Security admission; workloads with equal pods share a row, and the row of each workload says where it was read.",
		Columns: []Column{
			{ID: "about", Title: "About", Kind: kindName},
			{ID: "statement", Title: "Statement", Kind: kindText},
			{ID: "workloads", Title: "Workloads", Kind: kindNumber, Table: workloadsTable},
			{ID: "evidence", Title: "Evidence", Kind: kindEvidence},
		},
	}
	b.addNamespaceEvidence(t)
	b.addViolationEvidence(t)
	b.addPolicyEvidence(t)
	b.addGrantEvidence(t)
	for i := range b.plan.Gaps {
		g := &b.plan.Gaps[i]
		t.addRow(nil, text(g.What), text("not read or evaluated: "+g.Text), number(0), text(evidence(g.Position, g.What)))
	}
	return Section{Tables: []*Table{t}}
}

// addNamespaceEvidence adds to the evidence of the Report a row for each namespace: the labels that it has, and what it needs.
func (b *builder) addNamespaceEvidence(t *Table) {
	for i := range b.overview.Namespaces {
		line := &b.overview.Namespaces[i]
		statement := "enforces " + line.TodayText + " today"
		if line.ObjectNotRead {
			statement = "its labels were not read"
		}
		if line.NeededLevel != "" {
			statement += ", needs " + string(line.NeededLevel)
		}
		t.addRow(nil, text("namespace "+line.Name), text(statement), number(0), text(evidence(line.Position, "Namespace "+line.Name)))
	}
}

// addViolationEvidence adds to the evidence of the Report a row for each violation of workloads with equal pods.
func (b *builder) addViolationEvidence(t *Table) {
	var order []*migrate.Evaluation
	same := map[*migrate.Evaluation][]int{}
	for i := range b.workloads {
		e := b.workloads[i].workload.Evaluation
		if same[e] == nil {
			order = append(order, e)
		}
		same[e] = append(same[e], i)
	}
	for _, e := range order {
		rows := make([]string, len(same[e]))
		for k, i := range same[e] {
			rows[k] = rowID(workloadsTable, i)
		}
		first := &b.workloads[same[e][0]]
		about := first.ns.Name + "/" + strings.ToLower(first.ref.Kind) + "/" + first.ref.Name
		at := evidence(first.workload.Position, first.ref.Kind+" "+first.ns.Name+"/"+first.ref.Name)
		if n := len(rows) - 1; n > 0 {
			about += fmt.Sprintf(" and %d more", n)
			at += fmt.Sprintf(" and %d more", n)
		}
		for _, v := range e.Violations {
			t.addRow(nil, text(about), text("fails "+v.Check+" of "+string(v.Level)+" after PSP: "+report.ViolationText(v.Reason, v.Detail)), Cell{Number: len(rows), Rows: rows}, text(at))
		}
		if len(e.Violations) == 0 {
			t.addRow(nil, text(about), text("fails no check of any level after PSP"), Cell{Number: len(rows), Rows: rows}, text(at))
		}
	}
}

// addPolicyEvidence adds to the evidence of the Report a row for each policy.
func (b *builder) addPolicyEvidence(t *Table) {
	for i := range b.plan.Policies {
		po := &b.plan.Policies[i]
		statement := "it admits nothing"
		if !po.AdmitsNothing {
			statement = "closest to " + string(po.ClosestLevel)
		}
		t.addRow(nil, text("psp/"+po.Name), text(statement), number(0), text(evidence(po.Position, "PodSecurityPolicy "+po.Name)))
	}
}

// addGrantEvidence adds to the evidence of the Report a row for each role that lets use policies, and for each binding to one.
func (b *builder) addGrantEvidence(t *Table) {
	const most = 5
	for i := range b.plan.Roles {
		r := &b.plan.Roles[i]
		statement := "lets use " + english.First(r.Policies, most)
		if len(r.Policies) == 1 && r.Policies[0] == migrate.EveryPolicy {
			statement = "lets use every policy"
		}
		t.addRow(nil, text(r.Reference()), text(statement), number(0), text(evidence(r.Position, r.Reference())))
	}
	for i := range b.plan.Bindings {
		bi := &b.plan.Bindings[i]
		if bi.Namespace != "" && !b.inScope(bi.Namespace) {
			continue
		}
		subjects := make([]string, len(bi.Subjects))
		for k, s := range bi.Subjects {
			subjects[k] = s.String()
		}
		t.addRow(nil, text(bi.Reference()), text("gives "+bi.Role+" to "+english.First(subjects, most)), number(0), text(evidence(bi.Position, bi.Reference())))
	}
}
