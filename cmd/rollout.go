package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/dynamic"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// rolloutOptions are what the flags of rollout become.
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
	// Journal names the file; Resume goes on with what it says.
	Journal string
	Resume  bool
	JSON    bool
	// ThisCluster says that a plan which names no cluster is meant for this one.
	ThisCluster bool
	Verify      batchVerification
	// GivenFlags are the flags that were on the command line.
	GivenFlags []string
}

const (
	dryRunNone   = "none"
	dryRunClient = "client"
	dryRunServer = "server"
)

// rolloutFlags are the flags of rollout as given.
type rolloutFlags struct {
	source SourceOptions
	decide planFlagValues
	scope  scopeFlags
	stages []string
	output string
	o      rolloutOptions
}

func newRollout(streams Streams, deps Deps, runF func(context.Context, *rolloutOptions) error) *cobra.Command {
	if runF == nil {
		runF = rolloutRun
	}
	f := rolloutFlags{output: "table"}
	f.o.DryRun = dryRunNone
	role := false
	cmd := &cobra.Command{
		Use:   "rollout",
		Short: "Put the recommended labels on the cluster, in stages, with a journal to go back by",
		Long: `Rollout takes what 'plan' recommends to a live cluster, one stage at a time:

  observe   warn and audit, which refuse nothing
  enforce   enforce, after a last look at what runs in the namespace by now
  bypass    let the namespace's pods past the policies, by a privileged policy that sorts first, a
            role, and a binding in each namespace whose enforce label is on; before v1.25 only

Every step is in a journal, on the disk, before it is taken: 'rollback' restores what was there from
it, and 'rollout --resume' goes on with a roll-out that was cut off, however it was. A namespace
that has changed since the plan was made is refused by name, and so is a label that another field
manager owns, unless --force is given. Two roll-outs on one cluster exclude each other: the lock is
the lease psp2pss-rollout in kube-system.

The journal keeps the guards that were asked for: whoever resumes goes on batch by batch, with
--verify, --verify-wait, --rollback-on-failure, --allow-partial and --force as at the beginning, and
may add to them. A roll-out of which all was taken back, by hand or by --rollback-on-failure, is not
gone on with.

A saved plan is rolled out on the cluster that it was made from and on no other: the UID of
kube-system tells. One that was made from files names no cluster, and needs --this-cluster.

The labels are applied under the field manager psp2pss, and it owns nothing else. What the server
made of each write is read back: labels that a mutating webhook or policy changed along with it are
told, also by --dry-run=server, and rollback takes them back.

Before the first write the server is asked whether this user may take all steps, and take them back:
rights that are missing are named, and nothing is begun. --print-role prints roles that have them.

Exit codes: 0 done, or the namespaces are as asked for already; 1 failed, or a step was refused; 3
--verify found something that is not ok; 4 all that was asked for was left alone, or something could
not be read (--allow-partial turns 4 into 0).`,
		Example: `  # What would be done
  psp2pss rollout --plan plan.json --stage observe --dry-run=client

  # Warn and audit everywhere, then enforce in two namespaces, then let their pods past the policies
  psp2pss rollout --plan plan.json --stage observe
  psp2pss rollout --stage enforce -n shop -n blog
  psp2pss rollout --stage bypass -n shop -n blog

  # In a pipeline: ten namespaces at a time, those labelled wave=1 before those labelled wave=2
  psp2pss rollout --stage enforce --yes --journal enforce.journal --wave-label wave --batch 10

  # Enforce, have the server judge a pod of every template, and go back if it refuses one
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
	flags.StringSliceVar(&f.stages, "stage", nil, "stage to take: observe (the default), enforce, bypass; may be repeated")
	registerCompletion(cmd, "stage", stageNames())
	flags.StringVar(&f.o.Rollout.WaveLabel, "wave-label", "", "label of namespaces by whose values waves are made: in their order, 2 before 10, those without it last; each goes through all stages before the next begins")
	flags.IntVar(&f.o.Rollout.Batch, "batch", 0, "namespaces to a batch; between batches a person is asked whether to go on (default all of a stage)")
	flags.IntVar(&f.o.Rollout.MaxNamespaces, "max-namespaces", 0, "change no more namespaces than this")
	enumFlag{&f.o.DryRun, "mode", []string{dryRunNone, dryRunClient, dryRunServer}}.add(cmd, "dry-run", "", "only print the steps (client), or have the server check each without keeping it (server)")
	flags.BoolVarP(&f.o.Yes, "yes", "y", false, "do not ask; needed where no terminal is")
	flags.BoolVar(&f.o.ThisCluster, thisClusterFlag, false, "the plan names no cluster, since it was made from files, and is meant for this one")
	flags.BoolVar(&f.o.Rollout.Force, forceFlag, false, "take over namespaces and labels that another tool writes")
	flags.StringVar(&f.o.Journal, journalFlag, "", "file to write the journal to; it must not exist (default psp2pss-CONTEXT-TIME.journal)")
	flags.BoolVar(&f.o.Resume, "resume", false, "go on with the roll-out of --journal, under the guards that it was begun with; what was refused is tried again, namespaces of which something was taken back are left alone, and so are those of --exclude")
	f.o.Verify.add(flags)
	enumFlag{&f.output, "format", []string{"table", "json"}}.add(cmd, "output", "o", "how to tell the steps")
	flags.BoolVar(&role, printRoleFlag, false, "print the roles that --stage and --verify need, and the way back from them, and do nothing else")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if role {
			return f.printRole(streams)
		}
		o, err := f.options(cmd, streams, deps)
		if err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// printRole prints the roles for the stages that were asked for.
func (f *rolloutFlags) printRole(streams Streams) error {
	stages, err := parseStages(f.stages)
	if err != nil {
		return err
	}
	return asRunError(printRolloutRole(streams.Out, &f.source, rollout.PermissionOptions{Stages: stages, Verify: f.o.Verify.Asked || f.o.Verify.RollbackOnFailure}))
}

const journalFlag = "journal"

func stageNames() []string {
	var names []string
	for _, s := range rollout.Stages() {
		names = append(names, string(s))
	}
	return names
}

// parseStages reads the values of --stage.
func parseStages(values []string) ([]rollout.Stage, error) {
	var stages []rollout.Stage
	for _, v := range values {
		if !slices.Contains(stageNames(), v) {
			return nil, usagef("--stage=%q: it is not one of %s", v, strings.Join(stageNames(), ", "))
		}
		stages = append(stages, rollout.Stage(v))
	}
	return stages, nil
}

// options checks all flags before anything is touched.
func (f *rolloutFlags) options(cmd *cobra.Command, streams Streams, deps Deps) (*rolloutOptions, error) {
	flags := cmd.Flags()
	o := f.o
	o.streams, o.deps, o.JSON = streams, deps, f.output == "json"
	var err error
	if o.Rollout.Stages, err = parseStages(f.stages); err != nil {
		return nil, err
	}
	for _, name := range []string{"batch", "max-namespaces"} {
		if n, _ := flags.GetInt(name); flags.Changed(name) && n <= 0 {
			return nil, usagef("--%s=%d must be a number of namespaces above 0: give one, or leave the flag out", name, n)
		}
	}
	if o.Decide, err = f.decide.options(flags); err != nil {
		return nil, err
	}
	f.source.NeedsCluster = o.DryRun != dryRunClient || f.source.Plan != ""
	if o.DryRun != dryRunClient && (f.source.Demo || len(f.source.Files) > 0 && f.source.Context == "" && f.source.Kubeconfig == "") {
		return nil, usagef("a roll-out needs a cluster: add --%s or --%s, or --dry-run=client to see the steps", contextFlag, kubeconfigFlag)
	}
	if err = f.source.validate(flags, streams); err != nil {
		return nil, err
	}
	if err = f.source.checkTargetVersion(o.Decide.Target); err != nil {
		return nil, err
	}
	o.Source = f.source
	if o.Scope, err = f.scope.parse(flags); err != nil {
		return nil, err
	}
	return &o, o.check(flags)
}

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
	case o.DryRun == dryRunNone && !o.Yes && !o.streams.Interactive:
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

// resumeFlags may be given when a roll-out goes on: they say where, as whom and how, not what.
func resumeFlags() []string {
	return []string{"resume", journalFlag, "yes", verifyFlag, verifyWaitFlag, rollbackOnFailureFlag, forceFlag, "exclude", "output", "dry-run", allowPartialFlag, kubeconfigFlag, contextFlag, asFlag, asGroupFlag, timeoutFlag, customFlag}
}

// rolloutRun makes the steps and takes them.
func rolloutRun(ctx context.Context, o *rolloutOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if o.Resume {
		return resumeRollout(ctx, o)
	}
	plan, err := readOrBuildPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
	if err != nil {
		return err
	}
	var on rolloutTarget
	switch {
	case o.DryRun != dryRunClient:
		if on, err = o.connectToPlannedCluster(ctx, plan); err != nil {
			return err
		}
	case o.Source.Context != "" || o.Source.Kubeconfig != "": // only whether there are such: nothing is asked of a server
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
	steps, left := rollout.PlanSteps(selected, o.Rollout)
	warnUnrestorableLabels(o.streams.ErrOut, steps)
	out := newRolloutPrinter(o.streams, o.JSON)
	out.addSkipped(left)
	switch {
	case o.DryRun == dryRunClient:
		for i, s := range steps {
			out.addOutcome(rollout.Outcome{Index: i, Step: s, DryRun: true})
		}
	case len(steps) > 0:
		if err := o.beginRollout(ctx, on, selected, steps, out); err != nil {
			return errors.Join(err, out.flush())
		}
	}
	if len(steps) == 0 && len(left) > 0 && !o.Decide.AllowPartial && !isAlreadyAsPlanned(selected, left) {
		return errors.Join(nothingDoneError(left), out.flush())
	}
	return o.finishRollout(out, plan)
}

// isAlreadyAsPlanned is true if a namespace needs no step since it is as it should be. One that was left alone is not.
func isAlreadyAsPlanned(selected *migrate.Plan, left []rollout.Skipped) bool {
	return slices.ContainsFunc(selected.Namespaces, func(ns migrate.Namespace) bool {
		return !slices.ContainsFunc(left, func(l rollout.Skipped) bool { return l.Namespace == ns.Name })
	})
}

// rolloutTarget is the cluster that is written to: a client of it, the name of the context, and the UID of kube-system.
type rolloutTarget struct {
	client    dynamic.Interface
	name, uid string
}

// connectToPlannedCluster connects to the cluster, and returns an error where a saved plan is not of it.
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

// beginRollout takes the steps, or has the server check them.
func (o *rolloutOptions) beginRollout(ctx context.Context, on rolloutTarget, selected *migrate.Plan, steps []rollout.Step, out *rolloutPrinter) error {
	r := &rollout.Runner{Client: on.client, Force: o.Rollout.Force, Recheck: o.namespaceReplanner(selected.Admission), KnownViolations: rollout.KnownViolations(selected), Kubectl: o.Source.kubectlCommand(on.name), OnOutcome: out.addOutcome}
	lacking := o.checkPermissions(ctx, on.client, steps)
	if o.DryRun == dryRunServer {
		r.Steps = steps
		return errors.Join(r.Run(ctx), lacking)
	}
	if lacking != nil {
		return lacking
	}
	if !o.Yes && !o.streams.confirm(ctx, fmt.Sprintf("Take %s on the cluster of context %s?", countSteps(steps), on.name)) {
		return errors.New("nothing was done")
	}
	header := rollout.JournalHeader{
		Tool: "psp2pss " + readBuildInfo().Version, Started: time.Now().UTC(), Context: on.name, TargetVersion: selected.TargetVersion,
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
	_, _ = fmt.Fprintf(o.streams.ErrOut, "The journal is %s. To go back: %s\n", escape.Terminal(path), o.journalCommand("rollback", path))
	return o.runSteps(ctx, r, out)
}

// runSteps runs, verifies if asked to, and says how to go on with what was cut off.
func (o *rolloutOptions) runSteps(ctx context.Context, r *rollout.Runner, out *rolloutPrinter) error {
	r.BeforeBatch = func(ctx context.Context, batch int) error {
		if err := o.verifyBatch(ctx, r); err != nil {
			return err
		}
		// Before the first step somebody was just asked.
		if out.taken > 0 && o.streams.Interactive && !o.Yes && !o.streams.confirm(ctx, fmt.Sprintf("Go on with batch %d?", batch+1)) {
			return cmp.Or(ctx.Err(), fmt.Errorf("stopped before batch %d", batch+1))
		}
		return nil
	}
	err := r.Run(ctx)
	if err == nil {
		err = o.verifyBatch(ctx, r)
	}
	var findings findingsError
	var locked *rollout.LockedError
	switch resume := o.resumeCommand(r.Journal); {
	case err == nil:
		return nil
	case errors.As(err, &findings) && o.Verify.RollbackOnFailure:
		return o.rollBackAfterFailure(ctx, r, err)
	case errors.As(err, &locked):
		return errorWithAdvice{err, "nothing was done; after that: " + resume}
	default:
		return errorWithAdvice{err, "to go on: " + resume + "\nto go back: " + o.journalCommand("rollback", r.Journal.Path())}
	}
}

// journalCommand is a command about the journal, on the same cluster as the same user.
func (o *rolloutOptions) journalCommand(verb, journal string) string {
	words := []string{o.deps.ToolName, verb, "--" + journalFlag, escape.Shell(journal)}
	for _, f := range [][2]string{{kubeconfigFlag, o.Source.Kubeconfig}, {contextFlag, o.Source.Context}, {asFlag, o.Source.As}} {
		if f[1] != "" {
			words = append(words, "--"+f[0], escape.Shell(f[1]))
		}
	}
	for _, group := range o.Source.AsGroups {
		words = append(words, "--"+asGroupFlag, escape.Shell(group))
	}
	return strings.Join(words, " ")
}

// namespaceReplanner plans one namespace again, as it is now, on a server with the same admission configuration.
func (o *rolloutOptions) namespaceReplanner(admission *migrate.Admission) func(context.Context, string, string, string) (*migrate.Namespace, error) {
	src := SourceOptions{Kubeconfig: o.Source.Kubeconfig, Context: o.Source.Context, As: o.Source.As, AsGroups: o.Source.AsGroups, SkipCustomResources: o.Source.SkipCustomResources, NeedsCluster: true}
	return func(ctx context.Context, namespace, level, version string) (*migrate.Namespace, error) {
		src.Namespace = namespace
		var inv *inventory.Inventory
		inv, err := o.deps.LoadInventory(ctx, src)
		if err != nil {
			return nil, err
		}
		target, err := api.ParseVersion(version)
		if version != "" && err != nil {
			return nil, err
		}
		plan, err := o.deps.BuildPlan(inv, migrate.Options{Target: target, Enforce: api.Level(level), Admission: admission})
		if err != nil {
			return nil, err
		}
		for i := range plan.Namespaces {
			if ns := &plan.Namespaces[i]; ns.Name == namespace {
				ns.Complete = ns.Complete || o.Decide.AllowPartial
				return ns, nil
			}
		}
		return &migrate.Namespace{Name: namespace, Complete: len(plan.Gaps) == 0 || o.Decide.AllowPartial}, nil
	}
}

var invalidNameChars = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// defaultFileName returns what the names of a journal and of backups begin with: psp2pss-CONTEXT-TIME, without characters
// that a file name or a shell may not have.
func defaultFileName(contextName string, at time.Time) string {
	name := strings.Trim(invalidNameChars.ReplaceAllString(contextName, "-"), "-")
	return fmt.Sprintf("psp2pss-%s-%s", name[:min(len(name), 60)], at.Format("20060102T150405Z"))
}

// finishRollout sums up, and judges what the plan could not tell.
func (o *rolloutOptions) finishRollout(out *rolloutPrinter, plan *migrate.Plan) error {
	if err := out.end(); err != nil {
		return err
	}
	return planExitError(plan, o.Scope, nil, o.Decide.AllowPartial)
}
