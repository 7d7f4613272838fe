package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// explainOptions are the parsed flags and argument of the command explain.
type explainOptions struct {
	streams Streams
	deps    Deps

	Source SourceOptions
	Decide migrate.Options
	// Kind is psp, ns, workload or sa. Name is its name; Namespace and WorkloadKind are set for kinds that have them.
	Kind, Namespace, WorkloadKind, Name string
}

// explainTopic is one kind of thing that the command explain can explain, with its argument and its help.
type explainTopic struct {
	kind, argument, short, example string
	aliases                        []string
	parse                          func(*explainOptions, string) error
}

// explainTopics lists what the command explain can explain: policies, namespaces, workloads and service accounts.
func explainTopics() []explainTopic {
	return []explainTopic{
		{"psp", "NAME", "Explain a policy: its fields, its checks, who may use it, and a simpler clone", "restricted", []string{"policy"}, parseTopicName},
		{"ns", "NAME", "Explain a namespace: what decides its level and what blocks the next", "web", []string{"namespace"}, parseTopicName},
		{"workload", "NAMESPACE/KIND/NAME", "Explain a workload: what each check says of its pods", "web/deployment/api", nil, parseWorkload},
		{"sa", "NAMESPACE/NAME", "Explain a service account: which policies it may use, and through what", "web/builder", []string{"serviceaccount"}, parseServiceAccount},
	}
}

// newExplain returns the cobra command "explain" with one subcommand for each kind of thing it explains.
func newExplain(streams Streams, deps Deps, runF func(context.Context, *explainOptions) error) *cobra.Command {
	if runF == nil {
		runF = explainRun
	}
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Show all reasons for a policy, namespace, workload or account",
		Long: `Explain shows everything that led to a recommendation, for one thing: field by field, binding by
binding, check by check, in Pod Security admission's own words. For a policy it ends with step 2 of
the official migration guide: what of it only mutates pods or is out of the standards' scope, and a
clone of it that mutates nothing.`,
		Example: `  psp2pss explain ns web --demo
  psp2pss explain psp restricted --plan plan.json
  psp2pss explain workload web/deployment/api
  psp2pss explain sa web/builder`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("explain does not know %q: it explains psp, ns, workload and sa", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			return usagef("say what to explain: psp NAME, ns NAME, workload NAMESPACE/KIND/NAME or sa NAMESPACE/NAME")
		},
	}
	for _, t := range explainTopics() {
		cmd.AddCommand(newExplainTopicCommand(t, streams, deps, runF))
	}
	return cmd
}

// newExplainTopicCommand returns the subcommand of "explain" for one kind of thing.
func newExplainTopicCommand(t explainTopic, streams Streams, deps Deps, runF func(context.Context, *explainOptions) error) *cobra.Command {
	o := &explainOptions{streams: streams, deps: deps, Kind: t.kind}
	var decide planFlagValues
	cmd := &cobra.Command{
		Use:     t.kind + " " + t.argument,
		Aliases: t.aliases,
		Short:   t.short,
		Example: fmt.Sprintf("  psp2pss explain %[1]s %[2]s\n  psp2pss explain %[1]s %[2]s --plan plan.json", t.kind, t.example),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("explain %s takes one argument, %s", cmd.Name(), t.argument)
			}
			return t.parse(o, args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Decide, _, err = checkInputFlags(cmd.Flags(), streams, &o.Source, &decide, &scopeFlags{}); err != nil {
				return err
			}
			return asRunError(runF(cmd.Context(), o))
		},
	}
	cmd.Flags().SortFlags = false
	addSourceFlags(cmd.Flags(), &o.Source)
	decide.add(cmd)
	return cmd
}

// parseTopicName reads the argument NAME of an explain subcommand; anything with a slash is wrong usage.
func parseTopicName(o *explainOptions, arg string) error {
	if isBlank(arg) || strings.Contains(arg, "/") {
		return usagef("%q is not a name: give it without a slash", arg)
	}
	o.Name = arg
	return nil
}

// parseServiceAccount reads the argument NAMESPACE/NAME that names a service account on the command line.
func parseServiceAccount(o *explainOptions, arg string) error {
	parts := strings.Split(arg, "/")
	if len(parts) != 2 || slices.ContainsFunc(parts, isBlank) {
		return usagef("%q does not name a service account: give it as NAMESPACE/NAME", arg)
	}
	o.Namespace, o.Name = parts[0], parts[1]
	return nil
}

// parseWorkload reads the argument NAMESPACE/KIND/NAME that names a workload on the command line.
func parseWorkload(o *explainOptions, arg string) error {
	parts := strings.Split(arg, "/")
	if len(parts) != 3 || slices.ContainsFunc(parts, isBlank) {
		return usagef("%q does not name a workload: give it as NAMESPACE/KIND/NAME", arg)
	}
	o.Namespace, o.WorkloadKind, o.Name = parts[0], parseWorkloadKind(parts[1]), parts[2]
	return nil
}

// parseWorkloadKind reads a workload kind on the command line as kubectl does, plural and short names included: deploy,
// sts, pods.
func parseWorkloadKind(s string) string {
	s = strings.ToLower(s)
	for _, k := range inventory.WorkloadKinds() {
		if s == k.ShortName {
			return strings.ToLower(k.Name)
		}
	}
	return strings.TrimSuffix(s, "s") // of a custom resource, too
}

// explainRun reads or builds the Plan and prints the explanation that was asked for.
func explainRun(ctx context.Context, o *explainOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	plan, err := o.planForTopic(ctx)
	if err != nil {
		return err
	}
	document, err := o.explain(plan)
	if err != nil {
		return err
	}
	if err := report.Text(o.streams.Out, document, report.Options{Width: o.streams.Width, Colour: o.streams.Colour}); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	warnOldTarget(o.streams.ErrOut, plan)
	return planExitError(plan, migrate.NamespaceScope{}, nil, o.Decide.AllowPartial)
}

// planForTopic reads or builds the Plan for the command explain, and refuses a service account that nothing names: a Plan has no
// list of them.
func (o *explainOptions) planForTopic(ctx context.Context) (*migrate.Plan, error) {
	if o.Kind != "sa" || o.Source.Plan != "" {
		plan, err := readOrBuildPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
		if err == nil && o.Kind == "sa" {
			err = plan.CheckServiceAccount(o.Namespace, o.Name, nil)
		}
		return plan, err
	}
	inv, plan, err := buildPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
	if err != nil {
		return nil, err
	}
	return plan, plan.CheckServiceAccount(o.Namespace, o.Name, access.ServiceAccountNames(inv, o.Namespace))
}

// explain builds the report on the policy, namespace, workload or service account that was asked for.
func (o *explainOptions) explain(plan *migrate.Plan) (*report.Document, error) {
	switch o.Kind {
	case "psp":
		return report.ExplainPolicy(plan, o.Name)
	case "ns":
		return report.ExplainNamespace(plan, o.Name)
	case "workload":
		return report.ExplainWorkload(plan, o.Namespace, o.WorkloadKind, o.Name)
	default:
		return report.ExplainServiceAccount(plan, o.Namespace, o.Name)
	}
}
