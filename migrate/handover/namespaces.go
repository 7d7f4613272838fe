package handover

import (
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// namespaces returns the section of the Report on the namespaces: one row each, the worst first, as in the plan's table.
func (b *builder) namespaces() Section {
	t := &Table{
		ID: namespacesTable, Title: "Namespaces",
		Text: "One row for each namespace, the worst first. Today is the level that its label, or the server's configuration, enforces. " +
			"Needed is the strictest level that everything in it meets once PodSecurityPolicy is gone, and recommended the one to enforce; " +
			"with patches is the level once the values are written into templates that policies set today.",
		Columns: []Column{
			{ID: "namespace", Title: "Namespace", Kind: kindName},
			{ID: "today", Title: "Today", Kind: kindLevel},
			{ID: "recommended", Title: "Recommended", Kind: kindLevel},
			{ID: "needed", Title: "Needed", Kind: kindLevel},
			{ID: "with-patches", Title: "With patches", Kind: kindLevel},
			{ID: "permitted", Title: "Permitted by policies", Kind: kindLevel},
			{ID: "action", Title: "Labels", Kind: kindStatus},
			{ID: "in-the-way", Title: "In the way of the next level", Kind: kindText},
			{ID: "decided-by", Title: "Decided by", Kind: kindText},
			{ID: "workloads", Title: "Workloads", Kind: kindNumber, Table: workloadsTable},
			{ID: "lost", Title: "Restrictions lost", Kind: kindNumber},
			{ID: "complete", Title: "All read", Kind: kindStatus},
			{ID: "evidence", Title: "Read from", Kind: kindEvidence},
		},
		Details: []DetailColumn{
			{"reasons", "Why", kindText},
			{"blockers", "In the way of the next level, in the words of Pod Security admission", kindText},
			{"cautions", "Cautions", kindText},
			{"labels", "Labels to paste", kindCode},
			{"command", "Command", kindCode},
			{"lost", "What policies do here today, and the level does not", kindText},
			{"policies", "Policies that may be used here", kindText},
			{"also-refused", "Also refuses pods here", kindText},
			{"gaps", "Not read", kindText},
			{"delta", "To keep what policies forbid here, beside the label", kindText},
		},
	}
	gaps := gapsByNamespace(b.plan)
	for i := range b.overview.Namespaces {
		line := &b.overview.Namespaces[i]
		t.addRow(b.namespaceDetail(t, line, gaps), b.namespaceCells(line)...)
	}
	return Section{Tables: []*Table{t}}
}

// namespaceCells returns the cells of the row about a namespace of the Report.
func (b *builder) namespaceCells(line *report.NamespaceLine) []Cell {
	ns := line.Namespace
	workloads := Cell{Number: len(ns.Workloads)}
	for k := range ns.Workloads {
		workloads.Rows = append(workloads.Rows, b.workloadRow[&ns.Workloads[k]])
	}
	withPatches := line.WithPatches
	if withPatches == report.NoLevel {
		withPatches = ""
	}
	return []Cell{
		text(ns.Name), text(line.TodayText), text(line.EnforceText), text(string(ns.NeededLevel)), text(withPatches), text(string(ns.PermittedLevel)),
		text(report.ActionPhrase(ns.Action)), text(line.InTheWay), text(phrases.DecisionPhrase(ns)), workloads,
		number(countLost(ns.Lost, mapping.SecurityLoss, map[string]bool{})), text(report.ReadCompletely(ns)), text(evidence(ns.Position, "Namespace "+ns.Name)),
	}
}

// namespaceDetail returns what the row about a namespace of the Report opens to.
func (b *builder) namespaceDetail(t *Table, line *report.NamespaceLine, gaps map[string][]string) []Detail {
	ns := line.Namespace
	var out []Detail
	for _, d := range []struct {
		id    string
		lines []string
	}{
		{"reasons", message.Texts(ns.Reasons)},
		{"blockers", blockerTexts(ns)},
		{"cautions", namespaceCautions(ns)},
		{"labels", b.labelLines(ns)},
		{"command", b.commandLines(ns)},
		{"lost", b.lostTexts(ns)},
		{"policies", report.UsablePolicyTexts(ns)},
		{"also-refused", ns.AlsoRefusedBy},
		{"gaps", append(gaps["*"][:len(gaps["*"]):len(gaps["*"])], gaps[ns.Name]...)},
		{"delta", report.DeltaTexts(ns)},
	} {
		out = append(out, t.detail(d.id, d.lines)...)
	}
	return out
}

// commandLines returns the command that labels a namespace of the Report; none where another tool would undo it: its source takes
// the labels of the row.
func (b *builder) commandLines(ns *migrate.Namespace) []string {
	if labels.OutcomeOf(ns, labels.StageAll) == labels.OutcomeOwned {
		return nil
	}
	return labels.CommandLines(ns, labels.StageAll, b.kubectl)
}

// namespaceCautions returns the cautions on a namespace of the Report, the one on who writes its labels among them.
func namespaceCautions(ns *migrate.Namespace) []string {
	out := message.Texts(ns.Cautions)
	if ns.LabelOwner != "" && !ns.CautionsNameOwner() {
		out = append(out, report.LabelOwnerCaution(ns))
	}
	return out
}

// blockerTexts returns the lines of the Report on what keeps a namespace from the next level: each violation in the words of Pod
// Security admission, with the workloads that it is about.
func blockerTexts(ns *migrate.Namespace) []string {
	var out []string
	for i := range ns.Blockers {
		bl := &ns.Blockers[i]
		objects := make([]string, len(bl.Workloads))
		for k, w := range bl.Workloads {
			objects[k] = phrases.ObjectName(w.Kind, w.Name)
		}
		out = append(out, string(bl.Level)+": "+report.ViolationText(bl.Reason, bl.Detail)+": "+strings.Join(objects, ", "))
	}
	return out
}

// labelLines returns the recommended labels of a namespace of the Report as lines of a manifest; none where nothing is recommended.
func (b *builder) labelLines(ns *migrate.Namespace) []string {
	wanted := labels.StageLabels(ns, labels.StageAll)
	if len(wanted) == 0 || !labels.WhyRefused(ns).IsZero() {
		return nil
	}
	key := codeKey{kind: kindLabels, labels: ns.RecommendedLabels, withheld: labels.WithholdsLoosening(ns)}
	return b.shared(key, func() []string {
		out := []string{"metadata:", "  labels:"}
		for _, l := range wanted {
			out = append(out, "    "+l.Key+": "+l.Value)
		}
		return out
	})
}

// lostTexts returns the lines of the Report on what the policies of a namespace do and its level does not, the gravest first; namespaces
// that lose the same share them.
func (b *builder) lostTexts(ns *migrate.Namespace) []string {
	if len(ns.Lost) == 0 {
		return nil
	}
	return b.shared(codeKey{kind: kindLost, of: ns.LostKey}, func() []string { return lostLines(ns.Lost) })
}

// lostLines returns the lines of the Report on lost constraints, each with its class, the gravest first.
func lostLines(lost []migrate.LostConstraint) []string {
	var out []string
	for _, class := range []mapping.LossClass{mapping.SecurityLoss, mapping.FunctionalLoss, mapping.DriftLoss} {
		for _, l := range report.GravestFirst(lost) {
			if l.Class == class {
				out = append(out, string(class)+": "+report.WholeLostText(&l))
			}
		}
	}
	return out
}

// gapsByNamespace returns the texts of the Report on the gaps that touch each namespace; under "*" those that touch every one.
func gapsByNamespace(plan *migrate.Plan) map[string][]string {
	out := map[string][]string{}
	for i := range plan.Gaps {
		g := &plan.Gaps[i]
		for _, ns := range g.Affects {
			out[ns] = append(out[ns], report.MessageAt(g.What, g.Text, fileLine(g.Position)))
		}
	}
	return out
}

// codeKey is what lines that several rows of the Report share are made from.
type codeKey struct {
	kind     sharedKind
	of       string
	workload string
	level    api.Level
	labels   migrate.PodSecurityLabels
	withheld bool
}

// sharedKind is one of the texts of a Report that several rows share.
type sharedKind int

// The kinds of shared texts.
const (
	kindLabels sharedKind = iota
	kindLost
	kindPatch
	kindRaise
	kindViolations
)

// shared returns lines of the Report that several rows share: made once for each key.
func (b *builder) shared(key codeKey, lines func() []string) []string {
	if known, ok := b.code[key]; ok {
		return known
	}
	out := lines()
	b.code[key] = out
	return out
}
