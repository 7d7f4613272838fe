package handover

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// policies returns the section of the Report on the policies: one row each, by name.
func (b *builder) policies() Section {
	t := &Table{
		ID: policiesTable, Title: "Policies",
		Text: "One row for each PodSecurityPolicy. The closest level is the one that comes nearest to it; it is never the same: " +
			"what is lost there, and what it asks for beyond the policy, stands in the row.",
		Columns: []Column{
			{ID: "policy", Title: "Policy", Kind: kindName},
			{ID: "closest", Title: "Closest level", Kind: kindLevel},
			{ID: "why", Title: "Why not the next", Kind: kindText},
			{ID: "conditions", Title: "Checks of it that the policy leaves open", Kind: kindNumber},
			{ID: "sets", Title: "Fields that it sets in pods", Kind: kindNumber},
			{ID: "lost", Title: "Restrictions lost there", Kind: kindNumber},
			{ID: "workloads", Title: "Workloads that it admits", Kind: kindNumber, Table: workloadsTable},
			{ID: "namespaces", Title: "Namespaces that it is used in", Kind: kindNumber, Table: namespacesTable},
			{ID: "remarks", Title: "Remarks", Kind: kindStatus},
			{ID: "evidence", Title: "Read from", Kind: kindEvidence},
		},
		Details: []DetailColumn{
			{"closest", "Closest level", kindText},
			{"fields", "Field by field", kindText},
			{"checks", "Check by check", kindText},
			{"lost", "What is lost there", kindText},
			{"conditions", "What the level asks for and the policy leaves open", kindText},
			{"values", "What templates must state once it is gone", kindText},
			{"problems", "Problems in the document", kindText},
		},
	}
	users := b.policyUsers()
	for i := range b.plan.Policies {
		po := &b.plan.Policies[i]
		t.addRow(b.policyDetail(t, po), policyCells(po, users[po.Name])...)
	}
	return Section{Tables: []*Table{t}}
}

// admitted is whose pods a policy admits today: rows of the tables of workloads and namespaces of the Report.
type admitted struct{ workloads, namespaces []string }

// policyUsers returns for each policy the rows of the Report on the workloads that it admits, and on their namespaces.
func (b *builder) policyUsers() map[string]*admitted {
	out, seen := map[string]*admitted{}, map[[2]string]bool{}
	for i := range b.plan.Policies {
		out[b.plan.Policies[i].Name] = &admitted{}
	}
	for i := range b.workloads {
		line := &b.workloads[i]
		use := out[line.workload.AdmittedBy]
		if use == nil {
			continue
		}
		use.workloads = append(use.workloads, b.workloadRow[line.workload])
		if key := [2]string{line.workload.AdmittedBy, line.ns.Name}; !seen[key] {
			seen[key] = true
			use.namespaces = append(use.namespaces, b.namespaceRow[line.ns.Name])
		}
	}
	return out
}

// policyCells returns the cells of the row about a policy of the Report.
func policyCells(po *migrate.Policy, use *admitted) []Cell {
	why := ""
	switch {
	case po.AdmitsNothing:
		why = "it admits nothing: " + strings.Join(message.Texts(po.AdmitsNothingWhy), "; ")
	case len(po.NearestMiss) > 0:
		why = report.NearestMissText(po)
	}
	var remarks []string
	if po.ProviderDefault {
		remarks = append(remarks, "default of a provider")
	}
	if po.Unused {
		remarks = append(remarks, "nobody may use it")
	}
	if len(po.Problems) > 0 {
		remarks = append(remarks, "problems in the document")
	}
	return []Cell{
		text(po.Name), text(string(po.ClosestLevel)), text(why), number(len(po.Conditions)), number(len(po.MutatingFields)),
		number(countLost(po.Lost, mapping.SecurityLoss, map[string]bool{})),
		{Number: len(use.workloads), Rows: use.workloads},
		{Number: len(use.namespaces), Rows: use.namespaces},
		text(strings.Join(remarks, ", ")), text(evidence(po.Position, "PodSecurityPolicy "+po.Name)),
	}
}

// policyDetail returns what the row about a policy of the Report opens to.
func (b *builder) policyDetail(t *Table, po *migrate.Policy) []Detail {
	var fields, checks []string
	for i := range po.Fields {
		fields = append(fields, report.FieldText(&po.Fields[i]))
	}
	for _, level := range levels.WithChecks() {
		for _, c := range po.Checks {
			if c.Level == level {
				checks = append(checks, fmt.Sprintf("%s, %s: %s: %s", c.Check, c.Level, report.CheckStatusPhrase(c.Status), c.Note.Text))
			}
		}
	}
	var out []Detail
	for _, d := range []struct {
		id    string
		lines []string
	}{
		{"closest", report.ClosestLevelTexts(po)},
		{"fields", fields},
		{"checks", checks},
		{"lost", lostLines(po.Lost)},
		{"conditions", report.ConditionTexts(b.plan, po)},
		{"values", report.RequiredValueTexts(po)},
		{"problems", report.ProblemTexts(po)},
	} {
		out = append(out, t.detail(d.id, d.lines)...)
	}
	return out
}
