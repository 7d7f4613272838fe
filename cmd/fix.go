package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/fix"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// fixOptions are the parsed flags of the command fix.
type fixOptions struct {
	streams Streams
	deps    Deps

	Source       SourceOptions
	Decide       migrate.Options
	Fix          fix.Options
	Write        bool
	AllowPartial bool
}

// fixFlags are the values of the flags of the command fix, as given.
type fixFlags struct {
	keep, labels  bool
	raise, target string
	include       string
	namespace     string
}

// The flags of the command fix that choose what is written.
const (
	keepFlag    = "keep"
	raiseFlag   = "raise"
	labelsFlag  = "labels"
	includeFlag = "include"
	writeFlag   = "write"
)

// newFix returns the cobra command "fix", which makes edits in manifests.
func newFix(streams Streams, deps Deps, runF func(context.Context, *fixOptions) error) *cobra.Command {
	if runF == nil {
		runF = fixRun
	}
	o := &fixOptions{streams: streams, deps: deps}
	var f fixFlags
	cmd := &cobra.Command{
		Use:   "fix [FILE...]",
		Short: "Make the edits of patch in the manifests themselves",
		Long: `Fix makes in manifests, in files or folders, the edits that 'patch' writes beside them. Comments, the
order of keys, indentation, quotes, anchors and line ends stay as they are. Without --write it
changes nothing and prints a unified diff, which 'git apply' takes.

  --keep      what policies set in the pods by mutation today and the templates do not state. The
              policies are in the input, with the roles that let pods use them, or in the plan of
              --plan. This is the default
  --raise     what the templates lack for a level, restricted if none is named. A plan of the
              cluster says of more edits that they change nothing
  --labels    the Pod Security labels that the plan of --plan recommends, in Namespaces. Where
              Argo CD or a kustomization has them, what to put there is printed

Only edits that are safe are made: they change nothing that can matter. --include=test makes those,
too, that who owns the workload has to try. What takes away something that the manifest asks for, or
replaces a value that it states, as allowPrivilegeEscalation: true, is for people to decide and is
left. It is safe only where the plan of --plan knows that today's pods run with the new value. The
edits of one check are made together: a document that is fixed for a check meets it, which is tried
before anything is written.

What cannot be edited safely is left, and said: files that a program writes, templates of Helm, text
that an anchor shares between two places, manifests in a ConfigMap. Then the exit code is 4.`,
		Example: `  # What would change, as a diff to review
  psp2pss fix -R -f k8s/ --raise

  # Make the edits that are safe, by a plan of the cluster that knows what runs
  psp2pss plan -o json=plan.json
  psp2pss fix -R -f k8s/ --raise=baseline --plan plan.json --write

  # Those that have to be tried, too, through git
  psp2pss fix -R -f k8s/ --raise --include=test | git apply

  # Write down what policies set today, before they go
  psp2pss fix -R -f k8s/ --keep --plan plan.json --write

  # The labels of namespaces in a repository
  psp2pss fix -R -f clusters/prod/ --labels --plan plan.json --write`,
		Args:              fixArguments,
		ValidArgsFunction: completeFiles,
	}
	f.add(cmd, o)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Source.Files = append(o.Source.Files, args...)
		if err := f.complete(cmd.Flags(), o); err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// fixArguments returns the usage error for an argument of the command fix that names no file: a level is given with the flag.
func fixArguments(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if slices.Contains(levels.Names(), arg) {
			return usagef("fix takes files and folders, and got %q: write the level behind an equals sign, as in --%s=%s", arg, raiseFlag, arg)
		}
	}
	return fileArguments(cmd, args)
}

// add defines the flags of the command fix.
func (f *fixFlags) add(cmd *cobra.Command, o *fixOptions) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVarP(&o.Source.Files, fileFlag, "f", nil, "files or folders to fix (YAML, JSON); may be repeated")
	flags.BoolVarP(&o.Source.Recursive, recursiveFlag, "R", false, "descend into the folders given with -f")
	addSkipPathFlag(flags, &o.Source)
	addKustomizeFlag(flags)
	flags.StringVar(&o.Source.Plan, planFlag, "", "read a plan that was saved with 'plan -o json=FILE', or - for standard input")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace of the plan that manifests without one are meant for")
	flags.BoolVar(&f.keep, keepFlag, false, "write down what policies set by mutation today (the default)")
	enumFlag{&f.raise, "level", levels.Names()[1:]}.add(cmd, raiseFlag, "", "write what the templates lack for a level")
	flags.Lookup(raiseFlag).NoOptDefVal = string(api.LevelRestricted)
	flags.BoolVar(&f.labels, labelsFlag, false, "write the labels that the plan recommends into Namespaces")
	enumFlag{&f.include, "safety", []string{string(fix.ReasonTest)}}.add(cmd, includeFlag, "", "make edits, too, that have to be tried")
	flags.StringVar(&f.target, targetVersionFlag, "", `version of the standards, such as v1.25, or "latest" (default v1.25, or that of the plan)`)
	flags.BoolVar(&o.Write, writeFlag, false, "write the files; without it a diff is printed and nothing changes")
	flags.BoolVar(&o.AllowPartial, allowPartialFlag, false, "exit 0 instead of 4 where something could not be read or edited")
}

// complete checks the flags of the command fix together and completes its options.
func (f *fixFlags) complete(flags *pflag.FlagSet, o *fixOptions) error {
	if err := f.chooseSet(flags, &o.Fix); err != nil {
		return err
	}
	switch {
	case len(o.Source.Files) == 0:
		return usagef("there is nothing to fix: name files or folders")
	case slices.Contains(o.Source.Files, files.StdinPath):
		return usagef("standard input cannot be fixed: name the file with -f, or write the edits as patches with 'patch -f -'")
	case o.Fix.Set == fix.SetLabels && o.Source.Plan == "":
		return usagef("--%s writes what a plan recommends: add --%s FILE", labelsFlag, planFlag)
	case f.namespace != "" && o.Source.Plan == "":
		return usagef("-n says which namespace of a plan is meant: add --%s FILE, or leave it out", planFlag)
	case o.Fix.Set != patch.SetRaise && f.target != "" && !setByEnvironment(flags.Lookup(targetVersionFlag)):
		return usagef("--%s is the version whose level is meant: add --%s", targetVersionFlag, raiseFlag)
	case o.Fix.Set == fix.SetLabels && f.include != "" && !setByEnvironment(flags.Lookup(includeFlag)):
		return usagef("--%s is about edits of workloads: labels need no test", includeFlag)
	}
	if err := o.Source.checkSkipPaths(); err != nil {
		return err
	}
	if err := resolveFlagConflict(flags, planFlag, targetVersionFlag); err != nil {
		return savedPlanFlagError(targetVersionFlag)
	}
	var err error
	if o.Decide.Target, err = parseTargetVersion(f.target); err != nil {
		return err
	}
	o.Source.Stdin = o.streams.In
	o.Fix.DefaultNamespace, o.Fix.IncludeTest, o.Fix.ReadFile = f.namespace, f.include != "", os.ReadFile
	if o.Write {
		o.Fix.ReadFile = readWritable
	}
	return migrate.CheckTargetVersion(o.Decide.Target, "")
}

// readWritable returns the bytes of a file to fix, and an error for one that its owner may not write.
func readWritable(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o200 == 0 {
		return nil, errors.New("the file is read-only, and stays as it is: make it writable first (chmod u+w)")
	}
	return os.ReadFile(name) //nolint:gosec // G304: a file that the user names
}

// chooseSet reads from the flags what is to be fixed.
func (f *fixFlags) chooseSet(flags *pflag.FlagSet, o *fix.Options) error {
	names := []string{keepFlag, raiseFlag, labelsFlag}
	for i, a := range names {
		for _, b := range names[i+1:] {
			if resolveFlagConflict(flags, a, b) != nil {
				return usagef("--%s and --%s exclude each other: make one of the two at a time", a, b)
			}
		}
	}
	o.Set, o.Level = patch.SetKeep, api.Level(f.raise)
	switch {
	case f.labels:
		o.Set = fix.SetLabels
	case f.raise != "":
		o.Set = patch.SetRaise
	}
	return nil
}

// fixRun reads manifests and the plan, makes the edits, and writes a diff or the files.
func fixRun(ctx context.Context, o *fixOptions) error {
	var collector *fix.Collector
	src := o.Source
	src.Plan = ""
	src.WrapSink = func(s inventory.Sink) inventory.Sink {
		collector = fix.NewCollector(s)
		return collector
	}
	inv, err := readInventory(ctx, o.streams, o.deps, src)
	if err != nil {
		return skipPathError(err)
	}
	if o.Fix.Plan, err = o.plan(ctx, inv); err != nil {
		return err
	}
	if o.Fix.Set == fix.SetLabels {
		if o.Fix.Kustomizations, err = findKustomizations(&o.Source); err != nil {
			return err
		}
	}
	result, err := fix.Files(ctx, collector, o.Fix)
	if err != nil {
		return err
	}
	if err := o.writeResult(result); err != nil {
		return err
	}
	fix.WriteLeft(o.streams.ErrOut, result, collector)
	return o.exitError(result, collector)
}

// plan returns the saved plan of the command fix, else one of the manifests. It returns an error for a plan that does not say what the
// flags ask for.
func (o *fixOptions) plan(ctx context.Context, inv *inventory.Inventory) (*migrate.Plan, error) {
	var plan *migrate.Plan
	var err error
	if o.Source.Plan != "" {
		plan, err = callUntilCancelled(ctx, "reading the plan", func() (*migrate.Plan, error) { return readNamedPlan(o.Source.Plan, o.Source.Stdin) })
	} else {
		o.Fix.DefaultNamespace = corev1.NamespaceDefault
		plan, err = callUntilCancelled(ctx, "making the plan", func() (*migrate.Plan, error) { return o.deps.BuildPlan(inv, o.Decide) })
	}
	if err != nil {
		return nil, err
	}
	if o.Source.Plan != "" && o.Fix.DefaultNamespace != "" && !slices.ContainsFunc(plan.Namespaces, func(ns migrate.Namespace) bool { return ns.Name == o.Fix.DefaultNamespace }) {
		return nil, plan.NamespaceNotFound(o.Fix.DefaultNamespace)
	}
	if o.Fix.Set == patch.SetKeep && o.Source.Plan == "" && len(plan.Policies) == 0 {
		return nil, usagef("no policy is in the input, and --%s writes what policies set: add --%s FILE or their manifests, or use --%s", keepFlag, planFlag, raiseFlag)
	}
	o.Fix.Version, err = api.ParseVersion(plan.TargetVersion)
	return plan, err
}

// writeResult writes the fixed files and says so, or a diff of them.
func (o *fixOptions) writeResult(result *fix.Result) error {
	for i := range result.Files {
		f := &result.Files[i]
		write := func(b *bytes.Buffer) {
			f.Name = fromHere(f.Name)
			fix.WriteDiff(b, f)
		}
		if o.Write {
			if err := o.writeFile(f); err != nil {
				return err
			}
			write = func(b *bytes.Buffer) { fix.WriteEdits(b, f) }
		}
		var b bytes.Buffer
		if write(&b); o.streams.Width > 0 {
			b = o.forTerminal(&b)
		}
		if _, err := o.streams.Out.Write(b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// fromHere returns the path of a fixed file from the working directory, as a diff has it: of the file that a link leads to, as git
// patches no links. It is the path of that file itself where it is elsewhere.
func fromHere(name string) string {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	here, err := os.Getwd()
	if err == nil {
		here, err = filepath.EvalSymlinks(here)
	}
	if err != nil {
		return name
	}
	absolute := name
	if !filepath.IsAbs(name) {
		absolute = filepath.Join(here, name)
	}
	if path, err := filepath.Rel(here, absolute); err == nil && filepath.IsLocal(path) {
		return path
	}
	return name
}

// forTerminal returns what the command fix writes as a terminal shows it: text is folded, the lines of a diff are not, and no control
// sequence of a file acts.
func (o *fixOptions) forTerminal(text *bytes.Buffer) bytes.Buffer {
	var out bytes.Buffer
	for line := range strings.SplitSeq(strings.TrimSuffix(text.String(), "\n"), "\n") {
		line = escape.Terminal(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "        "))
		bare := strings.TrimLeft(line, "# ")
		indent := line[:len(line)-len(bare)]
		if o.Write || strings.HasPrefix(line, "#") {
			line = indent + strings.Join(report.Fold(bare, o.streams.Width-len(indent)-2), "\n"+indent+"  ")
		}
		out.WriteString(escape.Lines(line) + "\n")
	}
	return out
}

// writeFile writes a fixed file, unless it was changed since it was read.
func (o *fixOptions) writeFile(f *fix.File) error {
	now, err := o.Fix.ReadFile(f.Name)
	if err == nil && !bytes.Equal(now, f.Before) {
		err = errors.New("it was changed since it was read: run the command again")
	}
	if err != nil {
		return fmt.Errorf("fixing %q: %w", f.Name, err)
	}
	return atomicfile.Write(f.Name, func(w io.Writer) error {
		_, err := w.Write(f.After)
		return err
	})
}

// exitError returns the error with which the command fix ends: something could not be read or edited, or there was nothing to fix.
func (o *fixOptions) exitError(result *fix.Result, c *fix.Collector) error {
	fix.WriteSummary(o.streams.ErrOut, result, o.Write)
	if o.AllowPartial {
		return nil
	}
	var what []string
	if n := len(c.Gaps); n > 0 {
		what = append(what, english.Count(n, "thing", "things")+" could not be read")
	}
	if n := result.NotEdited(); n > 0 {
		what = append(what, english.Count(n, "object", "objects")+" could not be edited here")
	}
	switch {
	case len(what) > 0:
		return partialError{fmt.Errorf("%s: see above, or accept it with --%s", strings.Join(what, " and "), allowPartialFlag)}
	case result.Documents == 0 && len(result.Left) == 0:
		return partialError{fmt.Errorf("nothing of what was read can be fixed: %s", nothingToFix(o.Fix.Set))}
	}
	return nil
}

// nothingToFix returns what the input of the command fix does not have.
func nothingToFix(set patch.ValueSet) string {
	if set == fix.SetLabels {
		return "it has no Namespaces"
	}
	return "it has no workloads"
}
