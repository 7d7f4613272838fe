package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// PlanTable writes one line for each namespace, and below it short sections: the policies, what blocks the next level, what
// to be careful about, what is lost, and what could not be read. What many namespaces share is told once and counted.
func PlanTable(w io.Writer, p *migrate.Plan, opts Options) error { return planPage(w, p, opts, false) }

// PlanWideTable is Table with more columns and nothing left out of the sections.
func PlanWideTable(w io.Writer, p *migrate.Plan, opts Options) error {
	return planPage(w, p, opts, true)
}

func planPage(w io.Writer, p *migrate.Plan, opts Options, wide bool) error {
	page := &page{opts: opts}
	if opts.NoHeaders {
		page.table(namespaceTable(p, wide, false))
		return page.flush(w)
	}
	most := 12
	if wide {
		most = 0
	}
	page.prose("Plan for %s, from %s: %s.", p.TargetVersion, phrases.SourcePhrase(p.Source), planSize(p))
	page.line("")
	page.table(namespaceTable(p, wide, true))
	page.legend(p)
	page.policies(p)
	page.causes(p, most)
	page.lost(p)
	page.cautions(p, most)
	page.dangling(p, most)
	page.gaps(p, most)
	page.notes(p, most)
	return page.flush(w)
}

func planSize(p *migrate.Plan) string {
	workloads := 0
	for i := range p.Namespaces {
		workloads += len(p.Namespaces[i].Workloads)
	}
	counts := []string{
		phrases.CountNoun(len(p.Namespaces), "namespace", "namespaces"),
		phrases.CountNoun(workloads, "workload", "workloads"),
		phrases.CountNoun(len(p.Policies), "policy", "policies"),
	}
	if len(p.Gaps) > 0 {
		counts = append(counts, phrases.CountNoun(len(p.Gaps), "gap", "gaps"))
	}
	return strings.Join(counts, ", ")
}

func namespaceTable(p *migrate.Plan, wide, mark bool) *grid {
	g := &grid{header: []string{"NAMESPACE", "CURRENT", "ENFORCE", "DECIDED BY", "BLOCKED BY"}, levels: []int{1, 2}}
	if wide {
		g.levels = []int{1, 2, 3, 4, 5, 6}
		g.header = []string{"NAMESPACE", "CURRENT", "ENFORCE", "PERMITTED", "NEEDED", "AUDIT", "WARN", "WORKLOADS", "COMPLETE", "DECIDED BY", "BLOCKED BY"}
	}
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		name := escape.Terminal(ns.Name)
		if mark && ns.System {
			name += " *"
		}
		if !wide {
			g.add(name, currentCell(ns, phrases.CurrentLabel(ns, api.EnforceLevelLabel)), enforceCell(ns), orDash(phrases.DecisionPhrase(ns)), orDash(phrases.BlockersPhrase(ns)))
			continue
		}
		g.add(name, currentCell(ns, levelLabel(ns, api.EnforceLevelLabel, api.EnforceVersionLabel)), enforceCell(ns),
			orDash(string(ns.PermittedLevel)), orDash(string(ns.NeededLevel)), orDash(ns.RecommendedLabels.Audit), orDash(ns.RecommendedLabels.Warn),
			fmt.Sprint(len(ns.Workloads)), yesNo(ns.Complete), orDash(phrases.DecisionPhrase(ns)), orDash(phrases.BlockersPhrase(ns)))
	}
	return g
}

// currentCell is the level of the label, or what the admission configuration has in its place.
func currentCell(ns *migrate.Namespace, label string) string {
	switch {
	case ns.Exempt:
		return "exempt"
	case label == "" && ns.EffectiveLabels != nil:
		return escape.Terminal(ns.EffectiveLabels.Enforce) + " (default)"
	}
	return orDash(label)
}

// levelLabel is a level and its version as the labels say them; "" where there is no level.
func levelLabel(ns *migrate.Namespace, level, version string) string {
	return phrases.LevelVersion(phrases.CurrentLabel(ns, level), phrases.CurrentLabel(ns, version))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// actionMarks say what a recommendation does to the enforce label, in the order of the legend.
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

func enforceCell(ns *migrate.Namespace) string {
	mark := " "
	for _, m := range actionMarks() {
		if m.action == ns.Action {
			mark = m.mark
		}
	}
	switch level := ns.RecommendedLabels.Enforce; {
	case level != "":
		return mark + " " + escape.Terminal(level)
	case ns.Action == migrate.ActionWithheld:
		return mark + " withheld"
	default:
		return mark + " none"
	}
}

// legend explains the marks that were used, and counts the levels.
func (p *page) legend(plan *migrate.Plan) {
	if len(plan.Namespaces) == 0 {
		p.prose("No namespaces.")
		return
	}
	used, system := map[migrate.Action]bool{}, false
	levels := map[string]int{}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		used[ns.Action] = true
		system = system || ns.System
		levels[ns.RecommendedLabels.Enforce]++
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
	p.line("")
	p.prose("%s.", strings.Join(legend, "; "))
	var counts []string
	for _, l := range []api.Level{api.LevelRestricted, api.LevelBaseline, api.LevelPrivileged} {
		if n := levels[string(l)]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, l))
		}
	}
	if n := levels[""]; n > 0 {
		counts = append(counts, fmt.Sprintf("%d not set", n))
	}
	p.prose("Enforce: %s.", strings.Join(counts, ", "))
}

func (p *page) policies(plan *migrate.Plan) {
	if len(plan.Policies) == 0 {
		return
	}
	p.heading("POLICIES, and the level each comes closest to")
	g := &grid{header: []string{"POLICY", "CLOSEST", "SAFE/HELD/COVER", "CONDITIONS", "FILLS IN"}, levels: []int{1}}
	var unused, provider []string
	for i := range plan.Policies {
		po := &plan.Policies[i]
		if po.Unused {
			unused = append(unused, po.Name)
		}
		if po.ProviderDefault {
			provider = append(provider, po.Name)
		}
		if po.AdmitsNothing {
			g.add(escape.Terminal(po.Name), "none", "admits nothing", "-", "-")
			continue
		}
		bounds := orDash(string(po.CompliesAsWritten)) + "/" + orDash(string(po.CompliesAfterMutation)) + "/" + orDash(string(po.NoLooserThan))
		g.add(escape.Terminal(po.Name), orDash(string(po.ClosestLevel)), bounds, fmt.Sprint(len(conditions(po))), fmt.Sprint(len(po.MutatingFields)))
	}
	p.table(g)
	for i := range plan.Policies {
		if po := &plan.Policies[i]; len(po.LevelChoices) > 0 {
			p.item("%s %s", po.Name, po.NearestMiss)
		}
	}
	if len(provider) > 0 {
		p.item("a provider's default: %s", phrases.JoinFirst(provider, 8))
	}
	if len(plan.ClusterAdministrators) > 0 {
		p.item("administrators, who may use all of them and count for no namespace: %s", phrases.JoinFirst(plan.ClusterAdministrators, 4))
	}
	if len(unused) > 0 {
		nobody := "nobody"
		if len(plan.ClusterAdministrators) > 0 {
			nobody = "nobody but administrators"
		}
		p.item("usable by %s: %s", nobody, phrases.JoinFirst(unused, 8))
	}
}

// conditions are the checks of the closest level that the policy does not guarantee.
func conditions(po *migrate.Policy) []migrate.PolicyCheck {
	var out []migrate.PolicyCheck
	for _, c := range po.Checks {
		counts := po.ClosestLevel == api.LevelRestricted || (po.ClosestLevel == api.LevelBaseline && c.Level == api.LevelBaseline)
		if counts && c.Status != "G" {
			out = append(out, c)
		}
	}
	return out
}

func (p *page) causes(plan *migrate.Plan, most int) {
	if len(plan.BlockingViolations) == 0 {
		return
	}
	p.heading("WHAT KEEPS NAMESPACES FROM THE NEXT LEVEL")
	g := &grid{header: []string{"CHECK OF", "NAMESPACES", "WORKLOADS", "CAUSE"}, levels: []int{0}}
	for i, c := range plan.BlockingViolations {
		if most > 0 && i == most {
			break
		}
		text := escape.Terminal(c.Reason)
		if most == 0 && len(c.Examples) > 0 {
			text += " (" + escape.Terminal(strings.Join(c.Examples, ", ")) + ")"
		}
		g.add(orDash(string(c.Level)), fmt.Sprint(c.Namespaces), fmt.Sprint(c.Workloads), text)
	}
	p.table(g)
	if n := len(plan.BlockingViolations) - most; most > 0 && n > 0 {
		p.line("  ... and %d more: -o wide", n)
	}
}

// lost tells what policies enforce and their closest level does not, policies that lose the same together.
func (p *page) lost(plan *migrate.Plan) {
	var order []string
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
	if len(order) > 0 {
		p.heading("LOST: what a policy enforces and its closest level does not")
	}
	for _, key := range order {
		p.item("%s %s", phrases.JoinFirst(policies[key], 4), key)
	}
	if len(plan.StandardsDrift) > 0 {
		var fields []string
		for _, l := range plan.StandardsDrift {
			fields = append(fields, l.Field)
		}
		slices.Sort(fields)
		p.item("differences that come only from the age of the policies' standard: %s", strings.Join(slices.Compact(fields), ", "))
	}
}

// shortAnnotation leaves out what every annotation of its kind repeats.
func shortAnnotation(name string) string {
	for _, middle := range []string{".security.alpha.kubernetes.io/", ".security.beta.kubernetes.io/"} {
		name = strings.ReplaceAll(name, middle, " ")
	}
	return name
}

// lostFields names what matters for security first.
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
		text += "filled in until now: " + strings.Join(withoutRepeats(other), ", ")
	}
	return text
}

// withoutRepeats drops repeated names and keeps the order.
func withoutRepeats(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// cautions tells each sentence once, with the namespaces that it holds for.
func (p *page) cautions(plan *migrate.Plan, most int) {
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
		items = append(items, phrases.JoinFirst(about[c], 3)+": "+c)
	}
	if len(items) == 0 {
		return
	}
	p.heading("CAUTIONS")
	p.list(items, most, "-o wide")
}

// dangling keeps what grants nothing apart from what was not read.
func (p *page) dangling(plan *migrate.Plan, most int) {
	for _, part := range []struct {
		heading string
		unread  bool
	}{{"BINDINGS THAT GRANT NOTHING", false}, {"ROLES THAT WERE NOT READ", true}} {
		var items []string
		for _, f := range plan.IneffectiveGrants {
			if f.RoleNotRead == part.unread {
				about := f.Subject
				if n := len(f.Others); n > 0 {
					about = fmt.Sprintf("%s and %d more", about, n)
				}
				items = append(items, about+": "+f.Text)
			}
		}
		if len(items) > 0 {
			p.heading("%s", part.heading)
			p.list(items, most, "-o wide")
		}
	}
}

func (p *page) gaps(plan *migrate.Plan, most int) {
	if len(plan.Gaps) == 0 {
		return
	}
	p.heading("GAPS: not read or not judged")
	var items []string
	for _, g := range plan.Gaps {
		items = append(items, messageAt(g.What, g.Text, phrases.FileLine(g.Position))+gapScope(g))
	}
	p.list(items, most, "-o wide")
}

// gapScope says which namespaces a gap touches, and where it cannot change their level by itself, what it can change.
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
	return " [touches " + phrases.JoinFirst(g.Affects, 3) + only + "]"
}

func messageAt(what, why, position string) string {
	text := what + ": " + why
	if position != "" {
		text = position + ": " + text
	}
	return text
}

func (p *page) notes(plan *migrate.Plan, most int) {
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
			items = append(items, messageAt(what, problem.Message, phrases.FileLine(at)))
		}
	}
	if len(plan.SkippedKinds) > 0 {
		var kinds []string
		for _, k := range plan.SkippedKinds {
			kinds = append(kinds, fmt.Sprintf("%d %s", k.Count, k.Kind))
		}
		items = append(items, "passed over, since no pod, policy or grant was found in them: "+phrases.JoinFirst(kinds, 10))
	}
	if plan.FinishedPods > 0 {
		items = append(items, "passed over, since they have ended: "+phrases.CountNoun(plan.FinishedPods, "pod", "pods"))
	}
	if len(items) == 0 {
		return
	}
	p.heading("NOTES")
	p.list(items, most, "-o wide")
}
