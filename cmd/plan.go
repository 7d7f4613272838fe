package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/roles"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// planOptions are the parsed flags of the commands plan and labels.
type planOptions struct {
	streams Streams
	deps    Deps

	Source    SourceOptions
	Decide    migrate.Options
	Scope     migrate.NamespaceScope
	Outputs   []outputTarget[*migrate.Plan]
	NoHeaders bool
	FailOn    []string
	Stage     labels.Stage // of the forms of labels
	// Diff is set where the plan is compared with an earlier one.
	Diff *diffOptions
	// Redact is the key file of --redact; "" where names stay.
	Redact string
	// Invocation is the call itself, for the commands that the table names.
	Invocation report.Invocation
}

// planFlags are the values of the flags of the commands plan and labels, as given.
type planFlags struct {
	source    SourceOptions
	decide    planFlagValues
	scope     scopeFlags
	outputs   []string
	noHeaders bool
	failOn    []string
	// diff is the file of an earlier plan; "" for the command labels, which compares with none.
	diff string
	// onlyUnread is about several clusters.
	onlyUnread bool
}

// add defines the flags of the commands plan and labels; failOn are the values of --fail-on that only one of them has.
func (f *planFlags) add(cmd *cobra.Command, formats []report.Format[*migrate.Plan], failOn ...string) {
	flags := cmd.Flags()
	flags.SortFlags = false
	addSourceFlags(flags, &f.source)
	f.scope.add(flags)
	f.decide.add(cmd)
	addOutputFlag(cmd, &f.outputs, formats)
	flags.BoolVar(&f.noHeaders, "no-headers", false, "print the lines of the table and nothing around them")
	addFailOnFlag(cmd, &f.failOn, failOn...)
}

// options checks all flags of the commands plan and labels before anything is read.
func (f *planFlags) options(cmd *cobra.Command, streams Streams, deps Deps, formats []report.Format[*migrate.Plan], failOn ...string) (*planOptions, error) {
	flags := cmd.Flags()
	o := &planOptions{streams: streams, deps: deps, NoHeaders: f.noHeaders}
	var err error
	if o.Decide, o.Scope, err = checkInputFlags(flags, streams, &f.source, &f.decide, &f.scope); err != nil {
		return nil, err
	}
	o.Source = f.source
	if o.FailOn, err = checkFailOn(f.failOn, failOn...); err != nil {
		return nil, err
	}
	if err := refuseUnread(o.FailOn, f.onlyUnread); err != nil {
		return nil, err
	}
	if o.Diff, err = f.diffOptions(); err != nil {
		return nil, err
	}
	if o.Diff == nil {
		if err := refuseFleetOfOne(f.outputs); err != nil {
			return nil, err
		}
		if o.Outputs, err = parseOutputs(f.outputs, formats); err != nil {
			return nil, err
		}
	}
	o.Invocation = invocationOf(flags, deps)
	return o, nil
}

// newPlan returns the cobra command "plan", which reads a cluster or files and recommends a level for each namespace.
func newPlan(streams Streams, deps Deps, runF func(context.Context, *planOptions) error) *cobra.Command {
	if runF == nil {
		runF = planRun
	}
	var f planFlags
	var role bool
	var keyFile string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Recommend a level for every namespace, with the reasons",
		Long: `Plan reads policies, RBAC and workloads, and recommends for every namespace the Pod Security labels:
the strictest level that everything in it will still meet after PSP is gone and no policy mutates
pods any more. It never writes to a cluster.

The table has the worst first: namespaces whose level is unknown, then those that need privileged,
baseline and restricted. TODAY is the level that the server enforces by the label, or without one by
the default of its admission configuration: no API shows that, so say it with --admission-config.
ENFORCE is the level to enforce: "unknown" where a gap (what could not be read or evaluated) could
change it, "as today" where it would be looser than today, which takes --enforce, or where none is
recommended and one is set, "not set" where none is either. Last is the workload that keeps the
namespace from the next level, with the check that it fails in Pod Security admission's words and
the number of the others (+3), and the level that 'patch --keep' reaches where it reaches one.

Below the table, a line each counts the policies, the namespaces that lose restrictions of theirs,
the findings and the gaps, and names the command that tells more: -o wide has them all, and in DELTA
what 'generate --mode delta' would add to the label of each namespace. NEXT are the commands that go
on from here. On a terminal, namespaces that are alike share a line where there are many; in a pipe
each has its own.

--audit-log adds what the audit logs of the API server say: which policy admitted the pods of each
workload and what it set in them, beside what the simulation says; who created them; how many of
those to whom a policy is granted used it; and what was refused. A log speaks of its own time alone.
Where it has the requests (level RequestResponse), bare pods are taken as they were sent. The shapes
that are read: one event a line, with or without a time before it, and EventList, as an API server
writes them; from EKS the answers of CloudWatch (events, logEvents); from GKE entries of Cloud
Logging; from AKS records of Event Hubs and rows of AKSAudit; each also as a list, and with gzip.

An archive that -f names is read up to 8 GiB of what it inflates to, 1,000,000 entries (200,000 of a
zip), and, past 64 MiB, 1,000 times its own size; what comes after that is a gap. A folder has no
such limit: unpack what is larger, and name the folder.

With several --context, or with --all-contexts, plan reads these clusters side by side, and writes a row
for each: the table, or -o fleet=FILE for 'report --merge'. -o json=FOLDER writes the plan of each, in
a file named for its context; a file of an earlier run stays where its cluster could not be read. A
cluster that cannot be read has a row that says why, and the others go on (exit code 4; with
--fail-on=unread 3, also with --allow-partial, which is then about what is only not whole). --timeout is
for each cluster then, and --shard=I/N leaves the other parts to other computers ('fleet' prints Jobs
for that); a part whose run is cut off is left in FILE as unread. --only-unread reads what an earlier run has
not read into FILE.

--diff compares with an earlier plan ('plan -o json > old.json') and writes what changed since, each
change with what it means: first what became looser, then new blockers, then what is stricter or can
be. With it --fail-on ends in exit code 3 for
  loosening    something is let in, or needed, that was not: a policy, binding, label or exemption
               lets in more, or a namespace or workload is at a looser level
  new-blocker  a workload keeps its namespace from the next level by a check that it did not fail
  change       anything changed
while privileged and baseline are about the later plan, as without --diff. What one of the plans did
not read is never called gone or new: it is not known, and the exit code is 4.`,
		Example: `  # The cluster of the current kubeconfig context
  psp2pss plan

  # A dump, or manifests in a folder tree
  kubectl get ns -o json --show-managed-fields > namespaces.json
  kubectl get psp,sa,roles,rolebindings,clusterroles,clusterrolebindings -A -o json > rules.json
  kubectl get po,podtemplates,rc,rs,deploy,sts,ds,jobs,cronjobs -A -o json > workloads.json
  psp2pss plan -f namespaces.json -f rules.json -f workloads.json
  psp2pss plan -R -f ./clusters/legacy

  # Policies from Git, workloads from a cluster that no longer serves policies
  psp2pss plan -f psp/ --context prod

  # The table to read and the plan to keep, without the platform's namespaces
  psp2pss plan --exclude kube-system -o table -o json=plan.json

  # Fail a pipeline when a label would change
  psp2pss plan -R -f . --fail-on=change

  # What the last week changed, and a pipeline that fails when something became looser
  psp2pss plan -o json=monday.json
  psp2pss plan --diff monday.json --fail-on=loosening,new-blocker

  # Who really used which policy, and what it changed, out of the API server's audit logs
  psp2pss plan --audit-log /var/log/kubernetes/audit -o wide

  # All clusters of the kubeconfig: a table, the plan of each, and what a report is made of
  psp2pss plan --all-contexts -o table -o json=plans -o fleet=fleet.json

  # A plan for somebody who must not know the names, and the way back
  psp2pss plan --redact acme.key -o json=plan-redacted.json
  psp2pss unredact --key acme.key plan-redacted.json

  # Let a user read what a full answer needs, and nothing else
  psp2pss plan --print-role | kubectl apply -f -
  kubectl create clusterrolebinding psp2pss-reader --clusterrole=psp2pss-reader --user=NAME`,
		Args: noArgs,
	}
	formats := planFormats()
	f.add(cmd, formats, failOnNewBlocker, failOnUnread)
	addAuditLogFlag(cmd.Flags(), &f.source)
	addDiffFlag(cmd, &f.diff)
	addContextsFlags(cmd.Flags(), &f.source)
	addOnlyUnreadFlag(cmd.Flags(), &f.onlyUnread)
	cmd.Flags().BoolVar(&role, printRoleFlag, false, "print the read-only ClusterRole that a full answer from a cluster needs, and do nothing else")
	cmd.Flags().StringVar(&keyFile, redactFlag, "", redactFlagUsage)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if role {
			return asRunError(roles.WriteReader(streams.Out, readerRules(&f.source), cluster.HelmReleaseRules()))
		}
		if err := f.source.settleFleet(cmd.Flags()); err != nil {
			return err
		}
		if f.source.isFleet() {
			o, err := f.fleetOptions(cmd.Flags(), streams, deps)
			if err != nil {
				return err
			}
			return asRunError(fleetPlanRun(cmd.Context(), o))
		}
		if err := f.source.checkAuditLogs(cmd.Flags()); err != nil {
			return err
		}
		o, err := f.options(cmd, streams, deps, formats, failOnNewBlocker, failOnUnread)
		if err != nil {
			return err
		}
		if o.Redact = keyFile; keyFile != "" && o.Diff != nil {
			return usagef("--%s writes a plan: save both plans with it, and compare these with --%s later.json --%s earlier.json", redactFlag, planFlag, diffFlag)
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// planRun builds or reads the Plan, writes the namespaces in scope, and returns the error for the exit code, which is about the
// whole Plan: filters and formats do not change it.
func planRun(ctx context.Context, o *planOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if o.Diff != nil {
		return diffRun(ctx, o)
	}
	if err := checkOutputFiles(o.Outputs); err != nil {
		return err
	}
	if err := checkRedactionKey(o.Redact, o.Outputs); err != nil {
		return err
	}
	plan, err := readOrBuildPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(o.Outputs, needsNames) {
		if err := refuseRedacted(plan, o.Source.Plan); err != nil {
			return err
		}
	}
	shown, err := selectNamespaces(o.streams.ErrOut, plan, o.Scope)
	if err != nil {
		return err
	}
	if shown, err = redactPlan(o.Redact, shown); err != nil {
		return err
	}
	if shown.Source.Redacted {
		o.Invocation = redactedInvocation(o.Invocation, shown)
	}
	o.warnWithheld(plan)
	if err := writeReports(o.streams, o.Outputs, shown, report.Options{NoHeaders: o.NoHeaders, Invocation: o.Invocation}); err != nil {
		return err
	}
	if !slices.ContainsFunc(o.Outputs, carriesCautions) {
		warnOldTarget(o.streams.ErrOut, shown)
	}
	return errors.Join(planExitError(plan, o.Scope, o.FailOn, o.Decide.AllowPartial), leftOutError(o.Outputs, shown, o.Stage, o.Decide.AllowPartial))
}

// needsNames is true for an output format that is run or applied: pseudonyms are nothing's names.
func needsNames(o outputTarget[*migrate.Plan]) bool {
	return o.format.Name == undoFlag || slices.Contains(report.FormatNames(labelFormats(&labels.Options{})), o.format.Name)
}

// carriesCautions is true for an output format that has the cautions of the Plan in it.
func carriesCautions(o outputTarget[*migrate.Plan]) bool {
	return slices.Contains([]string{"wide", "json", "yaml", commandsFormat}, o.format.Name)
}

// warnWithheld warns that a saved Plan has no enforce label for namespaces that were not read completely, whatever --allow-partial
// says now.
func (o *planOptions) warnWithheld(plan *migrate.Plan) {
	if o.Source.Plan == "" || !o.Decide.AllowPartial {
		return
	}
	n := 0
	for i := range plan.Namespaces {
		if plan.Namespaces[i].Action == migrate.ActionWithheld {
			n++
		}
	}
	if n > 0 {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "warning: the plan was made without --%s: it has no enforce label for %s\n", allowPartialFlag, english.Count(n, "namespace", "namespaces"))
	}
}
