package cmd

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// rolloutPrinter prints the steps of a roll-out as they are taken, a line each, or as one JSON document at the end.
type rolloutPrinter struct {
	streams Streams
	json    bool
	records []stepReport
	// taken counts the steps, without the namespaces that were left alone.
	taken, refused int
	failed         error
}

// stepReport is a roll-out step with its outcome, as -o json writes it.
type stepReport struct {
	rollout.Step
	// Result is empty where the step was only printed; skipped says that the namespace gets no step at the stage.
	Result   string `json:"result,omitempty" values:"done refused altered undone not-reverted skipped"`
	Already  bool   `json:"already,omitempty"`
	Why      string `json:"why,omitempty"`
	Overrode string `json:"overrode,omitempty"`
	// Also is what the server's admission changed along with the step.
	Also   *rollout.AdmissionChanges `json:"also,omitempty"`
	DryRun bool                      `json:"dryRun,omitempty"`
}

// newRolloutPrinter returns a printer of roll-out steps, as lines or as JSON.
func newRolloutPrinter(streams Streams, asJSON bool) *rolloutPrinter {
	return &rolloutPrinter{streams: streams, json: asJSON, records: []stepReport{}}
}

// addOutcome prints the outcome of a roll-out step, and keeps it for JSON.
func (p *rolloutPrinter) addOutcome(o rollout.Outcome) {
	if o.Event == rollout.Refused || o.Event == rollout.Altered || o.Event == rollout.NotReverted {
		p.refused++
	}
	p.taken++
	p.records = append(p.records, stepReport{Step: o.Step, Result: string(o.Event), Already: o.AlreadyDone, Why: o.Reason, Overrode: o.OverriddenOwners, Also: o.AdmissionChanges, DryRun: o.DryRun})
	if !p.json && p.failed == nil {
		p.failed = report.Text(p.streams.Out, report.RolloutStepDocument(reportedStep(o)), report.Options{Width: p.streams.Width, Colour: p.streams.Colour})
	}
}

// reportedStep converts the outcome of a roll-out step to the form that package report draws.
func reportedStep(o rollout.Outcome) *report.RolloutStep {
	s := &report.RolloutStep{
		Outcome: string(o.Event), Already: o.AlreadyDone, DryRun: o.DryRun, Undo: o.IsRollback, Stage: string(o.Step.Stage), Wave: o.Step.Wave,
		Namespace: o.Step.Namespace, Why: o.Reason, Overrode: o.OverriddenOwners,
	}
	if o.Step.Create != nil {
		s.Object = o.Step.Create.String()
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

// flush prints the JSON document of the roll-out steps, also of a run that was stopped in the middle.
func (p *rolloutPrinter) flush() error {
	if p.json {
		p.failed = manifest.WriteJSON(p.streams.Out, p.records)
	}
	if p.failed != nil {
		return fmt.Errorf("writing the steps to standard output: %w", p.failed)
	}
	return nil
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

// addSkipped reports the namespaces that get no step at a roll-out stage, and why: on standard error, and in JSON as steps.
func (p *rolloutPrinter) addSkipped(left []rollout.Skipped) {
	for _, l := range left {
		p.records = append(p.records, stepReport{Step: rollout.Step{Stage: l.Stage, Namespace: l.Namespace}, Result: "skipped", Why: l.Reason})
		_, _ = fmt.Fprintf(p.streams.ErrOut, "left alone at %s: %s: %s\n", l.Stage, escape.Terminal(l.Namespace), escape.Terminal(l.Reason))
	}
}

// nothingDoneError is the error of a roll-out that had no step to take, with the first reasons.
func nothingDoneError(left []rollout.Skipped) error {
	return partialError{fmt.Errorf("nothing was done: what was asked for is left alone (%s)", rollout.SkippedReasons(left))}
}
