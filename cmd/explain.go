package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/checks"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// explainOptions are the parsed flags and argument of the command explain.
type explainOptions struct {
	streams Streams
	deps    Deps

	Source SourceOptions
	Decide migrate.Options
	// Kind is psp, ns, workload, sa or check; "" for a name that is looked up. Name is its name; Namespace and WorkloadKind are set for
	// kinds that have them.
	Kind, Namespace, WorkloadKind, Name string
	// twoWords are the two arguments of a command line whose first may be a kind; "" for others.
	twoWords string
	// InNamespace is the flag -n. Where the environment has it instead, environmentNamespaces are those that it names.
	InNamespace           string
	environmentNamespaces []string
	// Output is text or wide.
	Output string
}

// The forms of the answer of the command explain.
const (
	explainText = "text"
	explainWide = "wide"
)

// newExplain returns the cobra command "explain", which looks up a name, with one subcommand for each kind of thing it explains.
func newExplain(streams Streams, deps Deps, runF func(context.Context, *explainOptions) error) *cobra.Command {
	o := &explainOptions{streams: streams, deps: deps}
	cmd := &cobra.Command{
		Use:   "explain NAME | KIND NAME",
		Short: "Show all reasons for a policy, namespace, workload or account",
		Long: `Explain shows everything that led to a recommendation, for one thing. A name alone is looked up: as
a namespace or a policy, else as a check of the standards, a workload, a service account. KIND/NAME,
KIND NAME and NAMESPACE/KIND/NAME say it outright, with kubectl's names of the kinds.

For a namespace it shows what blocks the next level, in Pod Security admission's own words, and what
'generate' would add to the label; for a policy what it does today, who uses it, what its closest
level changes, and which mode of 'generate' keeps what; for a check of the standards what it refuses
and how to meet it, which needs no cluster. With -o wide every list is
whole, and a policy ends with step 2 of the official migration guide: what of it only changes pods
or is out of the standards' scope, and a clone of it that changes nothing.`,
		Example: `  psp2pss explain web --demo
  psp2pss explain psp/restricted --plan plan.json
  psp2pss explain deploy api -n web
  psp2pss explain web/deployment/api
  psp2pss explain sa/web/builder
  psp2pss explain check hostPorts`,
		Args: cobra.ArbitraryArgs, // see RunE: the flag -n, which may come from the environment, is a part of the name
	}
	addExplainFlags(cmd, o, true, parseTopicArguments(o), runF)
	for _, t := range explainTopics() {
		cmd.AddCommand(newExplainTopicCommand(t, streams, deps, runF))
	}
	return cmd
}

// parseTopicArguments returns a function that reads the arguments of "explain" itself.
func parseTopicArguments(o *explainOptions) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error { return parseTopic(o, args) }
}

// newExplainTopicCommand returns the subcommand of "explain" for one kind of thing.
func newExplainTopicCommand(t explainTopic, streams Streams, deps Deps, runF func(context.Context, *explainOptions) error) *cobra.Command {
	o := &explainOptions{streams: streams, deps: deps}
	cmd := &cobra.Command{
		Use:     t.kind + " " + t.argument,
		Aliases: t.aliases,
		Short:   t.short,
		Example: fmt.Sprintf("  psp2pss explain %[1]s %[2]s\n  psp2pss explain %[1]s %[2]s --plan plan.json", t.kind, t.example),
		Args:    cobra.ArbitraryArgs, // see RunE of newExplain
	}
	addExplainFlags(cmd, o, t.kind == topicWorkload || t.kind == topicAccount, namedTopic(o, t), runF)
	return cmd
}

// addExplainFlags defines the flags of "explain" or of one of its subcommands, and what it runs: parse reads its arguments first.
func addExplainFlags(cmd *cobra.Command, o *explainOptions, inNamespace bool, parse func(*cobra.Command, []string) error, runF func(context.Context, *explainOptions) error) {
	if runF == nil {
		runF = explainRun
	}
	var decide planFlagValues
	cmd.Flags().SortFlags = false
	addSourceFlags(cmd.Flags(), &o.Source)
	if inNamespace {
		addNamespaceFlag(cmd.Flags(), o)
	}
	addAuditLogFlag(cmd.Flags(), &o.Source)
	decide.add(cmd)
	o.Output = explainText
	enumFlag{&o.Output, "format", []string{explainText, explainWide}}.add(cmd, "output", "o", "format of the answer")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f := cmd.Flags().Lookup("namespace"); f != nil {
			o.readNamespaceFlag(f)
		}
		if err := parse(cmd, args); err != nil {
			return err
		}
		err := o.Source.checkAuditLogs(cmd.Flags())
		if err != nil {
			return err
		}
		if o.Decide, _, err = checkInputFlags(cmd.Flags(), o.streams, &o.Source, &decide, &scopeFlags{}); err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
}

// readNamespaceFlag takes apart what the environment has for the flag -n: a list, which other commands take, names no single
// namespace.
func (o *explainOptions) readNamespaceFlag(f *pflag.Flag) {
	if !setByEnvironment(f) {
		return
	}
	o.environmentNamespaces = strings.Split(o.InNamespace, ",")
	if len(o.environmentNamespaces) > 1 {
		o.InNamespace = ""
	}
}

// explainRun reads or builds the Plan and prints the explanation that was asked for. A check is explained without a Plan where no
// source is named.
func explainRun(ctx context.Context, o *explainOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if o.Kind == topicCheck && !o.Source.isNamed() && len(o.Source.AuditLogs) == 0 {
		if err := migrate.CheckTargetVersion(o.Decide.Target, ""); err != nil {
			return err
		}
		return o.print(nil)
	}
	inv, plan, err := o.read(ctx)
	if err != nil {
		return err
	}
	for _, name := range o.environmentNamespaces {
		if !plan.HasNamespace(name) {
			return plan.NamespaceNotFound(name)
		}
	}
	if err := o.resolveTopic(o.streams.ErrOut, plan); err != nil {
		return err
	}
	if o.Kind == topicAccount {
		var others []string // a saved plan has no list of them
		if inv != nil {
			others = access.ServiceAccountNames(inv, o.Namespace)
		}
		if err := plan.CheckServiceAccount(o.Namespace, o.Name, others); err != nil {
			return err
		}
	}
	if err := o.print(plan); err != nil {
		return err
	}
	warnOldTarget(o.streams.ErrOut, plan)
	return planExitError(plan, migrate.NamespaceScope{}, nil, o.Decide.AllowPartial)
}

// read reads or builds the Plan of the command explain. The inventory is nil for a saved plan.
func (o *explainOptions) read(ctx context.Context) (*inventory.Inventory, *migrate.Plan, error) {
	if o.Source.Plan != "" {
		plan, err := readOrBuildPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
		return nil, plan, err
	}
	return buildPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
}

// print builds and draws the explanation that was asked for.
func (o *explainOptions) print(plan *migrate.Plan) error {
	document, err := o.explain(plan)
	if err != nil {
		return err
	}
	if err := report.Text(o.streams.Out, document, report.Options{Width: o.streams.Width, Colour: o.streams.Colour()}); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}

// explain builds the report on the policy, namespace, workload, service account or check that was asked for.
func (o *explainOptions) explain(plan *migrate.Plan) (*report.Document, error) {
	wide := o.Output == explainWide
	switch o.Kind {
	case topicPolicy:
		return report.ExplainPolicy(plan, o.Name, wide)
	case topicNamespace:
		return report.ExplainNamespace(plan, o.Name, wide)
	case topicWorkload:
		return report.ExplainWorkload(plan, o.Namespace, o.WorkloadKind, o.Name)
	case topicCheck:
		check, err := checks.Find(o.Name)
		if err != nil {
			return nil, err
		}
		target := o.Decide.Target
		if plan != nil {
			if target, err = api.ParseVersion(plan.TargetVersion); err != nil {
				return nil, err
			}
		}
		return report.ExplainCheck(plan, check, target, wide), nil
	default:
		return report.ExplainServiceAccount(plan, o.Namespace, o.Name)
	}
}
