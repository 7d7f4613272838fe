package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/check"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// checkOptions are the flags of "psp2pss check", parsed.
type checkOptions struct {
	streams Streams
	deps    Deps

	Source    SourceOptions
	FilesFrom string
	// Since is the file of an earlier result, Exceptions that of exceptions; "" for the one of the working directory.
	Since, Exceptions string
	Namespace         string
	Level             api.Level
	Targets           []api.Version
	FailOn            []string
	Outputs           []outputTarget[*finding.Result]

	NoHeaders, AllowPartial bool
	// Listed is true where the files were listed one by one: with --files-from, or as arguments, as pre-commit does.
	Listed bool

	// again are the flags given, for another run over what a pipe renders.
	again []string
}

// checkFlags are the values of the flags of "psp2pss check", as given.
type checkFlags struct {
	level           string
	targets         []string
	outputs, failOn []string
}

// The names of flags of "psp2pss check", and the values of its --fail-on that other commands do not have.
const (
	filesFromFlag = "files-from"
	failOnAny     = "any"
	failOnNew     = "new"
	failOnNone    = "none"
)

// newCheck returns the command "psp2pss check", which runs runF with its flags, or checkRun.
func newCheck(streams Streams, deps Deps, runF func(context.Context, *checkOptions) error) *cobra.Command {
	if runF == nil {
		runF = checkRun
	}
	o := &checkOptions{streams: streams, deps: deps}
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [FILE...]",
		Short: "Check manifests against the level of their namespace",
		Long: `Check says for every manifest with pods whether Pod Security admission would let its pods in, with
file, line and column of the field that keeps them out and of what to write there. Every object is
judged by itself, as it is written: nothing is merged, and no server is asked to take it. Files and
folders are named with -f or as arguments.

The level comes from the first of these that knows it, and the version of the standards with it:
--level; the labels of the Namespace among the files; what --plan recommends for the namespace; the
labels of the namespace on a live cluster (--context or --kubeconfig), of which only namespaces are
read. With --admission-config a Namespace among those that has no label for a mode gets the default
of the API servers, and what they exempt is asked for nothing; with --level that file is not used,
and a note says so. Where none of them knows a level, nothing is guessed: the exit code is 2. With
--target-version the version is that one, whatever else says.

Of labels enforce decides where it is stricter than privileged. Else warn does, and what it finds is
a warning; else audit, and that is a note.

Pod Security admission refuses pods only: a Deployment is taken, with a warning where the namespace
has the warn label, and its pods are refused later. Charts and kustomizations have to be rendered
first.

What may fail a check is said with a reason: by an annotation of the object, such as
psp2pss.dev/allow.hostPathVolumes: "reads the node's logs; until=2027-03-31", or in a file
.psp2pss.yaml (--exceptions). An exception without a reason, or past its day, is a finding itself.
Such a file is:

  apiVersion: psp2pss.dev/v1
  kind: Exceptions
  exceptions:
  - rule: hostPathVolumes
    object: {kind: DaemonSet, namespace: logging, name: fluent-*}
    reason: reads the logs of the node
    until: 2027-03-31

With --quiet the table on standard output has only what was found and what could not be read: it is
empty where all is well.

Exit codes: 0 nothing found; 2 wrong usage, or no level is known; 3 findings; 4 something could not
be read or evaluated (--allow-partial turns it into 0).`,
		Example: `  # Check a folder of manifests against a level
  psp2pss check -R -f deploy/ --level=restricted

  # Check files by name, as hooks of Git and pre-commit pass them
  psp2pss check deploy/web.yaml deploy/job.yaml --level=baseline

  # Check what a chart renders to, at two versions
  helm template shop ./chart -n shop | psp2pss check -f - -n shop --level=baseline --target-version=v1.25,latest

  # Check what a branch changes against the levels of a saved plan
  git diff --name-only --diff-filter=d main |
    psp2pss check --files-from - --plan plan.json

  # Fail on what is new since a saved result only
  psp2pss check -R -f deploy/ --level=restricted --since=result.json`,
		Args:              fileArguments,
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.takeArguments(args)
			if err := o.complete(cmd.Flags(), &f); err != nil {
				return err
			}
			return asRunError(runF(cmd.Context(), o))
		},
	}
	f.add(cmd, o)
	return cmd
}

// add defines the flags of "psp2pss check".
func (f *checkFlags) add(cmd *cobra.Command, o *checkOptions) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVarP(&o.Source.Files, fileFlag, "f", nil, "files or folders to check (YAML, JSON, gzip), or - for standard input; may be repeated")
	flags.BoolVarP(&o.Source.Recursive, recursiveFlag, "R", false, "descend into the folders given with -f")
	addSkipPathFlag(flags, &o.Source)
	addKustomizeFlag(flags)
	flags.StringVar(&o.FilesFrom, filesFromFlag, "", "file with the paths to check, one a line, as git diff --name-only --diff-filter=d writes them (also with -z), or - for standard input; what is deleted or no YAML or JSON is passed over")
	flags.StringVarP(&o.Namespace, "namespace", "n", "", "namespace of objects that name none")
	enumFlag{&f.level, "level", levels.Names()}.add(cmd, "level", "", "level to ask of everything, whatever labels or a plan say")
	flags.StringSliceVar(&f.targets, targetVersionFlag, nil, `versions of the standards to ask for, such as v1.25,latest, whatever labels or a plan say (default those that come with the level; with --level latest)`)
	flags.StringVar(&o.Source.Plan, planFlag, "", "saved plan that recommends the levels of namespaces whose labels are not among the files, or - for standard input")
	addConnectionFlags(flags, &o.Source)
	addAdmissionConfigFlag(flags, &o.Source.AdmissionConfig)
	flags.StringVar(&o.Since, sinceFlag, "", "earlier result of check (saved with -o json=FILE) or saved plan, or - for standard input: only what is new since then fails, and what is fixed is shown")
	flags.StringVar(&o.Exceptions, exceptionsFlag, "", "file of exceptions, each with its reason, beside those of annotations psp2pss.dev/allow.CHECK (default .psp2pss.yaml of the working directory, if it is there)")
	flags.StringSliceVar(&f.failOn, "fail-on", nil, "exit 3 for any finding (any, the default), for new ones only (new, the default with --since) or for none of them (none); with --plan also as for plan (privileged, baseline, change, loosening); may be repeated")
	registerCompletion(cmd, "fail-on", checkFailOnNames())
	addOutputFlag(cmd, &f.outputs, checkFormats(o.streams, o.deps))
	flags.BoolVar(&o.NoHeaders, "no-headers", false, "print one line for each place or gap, and nothing around them")
	flags.BoolVar(&o.AllowPartial, allowPartialFlag, false, "exit 0 instead of 4 where something could not be read")
}

// checkFailOnNames returns the values of --fail-on of "psp2pss check".
func checkFailOnNames() []string {
	return slices.Concat([]string{failOnAny, failOnNew, failOnNone}, failOnNames())
}

// complete sets the options of "psp2pss check" from its flags, and refuses flags that contradict each other.
func (o *checkOptions) complete(flags *pflag.FlagSet, f *checkFlags) error {
	var err error
	if o.FailOn, err = f.parseFailOn(o.Source.Plan); err != nil {
		return err
	}
	if err := o.completeSince(len(f.failOn) > 0); err != nil {
		return err
	}
	if o.Targets, err = parseTargetVersions(f.targets); err != nil {
		return err
	}
	o.Level = api.Level(f.level)
	if o.Namespace != "" && !inventory.IsDNSLabel(o.Namespace) {
		return usagef("-n %q is not the name of a namespace: use at most 63 lower-case letters, digits and '-'", o.Namespace)
	}
	if o.Outputs, err = parseOutputs(f.outputs, checkFormats(o.streams, o.deps)); err != nil {
		return err
	}
	connection := pflag.NewFlagSet("", pflag.ContinueOnError)
	addConnectionFlags(connection, &SourceOptions{})
	o.again = givenArguments(flags, append([]string{
		"namespace", "level", targetVersionFlag, planFlag, admissionConfigFlag, sinceFlag, exceptionsFlag, "fail-on", "output", "no-headers", allowPartialFlag,
	}, flagNames(connection)...))
	return o.checkSource(flags)
}

// checkSource returns the usage error for flags that name no files, or standard input twice.
func (o *checkOptions) checkSource(flags *pflag.FlagSet) error {
	stdin := 0
	for _, name := range append([]string{o.Source.Plan, o.FilesFrom, o.Since, o.Exceptions}, o.Source.Files...) {
		if name == files.StdinPath {
			stdin++
		}
	}
	switch {
	case len(o.Source.Files) == 0 && o.FilesFrom == "":
		return usagef("there is nothing to check: name files or folders, or a list of them with --%s", filesFromFlag)
	case stdin > 1:
		return usagef("standard input can be read once: only one of -f -, --%s -, --%s -, --%s - and --%s -", filesFromFlag, planFlag, sinceFlag, exceptionsFlag)
	case o.Source.Recursive && len(o.Source.Files) == 0:
		return usagef("--%s needs a folder: add -f FOLDER", recursiveFlag)
	case o.Source.Timeout < 0:
		return usagef("--%s=%s is negative: give a duration such as 5m", timeoutFlag, o.Source.Timeout)
	}
	if err := o.Source.checkSkipPaths(); err != nil {
		return err
	}
	if err := o.Source.checkConnection(); err != nil {
		return err
	}
	if err := o.Source.checkClusterFlags(flags); err != nil {
		return err
	}
	o.Source.Stdin = o.streams.In
	return nil
}

// parseFailOn returns the values of --fail-on of "psp2pss check", any without one, or a usage error for those that mean nothing here.
func (f *checkFlags) parseFailOn(plan string) ([]string, error) {
	if len(f.failOn) == 0 {
		return []string{failOnAny}, nil
	}
	values, err := checkFailOn(f.failOn, failOnAny, failOnNew, failOnNone)
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		if v == failOnNone && len(values) > 1 {
			return nil, usagef("--fail-on=%s excludes the other values: leave it out, or them", failOnNone)
		}
		if slices.Contains(failOnNames(), v) && plan == "" {
			return nil, usagef("--fail-on=%s looks at the namespaces of a plan: add --%s", v, planFlag)
		}
	}
	return values, nil
}

// parseTargetVersions reads the values of --target-version of "psp2pss check", and returns them oldest first, each once.
func parseTargetVersions(values []string) ([]api.Version, error) {
	var out []api.Version
	for _, text := range values {
		v, err := parseTargetVersion(text)
		if err != nil {
			return nil, err
		}
		if err := migrate.CheckTargetVersion(v, ""); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b api.Version) int {
		switch {
		case a.Older(b):
			return -1
		case b.Older(a):
			return 1
		}
		return 0
	})
	return slices.Compact(out), nil
}

// checkRun reads the manifests, judges them and prints what was found.
func checkRun(ctx context.Context, o *checkOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if err := checkOutputFiles(o.Outputs); err != nil {
		return err
	}
	listed, gaps, err := o.listFiles(ctx)
	if err != nil {
		return err
	}
	if err := refuseSnapshots(listed, "check"); err != nil {
		return err
	}
	if err := o.checkOverwrites(ctx, listed); err != nil {
		return err
	}
	allowed, err := o.readExceptions(ctx)
	if err != nil {
		return err
	}
	before, err := o.readSince(ctx)
	if err != nil {
		return err
	}
	opts, err := o.demands(ctx)
	if err != nil {
		return err
	}
	result := check.Empty(toolVersion())
	if len(listed) > 0 {
		r := &files.Reader{Paths: listed, Recursive: o.Source.Recursive, Skip: o.Source.SkipPaths, Stdin: o.Source.Stdin}
		if result, err = o.check(ctx, r, opts); err != nil {
			return err
		}
	}
	result.Gaps = append(result.Gaps, gaps...)
	o.applyExceptions(result, allowed)
	before.compare(result)
	if err := writeOutputs(o.streams, o.Outputs, result, o.NoHeaders); err != nil {
		return err
	}
	return o.exitError(result, opts.Plan)
}

// toolVersion returns the version of this tool alone.
func toolVersion() string { return readBuildInfo().Version }

// check reads and judges the manifests, with progress on a terminal. What has to be rendered first, or has no level, is a usage error.
func (o *checkOptions) check(ctx context.Context, r *files.Reader, opts check.Options) (*finding.Result, error) {
	p := o.streams.startProgress("reading manifests")
	r.Progress = p.update
	result, err := callUntilCancelled(ctx, "reading the manifests", func() (*finding.Result, error) { return check.Run(ctx, r, opts) })
	p.close()
	var unknown *check.UnknownLevelError
	var unrendered *check.UnrenderedError
	switch {
	case errors.As(err, &unknown):
		return nil, usageError{err}
	case errors.As(err, &unrendered):
		return nil, usageError{errorWithAdvice{o.orSkipped(unrendered), o.pipes(unrendered.Pipes)}}
	}
	return result, skipPathError(err)
}

// pipes returns the lines that render what a check cannot read and check it as this run would have.
func (o *checkOptions) pipes(lines []string) string {
	var words strings.Builder
	for _, arg := range o.again {
		words.WriteString(" " + escape.Shell(arg))
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		render, check, _ := strings.Cut(line, "| psp2pss ")
		if bare, ok := strings.CutSuffix(render, " -n NAMESPACE "); ok && o.Namespace != "" {
			render = bare + " -n " + escape.Shell(o.Namespace) + " "
		}
		out[i] = render + "| " + o.deps.ToolName + " " + check + words.String()
	}
	return strings.Join(out, "\n")
}

// demands returns what may demand a level of the manifests, with the plan and the namespaces of the cluster that the flags name.
func (o *checkOptions) demands(ctx context.Context) (check.Options, error) {
	opts := check.Options{ToolVersion: toolVersion(), Level: o.Level, Versions: o.Targets, Namespace: o.Namespace, Listed: o.Listed}
	if o.Source.Plan != "" {
		plan, err := callUntilCancelled(ctx, "reading the plan", func() (*migrate.Plan, error) { return readNamedPlan(o.Source.Plan, o.Source.Stdin) })
		if err != nil {
			return opts, err
		}
		opts.Plan, opts.PlanName = plan, o.Source.Plan
	}
	admission, err := readAdmissionConfig(ctx, o.Source.AdmissionConfig)
	if err != nil {
		return opts, err
	}
	if admission != nil {
		opts.Admission = &check.AdmissionConfig{Admission: admission, Name: o.Source.AdmissionConfig}
	}
	if o.Level != "" || !o.Source.NamesCluster() {
		return opts, nil
	}
	inv, err := o.readNamespaces(ctx)
	if err != nil {
		return opts, err
	}
	opts.Cluster = &check.Cluster{Name: cmp.Or(inv.Source.Name, inv.Source.Server), ServerVersion: inv.Source.ServerVersion, Namespaces: inv.Namespaces}
	return opts, nil
}

// readNamespaces reads the namespaces of the cluster that the flags name, and nothing else of it. What could not be read of them is an
// error, since levels would be missing.
func (o *checkOptions) readNamespaces(ctx context.Context) (*inventory.Inventory, error) {
	src := o.Source.sameCluster()
	src.OnlyNamespaces = true
	inv, err := readInventory(ctx, o.streams, o.deps, src)
	if err == nil && len(inv.Namespaces) == 0 && len(inv.Gaps) > 0 {
		err = fmt.Errorf("reading the namespaces of the cluster: %s", inv.Gaps[0].Why.Text)
	}
	return inv, err
}

// exitError returns the error that ends "psp2pss check": findings that --fail-on asks for, then what could not be read.
func (o *checkOptions) exitError(r *finding.Result, plan *migrate.Plan) error {
	if n, objects := o.failing(r); n > 0 {
		what := english.Count(n, "finding", "findings")
		if !slices.Contains(o.FailOn, failOnAny) {
			what = english.Count(n, "new finding", "new findings")
		}
		return findingsError{fmt.Errorf("%s in %s: see the output", what, english.Count(objects, "workload", "workloads"))}
	}
	if plan != nil {
		if err := planExitError(plan, migrate.NamespaceScope{}, o.FailOn, true); err != nil {
			return err
		}
	}
	if n := len(r.Gaps); n > 0 && !o.AllowPartial {
		return partialError{fmt.Errorf("%s could not be read or evaluated: see the output, or accept it with --%s", english.Count(n, "thing", "things"), allowPartialFlag)}
	}
	return nil
}

// failing returns how many findings --fail-on is about, and of how many workloads (or files of exceptions).
func (o *checkOptions) failing(r *finding.Result) (findings, objects int) {
	workloads, others := map[int]bool{}, map[finding.Object]bool{}
	for i, owner := range r.Owners() {
		f := &r.Findings[i]
		if !slices.Contains(o.FailOn, failOnAny) && (!slices.Contains(o.FailOn, failOnNew) || !f.New) {
			continue
		}
		findings++
		if owner < 0 {
			others[f.Object] = true
			continue
		}
		workloads[owner] = true
	}
	return findings, len(workloads) + len(others)
}
