package report

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ExplainNamespace builds the report on one namespace: what is recommended, what decided, what blocks the next level in the
// words of Pod Security admission, what is lost, and what runs there. It returns a *migrate.NotFoundError for a namespace
// that is not in the plan.
func ExplainNamespace(plan *migrate.Plan, name string) (*Document, error) {
	ns := findNamespace(plan, name)
	if ns == nil {
		return nil, plan.NamespaceNotFound(name)
	}
	d := &Document{}
	d.add(Paragraph{fmt.Sprintf("Namespace %s, at %s, from %s.", ns.Name, plan.TargetVersion, phrases.SourcePhrase(plan.Source))})
	d.add(labelsTable(ns), decisionFacts(ns))
	d.addSection("WHY", message.Texts(ns.Reasons))
	d.addSection("CAUTIONS", message.Texts(ns.Cautions))
	d.addBlockers(ns)
	d.addSection("LOST: what the policies enforce and the recommended level does not", lostTexts(ns.Lost))
	d.addSection("ALSO REFUSES pods here, whatever the level", alsoRefusing(ns))
	d.addSection("POLICIES that may be used here", usablePolicyTexts(ns))
	d.addWorkloads(ns)
	d.addSection("NEEDED across versions of the standards", levelsByVersion(ns))
	d.addSection("GAPS that touch it", gapsOfNamespace(plan, ns.Name))
	return d, nil
}

// labelsTable returns the report's table of Pod Security labels of a namespace: mode, today's and the recommended ones.
func labelsTable(ns *migrate.Namespace) *Table {
	rec := ns.RecommendedLabels
	return &Table{
		Columns: []Column{{"MODE", RoleText}, {"TODAY", RoleLevel}, {"RECOMMENDED", RoleLevel}},
		Rows: [][]string{
			{"enforce", labelToday(ns, api.EnforceLevelLabel, api.EnforceVersionLabel), orDash(phrases.LevelVersion(rec.Enforce, rec.EnforceVersion))},
			{"audit", labelToday(ns, api.AuditLevelLabel, api.AuditVersionLabel), orDash(phrases.LevelVersion(rec.Audit, rec.AuditVersion))},
			{"warn", labelToday(ns, api.WarnLevelLabel, api.WarnVersionLabel), orDash(phrases.LevelVersion(rec.Warn, rec.WarnVersion))},
		},
	}
}

// labelToday returns the table cell for the Pod Security level and version that a namespace has today, from its labels
// or the default in their place.
func labelToday(ns *migrate.Namespace, level, version string) string {
	if _, labelled := ns.LabelValue(level); labelled || ns.EffectiveLabels == nil {
		return orDash(levelLabel(ns, level, version))
	}
	return phrases.LevelVersion(ns.EffectiveLabels.Get(level), ns.EffectiveLabels.Get(version)) + " (default)"
}

// decisionFacts returns the report's Facts on the levels of a namespace and what decided them.
func decisionFacts(ns *migrate.Namespace) Facts {
	facts := Facts{
		{"needed by what runs", orDash(string(ns.NeededLevel)), RoleLevel},
		{"permitted by policies", orDash(string(ns.PermittedLevel)), RoleLevel},
	}
	if ns.AchievableLevel != "" {
		facts = append(facts, Fact{"achievable", string(ns.AchievableLevel), RoleLevel})
	}
	facts = append(facts, Fact{Name: "decided by", Value: orDash(phrases.DecisionPhrase(ns))})
	if ns.Action != "" {
		facts = append(facts, Fact{Name: "action", Value: string(ns.Action)})
	}
	facts = append(facts, Fact{Name: "everything read", Value: readCompletely(ns)})
	if ns.Exempt {
		facts = append(facts, Fact{Name: "exempt", Value: "yes, by the admission configuration"})
	}
	if ns.LabelOwner != "" {
		facts = append(facts, Fact{Name: "labels written by", Value: ns.LabelOwner})
	}
	if ns.System {
		facts = append(facts, Fact{Name: "part of the platform", Value: "yes"})
	}
	return facts
}

// readCompletely returns the report's yes or no on whether all of a namespace was read, and which parts of it were not.
func readCompletely(ns *migrate.Namespace) string {
	const parts = 4
	if n := len(ns.UncertainParts); n > 0 && n < parts {
		return "no (" + strings.Join(ns.UncertainParts, ", ") + ")"
	}
	return yesNo(ns.Complete && len(ns.UncertainParts) == 0)
}

// addBlockers adds to a report, for each workload, what Pod Security admission would say at the next stricter level.
func (d *Document) addBlockers(ns *migrate.Namespace) {
	if len(ns.Blockers) == 0 {
		return
	}
	var list List
	for _, w := range ns.BlockedWorkloads() {
		item := Item{Text: phrases.ObjectName(w.Kind, w.Name)}
		for _, b := range w.Blockers {
			item.Items = append(item.Items, Item{Text: b.Check + ": " + violationText(b.Reason, b.Detail)})
		}
		list.Items = append(list.Items, item)
	}
	for _, without := range ns.LevelWithout {
		var refs []string
		for _, r := range without.Workloads {
			refs = append(refs, phrases.ObjectName(r.Kind, r.Name))
		}
		list.Items = append(list.Items, Item{Text: fmt.Sprintf("without %s the namespace would be %s", english.First(refs, 5), without.Level)})
	}
	d.add(Heading("WHAT BLOCKS "+string(levels.NextStricter(ns.NeededLevel))), list)
}

// violationText returns the report's text of a violation as Pod Security admission words it: reason (detail).
func violationText(reason, detail string) string {
	if detail == "" {
		return reason
	}
	return reason + " (" + detail + ")"
}

// mostValues is the number of entries of a list that one line shows.
const mostValues = 6

// lostTexts returns the report's texts on constraints of policies that a level does not have.
func lostTexts(lost []migrate.LostConstraint) []string {
	var items []string
	for _, l := range lost {
		text := fmt.Sprintf("[%s] %s", l.Class, l.Field)
		if value := l.Text(l.Field, mostValues); value != "" {
			text += " = " + value
		}
		text += ": " + l.Note.Text
		if len(l.Policies) > 0 {
			text += " (" + joinPolicies(l.Policies) + ")"
		}
		if len(l.MayBeCoveredBy) > 0 {
			text += "; " + strings.Join(l.MayBeCoveredBy[:min(3, len(l.MayBeCoveredBy))], ", ") + " may cover it"
		}
		items = append(items, text)
	}
	return items
}

// usablePolicyTexts returns the report's texts on the policies that may be used in a namespace, each with what it
// counts for.
func usablePolicyTexts(ns *migrate.Namespace) []string {
	var items []string
	for _, name := range ns.PermittedBy {
		items = append(items, policyName(name)+" counts for what is permitted")
	}
	for _, s := range ns.ExcludedPolicies {
		text := policyName(s.Policy) + " is excluded: " + s.Why.Text
		if s.Closest != "" {
			text += " (closest to " + string(s.Closest) + ")"
		}
		items = append(items, text)
	}
	if len(ns.ObservedPolicies) > 0 {
		items = append(items, "observed on live pods: "+strings.Join(ns.ObservedPolicies, ", "))
	}
	return items
}

// policyName returns the name of a policy in a report: "psp/NAME", or "every policy".
func policyName(name string) string {
	if name == migrate.EveryPolicy {
		return "every policy"
	}
	return "psp/" + name
}

// joinPolicies returns the names of policies in a table cell of a report, or "every policy".
func joinPolicies(names []string) string {
	if slices.Equal(names, []string{migrate.EveryPolicy}) {
		return "every policy"
	}
	return strings.Join(names, ", ")
}

// expandPolicies returns the names of policies in a report, all of the Plan where they stand for every policy.
func expandPolicies(plan *migrate.Plan, names []string) string {
	if !slices.Equal(names, []string{migrate.EveryPolicy}) {
		return strings.Join(names, ", ")
	}
	all := make([]string, len(plan.Policies))
	for i := range plan.Policies {
		all[i] = plan.Policies[i].Name
	}
	return strings.Join(all, ", ")
}

// addWorkloads adds to a report the table of the workloads of a namespace.
func (d *Document) addWorkloads(ns *migrate.Namespace) {
	if len(ns.Workloads) == 0 {
		return
	}
	t := &Table{Spare: []string{"ACCOUNT"}, Columns: []Column{
		{"WORKLOAD", RoleName}, {"ACCOUNT", RoleName}, {"AS WRITTEN", RoleLevel}, {"AS ADMITTED", RoleLevel}, {"AFTER PSP", RoleLevel}, {"ADMITTED BY", RoleName},
	}}
	for i := range ns.Workloads {
		wl := &ns.Workloads[i]
		after := orDash(string(wl.Levels.AfterPSP))
		if wl.LevelEstimated {
			after += " (estimated)"
		}
		if wl.Exempt != nil {
			after += " (exempt)"
		}
		t.Rows = append(t.Rows, []string{
			phrases.ObjectName(wl.Kind, wl.Name), orDash(wl.ServiceAccount), orDash(string(wl.Levels.AsWritten)), orDash(string(wl.Levels.AsAdmitted)), after, admittedBy(wl),
		})
	}
	d.add(Heading("WORKLOADS"), t)
}

// admittedBy returns the table cell for the policy that admits a workload's pods today, or why none is named.
func admittedBy(wl *migrate.Workload) string {
	switch {
	case len(wl.Refused) > 0:
		return "refused today"
	case wl.AdmittedBy == "" && len(wl.UsablePolicies) > 0:
		return "not known"
	}
	return orDash(wl.AdmittedBy)
}

// levelsByVersion returns the report's texts on the needed level from version to version, equal neighbours as one span;
// nil if none is known.
func levelsByVersion(ns *migrate.Namespace) []string {
	if len(ns.LevelByVersion) == 0 {
		return nil
	}
	var spans []string
	for _, l := range ns.LevelByVersion {
		span := l.From
		if l.To != l.From {
			span += " to " + l.To
		}
		spans = append(spans, span+": "+string(l.Needed))
	}
	return []string{strings.Join(spans, ", ")}
}

// gapsOfNamespace returns the report's texts on the gaps that touch a namespace.
func gapsOfNamespace(plan *migrate.Plan, namespace string) []string {
	return gapTexts(plan, func(g *migrate.Gap) bool {
		return slices.Contains(g.Affects, namespace) || slices.Contains(g.Affects, "*")
	})
}

// gapTexts returns the report's texts on the gaps of a Plan for which a condition holds.
func gapTexts(plan *migrate.Plan, holds func(*migrate.Gap) bool) []string {
	var items []string
	for i := range plan.Gaps {
		if g := &plan.Gaps[i]; holds(g) {
			items = append(items, messageAt(g.What, g.Text, phrases.FileLine(g.Position)))
		}
	}
	return items
}

// findNamespace returns, for a report, a namespace of the plan by its name; nil if there is none.
func findNamespace(plan *migrate.Plan, name string) *migrate.Namespace {
	for i := range plan.Namespaces {
		if plan.Namespaces[i].Name == name {
			return &plan.Namespaces[i]
		}
	}
	return nil
}

// alsoRefusing returns the report's text on the first of what else refuses pods in a namespace, and counts the others.
func alsoRefusing(ns *migrate.Namespace) []string {
	const most = 10
	if len(ns.AlsoRefusedBy) <= most {
		return ns.AlsoRefusedBy
	}
	return append(slices.Clone(ns.AlsoRefusedBy[:most]), fmt.Sprintf("%d more", len(ns.AlsoRefusedBy)-most+ns.AlsoRefusedByOthers))
}
