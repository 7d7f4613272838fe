package handover

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// method returns the section of the Report on what was read, and how the levels are decided.
func (b *builder) method() Section {
	texts := methodTexts(b.plan)
	if slices.ContainsFunc(b.overview.Next, func(step report.NextStep) bool { return step.ID == report.StepSave }) {
		texts = append(texts, "What was read cannot be read again. The commands here name the file plan.json: save the plan of the same input there first, with 'plan -o json=plan.json'.")
	}
	return Section{Text: texts, Tables: []*Table{b.settings(), b.coverage()}}
}

// methodTexts returns the paragraphs of the Report on how the levels are decided.
func methodTexts(plan *migrate.Plan) []string {
	out := []string{
		"Nothing was changed on the cluster. What is there was read; of every workload the pods were evaluated by the checks of Pod Security admission itself, as their author wrote them, as PodSecurityPolicy admits them today, and as they will be once no policy sets anything in them.",
		"The level to enforce is the strictest that everything in a namespace meets after PodSecurityPolicy is gone: every live pod, and every template that can make pods, those of controllers without replicas and of ReplicaSets that can be rolled back to among them. Where nothing runs, the policies that may be used there decide.",
		"The closest level of a policy is the one that comes nearest to what it lets through. It is never the same as the policy: what the policy forbids and the level does not is listed as lost.",
		"What could not be read or evaluated is a gap. No level to enforce is recommended for a namespace whose level a gap can change.",
	}
	switch plan.Basis {
	case migrate.BasisPolicies:
		out[1] = "The level to enforce is the least strict of the closest levels of the policies that may be used in a namespace, as asked for with --basis=policies. What that level would refuse of what runs there is said."
	case migrate.BasisBoth:
		out[1] = "The level to enforce is the less strict of two, as asked for with --basis=both: the strictest that everything in a namespace meets after PodSecurityPolicy is gone, and the closest level of the policies that may be used there."
	}
	return out
}

// settings returns the table of the Report on the source, the versions and the flags of the call.
func (b *builder) settings() *Table {
	t := &Table{
		ID: "settings", Title: "Source, versions and flags", Text: "What the report was made from, and how the tool was called.",
		Columns: []Column{{ID: "setting", Title: "Setting", Kind: kindName}, {ID: "value", Title: "Value", Kind: kindText}},
	}
	c, call := b.cover, b.overview.Invocation
	for _, row := range [][2]string{
		{"source", c.Source},
		{"read at", cmp.Or(c.ReadAt, "not known")},
		{"version of the server", cmp.Or(c.ServerVersion, "not known")},
		{"version of the standards", c.TargetVersion},
		{"release to upgrade to", b.gate.To},
		{"basis of the levels", string(b.plan.Basis)},
		{"identity of the cluster", cmp.Or(b.plan.Source.UID, "not known")},
		{"made by", cmp.Or(c.ToolVersion, "not known")},
		{"flags for the source", flags(call.Source)},
		{"flags for the levels", flags(call.Target, call.Decide)},
		{"flags for the namespaces", flags(call.Scope)},
		{"admission configuration", admissionText(b.plan)},
	} {
		t.addRow(nil, text(row[0]), text(row[1]))
	}
	return t
}

// flags returns the flags of a call for the Report; "none" where there are none.
func flags(lists ...[]string) string {
	var all []string
	for _, list := range lists {
		all = append(all, list...)
	}
	return cmp.Or(strings.Join(all, " "), "none")
}

// admissionText returns the words of the Report for the API server's admission configuration.
func admissionText(plan *migrate.Plan) string {
	a := plan.Admission
	if a == nil {
		return "not given: a namespace without a label is taken to enforce nothing"
	}
	out := "enforce " + phrases.LevelVersion(a.Defaults.Enforce, a.Defaults.EnforceVersion) + " where there is no label"
	for _, exempt := range []struct {
		what  string
		names []string
	}{{"namespaces", a.Namespaces}, {"runtime classes", a.RuntimeClasses}, {"users", a.Usernames}} {
		if len(exempt.names) > 0 {
			out += "; exempt " + exempt.what + ": " + strings.Join(exempt.names, ", ")
		}
	}
	return out
}

// coverage returns the table of the Report on how much was read.
func (b *builder) coverage() *Table {
	t := &Table{
		ID: "coverage", Title: "What was read", Text: "How many objects of each sort the report is about.",
		Columns: []Column{{ID: "what", Title: "What", Kind: kindName}, {ID: "number", Title: "Number", Kind: kindNumber}},
	}
	pods, partial, incomplete, bindings := 0, 0, 0, 0
	for i := range b.workloads {
		pods += b.workloads[i].workload.Pods
	}
	for i := range b.plan.Namespaces {
		partial += len(b.plan.Namespaces[i].UnseenWorkloads)
		if !b.plan.Namespaces[i].Complete {
			incomplete++
		}
	}
	for i := range b.plan.Bindings {
		if namespace := b.plan.Bindings[i].Namespace; namespace == "" || b.inScope(namespace) {
			bindings++
		}
	}
	for _, row := range []struct {
		what string
		n    int
	}{
		{"namespaces", len(b.plan.Namespaces)},
		{"namespaces whose level a gap can change", incomplete},
		{"workloads", len(b.workloads)},
		{"workloads of which no level is known", partial},
		{"live pods", pods},
		{"pods that have ended, passed over", b.plan.FinishedPods},
		{"PodSecurityPolicies", len(b.plan.Policies)},
		{"roles that let use policies", len(b.plan.Roles)},
		{"bindings to them", bindings},
		{"gaps", len(b.plan.Gaps)},
		{"notes", len(b.plan.Notes)},
	} {
		t.addRow(nil, text(row.what), number(row.n))
	}
	for _, k := range b.plan.SkippedKinds {
		t.addRow(nil, text(k.Kind+", passed over: it holds no pod, policy or grant"), number(k.Count))
	}
	return t
}
