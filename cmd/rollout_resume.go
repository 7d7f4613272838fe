package cmd

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
)

// resumeRollout runs the command rollout --resume: it takes the steps that are left in a journal.
func resumeRollout(ctx context.Context, o *rolloutOptions) error {
	j, client, err := openJournal(ctx, o.deps, o.Source, o.Journal)
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }()
	if err := o.checkResumable(j); err != nil {
		return err
	}
	if err := o.keepGuards(&j.JournalHeader); err != nil {
		return err
	}
	if err := o.checkPermissions(ctx, client, j.Steps); err != nil {
		return err
	}
	out := newRolloutPrinter(o.streams, o.JSON)
	for _, err := range checkJournalNames(o.Scope.Exclude, rollout.StepNamespaces(j.Steps)) {
		printWarning(o.streams.ErrOut, "--exclude leaves nothing out: %v", err)
	}
	left := j.SkippedByExclude(o.Scope.Exclude)
	out.addSkipped(left)
	r := &rollout.Runner{
		Client: client, Journal: j, Force: o.Rollout.Force, Exclude: o.Scope.Exclude, Recheck: o.recheck(j.Admission), KnownViolations: j.KnownViolations,
		OnBegin: out.beginStep, OnOutcome: out.addOutcome,
	}
	planned := plannedOutcomes(j.Steps, r.StepsToTake(), false)
	if len(planned) > 0 {
		out.tellPlanned(planned, !o.Yes, j.Context)
	}
	if !o.Yes && !o.streams.confirm(ctx, fmt.Sprintf("Go on with %s on the cluster of context %s?", stepsAndNamespaces(planned), j.Context)) {
		return errors.New("nothing was done")
	}
	if err := o.runSteps(ctx, r, out); err != nil {
		return errors.Join(err, out.flush())
	}
	if out.taken == 0 && len(left) > 0 && !o.Decide.AllowPartial {
		return errors.Join(nothingDoneError(left), out.flush())
	}
	return out.end()
}

// checkResumable returns an error, with what to do instead, where --resume names the journal of a roll-out that was
// rolled back.
func (o *rolloutOptions) checkResumable(j *rollout.Journal) error {
	err := j.CheckResumable()
	var rolledBack *rollout.RolledBackError
	switch {
	case !errors.As(err, &rolledBack):
		return err
	case rolledBack.Remaining:
		return errorWithAdvice{err, "to take back what is left of it: " + o.journalCommand("rollback", j.Path())}
	case rolledBack.Failure != "":
		return errorWithAdvice{err, "mend what was not ok, and begin a new roll-out"}
	}
	return errorWithAdvice{err, "begin a new roll-out"}
}

// openJournal opens the journal that a flag of the command rollout or rollback names, and connects to its cluster.
func openJournal(ctx context.Context, deps Deps, src SourceOptions, path string) (*rollout.Journal, dynamic.Interface, error) {
	if err := checkJournalExists(path); err != nil {
		return nil, nil, err
	}
	j, err := rollout.OpenJournal(path)
	if err != nil {
		return nil, nil, err
	}
	client, err := connectToJournalCluster(ctx, deps, src, j, path)
	if err != nil {
		_ = j.Close()
		return nil, nil, err
	}
	return j, client, nil
}

// connectToJournalCluster connects to the cluster of a journal. It returns an error if the command-line flags name
// another one.
func connectToJournalCluster(ctx context.Context, deps Deps, src SourceOptions, j *rollout.Journal, path string) (dynamic.Interface, error) {
	if src.Context == "" && src.Kubeconfig == "" {
		src.Context = journalContext(j)
	}
	client, name, err := deps.Connect(src)
	if err != nil {
		return nil, err
	}
	id, err := rollout.ClusterID(ctx, client)
	if err == nil && id != j.Cluster {
		choose := contextFlag
		if name == j.Context { // two clusters whose contexts have one name
			choose = kubeconfigFlag
		}
		err = fmt.Errorf("the journal %q is of another cluster (context %q) than that of context %q: choose the right one with --%s", path, j.Context, name, choose)
	}
	return client, err
}

// journalContext returns, for --resume, the kubeconfig context that a journal names; "" for that of a pod, which has no
// kubeconfig.
func journalContext(j *rollout.Journal) string {
	if j.Context == cluster.InClusterContext {
		return ""
	}
	return j.Context
}
