package rollout

import "context"

// stepAction is what one step of a roll-out does to a cluster. There is one type for each thing that a roll-out
// changes; a new one needs a field in Step, for the journal, and a case in newStepAction. The Runner decides which
// steps are taken or taken back, and enters what became of each in the journal.
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
	// describe names the change, without values: "label namespace shop".
	describe() string
}

// newStepAction returns the action of a roll-out step, which is the one at an index of the journal. check and describe
// need no runner.
func newStepAction(r *Runner, index int, s *Step) stepAction {
	switch {
	case s.Create != nil:
		return &bypassStep{r, index, s}
	case s.Policy != nil:
		return &policyStep{r, index, s}
	}
	return &labelStep{r, index, s}
}

// String returns the stage and the change of a roll-out step: "enforce: label namespace shop".
func (s *Step) String() string { return string(s.Stage) + ": " + newStepAction(nil, 0, s).describe() }
