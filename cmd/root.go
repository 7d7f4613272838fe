// Package cmd owns the command line: one file per verb, flags in, exit code out. It takes the streams and the outside
// world as parameters (Streams, Deps) and returns a cobra command. It never decides anything about policies or levels:
// it calls the packages that do and renders what they return.
package cmd

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Deps are the functions through which commands reach clusters, files and the environment. Tests replace them.
type Deps struct {
	// ToolName is how the user calls the tool: psp2pss, or "kubectl psp2pss".
	ToolName string
	// LoadInventory reads an inventory from a live source.
	LoadInventory func(context.Context, SourceOptions) (*inventory.Inventory, error)
	// BuildPlan makes the decision.
	BuildPlan func(*inventory.Inventory, migrate.Options) (*migrate.Plan, error)
	// LoadHelmReleases hands on every object of a cluster that keeps a Helm release, and returns what could not be read.
	LoadHelmReleases func(context.Context, SourceOptions, func(kind string, m metav1.ObjectMeta, payload []byte)) ([]inventory.Gap, error)
	// Connect makes the client of verbs that write, and of what they look at.
	Connect func(SourceOptions) (dynamic.Interface, string, error)
	// LookupEnv is os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Now is time.Now. Where it is nil, a Plan does not say when its cluster was read.
	Now func() time.Time
	// CompletionTimeout is how long completion in a shell waits for a source; 0 waits for good.
	CompletionTimeout time.Duration
}

// NewRootCommand returns the root cobra command of the tool with all subcommands, and with all that a shell completes.
func NewRootCommand(streams Streams, deps Deps) *cobra.Command {
	return newRootCommand(streams, deps, true)
}

// newRootCommand returns the root command. Only where it completes are there functions for a shell: a process that runs the tool many
// times, as tests do, would keep those of every run, with what each has read and written.
func newRootCommand(streams Streams, deps Deps, completes bool) *cobra.Command {
	d := newDisplay()
	streams = d.attach(streams)
	deps = d.withRequestLog(streams, deps)
	root := &cobra.Command{
		Use:     "psp2pss",
		Version: readBuildInfo().versionAndRevision(),
		Short:   "Migrate a cluster from PodSecurityPolicy to the Pod Security Standards",
		Long: `psp2pss takes a cluster that lives by PodSecurityPolicy to the Pod Security Standards, without an
outage and without silently opening what the policies had closed. It reads policies, RBAC and
workloads, from files or from a cluster, and recommends for every namespace the level to enforce,
with the reasons. Analysis never writes to a cluster.

Every flag can be set in the environment as PSP2PSS_FLAG_NAME (--target-version is
PSP2PSS_TARGET_VERSION); the flag wins, and a flag that may be repeated takes a comma-separated
list. An empty flag or variable is refused: leave it out, or unset it.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, and found what --fail-on names, that the gate
fails or that something is not ok; 4 done, but something could not be read or there was nothing to
evaluate (--allow-partial turns 4 into 0).

Filters and formats never change the exit code, with one exception: a name that was not found, and
flags that leave no namespace, end the run before anything is written. The code is 2 where all that
could have the name was read, and 4 where it was not. -l leaves out namespaces whose Namespace
object was not read, since their labels are not known: it says so, and the code is 4.`,
		Example: `  # See it work on the built-in legacy cluster
  psp2pss plan --demo

  # Plan for the cluster of the current kubeconfig context, and save the plan
  psp2pss plan -o table -o json=plan.json

  # Turn the saved plan into label commands, review them, run them
  psp2pss labels --plan plan.json > labels.sh

  # What workloads lack for restricted, as patches
  psp2pss patch --raise --plan plan.json

  # Put the labels on, in stages; go back; and ask whether the cluster is ready
  psp2pss rollout --plan plan.json --stage observe
  psp2pss rollback --journal psp2pss-prod-20261125T101500Z.journal
  psp2pss gate --to v1.25`,
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: deps.ToolName},
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			if err := setFlagsFromEnvironment(cmd.Flags(), deps.LookupEnv); err != nil {
				return err
			}
			return errors.Join(refuseKustomize(cmd, args), refuseContexts(cmd), d.check(cmd.Flags()))
		},
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	useHelp(root, streams.Width)
	root.SetFlagErrorFunc(flagUsageError)
	root.Flags().Bool("version", false, "print the version of the tool; 'version' says more")
	d.addFlags(root)
	root.AddCommand(
		newPlan(streams, deps, nil),
		newExplain(streams, deps, nil),
		newSimulate(streams, deps, nil),
		newCheck(streams, deps, nil),
		newLabels(streams, deps, nil),
		newPatch(streams, deps, nil),
		newFix(streams, deps, nil),
		newGenerate(streams, deps, nil),
		newRollout(streams, deps, nil),
		newVerify(streams, deps, nil),
		newRollback(streams, deps, nil),
		newGate(streams, deps, nil),
		newReport(streams, deps, nil),
		newSnapshot(streams, deps, nil),
		newFleet(streams, deps, nil),
		newCleanHelm(streams, deps, nil),
		newUnredact(streams, nil),
		newVersion(streams, nil),
		newCompletion(streams),
	)
	root.SetHelpCommand(newHelp())
	if completes {
		completer{deps}.addTo(root)
	}
	refuseEmptyFlags(root)
	if deps.ToolName != root.Use {
		renameExamples(root, root.Use, deps.ToolName)
	}
	return root
}

// renameExamples writes the name by which the user calls the tool into the examples of the help.
func renameExamples(cmd *cobra.Command, from, to string) {
	cmd.Example = strings.ReplaceAll(cmd.Example, "  "+from+" ", "  "+to+" ")
	cmd.Example = strings.ReplaceAll(cmd.Example, "| "+from+" ", "| "+to+" ")
	for _, sub := range cmd.Commands() {
		renameExamples(sub, from, to)
	}
}

// setFlagsFromEnvironment sets every command-line flag that was not given and has a variable PSP2PSS_FLAG_NAME. An empty variable is refused
// as an empty flag is: it is what a script with a misspelt variable gives, and must not mean more, or another source, than
// was meant.
func setFlagsFromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		name := environmentVariable(f.Name)
		value, ok := lookup(name)
		switch {
		case !ok, f.Changed, f.Name == "help", failed != nil:
			return
		case isBlank(value):
			failed = usagef("%s is empty: give it a value, or unset it", name)
			return
		}
		if err := setFlagFromText(flags, f, value); err != nil {
			var invalid *pflag.InvalidValueError
			if errors.As(err, &invalid) {
				err = errors.New(invalidValueReason(f, invalid.Unwrap()))
			}
			failed = usagef("reading %s=%q from the environment: %w", name, value, err)
			return
		}
		if err := flags.SetAnnotation(f.Name, fromEnvAnnotation, []string{name}); err != nil {
			failed = err
		}
	})
	return failed
}

// fromEnvAnnotation marks a command-line flag whose value came from the environment.
const fromEnvAnnotation = "psp2pss_from_environment"

// environmentVariable returns the name of the environment variable that sets a flag: PSP2PSS_FLAG_NAME.
func environmentVariable(flag string) string {
	return "PSP2PSS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// setFlagFromText sets a command-line flag from text; lists are separated by commas.
func setFlagFromText(flags *pflag.FlagSet, f *pflag.Flag, value string) error {
	list, ok := f.Value.(pflag.SliceValue)
	if !ok {
		return flags.Set(f.Name, value)
	}
	if err := list.Replace(strings.Split(value, ",")); err != nil {
		return err
	}
	f.Changed = true
	return nil
}

// SystemDeps returns the dependencies of the real tool: client-go, the file system and the process environment.
func SystemDeps(name string) Deps {
	return Deps{
		ToolName:          name,
		LoadInventory:     loadInventory,
		BuildPlan:         buildArrangedPlan,
		LoadHelmReleases:  loadHelmReleases,
		Connect:           connectToCluster,
		LookupEnv:         os.LookupEnv,
		Now:               time.Now,
		CompletionTimeout: completionTimeout,
	}
}
