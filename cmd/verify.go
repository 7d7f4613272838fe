package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/migrate/rollout/verify"
)

// verifyOptions are what the flags of the command verify become.
type verifyOptions struct {
	streams Streams
	deps    Deps

	Source SourceOptions
	Decide migrate.Options
	Scope  migrate.NamespaceScope
	// Journal names the roll-out to verify; without it a plan says what is expected, of Stages.
	Journal   string
	Stages    []labels.Stage
	Recreate  bool
	AuditLogs []string
	Wait      time.Duration
	Outputs   []outputTarget[*report.Verification]
	NoHeaders bool

	// selectorError is set once the plan is read, if the selector could not be applied to some namespaces of it.
	selectorError error
}

// verifyFlags are the values of the flags of the command verify, as given.
type verifyFlags struct {
	source  SourceOptions
	decide  planFlagValues
	scope   scopeFlags
	stages  []string
	outputs []string
	o       verifyOptions
}

// newVerify returns the cobra command "verify", which runs runF with its options; nil is verifyRun.
func newVerify(streams Streams, deps Deps, runF func(context.Context, *verifyOptions) error) *cobra.Command {
	if runF == nil {
		runF = verifyRun
	}
	f := verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check labels after a stage, and that controllers get their pods",
		Long: `Verify checks the namespaces of a live cluster after a stage of a roll-out, and prints for each what
is ok, what is not, and what is unknown:

  labels     they are as the journal, or the plan, says; after a rollback, as before the roll-out
  steps      with --journal: steps that were refused, altered, interrupted, not taken yet, or not
             reverted by a rollback, with the command that continues; and bindings that are gone
  refusals   no controller is newly refused pods by Pod Security, by a policy, or by what 'generate'
             wrote for it
  pods       every controller has as many pods as it asks for, ready or not
  recreate   with --recreate-one: the server would admit a pod of every template
  audit log  with --audit-log: what Pod Security noted about requests, by workload, and which pods a
             policy that 'generate' wrote refused, or will refuse once its action is deny. Before
             v1.37 API servers note only the first policy that a request fails
  policies   with the --journal of 'rollout --stage policies', and then alone: each object of the set
             is as it was installed and, by the dry run of a pod, in force

Labels do not touch running pods: what breaks shows when a pod is created again. --recreate-one asks
the server now, with creates that are dry runs and keep nothing. They are made as the user who runs
verify: before v1.25 they do not show what the policies would say to the pod's own account, and for
a user who is exempt they do not show what Pod Security would say to others.

Controllers that lacked pods before the roll-out, by the journal, are named and are no failure.
Refusals of a ReplicaSet or Job are shown for its Deployment or CronJob.

Exit codes: 0 all is ok; 3 something is not ok; 4 something is unknown (--allow-partial turns
4 into 0).`,
		Example: `  # After a roll-out: what its journal says
  psp2pss verify --journal enforce.journal

  # Ask the server for a pod of every template, and give controllers two minutes
  psp2pss verify --journal enforce.journal --recreate-one --wait 2m

  # Labels that were put on by a script
  psp2pss verify --plan plan.json --stage observe

  # What the API server noted, out of its audit logs
  psp2pss verify --plan plan.json --audit-log audit.log --audit-log audit-old.log.gz -n shop`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.o.Journal, journalFlag, "", "journal of the roll-out to verify; without it a plan says what is expected")
	addSourceFlags(flags, &f.source)
	f.scope.add(flags)
	f.decide.add(cmd)
	flags.StringSliceVar(&f.stages, "stage", nil, "expect the labels of this stage of the plan: observe, enforce; may be repeated (default both)")
	registerCompletion(cmd, "stage", []string{string(labels.StageObserve), string(labels.StageEnforce)})
	flags.BoolVar(&f.o.Recreate, "recreate-one", false, "have the server check a pod of every template, in a dry run")
	flags.StringArrayVar(&f.o.AuditLogs, auditLogFlag, nil, auditLogUsage)
	flags.DurationVar(&f.o.Wait, "wait", 0, "time that controllers may take to get their pods, such as 2m; 0 looks once")
	addOutputFlag(cmd, &f.outputs, report.VerificationFormats())
	flags.BoolVar(&f.o.NoHeaders, "no-headers", false, "print the lines of the table and nothing around them")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := f.options(flags, streams, deps)
		if err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// options checks all flags of the command verify before anything is read.
func (f *verifyFlags) options(flags *pflag.FlagSet, streams Streams, deps Deps) (*verifyOptions, error) {
	o := f.o
	o.streams, o.deps = streams, deps
	var err error
	if o.Outputs, err = parseOutputs(f.outputs, report.VerificationFormats()); err != nil {
		return nil, err
	}
	if o.Journal != "" {
		for _, name := range append(planChangingFlags(), admissionConfigFlag, planFlag, fileFlag, demoFlag, "selector", "stage") {
			if resolveFlagConflict(flags, journalFlag, name) != nil {
				return nil, usagef("--%s and --%s exclude each other: the journal says what is expected", journalFlag, name)
			}
		}
		o.Journal = f.o.Journal // one from the environment gives way to what was given
	}
	for _, s := range f.stages {
		stage := labels.Stage(s)
		if stage != labels.StageObserve && stage != labels.StageEnforce {
			return nil, usagef("--stage=%q: %s", s, notOneOf(s, []string{string(labels.StageObserve), string(labels.StageEnforce)}))
		}
		o.Stages = append(o.Stages, stage)
	}
	f.source.NeedsCluster = true
	if f.source.Demo || len(f.source.Files) > 0 && !f.source.NamesCluster() {
		return nil, usagef("verify looks at a cluster: add --%s or --%s", contextFlag, kubeconfigFlag)
	}
	if o.Decide, o.Scope, err = checkInputFlags(flags, streams, &f.source, &f.decide, &f.scope); err != nil {
		return nil, err
	}
	o.Source = f.source
	return &o, o.check()
}

// check returns a usage error for flags of the command verify that exclude each other.
func (o *verifyOptions) check() error {
	stdin := 0
	for _, name := range append(slices.Clone(o.AuditLogs), append(slices.Clone(o.Source.Files), o.Source.Plan)...) {
		if name == "-" {
			stdin++
		}
	}
	switch {
	case stdin > 1:
		return usagef("standard input can be read once: name a file for all but one")
	case o.Wait < 0:
		return usagef("--wait=%s is negative: give a duration such as 2m", o.Wait)
	}
	return nil
}

// verifyRun runs the command verify: it checks the namespaces of a journal or a plan on the cluster, and prints the
// results.
func verifyRun(ctx context.Context, o *verifyOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if err := checkOutputFiles(o.Outputs); err != nil {
		return err
	}
	v, err := o.expectedState(ctx)
	if err != nil {
		return err
	}
	if v.Journal != nil && verify.InstalledPolicies(v.Journal) {
		return o.verifyPolicies(ctx, v)
	}
	if len(v.Namespaces) == 0 {
		return partialError{fmt.Errorf("nothing to verify: no namespace is meant")}
	}
	v.RecreateOne, v.Wait = o.Recreate, o.Wait
	if v.Audit, err = o.readAudit(ctx); err != nil {
		return err
	}
	results, err := verify.CheckNamespaces(ctx, v)
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	if err := writeOutputs(o.streams, o.Outputs, verificationReport(results), o.NoHeaders); err != nil {
		return err
	}
	return cmp.Or(verifyExitError(results, o.Decide.AllowPartial), o.selectorError)
}

// verifyPolicies checks the objects of the set of admission policies that a journal installs, and prints the results.
func (o *verifyOptions) verifyPolicies(ctx context.Context, v verify.Verification) error {
	for _, f := range []struct {
		name  string
		given bool
	}{{"recreate-one", o.Recreate}, {"wait", o.Wait > 0}, {auditLogFlag, len(o.AuditLogs) > 0}} {
		if f.given {
			return usagef("--%s is about namespaces, and the roll-out of %q has none: it installs policies", f.name, o.Journal)
		}
	}
	results, err := verify.CheckInstalled(ctx, v.Client, v.Journal)
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	if err := writeOutputs(o.streams, o.Outputs, verificationReport(results), o.NoHeaders); err != nil {
		return err
	}
	return verifyExitError(results, o.Decide.AllowPartial)
}

// expectedState connects to the cluster for the command verify, and returns which namespaces to check and what is
// expected of them.
func (o *verifyOptions) expectedState(ctx context.Context) (verify.Verification, error) {
	if o.Journal != "" {
		j, client, err := readJournal(ctx, o.deps, o.Source, o.Journal)
		if err != nil {
			return verify.Verification{}, err
		}
		namespaces, err := o.journalNamespaces(j)
		return verify.OfJournal(client, j, namespaces), err
	}
	plan, err := readOrBuildNamedPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
	if err != nil {
		return verify.Verification{}, err
	}
	selected, err := selectNamespaces(o.streams.ErrOut, plan, o.Scope)
	if err != nil {
		return verify.Verification{}, err
	}
	o.selectorError = unreadLabelsError(plan, o.Scope, o.Decide.AllowPartial)
	client, name, err := o.deps.Connect(o.Source)
	if err != nil {
		return verify.Verification{}, err
	}
	v, terminating := verify.OfPlan(client, selected, o.Stages)
	for _, name := range terminating {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "warning: %s is not verified: it is being deleted\n", escape.Terminal(name))
	}
	if o.Source.Plan != "" { // else it was made of this cluster just now
		_, err = checkClusterOfPlan(ctx, client, plan, o.Source, name)
	}
	return v, err
}

// journalNamespaces returns the namespaces of a journal that the flags -n and --exclude select, sorted.
func (o *verifyOptions) journalNamespaces(j *rollout.Journal) ([]string, error) {
	all := rollout.StepNamespaces(j.Steps)
	if err := errors.Join(checkJournalNames(o.Scope.Namespaces, all)...); err != nil {
		return nil, err
	}
	for _, err := range checkJournalNames(o.Scope.Exclude, all) {
		printWarning(o.streams.ErrOut, "--exclude leaves nothing out: %v", err)
	}
	meant := slices.DeleteFunc(slices.Clone(all), func(ns string) bool {
		return len(o.Scope.Namespaces) > 0 && !slices.Contains(o.Scope.Namespaces, ns) || slices.Contains(o.Scope.Exclude, ns)
	})
	if len(meant) == 0 && len(all) > 0 {
		return nil, usagef("-n and --exclude leave no namespace of the journal: it has %s", strings.Join(all, ", "))
	}
	return meant, nil
}

// checkJournalNames returns an error for each namespace of the flags -n and --exclude that a journal has no step for.
func checkJournalNames(names, journal []string) []error {
	return migrate.UnknownNameErrors("the journal has no step of namespace %q", names, journal)
}

// readJournal reads the journal of the command verify, which another process may have open, and connects to its
// cluster.
func readJournal(ctx context.Context, deps Deps, src SourceOptions, path string) (*rollout.Journal, dynamic.Interface, error) {
	if err := checkJournalExists(path); err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil, nil, rollout.OpenError(path, err)
	}
	defer func() { _ = f.Close() }()
	j, err := rollout.ReadJournal(f)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the journal %q: %w", path, err)
	}
	client, err := connectToJournalCluster(ctx, deps, src, j, path)
	return j, client, err
}

// readAudit reads the audit logs that the flag --audit-log of the command verify names; it returns nil if there are
// none.
func (o *verifyOptions) readAudit(ctx context.Context) (*verify.AuditLog, error) {
	if len(o.AuditLogs) == 0 {
		return nil, nil
	}
	return callUntilCancelled(ctx, "reading the audit log", func() (*verify.AuditLog, error) {
		return verify.ReadAuditLogs(ctx, o.AuditLogs, o.streams.In)
	})
}
