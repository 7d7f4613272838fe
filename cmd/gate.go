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
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/helm"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// gateOptions are what the flags of the command gate become.
type gateOptions struct {
	streams Streams
	deps    Deps

	Source SourceOptions
	Decide migrate.Options
	// To is the release to upgrade to; the zero value chooses by the server.
	To      api.Version
	Assert  []gate.Assertion
	Outputs []outputTarget[*gate.Result]
}

// gateFlags are the values of the flags of the command gate, as given.
type gateFlags struct {
	source       SourceOptions
	to, target   string
	assert       []string
	outputs      []string
	allowPartial bool
}

// newGate returns the cobra command "gate", which runs runF with its options; nil is gateRun.
func newGate(streams Streams, deps Deps, runF func(context.Context, *gateOptions) error) *cobra.Command {
	if runF == nil {
		runF = gateRun
	}
	var f gateFlags
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Say whether the cluster is ready, and what clears each reason",
		Long: `Gate answers one question: may this cluster be upgraded past PodSecurityPolicy? It prints every
reason against it, in the order in which to clear them, with the commands that do, and what it could
not tell. It runs none of the commands, and writes to no cluster.

Flags of API servers are read where their mirror pods show them (kube-system/kube-apiserver-*, on
kubeadm, kops, RKE2 or Talos): the plugins PodSecurityPolicy and PodSecurity, feature gates, and
where the admission configuration is. What the API does not show (flags of a managed control plane,
files) you can assert, one name each, with --assert. An assertion that contradicts what was read is
an error (exit 2):

` + assertionHelp() + `
Policies on the cluster that 'generate' wrote are named, with what they do by their bindings: they
take the place of what is lost once they deny. Where they ask RBAC who may use which policy, the
roles that let use policies have to stay. A saved plan does not hold them.

Commands that delete grants and policies are always shown, but -o commands has them as comments
until psp-plugin-off is asserted: a server that still evaluates policies and finds none to use
refuses every pod.

The script of -o commands takes one stage a run: 'sh clear.sh no-audit-and-warn'. Look at what a
stage prints and does before the next one; without a stage the script lists them and does nothing
(exit 2). It ends on any other cluster than the one that was read, by the UID of the namespace
kube-system. If that is not known or cannot be read, it runs only with PSP2PSS_THIS_CLUSTER=1 in its
environment.

From a cluster it reads stored Helm releases, too (Secrets of type helm.sh/release.v1 and
ConfigMaps): with a policy in a stored manifest, helm upgrade and helm rollback fail once policies
are not served. Other kinds in API versions that --to does not serve fail them as well, and are
named. The ConfigMaps of Helm 2 are named and not decoded; what Helm 2 keeps in Secrets, or Helm in
an SQL database, is not read. Of the content of a release only kinds and names are printed.
'clean-helm' takes the policies out of the stored revisions.

With several --context, or with --all-contexts, it answers for each cluster, in a table or as json or
yaml, and ends with the worst exit code of all: 3 before 4. A cluster that cannot be read is named,
and the others go on. --timeout is for each cluster then, and what --assert says for all of them.

Exit codes: 0 ready; 3 there is a reason against it; 4 else, if something is unknown.`,
		Example: `  # May we upgrade to v1.25?
  psp2pss gate --to=v1.25

  # In a pipeline, with what was checked by hand
  psp2pss gate --to=v1.25 --assert=psp-plugin-off,helm-releases-clean,new-namespaces-labelled

  # All clusters of the kubeconfig
  psp2pss gate --all-contexts --to=v1.25

  # The way there, as a script to read first; it lists its stages, and takes one at a time
  psp2pss gate -o commands=clear.sh
  sh clear.sh
  sh clear.sh no-audit-and-warn

  # With the configuration that the API servers run with
  psp2pss gate --admission-config=admission.yaml

  # What gives namespaces without labels a level
  psp2pss gate -o admission-config

  # Take the policies out of stored Helm releases, and ask again
  psp2pss clean-helm --backup=helm-backup
  psp2pss gate`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addSourceFlags(flags, &f.source)
	addContextsFlags(flags, &f.source)
	addToFlag(flags, &f.to)
	flags.StringVar(&f.target, "target-version", "", `version of the standards that labels are pinned to, such as v1.25, or "latest" (default v1.25, or the server's own minor if that is newer)`)
	addAssertFlag(cmd, &f.assert)
	addOutputFlag(cmd, &f.outputs, gateFormats())
	flags.BoolVar(&f.allowPartial, allowPartialFlag, false, "exit 0 instead of 4 where something is unknown")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.source.settleFleet(cmd.Flags()); err != nil {
			return err
		}
		if f.source.isFleet() {
			o, err := f.fleetOptions(cmd.Flags(), streams, deps)
			if err != nil {
				return err
			}
			return asRunError(fleetGateRun(cmd.Context(), o))
		}
		o, err := f.options(cmd, streams, deps)
		if err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// addToFlag defines the command-line flag --to, the release that the gate is asked about.
func addToFlag(flags *pflag.FlagSet, to *string) {
	flags.StringVar(to, "to", "", "release to upgrade to, such as v1.25 (default v1.25, or what follows the server's own minor)")
}

// addAssertFlag defines the command-line flag --assert, what the user of the gate knows.
func addAssertFlag(cmd *cobra.Command, names *[]string) {
	cmd.Flags().StringSliceVar(names, "assert", nil, "something that you know and the API does not show; may be repeated; one of "+strings.Join(assertionNames(), ", "))
	registerCompletion(cmd, "assert", assertionNames())
}

// assertionNames returns the values of the flag --assert.
func assertionNames() []string {
	var names []string
	for _, a := range gate.Assertions() {
		names = append(names, string(a.Name))
	}
	return names
}

// assertionHelp returns the lines of the help about the flag --assert.
func assertionHelp() string {
	var b strings.Builder
	for _, a := range gate.Assertions() {
		fmt.Fprintf(&b, "  %-24s %s\n", a.Name, a.Means)
	}
	return b.String()
}

// options checks all flags of the command gate before anything is read.
func (f *gateFlags) options(cmd *cobra.Command, streams Streams, deps Deps) (*gateOptions, error) {
	o, err := f.commonOptions(cmd.Flags(), streams, deps)
	if err != nil {
		return nil, err
	}
	o.Outputs, err = parseOutputs(f.outputs, gateFormats())
	return o, err
}

// commonOptions checks the flags of the command gate, but for those about its output, before anything is read.
func (f *gateFlags) commonOptions(flags *pflag.FlagSet, streams Streams, deps Deps) (*gateOptions, error) {
	o := &gateOptions{streams: streams, deps: deps}
	var err error
	if o.To, err = parseRelease(f.to); err != nil {
		return nil, err
	}
	if o.Assert, err = parseAssertions(f.assert); err != nil {
		return nil, err
	}
	decide := planFlagValues{target: f.target, allowPartial: f.allowPartial}
	if o.Decide, _, err = checkInputFlags(flags, streams, &f.source, &decide, &scopeFlags{}); err != nil {
		return nil, err
	}
	o.Source = f.source
	return o, nil
}

// parseAssertions reads the values of the flag --assert. It returns a usage error for a name that cannot be asserted.
func parseAssertions(names []string) ([]gate.Assertion, error) {
	var out []gate.Assertion
	for _, name := range names {
		if !slices.Contains(assertionNames(), name) {
			return nil, usagef("--assert=%q is no name that can be asserted: the names are %s%s", name, strings.Join(assertionNames(), ", "), suggestion(name, assertionNames()))
		}
		out = append(out, gate.Assertion(name))
	}
	return out, nil
}

// parseRelease reads the value of the flag --to of the command gate. It returns a usage error for a release with
// PodSecurityPolicy, or one whose standards are not known here.
func parseRelease(s string) (api.Version, error) {
	if s == "" {
		return api.Version{}, nil
	}
	v, err := parseMinor(s)
	switch {
	case err != nil:
		return api.Version{}, usagef("--to=%q is not a Kubernetes minor: give it as v1.25 or 1.25%s", s, minorSuggestion(s))
	case v.Latest():
		return api.Version{}, usagef("--to=%q is not a Kubernetes minor: give it as v1.25 or 1.25", s)
	}
	if oldest, newest := migrate.FirstVersionWithoutPSP(), pss.NewestVersion(); v.Older(oldest) || newest.Older(v) {
		return api.Version{}, usagef("--to=%s: the releases that can be evaluated go from %s to %s", v, &oldest, &newest)
	}
	return v, nil
}

// gateFormats returns the output formats of the command gate, the default first.
func gateFormats() []report.Format[*gate.Result] {
	form := func(name string, write func(io.Writer, *gate.Result) error) report.Format[*gate.Result] {
		return report.Format[*gate.Result]{Name: name, Write: func(w io.Writer, r *gate.Result, _ report.Options) error { return write(w, r) }}
	}
	return append(report.GateFormats(), form("commands", gate.WriteCommands), form("admission-config", gate.WriteAdmissionConfig))
}

// gateRun runs the command gate: it reads a cluster or a plan, evaluates it and writes the result.
func gateRun(ctx context.Context, o *gateOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if err := checkOutputFiles(o.Outputs); err != nil {
		return err
	}
	plan, result, err := o.answer(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(o.Outputs, func(out outputTarget[*gate.Result]) bool { return out.format.Name == commandsFormat }) {
		if err := refuseRedacted(plan, o.Source.Plan); err != nil {
			return err
		}
	}
	warnOldTarget(o.streams.ErrOut, plan)
	if err := writeOutputs(o.streams, o.Outputs, result, false); err != nil {
		return err
	}
	err = gateVerdict(result, o.Decide.AllowPartial)
	if err != nil && len(plan.Policies) == 0 && len(plan.Namespaces) == 0 {
		err = errors.Join(nothingReadError(plan), err)
	}
	return err
}

// answer builds or reads the Plan for the command gate, and evaluates it. It returns a usage error for an assertion that contradicts
// what was read.
func (o *gateOptions) answer(ctx context.Context) (*migrate.Plan, *gate.Result, error) {
	plan, facts, err := o.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	result, err := o.evaluate(plan, facts)
	return plan, result, err
}

// evaluate evaluates a Plan for the command gate. It returns a usage error for an assertion that contradicts what was read.
func (o *gateOptions) evaluate(plan *migrate.Plan, facts gate.Facts) (*gate.Result, error) {
	if err := gate.CheckAssertions(plan, o.Assert); err != nil {
		return nil, usageError{err}
	}
	to := o.To
	if to == (api.Version{}) {
		to = gate.DefaultRelease(plan)
	}
	return gate.Evaluate(plan, facts, gate.Options{To: to, Tool: o.deps.ToolName, Assert: o.Assert}), nil
}

// read builds or reads the Plan for the command gate, and reads stored Helm releases, which no plan holds, from any
// other source than a plan.
func (o *gateOptions) read(ctx context.Context) (*migrate.Plan, gate.Facts, error) {
	if o.Source.Plan != "" {
		plan, err := readOrBuildPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
		if err == nil {
			err = refusePartial(plan, fmt.Sprintf("the plan %q", o.Source.Plan))
		}
		return plan, gate.Facts{HelmReleases: gate.HelmReleases{NotInPlan: true}}, err
	}
	src, inFiles := o.Source, helm.ReleaseCollector{}
	src.OnOtherObject = inFiles.AddDocument
	_, plan, err := buildPlan(ctx, o.streams, o.deps, src, o.Decide)
	if err != nil {
		return nil, gate.Facts{}, err
	}
	var facts gate.Facts
	if src.ReadsCluster() { // it has them all, as they are now
		facts.HelmReleases, err = readHelmReleases(ctx, o.streams, o.deps, o.Source)
	} else {
		facts.HelmReleases = collectedHelmReleases(&inFiles)
	}
	facts.HelmReleases.NotInPlan = plan.Source.Kind == inventory.SourceSnapshot // it holds none, as a plan
	return plan, facts, err
}

// gateVerdict returns the error that ends the command gate: a findingsError for reasons, else a partialError for what
// is unknown.
func gateVerdict(r *gate.Result, allowPartial bool) error {
	switch {
	case len(r.Reasons) > 0:
		var ids []string
		for _, reason := range r.Reasons {
			ids = append(ids, reason.ID)
		}
		return findingsError{fmt.Errorf("not ready for %s: %s", r.To, strings.Join(ids, ", "))}
	case len(r.Unknown) > 0 && !allowPartial:
		var ids []string
		for _, u := range r.Unknown {
			ids = append(ids, u.ID)
		}
		return partialError{errors.New("unknown: " + strings.Join(ids, ", ") + "; find out and --assert it, or accept it with --" + allowPartialFlag)}
	}
	return nil
}
