package rollout

import "errors"

// ErrGuardDropped is returned where a guard that a roll-out was begun with would be taken away from it.
var ErrGuardDropped = errors.New("a roll-out keeps the guards that it was begun with")

// GivenGuards says which of the Guards were given on the command line when a roll-out is continued.
type GivenGuards struct{ Verify, VerifyWait, RollbackOnFailure, AllowPartial bool }

// Resumed returns the guards under which a roll-out that was begun with g is continued. What is asked for adds to them, and
// replaces the time to wait and whether partial reading is allowed if those were given. It returns ErrGuardDropped if the
// verification, or the rollback after a failure, was given as off.
func (g Guards) Resumed(asked Guards, given GivenGuards) (Guards, error) {
	if given.Verify && !asked.Verify && g.Verify || given.RollbackOnFailure && !asked.RollbackOnFailure && g.RollbackOnFailure {
		return Guards{}, ErrGuardDropped
	}
	asked.Verify, asked.RollbackOnFailure = asked.Verify || g.Verify, asked.RollbackOnFailure || g.RollbackOnFailure
	if !given.VerifyWait {
		asked.VerifyWait = g.VerifyWait
	}
	if !given.AllowPartial {
		asked.AllowPartial = g.AllowPartial
	}
	return asked, nil
}
