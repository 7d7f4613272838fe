package handover

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// summary returns the first screen of the Report.
func (b *builder) summary() Summary {
	s := Summary{
		Verdict: Verdict{Status: b.gate.Status(), Text: b.gate.Verdict()}, Levels: b.levelCounts(), Refusing: b.overview.Refusing,
		Namespaces: len(b.plan.Namespaces), Workloads: len(b.workloads),
		Blockers: []BlockerCount{}, Lost: b.lossCounts(), Unseen: b.firstUnseen(), Next: b.nextSteps(),
	}
	for _, v := range b.plan.BlockingViolations {
		s.Blockers = append(s.Blockers, BlockerCount{Check: v.Check, Level: string(v.Level), Text: v.Reason, Namespaces: v.Namespaces, Workloads: v.Workloads})
	}
	return s
}

// levelCounts returns the numbers of namespaces by level for the first screen of the Report, the strictest level first.
func (b *builder) levelCounts() []LevelCount {
	var out []LevelCount
	for _, level := range slices.Backward(levels.Names()) {
		out = append(out, LevelCount{Level: level})
	}
	out = append(out, LevelCount{Level: report.NoLevel}, LevelCount{Level: report.UnknownLevel})
	at := map[string]*LevelCount{}
	for i := range out {
		at[out[i].Level] = &out[i]
	}
	for i := range b.overview.Namespaces {
		line := &b.overview.Namespaces[i]
		at[line.Today].Today++
		at[line.Recommended].Recommended++
		at[line.WithPatches].WithPatches++
	}
	return out
}

// LossClasses returns the classes of what is lost with PodSecurityPolicy for the first screen of a Report, the worst first, counted as 0.
func LossClasses() []LossCount {
	return []LossCount{
		{Class: string(mapping.SecurityLoss), Text: "refused by policies today, and allowed at the recommended levels"},
		{Class: string(mapping.FunctionalLoss), Text: "set in pods by policies today, and no longer"},
		{Class: string(mapping.DriftLoss), Text: "different only by the age of the standard, wherever the policy is used"},
	}
}

// lossCounts returns, for the first screen of the Report, how many different constraints of each class are lost, and in how many
// namespaces. What comes only from the age of a standard is the same in all and counted in none.
func (b *builder) lossCounts() []LossCount {
	out := LossClasses()
	for i := range out {
		fields, class := map[string]bool{}, mapping.LossClass(out[i].Class)
		if class == mapping.DriftLoss {
			countLost(b.plan.StandardsDrift, class, fields)
		} else {
			for k := range b.plan.Namespaces {
				if countLost(b.plan.Namespaces[k].Lost, class, fields) > 0 {
					out[i].Namespaces++
				}
			}
		}
		out[i].Constraints = len(fields)
	}
	return out
}

// countLost returns how many lost constraints for a Report are of a class, each field once, and adds the fields to a set.
func countLost(lost []migrate.LostConstraint, class mapping.LossClass, fields map[string]bool) int {
	here := map[string]bool{}
	for i := range lost {
		if lost[i].Class == class {
			here[lost[i].Field], fields[lost[i].Field] = true, true
		}
	}
	return len(here)
}

// mostUnseen is how many sentences on what could not be seen the first screen of a Report has.
const mostUnseen = 6

// firstUnseen returns the sentences of the first screen of the Report on what could not be seen, the first few of them.
func (b *builder) firstUnseen() []string {
	out := b.unseenSentences()
	if more := len(out) - mostUnseen + 1; more > 1 {
		out = append(out[:mostUnseen-1], fmt.Sprintf("%d more: see the section on what could not be seen", more))
	}
	return out
}

// unseenSentences returns the sentences of the Report on what could not be seen: gaps that say the same as one.
func (b *builder) unseenSentences() []string {
	out := []string{}
	for _, g := range gapGroups(b.plan.Gaps) {
		sentence := g[0].What + ": " + g[0].Text
		if n := len(g) - 1; n > 0 {
			sentence = fmt.Sprintf("%s, and %d more: %s", g[0].What, n, g[0].Text)
		}
		out = append(out, sentence+report.GapScope(*g[0]))
	}
	if n := len(report.RolesNotRead(b.plan)); n > 0 {
		out = append(out, english.Count(n, "role that bindings refer to was not read: what it grants is not known", "roles that bindings refer to were not read: what they grant is not known"))
	}
	for _, list := range b.overview.UnreadLists {
		out = append(out, list+" were not read: they may change pods or refuse them")
	}
	if n := b.overview.Estimated; n > 0 {
		out = append(out, english.Count(n, "namespace has a level that rests on an estimate", "namespaces have a level that rests on an estimate"))
	}
	return out
}

// gapGroups returns the gaps of a Plan, for the first screen of its Report, those that say the same as one group, those first that can
// change what runs, and then the largest.
func gapGroups(gaps []migrate.Gap) [][]*migrate.Gap {
	var groups [][]*migrate.Gap
	at := map[string]int{}
	for i := range gaps {
		g := &gaps[i]
		key := g.ID + " " + g.Changes
		k, known := at[key]
		if !known {
			k = len(groups)
			at[key], groups = k, append(groups, nil)
		}
		groups[k] = append(groups[k], g)
	}
	weight := map[string]int{"": 0, "workloads": 1, "policies": 2, "grants": 3, "labels": 4}
	slices.SortStableFunc(groups, func(x, y []*migrate.Gap) int {
		return cmp.Or(cmp.Compare(weight[x[0].Changes], weight[y[0].Changes]), cmp.Compare(len(y), len(x)))
	})
	return groups
}

// mostNext is how many things to do the first screen of a Report names.
const mostNext = 3

// nextSteps returns the next things to do of the Report, with what each has to touch.
func (b *builder) nextSteps() []NextStep {
	out := []NextStep{}
	for _, step := range b.overview.Next {
		if step.ID == report.StepSave || step.ID == report.StepUnredact || step.ID == report.StepGate || len(out) == mostNext {
			continue
		}
		next := NextStep{Text: b.nextStepText(&step), Effort: effort(&step), Workloads: step.Workloads, Namespaces: step.Namespaces}
		if step.Command != "" {
			next.Commands = []string{step.Command}
		}
		out = append(out, next)
	}
	if len(out) < mostNext {
		out = append(out, b.gateStep())
	}
	return out
}

// gateStep returns the last of the next things to do of the Report: to clear what its verdict counts, and to ask again.
func (b *builder) gateStep() NextStep {
	call := b.overview.Invocation
	step := NextStep{Commands: []string{call.Command("gate", call.Source, call.Target, b.asked)}}
	if b.gate.Pass {
		step.Text, step.Effort = "Ask again right before the upgrade: what is there may have changed by then.", "nothing is changed"
		return step
	}
	step.Text = "Clear the reasons and questions of the section on the upgrade, in their order, and ask again."
	step.Effort = english.Count(len(b.gate.Reasons), "reason", "reasons") + ", " + english.Count(len(b.gate.Unknown), "question", "questions")
	return step
}

// effort returns what one of the next things to do of a Report has to touch: "8 workloads in 5 namespaces".
func effort(step *report.NextStep) string {
	namespaces := english.Count(step.Namespaces, "namespace", "namespaces")
	switch {
	case step.Namespaces == 0:
		return "nothing is changed"
	case step.Workloads > 0:
		return english.Count(step.Workloads, "workload", "workloads") + " in " + namespaces
	}
	return namespaces
}

// nextStepText returns one of the next things to do of a Report as a sentence for a reader who has not seen the plan.
func (b *builder) nextStepText(step *report.NextStep) string {
	switch step.ID {
	case report.StepGaps:
		return "Close the gaps: what could not be read can change the level of these namespaces."
	case report.StepPatch:
		return patchStepText(step)
	case report.StepOldRevisions:
		return "Delete old ReplicaSets that nobody rolls back to, then plan again: they alone keep their namespaces from a stricter level."
	case report.StepObserve:
		return "Set the warn and audit labels: they refuse nothing, and show what " + b.observedLevels() + " would refuse."
	case report.StepEnforce:
		return b.enforceStepText(step)
	case report.StepOwned:
		return "Set the labels where another tool takes them from: it would undo them on the cluster."
	}
	return step.Text
}

// enforceStepText returns the sentence of the Report on setting the recommended levels, and where that would refuse what runs.
func (b *builder) enforceStepText(step *report.NextStep) string {
	const meets = "Enforce the recommended levels: what runs there today meets them."
	refusing := english.Count(b.overview.Refusing, "namespace", "namespaces")
	switch {
	case b.overview.Refusing == 0:
		return meets
	case step.Namespaces == 0:
		return "Enforce nothing yet: in " + refusing + " the levels that were asked for would refuse what runs there today."
	}
	return meets + " It does not in " + refusing + ", which the command leaves out."
}

// observedLevels returns the levels that the warn and audit labels of a Report have: "the level restricted".
func (b *builder) observedLevels() string {
	var all []string
	for i := range b.plan.Namespaces {
		for _, level := range []string{b.plan.Namespaces[i].RecommendedLabels.Warn, b.plan.Namespaces[i].RecommendedLabels.Audit} {
			if level != "" && !slices.Contains(all, level) {
				all = append(all, level)
			}
		}
	}
	slices.Sort(all)
	if len(all) == 1 {
		return "the level " + all[0]
	}
	return "the levels " + english.And(all)
}

// patchStepText returns the sentence of the Report on the values that policies set today, and on who writes them: a patch or people.
func patchStepText(step *report.NextStep) string {
	const then = "then plan again: once policies are gone nothing sets it."
	switch step.ByHand {
	case 0:
		return "Write into the pod templates what policies set in pods today, " + then
	case step.Workloads:
		return "Write by hand what policies may set in pods today, where no patch can, " + then
	}
	return fmt.Sprintf("Write into the pod templates what policies set in pods today (into %d of them by hand), %s", step.ByHand, then)
}
