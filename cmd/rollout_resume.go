package cmd

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// resume goes on with a journal.
func resume(ctx context.Context, o *rolloutOptions) error {
	j, client, err := openJournal(ctx, o.deps, o.Source, o.Journal)
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }()
	if err := o.goesOn(j); err != nil {
		return err
	}
	if err := o.keep(&j.Header); err != nil {
		return err
	}
	if err := o.checkRights(ctx, client, j.Steps); err != nil {
		return err
	}
	out := newStepPrinter(o.streams, o.JSON)
	for _, err := range notInJournal(o.Scope.Exclude, namespacesOf(j.Steps)) {
		warn(o.streams.ErrOut, "--exclude leaves nothing out: %v", err)
	}
	left := j.LeftOut(o.Scope.Exclude)
	out.tellLeft(left)
	if !o.Yes && !o.streams.confirm(ctx, fmt.Sprintf("Go on with the roll-out of %s on the cluster of context %s?", o.Journal, j.Context)) {
		return errors.New("nothing was done")
	}
	r := &rollout.Runner{Client: client, Journal: j, Force: o.Rollout.Force, Exclude: o.Scope.Exclude, Recheck: o.recheck(j.Admission), Known: j.Known, Tell: out.tell}
	r.Kubectl = o.Source.kubectl(o.Source.Context)
	if o.Source.Context == "" && o.Source.Kubeconfig == "" {
		r.Kubectl = o.Source.kubectl(j.Context)
	}
	if err := o.take(ctx, r, out); err != nil {
		return errors.Join(err, out.flush())
	}
	if out.taken == 0 && len(left) > 0 && !o.Decide.AllowPartial {
		return errors.Join(nothingDone(left), out.flush())
	}
	return out.end()
}

// goesOn refuses to go on with a roll-out that was taken back, and says what to do instead.
func (o *rolloutOptions) goesOn(j *rollout.Journal) error {
	err := j.GoesOn()
	var back *rollout.TakenBackError
	switch {
	case err == nil:
		return nil
	case len(rollout.Undo{}.Steps(j)) > 0:
		return advisedError{err, "to take back what is left of it: " + o.again("rollback", j.Path())}
	case errors.As(err, &back) && back.Failure != "":
		return advisedError{err, "mend what was not ok, and begin a new roll-out"}
	}
	return advisedError{err, "begin a new roll-out"}
}

// openJournal opens a journal together with the cluster that it is about.
func openJournal(ctx context.Context, deps Deps, src SourceOptions, path string) (*rollout.Journal, dynamic.Interface, error) {
	j, err := rollout.Open(path)
	if err != nil {
		return nil, nil, err
	}
	client, err := clusterOf(ctx, deps, src, j, path)
	if err != nil {
		_ = j.Close()
		return nil, nil, err
	}
	return j, client, nil
}

// clusterOf connects to the cluster that a journal is about, and to no other.
func clusterOf(ctx context.Context, deps Deps, src SourceOptions, j *rollout.Journal, path string) (dynamic.Interface, error) {
	if src.Context == "" && src.Kubeconfig == "" {
		src.Context = contextOf(j)
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

// contextOf is the context that a journal was made under, "" for the one that a pod has without a kubeconfig.
func contextOf(j *rollout.Journal) string {
	if j.Context == "in-cluster" {
		return ""
	}
	return j.Context
}
