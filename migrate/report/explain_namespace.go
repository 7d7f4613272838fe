package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ExplainNamespace builds the report on one namespace: what is recommended, what decided, the workloads that block the next level
// in the words of Pod Security admission, and what is lost. Wide has every list whole. It returns a *migrate.NotFoundError for a
// namespace that is not in the plan.
func ExplainNamespace(plan *migrate.Plan, name string, wide bool) (*Document, error) {
	ns := findNamespace(plan, name)
	if ns == nil {
		return nil, plan.NamespaceNotFound(name)
	}
	d := &Document{}
	d.add(Paragraph{fmt.Sprintf("Namespace %s, at %s, from %s.", ns.Name, plan.TargetVersion, phrases.SourcePhrase(plan.Source))})
	d.add(labelsTable(ns), decisionFacts(plan, ns))
	d.addDecision(ns, wide)
	d.addWorkloads(ns, wide)
	d.addSection("CAUTIONS", message.Texts(ns.Cautions))
	d.addLostHere(ns, wide)
	d.addSection("TO KEEP what policies forbid here, beside the label", DeltaTexts(ns))
	d.addSection("ALSO REFUSES pods here, whatever the level", alsoRefusing(ns))
	d.addSection("CREATED PODS here, by the audit log", requesterTexts(ns))
	d.addSection("REFUSED PODS here, by the audit log", refusedTexts(ns))
	d.addSection("POLICIES that may be used here", UsablePolicyTexts(ns))
	d.addSection("NEEDED across versions of the standards", levelsByVersion(ns))
	d.addSection("GAPS that touch it", gapsOfNamespace(plan, ns.Name))
	return d, nil
}

// addLostHere adds to a report what the policies of a namespace enforce and the recommended level does not: in short what each loss
// means, wide with the values and what could take their place.
func (d *Document) addLostHere(ns *migrate.Namespace, wide bool) {
	level := "at " + cmp.Or(ns.RecommendedLabels.Enforce, string(ns.NeededLevel)) // where enforce is withheld the plan has the loss at that
	if wide {
		d.addLost(ns.Lost, level, WholeLostText)
		return
	}
	d.addLost(mergeLost(ns.Lost), level, shortLostText)
	if len(ns.Lost) > 0 {
		d.add(Paragraph{"What can take the place of each: " + inWide + "."})
	}
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
func decisionFacts(plan *migrate.Plan, ns *migrate.Namespace) Facts {
	facts := Facts{
		{"needed by what runs", orDash(string(ns.NeededLevel)), RoleLevel},
		{"permitted by policies", orDash(string(ns.PermittedLevel)), RoleLevel},
	}
	if ns.AchievableLevel != "" {
		patched, _ := keptWorkloads(plan)
		after := cmp.Or(levelAfterKeep(ns, patched), ns.NeededLevel)
		facts = append(facts, Fact{"after patch", string(after), RoleLevel})
	}
	facts = append(facts, Fact{Name: "decided by", Value: orDash(phrases.DecisionPhrase(ns))})
	if ns.Action != "" {
		facts = append(facts, Fact{Name: "action", Value: ActionPhrase(ns.Action)})
	}
	facts = append(facts, Fact{Name: "all read", Value: ReadCompletely(ns)})
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

// ActionPhrase returns the report's text on what becomes of the labels of a namespace.
func ActionPhrase(a migrate.Action) string {
	if a == migrate.ActionWithheld {
		return "warn and audit only: a gap could change the level"
	}
	return string(a)
}

// ReadCompletely returns the report's yes or no on whether all of a namespace was read, and which parts of it were not.
func ReadCompletely(ns *migrate.Namespace) string {
	const parts = 4
	if n := len(ns.UncertainParts); n > 0 && n < parts {
		return "no (" + strings.Join(ns.UncertainParts, ", ") + ")"
	}
	return yesNo(ns.Complete && len(ns.UncertainParts) == 0)
}

// UsablePolicyTexts returns the report's texts on the policies that may be used in a namespace, each with what it
// counts for.
func UsablePolicyTexts(ns *migrate.Namespace) []string {
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
			items = append(items, MessageAt(g.What, g.Text, phrases.FileLine(g.Position)))
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
