package verify

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// InstalledPolicies reports whether the roll-out of a journal installs a set of admission policies, which CheckInstalled checks.
func InstalledPolicies(j *rollout.Journal) bool {
	return slices.ContainsFunc(j.Steps, func(s rollout.Step) bool { return s.Policy != nil })
}

// CheckInstalled checks whether each object of a set of admission policies that the roll-out of a journal installs is as its last step
// left it or, where that was taken back, as it was before; and whether the API server has the policies in force, by the dry run of a
// pod. What could not be read is a result. It returns an error only at the end of ctx.
func CheckInstalled(ctx context.Context, client dynamic.Interface, j *rollout.Journal) ([]CheckResult, error) {
	var out []CheckResult
	states, seen := j.StepStates(), map[string]bool{}
	for i := range j.Steps {
		o := j.Steps[i].Policy
		if o == nil || seen[o.String()] {
			continue
		}
		seen[o.String()] = true
		p := installedPolicy{client: client, object: o}
		for k := i; k < len(j.Steps); k++ {
			if later := j.Steps[k].Policy; later != nil && later.String() == o.String() {
				p.steps, p.states = append(p.steps, &j.Steps[k]), append(p.states, &states[k])
			}
		}
		out = append(out, p.check(ctx)...)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, compareCheckResults)
	return out, nil
}

// installedPolicy is an object of a set of admission policies to verify, with the steps of the roll-out on it in their order.
type installedPolicy struct {
	client dynamic.Interface
	object *rollout.PolicyObject
	steps  []*rollout.Step
	states []*rollout.StepState
}

// check returns the results of the verification for the object: one for each step that came to no end, and one for what is there, if
// the journal says what is to be there.
func (p *installedPolicy) check(ctx context.Context) []CheckResult {
	var out []CheckResult
	add := func(check string, status CheckStatus, reason message.Message) {
		out = append(out, CheckResult{Check: check, Workload: p.object.String(), Status: status, Reason: reason})
	}
	for i, s := range p.steps {
		if status, reason := unfinishedStatus(s, p.states[i]); reason.ID != "" {
			add(CheckSteps, status, reason)
		}
	}
	written, before := p.lastWritten(), p.states[0].Observed
	undone := p.states[0].LastEvent == rollout.Undone
	if written < 0 && (!undone || before == nil) {
		return out
	}
	existing, err := p.get(ctx)
	switch {
	case err != nil:
		r := p.object.Resource()
		add(CheckPolicies, StatusUnknown, unreadReason("get", r.Resource, r.Group, err))
	case written < 0 && (existing == nil) != before.Exists && (existing == nil || before.IsAsFound(existing)):
		add(CheckPolicies, StatusOK, message.New("verify-policy-as-before"))
	case written < 0:
		add(CheckPolicies, StatusNotOK, message.New("verify-policy-still-there"))
	case existing == nil:
		add(CheckPolicies, StatusNotOK, message.New("verify-policy-gone"))
	case !rollout.IsAsWritten(existing, p.states[written].Written):
		add(CheckPolicies, StatusNotOK, message.New("verify-policy-differs"))
	default:
		status, reason := p.inForce(ctx, p.steps[written].Policy)
		add(CheckPolicies, status, reason)
	}
	return out
}

// lastWritten returns the index of the last step whose outcome is to be on the cluster; -1 for none.
func (p *installedPolicy) lastWritten() int {
	for i := len(p.states) - 1; i >= 0; i-- {
		if s := p.states[i]; s.LastEvent == rollout.Done && s.Written != nil {
			return i
		}
	}
	return -1
}

// get returns the object as it is on the cluster; nil if it is not there.
func (p *installedPolicy) get(ctx context.Context) (u *unstructured.Unstructured, err error) {
	err = rollout.RetryTransient(ctx, func() (err error) {
		u, err = p.object.Client(p.client).Get(ctx, p.object.Name, metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return u, err
}

// inForce returns how, to a verification, it stands with an object that is as a step left it.
func (p *installedPolicy) inForce(ctx context.Context, o *rollout.PolicyObject) (CheckStatus, message.Message) {
	if o.Probe == nil || o.AuditOnly || len(o.Probe.Namespaces) == 0 {
		return StatusOK, message.New("verify-policy-as-written")
	}
	var answer rollout.PolicyAnswer
	err := rollout.RetryTransient(ctx, func() (err error) {
		answer, err = o.Probe.Ask(ctx, p.client)
		return err
	})
	if err == nil && answer.Hidden {
		err = errors.New(answer.Said)
	}
	switch {
	case err != nil:
		return StatusUnknown, message.New("verify-policy-unasked", "error", err)
	case answer.InForce && answer.Refuses:
		return StatusOK, message.New("verify-policy-as-written", "refuses", true)
	case answer.InForce && o.Action != rollout.DenyPolicy:
		return StatusOK, message.New("verify-policy-as-written", "inForce", true)
	case answer.Refused:
		return StatusUnknown, message.New("verify-policy-unasked", "error", answer.Said)
	}
	return StatusNotOK, message.New("verify-policy-not-in-force", "error", answer.Said)
}
