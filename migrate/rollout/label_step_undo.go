package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// undo restores in the cluster the labels that the step changed, and those that admission changed along with it, and
// gives them back to their owners. It returns a *stepRefusal if somebody has changed them since.
func (a *labelStep) undo(ctx context.Context, scope RollbackScope, out *Outcome) error {
	ns, err := namespaceClient(a.runner.Client).Get(ctx, a.step.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		out.Reason = message.New("rollback-namespace-gone")
		return nil
	case err != nil:
		return err
	}
	before, err := a.observedBefore(ns, scope)
	if err != nil {
		return err
	}
	if before == nil {
		out.Reason = message.New("rollback-namespace-gone", "madeAgain", true)
		return nil
	}
	unrecorded, err := a.unrecordedAdmissionChanges(ns)
	if err != nil {
		return err
	}
	var byAdmission AdmissionChanges
	byAdmission.merge(&a.runner.Journal.progress[a.index].admissionChanges)
	byAdmission.merge(unrecorded)
	if err := a.checkUndoAllowed(ctx, before, &byAdmission, ns); err != nil {
		return err
	}
	restore, err := planLabelRestore(a.step, before, &byAdmission, ns)
	if err != nil {
		return err
	}
	if unrecorded != nil {
		restore.unattributed = unrecorded.Fields
	}
	if ns, err = a.writeLabelRestore(ctx, restore, unrecorded, ns); err != nil {
		return err
	}
	return restore.checkRestored(ctx, a.runner, ns.GetLabels(), out)
}

// observedBefore returns the state of the namespace before the roll-out step; nil if there is nothing to undo in the
// one that is there. A namespace that was made again since, from a backup for example, has owners of its own: they keep
// what is not removed.
func (a *labelStep) observedBefore(ns *unstructured.Unstructured, scope RollbackScope) (*ObservedState, error) {
	before := a.runner.Journal.progress[a.index].observed
	if string(ns.GetUID()) == before.UID {
		return before, nil
	}
	var ours []string
	for _, c := range a.step.Labels {
		if is := LabelValue(ns.GetLabels(), c.Key); EqualLabelValues(is, c.After) && !EqualLabelValues(is, before.Labels[c.Key]) {
			ours = append(ours, fmt.Sprintf("%s=%s", strings.TrimPrefix(c.Key, inventory.PodSecurityLabelPrefix), *c.After))
		}
	}
	switch {
	case len(ours) == 0:
		return nil, nil
	case !scope.Recreated:
		return nil, newStepRefusal(message.New("rollback-namespace-made-again", "labels", ours))
	}
	remaining := slices.DeleteFunc(a.step.labelKeys(), func(key string) bool { return before.Labels[key] == nil })
	owners, err := labelOwners(ns.GetManagedFields(), remaining)
	return &ObservedState{Labels: before.Labels, Owners: owners}, err
}

// checkUndoAllowed returns a *stepRefusal if somebody has changed or claimed the labels since, or if the enforce label would go
// while the pods of the namespace come past the policies: then nothing would hold them.
func (a *labelStep) checkUndoAllowed(ctx context.Context, before *ObservedState, byAdmission *AdmissionChanges, ns *unstructured.Unstructured) error {
	if changed := describeLaterChanges(a.step, before, byAdmission, ns.GetLabels()); len(changed) > 0 {
		return newStepRefusal(message.New("rollback-labels-changed", "changes", changed))
	}
	claimed, err := describeLaterOwners(a.step, before, byAdmission, ns)
	if err != nil {
		return err
	}
	if len(claimed) > 0 && before.UID == string(ns.GetUID()) {
		return newStepRefusal(message.New("rollback-labels-claimed", "owners", claimed))
	}
	if !removesEnforceLabel(a.step, before) {
		return nil
	}
	// Another roll-out, with another journal, may have created the binding.
	binding := bypassBinding("", a.step.Namespace)
	_, err = binding.resourceClient(a.runner.Client).Get(ctx, binding.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		return newStepRefusal(message.New("rollback-bypass-unknown", "error", err))
	case err != nil:
		return err
	}
	return newStepRefusal(message.New("rollback-bypass-in-place", "object", &binding))
}

// removesEnforceLabel reports whether a namespace has no enforce label once the roll-out step is undone.
func removesEnforceLabel(s *Step, before *ObservedState) bool {
	return slices.Contains(s.labelKeys(), api.EnforceLevelLabel) && before.Labels[api.EnforceLevelLabel] == nil
}

// describeLaterOwners returns the texts on labels that are as the roll-out step left them and belong to another field
// manager, too. When the step was taken nobody else owned that value: somebody has set or applied it since, or just
// before an answer was lost.
func describeLaterOwners(s *Step, before *ObservedState, byAdmission *AdmissionChanges, ns *unstructured.Unstructured) ([]string, error) {
	owners, err := labelOwners(ns.GetManagedFields(), s.labelKeys())
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, c := range s.Labels {
		value, was := LabelValue(ns.GetLabels(), c.Key), before.Labels[c.Key]
		byStep := EqualLabelValues(value, c.After) || byAdmission.setLabelTo(c.Key, value)
		if !byStep || isRestored(c.Key, value, was) {
			continue
		}
		for _, o := range owners {
			if o.Manager != FieldManager && slices.Contains(o.Keys, c.Key) {
				parts = append(parts, fmt.Sprintf("field manager %q owns %s", o.Manager, c.Key))
			}
		}
	}
	return parts, nil
}

// describeLaterChanges returns the texts on labels that somebody changed after the roll-out step.
func describeLaterChanges(s *Step, before *ObservedState, byAdmission *AdmissionChanges, labels map[string]string) []string {
	var parts []string
	for _, c := range s.Labels {
		value := LabelValue(labels, c.Key)
		if !EqualLabelValues(value, c.After) && !byAdmission.setLabelTo(c.Key, value) && !isRestored(c.Key, value, before.Labels[c.Key]) {
			parts = append(parts, fmt.Sprintf("%s is %s, and was set to %s here", c.Key, QuoteLabelValue(value), QuoteLabelValue(c.After)))
		}
	}
	return parts
}

// isRestored reports whether a label has the value that it had before the roll-out step, or the one that a rollback
// gives it instead.
func isRestored(key string, value, was *string) bool {
	return EqualLabelValues(value, was) || EqualLabelValues(value, RestorableLabelValue(key, was))
}
