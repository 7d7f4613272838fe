package report

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ExplainPolicy builds the report on one policy, in sentences: what it refuses, allows and sets today, who uses it where, the closest
// level, and what is lost, may break and must be written down with it. Wide has also every check, what only the age of a standard
// makes different, and a clone without mutation. It returns a *migrate.NotFoundError for a policy that is not in the plan, and an
// error if its clone cannot be written as YAML.
func ExplainPolicy(plan *migrate.Plan, name string, wide bool) (*Document, error) {
	for i := range plan.Policies {
		if plan.Policies[i].Name == name {
			return explainPolicy(plan, &plan.Policies[i], wide)
		}
	}
	return nil, plan.PolicyNotFound(name)
}

// explainPolicy builds the report on one PodSecurityPolicy of a Plan.
func explainPolicy(plan *migrate.Plan, po *migrate.Policy, wide bool) (*Document, error) {
	d := &Document{}
	at := ""
	if position := phrases.FileLine(po.Position); position != "" {
		at = " (" + position + ")"
	}
	intro := Paragraph{fmt.Sprintf("PodSecurityPolicy %s%s, at %s, from %s.", po.Name, at, plan.TargetVersion, phrases.SourcePhrase(plan.Source))}
	if po.ProviderDefault {
		intro = append(intro, "A Kubernetes distribution installs it by default.")
	}
	d.add(intro)
	d.addPolicyToday(po)
	d.addSection("WHO USES IT", policyUsers(plan, po, wide))
	d.addSection("USED, by the audit log", policyUseTexts(plan, po.Name))
	d.addSection("CLOSEST LEVEL", ClosestLevelTexts(po))
	d.addLost(po.Lost, "at "+string(po.ClosestLevel), WholeLostText)
	d.addSection("YOU GAIN, OR MAY BREAK: what "+string(po.ClosestLevel)+" asks for and the policy leaves open", ConditionTexts(plan, po))
	d.addSection("YOU MUST WRITE DOWN YOURSELF: what it sets in pods today", RequiredValueTexts(po))
	d.addKept(plan, po)
	d.addSection("PROBLEMS in the document", ProblemTexts(po))
	if !wide {
		if !po.AdmitsNothing {
			d.add(Paragraph{"Every check, differences that only the age of a standard makes, and a clone that sets nothing in pods: " + inWide + "."})
		}
		return d, nil
	}
	d.addSection("DIFFERENT only by the age of the standard", lostTexts(po.Lost, mapping.DriftLoss, WholeLostText))
	d.addChecks(po)
	return d, d.addSimplifiedClone(po)
}

// ProblemTexts returns the report's texts on what is wrong with the document of a policy.
func ProblemTexts(po *migrate.Policy) []string {
	var problems []string
	for _, problem := range po.Problems {
		at := po.Position
		at.Line = problem.Line
		problems = append(problems, MessageAt(problem.Field, problem.Message.Text, phrases.FileLine(at)))
	}
	return problems
}

// addPolicyToday adds to a report what a policy does to pods today: what it refuses or limits, what it allows, and what it sets.
func (d *Document) addPolicyToday(po *migrate.Policy) {
	var refuses, allows, sets []string
	stated := map[string]bool{}
	for i := range po.Fields {
		f := &po.Fields[i]
		stated[f.Name] = true
		switch text := FieldText(f); {
		case f.Mutating:
			sets = append(sets, text)
		case leavesOpen(po, f):
			allows = append(allows, text)
		default:
			refuses = append(refuses, text)
		}
	}
	for _, c := range po.Checks {
		if c.Status != mapping.StatusGuaranteed || slices.ContainsFunc(c.Fields, func(f string) bool { return stated[f] }) {
			continue
		}
		for _, f := range c.Fields {
			stated[f] = true
		}
		if len(c.Fields) > 0 {
			refuses = append(refuses, fmt.Sprintf("%s not stated: %s", shortAnnotation(strings.Join(c.Fields, ", ")), c.Note.Text))
		}
	}
	d.addSection("TODAY IT REFUSES OR LIMITS", refuses)
	d.addSection("TODAY IT ALLOWS", allows)
	d.addSection("TODAY IT SETS, in pods that do not say it", sets)
}

// FieldText returns the report's text on a field of a policy: its name and value, what that means, and its line.
func FieldText(f *migrate.PolicyField) string {
	text := shortAnnotation(f.Name)
	if value := f.Text(f.Name, mostValues); value != "" {
		text += " = " + value
	}
	text += ": " + f.Meaning.Text
	if f.Line > 0 {
		text += fmt.Sprintf(" (line %d)", f.Line)
	}
	return text
}

// leavesOpen reports, for a report, whether a field of a policy admits what a check of the standards refuses, or anything at all.
func leavesOpen(po *migrate.Policy, f *migrate.PolicyField) bool {
	if f.Rule == "RunAsAny" || slices.Equal(f.Values, []string{"true"}) {
		return true
	}
	return !slices.Equal(f.Values, []string{"false"}) && slices.ContainsFunc(po.Checks, func(c migrate.PolicyCheck) bool {
		return c.Status == mapping.StatusNotEnsured && slices.Contains(c.Fields, f.Name)
	})
}

// mostUsers is the number of workloads, and of grants, that the report on a policy names where it is not wide.
const mostUsers = 20

// policyUsers returns the report's texts on whose pods a policy admits, and who may use it by which binding.
func policyUsers(plan *migrate.Plan, po *migrate.Policy, wide bool) []string {
	var admits, observed []string
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			if w.AdmittedBy == po.Name {
				admits = append(admits, workloadPath(ns, w))
			}
			if slices.Contains(w.ObservedPolicies, po.Name) {
				observed = append(observed, workloadPath(ns, w))
			}
		}
	}
	texts := []string{"it admits the pods of no workload that was read"}
	if len(admits) > 0 {
		texts[0] = fmt.Sprintf("it admits the pods of %s: %s", english.Count(len(admits), "workload", "workloads"), namesOf(admits, wide))
	}
	if len(observed) > 0 {
		texts = append(texts, fmt.Sprintf("live pods of %s say that it admitted them: %s", english.Count(len(observed), "workload", "workloads"), namesOf(observed, wide)))
	}
	grants := plan.GrantsOf(po)
	if len(grants) == 0 {
		return append(texts, "nobody may use it: no role and binding that was read lets them")
	}
	for i, use := range grants {
		if i == mostUsers && !wide {
			return append(texts, restInWide(len(grants)-i))
		}
		where := "everywhere"
		if use.Namespace != "" {
			where = "in " + use.Namespace
		}
		texts = append(texts, fmt.Sprintf("%s %s may use it, by %s to %s", where, useSubject(use), use.Binding, use.Role))
	}
	return texts
}

// workloadPath returns the name of a workload in a report as explain takes it: "shop/deployment/web".
func workloadPath(ns *migrate.Namespace, w *migrate.Workload) string {
	return ns.Name + "/" + phrases.ObjectName(w.Kind, w.Name)
}

// namesOf joins names of workloads for a sentence of a report; all of them only where it is wide.
func namesOf(names []string, wide bool) string {
	const most = 5
	if wide {
		return strings.Join(names, ", ")
	}
	return english.First(names, most)
}

// ClosestLevelTexts returns the report's texts on the closest level of a policy, why it is not the next, and the strict
// bounds.
func ClosestLevelTexts(po *migrate.Policy) []string {
	if po.AdmitsNothing {
		return []string{"none, since it admits nothing: " + strings.Join(message.Texts(po.AdmitsNothingWhy), "; ")}
	}
	texts := []string{fmt.Sprintf("%s comes closest; it is not the same: see below what you lose and what may break", po.ClosestLevel)}
	if len(po.NearestMiss) > 0 {
		texts = append(texts, "it "+NearestMissText(po))
	}
	for _, choice := range levelChoices(po) {
		texts = append(texts, "choose: "+choice)
	}
	return append(texts, boundText(po), noLooserText(po.NoLooserThan))
}

// boundText returns the report's text on the strictest level that every pod meets which a policy admits.
func boundText(po *migrate.Policy) string {
	written, after := po.CompliesAsWritten, po.CompliesAfterMutation
	meets := func(level api.Level) string {
		if level == api.LevelPrivileged {
			return "it admits pods that baseline refuses"
		}
		return fmt.Sprintf("every pod that it admits meets %s", orDash(string(level)))
	}
	if written == after {
		return meets(written) + ", with what it sets and without"
	}
	return meets(written) + " as its author wrote it; with what the policy sets, " + meets(after)
}

// NearestMissText returns the report's text on what keeps a policy from the next stricter level.
func NearestMissText(po *migrate.Policy) string {
	return fmt.Sprintf("would be %s but for %s", levels.NextStricter(po.ClosestLevel), english.And(message.Texts(po.NearestMiss)))
}

// levelChoices returns the report's texts on the ways to go on with a policy whose closest level would mislead: one thing
// alone makes it privileged.
func levelChoices(po *migrate.Policy) []string {
	if po.ClosestLevel != api.LevelPrivileged || len(po.NearestMiss) != 1 {
		return nil
	}
	return []string{
		"no workload uses " + po.NearestMiss[0].Text + ": enforce baseline",
		"some do: move them to a namespace of their own at privileged and keep the rest at baseline",
		"keep one namespace at privileged only together with an admission policy for what is lost, and warn and audit at baseline",
	}
}

// noLooserText returns the report's text on which level allows nothing that a policy forbids.
func noLooserText(level api.Level) string {
	if level == "none" || level == "" {
		return "every level allows something that it forbids"
	}
	return fmt.Sprintf("%s is the loosest level that allows nothing it forbids", level)
}

// ConditionTexts returns the report's texts on the checks of the closest level that the policy does not guarantee, each with the
// workloads that it admits today and that fail the check after PSP.
func ConditionTexts(plan *migrate.Plan, po *migrate.Policy) []string {
	var items []string
	for _, c := range po.Checks {
		if !slices.Contains(po.Conditions, c.Check) {
			continue
		}
		text := c.Check + ": " + c.Note.Text
		if failing := workloadsOfPolicyFailing(plan, po, c.Check); len(failing) > 0 {
			text += fmt.Sprintf(". Without the policy %s it: %s", english.Count(len(failing), "workload fails", "workloads fail"), english.First(failing, 3))
		}
		items = append(items, text)
	}
	return items
}

// workloadsOfPolicyFailing returns the names of the workloads that a policy admits today and that fail a check after PSP, for a
// report.
func workloadsOfPolicyFailing(plan *migrate.Plan, po *migrate.Policy, check string) []string {
	var out []string
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			if w.AdmittedBy == po.Name && slices.ContainsFunc(w.Violations, func(v migrate.Violation) bool { return v.Check == check }) {
				out = append(out, workloadPath(ns, w))
			}
		}
	}
	return out
}

// RequiredValueTexts returns the report's texts on the values that templates must state themselves once the policy no
// longer sets them.
func RequiredValueTexts(po *migrate.Policy) []string {
	var items []string
	for _, w := range po.RequiredTemplateValues {
		text := w.Path
		if w.Value != "" {
			text += " = " + w.Text()
		}
		text += " (" + shortAnnotation(w.Field) + ")"
		if w.Note.Text != "" {
			text += ": " + w.Note.Text
		}
		items = append(items, text)
	}
	if len(items) > 0 {
		items = append(items, "the command patch writes them into the templates of the workloads that need them")
	}
	return items
}

// addChecks adds to a report the table of all checks of the standards, with the status of each for the policy.
func (d *Document) addChecks(po *migrate.Policy) {
	if len(po.Checks) == 0 {
		return
	}
	t := &Table{Columns: []Column{{"STATUS", RoleText}, {"CHECK", RoleName}, {"LEVEL", RoleLevel}, {"FIELDS", RoleText}}}
	seen := map[mapping.Status]bool{}
	for _, level := range levels.WithChecks() {
		for _, c := range po.Checks {
			if c.Level == level {
				seen[c.Status] = true
				t.Rows = append(t.Rows, []string{orDash(CheckStatusPhrase(c.Status)), c.Check, orDash(string(c.Level)), orDash(shortAnnotation(strings.Join(c.Fields, ", ")))})
			}
		}
	}
	d.add(Heading("CHECK BY CHECK"), t)
	var meanings List
	for _, m := range []struct {
		status mapping.Status
		text   string
	}{
		{mapping.StatusByMutation, "the policy sets in pods what the check asks for; templates may lack it"},
		{mapping.StatusInEffect, "the policy ensures what the check is for; pods may lack the field that it reads"},
	} {
		if seen[m.status] {
			meanings.Items = append(meanings.Items, Item{Text: CheckStatusPhrase(m.status) + ": " + m.text})
		}
	}
	if len(meanings.Items) > 0 {
		d.add(meanings)
	}
}

// CheckStatusPhrase returns the report's words for what a policy does for a check.
func CheckStatusPhrase(s mapping.Status) string {
	if s == mapping.StatusInEffect {
		return "in effect only"
	}
	return strings.ReplaceAll(string(s), "-", " ")
}

// useSubject returns the table cell for the user, group or service account that a grant lets use a policy.
func useSubject(use migrate.PolicyGrant) string { return subjectText(use.Subject) }

// subjectText returns the report's words for a user, a group or a service account that a policy is granted to.
func subjectText(s migrate.Subject) string {
	switch {
	case s.ServiceAccount != "":
		return "serviceaccount " + s.ServiceAccount
	case s.Group != "":
		return "group " + s.Group
	}
	return "user " + s.User
}
