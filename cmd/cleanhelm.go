package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate/cleanhelm"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/helm"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const yesFlag = "yes"

// cleanHelmOptions are what the flags of the command clean-helm become.
type cleanHelmOptions struct {
	streams Streams
	deps    Deps

	Source SourceOptions
	// Yes writes without asking.
	Yes bool
	// BackupDir gets the objects as they were; "" for a directory named after the context and the time.
	BackupDir string
	// AllowPartial accepts releases that could not be read.
	AllowPartial bool
}

// newCleanHelm returns the cobra command "clean-helm", which runs runF with its options; nil is cleanHelmRun.
func newCleanHelm(streams Streams, deps Deps, runF func(context.Context, *cleanHelmOptions) error) *cobra.Command {
	if runF == nil {
		runF = cleanHelmRun
	}
	o := cleanHelmOptions{streams: streams, deps: deps}
	cmd := &cobra.Command{
		Use:   "clean-helm",
		Short: "Take PodSecurityPolicies out of stored Helm releases",
		Long: `Clean-helm takes the PodSecurityPolicies, and nothing else, out of every revision that Helm has
stored in the cluster (Secrets of type helm.sh/release.v1 and ConfigMaps), the way Helm itself
stores it. With a policy in a stored manifest, helm upgrade and helm rollback fail once the server
does not serve policies. 'gate' names the releases and says what fails; it writes nothing.

First upgrade each release to a chart without policies: that alone leaves them in the revisions
before. A policy that is on the server stays there.

Each object is backed up to a directory before it is written, with whatever the values of the
release hold: keep the directory as safe as the passwords in it. 'kubectl replace -f' puts an object
back, once its resourceVersion is taken out of the file. An object that has changed since it was
read is refused, and the others are cleaned. Nothing that a release holds is printed but kinds and
names.

It needs to list, get and update Secrets and ConfigMaps in all namespaces.

Exit codes: 0 done, or there is nothing to clean; 1 failed, or a revision was refused; 4 a release
could not be read, and may hold policies (--allow-partial turns 4 into 0).`,
		Example: `  # Which releases hold policies, and what fails because of them
  psp2pss gate

  # Take the policies out, and ask again
  psp2pss clean-helm --backup=helm-backup
  psp2pss gate

  # In a pipeline
  psp2pss clean-helm --yes --backup=helm-backup --context=prod`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVarP(&o.Yes, yesFlag, "y", false, "do not ask; needed where no terminal is")
	flags.StringVar(&o.BackupDir, "backup", "", "directory for the objects as they were (default psp2pss-CONTEXT-TIME-helm)")
	flags.BoolVar(&o.AllowPartial, allowPartialFlag, false, "exit 0 instead of 4 where a release could not be read")
	addConnectionFlags(flags, &o.Source)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o.Source.NeedsCluster = true
		if !o.Yes && !streams.Interactive {
			return usagef("nobody can be asked here whether to write to the cluster: add --%s; 'gate' says what there is to clean", yesFlag)
		}
		return asRunError(runF(cmd.Context(), &o))
	}
	return cmd
}

// cleanHelmRun runs the command clean-helm: it cleans every stored Helm revision that holds a PodSecurityPolicy.
func cleanHelmRun(ctx context.Context, o *cleanHelmOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	read, err := readHelmReleases(ctx, o.streams, o.deps, o.Source)
	if err != nil {
		return err
	}
	for _, g := range read.Gaps {
		o.printMessage("warning: could not read %s: %s", g.What, g.Why)
	}
	revisions := cleanhelm.RevisionsToClean(read.Histories)
	if len(revisions) == 0 {
		o.printMessage("There is nothing to clean.")
		return o.verdict(read.Gaps)
	}
	client, contextName, err := o.deps.Connect(o.Source)
	if err != nil {
		return err
	}
	if !o.Yes && !o.confirm(ctx, revisions, contextName) {
		return errors.New("nothing was done")
	}
	if o.BackupDir == "" {
		o.BackupDir = defaultFileName(contextName, time.Now().UTC()) + "-helm"
	}
	if err := os.MkdirAll(filepath.Clean(o.BackupDir), 0o700); err != nil {
		return fmt.Errorf("making the directory for backups: %w; nothing was written to the cluster", err)
	}
	if err := o.clean(ctx, &cleanhelm.Cleaner{Client: client, FieldManager: rollout.FieldManager, BackupDir: o.BackupDir}, revisions); err != nil {
		return err
	}
	return o.verdict(read.Gaps)
}

// confirm shows on the terminal what clean-helm would remove, asks, and returns whether somebody agrees.
func (o *cleanHelmOptions) confirm(ctx context.Context, revisions []helm.Release, contextName string) bool {
	for i := range revisions {
		o.printMessage("would clean %s", cleanhelm.Describe(&revisions[i], revisions[i].Policies))
	}
	return o.streams.confirm(ctx, fmt.Sprintf("Take the policies out of %s on the cluster of context %s?", english.Count(len(revisions), "stored revision", "stored revisions"), contextName))
}

// clean cleans one stored Helm revision after the other and prints a line about each. It goes on after one that is
// refused, and returns an error at the end.
func (o *cleanHelmOptions) clean(ctx context.Context, c *cleanhelm.Cleaner, revisions []helm.Release) error {
	refused := 0
	for i := range revisions {
		done, err := c.Clean(ctx, revisions[i].Storage)
		line := "cleaned  " + cleanhelm.Describe(&revisions[i], done.Removed) + "; backup " + done.Backup
		if err != nil {
			refused++
			line = "refused  " + cleanhelm.Describe(&revisions[i], revisions[i].Policies) + ": " + err.Error()
		}
		text := &report.Document{OneLine: true, Blocks: []report.Block{report.List{Flat: true, Items: []report.Item{{Text: line, Role: report.RoleStatus}}}}}
		if err := report.Text(o.streams.Out, text, report.Options{Width: o.streams.Width, Colour: o.streams.Colour}); err != nil {
			return fmt.Errorf("writing to standard output: %w", err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cleaning: %w", ctx.Err())
		}
	}
	o.printMessage("The backups in %s hold all that the releases hold, passwords among it. Run '%s gate' again: what Helm has stored since is not cleaned.", o.BackupDir, o.deps.ToolName)
	if refused > 0 {
		return fmt.Errorf("%d of %d stored %s refused, the others are clean: see the reasons above", refused, len(revisions), english.Plural(len(revisions), "revision was", "revisions were"))
	}
	return nil
}

// verdict returns the error that ends clean-helm where not every Helm release was read: the others may hold policies.
func (o *cleanHelmOptions) verdict(gaps []inventory.Gap) error {
	if len(gaps) == 0 || o.AllowPartial {
		return nil
	}
	return partialError{fmt.Errorf("%s could not be read, and may hold policies; accept it with --%s", english.Count(len(gaps), "thing", "things"), allowPartialFlag)}
}

// printMessage writes a line of the command clean-helm to standard error, escaped for a terminal.
func (o *cleanHelmOptions) printMessage(format string, args ...any) {
	_, _ = fmt.Fprintln(o.streams.ErrOut, escape.Terminal(fmt.Sprintf(format, args...)))
}
