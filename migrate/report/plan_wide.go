package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// PlanWideDocument builds the whole report on a Plan: a line for each namespace with more columns than PlanDocument has,
// and below it sections on the policies, what keeps namespaces from the next level, what is lost, cautions, gaps and notes,
// with nothing left out. With NoHeaders it is the lines of the namespaces alone.
func PlanWideDocument(p *migrate.Plan, opts Options) *Document {
	s, d := newPlanScreen(p, opts), &Document{}
	t := s.wideTable()
	if opts.NoHeaders {
		d.add(t)
		return d
	}
	d.add(s.headline(), t)
	d.addPolicies(s.plan)
	d.addBlockingViolations(s.plan)
	d.addLostConstraints(s.plan)
	d.addSection("CAUTIONS", CautionTexts(s.plan))
	d.addSection("BINDINGS THAT GRANT NOTHING", grantFindings(s.plan, false))
	d.addSection("ROLES THAT WERE NOT READ", grantFindings(s.plan, true))
	d.addSection("GAPS: not read or not evaluated", gapTextsWithScope(s.plan))
	d.addSection("NOTES", NoteTexts(s.plan))
	d.add(pointersTable(s.nextPointers(), opts.Width))
	return d
}

// wideTable returns the report's table of namespaces with all levels and labels, in the order of the other one.
func (s *planScreen) wideTable() *Table {
	t := &Table{Columns: []Column{
		{"NAMESPACE", RoleName},
		{"TODAY", RoleLevel},
		{"ENFORCE", RoleLevel},
		{"AFTER PATCH", RoleLevel},
		{"PERMITTED", RoleLevel},
		{"NEEDED", RoleLevel},
		{"AUDIT", RoleLevel},
		{"WARN", RoleLevel},
		{"WORKLOADS", RoleText},
		{"ALL READ", RoleText},
		{"DECIDED BY", RoleText},
		{deltaColumn, RoleText},
		{"IN THE WAY OF THE NEXT LEVEL", RoleText},
	}}
	t.Spare = []string{deltaColumn, "AUDIT", "WARN", "ALL READ", "WORKLOADS", "DECIDED BY", "PERMITTED", "NEEDED", "AFTER PATCH"}
	byName := map[string]*migrate.Namespace{}
	for i := range s.plan.Namespaces {
		byName[s.plan.Namespaces[i].Name] = &s.plan.Namespaces[i]
	}
	for _, r := range s.rows() {
		ns := byName[r.names[0]]
		today := r.today
		if label := levelLabel(ns, api.EnforceLevelLabel, api.EnforceVersionLabel); label != "" && !ns.Exempt {
			today = label
		}
		t.Rows = append(t.Rows, []string{
			ns.Name, today, r.enforce, orDash(string(cmp.Or(s.levelAfterKeep(ns), ns.NeededLevel))), orDash(string(ns.PermittedLevel)), orDash(string(ns.NeededLevel)),
			orDash(ns.RecommendedLabels.Audit), orDash(ns.RecommendedLabels.Warn), fmt.Sprint(len(ns.Workloads)), yesNo(ns.Complete),
			orDash(phrases.DecisionPhrase(ns)), deltaCell(ns.Delta), r.inTheWay(),
		})
	}
	if !slices.ContainsFunc(s.plan.Namespaces, func(ns migrate.Namespace) bool { return ns.Delta != nil }) {
		t.dropColumn(deltaColumn)
	}
	return t
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
			points = append(points, po.Name+" "+NearestMissText(po))
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
func (d *Document) addBlockingViolations(plan *migrate.Plan) {
	if len(plan.BlockingViolations) == 0 {
		return
	}
	t := &Table{Columns: []Column{{"CHECK OF", RoleLevel}, {"NAMESPACES", RoleText}, {"WORKLOADS", RoleText}, {"CAUSE", RoleText}}}
	for _, c := range plan.BlockingViolations {
		text := c.Reason
		if len(c.Examples) > 0 {
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

// CautionTexts returns the report's texts on the cautions of a Plan, each sentence once, with the namespaces that it
// holds for.
func CautionTexts(plan *migrate.Plan) []string {
	about := map[string][]string{}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		for _, c := range withoutRepeats(message.Texts(ns.Cautions)) {
			about[c] = append(about[c], ns.Name)
		}
		if ns.LabelOwner != "" && !ns.CautionsNameOwner() {
			c := LabelOwnerCaution(ns)
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

// LabelOwnerCaution returns the report's caution on a namespace whose labels another tool writes.
func LabelOwnerCaution(ns *migrate.Namespace) string {
	return "another tool writes the labels (" + ns.LabelOwner + "): change them where it reads them, with -o manifest"
}

// gapTextsWithScope returns the report's texts on the gaps of a Plan, each with the namespaces that it touches.
func gapTextsWithScope(plan *migrate.Plan) []string {
	var points []string
	for _, g := range plan.Gaps {
		points = append(points, MessageAt(g.What, g.Text, phrases.FileLine(g.Position))+GapScope(g))
	}
	return points
}

// GapScope returns the report's text on which namespaces a gap touches, and what of them it can change.
func GapScope(g migrate.Gap) string {
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

// MessageAt returns a report's sentence about an object, behind its file and line; the position may be "".
func MessageAt(what, why, position string) string {
	text := what + ": " + why
	if position != "" {
		text = position + ": " + text
	}
	return text
}

// NoteTexts returns the report's texts on the notes of a Plan, the problems of its policies, and what was skipped.
func NoteTexts(plan *migrate.Plan) []string {
	var items []string
	for _, n := range plan.Notes {
		items = append(items, MessageAt(n.What, n.Text, phrases.FileLine(n.Position)))
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
			items = append(items, MessageAt(what, problem.Message.Text, phrases.FileLine(at)))
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
