package rollout

import (
	"cmp"
	"context"
	"slices"
	"time"

	"k8s.io/client-go/dynamic"
)

// Failure is a controller that lacks pods: refused by Pod Security or by the policies, or for another reason.
type Failure struct {
	Namespace string `json:"namespace"`
	// Kind and Name are those of the Deployment or CronJob where a ReplicaSet or Job of it lacks pods.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Message is what the server said, or how many pods there are.
	Message string `json:"message"`
}

// Status of a check.
type Status string

// What a check can come to.
const (
	OK           Status = "ok"
	NotOK        Status = "not ok"
	CouldNotTell Status = "could not tell"
)

// Result is what a check found in a namespace, or of one workload in it.
type Result struct {
	// Namespace is empty for what concerns none, such as a broken line of an audit log.
	Namespace string `json:"namespace"`
	// What was checked: one of the Check constants.
	What string `json:"check"`
	// Workload is kind/name, empty for the namespace as a whole.
	Workload string `json:"workload,omitempty"`
	Status   Status `json:"status"`
	Why      string `json:"why"`
	// passing is true for what a controller may still make good by itself.
	passing bool
}

// The checks.
const (
	CheckLabels   = "labels"
	CheckSteps    = "steps" // has a Result only of a step that came to no end, or whose binding is gone
	CheckRefusals = "refusals"
	CheckPods     = "pods"
	CheckRecreate = "recreate"
	CheckAudit    = "audit log"
)

// Verification says what to look at. Every namespace gets at least one Result of every check but CheckSteps.
type Verification struct {
	Client dynamic.Interface
	// Namespaces to look at.
	Namespaces []string
	// Labels that are expected, by namespace; a nil value expects no such label. Of a namespace that is not in it nothing
	// is known to be expected.
	Labels map[string]map[string]*string
	// Journal of a roll-out that is looked at as a whole: it says which labels are expected, in place of Labels, and which
	// steps came to no end.
	Journal *Journal
	// Before are the controllers that lacked pods before: they are told, and are no failure.
	Before []Failure
	// RecreateOne has the server judge one pod of every template, in a dry run.
	RecreateOne bool
	// Audit is an audit log to judge by; nil for none.
	Audit *AuditLog
	// Wait is how long controllers may take to get their pods, 0 to look once.
	Wait time.Duration
	// Poll is the time between two looks, a second if 0.
	Poll time.Duration
}

// Verify looks at namespaces and judges what it finds: whether pods are let in, not whether they work. What could not be
// read is a Result; an error is the end of ctx.
func Verify(ctx context.Context, v Verification) ([]Result, error) {
	results, err := v.settle(ctx)
	if err != nil {
		return nil, err
	}
	labels, is := v.labels(ctx)
	enforced := enforcing(is)
	results = append(append(results, labels...), v.openSteps(ctx, is)...)
	if v.RecreateOne {
		results = append(results, v.noticed(ctx, enforced)...)
		results = append(results, v.recreate(ctx)...)
	}
	if v.Audit != nil {
		results = append(results, v.Audit.results(v.Namespaces, enforced)...)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(results, compareResults)
	return slices.Compact(results), nil
}

// settle looks at the controllers until nothing is left that they may make good by themselves, or the time is up.
func (v *Verification) settle(ctx context.Context) ([]Result, error) {
	waiting, cancel := context.WithTimeout(ctx, v.Wait)
	defer cancel()
	for {
		results := v.controllers(ctx)
		passing := slices.ContainsFunc(results, func(r Result) bool { return r.passing })
		if !passing || v.Wait == 0 || !sleep(waiting, cmp.Or(v.Poll, time.Second)) {
			return results, ctx.Err()
		}
	}
}

// sleep returns false where ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// compareResults orders by namespace, check and workload; what concerns a namespace as a whole comes first.
func compareResults(a, b Result) int {
	checks := []string{CheckLabels, CheckSteps, CheckRefusals, CheckPods, CheckRecreate, CheckAudit}
	return cmp.Or(
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(slices.Index(checks, a.What), slices.Index(checks, b.What)),
		cmp.Compare(a.Workload, b.Workload),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Why, b.Why),
	)
}

// Failing are the controllers in namespaces (all, if none is named) that lack pods now: the baseline of a later Verify. The
// error says what could not be read; the failures beside it are those that could.
func Failing(ctx context.Context, client dynamic.Interface, namespaces []string) ([]Failure, error) {
	s := newViewer(client, namespaces).look(ctx)
	var out []Failure
	for i := range s.makers {
		if m := &s.makers[i]; s.lacks(m) {
			message := cmp.Or(s.said(m), s.count(m))
			out = append(out, Failure{Namespace: m.namespace, Kind: m.root.Kind, Name: m.root.Name, Message: message})
		}
	}
	slices.SortFunc(out, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(out), s.unreadError()
}

// Worst is the status of all results taken together.
func Worst(results []Result) Status {
	worst := OK
	for _, r := range results {
		if r.Status == NotOK {
			return NotOK
		}
		if r.Status == CouldNotTell {
			worst = CouldNotTell
		}
	}
	return worst
}

// ExpectedLabels are what the steps that were taken so far have made of labels, by namespace, what admission should have left
// of them where it altered a step, and what those that were taken back have restored. Of a namespace none of whose steps
// wrote anything nothing is expected: that is for a roll-out which is under way, while Verification.Journal is for one that is
// over or was cut off.
func ExpectedLabels(j *Journal) map[string]map[string]*string {
	out, off := map[string]map[string]*string{}, j.calledOff()
	for i := range j.Steps {
		s := &j.Steps[i]
		last, _ := j.Last(i)
		written := last == Done || last == Undone || last == Altered && !off[s.Namespace]
		if s.Namespace == "" || !written {
			continue
		}
		if out[s.Namespace] == nil {
			out[s.Namespace] = map[string]*string{}
		}
		for _, c := range s.Labels {
			value := c.After
			if before := j.steps[i].before; last == Undone && before != nil {
				value = backTo(c.Key, before.Labels[c.Key])
			}
			out[s.Namespace][c.Key] = value
		}
	}
	return out
}
