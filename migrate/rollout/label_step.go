package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// labelStep is the action of a roll-out step that changes Pod Security labels of one namespace.
type labelStep struct {
	runner *Runner
	index  int
	step   *Step
}

// check returns an error unless the labels of the step are those of Pod Security that its stage writes, with valid
// values.
func (a *labelStep) check() error {
	if a.step.Namespace == "" {
		return errors.New("it names no namespace")
	}
	for _, c := range a.step.Labels {
		if err := validateLabelChange(a.step.Stage, c); err != nil {
			return err
		}
	}
	return nil
}

// describe returns the text on the namespace that the step labels.
func (a *labelStep) describe() string { return "label namespace " + a.step.Namespace }

// apply writes the step's labels to the namespace in the cluster, if it still is as the plan saw it and, for enforce,
// what runs in it by now meets the level.
func (a *labelStep) apply(ctx context.Context, out *Outcome) error {
	if a.step.Stage == StageEnforce && a.runner.Recheck != nil {
		var ns *unstructured.Unstructured
		err := a.runner.retryWrite(ctx, func() (err error) {
			ns, _, err = a.namespaceToLabel(ctx, out)
			return err
		})
		if err != nil || ns == nil {
			return err
		}
		if err := a.recheckWorkloads(ctx, ns.GetLabels()); err != nil {
			return err
		}
	}
	// The recheck took a while. Each attempt looks at the namespace just before it writes: others may write all the time.
	return a.runner.retryWrite(ctx, func() error { return a.applyOnce(ctx, out) })
}

// applyOnce makes one attempt to write the step's labels, and compares them with those that the server returns.
func (a *labelStep) applyOnce(ctx context.Context, out *Outcome) error {
	ns, observed, err := a.namespaceToLabel(ctx, out)
	if err != nil || ns == nil {
		return err
	}
	body, err := namespaceApplyBody(a.step, ns)
	if err != nil {
		return err
	}
	if err := a.runner.lock.checkHeld(ctx); err != nil {
		return err
	}
	if err := a.runner.Journal.record(JournalEntry{Step: a.index, Event: Begun, Before: observed}); err != nil {
		return err
	}
	// namespaceToLabel has decided about owners, at this very resourceVersion.
	force := !out.OverriddenOwners.IsZero() || len(ns.GetManagedFields()) == 0 || slices.ContainsFunc(observed.Owners, LabelOwner.predatesFieldManagers)
	options := metav1.PatchOptions{FieldManager: FieldManager, Force: &force}
	if a.runner.Journal == nil {
		options.DryRun = []string{metav1.DryRunAll}
	}
	made, err := namespaceClient(a.runner.Client).Patch(ctx, a.step.Namespace, types.ApplyPatchType, body, options)
	if err != nil {
		return err
	}
	if out.AdmissionChanges, err = findAdmissionChanges(a.step, ns, made); err != nil {
		return err
	}
	if state, _ := compareLabels(a.step.Labels, made.GetLabels()); state != labelsAsPlanned {
		by := a.runner.likelyMutators(ctx)
		return &stepRefusal{Altered, message.New("rollout-labels-altered", "differences", describeLabelDifferences(a.step, made.GetLabels()), "mutators", by.names, "unread", by.unread)}
	}
	return nil
}

// namespaceToLabel gets the step's namespace from the cluster, and returns it with its state if the labels are to be
// written. It returns no namespace if they are as planned already, and a *stepRefusal if the namespace must not be
// written to.
func (a *labelStep) namespaceToLabel(ctx context.Context, out *Outcome) (*unstructured.Unstructured, *ObservedState, error) {
	ns, err := namespaceClient(a.runner.Client).Get(ctx, a.step.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, newStepRefusal(message.New("rollout-namespace-gone"))
	case err != nil:
		return nil, nil, err
	case ns.GetDeletionTimestamp() != nil:
		return nil, nil, newStepRefusal(message.New("rollout-namespace-terminating"))
	}
	state, difference := compareLabels(a.step.Labels, ns.GetLabels())
	switch {
	case state == labelsAsPlanned:
		out.AlreadyDone = !a.runner.begunBefore(a.index)
		out.AdmissionChanges, err = a.unrecordedAdmissionChanges(ns)
		return nil, nil, err
	case state == labelsDiffer && a.runner.begunBefore(a.index) && ownsAnyLabel(a.step, ns):
		if out.AdmissionChanges, err = a.unrecordedAdmissionChanges(ns); err != nil {
			return nil, nil, err
		}
		return nil, nil, &stepRefusal{Altered, message.New("rollout-labels-changed-since", "differences", describeLabelDifferences(a.step, ns.GetLabels()))}
	case state == labelsDiffer:
		return nil, nil, newStepRefusal(message.New("rollout-namespace-changed", "difference", difference))
	}
	if err := checkInvalidLabels(a.step, ns.GetLabels()); err != nil {
		return nil, nil, err
	}
	observed, err := observeNamespace(a.step, ns)
	if err != nil {
		return nil, nil, err
	}
	out.OverriddenOwners = message.Message{}
	if overridden := describeOverriddenOwners(a.step, observed.Owners); len(overridden) > 0 {
		if !a.runner.Force {
			return nil, nil, newStepRefusal(message.New("rollout-labels-owned", "owners", overridden))
		}
		out.OverriddenOwners = message.New("rollout-overrode", "owners", overridden)
	}
	return ns, observed, nil
}

// recheckWorkloads returns a *stepRefusal if what runs in the namespace by now does not meet the level that the step enforces.
// A step that changes only one of the level and its version is checked with the other as it is in labels.
func (a *labelStep) recheckWorkloads(ctx context.Context, labels map[string]string) error {
	after := a.step.labelsAfter(labels)
	level := after[api.EnforceLevelLabel]
	if level == string(api.LevelPrivileged) {
		return nil
	}
	now, err := a.runner.Recheck(ctx, a.step.Namespace, level, after[api.EnforceVersionLabel])
	if err != nil {
		return fmt.Errorf("looking at what runs in it now: %w", err)
	}
	if !now.Complete {
		return newStepRefusal(message.New("rollout-workloads-unread"))
	}
	if violations := newViolations(now, api.Level(level), a.runner.KnownViolations); len(violations) > 0 && !now.Exempt {
		return newStepRefusal(message.New("rollout-new-violations", "level", level, "workloads", violations))
	}
	return nil
}
