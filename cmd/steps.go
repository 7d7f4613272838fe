package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// stepPrinter tells the steps of a roll-out as they are taken, a line each, or as one JSON document at the end.
type stepPrinter struct {
	streams Streams
	json    bool
	told    []toldStep
	refused int
	failed  error
}

// toldStep is a step with what became of it.
type toldStep struct {
	rollout.Step
	// Result is done, refused, altered, undone, kept, or empty where it was only printed.
	Result   string `json:"result,omitempty"`
	Already  bool   `json:"already,omitempty"`
	Why      string `json:"why,omitempty"`
	Overrode string `json:"overrode,omitempty"`
	DryRun   bool   `json:"dryRun,omitempty"`
}

func newStepPrinter(streams Streams, asJSON bool) *stepPrinter {
	return &stepPrinter{streams: streams, json: asJSON, told: []toldStep{}}
}

func (p *stepPrinter) tell(o rollout.Outcome) {
	if o.Event == rollout.Refused || o.Event == rollout.Altered || o.Event == rollout.Kept {
		p.refused++
	}
	p.told = append(p.told, toldStep{Step: o.Step, Result: string(o.Event), Already: o.Already, Why: o.Why, Overrode: o.Overrode, DryRun: o.DryRun})
	if !p.json && p.failed == nil {
		_, p.failed = fmt.Fprintln(p.streams.Out, escape.Terminal(line(o)))
	}
}

// line is one step in words.
func line(o rollout.Outcome) string {
	text := fmt.Sprintf("%-8s", result(o)) + " " + fmt.Sprintf("%-8s", o.Step.Stage) + " "
	if o.Step.Wave != "" {
		text += "wave " + o.Step.Wave + ": "
	}
	text += what(&o.Step, o.Undo)
	if o.Why != "" {
		text += ": " + o.Why
	}
	if o.Overrode != "" && o.Event == rollout.Done {
		text += "; overrode: " + o.Overrode
	}
	return text
}

func result(o rollout.Outcome) string {
	switch {
	case o.Event == "":
		return "would"
	case o.Event == rollout.Done && o.Already:
		return "already"
	case o.Event == rollout.Done && o.DryRun:
		return "would"
	}
	return string(o.Event)
}

// what is the change itself: "shop: enforce=baseline (absent until now)".
func what(s *rollout.Step, undo bool) string {
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
			from, to = to, from
		}
		text := short + "=" + value(to)
		if from != nil {
			text += " (was " + value(from) + ")"
		}
		parts = append(parts, text)
	}
	return s.Namespace + ": " + strings.Join(parts, " ")
}

// value of a label; one that is not there looks like an empty one, as kubectl get -L shows it.
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// flush writes what is left to write, also of a run that was stopped in the middle.
func (p *stepPrinter) flush() error {
	if p.json {
		e := json.NewEncoder(p.streams.Out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		p.failed = e.Encode(p.told)
	}
	if p.failed != nil {
		return fmt.Errorf("writing the steps to standard output: %w", p.failed)
	}
	return nil
}

// end flushes. Steps that were refused fail the run, after everything else was done.
func (p *stepPrinter) end() error {
	if err := p.flush(); err != nil {
		return err
	}
	switch {
	case p.refused > 0:
		return fmt.Errorf("%d of %d %s %s refused: the reasons are told with them", p.refused, len(p.told), plural(len(p.told), "step", "steps"), plural(p.refused, "was", "were"))
	case len(p.told) == 0:
		_, _ = fmt.Fprintln(p.streams.ErrOut, "There is nothing to do.")
	}
	return nil
}

// tellLeft tells the namespaces that get nothing, by the reason.
func tellLeft(w io.Writer, left []rollout.Left) {
	for _, l := range left {
		_, _ = fmt.Fprintf(w, "left alone at %s: %s: %s\n", l.Stage, escape.Terminal(l.Namespace), escape.Terminal(l.Why))
	}
}

// describe counts steps for a question.
func describe(steps []rollout.Step) string {
	namespaces := map[string]bool{}
	for i := range steps {
		if steps[i].Namespace != "" {
			namespaces[steps[i].Namespace] = true
		}
	}
	return fmt.Sprintf("%d %s in %d %s", len(steps), plural(len(steps), "step", "steps"), len(namespaces), plural(len(namespaces), "namespace", "namespaces"))
}
