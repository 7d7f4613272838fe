package report

import (
	"cmp"
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

// PlanDocument builds the report on a Plan: one line for each namespace, and below it short sections: the policies, what blocks
// the next level, what to be careful about, what is lost, and what could not be read. What many namespaces share is said once
// and counted. With NoHeaders it is the lines of the namespaces alone.
func PlanDocument(p *migrate.Plan, opts Options) *Document {
	return planDocument(p, false, opts.NoHeaders)
}

// PlanWideDocument is PlanDocument with more columns and nothing left out of the sections.
func PlanWideDocument(p *migrate.Plan, opts Options) *Document {
	return planDocument(p, true, opts.NoHeaders)
}

// planDocument builds the report of a Plan; wide has more columns and whole lists, tableOnly nothing but the lines of the
// namespaces.
func planDocument(p *migrate.Plan, wide, tableOnly bool) *Document {
	d := &Document{}
	if tableOnly {
		d.add(namespaceTable(p, wide, false))
		return d
	}
	most := 12
	if wide {
		most = 0
	}
	d.add(Paragraph{fmt.Sprintf("Plan for %s, from %s: %s.", p.TargetVersion, phrases.SourcePhrase(p.Source), planSize(p))})
	d.add(namespaceTable(p, wide, true))
	d.add(planLegend(p))
	d.addPolicies(p)
	d.addBlockingViolations(p, most)
	d.addLostConstraints(p)
	d.addShortSection("CAUTIONS", cautionTexts(p), most)
	d.addIneffectiveGrants(p, most)
	d.addShortSection("GAPS: not read or not evaluated", gapTextsWithScope(p), most)
	d.addShortSection("NOTES", noteTexts(p), most)
	return d
}

// planSize returns the report's line that counts the namespaces, workloads, policies and gaps of a Plan.
func planSize(p *migrate.Plan) string {
	workloads := 0
	for i := range p.Namespaces {
		workloads += len(p.Namespaces[i].Workloads)
	}
	counts := []string{
		english.Count(len(p.Namespaces), "namespace", "namespaces"),
		english.Count(workloads, "workload", "workloads"),
		english.Count(len(p.Policies), "policy", "policies"),
	}
	if len(p.Gaps) > 0 {
		counts = append(counts, english.Count(len(p.Gaps), "gap", "gaps"))
	}
	return strings.Join(counts, ", ")
}

// namespaceTable returns the report's table of namespaces; mark puts a star behind those of the platform.
func namespaceTable(p *migrate.Plan, wide, mark bool) *Table {
	t := &Table{Columns: []Column{{"NAMESPACE", RoleName}, {"CURRENT", RoleLevel}, {"ENFORCE", RoleLevel}}}
	if wide {
		t.Columns = append(t.Columns, Column{"PERMITTED", RoleLevel}, Column{"NEEDED", RoleLevel}, Column{"AUDIT", RoleLevel},
			Column{"WARN", RoleLevel}, Column{"WORKLOADS", RoleText}, Column{"COMPLETE", RoleText})
	}
	t.Columns = append(t.Columns, Column{"DECIDED BY", RoleText}, Column{"BLOCKED BY", RoleText})
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		name, current := ns.Name, phrases.CurrentLabel(ns, api.EnforceLevelLabel)
		if mark && ns.System {
			name += " *"
		}
		var more []string
		if wide {
			current = levelLabel(ns, api.EnforceLevelLabel, api.EnforceVersionLabel)
			more = []string{
				orDash(string(ns.PermittedLevel)), orDash(string(ns.NeededLevel)), orDash(ns.RecommendedLabels.Audit), orDash(ns.RecommendedLabels.Warn),
				fmt.Sprint(len(ns.Workloads)), yesNo(ns.Complete),
			}
		}
		row := append([]string{name, currentCell(ns, current), enforceCell(ns)}, more...)
		t.Rows = append(t.Rows, append(row, orDash(phrases.DecisionPhrase(ns)), orDash(phrases.BlockersPhrase(ns))))
	}
	return t
}

// currentCell returns the table cell for the enforce level that a namespace has today: from its label, or the admission
// configuration.
func currentCell(ns *migrate.Namespace, label string) string {
	switch {
	case ns.Exempt:
		return "exempt"
	case label == "" && ns.EffectiveLabels != nil:
		return ns.EffectiveLabels.Enforce + " (default)"
	}
	return orDash(label)
}

// levelLabel returns the report's text of the Pod Security level and version of a namespace as its labels say them; ""
// where there is no level.
func levelLabel(ns *migrate.Namespace, level, version string) string {
	return phrases.LevelVersion(phrases.CurrentLabel(ns, level), phrases.CurrentLabel(ns, version))
}

// yesNo returns "yes" or "no" for a table cell of a report.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// actionMarks returns the marks in a report's table for what a recommendation does to the enforce label, in the order
// of the legend.
func actionMarks() []struct {
	action     migrate.Action
	mark, says string
} {
	return []struct {
		action     migrate.Action
		mark, says string
	}{
		{migrate.ActionAdd, "+", "add"},
		{migrate.ActionChange, "~", "change"},
		{migrate.ActionUnchanged, "=", "stays"},
		{migrate.ActionLoosen, "!", "looser than today: not done unless asked for"},
		{migrate.ActionWithheld, "?", "withheld: something could not be read"},
		{migrate.ActionSkip, "-", "left alone"},
	}
}

// enforceCell returns the table cell for the recommended enforce level of a namespace, behind the mark of the action.
func enforceCell(ns *migrate.Namespace) string {
	mark := " "
	for _, m := range actionMarks() {
		if m.action == ns.Action {
			mark = m.mark
		}
	}
	switch level := ns.RecommendedLabels.Enforce; {
	case level != "":
		return mark + " " + level
	case ns.Action == migrate.ActionWithheld:
		return mark + " withheld"
	default:
		return mark + " none"
	}
}

// planLegend returns the report's text that explains the marks in the table of namespaces, and counts the recommended
// levels.
func planLegend(plan *migrate.Plan) Paragraph {
	if len(plan.Namespaces) == 0 {
		return Paragraph{"No namespaces."}
	}
	used, system := map[migrate.Action]bool{}, false
	namespacesAt := map[string]int{}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		used[ns.Action] = true
		system = system || ns.System
		namespacesAt[ns.RecommendedLabels.Enforce]++
	}
	var legend []string
	for _, m := range actionMarks() {
		if used[m.action] {
			legend = append(legend, m.mark+" "+m.says)
		}
	}
	if system {
		legend = append(legend, "* part of the platform")
	}
	var counts []string
	for _, l := range slices.Backward(levels.LooseToStrict()) {
		if n := namespacesAt[string(l)]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, l))
		}
	}
	if n := namespacesAt[""]; n > 0 {
		counts = append(counts, fmt.Sprintf("%d not set", n))
	}
	return Paragraph{strings.Join(legend, "; ") + ".", "Enforce: " + strings.Join(counts, ", ") + "."}
}

// addPolicies adds to a report the table of the policies, and what there is to say about several of them.
func (d *Document) addPolicies(plan *migrate.Plan) {
	if len(plan.Policies) == 0 {
		return
	}
	t := &Table{Columns: []Column{{"POLICY", RoleName}, {"CLOSEST", RoleLevel}, {"CONDITIONS", RoleText}, {"MUTATES", RoleText}}}
	var points, unused, provider []string
	for i := range plan.Policies {
		po := &plan.Policies[i]
		if po.Unused {
			unused = append(unused, po.Name)
		}
		if po.ProviderDefault {
			provider = append(provider, po.Name)
		}
		if len(levelChoices(po)) > 0 {
			points = append(points, po.Name+" "+nearestMissText(po))
		}
		if po.AdmitsNothing {
			t.Rows = append(t.Rows, []string{po.Name, "none", "-", "-"})
			continue
		}
		t.Rows = append(t.Rows, []string{po.Name, orDash(string(po.ClosestLevel)), fmt.Sprint(len(po.Conditions)), fmt.Sprint(len(po.MutatingFields))})
	}
	points = append(points, boundTexts(plan)...)
	if len(provider) > 0 {
		points = append(points, "a provider's default: "+english.First(provider, 8))
	}
	if len(plan.ClusterAdministrators) > 0 {
		points = append(points, "administrators, who may use all of them and count for no namespace: "+english.First(administratorNames(plan), 4))
	}
	if len(unused) > 0 {
		nobody := "nobody"
		if len(plan.ClusterAdministrators) > 0 {
			nobody = "nobody but administrators"
		}
		points = append(points, fmt.Sprintf("usable by %s: %s", nobody, english.First(unused, 8)))
	}
	d.add(Heading("POLICIES, and the level each comes closest to"), t, listOf(points))
}

// boundTexts returns the report's texts on the strict bounds of the policies of a Plan, one sentence for those that
// have the same.
func boundTexts(plan *migrate.Plan) []string {
	var order, texts []string
	policies := map[string][]string{}
	for i := range plan.Policies {
		po := &plan.Policies[i]
		text := fmt.Sprintf("pods comply with %s as written, and with %s after mutation; %s", po.CompliesAsWritten, po.CompliesAfterMutation, noLooserText(po.NoLooserThan))
		switch {
		case po.AdmitsNothing:
			text = "it admits nothing"
		case po.CompliesAsWritten == po.CompliesAfterMutation:
			text = fmt.Sprintf("pods comply with %s, as written and after mutation; %s", po.CompliesAsWritten, noLooserText(po.NoLooserThan))
		}
		if policies[text] == nil {
			order = append(order, text)
		}
		policies[text] = append(policies[text], po.Name)
	}
	for _, text := range order {
		texts = append(texts, english.First(policies[text], 4)+": "+text)
	}
	return texts
}

// addBlockingViolations adds to a report the table of violations that keep namespaces from the next stricter level,
// with their counts.
func (d *Document) addBlockingViolations(plan *migrate.Plan, most int) {
	if len(plan.BlockingViolations) == 0 {
		return
	}
	t := &Table{Columns: []Column{{"CHECK OF", RoleLevel}, {"NAMESPACES", RoleText}, {"WORKLOADS", RoleText}, {"CAUSE", RoleText}}}
	for i, c := range plan.BlockingViolations {
		if most > 0 && i == most {
			t.Omitted = omittedText(len(plan.BlockingViolations)-most, moreInWide)
			break
		}
		text := c.Reason
		if most == 0 && len(c.Examples) > 0 {
			text += " (" + strings.Join(c.Examples, ", ") + ")"
		}
		t.Rows = append(t.Rows, []string{orDash(string(c.Level)), fmt.Sprint(c.Namespaces), fmt.Sprint(c.Workloads), text})
	}
	d.add(Heading("WHAT KEEPS NAMESPACES FROM THE NEXT LEVEL"), t)
}

// addLostConstraints adds to a report what policies enforce and their closest level does not; policies that lose the
// same share a line.
func (d *Document) addLostConstraints(plan *migrate.Plan) {
	var order, points []string
	policies := map[string][]string{}
	for i := range plan.Policies {
		po := &plan.Policies[i]
		text := lostFields(po.Lost)
		if text == "" || po.ClosestLevel == "" {
			continue
		}
		key := "at " + string(po.ClosestLevel) + ": " + text
		if policies[key] == nil {
			order = append(order, key)
		}
		policies[key] = append(policies[key], po.Name)
	}
	for _, key := range order {
		points = append(points, english.First(policies[key], 4)+" "+key)
	}
	if len(plan.StandardsDrift) > 0 {
		var fields []string
		for _, l := range plan.StandardsDrift {
			fields = append(fields, l.Field)
		}
		slices.Sort(fields)
		points = append(points, "differences that come only from the age of the policies' standard: "+strings.Join(slices.Compact(fields), ", "))
	}
	d.addSection("LOST: what a policy enforces and its closest level does not", points)
}

// shortAnnotation shortens, for a table cell, the keys of seccomp and AppArmor annotations of policies.
func shortAnnotation(name string) string {
	for _, middle := range []string{".security.alpha.kubernetes.io/", ".security.beta.kubernetes.io/"} {
		name = strings.ReplaceAll(name, middle, " ")
	}
	return name
}

// lostFields returns the table cell on the fields of a policy that no level enforces, those that matter for security
// first.
func lostFields(lost []migrate.LostConstraint) string {
	var security, other []string
	for _, l := range lost {
		switch l.Class {
		case "drift":
		case "security":
			security = append(security, shortAnnotation(l.Field))
		default:
			other = append(other, shortAnnotation(l.Field))
		}
	}
	text := strings.Join(withoutRepeats(security), ", ")
	if len(other) > 0 {
		if text != "" {
			text += "; "
		}
		text += "set by mutation until now: " + strings.Join(withoutRepeats(other), ", ")
	}
	return text
}

// withoutRepeats returns the names in a report without repeats, in their order.
func withoutRepeats(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// cautionTexts returns the report's texts on the cautions of a Plan, each sentence once, with the namespaces that it
// holds for.
func cautionTexts(plan *migrate.Plan) []string {
	about := map[string][]string{}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		for _, c := range withoutRepeats(message.Texts(ns.Cautions)) {
			about[c] = append(about[c], ns.Name)
		}
		if ns.LabelOwner != "" && !ns.CautionsNameOwner() {
			c := "another tool writes the labels (" + ns.LabelOwner + "): change them where it reads them, with -o manifest"
			about[c] = append(about[c], ns.Name)
		}
	}
	var texts []string
	for c := range about {
		texts = append(texts, c)
	}
	slices.SortFunc(texts, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(about[b]), len(about[a])), cmp.Compare(about[a][0], about[b][0]), cmp.Compare(a, b))
	})
	items := message.Texts(plan.Cautions)
	for _, c := range texts {
		items = append(items, english.First(about[c], 3)+": "+c)
	}
	return items
}

// addIneffectiveGrants adds to a report bindings that grant nothing, and apart from them roles that were not read.
func (d *Document) addIneffectiveGrants(plan *migrate.Plan, most int) {
	for _, part := range []struct {
		heading string
		unread  bool
	}{{"BINDINGS THAT GRANT NOTHING", false}, {"ROLES THAT WERE NOT READ", true}} {
		var points []string
		for _, f := range plan.IneffectiveGrants {
			if f.RoleNotRead == part.unread {
				about := f.Subject
				if n := len(f.Others); n > 0 {
					about = fmt.Sprintf("%s and %d more", about, n)
				}
				points = append(points, about+": "+f.Text)
			}
		}
		d.addShortSection(part.heading, points, most)
	}
}

// gapTextsWithScope returns the report's texts on the gaps of a Plan, each with the namespaces that it touches.
func gapTextsWithScope(plan *migrate.Plan) []string {
	var points []string
	for _, g := range plan.Gaps {
		points = append(points, messageAt(g.What, g.Text, phrases.FileLine(g.Position))+gapScope(g))
	}
	return points
}

// gapScope returns the report's text on which namespaces a gap touches, and what of them it can change.
func gapScope(g migrate.Gap) string {
	only := ""
	if g.Changes != "" && g.Changes != "workloads" {
		only = ", " + g.Changes + " only"
	}
	switch {
	case len(g.Affects) == 0:
		return ""
	case g.Affects[0] == "*":
		return " [touches every namespace" + only + "]"
	}
	return " [touches " + english.First(g.Affects, 3) + only + "]"
}

// messageAt returns a report's sentence about an object, behind its file and line; the position may be "".
func messageAt(what, why, position string) string {
	text := what + ": " + why
	if position != "" {
		text = position + ": " + text
	}
	return text
}

// noteTexts returns the report's texts on the notes of a Plan, the problems of its policies, and what was skipped.
func noteTexts(plan *migrate.Plan) []string {
	var items []string
	for _, n := range plan.Notes {
		items = append(items, messageAt(n.What, n.Text, phrases.FileLine(n.Position)))
	}
	for i := range plan.Policies {
		po := &plan.Policies[i]
		for _, problem := range po.Problems {
			at := po.Position
			if problem.Line > 0 {
				at.Line = problem.Line
			}
			what := "psp/" + po.Name
			if problem.Field != "" {
				what += " " + problem.Field
			}
			items = append(items, messageAt(what, problem.Message.Text, phrases.FileLine(at)))
		}
	}
	if len(plan.SkippedKinds) > 0 {
		var kinds []string
		for _, k := range plan.SkippedKinds {
			kinds = append(kinds, fmt.Sprintf("%d %s", k.Count, k.Kind))
		}
		items = append(items, "passed over, since no pod, policy or grant was found in them: "+english.First(kinds, 10))
	}
	if plan.FinishedPods > 0 {
		items = append(items, "passed over, since they have ended: "+english.Count(plan.FinishedPods, "pod", "pods"))
	}
	return items
}

// administratorNames returns the report's text on the subjects of Plan.ClusterAdministrators and their bindings, each
// once, sorted.
func administratorNames(plan *migrate.Plan) []string {
	var out []string
	for _, g := range plan.ClusterAdministrators {
		out = append(out, g.Subject.String()+" ("+g.Binding+")")
	}
	slices.Sort(out)
	return slices.Compact(out)
}
