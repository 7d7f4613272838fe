package handover

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// Kind is the kind of a Report document; its apiVersion is that of the Plan.
const Kind = "Report"

// Options are those of Build: what the cover of the Report says, and how the tool was called. The zero value suits a test.
type Options struct {
	// Title, Client and Author are for the cover; a title is made up where none is given.
	Title, Client, Author string
	// Tool is the tool and its version, for a Plan that does not say which one made it.
	Tool string
	// Sections are the IDs of the sections to have, in the order of SectionIDs; all where there are none.
	Sections []string
	// Changes are what changed since an earlier plan, in the namespaces of the Plan; nil where nothing was compared.
	Changes *difference.Changes
	// ChangesFlags are the flags by which these are compared again.
	ChangesFlags []string
	// AllNamespaces is how many namespaces there are, of which the Plan may have a part; 0 is as many as it has.
	AllNamespaces int
	// Asked are the arguments by which the gate was asked, for the commands that ask it again.
	Asked []string
	// Invocation is how the tool was called, for the commands that the Report names.
	Invocation report.Invocation
}

// builder makes the sections of one Report.
type builder struct {
	// plan has only what is about its namespaces where the call has a scope.
	plan     *migrate.Plan
	gate     *gate.Result
	cover    Cover
	overview *report.Overview
	// asked are the arguments by which the gate was asked.
	asked []string
	// kubectl is the command by which the cluster of the plan is reached.
	kubectl string
	// workloads are those of all namespaces, in the order of their table.
	workloads []workloadLine
	uses      []policyUse
	// rowOf are the IDs of the rows of each table, by the name of what each row is about.
	namespaceRow, policyRow map[string]string
	// workloadRow has them by the workload itself: several can have one name, whose end the server chooses.
	workloadRow map[*migrate.Workload]string
	// code are texts to copy that several rows share, by what they are made from.
	code map[codeKey][]string
}

// section is how one Section of a Report is made, and the IDs of its tables.
type section struct {
	id, title string
	build     func(*builder) Section
	tables    []string
}

// sections are all sections of a Report, in their order.
func sections() []section {
	return []section{
		{"namespaces", "Namespaces", (*builder).namespaces, []string{namespacesTable}},
		{"workloads", "Workloads", (*builder).workloadsSection, []string{workloadsTable}},
		{"policies", "Policies", (*builder).policies, []string{policiesTable}},
		{"policy-use", "Who may use which policy", (*builder).policyUseSection, []string{"policy-use"}},
		{"rbac", "Roles and bindings", (*builder).rbac, []string{"grants-to-everybody", "ineffective-grants", "administrators", "label-writers"}},
		{"upgrade", "The upgrade", (*builder).upgrade, []string{"upgrade", "upgrade-notes"}},
		{"versions", "Levels across Kubernetes versions", (*builder).versions, []string{"version-counts", "version-changes"}},
		{"unseen", "What could not be seen", (*builder).unseen, []string{"gaps", "notes"}},
		{"method", "Method", (*builder).method, []string{"settings", "coverage"}},
		{"glossary", "Words", (*builder).glossary, []string{"glossary"}},
		{"evidence", "Evidence", (*builder).evidenceSection, []string{"evidence"}},
	}
}

// SectionsOfOneTable returns the IDs of the sections of a Report that are one table each.
func SectionsOfOneTable() []string {
	var ids []string
	for _, s := range sections() {
		if len(s.tables) == 1 {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// SectionIDs returns the IDs of all sections of a Report, in their order.
func SectionIDs() []string {
	var ids []string
	for _, s := range sections() {
		ids = append(ids, s.id)
	}
	return ids
}

// Build makes the Report that is handed over from a Plan and the answer of the gate on the same cluster. The Plan may have a part of
// the namespaces: the tables and counts are about these, the verdict is about the whole.
func Build(plan *migrate.Plan, answer *gate.Result, o Options) *Report {
	b := newBuilder(plan, answer, o)
	r := &Report{APIVersion: migrate.APIVersion, Kind: Kind, Cover: b.cover, Summary: b.summary(), Sections: []Section{}}
	r.Summary.Changes = changesLine(o.Changes)
	if o.Changes != nil && (len(o.Sections) == 0 || slices.Contains(o.Sections, ChangesSection)) {
		r.Sections = append(r.Sections, b.changesSection(o.Changes))
	}
	for _, s := range sections() {
		if len(o.Sections) > 0 && !slices.Contains(o.Sections, s.id) {
			continue
		}
		made := s.build(b)
		made.ID, made.Title = s.id, s.title
		for _, t := range made.Tables {
			if t.Rows == nil {
				t.Rows = []Row{} // an empty list in JSON
			}
		}
		r.Sections = append(r.Sections, made)
	}
	return r
}

// FirstScreen returns the cover and the first screen of the Report on a whole Plan, and the overview that they are made from.
func FirstScreen(plan *migrate.Plan, answer *gate.Result) (Cover, Summary, *report.Overview) {
	b := newBuilder(plan, answer, Options{})
	return b.cover, b.summary(), b.overview
}

// newBuilder returns the builder of one Report, with the IDs that rows refer to each other by.
func newBuilder(plan *migrate.Plan, answer *gate.Result, o Options) *builder {
	overview := report.NewOverview(plan, report.Options{Invocation: o.Invocation})
	b := &builder{
		plan: overview.Plan, gate: answer, cover: cover(plan, overview.Invocation, o), overview: overview, kubectl: kubectlOf(plan.Source), asked: o.Asked,
		namespaceRow: map[string]string{}, policyRow: map[string]string{}, workloadRow: map[*migrate.Workload]string{},
		code: map[codeKey][]string{},
	}
	for i := range overview.Namespaces {
		b.namespaceRow[overview.Namespaces[i].Name] = rowID(namespacesTable, i)
	}
	for i := range b.plan.Policies {
		b.policyRow[b.plan.Policies[i].Name] = rowID(policiesTable, i)
	}
	b.workloads = workloadLines(b.overview)
	for i := range b.workloads {
		b.workloadRow[b.workloads[i].workload] = rowID(workloadsTable, i)
	}
	b.uses = policyUses(b.plan, b.inScope)
	return b
}

// rowID returns the ID of a row of a table of the Report, by its place.
func rowID(table string, i int) string { return fmt.Sprintf("%s-%d", table, i+1) }

// cover returns what a Report says of itself, and how the tool is called again for it.
func cover(plan *migrate.Plan, call report.Invocation, o Options) Cover {
	c := Cover{
		Command: call.Command("report", call.Source, call.Target, call.Decide, call.Scope, o.Asked, o.ChangesFlags),

		Title: cmp.Or(o.Title, "From PodSecurityPolicy to the Pod Security Standards"), Client: o.Client, Author: o.Author,
		Source: phrases.SourcePhrase(plan.Source), TargetVersion: plan.TargetVersion, ServerVersion: plan.Source.ServerVersion, ToolVersion: o.Tool,
	}
	if shown := len(plan.Namespaces); o.AllNamespaces > shown {
		c.Scope = fmt.Sprintf("%d of %d namespaces; the verdict is on all %[2]d", shown, o.AllNamespaces)
	}
	if run := plan.Source.Run; run != nil {
		c.ToolVersion = cmp.Or(run.Tool, o.Tool)
		if !run.ReadAt.IsZero() {
			c.ReadAt = run.ReadAt.UTC().Format(time.RFC3339)
		}
	}
	return c
}
