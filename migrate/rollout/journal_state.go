package rollout

import (
	"encoding/json"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// FailingController is, in the journal of a roll-out, a controller that lacked pods before its first step, since Pod
// Security or a policy refuses them or for another reason. Checks afterwards have the same form.
type FailingController struct {
	Namespace string `json:"namespace"`
	// Kind and Name are those of the Deployment or CronJob, if a ReplicaSet or Job of it lacks pods.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Message is what the server said, or how many pods there are.
	Message string `json:"message"`
}

// StepState is what the journal of a roll-out says of one step.
type StepState struct {
	// LastEvent is "" if nothing was done. Reason is what the journal gives with it.
	LastEvent Event
	Reason    string
	// Observed is how the step found the object that it changes; nil if the step was never begun.
	Observed *ObservedState
	// AdmissionChanges is what the server's admission changed along with the step.
	AdmissionChanges AdmissionChanges
	// Written is what the API server made of the object of a set of policies; nil if that is not known.
	Written json.RawMessage
	// MayBeApplied is true if the step may have changed the cluster and was not taken back.
	MayBeApplied bool
	// RollbackBegun is true if a rollback of the step was begun, to whatever end that came.
	RollbackBegun bool
	// NamespaceCancelled is true if the namespace of the step gets no further step, since all of the roll-out, or something of
	// the namespace, was taken back.
	NamespaceCancelled bool
}

// StepStates returns what the journal says of each of its Steps, in their order.
func (j *Journal) StepStates() []StepState {
	states, cancelled := make([]StepState, len(j.Steps)), j.cancelledNamespaces()
	for i := range j.Steps {
		p := &j.progress[i]
		states[i] = StepState{
			LastEvent: p.lastEvent, Reason: p.reason, Observed: p.observed, Written: p.written, AdmissionChanges: p.admissionChanges,
			MayBeApplied: j.MayBeApplied(i), RollbackBegun: j.isRollbackBegun(i), NamespaceCancelled: cancelled[j.Steps[i].Namespace],
		}
	}
	return states
}

// LastEvent returns the last event of a step in the journal and the reason that came with it. The event is "" if
// nothing was done.
func (j *Journal) LastEvent(step int) (Event, string) {
	return j.progress[step].lastEvent, j.progress[step].reason
}

// MayBeApplied reports whether a step of the journal may have changed the cluster and was not taken back.
func (j *Journal) MayBeApplied(step int) bool {
	switch s := &j.progress[step]; s.lastEvent {
	case Begun, Done, Altered, Undoing, NotReverted:
		return s.observed != nil
	default: // refused by the server, though it was begun
		return false
	}
}

// anyStepMayBeApplied reports whether the journal has a step that a rollback could take back.
func (j *Journal) anyStepMayBeApplied() bool {
	return slices.ContainsFunc(j.stepIndices(), j.MayBeApplied)
}

// isRollbackBegun reports whether the journal has the beginning of a rollback of a step, however that ended.
func (j *Journal) isRollbackBegun(step int) bool {
	switch s := &j.progress[step]; s.lastEvent {
	case Undoing, Undone, NotReverted:
		return true
	default:
		return s.rollbackBegun
	}
}

// cancelledNamespaces returns the namespaces of the journal that get no further step, since all of the roll-out, or
// something of them, was taken back.
func (j *Journal) cancelledNamespaces() map[string]bool {
	out := map[string]bool{}
	for i := range j.Steps {
		if j.rolledBack != nil || j.isRollbackBegun(i) {
			out[j.Steps[i].Namespace] = true
		}
	}
	return out
}

// isStepFinal reports whether a step of the journal is not taken again: it was taken, or taken back. A step that was
// refused is tried again, since the reason may be gone.
func (j *Journal) isStepFinal(step int) bool {
	switch j.progress[step].lastEvent {
	case Done, Undoing, Undone, NotReverted:
		return true
	default:
		return false
	}
}

// SkippedByExclude returns the namespaces that are excluded now and have steps still to take, with those stages.
func (j *Journal) SkippedByExclude(namespaces []string) []Skipped {
	var out []Skipped
	for i := range j.Steps {
		if s := &j.Steps[i]; slices.Contains(namespaces, s.Namespace) && !j.isStepFinal(i) {
			out = append(out, Skipped{Namespace: s.Namespace, Stage: s.Stage, Reason: message.New("rollout-skips-excluded")})
		}
	}
	return out
}

// isPartlyApplied reports whether some steps of the journal are applied and others still to be taken. A step that a
// rollback did not revert counts as neither.
func (j *Journal) isPartlyApplied() bool {
	return !j.Finished() && slices.ContainsFunc(j.stepIndices(), func(i int) bool { return j.MayBeApplied(i) && j.progress[i].lastEvent != NotReverted })
}

// stepIndices returns the indices of all steps of the journal.
func (j *Journal) stepIndices() []int {
	out := make([]int, len(j.progress))
	for i := range out {
		out[i] = i
	}
	return out
}

// Finished reports whether each step of the journal was tried: none is left to take, and none was cut off.
func (j *Journal) Finished() bool {
	for i := range j.progress {
		if last := j.progress[i].lastEvent; last == "" || last == Begun {
			return false
		}
	}
	return true
}
