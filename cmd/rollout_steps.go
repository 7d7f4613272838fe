package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// rolloutPrinter tells the steps of a roll-out as they are taken, a line each, or as one JSON document at the end.
type rolloutPrinter struct {
	streams Streams
	json    bool
	records []stepReport
	// taken counts those told of steps, and not of namespaces that were left alone.
	taken, refused int
	failed         error
}

// stepReport is a step with what became of it.
type stepReport struct {
	rollout.Step
	// Result is done, refused, altered, undone, kept, or empty where it was only printed; left says that the namespace gets
	// no step at the stage.
	Result   string `json:"result,omitempty"`
	Already  bool   `json:"already,omitempty"`
	Why      string `json:"why,omitempty"`
	Overrode string `json:"overrode,omitempty"`
	// Also is what the server's admission changed along with the step.
	Also   *rollout.AdmissionChanges `json:"also,omitempty"`
	DryRun bool                      `json:"dryRun,omitempty"`
}

func newRolloutPrinter(streams Streams, asJSON bool) *rolloutPrinter {
	return &rolloutPrinter{streams: streams, json: asJSON, records: []stepReport{}}
}

func (p *rolloutPrinter) addOutcome(o rollout.Outcome) {
	if o.Event == rollout.Refused || o.Event == rollout.Altered || o.Event == rollout.NotReverted {
		p.refused++
	}
	p.taken++
	p.records = append(p.records, stepReport{Step: o.Step, Result: string(o.Event), Already: o.AlreadyDone, Why: o.Reason, Overrode: o.OverriddenOwners, Also: o.AdmissionChanges, DryRun: o.DryRun})
	if !p.json && p.failed == nil {
		_, p.failed = fmt.Fprintln(p.streams.Out, escape.Terminal(stepText(o)))
	}
}

// stepText is one step in words.
func stepText(o rollout.Outcome) string {
	text := fmt.Sprintf("%-8s", stepResult(o)) + " " + fmt.Sprintf("%-8s", o.Step.Stage) + " "
	if o.Step.Wave != "" {
		text += "wave " + o.Step.Wave + ": "
	}
	text += stepChangeText(&o.Step, o.IsRollback)
	if o.Reason != "" {
		text += ": " + o.Reason
	}
	if o.OverriddenOwners != "" && o.Event == rollout.Done {
		text += "; overrode: " + o.OverriddenOwners
	}
	return text + admissionChangesText(&o)
}

// admissionChangesText is what admission changed along with a step, in words.
func admissionChangesText(o *rollout.Outcome) string {
	if o.AdmissionChanges == nil {
		return ""
	}
	text := ""
	if labels := o.AdmissionChanges.OtherLabels(&o.Step); len(labels) > 0 {
		words := make([]string, 0, len(labels))
		for _, c := range labels {
			words = append(words, labelChangeText(c.Key, c.Before, c.After))
		}
		text += "; the server's admission also changed labels: " + strings.Join(words, " ")
	}
	if len(o.AdmissionChanges.Fields) > 0 {
		text += "; the server's admission also changed, and rollback leaves: " + strings.Join(o.AdmissionChanges.Fields, ", ")
	}
	return text
}

func stepResult(o rollout.Outcome) string {
	switch {
	case o.Event == "":
		return "would"
	case o.Event == rollout.Done && o.AlreadyDone:
		return "already"
	case o.Event == rollout.Done && o.DryRun:
		return "would"
	}
	return string(o.Event)
}

// stepChangeText is the change itself: "shop: enforce=baseline (absent until now)".
func stepChangeText(s *rollout.Step, undo bool) string {
	switch {
	case s.Create != nil && undo:
		return "delete " + s.Create.String()
	case s.Create != nil:
		return "create " + s.Create.String()
	}
	parts := make([]string, 0, len(s.Labels))
	for _, c := range s.Labels {
		_, short, _ := strings.Cut(c.Key, "/")
		from, to := c.Before, c.After
		if undo {
			from, to = to, c.RestoredValue()
		}
		parts = append(parts, labelChangeText(short, from, to))
	}
	return s.Namespace + ": " + strings.Join(parts, " ")
}

func labelChangeText(key string, from, to *string) string {
	text := key + "=" + labelValueText(to)
	if from != nil {
		text += " (was " + labelValueText(from) + ")"
	}
	return text
}

// labelValueText of a label; one that is not there looks like an empty one, as kubectl get -L shows it.
func labelValueText(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// flush writes what is left to write, also of a run that was stopped in the middle.
func (p *rolloutPrinter) flush() error {
	if p.json {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if p.failed = e.Encode(p.records); p.failed == nil {
			_, p.failed = p.streams.Out.Write(escape.JSON(b.Bytes()))
		}
	}
	if p.failed != nil {
		return fmt.Errorf("writing the steps to standard output: %w", p.failed)
	}
	return nil
}

// end flushes. Steps that were refused fail the run, after everything else was done.
func (p *rolloutPrinter) end() error {
	if err := p.flush(); err != nil {
		return err
	}
	switch {
	case p.refused > 0:
		return fmt.Errorf("%d of %d %s %s refused: the reasons are told with them", p.refused, p.taken, plural(p.taken, "step", "steps"), plural(p.refused, "was", "were"))
	case p.taken == 0:
		_, _ = fmt.Fprintln(p.streams.ErrOut, "There is nothing to do.")
	}
	return nil
}

// addSkipped tells the namespaces that get nothing at a stage, and why: on standard error, and in JSON as steps.
func (p *rolloutPrinter) addSkipped(left []rollout.Skipped) {
	for _, l := range left {
		p.records = append(p.records, stepReport{Step: rollout.Step{Stage: l.Stage, Namespace: l.Namespace}, Result: "left", Why: l.Reason})
		_, _ = fmt.Fprintf(p.streams.ErrOut, "left alone at %s: %s: %s\n", l.Stage, escape.Terminal(l.Namespace), escape.Terminal(l.Reason))
	}
}

// warnUnrestorableLabels warns of labels that no rollback can put back as they were.
func warnUnrestorableLabels(w io.Writer, steps []rollout.Step) {
	for i := range steps {
		for _, c := range steps[i].UnrestorableLabels() {
			_, _ = fmt.Fprintf(w, "warning: %s: %s=%s is invalid: no server takes such a value any more, and a rollback puts %s in its place, which the server takes it for\n",
				escape.Terminal(steps[i].Namespace), c.Key, escape.Terminal(*c.Before), *c.RestoredValue())
		}
	}
}

// nothingDoneError is the error of a run that was asked for something and had no step to take. It has the first reasons.
func nothingDoneError(left []rollout.Skipped) error {
	const most = 3
	var reasons []string
	for _, l := range left {
		if reason := l.Namespace + ": " + l.Reason; !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return partialError{fmt.Errorf("nothing was done: what was asked for is left alone (%s)", strings.Join(reasons[:min(len(reasons), most)], "; ")+andMore(len(reasons)-most))}
}

// countSteps counts steps for a question.
func countSteps(steps []rollout.Step) string {
	namespaces := map[string]bool{}
	for i := range steps {
		if steps[i].Namespace != "" {
			namespaces[steps[i].Namespace] = true
		}
	}
	return fmt.Sprintf("%d %s in %d %s", len(steps), plural(len(steps), "step", "steps"), len(namespaces), plural(len(namespaces), "namespace", "namespaces"))
}
