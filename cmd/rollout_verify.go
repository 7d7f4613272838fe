package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/migrate/rollout/verify"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// batchVerification is the values of the flags of the command rollout about the verification of each batch.
type batchVerification struct {
	// Asked verifies after every batch; RollbackOnFailure takes the whole roll-out back if something is not ok.
	Asked, RollbackOnFailure bool
	Wait                     time.Duration
}

const (
	// The flags of rollout about verification and force.
	verifyFlag            = "verify"
	verifyWaitFlag        = "verify-wait"
	rollbackOnFailureFlag = "rollback-on-failure"
	forceFlag             = "force"
)

// add defines the flags of the command rollout about the verification of each batch.
func (v *batchVerification) add(flags *pflag.FlagSet) {
	flags.BoolVar(&v.Asked, verifyFlag, false, "after every batch do what 'verify --recreate-one' does, and stop if something is not ok")
	flags.DurationVar(&v.Wait, verifyWaitFlag, 0, "time that controllers may take to get their pods before they are checked, such as 2m")
	flags.BoolVar(&v.RollbackOnFailure, rollbackOnFailureFlag, false, "take the whole roll-out back if --verify, which it implies, finds something not ok; that a step was refused is no such thing")
}

// validate returns a usage error for flags about the verification of batches that exclude each other. RollbackOnFailure
// implies Asked.
func (v *batchVerification) validate() error {
	v.Asked = v.Asked || v.RollbackOnFailure
	switch {
	case v.Wait < 0:
		return usagef("--%s=%s is negative: give a duration such as 2m", verifyWaitFlag, v.Wait)
	case v.Wait > 0 && !v.Asked:
		return usagef("--%s is how long --%s waits: add --%s", verifyWaitFlag, verifyFlag, verifyFlag)
	}
	return nil
}

// guards returns the flags of the command rollout that the journal keeps for a later --resume.
func (o *rolloutOptions) guards() rollout.Guards {
	return rollout.Guards{
		Verify: o.Verify.Asked, VerifyWait: metav1.Duration{Duration: o.Verify.Wait}, RollbackOnFailure: o.Verify.RollbackOnFailure,
		AllowPartial: o.Decide.AllowPartial,
	}
}

// keepGuards applies the guards that a roll-out was begun with to its --resume. It returns a usage error if a flag
// would drop one.
func (o *rolloutOptions) keepGuards(h *rollout.JournalHeader) error {
	guards, err := h.Guards.Resumed(o.guards(), rollout.GivenGuards{
		Verify: o.isFlagGiven(verifyFlag), VerifyWait: o.isFlagGiven(verifyWaitFlag),
		RollbackOnFailure: o.isFlagGiven(rollbackOnFailureFlag), AllowPartial: o.isFlagGiven(allowPartialFlag),
	})
	if errors.Is(err, rollout.ErrGuardDropped) {
		return usagef("the roll-out was begun with --%s or --%s, and is continued with the same guard: leave out the flag that takes it away", verifyFlag, rollbackOnFailureFlag)
	}
	o.Verify = batchVerification{Asked: guards.Verify, RollbackOnFailure: guards.RollbackOnFailure, Wait: guards.VerifyWait.Duration}
	o.Decide.AllowPartial = guards.AllowPartial
	if !o.isFlagGiven(forceFlag) {
		o.Rollout.Force = h.Force
	}
	return o.Verify.validate()
}

// isFlagGiven reports whether a flag of the command rollout was on the command line.
func (o *rolloutOptions) isFlagGiven(flag string) bool { return slices.Contains(o.GivenFlags, flag) }

// failingControllers returns the controllers that lack pods before the first step of the command rollout, and warns of
// what could not be read.
func (o *rolloutOptions) failingControllers(ctx context.Context, client dynamic.Interface, steps []rollout.Step) []rollout.FailingController {
	end := o.streams.showLate("looking which controllers lack pods already")
	failing, err := verify.FailingControllers(ctx, client, rollout.StepNamespaces(steps))
	end()
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			_, _ = fmt.Fprintf(o.streams.ErrOut, "warning: which controllers lack pods already is not known whole, and verify may put them down to this roll-out: %s\n", escape.Terminal(line))
		}
	}
	return failing
}

// verifyBatch verifies the namespaces that the command rollout has reached so far, prints what is not ok, and returns a
// findingsError for it. What is unknown stops nothing.
func (o *rolloutOptions) verifyBatch(ctx context.Context, r *rollout.Runner) error {
	if !o.Verify.Asked {
		return nil
	}
	v := verify.OfBatch(r.Client, r.Journal)
	v.Wait = o.Verify.Wait // it may have been given anew
	if len(v.Namespaces) == 0 {
		return nil
	}
	text := "Verifying " + english.Count(len(v.Namespaces), "namespace", "namespaces")
	if v.Wait > 0 {
		text += ", for up to " + v.Wait.String()
	}
	_, _ = fmt.Fprintln(o.streams.ErrOut, text+".")
	results, err := verify.CheckNamespaces(ctx, v)
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	notable := slices.DeleteFunc(results, func(r verify.CheckResult) bool { return r.Status == verify.StatusOK })
	if len(notable) > 0 {
		opts := report.Options{Width: o.streams.ProgressWidth}
		if err := report.Text(o.streams.ErrOut, report.VerificationDocument(verificationReport(notable), opts), opts); err != nil {
			return err
		}
	}
	return verifyExitError(notable, true)
}

// rollBackAfterFailure rolls the whole roll-out back after a failed verification, and returns the error that ends the
// command.
func (o *rolloutOptions) rollBackAfterFailure(ctx context.Context, r *rollout.Runner, out *rolloutPrinter, because error) error {
	_, _ = fmt.Fprintln(o.streams.ErrOut, "Something is not ok: going back.")
	scope := rollout.RollbackScope{Failure: because.Error()}
	out.beginRollback(r.Journal, scope)
	err := r.Rollback(ctx, scope)
	out.endStep()
	out.tellTotals()
	if err != nil {
		return errorWithAdvice{fmt.Errorf("%w\ngoing back failed: %w", because, err), "to go back: " + o.journalCommand("rollback", r.Journal.Path())}
	}
	return because
}
