package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/roles"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// rolloutOptions are what the flags of the command rollout become.
type rolloutOptions struct {
	streams Streams
	deps    Deps

	Source  SourceOptions
	Decide  migrate.Options
	Scope   migrate.NamespaceScope
	Rollout rollout.StepOptions
	// DryRun is none, client or server.
	DryRun string
	Yes    bool
	// Journal names the file; Resume continues the roll-out in it.
	Journal string
	Resume  bool
	Outputs []outputTarget[*stepsReport]
	// ThisCluster says that a plan which names no cluster is meant for this one.
	ThisCluster bool
	Verify      batchVerification
	// Policies is the folder of a set of admission policies to install, and Deny has the set refuse pods in the end.
	Policies string
	Deny     bool
	// GivenFlags are the flags that were on the command line.
	GivenFlags []string
}

const (
	// The values of --dry-run.
	dryRunNone   = "none"
	dryRunClient = "client"
	dryRunServer = "server"
)

// rolloutFlags are the values of the flags of the command rollout, as given.
type rolloutFlags struct {
	source  SourceOptions
	decide  planFlagValues
	scope   scopeFlags
	stages  []string
	outputs []string
	o       rolloutOptions
}

// newRollout returns the cobra command "rollout", which runs runF with its options; nil is rolloutRun.
func newRollout(streams Streams, deps Deps, runF func(context.Context, *rolloutOptions) error) *cobra.Command {
	if runF == nil {
		runF = rolloutRun
	}
	f := rolloutFlags{}
	f.o.DryRun = dryRunNone
	role := false
	cmd := &cobra.Command{
		Use:   "rollout",
		Short: "Put the labels on a cluster in stages, with a way back",
		Long: `Rollout puts the labels that 'plan' recommends on a live cluster, in stages:

  observe   the audit and warn labels, which refuse nothing
  enforce   the enforce labels, after a last look at what runs in the namespace by now
  bypass    lets the pods of the namespace past the policies: a privileged policy that sorts first,
            a role, and a binding in each namespace that has its enforce label; before v1.25 only
  policies  installs the admission policies that 'generate -o dir=FOLDER' wrote, see below

Every step is in a journal, on the disk, before it is taken: 'rollback' restores the state before
from it, and 'rollout --resume' continues a roll-out that was interrupted. Before anything is asked
the steps are listed, with the labels from and to; --dry-run=client lists them and ends.

A namespace that has changed since the plan was made is refused, and so is a label that another
field manager owns, unless --force is given; the others go on. Only one roll-out at a time runs on a
cluster: the lock is the lease psp2pss-rollout in kube-system.

With --verify the namespaces of each batch are checked as 'verify --recreate-one' does, and what is
not ok ends the roll-out or, with --rollback-on-failure, takes all of it back. A refused step is no
such failure: it has changed nothing, the other namespaces go on, and the exit code is 1.

The journal keeps the guards of the roll-out: --resume continues batch by batch, with --verify,
--verify-wait, --rollback-on-failure, --allow-partial and --force as at the beginning, and can add
to them. It does not continue a roll-out that was taken back as a whole, by 'rollback' or by
--rollback-on-failure.

A saved plan is rolled out only on the cluster that it was made from, by the UID of kube-system. A
plan that was made from files names no cluster, and needs --this-cluster.

The labels are applied under the field manager psp2pss, which owns nothing else. The answer to each
write is compared: labels that a mutating webhook or policy changed along with it are named, also by
--dry-run=server, and rollback restores them.

Before the first write the server is asked whether this user may take all steps, and take them back.
If permissions are missing they are named, and nothing is begun. --print-role prints roles that have
them.

The stage policies is a roll-out of its own: it takes no plan but a folder, --policies. Each object
is checked by a dry run, written, and waited for until the API server that answers has it in force:
it compiles large policies for seconds, and each API server of a cluster does so for itself. An object
that is there and that 'generate' did not write is refused. Without --deny nothing is refused to anybody,
and a set that refuses already is not loosened; with it the set warns first, and once all of it is in
force its bindings refuse. After a refused object no further one is installed. 'verify --journal' says
whether each is still as written and in force, and 'rollback' deletes or restores it.

Exit codes: 0 done, or the namespaces are as asked for already; 1 failed, or a step was refused; 3
--verify found something that is not ok; 4 all that was asked for was left alone, or something could
not be read (--allow-partial turns 4 into 0).`,
		Example: `  # What would be done
  psp2pss rollout --plan plan.json --stage observe --dry-run=client

  # Warn and audit everywhere, then enforce in two namespaces, then let their pods past the policies
  psp2pss rollout --plan plan.json --stage observe
  psp2pss rollout --stage enforce -n shop -n blog
  psp2pss rollout --stage bypass -n shop -n blog

  # Policies that 'generate' wrote: to see the steps, to warn, and to refuse
  psp2pss rollout --stage policies --policies policies/ --dry-run=client
  psp2pss rollout --stage policies --policies policies/
  psp2pss rollout --stage policies --policies policies/ --deny

  # In a pipeline: ten namespaces at a time, those labelled wave=1 before those labelled wave=2
  psp2pss rollout --stage enforce --yes --journal enforce.journal --wave-label wave --batch 10

  # Enforce, have the server check a pod of every template, and go back if it refuses one
  psp2pss rollout --stage enforce --yes --verify --rollback-on-failure

  # Let a user observe, enforce, verify that and go back
  psp2pss rollout --print-role --stage observe,enforce --verify | kubectl apply -f -

  # Go on after a crash, but not in the namespace blog; or go back
  psp2pss rollout --resume --journal enforce.journal --exclude blog
  psp2pss rollback --journal enforce.journal`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addSourceFlags(flags, &f.source)
	f.scope.add(flags)
	f.decide.add(cmd)
	flags.StringSliceVar(&f.stages, "stage", nil, "stage to take: observe (the default), enforce, bypass, which may be given together; or policies alone")
	registerCompletion(cmd, "stage", stageNames())
	flags.StringVar(&f.o.Policies, policiesFlag, "", "with --stage=policies, the folder that 'generate -o dir=FOLDER' wrote")
	flags.BoolVar(&f.o.Deny, denyFlag, false, "with --stage=policies, have the set refuse pods once it is in force; without it nothing is refused")
	flags.StringVar(&f.o.Rollout.WaveLabel, "wave-label", "", "label of namespaces by whose values waves are made: in their order, 2 before 10, those without it last; each goes through all stages before the next begins")
	flags.IntVar(&f.o.Rollout.Batch, "batch", 0, "namespaces to a batch; between batches a person is asked whether to go on (default all of a stage)")
	flags.IntVar(&f.o.Rollout.MaxNamespaces, "max-namespaces", 0, "change no more namespaces than this")
	enumFlag{&f.o.DryRun, "mode", []string{dryRunNone, dryRunClient, dryRunServer}}.add(cmd, "dry-run", "", "only print the steps (client), or have the server check each without keeping it (server)")
	flags.BoolVarP(&f.o.Yes, "yes", "y", false, "do not ask; needed where no terminal is")
	flags.BoolVar(&f.o.ThisCluster, thisClusterFlag, false, "the plan names no cluster, since it was made from files, and is meant for this one")
	flags.BoolVar(&f.o.Rollout.Force, forceFlag, false, "take over namespaces and labels that another tool writes")
	flags.StringVar(&f.o.Journal, journalFlag, "", "file to write the journal to; it must not exist (default psp2pss-CONTEXT-TIME.journal)")
	flags.BoolVar(&f.o.Resume, "resume", false, "continue the roll-out of --journal, with the guards of its beginning; refused steps are tried again, namespaces of which something was taken back are skipped, and so are those of --exclude")
	f.o.Verify.add(flags)
	addOutputFlag(cmd, &f.outputs, stepFormats())
	flags.BoolVar(&role, printRoleFlag, false, "print the roles that --stage and --verify need, for policies also --policies, and the way back from them, and do nothing else")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if role {
			return f.printRole(cmd.Flags(), streams)
		}
		o, err := f.options(cmd, streams, deps)
		if err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// printRole prints the RBAC roles for the stages that the command rollout --print-role asks for.
func (f *rolloutFlags) printRole(flags *pflag.FlagSet, streams Streams) error {
	stages, err := parseStages(f.stages)
	if err != nil {
		return err
	}
	o := f.o
	o.Rollout.Stages = stages
	if err := o.checkPolicyStage(flags); err != nil {
		return err
	}
	if o.installsPolicies() {
		steps, err := o.policySteps()
		if err != nil {
			return asRunError(err)
		}
		return asRunError(roles.WritePolicies(streams.Out, steps))
	}
	return asRunError(roles.WriteRollout(streams.Out, readerRules(&f.source), rollout.PermissionOptions{Stages: stages, Verify: f.o.Verify.Asked || f.o.Verify.RollbackOnFailure}))
}

// journalFlag names the journal of rollout, rollback and verify.
const journalFlag = "journal"

// options checks all flags of the command rollout before anything is read.
func (f *rolloutFlags) options(cmd *cobra.Command, streams Streams, deps Deps) (*rolloutOptions, error) {
	flags := cmd.Flags()
	o := f.o
	o.streams, o.deps = streams, deps
	var err error
	if o.Outputs, err = parseOutputs(f.outputs, stepFormats()); err != nil {
		return nil, err
	}
	if o.Rollout.Stages, err = parseStages(f.stages); err != nil {
		return nil, err
	}
	if err := o.checkPolicyStage(flags); err != nil {
		return nil, err
	}
	for _, name := range []string{"batch", "max-namespaces"} {
		if n, _ := flags.GetInt(name); flags.Changed(name) && n <= 0 {
			return nil, usagef("--%s=%d must be a number of namespaces above 0: give one, or leave the flag out", name, n)
		}
	}
	if o.installsPolicies() { // what the environment says of a plan is not for it
		f.source.Plan, f.source.Files, f.source.Demo, f.decide, f.scope = "", nil, false, planFlagValues{}, scopeFlags{}
	}
	f.source.NeedsCluster = o.DryRun != dryRunClient || f.source.Plan != ""
	if o.DryRun != dryRunClient && (f.source.Demo || len(f.source.Files) > 0 && !f.source.NamesCluster()) {
		return nil, usagef("a roll-out needs a cluster: add --%s or --%s, or --dry-run=client to see the steps", contextFlag, kubeconfigFlag)
	}
	if o.Decide, o.Scope, err = checkInputFlags(flags, streams, &f.source, &f.decide, &f.scope); err != nil {
		return nil, err
	}
	o.Source = f.source
	return &o, o.check(flags)
}

// check returns a usage error for flags of the command rollout that exclude each other, or that a roll-out which has
// begun cannot take.
func (o *rolloutOptions) check(flags *pflag.FlagSet) error {
	flags.Visit(func(f *pflag.Flag) { o.GivenFlags = append(o.GivenFlags, f.Name) })
	if !o.Resume { // else the journal has a say
		if err := o.Verify.validate(); err != nil {
			return err
		}
	}
	switch {
	case o.Resume && o.Journal == "":
		return usagef("--resume goes on with a journal: name it with --%s", journalFlag)
	case o.Resume && o.DryRun != dryRunNone:
		return usagef("--resume and --dry-run exclude each other: look into the journal instead")
	}
	if o.DryRun == dryRunNone && !o.Yes && !o.streams.Interactive {
		if err := o.checkInputExists(); err != nil {
			return asRunError(err)
		}
		return usagef("nobody can be asked here whether to write to the cluster: add --yes, or --dry-run=client to see the steps")
	}
	if !o.Resume {
		return nil
	}
	for _, name := range o.GivenFlags {
		if !slices.Contains(resumeFlags(), name) && !setByEnvironment(flags.Lookup(name)) {
			return usagef("--%s cannot change a roll-out that has begun: its journal says what is left to do", name)
		}
	}
	return nil
}

// checkInputExists returns an error for a journal or a saved Plan that is not there, before anybody is asked about it.
func (o *rolloutOptions) checkInputExists() error {
	switch {
	case o.Resume:
		return checkJournalExists(o.Journal)
	case o.Source.Plan != "":
		return checkPlanExists(o.Source.Plan)
	}
	return nil
}

// resumeFlags returns the command-line flags that may stand beside rollout --resume: they say where, as whom and how a
// roll-out goes on, not what it does.
func resumeFlags() []string {
	names := append(connectionFlagNames(), displayFlagNames()...)
	return append(names, "resume", journalFlag, "yes", verifyFlag, verifyWaitFlag, rollbackOnFailureFlag, forceFlag, "exclude", "output", "dry-run", allowPartialFlag, timeoutFlag, customFlag)
}
