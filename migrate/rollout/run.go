package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate"
)

// Runner takes the steps of a journal, or takes them back.
type Runner struct {
	Client dynamic.Interface
	// Journal is nil for a dry run.
	Journal *Journal
	// Steps of a dry run: what the server would say to each is asked, and nothing is changed.
	Steps []Step
	// Force takes over labels that another field manager owns; whom it overrode is told.
	Force bool
	// Recheck plans a namespace again as it is now, at the level and version that it is about to get.
	Recheck func(ctx context.Context, namespace string, enforce, version string) (*migrate.Namespace, error)
	// Exclude are namespaces that get no step this time.
	Exclude []string
	// KnownViolations are the workloads that were known to break when the plan was made (Header.Known).
	KnownViolations []string
	// Kubectl is the command kubectl with the flags of this connection, for advice.
	Kubectl string
	// OnOutcome is told what became of every step.
	OnOutcome func(Outcome)
	// BeforeBatch is called before the steps of another batch than the last one are taken, with how far it has come; an error
	// stops the run. Who goes on with a journal may find the last batch whole: then it is called before the first step.
	BeforeBatch func(ctx context.Context, batch int) error

	lock *rolloutLock
	// mutators says, once that was asked, what may have changed a namespace on its way in.
	mutators string
	// stoppedNamespaces are the namespaces that get no further step, and what became of an earlier one; "" is what the bypass shares.
	stoppedNamespaces map[string]string
	// dryRunEnforced are the namespaces whose enforce label a dry run would have put on.
	dryRunEnforced map[string]bool
	// sleepFunc replaces the pause between attempts in tests.
	sleepFunc func(context.Context, time.Duration) error
}

// Outcome is what became of a step.
type Outcome struct {
	Index int
	Step  Step
	Event Event
	// AlreadyDone is true if there was nothing left to change.
	AlreadyDone bool
	// Reason it was refused or kept.
	Reason string
	// OverriddenOwners says which field managers lost labels by force.
	OverriddenOwners string
	// AdmissionChanges is what the server's admission changed along with the step; nil for nothing.
	AdmissionChanges *AdmissionChanges
	// DryRun is true if only the server was asked.
	DryRun bool
	// IsRollback is true for a step that is taken back.
	IsRollback bool
}

// stepRefusal is a step that must not be taken, or that the server does not take; the others go on. The event is Refused, or
// Altered if something of it may be on the cluster all the same.
type stepRefusal struct {
	event  Event
	reason string
}

func (r *stepRefusal) Error() string { return r.reason }

func newStepRefusal(format string, args ...any) error {
	return &stepRefusal{Refused, fmt.Sprintf(format, args...)}
}

// Run takes every step that is left. An error has stopped it in the middle: the journal then knows how to go on. What was
// refused of single namespaces is no error, it is told.
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
	for i := range steps {
		if r.Journal != nil && r.Journal.isStepFinal(i) || steps[i].Namespace != "" && slices.Contains(r.Exclude, steps[i].Namespace) {
			continue
		}
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

// releaseLockIfUnused gives up the lock if nothing was written: then there is nothing to go on with.
func (r *Runner) releaseLockIfUnused(ctx context.Context, err error) error {
	if r.Journal == nil || r.Journal.anyStepMayBeApplied() {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, r.lock.release(ctx))
}

// rolledBackNamespaces are the namespaces of which a rollback has taken something back: going on means to go on with the others.
func (r *Runner) rolledBackNamespaces() map[string]string {
	out := map[string]string{}
	if r.Journal == nil {
		return out
	}
	for ns := range r.Journal.cancelledNamespaces() {
		out[ns] = "was taken back"
	}
	return out
}

// lastBegunBatch is that of the last step that the journal knows as taken; first is true if there is none.
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

func (r *Runner) applyStep(ctx context.Context, i int, s *Step) error {
	out := Outcome{Index: i, Step: *s, Event: Done, DryRun: r.Journal == nil}
	err := r.checkNotStopped(i, s)
	if err == nil {
		err = newStepAction(r, i, s).apply(ctx, &out)
	}
	var refused *stepRefusal
	switch {
	case errors.As(err, &refused):
		out.Event, out.Reason, out.AlreadyDone = refused.event, refused.reason, false
		if r.stoppedNamespaces[s.Namespace] == "" {
			r.stoppedNamespaces[s.Namespace] = "was refused"
		}
		if err := r.Journal.record(JournalEntry{Step: i, Event: refused.event, Reason: refused.reason, AdmissionChanges: out.AdmissionChanges}); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("%s: %w", s, err)
	default:
		if err := r.Journal.record(JournalEntry{Step: i, Event: Done, AdmissionChanges: out.AdmissionChanges}); err != nil {
			return err
		}
		r.dryRunEnforced[s.Namespace] = out.DryRun && (r.dryRunEnforced[s.Namespace] || s.Stage == StageEnforce)
	}
	if r.OnOutcome != nil {
		r.OnOutcome(out)
	}
	return nil
}

// begunBefore reports whether a step was begun before: an answer was lost, or a run cut off.
func (r *Runner) begunBefore(i int) bool { return r.Journal != nil && r.Journal.MayBeApplied(i) }

// checkNotStopped keeps namespaces that were stopped from further steps; without the objects that the bypass shares, none gets it.
// Of a step that was begun before something may be there all the same.
func (r *Runner) checkNotStopped(i int, s *Step) error {
	event := Refused
	if r.begunBefore(i) {
		event = Altered
	}
	if why := r.stoppedNamespaces[s.Namespace]; why != "" && s.Namespace != "" {
		return &stepRefusal{event, "an earlier step of this namespace " + why}
	}
	if why := r.stoppedNamespaces[""]; why != "" && s.Stage == StageBypass {
		return &stepRefusal{event, "what the bypass is made with " + why}
	}
	return nil
}
