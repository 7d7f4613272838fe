package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// RollbackScope says which steps of a roll-out to take back. The zero value is all of them.
type RollbackScope struct {
	// Namespaces are given by name; none means all, as with Stages.
	Namespaces []string `json:"namespaces,omitempty"`
	Stages     []Stage  `json:"stages,omitempty"`
	// Recreated takes labels off namespaces, too, that were deleted since and made again with them.
	Recreated bool `json:"recreated,omitempty"`
	// Failure is what was not ok, if the roll-out itself goes back.
	Failure string `json:"-"`
}

// isWholeRollout reports whether all of the roll-out is taken back.
func (u RollbackScope) isWholeRollout() bool { return len(u.Namespaces) == 0 && len(u.Stages) == 0 }

// includes reports whether the rollback takes a step back.
func (u RollbackScope) includes(s *Step) bool {
	return (len(u.Namespaces) == 0 || slices.Contains(u.Namespaces, s.Namespace)) &&
		(len(u.Stages) == 0 || slices.Contains(u.Stages, s.Stage))
}

// Steps returns the steps of a journal that would be taken back, last first, as indices into its Steps.
func (u RollbackScope) Steps(j *Journal) []int {
	var out []int
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if j.MayBeApplied(i) && u.includes(&j.Steps[i]) {
			out = append(out, i)
		}
	}
	return out
}

// Rollback takes back the steps of the journal that the scope includes, last first: it restores every label as it was, or its
// absence, with its owners, and deletes every object that the roll-out created. What others have changed since stays, with a
// reason for OnOutcome. It returns a *LockedError if another roll-out is under way, and the error that stopped it in the
// middle; then it can be called again.
func (r *Runner) Rollback(ctx context.Context, u RollbackScope) error {
	note := JournalEntry{Step: noStep, Event: RollbackBegun, Reason: u.Failure, Scope: &u}
	if u.Failure != "" { // whatever becomes of the rollback, the roll-out cannot be continued
		if err := r.Journal.record(note); err != nil {
			return err
		}
	}
	var err error
	if r.lock, err = acquireLock(ctx, r.Client, r.Journal.ID); err != nil {
		return err
	}
	if u.Failure == "" {
		if err := r.Journal.record(note); err != nil {
			return err
		}
	}
	for _, i := range u.Steps(r.Journal) {
		if err := r.undoStep(ctx, i, &r.Journal.Steps[i], u); err != nil {
			return fmt.Errorf("taking back %s: %w", &r.Journal.Steps[i], err)
		}
	}
	if r.Journal.isPartlyApplied() {
		return nil // the lock stays with it
	}
	return r.lock.release(ctx)
}

// undoStep takes one step of the roll-out back in the cluster, and enters in the journal what became of it.
func (r *Runner) undoStep(ctx context.Context, i int, s *Step, u RollbackScope) error {
	out := Outcome{Index: i, Step: *s, Event: Undone, IsRollback: true}
	r.begin(s)
	err := r.retryWrite(ctx, func() error { return newStepAction(r, i, s).undo(ctx, u, &out) })
	var refused *stepRefusal
	switch {
	case errors.As(err, &refused):
		out.Event, out.Reason = NotReverted, refused.reason
		err = r.Journal.record(JournalEntry{Step: i, Event: NotReverted, Message: refused.reason})
	case err == nil:
		err = r.Journal.record(JournalEntry{Step: i, Event: Undone})
	}
	if err != nil {
		return err
	}
	if r.OnOutcome != nil {
		r.OnOutcome(out)
	}
	return nil
}
