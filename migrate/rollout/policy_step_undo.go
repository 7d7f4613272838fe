package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// undo deletes the object that the step created, or puts back the one that it changed. It returns a *stepRefusal if somebody has
// changed it since, or if what was installed after it stays and needs it.
func (a *policyStep) undo(ctx context.Context, _ RollbackScope, out *Outcome) error {
	before := a.runner.Journal.progress[a.index].observed
	existing, err := a.objects().Get(ctx, a.step.Policy.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && before.Exists:
		return newStepRefusal(message.New("rollback-policy-gone", "object", a.step.Policy))
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case before.Exists && string(existing.GetUID()) != before.UID,
		!before.Exists && existing.GetAnnotations()[journalAnnotation] != a.runner.Journal.ID:
		return newStepRefusal(message.New("rollback-object-replaced", "object", a.step.Policy))
	case before.Exists && bytes.Equal(before.content(), contentOf(existing)):
		return a.awaitLoosened(ctx)
	}
	if err := a.checkUndoAllowed(ctx, existing); err != nil {
		return err
	}
	if err := a.runner.lock.checkHeld(ctx); err != nil {
		return err
	}
	if err := a.runner.Journal.record(JournalEntry{Step: a.index, Event: Undoing}); err != nil {
		return err
	}
	if !before.Exists {
		uid, version := existing.GetUID(), existing.GetResourceVersion()
		err = a.objects().Delete(ctx, a.step.Policy.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &version}})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	restored, err := a.restored(existing, before)
	if err != nil {
		return err
	}
	made, err := a.objects().Update(ctx, restored, metav1.UpdateOptions{FieldManager: FieldManager})
	if err != nil {
		return err
	}
	if !bytes.Equal(contentOf(made), contentOf(restored)) {
		out.Reason = message.New("rollback-policy-altered", "object", a.step.Policy)
	}
	return a.awaitLoosened(ctx)
}

// checkUndoAllowed returns a *stepRefusal if the object is not as the step left it, or if an object of its set that was installed
// later could not be taken back: a policy that refuses must not lose what writes into pods what it asks for.
func (a *policyStep) checkUndoAllowed(ctx context.Context, existing *unstructured.Unstructured) error {
	j := a.runner.Journal
	for i := len(j.Steps) - 1; i > a.index; i-- {
		later := j.Steps[i].Policy
		if later != nil && j.progress[i].lastEvent == NotReverted && later.set() == a.step.Policy.set() {
			return newStepRefusal(message.New("rollback-policy-needed", "object", later))
		}
	}
	same, _, err := a.isAsWritten(ctx, existing)
	if err != nil {
		return err
	}
	if !same {
		return newStepRefusal(message.New("rollback-policy-changed", "object", a.step.Policy))
	}
	return nil
}

// restored returns an existing object as it was before the step, with the labels and annotations that others have put on it since.
func (a *policyStep) restored(existing *unstructured.Unstructured, before *ObservedState) (*unstructured.Unstructured, error) {
	was, err := before.object()
	if err != nil {
		return nil, fmt.Errorf("putting %s back: %w", a.step.Policy, err)
	}
	manifest, err := a.step.Policy.object()
	if err != nil {
		return nil, err
	}
	out := withContent(existing, was)
	since := func(is, written, before map[string]string) map[string]string {
		kept := map[string]string{}
		for key, value := range is {
			if _, ours := written[key]; !ours {
				kept[key] = value
			}
		}
		return overlaid(kept, before)
	}
	out.SetLabels(since(existing.GetLabels(), manifest.GetLabels(), was.GetLabels()))
	out.SetAnnotations(since(existing.GetAnnotations(), manifest.GetAnnotations(), was.GetAnnotations()))
	return out, nil
}

// object returns the object that a roll-out's step found, whole.
func (s *ObservedState) object() (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	return u, u.UnmarshalJSON(s.Object)
}

// content returns what contentOf returns of the object that a roll-out's step found; nil for none.
func (s *ObservedState) content() json.RawMessage {
	u, err := s.object()
	if err != nil {
		return nil
	}
	return contentOf(u)
}
