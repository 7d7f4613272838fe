package cmd

import (
	"cmp"
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
	out := newRolloutPrinter(o.streams, o.Outputs)
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
	src, err := journalSource(src, j, path)
	if err != nil {
		return nil, err
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

// journalSource returns the flags of the cluster of a journal: those that were given, and else what the journal says. It
// returns a usage error where that would send credentials to an address which only the journal names, or come as another
// user than the one whose token the roll-out began with.
func journalSource(src SourceOptions, j *rollout.Journal, path string) (SourceOptions, error) {
	was := j.Connection
	switch {
	case src.NamesCluster():
		return src, nil
	case was == nil:
		if src.Context = j.Context; src.Context == cluster.InClusterContext {
			src.Context = "" // that of a pod, which has no kubeconfig
		}
		return src, nil
	case was.Server != "":
		return src, usagef("the roll-out of %q was begun with --%[2]s=%s: give --%[2]s again, since no credentials are sent to an address that only a file names", path, serverFlag, was.Server)
	case was.WithToken && src.Token == "" && src.User == "":
		return src, usagef("the roll-out of %q was begun with a token: put one into the environment as %s, or name a user with --%s", path, environmentVariable(tokenFlag), userFlag)
	}
	src.Context, src.Cluster, src.User = was.Context, was.Cluster, cmp.Or(src.User, was.User)
	return src, nil
}

// journalConnection returns what a journal keeps of the flags that named the cluster and the user; nil where its context
// says it all.
func journalConnection(src SourceOptions) *rollout.Connection {
	was := rollout.Connection{Context: src.Context, Cluster: src.Cluster, User: src.User, Server: src.Server, WithToken: src.Token != ""}
	if was == (rollout.Connection{Context: src.Context}) {
		return nil
	}
	return &was
}
