package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Runner takes the steps of a journal on a cluster, or takes them back.
type Runner struct {
	Client dynamic.Interface
	// Journal is nil for a dry run.
	Journal *Journal
	// Steps are those of a dry run: the server checks each, and changes nothing.
	Steps []Step
	// Force takes over labels that another field manager owns.
	Force bool
	// Recheck plans a namespace as it is now, at the level and version that it is about to enforce. See NewRecheck.
	Recheck func(ctx context.Context, namespace string, enforce, version string) (*migrate.Namespace, error)
	// Exclude are namespaces that get no step this time.
	Exclude []string
	// KnownViolations are the workloads that did not meet the level when the plan was made (JournalHeader.KnownViolations).
	KnownViolations []string
	// InForceWait is how long a step waits for the API server to have a policy in force; 0 is two minutes.
	InForceWait time.Duration
	// OnBegin is called before a step is taken, or taken back; OnOutcome with what became of it.
	OnBegin   func(*Step)
	OnOutcome func(Outcome)
	// BeforeBatch is called before the steps of another batch than the last one, with the number of the new one; its error
	// stops the run. For a journal whose last batch is complete it is called before the first step.
	BeforeBatch func(ctx context.Context, batch int) error

	lock *rolloutLock
	// mutators is the answer of likelyMutators, once that was asked; nil before.
	mutators *namespaceMutators
	// stoppedNamespaces are the namespaces that get no further step, with what became of an earlier one; "" is for the
	// objects that the bypass shares, and for those of a set of policies.
	stoppedNamespaces map[string]Event
	// dryRunEnforced are the namespaces whose enforce label a dry run would have put on.
	dryRunEnforced map[string]bool
	// sleepFunc replaces the pause between attempts in tests.
	sleepFunc func(context.Context, time.Duration) error
}

// Outcome is what became of one step of a roll-out or a rollback.
type Outcome struct {
	Index int
	Step  Step
	Event Event
	// AlreadyDone is true if there was nothing left to change.
	AlreadyDone bool
	// Reason says why it was refused or not reverted; it is zero for no reason.
	Reason message.Message
	// OverriddenOwners says which field managers lost labels by force; it is zero for none.
	OverriddenOwners message.Message
	// AdmissionChanges is what the server's admission changed along with the step; nil for nothing.
	AdmissionChanges *AdmissionChanges
	// DryRun is true if only the server was asked.
	DryRun bool
	// IsRollback is true for a step that is taken back.
	IsRollback bool
	// written is what the API server made of an object of a set of policies.
	written json.RawMessage
}

// stepRefusal is the error for a roll-out step that must not be taken, or that the server does not take; other steps go
// on. The event is Refused, or Altered if something of it may be on the cluster all the same.
type stepRefusal struct {
	event  Event
	reason message.Message
}

// Error returns why the roll-out step is refused.
func (r *stepRefusal) Error() string { return r.reason.Text }

// newStepRefusal returns a *stepRefusal of a roll-out step that changed nothing.
func newStepRefusal(reason message.Message) error {
	return &stepRefusal{Refused, reason}
}

// Run takes every step of the roll-out that is left. It returns a *RolledBackError or a *LockedError if none may be
// taken, and the error that stopped it in the middle, after which the journal knows how to go on. That single steps
// were refused is no error: OnOutcome is called with the reason.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.Journal.CheckResumable(); err != nil {
		return err
	}
	steps := r.Steps
	if r.Journal != nil {
		steps = r.Journal.Steps
		var err error
		if r.lock, err = acquireLock(ctx, r.Client, r.Journal.ID); err != nil {
			return err
		}
	}
	r.stoppedNamespaces, r.dryRunEnforced = r.rolledBackNamespaces(), map[string]bool{}
	batch, first := r.lastBegunBatch()
	for _, i := range r.StepsToTake() {
		if r.BeforeBatch != nil && !first && steps[i].Batch != batch {
			if err := r.BeforeBatch(ctx, steps[i].Batch); err != nil {
				return r.releaseLockIfUnused(ctx, err)
			}
		}
		batch, first = steps[i].Batch, false
		if err := r.applyStep(ctx, i, &steps[i]); err != nil {
			return r.releaseLockIfUnused(ctx, err)
		}
	}
	return r.lock.release(ctx)
}

// StepsToTake returns the indices of the steps that Run takes, in their order: those that are left in the journal, or all of
// a dry run, without those of excluded namespaces.
func (r *Runner) StepsToTake() []int {
	steps := r.Steps
	if r.Journal != nil {
		steps = r.Journal.Steps
	}
	var out []int
	for i := range steps {
		isFinal := r.Journal != nil && r.Journal.isStepFinal(i)
		if !isFinal && (steps[i].Namespace == "" || !slices.Contains(r.Exclude, steps[i].Namespace)) {
			out = append(out, i)
		}
	}
	return out
}

// releaseLockIfUnused releases the roll-out's lock after an error if nothing was written: then there is nothing to go
// on with.
func (r *Runner) releaseLockIfUnused(ctx context.Context, err error) error {
	if r.Journal == nil || r.Journal.anyStepMayBeApplied() {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, r.lock.release(ctx))
}

// rolledBackNamespaces returns the namespaces of which a rollback has taken something back. A roll-out goes on without them.
func (r *Runner) rolledBackNamespaces() map[string]Event {
	out := map[string]Event{}
	if r.Journal == nil {
		return out
	}
	for ns := range r.Journal.cancelledNamespaces() {
		out[ns] = Undone
	}
	return out
}

// lastBegunBatch returns the batch of the last step that has an event in the journal; first is true if there is none.
func (r *Runner) lastBegunBatch() (batch int, first bool) {
	if r.Journal == nil {
		return 0, true
	}
	for i := len(r.Journal.Steps) - 1; i >= 0; i-- {
		if r.Journal.progress[i].lastEvent != "" {
			return r.Journal.Steps[i].Batch, false
		}
	}
	return 0, true
}

// applyStep takes one step of the roll-out on the cluster, and enters in the journal what became of it. It returns an
// error if no further step can be taken.
func (r *Runner) applyStep(ctx context.Context, i int, s *Step) error {
	out := Outcome{Index: i, Step: *s, Event: Done, DryRun: r.Journal == nil}
	r.begin(s)
	err := r.checkNotStopped(i, s)
	if err == nil {
		err = newStepAction(r, i, s).apply(ctx, &out)
	}
	var refused *stepRefusal
	switch {
	case errors.As(err, &refused):
		out.Event, out.Reason, out.AlreadyDone = refused.event, refused.reason, false
		if r.stoppedNamespaces[s.Namespace] == "" {
			r.stoppedNamespaces[s.Namespace] = Refused
		}
		if err := r.Journal.record(JournalEntry{Step: i, Event: refused.event, Message: refused.reason, AdmissionChanges: out.AdmissionChanges, Written: out.written}); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("%s: %w", s, err)
	default:
		if err := r.Journal.record(JournalEntry{Step: i, Event: Done, AdmissionChanges: out.AdmissionChanges, Written: out.written}); err != nil {
			return err
		}
		r.dryRunEnforced[s.Namespace] = out.DryRun && (r.dryRunEnforced[s.Namespace] || s.Stage == StageEnforce)
	}
	if r.OnOutcome != nil {
		r.OnOutcome(out)
	}
	return nil
}

// begin tells the caller of the roll-out that a step is about to be taken, or taken back.
func (r *Runner) begin(s *Step) {
	if r.OnBegin != nil {
		r.OnBegin(s)
	}
}

// begunBefore reports whether a step of the roll-out was begun before: an answer was lost, or a run cut off.
func (r *Runner) begunBefore(i int) bool { return r.Journal != nil && r.Journal.MayBeApplied(i) }

// checkNotStopped returns a *stepRefusal if an earlier step of the namespace was refused, or one of the objects that the
// bypass of all namespaces shares. A step that was begun before may be applied all the same.
func (r *Runner) checkNotStopped(i int, s *Step) error {
	event := Refused
	if r.begunBefore(i) {
		event = Altered
	}
	if was := r.stoppedNamespaces[s.Namespace]; was != "" && s.Namespace != "" {
		return &stepRefusal{event, message.New("rollout-namespace-stopped", "takenBack", was == Undone)}
	}
	if was := r.stoppedNamespaces[""]; was != "" && s.Stage == StagePolicies {
		return &stepRefusal{event, message.New("rollout-policies-stopped", "takenBack", was == Undone)}
	}
	if was := r.stoppedNamespaces[""]; was != "" && s.Stage == StageBypass {
		return &stepRefusal{event, message.New("rollout-bypass-stopped", "takenBack", was == Undone)}
	}
	return nil
}
