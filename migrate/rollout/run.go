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
	// Known are the workloads that were known to break when the plan was made (Header.Known).
	Known []string
	// Kubectl is the command kubectl with the flags of this connection, for advice.
	Kubectl string
	// Tell is told what became of every step.
	Tell func(Outcome)
	// Between is called before the steps of another batch than the last one are taken, with how far it has come; an error
	// stops the run. Who goes on with a journal may find the last batch whole: then it is called before the first step.
	Between func(ctx context.Context, batch int) error

	lock *lock
	// mutators says, once that was asked, what may have changed a namespace on its way in.
	mutators string
	// stopped are the namespaces that get no further step, and what became of an earlier one; "" is what the bypass shares.
	stopped map[string]string
	// enforced are the namespaces whose enforce label a dry run would have put on.
	enforced map[string]bool
	// wait replaces the pause between attempts in tests.
	wait func(context.Context, time.Duration) error
}

// Outcome is what became of a step.
type Outcome struct {
	Index int
	Step  Step
	Event Event
	// Already is true if there was nothing left to change.
	Already bool
	// Why it was refused or kept.
	Why string
	// Overrode says which field managers lost labels by force.
	Overrode string
	// Also is what the server's admission changed along with the step; nil for nothing.
	Also *Also
	// DryRun is true if only the server was asked.
	DryRun bool
	// Undo is true for a step that is taken back.
	Undo bool
}

// refusal is a step that must not be taken, or that the server does not take; the others go on. The event is Refused, or
// Altered if something of it may be on the cluster all the same.
type refusal struct {
	event Event
	why   string
}

func (r *refusal) Error() string { return r.why }

func refuse(format string, args ...any) error {
	return &refusal{Refused, fmt.Sprintf(format, args...)}
}

// Run takes every step that is left. An error has stopped it in the middle: the journal then knows how to go on. What was
// refused of single namespaces is no error, it is told.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.Journal.GoesOn(); err != nil {
		return err
	}
	steps := r.Steps
	if r.Journal != nil {
		steps = r.Journal.Steps
		var err error
		if r.lock, err = takeLock(ctx, r.Client, r.Journal.ID); err != nil {
			return err
		}
	}
	r.stopped, r.enforced = r.takenBack(), map[string]bool{}
	batch, first := r.lastBatch()
	for i := range steps {
		if r.Journal != nil && r.Journal.settled(i) || steps[i].Namespace != "" && slices.Contains(r.Exclude, steps[i].Namespace) {
			continue
		}
		if r.Between != nil && !first && steps[i].Batch != batch {
			if err := r.Between(ctx, steps[i].Batch); err != nil {
				return r.abandon(ctx, err)
			}
		}
		batch, first = steps[i].Batch, false
		if err := r.one(ctx, i, &steps[i]); err != nil {
			return r.abandon(ctx, err)
		}
	}
	return r.lock.release(ctx)
}

// abandon gives up the lock if nothing was written: then there is nothing to go on with.
func (r *Runner) abandon(ctx context.Context, err error) error {
	if r.Journal == nil || r.Journal.anyTouched() {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, r.lock.release(ctx))
}

// takenBack are the namespaces of which a rollback has taken something back: going on means to go on with the others.
func (r *Runner) takenBack() map[string]string {
	out := map[string]string{}
	if r.Journal == nil {
		return out
	}
	for ns := range r.Journal.calledOff() {
		out[ns] = "was taken back"
	}
	return out
}

// lastBatch is that of the last step that the journal knows as taken; first is true if there is none.
func (r *Runner) lastBatch() (batch int, first bool) {
	if r.Journal == nil {
		return 0, true
	}
	for i := len(r.Journal.Steps) - 1; i >= 0; i-- {
		if r.Journal.steps[i].last != "" {
			return r.Journal.Steps[i].Batch, false
		}
	}
	return 0, true
}

func (r *Runner) one(ctx context.Context, i int, s *Step) error {
	out := Outcome{Index: i, Step: *s, Event: Done, DryRun: r.Journal == nil}
	err := r.allowed(i, s)
	if err == nil && s.Create != nil {
		err = r.create(ctx, i, s, &out)
	} else if err == nil {
		err = r.label(ctx, i, s, &out)
	}
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		out.Event, out.Why, out.Already = refused.event, refused.why, false
		if r.stopped[s.Namespace] == "" {
			r.stopped[s.Namespace] = "was refused"
		}
		if err := r.Journal.record(Entry{Step: i, Event: refused.event, Why: refused.why, Also: out.Also}); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("%s: %w", s, err)
	default:
		if err := r.Journal.record(Entry{Step: i, Event: Done, Also: out.Also}); err != nil {
			return err
		}
		r.enforced[s.Namespace] = out.DryRun && (r.enforced[s.Namespace] || s.Stage == Enforce)
	}
	if r.Tell != nil {
		r.Tell(out)
	}
	return nil
}

// allowed keeps namespaces that were stopped from further steps; without the objects that the bypass shares, none gets it.
// Of a step that was begun before something may be there all the same.
func (r *Runner) allowed(i int, s *Step) error {
	event := Refused
	if r.touched(i) {
		event = Altered
	}
	if why := r.stopped[s.Namespace]; why != "" && s.Namespace != "" {
		return &refusal{event, "an earlier step of this namespace " + why}
	}
	if why := r.stopped[""]; why != "" && s.Stage == Bypass {
		return &refusal{event, "what the bypass is made with " + why}
	}
	return nil
}

// String says what a step does.
func (s *Step) String() string {
	if s.Create != nil {
		return fmt.Sprintf("%s: create %s", s.Stage, s.Create)
	}
	return fmt.Sprintf("%s: label namespace %s", s.Stage, s.Namespace)
}
