package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// warningsKey is the key of a context under which the warnings of an API server are collected.
type warningsKey struct{}

// WarningCollector hands the warnings in an API server's answers to whoever sent the request, by its context. A client whose
// warnings tell whether a policy is in force has it as its handler of warnings.
type WarningCollector struct{}

// HandleWarningHeaderWithContext adds a warning to those that are collected for the request of ctx, if they are.
func (WarningCollector) HandleWarningHeaderWithContext(ctx context.Context, _ int, _ string, text string) {
	if warnings, ok := ctx.Value(warningsKey{}).(*[]string); ok {
		*warnings = append(*warnings, text)
	}
}

// collectWarnings returns a context for one request, and where its warnings are once it is answered.
func collectWarnings(ctx context.Context) (context.Context, *[]string) {
	warnings := &[]string{}
	return context.WithValue(ctx, warningsKey{}, warnings), warnings
}

// PolicyAnswer is what the dry run of a pod told of a policy that a roll-out installs.
type PolicyAnswer struct {
	// InForce is true if the policy answered with its revision, and Refuses if it did so by a refusal.
	InForce, Refuses bool
	// Refused is true if the pod was refused, by whatever it was.
	Refused bool
	// Hidden is true if another policy refused the pod before this one could be heard.
	Hidden bool
	// Said is what was answered, for people.
	Said string
}

// Ask has an API server admit the pod of a probe in a dry run, and returns what that tells of the policy. An error is one of the
// request, not of the answer.
func (p *PolicyProbe) Ask(ctx context.Context, client dynamic.Interface) (PolicyAnswer, error) {
	pod := &unstructured.Unstructured{}
	if err := pod.UnmarshalJSON(p.Pod); err != nil {
		return PolicyAnswer{}, fmt.Errorf("reading the pod that tells whether %s is in force: %w", p.Policy, err)
	}
	answer := PolicyAnswer{Said: "there is no namespace to ask in"}
	for _, ns := range p.Namespaces {
		pod.SetNamespace(ns)
		ctx, warnings := collectWarnings(ctx)
		made, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace(ns).
			Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: FieldManager})
		var status apierrors.APIStatus
		switch {
		case err != nil && (!errors.As(err, &status) || isTransient(err) || apierrors.IsUnauthorized(err)):
			return PolicyAnswer{}, err
		case apierrors.IsNotFound(err), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
			answer.Said = err.Error()
			continue
		}
		return p.read(made, err, *warnings), nil
	}
	return answer, nil
}

// read returns what an answer to the dry run of the probe's pod tells of the policy.
func (p *PolicyProbe) read(made *unstructured.Unstructured, refused error, warnings []string) PolicyAnswer {
	if refused != nil {
		text := refused.Error()
		ours := p.isSaidIn(text)
		for _, w := range warnings {
			ours = ours || p.isSaidIn(w)
		}
		return PolicyAnswer{
			Refused: true, InForce: ours && p.Annotation == "", Refuses: p.isSaidIn(text) && p.Annotation == "", Said: text,
			Hidden: strings.Contains(text, p.Begins) && (p.Annotation != "" || !strings.Contains(text, "'"+p.Policy+"'")),
		}
	}
	if p.Annotation != "" {
		return PolicyAnswer{InForce: made.GetAnnotations()[p.Annotation] == p.Says, Said: "the pod is let in as it is"}
	}
	for _, w := range warnings {
		if p.isSaidIn(w) {
			return PolicyAnswer{InForce: true, Said: w}
		}
	}
	return PolicyAnswer{Said: "the pod is let in without a word of it"}
}

// isSaidIn reports whether an API server's text is the answer of the policy to its probe.
func (p *PolicyProbe) isSaidIn(text string) bool {
	return strings.Contains(text, "'"+p.Policy+"'") && strings.HasSuffix(strings.TrimSpace(text), p.Says)
}

const (
	// defaultInForceWait is how long a roll-out waits for an API server to have a policy in force. It compiles large ones for seconds.
	defaultInForceWait = 2 * time.Minute
	// inForcePause is the time between two questions whether it has.
	inForcePause = 500 * time.Millisecond
	// enoughHidden is how often another policy may hide a policy's answer, until it is left at that.
	enoughHidden = 5
)

// awaitInForce waits until the API server has the policy of the step's binding in force. It returns what is not known of that, and
// an error if it is not in force after a while: then nothing more is done, and the roll-out can go on with this very step.
func (a *policyStep) awaitInForce(ctx context.Context) (message.Message, error) {
	o := a.step.Policy
	switch {
	case o.AuditOnly:
		return message.New("rollout-policy-audit-only"), nil
	case o.Probe == nil && o.Kind != validatingBindingKind && o.Kind != mutatingBindingKind:
		return message.Message{}, nil
	case o.Probe == nil || len(o.Probe.Namespaces) == 0:
		return message.New("rollout-policy-unanswered"), nil
	}
	answer, known, err := a.awaitAnswer(ctx, func(answer PolicyAnswer) bool { return answer.InForce && (answer.Refuses || o.Action != DenyPolicy) })
	switch {
	case err != nil:
		return message.Message{}, fmt.Errorf("asking whether %s is in force: %w", o.Probe.Policy, err)
	case !known && answer.Hidden:
		return message.New("rollout-policy-hidden", "error", answer.Said), nil
	case !known:
		return message.Message{}, fmt.Errorf("%s is on the cluster, and not in force after %s: the dry run of a pod was answered: %s", o, a.inForceWait(), answer.Said)
	}
	return message.Message{}, nil
}

// awaitLoosened waits until the API server no longer refuses by the policy of the step's binding, which was loosened. What writes into
// pods what the policy asks for is taken back after it: were it gone first, pods would be refused.
func (a *policyStep) awaitLoosened(ctx context.Context) error {
	o := a.step.Policy
	if o.Action != DenyPolicy || o.Probe == nil || len(o.Probe.Namespaces) == 0 {
		return nil
	}
	answer, known, err := a.awaitAnswer(ctx, func(answer PolicyAnswer) bool { return !answer.Refuses && !answer.Hidden })
	switch {
	case err != nil:
		return fmt.Errorf("asking whether %s refuses still: %w", o.Probe.Policy, err)
	case !known && !answer.Hidden:
		return fmt.Errorf("%s is as before on the cluster, and refuses still after %s: the dry run of a pod was answered: %s", o, a.inForceWait(), answer.Said)
	}
	return nil
}

// inForceWait is how long the API server is waited for.
func (a *policyStep) inForceWait() time.Duration {
	return cmp.Or(a.runner.InForceWait, defaultInForceWait)
}

// awaitAnswer asks the API server for the policy of the step's binding until the answer is the awaited one. It returns the last answer,
// and whether it is that one: it is not after a while, or where another policy hides the answer.
func (a *policyStep) awaitAnswer(ctx context.Context, awaited func(PolicyAnswer) bool) (PolicyAnswer, bool, error) {
	hidden := 0
	for waited := time.Duration(0); ; waited += inForcePause {
		answer, err := a.step.Policy.Probe.Ask(ctx, a.runner.Client)
		switch {
		case err != nil && !isTransient(err):
			return answer, false, err
		case err != nil:
			answer.Said = err.Error()
		case awaited(answer):
			return answer, true, nil
		case answer.Hidden:
			if hidden++; hidden >= enoughHidden {
				return answer, false, nil
			}
		default:
			hidden = 0
		}
		if waited >= a.inForceWait() {
			answer.Hidden = false
			return answer, false, nil
		}
		if err := a.runner.waitBetweenAttempts(ctx, inForcePause); err != nil {
			return answer, false, err
		}
	}
}
