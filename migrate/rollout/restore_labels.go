package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// labelRestore is what the rollback of one step writes to a namespace: the labels with their values from before, and
// the owners that get them back.
type labelRestore struct {
	labels map[string]*string
	owners []LabelOwner
	// replaced describes the labels whose values from before no server takes any more.
	replaced []string
	// changedLater describes the labels that admission changed along with the step and somebody else has changed since. They
	// stay.
	changedLater []string
	// unattributed describes changes by admission or by somebody else, which cannot be distinguished. They stay.
	unattributed []string
	step         *Step
}

// planLabelRestore decides which labels of a namespace, as it is now, a rollback of the step restores.
func planLabelRestore(s *Step, before *ObservedState, also *AdmissionChanges, ns *unstructured.Unstructured) (*labelRestore, error) {
	w := &labelRestore{labels: map[string]*string{}, owners: slices.Concat(before.Owners, also.Owners), step: s}
	is := ns.GetLabels()
	for _, c := range s.Labels {
		w.restoreLabel(c.Key, before.Labels[c.Key])
	}
	for _, c := range also.OtherLabels(s) {
		theirs, err := ownersSinceStep(ns, c.Key, also.Owners)
		if err != nil {
			return nil, err
		}
		switch now := LabelValue(is, c.Key); {
		case EqualLabelValues(now, c.Before):
			if isOwnedByUpdate(ns, c.Key) {
				w.restoreLabel(c.Key, c.Before) // it is left to give it back to its owners
			}
		case EqualLabelValues(now, c.After) && len(theirs) > 0:
			w.changedLater = append(w.changedLater, fmt.Sprintf("%s is %s, and field manager %q owns it by now", c.Key, QuoteLabelValue(now), theirs[0].Manager))
		case EqualLabelValues(now, c.After):
			w.restoreLabel(c.Key, c.Before)
		default:
			w.changedLater = append(w.changedLater, fmt.Sprintf("%s is %s by now, and was %s", c.Key, QuoteLabelValue(now), QuoteLabelValue(c.Before)))
		}
	}
	return w, nil
}

// restoreLabel adds to a rollback a label with the value that it had, or with the one that the server took an invalid
// value for.
func (w *labelRestore) restoreLabel(key string, was *string) {
	to := RestorableLabelValue(key, was)
	if !EqualLabelValues(to, was) {
		w.replaced = append(w.replaced, fmt.Sprintf("%s becomes %s in place of %q", strings.TrimPrefix(key, inventory.PodSecurityLabelPrefix), *to, *was))
	}
	w.labels[key] = to
}

// ownersSinceStep returns the field managers of a label that did not own it before the roll-out step. A label that
// admission set has none.
func ownersSinceStep(ns *unstructured.Unstructured, key string, before []LabelOwner) ([]LabelOwner, error) {
	owners, err := labelOwners(ns.GetManagedFields(), []string{key})
	return slices.DeleteFunc(owners, func(o LabelOwner) bool {
		return o.Manager == FieldManager || slices.ContainsFunc(before, func(b LabelOwner) bool { return b.Manager == o.Manager && slices.Contains(b.Keys, key) })
	}), err
}

// isOwnedByUpdate reports whether an unfinished rollback has written a label and not yet given it back to its owners.
func isOwnedByUpdate(ns *unstructured.Unstructured, key string) bool {
	owners, err := labelOwners(ns.GetManagedFields(), []string{key})
	return err == nil && slices.ContainsFunc(owners, func(o LabelOwner) bool { return o.Manager == FieldManager && !o.isOwnApply() })
}

// writeLabelRestore writes, in a rollback, a namespace's labels back in the cluster and then corrects their owners, and
// returns the namespace as the server has it after that. It takes two writes: the server makes the writer the owner of
// each value that changes.
func (a *labelStep) writeLabelRestore(ctx context.Context, w *labelRestore, unrecorded *AdmissionChanges, ns *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	for range 3 {
		body, err := w.mergePatch(ns)
		if err != nil || body == nil {
			return ns, err
		}
		if err := a.runner.lock.checkHeld(ctx); err != nil {
			return nil, err
		}
		if err := a.runner.Journal.record(JournalEntry{Step: a.index, Event: Undoing, AdmissionChanges: unrecorded}); err != nil {
			return nil, err
		}
		unrecorded = nil
		ns, err = namespaceClient(a.runner.Client).Patch(ctx, w.step.Namespace, types.MergePatchType, body, metav1.PatchOptions{FieldManager: FieldManager})
		if err != nil {
			return nil, err
		}
	}
	return ns, nil
}

// mergePatch returns the merge patch by which a rollback restores labels and owners; nil if all are as they are to be.
// With the UID and resourceVersion in it the server applies it to nothing else than was looked at. It is a patch since
// a roll-out needs the permission to patch and not to update.
func (w *labelRestore) mergePatch(ns *unstructured.Unstructured) ([]byte, error) {
	is, labels := ns.GetLabels(), map[string]*string{}
	for key, value := range w.labels {
		if !EqualLabelValues(value, LabelValue(is, key)) {
			labels[key] = value
		}
	}
	managers, err := restoreLabelOwners(ns.GetManagedFields(), slices.Sorted(maps.Keys(w.labels)), w.restoredOwners())
	if err != nil {
		return nil, err
	}
	metadata := map[string]any{"uid": ns.GetUID(), "resourceVersion": ns.GetResourceVersion()}
	if len(labels) > 0 {
		metadata["labels"] = labels
	}
	if !equalManagedFields(ns, managers) {
		metadata["managedFields"] = managers
		if len(managers) == 0 {
			metadata["managedFields"] = []metav1.ManagedFieldsEntry{{}} // the server takes no list for "as they are"
		}
	}
	if len(metadata) == 2 {
		return nil, nil
	}
	return json.Marshal(map[string]any{"metadata": metadata})
}

// equalManagedFields reports whether the entries of a rollback say the same as metadata.managedFields of the namespace,
// whatever the order of the fields in each.
func equalManagedFields(ns *unstructured.Unstructured, entries []metav1.ManagedFieldsEntry) bool {
	managed := func(u *unstructured.Unstructured) any {
		v, _, _ := unstructured.NestedFieldNoCopy(u.Object, "metadata", "managedFields")
		return v
	}
	with := ns.DeepCopy()
	with.SetManagedFields(entries)
	return equality.Semantic.DeepEqual(managed(with), managed(ns))
}

// restoredOwners returns the owners of the labels that a rollback restores.
func (w *labelRestore) restoredOwners() []LabelOwner {
	var out []LabelOwner
	for _, o := range w.owners {
		o.Keys = slices.DeleteFunc(slices.Clone(o.Keys), func(key string) bool { _, ok := w.labels[key]; return !ok })
		if len(o.Keys) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// checkRestored compares the labels that the server has after the write of a rollback. It returns a *stepRefusal if a
// label of the step was not restored, and says in out what else is not as before.
func (w *labelRestore) checkRestored(ctx context.Context, r *Runner, is map[string]string, out *Outcome) error {
	var own, beside []string
	for _, key := range slices.Sorted(maps.Keys(w.labels)) {
		if value := LabelValue(is, key); !EqualLabelValues(value, w.labels[key]) {
			text := fmt.Sprintf("%s is %s, not %s", key, QuoteLabelValue(value), QuoteLabelValue(w.labels[key]))
			if slices.Contains(w.step.labelKeys(), key) {
				own = append(own, text)
			} else {
				beside = append(beside, text)
			}
		}
	}
	if len(own) > 0 {
		by := r.likelyMutators(ctx)
		return newStepRefusal(message.New("rollback-labels-altered", "differences", own, "mutators", by.names, "unread", by.unread))
	}
	var by namespaceMutators
	if len(beside) > 0 {
		by = r.likelyMutators(ctx)
	}
	if len(w.replaced)+len(beside)+len(w.changedLater)+len(w.unattributed) > 0 {
		out.Reason = message.New("rollback-leaves", "replaced", w.replaced, "kept", beside, "mutators", by.names, "unread", by.unread,
			"changed", w.changedLater, "unattributed", w.unattributed)
	}
	return nil
}
