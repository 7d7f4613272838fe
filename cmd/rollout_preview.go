package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// mostPreviewed is how many steps of a roll-out are shown on a terminal before somebody is asked; --dry-run shows all.
const mostPreviewed = 40

// plannedOutcomes returns the steps of a roll-out with these indices as outcomes of a dry run, to be printed.
func plannedOutcomes(steps []rollout.Step, indices []int, isRollback bool) []rollout.Outcome {
	out := make([]rollout.Outcome, len(indices))
	for k, i := range indices {
		out[k] = rollout.Outcome{Index: i, Step: steps[i], DryRun: true, IsRollback: isRollback}
	}
	return out
}

// addPlanned prints the steps of a roll-out that would be taken, or taken back, as the result of the command: all in one
// table, or as JSON at the end.
func (p *rolloutPrinter) addPlanned(planned []rollout.Outcome) {
	for _, o := range planned {
		p.keep(o)
	}
	p.planned = p.reportedSteps(planned)
	if !slices.ContainsFunc(p.outputs, isLiveTable) || p.failed != nil || len(planned) == 0 {
		return
	}
	opts := report.Options{Width: p.streams.Width, Colour: p.streams.Colour()}
	p.failed = report.Text(p.streams.Out, report.RolloutPreviewDocument(p.planned, 0, opts), opts)
}

// tellPlanned says on standard error what is about to be done, on the cluster of a context: step by step if somebody is
// asked about it, else only how much.
func (p *rolloutPrinter) tellPlanned(planned []rollout.Outcome, isAsked bool, contextName string) {
	steps, opts, most := p.reportedSteps(planned), report.Options{Width: p.streams.ProgressWidth, Colour: p.streams.Colour() && p.streams.ProgressWidth > 0}, mostPreviewed
	if !isAsked {
		p.tell(report.RolloutSummary(steps) + ", on the cluster of context " + contextName + ".")
		return
	}
	if opts.Width == 0 {
		most = 0
	}
	_, _ = fmt.Fprintln(p.streams.ErrOut)
	_ = report.Text(p.streams.ErrOut, report.RolloutPreviewDocument(steps, most, opts), opts)
}

// reportedSteps converts the outcomes of roll-out steps to the form that package report draws.
func (p *rolloutPrinter) reportedSteps(outcomes []rollout.Outcome) []report.RolloutStep {
	out := make([]report.RolloutStep, len(outcomes))
	for i, o := range outcomes {
		out[i] = p.reportedStep(o)
	}
	return out
}

// stepsAndNamespaces returns the counts for a question about steps of a roll-out: "2 steps in 1 namespace".
func stepsAndNamespaces(planned []rollout.Outcome) string {
	steps := make([]rollout.Step, len(planned))
	for i := range planned {
		steps[i] = planned[i].Step
	}
	if len(rollout.StepNamespaces(steps)) == 0 && slices.ContainsFunc(steps, func(s rollout.Step) bool { return s.Policy != nil }) {
		return english.Count(len(steps), "step", "steps")
	}
	return english.Count(len(steps), "step", "steps") + " in " + english.Count(len(rollout.StepNamespaces(steps)), "namespace", "namespaces")
}

// batchSummary returns, for a question about the next batch of a roll-out, its number and what is in it: "batch 2 of 3
// (enforce: 2 steps)".
func batchSummary(steps []rollout.Step, batch int) string {
	last, n, stage := 0, 0, rollout.Stage("")
	for i := range steps {
		last = max(last, steps[i].Batch)
		if steps[i].Batch == batch {
			n, stage = n+1, steps[i].Stage
		}
	}
	return fmt.Sprintf("batch %d of %d (%s: %s)", batch+1, last+1, stage, english.Count(n, "step", "steps"))
}

// tellTotals says on standard error how many of the roll-out steps were taken, and what became of the others; nothing if
// none was tried.
func (p *rolloutPrinter) tellTotals() {
	if p.number == 0 {
		return
	}
	done, text := p.byEvent[rollout.Done], "Done: %d of %s"
	if n := p.byEvent[rollout.Undone] + p.byEvent[rollout.NotReverted]; n > 0 {
		done, text = p.byEvent[rollout.Undone], "Taken back: %d of %s"
	} else if p.dryRun {
		text = "Nothing was changed; the server would take %d of %s"
	}
	text = fmt.Sprintf(text, done, english.Count(p.total, "step", "steps"))
	var rest []string
	for _, r := range []struct {
		n    int
		what string
	}{
		{p.already, "of them as asked for already"},
		{p.byEvent[rollout.Refused], "refused"},
		{p.byEvent[rollout.Altered], "altered by the server"},
		{p.byEvent[rollout.NotReverted], "not reverted"},
	} {
		if r.n > 0 {
			rest = append(rest, fmt.Sprintf("%d %s", r.n, r.what))
		}
	}
	if len(rest) > 0 {
		text += " (" + strings.Join(rest, ", ") + ")"
	}
	p.tell(text + ".")
}

// tellCommands writes command lines about a roll-out to standard error, whole, each behind what it is for.
func (p *rolloutPrinter) tellCommands(commands [][2]string) {
	for _, c := range commands {
		_, _ = fmt.Fprintf(p.streams.ErrOut, "  %s: %s\n", c[0], c[1])
	}
}
