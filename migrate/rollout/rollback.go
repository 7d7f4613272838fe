package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Undo says what of a roll-out to take back. The zero value is all of it.
type Undo struct {
	// Namespaces by name, and Stages; empty means all.
	Namespaces []string
	Stages     []Stage
}

func (u Undo) includes(s *Step) bool {
	return (len(u.Namespaces) == 0 || slices.Contains(u.Namespaces, s.Namespace)) &&
		(len(u.Stages) == 0 || slices.Contains(u.Stages, s.Stage))
}

// Steps of a journal that would be taken back, last first, as indices into its Steps.
func (u Undo) Steps(j *Journal) []int {
	var out []int
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if j.Touched(i) && u.includes(&j.Steps[i]) && !(j.Steps[i].Namespace == "" && u.leavesBypass(j)) {
			out = append(out, i)
		}
	}
	return out
}

// leavesBypass is true if some namespace stays past the policies, and needs what all share.
func (u Undo) leavesBypass(j *Journal) bool {
	for i := range j.Steps {
		s := &j.Steps[i]
		if s.Stage == Bypass && s.Namespace != "" && j.Touched(i) && !u.includes(s) {
			return true
		}
	}
	return false
}

// Rollback takes steps back, the last first: every label as it was found, absence included, and given back to who owned
// it; every object that was created here deleted. What others have changed since is left, and told. An error has stopped
// it in the middle; it can be begun again.
func (r *Runner) Rollback(ctx context.Context, u Undo) error {
	var err error
	if r.lock, err = takeLock(ctx, r.Client, r.Journal.ID); err != nil {
		return err
	}
	r.stopped = map[string]string{}
	for _, i := range u.Steps(r.Journal) {
		if err := r.undo(ctx, i, &r.Journal.Steps[i], u); err != nil {
			return fmt.Errorf("taking back %s: %w", &r.Journal.Steps[i], err)
		}
	}
	if r.Journal.anythingTouched() && !r.Journal.Finished() {
		return nil // the lock stays with what is half done
	}
	return r.lock.release(ctx)
}

func (r *Runner) undo(ctx context.Context, i int, s *Step, u Undo) error {
	out := Outcome{Index: i, Step: *s, Event: Undone, Undo: true}
	err := r.mayUndo(i, s, u)
	if err == nil {
		err = r.attempts(ctx, func() error { return r.undoOnce(ctx, i, s, &out) })
	}
	var kept *refusal
	switch {
	case errors.As(err, &kept):
		out.Event, out.Why = Kept, kept.why
		r.stopped[s.Namespace] = kept.why
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

// mayUndo refuses to take an enforce label off while the namespace's pods still come past the policies.
func (r *Runner) mayUndo(i int, s *Step, u Undo) error {
	if s.Stage != Enforce {
		return nil
	}
	for k := i + 1; k < len(r.Journal.Steps); k++ {
		later := &r.Journal.Steps[k]
		if later.Namespace == s.Namespace && later.Stage == Bypass && r.Journal.Touched(k) {
			if u.includes(later) {
				return refuse("its bypass could not be taken back: without both nothing would hold its pods")
			}
			return refuse("its pods still come past the policies: take back the stage bypass with it")
		}
	}
	return nil
}

func (r *Runner) attempts(ctx context.Context, do func() error) error {
	const most = 5
	for attempt := 1; ; attempt++ {
		err := do()
		switch {
		case err == nil:
			return nil
		case apierrors.IsConflict(err) && attempt < most:
		case mayPass(err) && attempt < most:
			if r.pause(ctx, attempt) != nil {
				return err
			}
		default:
			return judge(err)
		}
	}
}

func (r *Runner) undoOnce(ctx context.Context, i int, s *Step, out *Outcome) error {
	if s.Create != nil {
		return r.remove(ctx, i, s, out)
	}
	before := r.Journal.steps[i].before
	ns, err := namespaces(r.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) || err == nil && string(ns.GetUID()) != before.UID:
		out.Why = "the namespace is gone"
		return nil
	case err != nil:
		return err
	}
	if changed := changedSince(s, before, ns.GetLabels()); changed != "" {
		return refuse("somebody has changed it since: %s", changed)
	}
	for range 3 {
		restored, err := restore(s, before, ns)
		if err != nil {
			return err
		}
		if equality.Semantic.DeepEqual(restored.Object, ns.Object) {
			return nil
		}
		if err := r.lock.held(ctx); err != nil {
			return err
		}
		if err := r.Journal.record(Entry{Step: i, Event: Undoing}); err != nil {
			return err
		}
		if ns, err = namespaces(r.Client).Update(ctx, restored, metav1.UpdateOptions{FieldManager: Manager}); err != nil {
			return err
		}
	}
	return nil
}

// changedSince tells labels that are neither as the step left them nor as it found them.
func changedSince(s *Step, before *Found, is map[string]string) string {
	var parts []string
	for _, c := range s.Labels {
		value := valueOf(is, c.Key)
		if !same(value, c.After) && !same(value, before.Labels[c.Key]) {
			parts = append(parts, fmt.Sprintf("%s is %s, and was set to %s here", c.Key, shown(value), shown(c.After)))
		}
	}
	return strings.Join(parts, "; ")
}

// restore returns the namespace with the step's labels as they were found, and with those who managed them then. The server
// puts a value that changes down to who writes it, so it may take a second write until the managers are right, too.
func restore(s *Step, before *Found, ns *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	out := ns.DeepCopy()
	labels := out.GetLabels()
	for _, c := range s.Labels {
		if value := before.Labels[c.Key]; value != nil {
			labels[c.Key] = *value
		} else {
			delete(labels, c.Key)
		}
	}
	out.SetLabels(labels)
	managers, err := giveBack(ns.GetManagedFields(), s.keys(), before.Owners)
	if err != nil {
		return nil, err
	}
	if len(managers) == 0 {
		managers = []metav1.ManagedFieldsEntry{{}} // the server takes no list for "as they are"
	}
	out.SetManagedFields(managers)
	return out, nil
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
	if err := r.unused(ctx, s); err != nil {
		return err
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

// unused refuses to delete what the bypass of a namespace still needs, one of another roll-out for instance.
func (r *Runner) unused(ctx context.Context, s *Step) error {
	if s.Namespace != "" {
		return nil
	}
	bindings := bindingObject(s.Create.Policy, metav1.NamespaceAll)
	list, err := bindings.on(r.Client).List(ctx, metav1.ListOptions{LabelSelector: ManagedByLabel + "=" + Manager})
	if err != nil {
		return fmt.Errorf("looking whether %s is still needed: %w", s.Create, err)
	}
	var users []string
	for i := range list.Items {
		if list.Items[i].GetName() == bypassRole {
			users = append(users, list.Items[i].GetNamespace())
		}
	}
	if len(users) > 0 {
		slices.Sort(users)
		return refuse("the bypass of other namespaces needs %s: %s", s.Create, strings.Join(users, ", "))
	}
	return nil
}
