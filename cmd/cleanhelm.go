package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/helm"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	cleanHelmName = "clean-helm"
	yesFlag       = "yes"
	backupFlag    = "backup"
)

// checkCleanHelmFlags refuses what --clean-helm has no use for, and what has no use without it.
func (f *gateFlags) checkCleanHelmFlags(flags *pflag.FlagSet, streams Streams) error {
	given := func(name string) bool { return flags.Changed(name) && !setByEnvironment(flags.Lookup(name)) }
	if !f.cleanHelm {
		for _, name := range []string{yesFlag, backupFlag} {
			if given(name) {
				return usagef("--%s goes with --%s: nothing else here writes to a cluster", name, cleanHelmName)
			}
		}
		return nil
	}
	for _, name := range []string{"to", "target-version", "assert", admissionConfigFlag, "output"} {
		if given(name) {
			return usagef("--%s gives no answer: leave out --%s, and run gate again after it", cleanHelmName, name)
		}
	}
	switch {
	case !f.source.ReadsCluster() || len(f.source.Files) > 0:
		return usagef("--%s writes to a cluster: leave out --%s, --%s and --%s", cleanHelmName, fileFlag, demoFlag, planFlag)
	case !f.yes && !streams.Interactive:
		return usagef("nobody can be asked here whether to write to the cluster: add --%s; without --%s gate says what there is to clean", yesFlag, cleanHelmName)
	}
	return nil
}

// readHelmReleases reads all stored releases of the cluster.
func (o *gateOptions) readHelmReleases(ctx context.Context) (gate.HelmReleases, error) {
	p := o.streams.startProgress()
	defer p.close()
	read, err := callUntilCancelled(ctx, "reading the Helm releases", func() (gate.HelmReleases, error) {
		c, n := helm.ReleaseCollector{}, 0
		gaps, err := o.deps.LoadHelmReleases(ctx, o.Source, func(kind string, m metav1.ObjectMeta, payload []byte) {
			n++
			p.update(fmt.Sprintf("reading Helm releases: %d revisions", n))
			c.Add(kind, m, payload)
		})
		all := collectedHelmReleases(&c)
		all.All, all.Gaps = true, append(gaps, all.Gaps...)
		return all, err
	})
	return read, err
}

func collectedHelmReleases(c *helm.ReleaseCollector) gate.HelmReleases {
	releases, gaps := c.Releases()
	return gate.HelmReleases{Histories: helm.GroupByRelease(releases), Gaps: gaps}
}

// cleanHelm cleans every stored revision that holds a policy.
func (o *gateOptions) cleanHelm(ctx context.Context) error {
	read, err := o.readHelmReleases(ctx)
	if err != nil {
		return err
	}
	var revisions []helm.Release
	for i := range read.Histories {
		revisions = append(revisions, read.Histories[i].RevisionsWithPolicies()...)
	}
	for _, g := range read.Gaps {
		o.printMessage("warning: could not read %s: %s", g.What, g.Why)
	}
	if len(revisions) == 0 {
		o.printMessage("There is nothing to clean.")
		return o.cleaningVerdict(read.Gaps)
	}
	client, name, err := o.deps.Connect(o.Source)
	if err != nil {
		return err
	}
	if !o.Yes && !o.confirmCleaning(ctx, revisions, name) {
		return errors.New("nothing was done")
	}
	if err := o.cleanRevisions(ctx, client, name, revisions); err != nil {
		return err
	}
	return o.cleaningVerdict(read.Gaps)
}

func (o *gateOptions) confirmCleaning(ctx context.Context, revisions []helm.Release, name string) bool {
	for i := range revisions {
		o.printMessage("would clean %s", describeRevision(&revisions[i], revisions[i].Policies))
	}
	return o.streams.confirm(ctx, fmt.Sprintf("Take the policies out of %d stored %s on the cluster of context %s?", len(revisions), english.Plural(len(revisions), "revision", "revisions"), name))
}

// cleanRevisions goes on where one is refused, and fails then at the end.
func (o *gateOptions) cleanRevisions(ctx context.Context, client dynamic.Interface, context string, revisions []helm.Release) error {
	backups := o.Backup
	if backups == "" {
		backups = strings.TrimSuffix(defaultJournalName(context, time.Now().UTC()), ".journal") + "-helm"
	}
	if err := os.MkdirAll(filepath.Clean(backups), 0o700); err != nil {
		return fmt.Errorf("making the folder for backups: %w; nothing was written to the cluster", err)
	}
	refused := 0
	for i := range revisions {
		done, err := rollout.CleanHelmRelease(ctx, client, revisions[i].Storage, backups)
		line := "cleaned  " + describeRevision(&revisions[i], done.Removed) + "; backup " + done.Backup
		if err != nil {
			refused++
			line = "refused  " + describeRevision(&revisions[i], revisions[i].Policies) + ": " + err.Error()
		}
		if _, err := fmt.Fprintln(o.streams.Out, escape.Terminal(line)); err != nil {
			return fmt.Errorf("writing to standard output: %w", err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cleaning: %w", ctx.Err())
		}
	}
	o.printMessage("The backups in %s hold all that the releases hold, passwords among it. Run '%s gate' again: what Helm has stored since is not cleaned.", backups, o.deps.ToolName)
	if refused > 0 {
		return fmt.Errorf("%d of %d stored %s refused, the others are clean: see the reasons above", refused, len(revisions), english.Plural(len(revisions), "revision was", "revisions were"))
	}
	return nil
}

// cleaningVerdict: what was not read may have to be cleaned.
func (o *gateOptions) cleaningVerdict(gaps []inventory.Gap) error {
	if len(gaps) == 0 || o.Decide.AllowPartial {
		return nil
	}
	return partialError{fmt.Errorf("%d %s could not be read, and may hold policies; accept it with --%s", len(gaps), english.Plural(len(gaps), "thing", "things"), allowPartialFlag)}
}

func (o *gateOptions) printMessage(format string, args ...any) {
	_, _ = fmt.Fprintln(o.streams.ErrOut, escape.Terminal(fmt.Sprintf(format, args...)))
}

// describeRevision names a stored revision, and documents in it by kind and name alone: its values hold passwords.
func describeRevision(r *helm.Release, documents []helm.Document) string {
	names := make([]string, 0, len(documents))
	for _, d := range documents {
		names = append(names, d.Kind+" "+d.Name)
	}
	return fmt.Sprintf("%s/%s revision %d (%s): %s", r.Namespace, r.Name, r.Revision, r.Storage.Kind, strings.Join(names, ", "))
}
