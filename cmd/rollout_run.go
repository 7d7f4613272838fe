package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// rolloutRun runs the command rollout: it builds or reads a Plan and takes its steps on the cluster, or resumes a
// journal.
func rolloutRun(ctx context.Context, o *rolloutOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if err := checkOutputFiles(o.Outputs); err != nil {
		return err
	}
	if o.Resume {
		return resumeRollout(ctx, o)
	}
	if o.installsPolicies() {
		return rolloutPolicies(ctx, o)
	}
	plan, err := readOrBuildNamedPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
	if err != nil {
		return err
	}
	var on rolloutTarget
	switch {
	case o.DryRun != dryRunClient:
		if on, err = o.connectToPlannedCluster(ctx, plan); err != nil {
			return err
		}
	case o.Source.NamesCluster(): // only whether there are such: nothing is asked of a server
		if _, _, err = o.deps.Connect(o.Source); err != nil {
			return err
		}
	}
	selected, err := selectNamespaces(o.streams.ErrOut, plan, o.Scope)
	if err != nil {
		return err
	}
	if o.Rollout.WaveLabel != "" {
		if err := selected.CheckLabelExists(o.Rollout.WaveLabel); err != nil {
			return err
		}
	}
	warnOldTarget(o.streams.ErrOut, selected)
	steps, skipped := rollout.PlanSteps(selected, o.Rollout)
	printWarnings(o.streams.ErrOut, rollout.UnrestorableWarnings(steps))
	out := newRolloutPrinter(o.streams, o.Outputs)
	out.addSkipped(skipped)
	switch {
	case o.DryRun == dryRunClient:
		r := rollout.Runner{Steps: steps}
		out.addPlanned(plannedOutcomes(steps, r.StepsToTake(), false))
	case len(steps) > 0:
		if err := o.beginRollout(ctx, on, selected, steps, out); err != nil {
			return errors.Join(err, out.flush())
		}
	}
	if !o.Decide.AllowPartial && rollout.AllSkipped(selected, steps, skipped) {
		return errors.Join(nothingDoneError(skipped), out.flush())
	}
	return o.finishRollout(out, plan)
}

// rolloutTarget is the cluster that the command rollout writes to: a client, the name of the context, and the UID of
// kube-system.
type rolloutTarget struct {
	client    dynamic.Interface
	name, uid string
}

// connectToPlannedCluster connects to the cluster of the Plan. It returns an error if the flags name another cluster
// than a saved Plan.
func (o *rolloutOptions) connectToPlannedCluster(ctx context.Context, plan *migrate.Plan) (rolloutTarget, error) {
	if err := o.requireClusterOfPlan(plan); err != nil {
		return rolloutTarget{}, err
	}
	client, name, err := o.deps.Connect(o.Source)
	if err != nil {
		return rolloutTarget{}, err
	}
	id, err := checkClusterOfPlan(ctx, client, plan, o.Source, name)
	return rolloutTarget{client, name, id}, err
}

// beginRollout starts a new journal and takes the steps of the command rollout, after a check of permissions and a
// question; with --dry-run=server it has the server check them.
func (o *rolloutOptions) beginRollout(ctx context.Context, on rolloutTarget, selected *migrate.Plan, steps []rollout.Step, out *rolloutPrinter) error {
	r := &rollout.Runner{
		Client: on.client, Force: o.Rollout.Force, Recheck: o.recheck(selected.Admission),
		KnownViolations: rollout.KnownViolations(selected), Steps: steps, OnBegin: out.beginStep, OnOutcome: out.addOutcome,
	}
	missing := o.checkPermissions(ctx, on.client, steps)
	if o.DryRun == dryRunServer {
		out.begin(len(steps))
		err := r.Run(ctx)
		out.endStep()
		out.tellTotals()
		return errors.Join(err, missing)
	}
	if missing != nil {
		return missing
	}
	planned := plannedOutcomes(steps, r.StepsToTake(), false)
	out.tellPlanned(planned, !o.Yes, on.name)
	if !o.Yes && !o.streams.confirm(ctx, fmt.Sprintf("Take %s on the cluster of context %s?", stepsAndNamespaces(planned), on.name)) {
		return errors.New("nothing was done")
	}
	header := rollout.JournalHeader{
		Tool: "psp2pss " + readBuildInfo().Version, Started: time.Now().UTC(), Context: on.name, Connection: journalConnection(o.Source), TargetVersion: selected.TargetVersion,
		Force: o.Rollout.Force, Guards: o.guards(), Steps: steps, KnownViolations: r.KnownViolations, Cluster: on.uid, Admission: selected.Admission,
	}
	header.FailingBefore = o.failingControllers(ctx, on.client, steps)
	path := o.Journal
	if path == "" {
		path = defaultFileName(on.name, header.Started) + ".journal"
	}
	var err error
	if r.Journal, err = rollout.CreateJournal(path, header); err != nil {
		return err
	}
	defer func() { _ = r.Journal.Close() }()
	_, _ = fmt.Fprintf(o.streams.ErrOut, "The journal is %s.\n  to go back: %s\n", escape.Terminal(path), o.journalCommand("rollback", path))
	return o.runSteps(ctx, r, out)
}

// runSteps takes the steps of the journal for the command rollout, verifies each batch if asked to, and adds to an
// error how to go on or back.
func (o *rolloutOptions) runSteps(ctx context.Context, r *rollout.Runner, out *rolloutPrinter) error {
	r.BeforeBatch = func(ctx context.Context, batch int) error {
		if err := o.verifyBatch(ctx, r); err != nil {
			return err
		}
		// Before the first step somebody was just asked.
		if out.taken > 0 && o.streams.Interactive && !o.Yes && !o.streams.confirm(ctx, "Go on with "+batchSummary(r.Journal.Steps, batch)+" on the cluster of context "+r.Journal.Context+"?") {
			return cmp.Or(ctx.Err(), fmt.Errorf("stopped before batch %d", batch+1))
		}
		return nil
	}
	out.begin(len(r.StepsToTake()))
	err := r.Run(ctx)
	out.endStep()
	if err == nil {
		err = o.verifyBatch(ctx, r)
	}
	out.tellTotals()
	var findings findingsError
	var locked *rollout.LockedError
	switch resume := o.resumeCommand(r.Journal); {
	case err == nil:
		o.tellNext(r.Journal, out, resume)
		return nil
	case errors.As(err, &findings) && o.Verify.RollbackOnFailure:
		return o.rollBackAfterFailure(ctx, r, out, err)
	case errors.As(err, &locked):
		return errorWithAdvice{err, "nothing was done; after that: " + resume}
	default:
		return errorWithAdvice{err, "to go on: " + resume + "\nto go back: " + o.journalCommand("rollback", r.Journal.Path())}
	}
}

// tellNext says on standard error what to run after the last step of the command rollout.
func (o *rolloutOptions) tellNext(j *rollout.Journal, out *rolloutPrinter, resume string) {
	if out.number == 0 {
		return
	}
	if out.refused > 0 {
		out.tellCommands([][2]string{{"to try the others again", resume}})
	}
	out.tellCommands([][2]string{{"to check", o.journalCommand("verify", j.Path())}, {"to go back", o.journalCommand("rollback", j.Path())}})
}

// recheck returns, for psp2pss rollout, a function that builds the Plan of one namespace again during a roll-out, as it
// is now, for a server with this admission configuration.
func (o *rolloutOptions) recheck(admission *migrate.Admission) func(context.Context, string, string, string) (*migrate.Namespace, error) {
	src := o.Source.sameCluster()
	return rollout.NewRecheck(admission, o.Decide.AllowPartial, func(ctx context.Context, namespace string, decide migrate.Options) (*migrate.Plan, error) {
		src.Namespace = namespace
		inv, err := o.deps.LoadInventory(ctx, src)
		if err != nil {
			return nil, err
		}
		return o.deps.BuildPlan(inv, decide)
	})
}

// finishRollout prints the totals of the command rollout, and returns the error for what was not read.
func (o *rolloutOptions) finishRollout(out *rolloutPrinter, plan *migrate.Plan) error {
	if err := out.end(); err != nil {
		return err
	}
	return planExitError(plan, o.Scope, nil, o.Decide.AllowPartial)
}
