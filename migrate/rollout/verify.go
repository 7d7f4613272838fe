package rollout

import (
	"context"
	"time"

	"k8s.io/client-go/dynamic"
)

// Failure is a controller that lacks pods: refused by Pod Security or by the policies, or for another reason.
type Failure struct {
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
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
	CheckRefusals = "refusals"
	CheckPods     = "pods"
	CheckRecreate = "recreate"
	CheckAudit    = "audit log"
)

// Verification says what to look at. Every namespace gets at least one Result of every check.
type Verification struct {
	Client dynamic.Interface
	// Namespaces to look at.
	Namespaces []string
	// Labels that are expected, by namespace; a nil value expects no such label.
	Labels map[string]map[string]*string
	// Before are the controllers that lacked pods before: they are told, and are no failure.
	Before []Failure
	// RecreateOne has the server judge one pod of every template, in a dry run.
	RecreateOne bool
	// Wait is how long controllers may take to get their pods, 0 to look once.
	Wait time.Duration
	// Poll is the time between two looks, a second if 0.
	Poll time.Duration
}

// Verify looks at namespaces and judges what it finds. What could not be read is a Result; an error is the end of ctx.
func Verify(ctx context.Context, v Verification) ([]Result, error) {
	return nil, ctx.Err()
}

// Failing are the controllers in namespaces (all, if none is named) that lack pods now: the baseline of a later Verify. The
// error says what could not be read; the failures beside it are those that could.
func Failing(ctx context.Context, client dynamic.Interface, namespaces []string) ([]Failure, error) {
	return nil, ctx.Err()
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

// ExpectedLabels are what the steps that were taken, and not taken back, have made of labels, by namespace.
func ExpectedLabels(j *Journal) map[string]map[string]*string {
	out := map[string]map[string]*string{}
	for i := range j.Steps {
		s := &j.Steps[i]
		if last, _ := j.Last(i); last != Done || s.Namespace == "" {
			continue
		}
		if out[s.Namespace] == nil {
			out[s.Namespace] = map[string]*string{}
		}
		for _, c := range s.Labels {
			out[s.Namespace][c.Key] = c.After
		}
	}
	return out
}
