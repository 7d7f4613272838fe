package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// patchOptions are the parsed flags and arguments of the command patch.
type patchOptions struct {
	streams Streams
	deps    Deps

	Source  SourceOptions
	Decide  migrate.Options
	Scope   migrate.NamespaceScope
	Patch   patch.Options
	Outputs []outputTarget[*migrate.Plan]
}

// patchFlags are the values of the flags of the command patch, as given.
type patchFlags struct {
	source       SourceOptions
	scope        scopeFlags
	keep, raise  bool
	level        string
	target       string
	outputs      []string
	allowPartial bool
}

// newPatch returns the cobra command "patch", which writes edits of workloads.
func newPatch(streams Streams, deps Deps, runF func(context.Context, *patchOptions) error) *cobra.Command {
	if runF == nil {
		runF = patchRun
	}
	f := patchFlags{level: string(api.LevelRestricted)}
	cmd := &cobra.Command{
		Use:   "patch [NAMESPACE/KIND/NAME...]",
		Short: "Write edits that keep workloads running, or make them stricter",
		Long: `Patch writes, for all workloads or those that are named, what their templates lack.

--keep (the default) writes down what policies set in their pods by mutation today and their
templates do not state, so that nothing changes after PSP is gone. --raise writes what a stricter
level asks for. Each of its edits is marked: "safe" changes nothing that can matter, "test" has to
be tried by who owns the workload, and the reason is beside it. What no edit solves is named, with
advice. Keep first, then raise: read the cluster again in between.

Patch changes nothing itself. Where a chart or a repository holds the workload, make the change
there: whatever is applied from there next may undo a patch. Else, by form:

  strategic   strategic merge patches, a YAML document each. Save one as a file, and run:
              kubectl patch KIND NAME --namespace=NAMESPACE --patch-file=FILE
  json        a list of JSON patches, which go with the objects as they were read and not as another
              patch has left them. Save the "patch" of one as a file, and run:
              kubectl patch KIND NAME --namespace=NAMESPACE --type=json --patch-file=FILE
  commands    a script of kubectl commands: sh FILE
  kustomize   a component, which is a folder: list it under components of a kustomization

'kubectl apply' is wrong for patches: it takes each for the whole workload and would remove what is
not in it, the image and the selector too; a server refuses that. A workload that edits alone do not
raise gets no patch.

The script of -o commands ends on any other cluster than the one that was read, by the UID of the
namespace kube-system. Where that is not known or may not be read, it runs only with
PSP2PSS_THIS_CLUSTER=1 in its environment.`,
		Example: `  # What the policies set by mutation, as patches to read
  psp2pss patch

  # What keeps a namespace from restricted, as commands
  psp2pss patch -n shop --raise --level=restricted -o commands > raise.sh

  # One workload, from a saved plan
  psp2pss patch shop/deployment/cart --raise --plan plan.json

  # A kustomize component for a repository
  psp2pss patch -n shop --keep -o kustomize=components/keep`,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addSourceFlags(flags, &f.source)
	f.scope.add(flags)
	flags.BoolVar(&f.keep, "keep", false, "write down what policies set by mutation today (the default)")
	flags.BoolVar(&f.raise, "raise", false, "write what a stricter level asks for")
	enumFlag{&f.level, "level", levels.Names()[1:]}.add(cmd, "level", "", "level to raise to")
	flags.StringVar(&f.target, "target-version", "", `version of the standards, such as v1.25, or "latest" (default v1.25, or the server's own minor if that is newer)`)
	addOutputFlag(cmd, &f.outputs, patchFormats(nil))
	flags.BoolVar(&f.allowPartial, allowPartialFlag, false, "exit 0 instead of 4 where something could not be read")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o, err := f.options(cmd, streams, deps, args)
		if err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// options checks all flags and arguments of the command patch before anything is read.
func (f *patchFlags) options(cmd *cobra.Command, streams Streams, deps Deps, args []string) (*patchOptions, error) {
	flags := cmd.Flags()
	o := &patchOptions{streams: streams, deps: deps}
	var err error
	if err = f.chooseEdits(flags, &o.Patch); err != nil {
		return nil, err
	}
	for _, arg := range args {
		namespace, kind, name, err := splitWorkload(arg)
		if err != nil {
			if flags.Changed(fileFlag) && hasFileExtension(arg) {
				err = argumentError(cmd, "patch takes workloads as arguments", arg)
			}
			return nil, err
		}
		o.Patch.Only = append(o.Patch.Only, patch.WorkloadRef{Namespace: namespace, Kind: kind, Name: name})
	}
	decide := planFlagValues{target: f.target, allowPartial: f.allowPartial}
	if o.Decide, o.Scope, err = checkInputFlags(flags, streams, &f.source, &decide, &f.scope); err != nil {
		return nil, err
	}
	o.Source = f.source
	o.Outputs, err = parsePatchOutputs(f.outputs, o)
	return o, err
}

// chooseEdits reads from the flags which edits of workloads are meant: those that keep them running, or reach a level.
func (f *patchFlags) chooseEdits(flags *pflag.FlagSet, o *patch.Options) error {
	if f.keep && f.raise && resolveFlagConflict(flags, "keep", "raise") != nil {
		return usagef("--keep and --raise exclude each other: keep first, read the cluster again, then raise")
	}
	if level := flags.Lookup("level"); level.Changed && !f.raise && !setByEnvironment(level) {
		return usagef("--level is the level to raise to: add --raise")
	}
	o.Tool, o.Set = toolAndVersion(), patch.SetKeep
	if f.raise {
		o.Set, o.Level = patch.SetRaise, api.Level(f.level)
	}
	return nil
}

// patchFormats are the output formats of workload patches, the default first.
func patchFormats(o *patchOptions) []report.Format[*migrate.Plan] {
	form := func(name string, write func(io.Writer, *migrate.Plan, patch.Options) error) report.Format[*migrate.Plan] {
		return report.Format[*migrate.Plan]{Name: name, Write: func(w io.Writer, p *migrate.Plan, _ report.Options) error { return write(w, p, o.Patch) }}
	}
	strategic := func(w io.Writer, p *migrate.Plan, opts report.Options) error {
		return foldComments(w, opts.Width, func(w io.Writer) error { return patch.WriteStrategic(w, p, o.Patch) })
	}
	return []report.Format[*migrate.Plan]{
		{Name: "strategic", Write: strategic},
		form(report.JSONFormat, patch.WriteJSONPatches).WithRows("patches"), form("commands", patch.WriteCommands),
		{Name: kustomizeFormat},
		form("name", patch.WriteNames),
	}
}

// parsePatchOutputs reads the values of -o of the command patch; the kustomize form needs a folder.
func parsePatchOutputs(values []string, o *patchOptions) ([]outputTarget[*migrate.Plan], error) {
	outs, err := parseOutputs(values, patchFormats(o))
	for _, out := range outs {
		if out.format.Name == kustomizeFormat && out.file == "" {
			return nil, usagef("-o %s is a folder of files: name it, as in -o %s=FOLDER", kustomizeFormat, kustomizeFormat)
		}
	}
	return outs, err
}

// patchRun builds or reads the Plan and writes the patches of the workloads in scope.
func patchRun(ctx context.Context, o *patchOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	files, folders := splitOutputs(o.Outputs, kustomizeFormat)
	if err := errors.Join(checkOutputFiles(files), checkOutputFolders(folders)); err != nil {
		return err
	}
	plan, err := readOrBuildNamedPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
	if err != nil {
		return err
	}
	selected, err := selectNamespaces(o.streams.ErrOut, plan, o.Scope)
	if err != nil {
		return err
	}
	if err := checkNamedWorkloads(plan, selected, o.Patch); err != nil {
		return err
	}
	warnOldTarget(o.streams.ErrOut, selected)
	for _, folder := range folders {
		if err := writeKustomizeFolder(folder.file, selected, o.Patch); err != nil {
			return err
		}
	}
	if err := writeOutputs(o.streams, files, selected, false); err != nil {
		return err
	}
	return planExitError(plan, o.Scope, nil, o.Decide.AllowPartial)
}

// splitOutputs returns the -o of a command that are files or standard output, and those that are folders: the ones of a format with a
// name behind it.
func splitOutputs[R any](outs []outputTarget[R], folderFormat string) (files, folders []outputTarget[R]) {
	for _, out := range outs {
		if out.format.Name == folderFormat && out.file != "" {
			folders = append(folders, out)
		} else {
			files = append(files, out)
		}
	}
	return files, folders
}

// checkNamedWorkloads returns an error for workloads named as command-line arguments that are not in the Plan or not in
// scope.
func checkNamedWorkloads(plan, selected *migrate.Plan, o patch.Options) error {
	var errs []error
	for _, ref := range patch.MissingWorkloads(plan, o) {
		errs = append(errs, plan.WorkloadNotFound(ref.Namespace, ref.Kind, ref.Name))
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, ref := range patch.MissingWorkloads(selected, o) {
		errs = append(errs, usagef("the workload %s is in none of the namespaces that -n, -l and --exclude leave", ref))
	}
	return errors.Join(errs...)
}

// checkOutputFolders returns an error, before the work starts, for an output folder that cannot be made.
func checkOutputFolders[R any](outs []outputTarget[R]) error {
	for _, o := range outs {
		info, err := os.Stat(o.file)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("cannot write %s: it is a file, and -o %s writes a folder", fileerror.Name(o.file), o.format.Name)
		case err == nil:
			continue
		case !errors.Is(err, fs.ErrNotExist):
			return fileerror.Writing(o.file, err)
		}
		if info, err := os.Stat(filepath.Dir(strings.TrimRight(o.file, "/"))); err != nil || !info.IsDir() {
			return fileerror.Writing(strings.TrimRight(o.file, "/"), fs.ErrNotExist)
		}
	}
	return nil
}

// writeKustomizeFolder writes, as psp2pss patch, a kustomize component with workload patches into a folder. Other files
// in it stay as they are.
func writeKustomizeFolder(folder string, plan *migrate.Plan, o patch.Options) error {
	files, err := patch.KustomizeFiles(plan, o)
	if err != nil {
		return err
	}
	if err := makeFolder(folder); err != nil {
		return err
	}
	for _, f := range files {
		if err := atomicfile.Write(filepath.Join(folder, f.Name), func(w io.Writer) error {
			_, err := w.Write(f.Data)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// makeFolder makes the folder of a -o that writes one, unless it is there.
func makeFolder(folder string) error {
	if err := os.Mkdir(folder, 0o777); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // G301: with the rights the user's umask gives
		return fileerror.Writing(folder, err)
	}
	return nil
}
