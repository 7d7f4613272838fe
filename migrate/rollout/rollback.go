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

// Undo says what of a roll-out to take back. The zero value is all of it.
type Undo struct {
	// Namespaces by name, and Stages; empty means all.
	Namespaces []string `json:"namespaces,omitempty"`
	Stages     []Stage  `json:"stages,omitempty"`
	// Recreated takes labels off namespaces, too, that were deleted since and made again with them.
	Recreated bool `json:"recreated,omitempty"`
	// Because has what was not ok, where the roll-out itself goes back.
	Because string `json:"-"`
}

// whole is true if all of the roll-out is taken back.
func (u Undo) whole() bool { return len(u.Namespaces) == 0 && len(u.Stages) == 0 }

func (u Undo) includes(s *Step) bool {
	return (len(u.Namespaces) == 0 || slices.Contains(u.Namespaces, s.Namespace)) &&
		(len(u.Stages) == 0 || slices.Contains(u.Stages, s.Stage))
}

// Steps of a journal that would be taken back, last first, as indices into its Steps.
func (u Undo) Steps(j *Journal) []int {
	var out []int
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if j.Touched(i) && u.includes(&j.Steps[i]) {
			out = append(out, i)
		}
	}
	return out
}

// Rollback takes steps back, the last first: every label as it was found, absence included, and given back to who owned
// it; every object that was created here deleted. What others have changed since is left, and told. An error has stopped
// it in the middle; it can be begun again.
func (r *Runner) Rollback(ctx context.Context, u Undo) error {
	note := Entry{Step: noStep, Event: Back, Why: u.Because, Undo: &u}
	if u.Because != "" { // whatever becomes of the way back, nobody goes on from here
		if err := r.Journal.record(note); err != nil {
			return err
		}
	}
	var err error
	if r.lock, err = takeLock(ctx, r.Client, r.Journal.ID); err != nil {
		return err
	}
	if u.Because == "" {
		if err := r.Journal.record(note); err != nil {
			return err
		}
	}
	for _, i := range u.Steps(r.Journal) {
		if err := r.undo(ctx, i, &r.Journal.Steps[i], u); err != nil {
			return fmt.Errorf("taking back %s: %w", &r.Journal.Steps[i], err)
		}
	}
	if r.Journal.halfDone() {
		return nil // the lock stays with it
	}
	return r.lock.release(ctx)
}

func (r *Runner) undo(ctx context.Context, i int, s *Step, u Undo) error {
	out := Outcome{Index: i, Step: *s, Event: Undone, Undo: true}
	err := r.attempts(ctx, func() error { return r.undoOnce(ctx, i, s, u, &out) })
	var kept *refusal
	switch {
	case errors.As(err, &kept):
		out.Event, out.Why = Kept, kept.why
		err = r.Journal.record(Entry{Step: i, Event: Kept, Why: kept.why})
	case err == nil:
		err = r.Journal.record(Entry{Step: i, Event: Undone})
	}
	if err != nil {
		return err
	}
	if r.Tell != nil {
		r.Tell(out)
	}
	return nil
}

func (r *Runner) undoOnce(ctx context.Context, i int, s *Step, u Undo, out *Outcome) error {
	if s.Create != nil {
		return r.remove(ctx, i, s, out)
	}
	ns, err := namespaces(r.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		out.Why = "the namespace is gone"
		return nil
	case err != nil:
		return err
	}
	before, err := r.foundBefore(i, s, ns, u)
	if err != nil {
		return err
	}
	if before == nil {
		out.Why = "the namespace is gone, and the one that has its name now has none of these labels"
		return nil
	}
	unrecorded, err := r.unrecorded(i, s, ns)
	if err != nil {
		return err
	}
	var also Also
	also.add(&r.Journal.steps[i].also)
	also.add(unrecorded)
	if err := r.mayUndo(ctx, s, before, &also, ns); err != nil {
		return err
	}
	w, err := wayBackOf(s, before, &also, ns)
	if err != nil {
		return err
	}
	if unrecorded != nil {
		w.unsure = unrecorded.Fields
	}
	if ns, err = r.restore(ctx, i, w, unrecorded, ns); err != nil {
		return err
	}
	return w.judge(ctx, r, ns.GetLabels(), out)
}

// foundBefore is how the step found the namespace; nil if there is nothing to take back in the one that is there. A namespace
// that was made again since, from a backup for example, has owners of its own: they keep what is not taken off.
func (r *Runner) foundBefore(i int, s *Step, ns *unstructured.Unstructured, u Undo) (*Found, error) {
	before := r.Journal.steps[i].before
	if string(ns.GetUID()) == before.UID {
		return before, nil
	}
	var there []string
	for _, c := range s.Labels {
		if is := valueOf(ns.GetLabels(), c.Key); same(is, c.After) && !same(is, before.Labels[c.Key]) {
			there = append(there, fmt.Sprintf("%s=%s", strings.TrimPrefix(c.Key, labelPrefix), *c.After))
		}
	}
	switch {
	case len(there) == 0:
		return nil, nil
	case !u.Recreated:
		return nil, refuse("the namespace was deleted and made again since, with labels of this roll-out (%s): if they came back with a backup, take them off with --recreated", strings.Join(there, " "))
	}
	stay := slices.DeleteFunc(s.keys(), func(key string) bool { return before.Labels[key] == nil })
	owners, err := ownersOf(ns.GetManagedFields(), stay)
	return &Found{Labels: before.Labels, Owners: owners}, err
}

// mayUndo refuses to take back what others have made theirs, and what pods that come past the policies are held by.
func (r *Runner) mayUndo(ctx context.Context, s *Step, before *Found, also *Also, ns *unstructured.Unstructured) error {
	if changed := changedSince(s, before, also, ns.GetLabels()); changed != "" {
		return refuse("somebody has changed it since: %s", changed)
	}
	theirs, err := claimedSince(s, before, also, ns)
	if err != nil {
		return err
	}
	if theirs != "" && before.UID == string(ns.GetUID()) {
		return refuse("somebody else has set it to the same since: %s", theirs)
	}
	if !unlabels(s, before) {
		return nil
	}
	// It may have been another roll-out, with another journal, that let them past.
	binding := bindingObject("", s.Namespace)
	_, err = binding.on(r.Client).Get(ctx, binding.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		return refuse("whether its pods come past the policies cannot be told, and then without both nothing would hold them: %s", err)
	case err != nil:
		return err
	}
	return refuse("its pods come past the policies, and without both nothing would hold them: take the stage bypass back first, or delete %s", &binding)
}

// unlabels is true if a namespace enforces nothing once the step is taken back.
func unlabels(s *Step, before *Found) bool {
	return slices.Contains(s.keys(), api.EnforceLevelLabel) && before.Labels[api.EnforceLevelLabel] == nil
}

// claimedSince tells labels that are as the step left them and are somebody else's, too. When the step was taken nobody
// else owned that value: it was set or applied by another since, or just before an answer was lost.
func claimedSince(s *Step, before *Found, also *Also, ns *unstructured.Unstructured) (string, error) {
	owners, err := ownersOf(ns.GetManagedFields(), s.keys())
	if err != nil {
		return "", err
	}
	var parts []string
	for _, c := range s.Labels {
		value := valueOf(ns.GetLabels(), c.Key)
		if !same(value, c.After) && !also.made(c.Key, value) || same(value, before.Labels[c.Key]) || same(value, backTo(c.Key, before.Labels[c.Key])) {
			continue
		}
		for _, o := range owners {
			if o.Manager != Manager && slices.Contains(o.Keys, c.Key) {
				parts = append(parts, fmt.Sprintf("field manager %q owns %s", o.Manager, c.Key))
			}
		}
	}
	return strings.Join(parts, "; "), nil
}

// changedSince tells labels that are neither as the step left them, or admission made them of it, nor as it found them.
func changedSince(s *Step, before *Found, also *Also, is map[string]string) string {
	var parts []string
	for _, c := range s.Labels {
		value := valueOf(is, c.Key)
		was := before.Labels[c.Key]
		if !same(value, c.After) && !same(value, was) && !same(value, backTo(c.Key, was)) && !also.made(c.Key, value) {
			parts = append(parts, fmt.Sprintf("%s is %s, and was set to %s here", c.Key, shown(value), shown(c.After)))
		}
	}
	return strings.Join(parts, "; ")
}

// remove deletes an object that was created here.
func (r *Runner) remove(ctx context.Context, i int, s *Step, out *Outcome) error {
	if r.Journal.steps[i].before.Exists {
		out.Why = "it was there before"
		return nil
	}
	there, err := s.Create.on(r.Client).Get(ctx, s.Create.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case there.GetAnnotations()[journalAnnotation] != r.Journal.ID:
		return refuse("%s is another one by now than was created here", s.Create)
	}
	if s.Namespace == "" {
		if err := r.unused(ctx); err != nil {
			return err
		}
	}
	if err := r.lock.held(ctx); err != nil {
		return err
	}
	if err := r.Journal.record(Entry{Step: i, Event: Undoing}); err != nil {
		return err
	}
	uid := there.GetUID()
	err = s.Create.on(r.Client).Delete(ctx, s.Create.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// unused refuses to delete what the bypass of some namespace still needs, whichever roll-out made that.
func (r *Runner) unused(ctx context.Context) error {
	binding := bindingObject("", "")
	list, err := r.Client.Resource(binding.resource()).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + binding.Name})
	if apierrors.IsForbidden(err) {
		return refuse("whether it is still needed cannot be told: %s", err)
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
		return refuse("pods still come past the policies by it: take the bypass of %s back first", strings.Join(users, ", "))
	}
	return nil
}
