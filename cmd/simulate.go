package cmd

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// simulateOptions are what the flags of simulate become.
type simulateOptions struct {
	streams Streams
	deps    Deps

	Source       SourceOptions
	Scope        migrate.NamespaceScope
	Form         string
	Level        api.Level
	Target       api.Version
	Output       string
	NoHeaders    bool
	AllowPartial bool
}

func simulateFormats() []string { return []string{"text", "json"} }

// The forms of a workload that can be simulated.
const (
	asWritten  = "as written"
	asAdmitted = "as admitted"
	dayAfter   = "day after"
)

func newSimulate(streams Streams, deps Deps, runF func(context.Context, *simulateOptions) error) *cobra.Command {
	if runF == nil {
		runF = simulateRun
	}
	o := &simulateOptions{streams: streams, deps: deps}
	var scope scopeFlags
	level, target, output := string(api.LevelRestricted), "", simulateFormats()[0]
	var written, admitted, after bool
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Dry-run workloads against a level of the standards, in three forms",
		Long: `Simulate says for every workload what Pod Security admission would say at a level and version, in
its own words: as its author wrote it; as PodSecurityPolicy admission would fill it in today, with
the policy that admits it; or as its pods will be on the day after, when none fills anything in.
Nothing is sent to a cluster.

From a saved plan it answers at the plan's own version: that a level allows what meets it as
written, and what a level refuses in the words for the day after, where that comes to the same
level. Else it says that the answer is not known.`,
		Example: `  # What would the restricted level refuse?
  psp2pss simulate -f deployment.yaml --level=restricted --target-version=latest

  # One namespace of the cluster, at baseline
  psp2pss simulate -n web --level=baseline

  # What would be refused as soon as no policy fills anything in?
  psp2pss simulate --day-after --level=restricted`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd.Flags(), &scope, level, target, output); err != nil {
				return err
			}
			switch {
			case admitted:
				o.Form = asAdmitted
			case after:
				o.Form = dayAfter
			}
			return asRunError(runF(cmd.Context(), o))
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addSourceFlags(flags, &o.Source)
	scope.add(flags)
	enumFlag{&level, "level", levelNames()}.add(cmd, "level", "", "level to judge by")
	flags.StringVar(&target, "target-version", "", `version of the standards, such as v1.25, or "latest" (default v1.25, or the server's own minor if that is newer)`)
	flags.BoolVar(&written, "as-written", false, "judge templates as their authors wrote them (the default)")
	flags.BoolVar(&admitted, "as-admitted", false, "judge the pods that PodSecurityPolicy admission would make of the templates today")
	flags.BoolVar(&after, "day-after", false, "judge the pods that will be created once no policy fills anything in")
	cmd.MarkFlagsMutuallyExclusive("as-written", "as-admitted", "day-after")
	enumFlag{&output, "format", simulateFormats()}.add(cmd, "output", "o", "format of the answer")
	flags.BoolVar(&o.NoHeaders, "no-headers", false, "print the lines of workloads and nothing around them")
	flags.BoolVar(&o.AllowPartial, allowPartialFlag, false, "exit 0 instead of 4 where something could not be read")
	return cmd
}

func (o *simulateOptions) complete(flags *pflag.FlagSet, scope *scopeFlags, level, target, output string) error {
	if given := flags.Lookup("as-written"); given.Changed && given.Value.String() == "false" && !flags.Changed("as-admitted") && !flags.Changed("day-after") {
		return usagef("--as-written=false leaves no form to simulate: add --as-admitted or --day-after")
	}
	var err error
	o.Form = asWritten
	if o.Target, err = parseTargetVersion(target); err != nil {
		return err
	}
	o.Level, o.Output = api.Level(level), output
	if err = o.Source.validate(flags, o.streams); err != nil {
		return err
	}
	if err = o.Source.checkTargetVersion(o.Target); err != nil {
		return err
	}
	o.Scope, err = scope.parse(flags)
	return err
}

func simulateRun(ctx context.Context, o *simulateOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	var plan *migrate.Plan
	var result *report.Simulation
	var err error
	if o.Source.Plan != "" {
		if plan, err = readOrBuildPlan(ctx, o.streams, o.deps, o.Source, migrate.Options{}); err != nil {
			return err
		}
		result, err = o.fromPlan(plan)
	} else {
		plan, result, err = o.fromSource(ctx)
	}
	if err != nil {
		return err
	}
	result.Exempt(plan)
	selected, err := selectNamespaces(o.streams.ErrOut, plan, o.Scope)
	if err != nil {
		return err
	}
	warnOldTarget(o.streams.ErrOut, selected)
	var b bytes.Buffer
	if err := o.render(&b, result); err != nil {
		return err
	}
	if _, err := o.streams.Out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return planExitError(plan, o.Scope, nil, o.AllowPartial)
}

func (o *simulateOptions) render(w io.Writer, s *report.Simulation) error {
	opts := report.Options{Width: o.streams.Width, Colour: o.streams.Colour, NoHeaders: o.NoHeaders}
	if o.Output == "json" {
		return report.SimulationJSON(w, s, opts)
	}
	return report.SimulationText(w, s, opts)
}

// fromSource judges what was read. The plan comes with it for its namespaces, gaps and target version.
func (o *simulateOptions) fromSource(ctx context.Context) (*migrate.Plan, *report.Simulation, error) {
	inv, plan, err := buildPlan(ctx, o.streams, o.deps, o.Source, migrate.Options{Target: o.Target})
	if err != nil {
		return nil, nil, err
	}
	version, err := api.ParseVersion(plan.TargetVersion)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the target version of the plan: %w", err)
	}
	forms, err := migrate.NewWorkloadSimulation(inv, migrate.Options{Target: o.Target})
	if err != nil {
		return nil, nil, err
	}
	evaluator, err := pss.NewEvaluator()
	if err != nil {
		return nil, nil, err
	}
	in := inScope(plan, o.Scope)
	s := &report.Simulation{Form: o.Form, Level: string(o.Level), Version: version.String(), Results: []report.Simulated{}}
	at := api.LevelVersion{Level: o.Level, Version: version}
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		if !in[w.Namespace] {
			continue
		}
		out := report.Simulated{Namespace: w.Namespace, Kind: w.Kind, Name: w.Name}
		switch o.Form {
		case asAdmitted:
			admittedAs(&out, forms, evaluator, w, at)
		case dayAfter:
			answer(&out, evaluator.ViolationsAtLevel(forms.AfterPSP(w, at.Version).Violations, at))
		default:
			judged(&out, forms, evaluator, w, at)
		}
		unseen(&out, w.IsPartial(), at)
		s.Results = append(s.Results, out)
	}
	return plan, s, nil
}

func judged(out *report.Simulated, forms *migrate.WorkloadSimulation, evaluator *pss.Evaluator, w *inventory.Workload, at api.LevelVersion) {
	verdict, ok := forms.AsWritten(w, at.Version)
	if !ok {
		verdict, ok = unchanged(forms, w, at.Version)
	}
	if !ok && at.Level != api.LevelPrivileged {
		out.Unknown = onlyChangedPods
		return
	}
	answer(out, evaluator.ViolationsAtLevel(verdict.Violations, at))
}

// admittedAs answers for the pod as PSP admission makes it; where no policy admits it, no level is asked.
func admittedAs(out *report.Simulated, forms *migrate.WorkloadSimulation, evaluator *pss.Evaluator, w *inventory.Workload, at api.LevelVersion) {
	a, ok := forms.AsAdmitted(w, at.Version)
	switch {
	case !ok:
		out.Unknown = "there is no template, or there are no policies"
	case a.Policy == "":
		out.Message = "refused by PodSecurityPolicy admission: " + strings.Join(message.Texts(a.Refused), "; ")
	default:
		out.AdmittedBy = a.Policy
		answer(out, evaluator.ViolationsAtLevel(a.Violations, at))
	}
}

const onlyChangedPods = "only pods that a policy may have changed were read, not what their author wrote"

// unchanged judges a workload without a template by those of its live pods that no policy has touched: they stand as
// their author, or the controller that was not read, has written them.
func unchanged(forms *migrate.WorkloadSimulation, w *inventory.Workload, v api.Version) (pss.Verdict, bool) {
	pods := slices.DeleteFunc(slices.Clone(w.PodGroups), func(g inventory.PodGroup) bool { return g.AdmittedBy != "" })
	if len(pods) == 0 {
		return pss.Verdict{}, false
	}
	of := *w
	of.PodGroups = pods
	return forms.AfterPSP(&of, v).Verdict, true
}

// unseen takes back that a level lets in what was read only in part: an object whose controller adds to what it says.
func unseen(out *report.Simulated, partial bool, at api.LevelVersion) {
	if partial && out.Allowed && at.Level != api.LevelPrivileged {
		out.Allowed, out.Unknown = false, "its controller adds to what it says, and no pod of it was read"
	}
}

// answer words what the level would say.
func answer(out *report.Simulated, violations []pss.Violation) {
	out.Allowed = len(violations) == 0
	out.Message = pss.ViolationMessage(violations)
	for _, v := range violations {
		out.Violations = append(out.Violations, migrate.Violation(v))
	}
}

// fromPlan answers from a saved plan as far as it holds the answer.
func (o *simulateOptions) fromPlan(plan *migrate.Plan) (*report.Simulation, error) {
	if o.Target != (api.Version{}) && o.Target.String() != plan.TargetVersion {
		return nil, fmt.Errorf("simulating at %s: the plan holds verdicts at %s only; %s", o.Target, plan.TargetVersion, readAgain)
	}
	version, err := api.ParseVersion(plan.TargetVersion)
	if err != nil {
		return nil, fmt.Errorf("reading the target version of the plan: %w", err)
	}
	evaluator, err := pss.NewEvaluator()
	if err != nil {
		return nil, err
	}
	at := api.LevelVersion{Level: o.Level, Version: version}
	s := &report.Simulation{Form: o.Form, Level: string(o.Level), Version: plan.TargetVersion, Results: []report.Simulated{}}
	selected := plan.SelectNamespaces(o.Scope)
	for i := range selected.Namespaces {
		ns := &selected.Namespaces[i]
		for _, w := range ns.Workloads {
			out := report.Simulated{Namespace: ns.Name, Kind: w.Kind, Name: w.Name}
			switch o.Form {
			case asAdmitted:
				recordedAdmitted(&out, &w, at)
			case dayAfter:
				recordedAfter(&out, &w, evaluator, at)
			default:
				recorded(&out, &w, evaluator, at)
			}
			unseen(&out, w.PartialTemplates && w.Pods == 0, at)
			s.Results = append(s.Results, out)
		}
		for _, u := range ns.UnseenWorkloads {
			out := report.Simulated{Namespace: ns.Name, Kind: u.Kind, Name: u.Name, Allowed: true}
			unseen(&out, true, at)
			s.Results = append(s.Results, out)
		}
		slices.SortStableFunc(s.Results[len(s.Results)-len(ns.Workloads)-len(ns.UnseenWorkloads):], func(a, b report.Simulated) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
		})
	}
	return s, nil
}

// recorded answers for a workload from what a plan holds of it. The level as written may be enough. What it violates is
// known for the day after, which is the same only where nothing had to be estimated and both come to one level.
func recorded(out *report.Simulated, w *migrate.Workload, evaluator *pss.Evaluator, at api.LevelVersion) {
	written, estimated := w.Level.AsWritten, w.LevelEstimated
	if written == "" && !estimated {
		written = w.Level.AfterPSP // no policy has made a difference to its pods
	}
	switch {
	case at.Level == api.LevelPrivileged, written != "" && api.CompareLevels(written, at.Level) >= 0:
		out.Allowed = true
	case written == "":
		out.Unknown = onlyChangedPods
	case written != w.Level.AfterPSP:
		out.Unknown = fmt.Sprintf("the plan holds what it violates on the day after (%s), not as written (%s); %s", w.Level.AfterPSP, written, readAgain)
	case estimated:
		out.Unknown = fmt.Sprintf("as written it meets %s, and what the plan holds of its violations is an estimate for the day after; %s", written, readAgain)
	default:
		violations := make([]pss.Violation, len(w.Violations))
		for i, v := range w.Violations {
			violations[i] = pss.Violation(v)
		}
		answer(out, evaluator.ViolationsAtLevel(violations, at))
	}
}

// recordedAdmitted: a plan holds the level as admitted, and none of the words.
func recordedAdmitted(out *report.Simulated, w *migrate.Workload, at api.LevelVersion) {
	out.AdmittedBy = w.AdmittedBy
	switch {
	case len(w.Refused) > 0:
		out.Message = "refused by PodSecurityPolicy admission: " + strings.Join(message.Texts(w.Refused), "; ")
	case w.Level.AsAdmitted == "":
		out.Unknown = "the plan does not say what admits it"
	case api.CompareLevels(w.Level.AsAdmitted, at.Level) >= 0:
		out.Allowed = true
	default:
		out.Message = fmt.Sprintf("as admitted it meets %s (what it violates, the plan does not hold: %s)", w.Level.AsAdmitted, readAgain)
	}
}

func recordedAfter(out *report.Simulated, w *migrate.Workload, evaluator *pss.Evaluator, at api.LevelVersion) {
	violations := make([]pss.Violation, len(w.Violations))
	for i, v := range w.Violations {
		violations[i] = pss.Violation(v)
	}
	answer(out, evaluator.ViolationsAtLevel(violations, at))
}

const readAgain = "read the source again instead of --plan"

// inScope is the set of the namespaces in scope.
func inScope(plan *migrate.Plan, scope migrate.NamespaceScope) map[string]bool {
	in := map[string]bool{}
	for _, ns := range plan.SelectNamespaces(scope).Namespaces {
		in[ns.Name] = true
	}
	return in
}
