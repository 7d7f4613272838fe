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

// ExplainPolicy builds the report on one policy: the four answers (closest level, what is lost, what may break, what must be
// written down) and the evidence: its fields, every check, and who may use it by which binding. It returns a
// *migrate.NotFoundError for a policy that is not in the plan, and an error if its clone cannot be written as YAML.
func ExplainPolicy(plan *migrate.Plan, name string) (*Document, error) {
	for i := range plan.Policies {
		if plan.Policies[i].Name == name {
			return explainPolicy(plan, &plan.Policies[i])
		}
	}
	return nil, plan.PolicyNotFound(name)
}

// explainPolicy builds the report on one PodSecurityPolicy of a Plan.
func explainPolicy(plan *migrate.Plan, po *migrate.Policy) (*Document, error) {
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
	d.addSection("CLOSEST LEVEL", closestLevelTexts(po))
	d.addSection("YOU LOSE: what it enforces and "+string(po.ClosestLevel)+" does not", lostTexts(po.Lost))
	d.addSection("YOU GAIN OR MAY BREAK: what "+string(po.ClosestLevel)+" asks for and the policy does not guarantee", conditionTexts(po))
	d.addSection("YOU MUST WRITE DOWN YOURSELF: what it has set by mutation until now", requiredValueTexts(po))
	d.addSection("FIELD BY FIELD", fieldTexts(po))
	d.addChecks(po)
	d.addGrants(plan.GrantsOf(po))
	if err := d.addSimplifiedClone(po); err != nil {
		return nil, err
	}
	var problems []string
	for _, problem := range po.Problems {
		at := po.Position
		at.Line = problem.Line
		problems = append(problems, messageAt(problem.Field, problem.Message.Text, phrases.FileLine(at)))
	}
	d.addSection("PROBLEMS in the document", problems)
	return d, nil
}

// closestLevelTexts returns the report's texts on the closest level of a policy, why it is not the next, and the strict
// bounds.
func closestLevelTexts(po *migrate.Policy) []string {
	if po.AdmitsNothing {
		return []string{"none, since it admits nothing: " + strings.Join(message.Texts(po.AdmitsNothingWhy), "; ")}
	}
	texts := []string{fmt.Sprintf("%s, on the conditions below; never the same", po.ClosestLevel)}
	if len(po.NearestMiss) > 0 {
		texts = append(texts, nearestMissText(po))
	}
	for _, choice := range levelChoices(po) {
		texts = append(texts, "choose: "+choice)
	}
	texts = append(texts,
		fmt.Sprintf("pods that it admits comply with %s as written, also without its mutations", orDash(string(po.CompliesAsWritten))),
		fmt.Sprintf("pods that it admits comply with %s after its mutations", orDash(string(po.CompliesAfterMutation))))
	return append(texts, noLooserText(po.NoLooserThan))
}

// nearestMissText returns the report's text on what keeps a policy from the next stricter level.
func nearestMissText(po *migrate.Policy) string {
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

// checkAdvice returns the report's text on what to do about a check of the standards that a policy does not guarantee,
// by its status.
func checkAdvice(status mapping.Status) string {
	switch status {
	case mapping.StatusByMutation:
		return "templates must set it"
	case mapping.StatusInEffect:
		return "set the field"
	case mapping.StatusNotEnsured:
		return "verify that workloads meet it"
	case mapping.StatusImpossible:
		return "change the policy first"
	}
	return "scan the workloads"
}

// conditionTexts returns the report's texts on the checks of the closest level that the policy does not guarantee.
func conditionTexts(po *migrate.Policy) []string {
	var items []string
	for _, c := range po.Checks {
		if !slices.Contains(po.Conditions, c.Check) {
			continue
		}
		items = append(items, fmt.Sprintf("%s (%s): %s; %s", c.Check, c.Status, checkAdvice(c.Status), c.Note))
	}
	return items
}

// requiredValueTexts returns the report's texts on the values that templates must state themselves once the policy no
// longer sets them.
func requiredValueTexts(po *migrate.Policy) []string {
	var items []string
	for _, w := range po.RequiredTemplateValues {
		text := w.Path
		if w.Value != "" {
			text += " = " + w.Text()
		}
		items = append(items, text+", until now by "+w.Field+"; "+w.Note.Text)
	}
	return items
}

// fieldTexts returns the report's texts on the fields of a PodSecurityPolicy, with line, value and meaning.
func fieldTexts(po *migrate.Policy) []string {
	var items []string
	for _, f := range po.Fields {
		text := f.Name
		if f.Line > 0 {
			text = fmt.Sprintf("line %d: %s", f.Line, f.Name)
		}
		if value := f.Text(f.Name, mostValues); value != "" {
			text += " = " + value
		}
		text += ": " + f.Meaning.Text
		if f.Mutating {
			text += " (mutates pods)"
		}
		items = append(items, text)
	}
	return items
}

// addChecks adds to a report the table of all checks of the standards, with the status of each for the policy.
func (d *Document) addChecks(po *migrate.Policy) {
	if len(po.Checks) == 0 {
		return
	}
	t := &Table{Columns: []Column{{"STATUS", RoleText}, {"CHECK", RoleName}, {"LEVEL", RoleLevel}, {"FIELDS", RoleText}}}
	for _, level := range levels.WithChecks() {
		for _, c := range po.Checks {
			if c.Level == level {
				t.Rows = append(t.Rows, []string{orDash(string(c.Status)), c.Check, orDash(string(c.Level)), orDash(shortAnnotation(strings.Join(c.Fields, ", ")))})
			}
		}
	}
	d.add(Heading("CHECK BY CHECK"), t)
}

// addGrants adds to a report the grants by which somebody may use a policy.
func (d *Document) addGrants(uses []migrate.PolicyGrant) {
	if len(uses) == 0 {
		d.addSection("USED BY", []string{"nobody: no role and binding that was read grants it"})
		return
	}
	t := &Table{Columns: []Column{{"WHERE", RoleName}, {"WHO", RoleText}, {"VIA", RoleText}}}
	for _, use := range uses {
		where := "everywhere"
		if use.Namespace != "" {
			where = use.Namespace
		}
		t.Rows = append(t.Rows, []string{where, useSubject(use), use.Binding + ", " + use.Role})
	}
	d.add(Heading("USED BY"), t)
}

// useSubject returns the table cell for the user, group or service account that a grant lets use a policy.
func useSubject(use migrate.PolicyGrant) string {
	switch {
	case use.ServiceAccount != "":
		return "serviceaccount " + use.ServiceAccount
	case use.Group != "":
		return "group " + use.Group
	}
	return "user " + use.User
}
