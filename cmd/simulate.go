package cmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/simulation"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// simulateOptions are the flags of "psp2pss simulate", parsed.
type simulateOptions struct {
	streams Streams
	deps    Deps

	Source       SourceOptions
	Scope        migrate.NamespaceScope
	Form         simulation.Form
	Level        api.Level
	Target       api.Version
	FailOn       []string
	Outputs      []outputTarget[*simulation.Result]
	NoHeaders    bool
	AllowPartial bool
}

// newSimulate returns the command "psp2pss simulate", which runs runF with its flags, or simulateRun.
func newSimulate(streams Streams, deps Deps, runF func(context.Context, *simulateOptions) error) *cobra.Command {
	if runF == nil {
		runF = simulateRun
	}
	o := &simulateOptions{streams: streams, deps: deps}
	f := simulateFlags{level: string(api.LevelRestricted)}
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Show which workloads a level would refuse, and why",
		Long: `Simulate says for every workload what Pod Security admission would say at a level and version, in
its own words: of the pods that it gets after PodSecurityPolicy (PSP) is gone, when no policy
changes them any more; with --as-written of what its author wrote; with --as-admitted of what PSP
admission would make of it today, with the policy that admits it. Nothing is sent to a cluster.

A saved plan holds the whole answer for the pods after PSP, at the plan's own version. Of the other
forms it holds the levels: where these do not give the answer, the workload is "unknown".

In a pipeline --fail-on=refused ends with exit code 3 where any workload would be refused at
--level, in the form that is simulated, and with 4 where that is unknown of one. The other values
of --fail-on are those of plan: they look at the namespaces, whatever --level and form are.`,
		Example: `  # What would the restricted level refuse, once no policy changes pods?
  psp2pss simulate

  # One namespace of the cluster, at baseline
  psp2pss simulate -n web --level=baseline

  # Fail a pipeline where a manifest would be refused
  psp2pss simulate -f deployment.yaml --as-written --target-version=latest --fail-on=refused`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd.Flags(), &f); err != nil {
				return err
			}
			return asRunError(runF(cmd.Context(), o))
		},
	}
	f.add(cmd, o)
	return cmd
}

// simulateFlags are the values of the flags of "psp2pss simulate", as given.
type simulateFlags struct {
	scope           scopeFlags
	level, target   string
	outputs, failOn []string
}

// The flags of "psp2pss simulate" that choose the form of the pods; the last is the default.
const (
	asWrittenFlag  = "as-written"
	asAdmittedFlag = "as-admitted"
	afterPSPFlag   = "after-psp"
)

// add defines the flags of "psp2pss simulate".
func (f *simulateFlags) add(cmd *cobra.Command, o *simulateOptions) {
	flags := cmd.Flags()
	flags.SortFlags = false
	addSourceFlags(flags, &o.Source)
	f.scope.add(flags)
	enumFlag{&f.level, "level", levels.Names()}.add(cmd, "level", "", "level to evaluate against")
	flags.StringVar(&f.target, "target-version", "", `version of the standards, such as v1.25, or "latest" (default v1.25, or the server's own minor if that is newer)`)
	flags.Bool(afterPSPFlag, false, "evaluate the pods that will be created after PSP is gone, when no policy changes them (the default)")
	flags.Bool(asWrittenFlag, false, "evaluate templates as their authors wrote them")
	flags.Bool(asAdmittedFlag, false, "evaluate the pods that PodSecurityPolicy admission would make from the templates today")
	addFailOnFlag(cmd, &f.failOn, failOnRefused)
	addOutputFlag(cmd, &f.outputs, report.SimulationFormats())
	flags.BoolVar(&o.NoHeaders, "no-headers", false, "print one line for each violation, and nothing around them")
	flags.BoolVar(&o.AllowPartial, allowPartialFlag, false, "exit 0 instead of 4 where something could not be read")
}

// complete sets the options of "psp2pss simulate" from its flags, and refuses flags that contradict each other.
func (o *simulateOptions) complete(flags *pflag.FlagSet, f *simulateFlags) error {
	var err error
	if o.Form, err = simulatedForm(flags); err != nil {
		return err
	}
	if o.FailOn, err = checkFailOn(f.failOn, failOnRefused); err != nil {
		return err
	}
	if o.Target, err = parseTargetVersion(f.target); err != nil {
		return err
	}
	o.Level = api.Level(f.level)
	if o.Outputs, err = parseOutputs(f.outputs, report.SimulationFormats()); err != nil {
		return err
	}
	if err = o.Source.validate(flags, o.streams); err != nil {
		return err
	}
	if err = o.Source.checkTargetVersion(o.Target); err != nil {
		return err
	}
	o.Scope, err = f.scope.parse(flags)
	return err
}

// simulatedForm returns the form that the flags of "psp2pss simulate" choose, and a usage error for flags that choose several, or
// none. A flag wins over those from the environment.
func simulatedForm(flags *pflag.FlagSet) (simulation.Form, error) {
	names := []string{asWrittenFlag, asAdmittedFlag, afterPSPFlag}
	var chosen []string
	for _, fromEnvironment := range []bool{false, true} {
		for _, name := range names {
			if f := flags.Lookup(name); f.Value.String() == "true" && setByEnvironment(f) == fromEnvironment {
				chosen = append(chosen, name)
			}
		}
		if len(chosen) > 0 {
			break
		}
	}
	switch {
	case len(chosen) > 1:
		return "", usagef("--%s and --%s exclude each other: choose one form of the pods", chosen[0], chosen[1])
	case len(chosen) == 0 && flags.Changed(afterPSPFlag):
		return "", usagef("--%[1]s=false leaves no form to simulate: add --%[2]s or --%[3]s", afterPSPFlag, asWrittenFlag, asAdmittedFlag)
	case len(chosen) == 0:
		return simulation.AfterPSP, nil
	}
	return map[string]simulation.Form{asWrittenFlag: simulation.AsWritten, asAdmittedFlag: simulation.AsAdmitted, afterPSPFlag: simulation.AfterPSP}[chosen[0]], nil
}

// simulateRun reads the source, evaluates its workloads against the level, and prints the result.
func simulateRun(ctx context.Context, o *simulateOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if err := checkOutputFiles(o.Outputs); err != nil {
		return err
	}
	inv, plan, err := o.read(ctx)
	if err != nil {
		return err
	}
	var result *simulation.Result
	if inv == nil {
		result, err = simulation.FromPlan(plan, o.request())
	} else {
		result, err = simulation.FromInventory(inv, plan, o.request())
	}
	if err != nil {
		return err
	}
	selected, err := selectNamespaces(o.streams.ErrOut, plan, o.Scope)
	if err != nil {
		return err
	}
	warnOldTarget(o.streams.ErrOut, selected)
	if err := writeOutputs(o.streams, o.Outputs, result.InNamespaces(selected), o.NoHeaders); err != nil {
		return err
	}
	return o.exitError(plan, result)
}

// failOnRefused is the value of --fail-on that only "psp2pss simulate" has: a workload would be refused.
const failOnRefused = "refused"

// exitError returns the error that ends "psp2pss simulate": what --fail-on asks for, then what could not be read. It is about all
// workloads, shown or not.
func (o *simulateOptions) exitError(plan *migrate.Plan, result *simulation.Result) error {
	asked := slices.Contains(o.FailOn, failOnRefused)
	if refused := result.Refused(); asked && len(refused) > 0 {
		return findingsError{fmt.Errorf("--fail-on=%s: %s:%s would refuse %s", failOnRefused, result.Level, result.Version, workloadSummary(refused))}
	}
	err := planExitError(plan, o.Scope, o.FailOn, o.AllowPartial)
	if unknown := result.NotKnown(); err == nil && asked && len(unknown) > 0 && !o.AllowPartial {
		return partialError{fmt.Errorf("--fail-on=%s: the answer is unknown for %s: see the output, or accept it with --%s", failOnRefused, workloadSummary(unknown), allowPartialFlag)}
	}
	return err
}

// workloadSummary counts workloads for the error of --fail-on and names the first few: "2 workloads (shop/deployment/web, ...)".
func workloadSummary(names []string) string {
	const most = 5
	return fmt.Sprintf("%s (%s)", english.Count(len(names), "workload", "workloads"), english.First(names, most))
}

// read reads the source of "psp2pss simulate" and makes a Plan of it. The inventory is nil for a saved plan.
func (o *simulateOptions) read(ctx context.Context) (*inventory.Inventory, *migrate.Plan, error) {
	if o.Source.Plan != "" {
		plan, err := readOrBuildPlan(ctx, o.streams, o.deps, o.Source, migrate.Options{})
		return nil, plan, err
	}
	return buildPlan(ctx, o.streams, o.deps, o.Source, migrate.Options{Target: o.Target})
}

// request returns what the flags of "psp2pss simulate" ask for.
func (o *simulateOptions) request() simulation.Request {
	return simulation.Request{Form: o.Form, Level: o.Level, Target: o.Target}
}
