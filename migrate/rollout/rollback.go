package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/pod-security-admission/api"
)

// RollbackScope says what of a roll-out to take back. The zero value is all of it.
type RollbackScope struct {
	// Namespaces by name, and Stages; empty means all.
	Namespaces []string `json:"namespaces,omitempty"`
	Stages     []Stage  `json:"stages,omitempty"`
	// Recreated takes labels off namespaces, too, that were deleted since and made again with them.
	Recreated bool `json:"recreated,omitempty"`
	// Failure has what was not ok, where the roll-out itself goes back.
	Failure string `json:"-"`
}

// isWholeRollout is true if all of the roll-out is taken back.
func (u RollbackScope) isWholeRollout() bool { return len(u.Namespaces) == 0 && len(u.Stages) == 0 }

func (u RollbackScope) includes(s *Step) bool {
	return (len(u.Namespaces) == 0 || slices.Contains(u.Namespaces, s.Namespace)) &&
		(len(u.Stages) == 0 || slices.Contains(u.Stages, s.Stage))
}

// Steps of a journal that would be taken back, last first, as indices into its Steps.
func (u RollbackScope) Steps(j *Journal) []int {
	var out []int
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if j.MayBeApplied(i) && u.includes(&j.Steps[i]) {
			out = append(out, i)
		}
	}
	return out
}

// Rollback takes steps back, the last first: every label as it was found, absence included, and given back to who owned
// it; every object that was created here deleted. What others have changed since is left, and told. An error has stopped
// it in the middle; it can be begun again.
func (r *Runner) Rollback(ctx context.Context, u RollbackScope) error {
	note := JournalEntry{Step: noStep, Event: RollbackBegun, Reason: u.Failure, Scope: &u}
	if u.Failure != "" { // whatever becomes of the way back, nobody goes on from here
		if err := r.Journal.record(note); err != nil {
			return err
		}
	}
	var err error
	if r.lock, err = acquireLock(ctx, r.Client, r.Journal.ID); err != nil {
		return err
	}
	if u.Failure == "" {
		if err := r.Journal.record(note); err != nil {
			return err
		}
	}
	for _, i := range u.Steps(r.Journal) {
		if err := r.undoStep(ctx, i, &r.Journal.Steps[i], u); err != nil {
			return fmt.Errorf("taking back %s: %w", &r.Journal.Steps[i], err)
		}
	}
	if r.Journal.isPartlyApplied() {
		return nil // the lock stays with it
	}
	return r.lock.release(ctx)
}

func (r *Runner) undoStep(ctx context.Context, i int, s *Step, u RollbackScope) error {
	out := Outcome{Index: i, Step: *s, Event: Undone, IsRollback: true}
	err := r.retryWrite(ctx, func() error { return r.undoStepOnce(ctx, i, s, u, &out) })
	var kept *stepRefusal
	switch {
	case errors.As(err, &kept):
		out.Event, out.Reason = NotReverted, kept.reason
		err = r.Journal.record(JournalEntry{Step: i, Event: NotReverted, Reason: kept.reason})
	case err == nil:
		err = r.Journal.record(JournalEntry{Step: i, Event: Undone})
	}
	if err != nil {
		return err
	}
	if r.OnOutcome != nil {
		r.OnOutcome(out)
	}
	return nil
}

func (r *Runner) undoStepOnce(ctx context.Context, i int, s *Step, u RollbackScope, out *Outcome) error {
	if s.Create != nil {
		return r.deleteBypassObject(ctx, i, s, out)
	}
	ns, err := namespaceClient(r.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		out.Reason = "the namespace is gone"
		return nil
	case err != nil:
		return err
	}
	before, err := r.observedBeforeStep(i, s, ns, u)
	if err != nil {
		return err
	}
	if before == nil {
		out.Reason = "the namespace is gone, and the one that has its name now has none of these labels"
		return nil
	}
	unrecorded, err := r.unrecordedAdmissionChanges(i, s, ns)
	if err != nil {
		return err
	}
	var also AdmissionChanges
	also.merge(&r.Journal.progress[i].admissionChanges)
	also.merge(unrecorded)
	if err := r.checkUndoAllowed(ctx, s, before, &also, ns); err != nil {
		return err
	}
	w, err := planLabelRestore(s, before, &also, ns)
	if err != nil {
		return err
	}
	if unrecorded != nil {
		w.unattributed = unrecorded.Fields
	}
	if ns, err = r.writeLabelRestore(ctx, i, w, unrecorded, ns); err != nil {
		return err
	}
	return w.checkRestored(ctx, r, ns.GetLabels(), out)
}

// observedBeforeStep is how the step found the namespace; nil if there is nothing to take back in the one that is there. A namespace
// that was made again since, from a backup for example, has owners of its own: they keep what is not taken off.
func (r *Runner) observedBeforeStep(i int, s *Step, ns *unstructured.Unstructured, u RollbackScope) (*ObservedState, error) {
	before := r.Journal.progress[i].observed
	if string(ns.GetUID()) == before.UID {
		return before, nil
	}
	var there []string
	for _, c := range s.Labels {
		if is := LabelValue(ns.GetLabels(), c.Key); EqualLabelValues(is, c.After) && !EqualLabelValues(is, before.Labels[c.Key]) {
			there = append(there, fmt.Sprintf("%s=%s", strings.TrimPrefix(c.Key, podSecurityLabelPrefix), *c.After))
		}
	}
	switch {
	case len(there) == 0:
		return nil, nil
	case !u.Recreated:
		return nil, newStepRefusal("the namespace was deleted and made again since, with labels of this roll-out (%s): if they came back with a backup, take them off with --recreated", strings.Join(there, " "))
	}
	stay := slices.DeleteFunc(s.labelKeys(), func(key string) bool { return before.Labels[key] == nil })
	owners, err := labelOwners(ns.GetManagedFields(), stay)
	return &ObservedState{Labels: before.Labels, Owners: owners}, err
}

// checkUndoAllowed refuses to take back what others have made theirs, and what pods that come past the policies are held by.
func (r *Runner) checkUndoAllowed(ctx context.Context, s *Step, before *ObservedState, also *AdmissionChanges, ns *unstructured.Unstructured) error {
	if changed := describeLaterChanges(s, before, also, ns.GetLabels()); changed != "" {
		return newStepRefusal("somebody has changed it since: %s", changed)
	}
	theirs, err := describeLaterOwners(s, before, also, ns)
	if err != nil {
		return err
	}
	if theirs != "" && before.UID == string(ns.GetUID()) {
		return newStepRefusal("somebody else has set it to the same since: %s", theirs)
	}
	if !removesEnforceLabel(s, before) {
		return nil
	}
	// It may have been another roll-out, with another journal, that let them past.
	binding := bypassBinding("", s.Namespace)
	_, err = binding.resourceClient(r.Client).Get(ctx, binding.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		return newStepRefusal("whether its pods come past the policies cannot be told, and then without both nothing would hold them: %s", err)
	case err != nil:
		return err
	}
	return newStepRefusal("its pods come past the policies, and without both nothing would hold them: take the stage bypass back first, or delete %s", &binding)
}

// removesEnforceLabel is true if a namespace enforces nothing once the step is taken back.
func removesEnforceLabel(s *Step, before *ObservedState) bool {
	return slices.Contains(s.labelKeys(), api.EnforceLevelLabel) && before.Labels[api.EnforceLevelLabel] == nil
}

// describeLaterOwners tells labels that are as the step left them and are somebody else's, too. When the step was taken nobody
// else owned that value: it was set or applied by another since, or just before an answer was lost.
func describeLaterOwners(s *Step, before *ObservedState, also *AdmissionChanges, ns *unstructured.Unstructured) (string, error) {
	owners, err := labelOwners(ns.GetManagedFields(), s.labelKeys())
	if err != nil {
		return "", err
	}
	var parts []string
	for _, c := range s.Labels {
		value := LabelValue(ns.GetLabels(), c.Key)
		if !EqualLabelValues(value, c.After) && !also.setLabelTo(c.Key, value) || EqualLabelValues(value, before.Labels[c.Key]) || EqualLabelValues(value, RestorableLabelValue(c.Key, before.Labels[c.Key])) {
			continue
		}
		for _, o := range owners {
			if o.Manager != FieldManager && slices.Contains(o.Keys, c.Key) {
				parts = append(parts, fmt.Sprintf("field manager %q owns %s", o.Manager, c.Key))
			}
		}
	}
	return strings.Join(parts, "; "), nil
}

// describeLaterChanges tells labels that are neither as the step left them, or admission made them of it, nor as it found them.
func describeLaterChanges(s *Step, before *ObservedState, also *AdmissionChanges, is map[string]string) string {
	var parts []string
	for _, c := range s.Labels {
		value := LabelValue(is, c.Key)
		was := before.Labels[c.Key]
		if !EqualLabelValues(value, c.After) && !EqualLabelValues(value, was) && !EqualLabelValues(value, RestorableLabelValue(c.Key, was)) && !also.setLabelTo(c.Key, value) {
			parts = append(parts, fmt.Sprintf("%s is %s, and was set to %s here", c.Key, QuoteLabelValue(value), QuoteLabelValue(c.After)))
		}
	}
	return strings.Join(parts, "; ")
}

// deleteBypassObject deletes an object that was created here.
func (r *Runner) deleteBypassObject(ctx context.Context, i int, s *Step, out *Outcome) error {
	if r.Journal.progress[i].observed.Exists {
		out.Reason = "it was there before"
		return nil
	}
	there, err := s.Create.resourceClient(r.Client).Get(ctx, s.Create.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case there.GetAnnotations()[journalAnnotation] != r.Journal.ID:
		return newStepRefusal("%s is another one by now than was created here", s.Create)
	}
	if s.Namespace == "" {
		if err := r.checkBypassUnused(ctx); err != nil {
			return err
		}
	}
	if err := r.lock.checkHeld(ctx); err != nil {
		return err
	}
	if err := r.Journal.record(JournalEntry{Step: i, Event: Undoing}); err != nil {
		return err
	}
	uid := there.GetUID()
	err = s.Create.resourceClient(r.Client).Delete(ctx, s.Create.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// checkBypassUnused refuses to delete what the bypass of some namespace still needs, whichever roll-out made that.
func (r *Runner) checkBypassUnused(ctx context.Context) error {
	binding := bypassBinding("", "")
	list, err := r.Client.Resource(binding.resource()).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + binding.Name})
	if apierrors.IsForbidden(err) {
		return newStepRefusal("whether it is still needed cannot be told: %s", err)
	}
	if err != nil {
		return err
	}
	var users []string
	for i := range list.Items {
		if list.Items[i].GetName() == binding.Name {
			users = append(users, list.Items[i].GetNamespace())
		}
	}
	if len(users) > 0 {
		slices.Sort(users)
		return newStepRefusal("pods still come past the policies by it: take the bypass of %s back first", strings.Join(users, ", "))
	}
	return nil
}
