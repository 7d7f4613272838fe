package cmd

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/simulation"
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
	var scope scopeFlags
	level, target := string(api.LevelRestricted), ""
	var outputs []string
	var written, admitted, after bool
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Dry-run workloads against a level of the standards, in three forms",
		Long: `Simulate says for every workload what Pod Security admission would say at a level and version, in
its own words: as its author wrote it; as PodSecurityPolicy (PSP) admission would mutate it today,
with the policy that admits it; or as its pods will be after PSP is gone, when no policy
mutates them. Nothing is sent to a cluster.

From a saved plan it answers at the plan's own version: that a level allows what meets it as
written, and what a level refuses in the words for the pods after PSP, where that comes to the same
level. Else it says that the answer is not known.`,
		Example: `  # What would the restricted level refuse?
  psp2pss simulate -f deployment.yaml --level=restricted --target-version=latest

  # One namespace of the cluster, at baseline
  psp2pss simulate -n web --level=baseline

  # What would be refused as soon as no policy mutates pods?
  psp2pss simulate --after-psp --level=restricted`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd.Flags(), &scope, level, target, outputs); err != nil {
				return err
			}
			switch {
			case admitted:
				o.Form = simulation.AsAdmitted
			case after:
				o.Form = simulation.AfterPSP
			}
			return asRunError(runF(cmd.Context(), o))
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addSourceFlags(flags, &o.Source)
	scope.add(flags)
	enumFlag{&level, "level", levels.Names()}.add(cmd, "level", "", "level to evaluate against")
	flags.StringVar(&target, "target-version", "", `version of the standards, such as v1.25, or "latest" (default v1.25, or the server's own minor if that is newer)`)
	flags.BoolVar(&written, "as-written", false, "evaluate templates as their authors wrote them (the default)")
	flags.BoolVar(&admitted, "as-admitted", false, "evaluate the pods that PodSecurityPolicy admission would make from the templates today")
	flags.BoolVar(&after, "after-psp", false, "evaluate the pods that will be created after PSP is gone, when no policy mutates them")
	addOutputFlag(cmd, &outputs, report.SimulationFormats())
	flags.BoolVar(&o.NoHeaders, "no-headers", false, "print the lines of workloads and nothing around them")
	flags.BoolVar(&o.AllowPartial, allowPartialFlag, false, "exit 0 instead of 4 where something could not be read")
	return cmd
}

// complete sets the options of "psp2pss simulate" from its flags, and refuses flags that contradict each other.
func (o *simulateOptions) complete(flags *pflag.FlagSet, scope *scopeFlags, level, target string, outputs []string) error {
	if err := resolveOneOf(flags, "as-written", "as-admitted", "after-psp"); err != nil {
		return err
	}
	if given := flags.Lookup("as-written"); given.Changed && given.Value.String() == "false" && !flags.Changed("as-admitted") && !flags.Changed("after-psp") {
		return usagef("--as-written=false leaves no form to simulate: add --as-admitted or --after-psp")
	}
	var err error
	o.Form = simulation.AsWritten
	if o.Target, err = parseTargetVersion(target); err != nil {
		return err
	}
	o.Level = api.Level(level)
	if o.Outputs, err = parseOutputs(outputs, report.SimulationFormats()); err != nil {
		return err
	}
	if err = o.Source.validate(flags, o.streams); err != nil {
		return err
	}
	if err = o.Source.checkTargetVersion(o.Target); err != nil {
		return err
	}
	o.Scope, err = scope.parse(flags)
	return err
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
	if err := writeOutputs(o.streams, o.Outputs, result, o.NoHeaders); err != nil {
		return err
	}
	return planExitError(plan, o.Scope, nil, o.AllowPartial)
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
	return simulation.Request{Form: o.Form, Level: o.Level, Target: o.Target, Scope: o.Scope}
}
