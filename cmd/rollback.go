package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// rollbackOptions are what the flags of the command rollback become.
type rollbackOptions struct {
	streams Streams
	deps    Deps

	Source  SourceOptions
	Journal string
	Undo    rollout.RollbackScope
	DryRun  bool
	Yes     bool
	Outputs []outputTarget[*stepsReport]
}

// newRollback returns the cobra command "rollback", which runs runF with its options; nil is rollbackRun.
func newRollback(streams Streams, deps Deps, runF func(context.Context, *rollbackOptions) error) *cobra.Command {
	if runF == nil {
		runF = rollbackRun
	}
	o := rollbackOptions{streams: streams, deps: deps}
	var stages, outputs []string
	dryRun := dryRunNone
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Restore what a roll-out changed, label by label, from its journal",
		Long: `Rollback takes the steps of a journal back, the last first. It restores every label as it was, or
its absence, with its owner; and it deletes every object of the bypass, and of a set of policies,
that the roll-out created. A policy that the roll-out changed is put back as it was.
It leaves, and names, what somebody else has changed since, and a label that somebody else has set
to the same value. It does not remove an enforce label while the pods of the namespace still bypass
the policies, and does not delete the policy of the bypass while a namespace uses it, whichever
roll-out created that. It restores labels that the server's admission changed along with a step. A
namespace that was deleted since and created again, with labels of the roll-out, is left and named
unless --recreated is given.

It needs no more permissions than the roll-out did, see 'rollout --print-role'.

Before it asks it lists what it removes and restores; --dry-run=client lists that and ends. It takes
effect at once and restarts no pod. It can be repeated, and continues where it was interrupted.`,
		Example: `  # What would be restored
  psp2pss rollback --journal enforce.journal --dry-run=client

  # All of it; one namespace; one stage
  psp2pss rollback --journal enforce.journal
  psp2pss rollback --journal enforce.journal -n shop
  psp2pss rollback --journal enforce.journal --stage bypass --yes`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.Journal, journalFlag, "", "journal of the roll-out to take back")
	flags.StringSliceVarP(&o.Undo.Namespaces, "namespace", "n", nil, "restore only this namespace; may be repeated")
	flags.StringSliceVar(&stages, "stage", nil, "restore only this stage: observe, enforce, bypass, policies; may be repeated")
	registerCompletion(cmd, "stage", stageNames())
	flags.BoolVar(&o.Undo.Recreated, "recreated", false, "take the labels off namespaces, too, that were deleted since and made again with them, as from a backup")
	enumFlag{&dryRun, "mode", []string{dryRunNone, dryRunClient}}.add(cmd, "dry-run", "", "only print what would be restored (client)")
	flags.BoolVarP(&o.Yes, "yes", "y", false, "do not ask; needed where no terminal is")
	addConnectionFlags(flags, &o.Source)
	addOutputFlag(cmd, &outputs, stepFormats())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		if o.Undo.Stages, err = parseStages(stages); err != nil {
			return err
		}
		if o.Outputs, err = parseOutputs(outputs, stepFormats()); err != nil {
			return err
		}
		o.DryRun, o.Source.NeedsCluster = dryRun == dryRunClient, true
		if o.Journal == "" {
			return usagef("there is no journal to go back by: name it with --%s", journalFlag)
		}
		if err := checkJournalExists(o.Journal); err != nil {
			return asRunError(err)
		}
		if err := checkIsJournal(o.Journal); err != nil {
			return asRunError(err)
		}
		if !o.DryRun && !o.Yes && !streams.Interactive {
			return usagef("nobody can be asked here whether to write to the cluster: add --yes, or --dry-run=client to see the steps")
		}
		if err := o.Source.checkConnection(); err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), &o))
	}
	return cmd
}

// rollbackRun runs the command rollback: it takes the steps of a journal back, or prints them.
func rollbackRun(ctx context.Context, o *rollbackOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if err := checkOutputFiles(o.Outputs); err != nil {
		return err
	}
	j, client, err := openJournal(ctx, o.deps, o.Source, o.Journal)
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }()
	if err := errors.Join(checkJournalNames(o.Undo.Namespaces, rollout.StepNamespaces(j.Steps))...); err != nil {
		return err
	}
	out := newRolloutPrinter(o.streams, o.Outputs)
	planned := plannedOutcomes(j.Steps, out.beginRollback(j, o.Undo), true)
	if o.DryRun {
		for _, p := range planned {
			printWarnings(o.streams.ErrOut, rollout.UnrestorableWarnings(j.Steps[p.Index:p.Index+1]))
		}
		out.addPlanned(planned)
		return out.end()
	}
	if len(planned) > 0 {
		out.tellPlanned(planned, !o.Yes, j.Context)
		if !o.Yes && !o.streams.confirm(ctx, fmt.Sprintf("Take back %s on the cluster of context %s?", stepsAndNamespaces(planned), j.Context)) {
			return errors.New("nothing was done")
		}
	}
	r := &rollout.Runner{Client: client, Journal: j, OnBegin: out.beginStep, OnOutcome: out.addOutcome}
	err = r.Rollback(ctx, o.Undo)
	out.endStep()
	out.tellTotals()
	if err != nil {
		return errors.Join(errorWithAdvice{err, "the rest can be taken back by the same command"}, out.flush())
	}
	if out.number > 0 {
		out.tellCommands([][2]string{{"to check", journalCommand(o.deps, o.Source, "verify", o.Journal)}})
	}
	return out.end()
}
