package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/engine/output"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// generateOptions are what the flags of the command generate become.
type generateOptions struct {
	streams Streams
	deps    Deps

	Source SourceOptions
	Decide migrate.Options
	Scope  migrate.NamespaceScope
	Mode   engine.Mode
	// Engine has the kinds of documents; "" chooses by the mode and the server.
	Engine string
	// Server is the release that the documents are for; the zero value chooses by the server that was read.
	Server api.Version
	// Grants says when it is decided who may use a policy; "" chooses by what fits.
	Grants engine.Grants
	Action cel.Action
	// System: also namespaces of the platform; those that -n names are meant anyway.
	System bool
	// Guards is the level that new namespaces are to have; "" for no guards of labels.
	Guards api.Level
	// MayLoosen are those who may loosen the labels all the same, and Rancher lets those do it whom Rancher's own webhook lets.
	MayLoosen []rbacv1.Subject
	Rancher   bool
	// MaxExceptions is how many workloads of a namespace may be named as exceptions to a check.
	MaxExceptions int
	Outputs       []outputTarget[*output.Set]
}

// generateFlags are the values of the flags of the command generate, as given.
type generateFlags struct {
	source         SourceOptions
	scope          scopeFlags
	decide         planFlagValues
	engine, mode   string
	server         string
	grants, action string
	system         bool
	guards         string
	mayLoosen      []string
	rancher        bool
	exceptions     int
	outputs        []string
}

// The engines of the command generate.
const (
	validatingEngine = "vap"
	mutatingEngine   = "map"
	bothEngines      = "vap+map"
)

const (
	engineFlag        = "engine"
	modeFlag          = "mode"
	targetServerFlag  = "target-server"
	grantsFlag        = "grants"
	actionFlag        = "action"
	guardsFlag        = "guards"
	mayLoosenFlag     = "may-loosen"
	guardsRancherFlag = "guards-rancher"
	maxExceptionsFlag = "max-exceptions"
)

// newGenerate returns the cobra command "generate", which runs runF with its options; nil is generateRun.
func newGenerate(streams Streams, deps Deps, runF func(context.Context, *generateOptions) error) *cobra.Command {
	if runF == nil {
		runF = generateRun
	}
	f := generateFlags{mode: string(engine.Delta), action: string(cel.Warn)}
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write admission policies that keep what levels cannot say",
		Long: `Generate writes ValidatingAdmissionPolicies (VAP) and MutatingAdmissionPolicies (MAP), which API servers
evaluate themselves, for what PodSecurityPolicies did and the Pod Security labels do not. It makes
them from your policies, grants and workloads, and says what they cannot do. It never writes to a
cluster.

  delta               beside the enforce label that 'plan' recommends, what the policies forbade and
                      the label lets in: host paths, user IDs, volume types and so on. Nothing is
                      written into pods. It is the default, since it adds the least
  restricted-but-for  where a few checks keep a namespace from the next level, the other checks of
                      that level; workloads that fail one are named as exceptions
  continuity          all that PodSecurityPolicy admission did, whatever the labels: the same policy
                      is chosen for a pod, the same values are written into it, the same pods are
                      refused. Writing takes a MAP, which servers have from v1.36 on, and v1.34 and
                      v1.35 with a feature gate; on older ones pods have to state the values

A pod has to meet one of the policies that its service account, or who sends the request, may use.
With --grants=dynamic the server asks RBAC when a pod is created, so that roles and bindings for
podsecuritypolicies go on to count, and must stay. --grants=static writes who may use what as it was
when the plan was made. Dynamic is the default where the limits of the server allow it; where they do
not, static takes its place with a note, and --grants=dynamic is refused with the number.

Nothing is refused by what --action=warn writes (the default): who creates a pod is warned, and the
audit log has the rest. Look at these first; --action=deny writes the same to refuse.

A folder (-o dir=FOLDER) has a file for each object, numbered in the order to apply them, and a README
that says how to install the set, how to see what it would refuse, how to know that it is in force,
how to remove it with one command, and what it cannot do. There is nothing to write where the labels
keep all that the policies did: then that is said, and the exit code is 0.`,
		Example: `  # What the labels of a saved plan let in and the policies did not, as a folder to read and apply
  psp2pss generate --plan plan.json -o dir=policies

  # The same for one namespace, to refuse pods
  psp2pss generate --plan plan.json -n shop --action=deny > shop.yaml
  kubectl apply --server-side -f shop.yaml

  # All that PodSecurityPolicies did, on the servers that the cluster will have
  psp2pss generate --plan plan.json --mode=continuity --target-server=v1.37 -o dir=policies

  # Install a folder step by step, with a journal to go back by
  psp2pss rollout --stage=policies --policies=policies

  # The checks of the next level that what runs meets already
  psp2pss generate --mode=restricted-but-for

  # With guards: new namespaces get baseline, and who may loosen labels is named by RBAC
  psp2pss generate --plan plan.json --guards=baseline --may-loosen=group:platform --action=deny -o dir=policies

  # Policies from Git, workloads from a cluster that no longer serves policies
  psp2pss generate -f psp/ --context prod`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	enumFlag{&f.mode, "mode", []string{string(engine.Delta), string(engine.RestrictedButFor), string(engine.Continuity)}}.add(cmd, modeFlag, "", "how much of what the policies did is kept")
	enumFlag{&f.engine, "engine", []string{validatingEngine, mutatingEngine, bothEngines}}.add(cmd, engineFlag, "", "kinds of objects to write (default vap, and vap+map for continuity where the server has it)")
	flags.StringVar(&f.server, targetServerFlag, "", "release of the API servers that get the objects, from v1.30 to v1.37 (default the server that was read, or v1.37 where that is older or not known)")
	registerCompletion(cmd, targetServerFlag, targetServers())
	enumFlag{&f.grants, "when", []string{string(engine.DynamicGrants), string(engine.StaticGrants)}}.add(cmd, grantsFlag, "", "when it is decided who may use a policy (default dynamic, where it fits)")
	enumFlag{&f.action, "action", []string{string(cel.Audit), string(cel.Warn), string(cel.Deny)}}.add(cmd, actionFlag, "", "what becomes of a pod that is not accepted; warn includes audit")
	flags.IntVar(&f.exceptions, maxExceptionsFlag, 0, "with restricted-but-for, also enforce a check that up to this many workloads of a namespace fail, and name these as exceptions")
	flags.BoolVar(&f.system, "include-system", false, "write policies for namespaces of the platform, too, such as kube-system; those that -n names have them anyway")
	enumFlag{&f.guards, "level", levels.Names()[1:]}.add(cmd, guardsFlag, "", "also write what gives new namespaces this enforce label, or refuses those without it, and lets only named subjects loosen such labels")
	flags.StringArrayVar(&f.mayLoosen, mayLoosenFlag, nil, "with --guards, a subject that may loosen labels: user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME (can be repeated; administrators may always)")
	flags.BoolVar(&f.rancher, guardsRancherFlag, false, "with --guards, let those loosen labels, too, whom Rancher lets: by the verb updatepsa on its projects")
	addSourceFlags(flags, &f.source)
	f.scope.add(flags)
	f.decide.addEnforce(cmd)
	addOutputFlag(cmd, &f.outputs, generateFormats())
	f.decide.addAllowPartial(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := f.options(cmd, streams, deps)
		if err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// dirFormat is the output format of the command generate that writes a folder; kustomizeFormat is another name for it.
const dirFormat = "dir"

// generateFormats are the output formats of the command generate, the default first.
func generateFormats() []report.Format[*output.Set] {
	yaml := func(w io.Writer, s *output.Set, opts report.Options) error {
		return foldComments(w, opts.Width, func(w io.Writer) error { return output.WriteYAML(w, s) })
	}
	return []report.Format[*output.Set]{{Name: "yaml", Write: yaml}, {Name: dirFormat}, {Name: kustomizeFormat}}
}

// isFolderFormat reports whether an output format of the command generate writes a folder.
func isFolderFormat(name string) bool { return name == dirFormat || name == kustomizeFormat }

// options checks all flags of the command generate before anything is read.
func (f *generateFlags) options(cmd *cobra.Command, streams Streams, deps Deps) (*generateOptions, error) {
	flags := cmd.Flags()
	o := &generateOptions{
		streams: streams, deps: deps, Mode: engine.Mode(f.mode), Engine: f.engine, Grants: engine.Grants(f.grants), Action: cel.Action(f.action),
		System: f.system, Guards: api.Level(f.guards), MaxExceptions: f.exceptions,
	}
	var err error
	if o.Server, err = parseTargetServer(f.server); err != nil {
		return nil, err
	}
	if err := o.checkMode(flags); err != nil {
		return nil, err
	}
	if err := f.setGuards(o); err != nil {
		return nil, err
	}
	if o.Decide, o.Scope, err = checkInputFlags(flags, streams, &f.source, &f.decide, &f.scope); err != nil {
		return nil, err
	}
	o.Source = f.source
	if o.Outputs, err = parseOutputs(f.outputs, generateFormats()); err != nil {
		return nil, err
	}
	for _, out := range o.Outputs {
		if isFolderFormat(out.format.Name) && out.file == "" {
			return nil, usagef("-o %[1]s is a folder of files: name it, as in -o %[1]s=FOLDER", out.format.Name)
		}
	}
	return o, nil
}

// checkMode returns a usage error for a flag that the mode of the command generate has no use for. One that the environment sets is for
// the modes that have.
func (o *generateOptions) checkMode(flags *pflag.FlagSet) error {
	byHand := func(name string) bool { return flags.Changed(name) && !setByEnvironment(flags.Lookup(name)) }
	if o.Mode != engine.Continuity && o.Engine != "" && o.Engine != validatingEngine {
		if byHand(engineFlag) {
			return usagef("--%s=%s writes nothing into pods: leave out --%s=%s, or choose --%s=%s", modeFlag, o.Mode, engineFlag, o.Engine, modeFlag, engine.Continuity)
		}
		o.Engine = ""
	}
	if o.Engine == mutatingEngine && o.Action != cel.Deny {
		return usagef("--%s=%s writes into pods and refuses none, so it cannot be tried with --%s=%s: add --%s=%s", engineFlag, o.Engine, actionFlag, o.Action, actionFlag, cel.Deny)
	}
	if o.Engine == mutatingEngine && o.Guards != "" {
		return usagef("--%s refuses labels that loosen, and --%s=%s refuses nothing: leave out --%s, or --%s", guardsFlag, engineFlag, mutatingEngine, engineFlag, guardsFlag)
	}
	if o.Mode == engine.Continuity {
		for _, name := range []string{"enforce", "basis", "empty-namespaces"} {
			if byHand(name) {
				return usagef("--%s=%s does not depend on labels: leave out --%s, which decides them", modeFlag, o.Mode, name)
			}
		}
	}
	if o.Mode == engine.RestrictedButFor && o.Grants != "" {
		if byHand(grantsFlag) {
			return usagef("--%s=%s has the checks of a level, which hold for everybody: leave out --%s", modeFlag, o.Mode, grantsFlag)
		}
		o.Grants = ""
	}
	switch {
	case o.MaxExceptions < 0:
		return usagef("--%s=%d is less than none", maxExceptionsFlag, o.MaxExceptions)
	case o.Mode != engine.RestrictedButFor && byHand(maxExceptionsFlag):
		return usagef("--%s is for --%s=%s: no other mode has exceptions", maxExceptionsFlag, modeFlag, engine.RestrictedButFor)
	}
	return nil
}

// generateRun builds or reads the Plan and writes the policies that take the place of PodSecurityPolicies in the namespaces in scope.
func generateRun(ctx context.Context, o *generateOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	files := slices.DeleteFunc(slices.Clone(o.Outputs), func(out outputTarget[*output.Set]) bool { return isFolderFormat(out.format.Name) })
	folders := slices.DeleteFunc(slices.Clone(o.Outputs), func(out outputTarget[*output.Set]) bool { return !isFolderFormat(out.format.Name) })
	if err := errors.Join(checkOutputFiles(files), checkOutputFolders(folders)); err != nil {
		return err
	}
	plan, err := readOrBuildNamedPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
	if err != nil {
		return err
	}
	if err := o.refusePartialContinuity(plan); err != nil {
		return err
	}
	shown, err := selectNamespaces(o.streams.ErrOut, plan, o.Scope)
	if err != nil {
		return err
	}
	set, err := callUntilCancelled(ctx, "making the policies", func() (*output.Set, error) { return o.generate(plan, shown) })
	if err != nil {
		return err
	}
	if err := o.write(files, folders, set); err != nil {
		return err
	}
	printNotes(o.streams.ErrOut, set.Summary())
	return planExitError(plan, o.Scope, nil, o.Decide.AllowPartial)
}

// write writes a generated set in every form that -o asks for: folders and files first.
func (o *generateOptions) write(files, folders []outputTarget[*output.Set], set *output.Set) error {
	if len(folders) > 0 {
		inFolder, err := output.Files(set)
		if err != nil {
			return err
		}
		stale := make([][]string, len(folders))
		for i, folder := range folders { // all of them, before the first is written
			if stale[i], err = staleFiles(folder.file, inFolder); err != nil {
				return err
			}
		}
		for i, folder := range folders {
			if err := writeGeneratedFolder(strings.TrimRight(folder.file, "/"), inFolder, stale[i]); err != nil {
				return err
			}
			if n := len(stale[i]); n > 0 {
				printNotes(o.streams.ErrOut, []string{fmt.Sprintf("%s of an earlier set removed from %s", english.Count(n, "file", "files"), folder.file)})
			}
		}
	}
	return writeOutputs(o.streams, files, set, false)
}
