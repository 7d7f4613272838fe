package rollout

import (
	"context"
	"fmt"
	"strings"
)

// stepAction is what one step does to a cluster. There is one type for each thing that a roll-out changes; a new one needs a
// field in Step, for the journal, and a case in newStepAction. The Runner decides which steps are taken or taken back, and
// enters what became of each in the journal.
type stepAction interface {
	// check returns an error if no Plan leads to such a step: a journal is a file, and anybody may have written it.
	check() error
	// apply makes the change if the cluster still is as the plan saw it, and enters Begun in the journal before it writes. It
	// tries again what another attempt may get past. It returns a *stepRefusal if this step must not be taken, and another
	// error if no further step can be.
	apply(ctx context.Context, out *Outcome) error
	// undo restores what the step found, and enters Undoing in the journal before it writes. It makes one attempt. It returns a
	// *stepRefusal if what is there now has to stay.
	undo(ctx context.Context, scope RollbackScope, out *Outcome) error
	// describe returns the change, or with undo the way back from it, for people.
	describe(undo bool) string
}

// newStepAction returns the action of a step, which is the one at an index of the journal. check and describe need no runner.
func newStepAction(r *Runner, index int, s *Step) stepAction {
	if s.Create != nil {
		return &bypassStep{r, index, s}
	}
	return &labelStep{r, index, s}
}

// String returns what a step does, without values: "enforce: label namespace shop".
func (s *Step) String() string {
	if s.Create != nil {
		return fmt.Sprintf("%s: create %s", s.Stage, s.Create)
	}
	return fmt.Sprintf("%s: label namespace %s", s.Stage, s.Namespace)
}

// Describe returns the change that a step makes, or with undo the way back from it: "shop: enforce=baseline (was restricted)".
func (s *Step) Describe(undo bool) string { return newStepAction(nil, 0, s).describe(undo) }

// String returns the change of a label as KEY=VALUE and, if there was one, the value before. A label that is absent has an
// empty value, as kubectl get -L shows it.
func (c *LabelChange) String() string {
	text := c.Key + "="
	if c.After != nil {
		text += *c.After
	}
	if c.Before != nil {
		text += " (was " + *c.Before + ")"
	}
	return text
}

// describe returns the namespace and its new labels, without their prefix.
func (a *labelStep) describe(undo bool) string {
	parts := make([]string, 0, len(a.step.Labels))
	for _, c := range a.step.Labels {
		shown := LabelChange{Key: strings.TrimPrefix(c.Key, podSecurityLabelPrefix), Before: c.Before, After: c.After}
		if undo {
			shown.Before, shown.After = c.After, c.RestoredValue()
		}
		parts = append(parts, shown.String())
	}
	return a.step.Namespace + ": " + strings.Join(parts, " ")
}

// describe returns which object is created, or with undo deleted.
func (a *bypassStep) describe(undo bool) string {
	if undo {
		return "delete " + a.step.Create.String()
	}
	return "create " + a.step.Create.String()
}
