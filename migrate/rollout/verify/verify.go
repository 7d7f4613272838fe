package verify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// CheckStatus is what one check of a roll-out came to.
type CheckStatus string

// The results that a check can come to.
const (
	// StatusOK is the status of a check that found nothing wrong.
	StatusOK CheckStatus = "ok"
	// StatusNotOK is the status of a check that found something wrong.
	StatusNotOK CheckStatus = "not ok"
	// StatusUnknown is the status of a check that could not read, or not decide, what it needs.
	StatusUnknown CheckStatus = "could not tell"
)

// CheckResult is what one check of a roll-out found in a namespace, or of one workload in it.
type CheckResult struct {
	// Namespace is empty for what concerns none, such as a broken line of an audit log.
	Namespace string `json:"namespace"`
	// Check is one of the Check constants.
	Check string `json:"check"`
	// Workload is kind/name, empty for the namespace as a whole.
	Workload string          `json:"workload,omitempty"`
	Status   CheckStatus     `json:"status"`
	Reason   message.Message `json:"why"`
	// mayRecover is true if a controller may still get its pods by itself.
	mayRecover bool
}

// The checks of a roll-out.
const (
	// CheckLabels compares the Pod Security labels of a namespace with those that are expected.
	CheckLabels = "labels"
	// CheckSteps looks at the steps of a journal. It has a result only for a step that came to no end, or whose binding is gone.
	CheckSteps = "steps"
	// CheckRefusals looks for controllers whose pods are refused.
	CheckRefusals = "refusals"
	// CheckPods compares the number of pods of each controller with the one that it should have.
	CheckPods = "pods"
	// CheckRecreate creates a pod of every template as a dry run.
	CheckRecreate = "recreate"
	// CheckPolicies looks whether the objects of a set of admission policies are as a roll-out left them, and in force.
	CheckPolicies = "policies"
	// CheckAudit looks into an audit log of the API server.
	CheckAudit = "audit log"
)

// Verification says which namespaces of a cluster to check after a roll-out, and how. Every namespace gets at least one
// result of every check but CheckSteps.
type Verification struct {
	Client dynamic.Interface
	// Namespaces are those to check.
	Namespaces []string
	// Labels are expected, by namespace; a nil value expects no such label. Nothing is known to be expected of a namespace
	// that is not in it.
	Labels map[string]map[string]*string
	// Journal is that of a roll-out which is over or was cut off. If it is set it says which labels are expected, in place of
	// Labels, and which steps came to no end.
	Journal *rollout.Journal
	// Before are the controllers that lacked pods before the roll-out: that they still do is ok.
	Before []rollout.FailingController
	// RecreateOne creates one pod of every template, as a dry run.
	RecreateOne bool
	// Audit is an audit log of the API server to look into; nil for none.
	Audit *AuditLog
	// Wait is how long controllers may take to get their pods, 0 to look once.
	Wait time.Duration
	// Poll is the time between two readings, a second if 0.
	Poll time.Duration
}

// CheckNamespaces checks the namespaces of a cluster: whether they have the expected labels and their controllers get pods,
// not whether the pods work. What could not be read is a result. It returns an error only at the end of ctx.
func CheckNamespaces(ctx context.Context, v Verification) ([]CheckResult, error) {
	results, err := v.awaitControllers(ctx)
	if err != nil {
		return nil, err
	}
	labels, is := v.checkLabels(ctx)
	enforced := enforcedLevels(is)
	results = append(append(results, labels...), v.checkSteps(ctx, is)...)
	if v.RecreateOne {
		results = append(results, v.awaitAdmission(ctx, enforced)...)
		results = append(results, v.checkRecreation(ctx)...)
	}
	if v.Audit != nil {
		results = append(results, v.Audit.results(v.Namespaces, enforced)...)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(results, compareCheckResults)
	return slices.CompactFunc(results, func(a, b CheckResult) bool { return compareCheckResults(a, b) == 0 }), nil
}

// awaitControllers checks the controllers until nothing is left that they may make good by themselves, or Wait is over.
func (v *Verification) awaitControllers(ctx context.Context) ([]CheckResult, error) {
	results := v.checkControllers(ctx)
	finished := func() bool {
		return !slices.ContainsFunc(results, func(r CheckResult) bool { return r.mayRecover })
	}
	if v.Wait > 0 && !finished() {
		// A check that is under way when Wait is over is not cut off; that it was not finished until then is in its results.
		_ = wait.PollUntilContextTimeout(ctx, cmp.Or(v.Poll, time.Second), v.Wait, false, func(context.Context) (bool, error) {
			results = v.checkControllers(ctx)
			return finished(), nil
		})
	}
	return results, ctx.Err()
}

// compareCheckResults orders the results of a verification by namespace, check and workload; a result about the
// namespace as a whole comes first.
func compareCheckResults(a, b CheckResult) int {
	checks := []string{CheckLabels, CheckSteps, CheckRefusals, CheckPods, CheckRecreate, CheckAudit, CheckPolicies}
	return cmp.Or(
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(slices.Index(checks, a.Check), slices.Index(checks, b.Check)),
		cmp.Compare(a.Workload, b.Workload),
		cmp.Compare(a.Status, b.Status),
		message.Compare(a.Reason, b.Reason),
	)
}

// FailingControllers returns the controllers in namespaces, in all if none is named, that lack pods now: Before of a later
// Verification. It returns those that could be read together with an error that says what could not be.
func FailingControllers(ctx context.Context, client dynamic.Interface, namespaces []string) ([]rollout.FailingController, error) {
	s := newNamespaceReader(client, namespaces).observeControllers(ctx)
	var out []rollout.FailingController
	for i := range s.controllers {
		if m := &s.controllers[i]; s.missingPods(m) {
			said := cmp.Or(s.refusalMessage(m), s.podCount(m).Text)
			out = append(out, rollout.FailingController{Namespace: m.namespace, Kind: m.topOwner.Kind, Name: m.topOwner.Name, Message: said})
		}
	}
	slices.SortFunc(out, func(a, b rollout.FailingController) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(out), s.unreadError()
}

// WorstStatus returns the status of all results of a verification together.
func WorstStatus(results []CheckResult) CheckStatus {
	worst := StatusOK
	for _, r := range results {
		if r.Status == StatusNotOK {
			return StatusNotOK
		}
		if r.Status == StatusUnknown {
			worst = StatusUnknown
		}
	}
	return worst
}
