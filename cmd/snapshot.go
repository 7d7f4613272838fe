package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/snapshot"
)

// snapshotOptions are the parsed flags of the command snapshot.
type snapshotOptions struct {
	streams Streams
	deps    Deps
	Source  SourceOptions
	Outputs []outputTarget[*snapshotContent]
	// PrintScript prints the script that collects with kubectl alone, and does nothing else.
	PrintScript bool
	// Redact names the key file by which the archive has pseudonyms in place of names; "" keeps them.
	Redact string
	// AllowPartial accepts that something could not be read.
	AllowPartial bool
}

// snapshotContent is what the formats of the command snapshot write.
type snapshotContent struct {
	inventory *inventory.Inventory
	// archived is whether the archive is written, too.
	archived bool
}

// archiveFormat is the output format of the command snapshot that can be read again.
const archiveFormat = "archive"

// snapshotFormats are the output formats of the command snapshot, the default first.
func snapshotFormats() []report.Format[*snapshotContent] {
	return []report.Format[*snapshotContent]{
		{Name: "table", Write: func(w io.Writer, c *snapshotContent, _ report.Options) error { return c.list(w) }},
		{Name: archiveFormat, Write: func(w io.Writer, c *snapshotContent, _ report.Options) error {
			_, err := snapshot.Write(w, c.inventory, toolAndVersion())
			return err
		}},
	}
}

// snapshotEnding is how the help names snapshots. They are known by their content.
const snapshotEnding = ".psp2pss.tar.gz"

// printScriptFlag prints a script for sites where no other program than kubectl may run.
const printScriptFlag = "print-script"

// newSnapshot returns the cobra command "snapshot", which keeps what was read in an archive.
func newSnapshot(streams Streams, deps Deps, runF func(context.Context, *snapshotOptions) error) *cobra.Command {
	if runF == nil {
		runF = snapshotRun
	}
	o := &snapshotOptions{streams: streams, deps: deps}
	var outputs []string
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Keep what was read of a cluster in an archive for others to analyse",
		Long: `Snapshot reads a cluster or files as 'plan' does, and keeps what the analysis needs in one archive.
Every command that reads files takes it with -f, alone, and gives the answer that it would give on
the source: what a cluster was seen to have whole is known of its snapshot, too. It never writes to
a cluster.

The archive is a tar.gz. Its first entry, psp2pss-snapshot.json, says what was read, when and of
which server, what follows, and what it does not hold: no Secret, ConfigMap, Helm release or
credential, no environment, command or argument of a container, and no image tag. Pods are reduced to
what rules look at. The other entries are JSON lines, one record each. The same source gives the same
bytes.

Without -o archive it only lists what would be in the archive. Where something could not be read, the
archive has that as a gap, and the exit code is 4.

With several --context, or with --all-contexts, -o archive=FOLDER writes an archive of each cluster, named
for its context, which 'report --merge' takes together. A cluster that cannot be read is named, and
the others go on. --timeout is for each cluster then.

With --redact, names of namespaces, objects, users, images, hosts and paths, and the values of labels
are pseudonyms, the same as 'plan' and 'report' give with that key file; 'unredact' takes them back in
what is made of the archive. Its plan is the plan of the source with pseudonyms. Of the order of the
names it tells that of the policies, since admission tries them by it. Where a sentence lists several
hosts or SELinux types of one pod, they may stand in another order.

Where no other program than kubectl may run, --print-script prints a shell script that saves the lists
which 'plan' reads in a folder, for -f. It only gets and lists, and asks for no Secret and no ConfigMap;
pods are saved as they are, with the environment of their containers. What may not be listed becomes
a gap. A folder of lists is not known to be whole, and has no version of the server: where both can
be had, a snapshot says more.`,
		Example: `  # Of the cluster of the current kubeconfig context, to hand over
  psp2pss snapshot -o archive=prod` + snapshotEnding + `

  # What would be in it
  psp2pss snapshot --context prod

  # Of every cluster of the kubeconfig, for one report
  psp2pss snapshot --all-contexts -o archive=snapshots
  psp2pss report --merge snapshots -o html=fleet.html

  # With pseudonyms in place of names; keep the key
  psp2pss snapshot --redact names.key -o archive=redacted` + snapshotEnding + `

  # Whoever is given it
  psp2pss plan -f prod` + snapshotEnding + `
  psp2pss report -f prod` + snapshotEnding + ` -o html=report.html

  # Where only kubectl may run
  psp2pss snapshot --print-script > collect.sh
  sh collect.sh prod-lists --context prod
  psp2pss plan -f prod-lists

  # Of files, or of the built-in legacy cluster
  psp2pss snapshot -R -f dump/ -o archive=dump` + snapshotEnding + `
  psp2pss snapshot --demo -o archive=demo` + snapshotEnding,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addFileFlags(flags, &o.Source)
	addCustomResourcesFlag(flags, &o.Source)
	addConnectionFlags(flags, &o.Source)
	addContextsFlags(flags, &o.Source)
	addOutputFlag(cmd, &outputs, snapshotFormats())
	flags.BoolVar(&o.PrintScript, printScriptFlag, false, "print a shell script that saves the lists with kubectl alone, and do nothing else")
	flags.StringVar(&o.Redact, redactFlag, "", redactFlagUsage)
	flags.BoolVar(&o.AllowPartial, allowPartialFlag, false, "exit 0 instead of 4 where something could not be read")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.Source.settleFleet(cmd.Flags()); err != nil {
			return err
		}
		if o.Source.isFleet() {
			f, err := o.fleetOptions(cmd.Flags(), outputs)
			if err != nil {
				return err
			}
			return asRunError(fleetSnapshotRun(cmd.Context(), f))
		}
		if err := o.complete(cmd.Flags(), outputs); err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// complete checks the flags of the command snapshot together.
func (o *snapshotOptions) complete(flags *pflag.FlagSet, outputs []string) (err error) {
	if o.Outputs, err = parseOutputs(outputs, snapshotFormats()); err != nil {
		return err
	}
	if err := o.Source.validate(flags, o.streams); err != nil {
		return err
	}
	if o.PrintScript && (len(outputs) > 0 || !o.Source.ReadsCluster() || o.Redact != "") {
		return usagef("--%s prints a script that reads a cluster, and nothing else: leave out -f, --%s, --%s and -o", printScriptFlag, demoFlag, redactFlag)
	}
	for _, out := range o.Outputs {
		if out.format.Name == archiveFormat && out.file == "" && o.streams.Width > 0 {
			return usagef("-o %[1]s is no text, and would go to a terminal: name a file, as in -o %[1]s=FILE%[2]s", archiveFormat, snapshotEnding)
		}
		if sameFile(out.file, o.Source.Files) != "" {
			return usagef("-o %s=%s would overwrite a file that is read: name another one", out.format.Name, fileerror.Name(out.file))
		}
	}
	return nil
}

// snapshotRun reads the source, writes the archive, and says what is in it.
func snapshotRun(ctx context.Context, o *snapshotOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	if o.PrintScript {
		return o.printScript()
	}
	if err := errors.Join(checkOutputFiles(o.Outputs), checkRedactionKey(o.Redact, o.Outputs)); err != nil {
		return err
	}
	run := runOf(o.deps, o.Source)
	inv, err := readInventory(ctx, o.streams, o.deps, o.Source)
	if err != nil {
		return err
	}
	if inv.Source.Kind != inventory.SourceSnapshot { // a snapshot of a snapshot is of the same reading
		inv.Source.Run = run
	}
	if inv, err = redactInventory(o.Redact, inv, o.deps.BuildPlan); err != nil {
		return err
	}
	archived := slices.ContainsFunc(o.Outputs, func(out outputTarget[*snapshotContent]) bool { return out.format.Name == archiveFormat })
	if err := writeReports(o.streams, o.Outputs, &snapshotContent{inv, archived}, report.Options{}); err != nil {
		return err
	}
	return o.exitError(inv)
}

// printScript prints the script that collects with kubectl alone, for the cluster that the flags name, if they name one.
func (o *snapshotOptions) printScript() error {
	s := &o.Source
	kubectl, err := script.KubectlCommand(inventory.Source{
		Kind: inventory.SourceCluster, Name: s.Context, Kubeconfig: s.Kubeconfig, Cluster: s.Cluster, User: s.User, Server: s.Server, WithToken: s.Token != "",
		As: s.As, AsGroups: s.AsGroups,
	})
	if err != nil {
		return err
	}
	always, custom := cluster.ReadResources()
	_, err = io.WriteString(o.streams.Out, script.Collect(toolAndVersion(), kubectl, always, custom))
	return err
}

// list prints what is in a snapshot, or would be.
func (c *snapshotContent) list(out io.Writer) error {
	m, err := snapshot.Write(io.Discard, c.inventory, toolAndVersion())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "Snapshot of %s\n\n", phrases.SourcePhrase(c.inventory.Source))
	for _, e := range m.Entries {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\n", e.Name, e.Records, e.Holds)
	}
	_, _ = fmt.Fprintf(w, "\nNot in it:\n")
	for _, text := range m.NotHeld {
		_, _ = fmt.Fprintf(w, "  %s\n", text)
	}
	if !c.archived {
		_, _ = fmt.Fprintf(w, "\nIt is not written yet: add -o %s=FILE%s\n", archiveFormat, snapshotEnding)
	}
	return w.Flush()
}

// exitError returns the error that ends the command where something could not be read, or nothing was there.
func (o *snapshotOptions) exitError(inv *inventory.Inventory) error {
	switch n := len(inv.Gaps); {
	case o.AllowPartial:
		return nil
	case len(inv.Policies) == 0 && len(inv.Namespaces) == 0:
		return partialError{errors.New("nothing to evaluate: no policy, namespace or workload was read")}
	case n > 0:
		return partialError{fmt.Errorf("%s could not be read or evaluated, and %s in the snapshot: 'plan -o wide' on it says why; accept them with --%s",
			english.Count(n, "thing", "things"), english.Plural(n, "is a gap", "are gaps"), allowPartialFlag)}
	}
	return nil
}
