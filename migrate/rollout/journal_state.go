package rollout

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
			LastEvent: p.lastEvent, Reason: p.reason, Observed: p.observed, AdmissionChanges: p.admissionChanges,
			MayBeApplied: j.MayBeApplied(i), RollbackBegun: j.isRollbackBegun(i), NamespaceCancelled: cancelled[j.Steps[i].Namespace],
		}
	}
	return states
}
