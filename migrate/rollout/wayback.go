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
)

// wayBack is what the labels of a namespace are to be again once a step is taken back, and whose.
type wayBack struct {
	labels map[string]*string
	owners []Owner
	// replaced are the labels whose old values no server takes any more: they become what the server took them for.
	replaced []string
	// left are labels that admission changed along with the step, and somebody else has changed since.
	left []string
	// unsure are changes by admission or by somebody else, which cannot be told apart.
	unsure []string
	step   *Step
}

// wayBackOf decides what is restored of a namespace as it is now.
func wayBackOf(s *Step, before *Found, also *Also, ns *unstructured.Unstructured) (*wayBack, error) {
	w := &wayBack{labels: map[string]*string{}, owners: slices.Concat(before.Owners, also.Owners), step: s}
	is := ns.GetLabels()
	for _, c := range s.Labels {
		w.put(c.Key, before.Labels[c.Key])
	}
	for _, c := range also.Beside(s) {
		theirs, err := newOwners(ns, c.Key, also.Owners)
		if err != nil {
			return nil, err
		}
		switch now := valueOf(is, c.Key); {
		case same(now, c.Before):
			if ownedBack(ns, c.Key) {
				w.put(c.Key, c.Before) // it is left to give it back to its owners
			}
		case same(now, c.After) && len(theirs) > 0:
			w.left = append(w.left, fmt.Sprintf("%s is %s, and field manager %q owns it by now", c.Key, shown(now), theirs[0].Manager))
		case same(now, c.After):
			w.put(c.Key, c.Before)
		default:
			w.left = append(w.left, fmt.Sprintf("%s is %s by now, and was %s", c.Key, shown(now), shown(c.Before)))
		}
	}
	return w, nil
}

// put has a label restored, as far as a server takes what it was.
func (w *wayBack) put(key string, was *string) {
	to := backTo(key, was)
	if !same(to, was) {
		w.replaced = append(w.replaced, fmt.Sprintf("%s becomes %s in place of %q", strings.TrimPrefix(key, labelPrefix), *to, *was))
	}
	w.labels[key] = to
}

// newOwners are those of a label that did not own it before. What admission sets is put down to nobody.
func newOwners(ns *unstructured.Unstructured, key string, before []Owner) ([]Owner, error) {
	owners, err := ownersOf(ns.GetManagedFields(), []string{key})
	return slices.DeleteFunc(owners, func(o Owner) bool {
		return o.Manager == Manager || slices.ContainsFunc(before, func(b Owner) bool { return b.Manager == o.Manager && slices.Contains(b.Keys, key) })
	}), err
}

// ownedBack is true for a label that a way back has written, and not given to its owners again.
func ownedBack(ns *unstructured.Unstructured, key string) bool {
	owners, err := ownersOf(ns.GetManagedFields(), []string{key})
	return err == nil && slices.ContainsFunc(owners, func(o Owner) bool { return o.Manager == Manager && !o.isOurs() })
}

// restore writes labels back, and corrects whose they are. It returns the namespace as the server has it then. The server
// puts a value that changes down to who writes it, so it takes a second write until the managers are right, too.
func (r *Runner) restore(ctx context.Context, i int, w *wayBack, unrecorded *Also, ns *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	for range 3 {
		body, err := w.patch(ns)
		if err != nil || body == nil {
			return ns, err
		}
		if err := r.lock.held(ctx); err != nil {
			return nil, err
		}
		if err := r.Journal.record(Entry{Step: i, Event: Undoing, Also: unrecorded}); err != nil {
			return nil, err
		}
		unrecorded = nil
		ns, err = namespaces(r.Client).Patch(ctx, w.step.Namespace, types.MergePatchType, body, metav1.PatchOptions{FieldManager: Manager})
		if err != nil {
			return nil, err
		}
	}
	return ns, nil
}

// patch is what is to be merged into the namespace, as long as it is the one that was looked at; nil for nothing. Who may
// roll out may patch, and not necessarily update.
func (w *wayBack) patch(ns *unstructured.Unstructured) ([]byte, error) {
	is, labels := ns.GetLabels(), map[string]*string{}
	for key, value := range w.labels {
		if !same(value, valueOf(is, key)) {
			labels[key] = value
		}
	}
	managers, err := giveBack(ns.GetManagedFields(), slices.Sorted(maps.Keys(w.labels)), w.kept())
	if err != nil {
		return nil, err
	}
	metadata := map[string]any{"uid": ns.GetUID(), "resourceVersion": ns.GetResourceVersion()}
	if len(labels) > 0 {
		metadata["labels"] = labels
	}
	if !sameManagers(ns, managers) {
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

// sameManagers compares what the entries say: the order of fields in one is of no account.
func sameManagers(ns *unstructured.Unstructured, entries []metav1.ManagedFieldsEntry) bool {
	managed := func(u *unstructured.Unstructured) any {
		v, _, _ := unstructured.NestedFieldNoCopy(u.Object, "metadata", "managedFields")
		return v
	}
	with := ns.DeepCopy()
	with.SetManagedFields(entries)
	return equality.Semantic.DeepEqual(managed(with), managed(ns))
}

// kept are the owners of what is restored.
func (w *wayBack) kept() []Owner {
	var out []Owner
	for _, o := range w.owners {
		o.Keys = slices.DeleteFunc(slices.Clone(o.Keys), func(key string) bool { _, ok := w.labels[key]; return !ok })
		if len(o.Keys) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// judge looks at what the server made of it. It refuses to call a step undone of which something stays.
func (w *wayBack) judge(ctx context.Context, r *Runner, is map[string]string, out *Outcome) error {
	var own, beside []string
	for _, key := range slices.Sorted(maps.Keys(w.labels)) {
		if value := valueOf(is, key); !same(value, w.labels[key]) {
			text := fmt.Sprintf("%s is %s, not %s", key, shown(value), shown(w.labels[key]))
			if slices.Contains(w.step.keys(), key) {
				own = append(own, text)
			} else {
				beside = append(beside, text)
			}
		}
	}
	if len(own) > 0 {
		return refuse("the server took it, and something made this of it: %s; %s", strings.Join(own, "; "), r.suspects(ctx))
	}
	var remarks []string
	if len(w.replaced) > 0 {
		remarks = append(remarks, "not put back, since no server takes an invalid value any more: "+strings.Join(w.replaced, ", ")+", which the server took it for")
	}
	if len(beside) > 0 {
		remarks = append(remarks, "a label that the server's admission had set stays: "+strings.Join(beside, "; ")+"; "+r.suspects(ctx))
	}
	if len(w.left) > 0 {
		remarks = append(remarks, "a label that the server's admission had set was changed since, and is left: "+strings.Join(w.left, "; "))
	}
	if len(w.unsure) > 0 {
		remarks = append(remarks, "changed since the step began, and left: "+strings.Join(w.unsure, ", "))
	}
	out.Why = strings.Join(remarks, "; ")
	return nil
}
