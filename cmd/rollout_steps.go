package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// rolloutPrinter prints the steps of a roll-out as they are taken, a line each, or at the end in another format. While a
// step takes long it is shown on the terminal.
type rolloutPrinter struct {
	streams Streams
	outputs []outputTarget[*stepsReport]
	records []stepReport
	// planned are the steps of a dry run, and lines what was printed of each step that was tried, or would have been.
	planned []report.RolloutStep
	lines   []*report.RolloutStep
	// total is how many steps are taken, as far as is known before; number is the place of the last one among them.
	number, total int
	// taken counts the steps, without the namespaces that were left alone, and byEvent those of them that were tried.
	taken, refused, already int
	byEvent                 map[rollout.Event]int
	// dryRun is true if only the server was asked.
	dryRun bool
	// existed are the steps, by their index, whose object was there before the roll-out.
	existed map[int]bool
	// endProgress takes the step that is being taken off the terminal; nil for none.
	endProgress func()
	failed      error
}

// stepReport is a roll-out step with its outcome, as -o json writes it.
type stepReport struct {
	rollout.Step
	// Result is empty where the step was only printed; skipped says that the namespace gets no step at the stage.
	Result  string `json:"result,omitempty" values:"done refused altered undone not-reverted skipped"`
	Already bool   `json:"already,omitempty"`
	// Why it was refused, altered, not reverted or skipped, and Overrode which field managers lost labels by force.
	Why      message.Message `json:"why,omitzero"`
	Overrode message.Message `json:"overrode,omitzero"`
	// Also is what the server's admission changed along with the step.
	Also   *rollout.AdmissionChanges `json:"also,omitempty"`
	DryRun bool                      `json:"dryRun,omitempty"`
}

// newRolloutPrinter returns a printer of roll-out steps in the formats of the flag -o.
func newRolloutPrinter(streams Streams, outputs []outputTarget[*stepsReport]) *rolloutPrinter {
	return &rolloutPrinter{streams: streams, outputs: outputs, records: []stepReport{}, byEvent: map[rollout.Event]int{}, existed: map[int]bool{}}
}

// begin notes how many roll-out steps are taken from here, or taken back.
func (p *rolloutPrinter) begin(total int) { p.number, p.total = 0, total }

// beginRollback notes which steps of a roll-out's journal are taken back from here, and returns their indices.
func (p *rolloutPrinter) beginRollback(j *rollout.Journal, scope rollout.RollbackScope) []int {
	steps := scope.Steps(j)
	p.begin(len(steps))
	p.byEvent, p.already = map[rollout.Event]int{}, 0
	for i, state := range j.StepStates() {
		p.existed[i] = state.Observed != nil && state.Observed.Exists
	}
	return steps
}

// beginStep shows a roll-out step on the terminal if it takes longer than a second.
func (p *rolloutPrinter) beginStep(s *rollout.Step) {
	p.endProgress = p.streams.showLate(fmt.Sprintf("step %d of %d: %s", p.number+1, p.total, s))
}

// showLate shows a text about a roll-out on the terminal, unless end is called within a second; end takes it away.
func (s Streams) showLate(text string) (end func()) {
	return s.startProgress(text).close
}

// endStep takes the roll-out step that is shown off the terminal.
func (p *rolloutPrinter) endStep() {
	if p.endProgress != nil {
		p.endProgress()
		p.endProgress = nil
	}
}

// addOutcome prints the outcome of a roll-out step, and keeps it for JSON.
func (p *rolloutPrinter) addOutcome(o rollout.Outcome) {
	p.endStep()
	if o.Event == rollout.Refused || o.Event == rollout.Altered || o.Event == rollout.NotReverted {
		p.refused++
	}
	p.number++
	p.byEvent[o.Event]++
	p.dryRun = o.DryRun
	if o.AlreadyDone {
		p.already++
	}
	p.keep(o)
	s := p.reportedStep(o)
	s.Number, s.Total = p.number, p.total
	p.lines = append(p.lines, &s)
	if !slices.ContainsFunc(p.outputs, isLiveTable) || p.failed != nil {
		return
	}
	opts := report.Options{Width: p.streams.Width, Colour: p.streams.Colour()}
	p.failed = report.Text(p.streams.Out, report.RolloutStepDocument(&s, opts), opts)
}

// keep counts a roll-out step, and keeps it for JSON.
func (p *rolloutPrinter) keep(o rollout.Outcome) {
	p.taken++
	p.records = append(p.records, stepReport{Step: withoutManifest(o.Step), Result: string(o.Event), Already: o.AlreadyDone, Why: o.Reason, Overrode: o.OverriddenOwners, Also: o.AdmissionChanges, DryRun: o.DryRun})
}

// reportedStep converts the outcome of a roll-out step to the form that package report draws.
func (p *rolloutPrinter) reportedStep(o rollout.Outcome) report.RolloutStep {
	s := report.RolloutStep{
		Outcome: string(o.Event), Already: o.AlreadyDone, DryRun: o.DryRun, Undo: o.IsRollback, Existed: p.existed[o.Index],
		Stage: string(o.Step.Stage), Wave: o.Step.Wave, Batch: o.Step.Batch, Namespace: o.Step.Namespace, Why: o.Reason.Text, Overrode: o.OverriddenOwners.Text,
	}
	if o.Step.Create != nil {
		s.Object = o.Step.Create.String()
	}
	if p := o.Step.Policy; p != nil {
		s.Policy, s.Denies = p.String(), p.Action == rollout.DenyPolicy
	}
	for _, c := range o.Step.Labels {
		_, short, _ := strings.Cut(c.Key, "/")
		change := report.LabelChange{Key: short, Before: c.Before, After: c.After}
		if o.IsRollback {
			change.Before, change.After = c.After, c.RestoredValue()
		}
		s.Labels = append(s.Labels, change)
	}
	if o.AdmissionChanges != nil {
		for _, c := range o.AdmissionChanges.OtherLabels(&o.Step) {
			s.AdmissionLabels = append(s.AdmissionLabels, report.LabelChange{Key: c.Key, Before: c.Before, After: c.After})
		}
		s.AdmissionFields = o.AdmissionChanges.Fields
	}
	return s
}

// flush writes the roll-out steps in the formats that have them all at once, also of a run that was stopped in the middle.
func (p *rolloutPrinter) flush() error {
	if p.failed == nil {
		return writeOutputs(p.streams, slices.DeleteFunc(slices.Clone(p.outputs), isLiveTable), &stepsReport{APIVersion: migrate.APIVersion, Kind: "RolloutSteps", Steps: p.records, planned: p.planned, lines: p.lines}, false)
	}
	return fmt.Errorf("writing the steps to standard output: %w", p.failed)
}

// end prints the remaining output of the command rollout, and returns an error if steps were refused.
func (p *rolloutPrinter) end() error {
	if err := p.flush(); err != nil {
		return err
	}
	switch {
	case p.refused > 0:
		return fmt.Errorf("%d of %d %s %s refused: the reasons are beside them", p.refused, p.taken, english.Plural(p.taken, "step", "steps"), english.Plural(p.refused, "was", "were"))
	case p.taken == 0:
		_, _ = fmt.Fprintln(p.streams.ErrOut, "There is nothing to do.")
	}
	return nil
}

// skippedResult is the result of a namespace that gets no step at a roll-out stage.
const skippedResult = "skipped"

// addSkipped reports the namespaces that get no step at a roll-out stage, and why: on standard error, and in JSON as steps.
func (p *rolloutPrinter) addSkipped(left []rollout.Skipped) {
	stages := map[string][]string{} // of one namespace, for one reason
	var texts []string
	for _, l := range left {
		p.records = append(p.records, stepReport{Step: rollout.Step{Stage: l.Stage, Namespace: l.Namespace}, Result: skippedResult, Why: l.Reason})
		text := l.Namespace + ": " + l.Reason.Text
		if stages[text] == nil {
			texts = append(texts, text)
		}
		if stage := string(l.Stage); !slices.Contains(stages[text], stage) {
			stages[text] = append(stages[text], stage)
		}
	}
	for _, text := range texts {
		p.tell("left alone at " + strings.Join(stages[text], ", ") + ": " + text)
	}
}

// tell writes a line about a roll-out to standard error, folded on a terminal.
func (p *rolloutPrinter) tell(text string) {
	opts := report.Options{Width: p.streams.ProgressWidth}
	_ = report.Text(p.streams.ErrOut, &report.Document{OneLine: opts.Width == 0, Blocks: []report.Block{report.Paragraph{text}}}, opts)
}

// nothingDoneError is the error of a roll-out that had no step to take, with the first reasons.
func nothingDoneError(left []rollout.Skipped) error {
	return partialError{fmt.Errorf("nothing was done: what was asked for is left alone (%s)", rollout.SkippedReasons(left))}
}
