package cmd

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// verifyAfter says whether and how a roll-out verifies what it has done.
type verifyAfter struct {
	// Asked verifies after every batch; Back goes all the way back where something is not ok.
	Asked, Back bool
	Wait        time.Duration
}

func (v *verifyAfter) add(flags *pflag.FlagSet) {
	flags.BoolVar(&v.Asked, "verify", false, "after every batch do what 'verify --recreate-one' does, and stop if something is not ok")
	flags.DurationVar(&v.Wait, "verify-wait", 0, "time that controllers may take to get their pods before they are judged, such as 2m")
	flags.BoolVar(&v.Back, "rollback-on-failure", false, "take the whole roll-out back if something is not ok; --verify goes without saying")
}

func (v *verifyAfter) settle() error {
	v.Asked = v.Asked || v.Back
	switch {
	case v.Wait < 0:
		return usagef("--verify-wait=%s is negative: give a duration such as 2m", v.Wait)
	case v.Wait > 0 && !v.Asked:
		return usagef("--verify-wait is how long --verify waits: add --verify")
	}
	return nil
}

// failing notes which controllers lack pods before the first step: they are no fault of the roll-out. What may not be read
// is told, and no reason not to begin.
func (o *rolloutOptions) failing(ctx context.Context, client dynamic.Interface, steps []rollout.Step) []rollout.Failure {
	failing, err := rollout.Failing(ctx, client, namespacesOf(steps))
	if err != nil {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "warning: which controllers lack pods already is not known whole, and verify may put them down to this roll-out: %s\n", escape.Terminal(err.Error()))
	}
	return failing
}

func namespacesOf(steps []rollout.Step) []string {
	var names []string
	for i := range steps {
		if steps[i].Namespace != "" {
			names = append(names, steps[i].Namespace)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// verify judges the namespaces that the journal has come to. What it could not tell is told, and stops nothing.
func (o *rolloutOptions) verify(ctx context.Context, r *rollout.Runner) error {
	if !o.Verify.Asked {
		return nil
	}
	v := rollout.Verification{
		Client: r.Client, Labels: rollout.ExpectedLabels(r.Journal), Before: r.Journal.Failing, RecreateOne: true, Wait: o.Verify.Wait,
	}
	for _, ns := range namespacesOf(r.Journal.Steps) {
		if v.Labels[ns] != nil {
			v.Namespaces = append(v.Namespaces, ns)
		}
	}
	if len(v.Namespaces) == 0 {
		return nil
	}
	results, err := rollout.Verify(ctx, v)
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	notable := slices.DeleteFunc(results, func(r rollout.Result) bool { return r.Status == rollout.OK })
	if len(notable) > 0 {
		if err := writeResults(o.streams.ErrOut, notable, "table", false); err != nil {
			return err
		}
	}
	return verifyVerdict(notable, true)
}

// back takes the whole roll-out back, and ends with what was not ok.
func (o *rolloutOptions) back(ctx context.Context, r *rollout.Runner, because error) error {
	_, _ = fmt.Fprintln(o.streams.ErrOut, "Something is not ok: going back.")
	if err := r.Rollback(ctx, rollout.Undo{}); err != nil {
		return advisedError{fmt.Errorf("%w\ngoing back failed: %w", because, err), "to go back: " + o.again("rollback", r.Journal.Path())}
	}
	return because
}
