package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
)

func namespaces(client dynamic.Interface) dynamic.ResourceInterface {
	return client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
}

// label puts the labels of a step on, if the namespace is still as the plan saw it.
func (r *Runner) label(ctx context.Context, i int, s *Step, out *Outcome) error {
	if s.Stage == Enforce && r.Recheck != nil {
		var ns *unstructured.Unstructured
		err := r.attempts(ctx, func() (err error) {
			ns, _, err = r.standing(ctx, i, s, out)
			return err
		})
		if err != nil || ns == nil {
			return err
		}
		if err := r.recheck(ctx, s, ns.GetLabels()); err != nil {
			return err
		}
	}
	// The recheck took a while: where others write all the time, only what is looked at just before can be written to.
	return r.attempts(ctx, func() error { return r.labelOnce(ctx, i, s, out) })
}

func (r *Runner) labelOnce(ctx context.Context, i int, s *Step, out *Outcome) error {
	ns, found, err := r.standing(ctx, i, s, out)
	if err != nil || ns == nil {
		return err
	}
	body, err := applyBody(s, ns)
	if err != nil {
		return err
	}
	if err := r.lock.held(ctx); err != nil {
		return err
	}
	if err := r.Journal.record(Entry{Step: i, Event: Begun, Before: found}); err != nil {
		return err
	}
	// Whose labels these are was settled above, at this very resourceVersion.
	force := out.Overrode != "" || len(ns.GetManagedFields()) == 0 || slices.ContainsFunc(found.Owners, Owner.isNobody)
	made, err := namespaces(r.Client).Patch(ctx, s.Namespace, types.ApplyPatchType, body, r.patchOptions(force))
	if err != nil {
		return err
	}
	if out.Also, err = admitted(s, ns, made); err != nil {
		return err
	}
	if at, _ := compare(s.Labels, made.GetLabels()); at != atAfter {
		return &refusal{Altered, "the server took it, and something made this of it: " + unlike(s, made.GetLabels()) + "; " + r.suspects(ctx)}
	}
	return nil
}

// standing looks at the namespace: nil if there is nothing left to do, an error if it must not be written to.
func (r *Runner) standing(ctx context.Context, i int, s *Step, out *Outcome) (*unstructured.Unstructured, *Found, error) {
	ns, err := namespaces(r.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, refuse("the namespace is gone")
	case err != nil:
		return nil, nil, err
	case ns.GetDeletionTimestamp() != nil:
		return nil, nil, refuse("the namespace is being deleted")
	}
	at, why := compare(s.Labels, ns.GetLabels())
	switch {
	case at == atAfter:
		out.Already = !r.touched(i)
		out.Also, err = r.unrecorded(i, s, ns)
		return nil, nil, err
	case at == elsewhere && r.touched(i) && owned(s, ns):
		if out.Also, err = r.unrecorded(i, s, ns); err != nil {
			return nil, nil, err
		}
		return nil, nil, &refusal{Altered, "it was written, and has been changed since: " + unlike(s, ns.GetLabels())}
	case at == elsewhere:
		return nil, nil, refuse("the namespace has changed since the plan was made: %s", why)
	}
	if err := repairable(s, ns.GetLabels()); err != nil {
		return nil, nil, err
	}
	found, err := look(s, ns)
	if err != nil {
		return nil, nil, err
	}
	theirs := overridden(s, found.Owners)
	if theirs != "" && !r.Force {
		return nil, nil, refuse("%s: leave them to it, or take over with --force", theirs)
	}
	out.Overrode = theirs
	return ns, found, nil
}

// touched is true if the step was begun before: an answer was lost, or a run cut off.
func (r *Runner) touched(i int) bool { return r.Journal != nil && r.Journal.Touched(i) }

// owned is true if any of the step's labels is there by our having applied it.
func owned(s *Step, ns *unstructured.Unstructured) bool {
	have, err := applied(ns.GetManagedFields(), ns.GetLabels())
	return err != nil || slices.ContainsFunc(s.keys(), func(key string) bool { _, ok := have[key]; return ok })
}

func (r *Runner) patchOptions(force bool) metav1.PatchOptions {
	o := metav1.PatchOptions{FieldManager: Manager, Force: &force}
	if r.Journal == nil {
		o.DryRun = []string{metav1.DryRunAll}
	}
	return o
}

// place says where labels stand between before and after.
type place int

const (
	atBefore place = iota
	atAfter
	elsewhere
)

// compare tells whether all labels are as planned before or after. One write puts all of them on, so anything between is
// somebody else's work.
func compare(changes []Change, is map[string]string) (place, string) {
	before, after, why := true, true, ""
	for _, c := range changes {
		value := valueOf(is, c.Key)
		before = before && same(value, c.Before)
		after = after && same(value, c.After)
		if !same(value, c.Before) && why == "" {
			why = fmt.Sprintf("%s was %s and is %s", c.Key, shown(c.Before), shown(value))
		}
	}
	switch {
	case after:
		return atAfter, ""
	case before:
		return atBefore, ""
	}
	return elsewhere, why
}

func valueOf(labels map[string]string, key string) *string {
	if value, ok := labels[key]; ok {
		return &value
	}
	return nil
}

func same(a, b *string) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

func shown(value *string) string {
	if value == nil {
		return "absent"
	}
	return fmt.Sprintf("%q", *value)
}

// look notes how the namespace was found.
func look(s *Step, ns *unstructured.Unstructured) (*Found, error) {
	f := &Found{UID: string(ns.GetUID()), ResourceVersion: ns.GetResourceVersion(), Labels: map[string]*string{}, Others: ns.GetLabels()}
	for _, c := range s.Labels {
		f.Labels[c.Key] = valueOf(ns.GetLabels(), c.Key)
		delete(f.Others, c.Key)
	}
	var err error
	f.Owners, err = ownersOf(ns.GetManagedFields(), s.keys())
	return f, err
}

func (s *Step) keys() []string {
	keys := make([]string, 0, len(s.Labels))
	for _, c := range s.Labels {
		keys = append(keys, c.Key)
	}
	return keys
}

// unlike tells the labels that are not as a step would have them.
func unlike(s *Step, is map[string]string) string {
	var parts []string
	for _, c := range s.Labels {
		if value := valueOf(is, c.Key); !same(value, c.After) {
			parts = append(parts, fmt.Sprintf("%s is %s, not %s", c.Key, shown(value), shown(c.After)))
		}
	}
	return strings.Join(parts, "; ")
}

// isNobody is true for the manager to which a server puts down what is older than field managers.
func (o Owner) isNobody() bool { return o.Manager == "before-first-apply" }

// isOurs is true for what an earlier roll-out applied.
func (o Owner) isOurs() bool {
	return o.Manager == Manager && o.Operation == string(metav1.ManagedFieldsOperationApply) && o.Subresource == ""
}

// overridden says whose labels would get another value; "" if nobody's.
func overridden(s *Step, owners []Owner) string {
	var parts []string
	for _, o := range owners {
		var keys []string
		for _, c := range s.Labels {
			if c.Before != nil && !same(c.Before, c.After) && slices.Contains(o.Keys, c.Key) {
				keys = append(keys, c.Key)
			}
		}
		if len(keys) > 0 && !o.isNobody() && !o.isOurs() {
			parts = append(parts, fmt.Sprintf("field manager %q owns %s", o.Manager, strings.Join(keys, ", ")))
		}
	}
	return strings.Join(parts, "; ")
}

// applyBody is the namespace with all labels that are to be ours: what is applied no more would be taken off. Its UID and
// resourceVersion are those that were looked at, so that nothing else is written to.
func applyBody(s *Step, ns *unstructured.Unstructured) ([]byte, error) {
	labels, err := applied(ns.GetManagedFields(), ns.GetLabels())
	if err != nil {
		return nil, err
	}
	for _, c := range s.Labels {
		if c.After != nil {
			labels[c.Key] = *c.After
		} else {
			delete(labels, c.Key)
		}
	}
	return json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
		"name": ns.GetName(), "uid": ns.GetUID(), "resourceVersion": ns.GetResourceVersion(), "labels": labels,
	}})
}

// recheck refuses to enforce a level that something which is there by now does not meet. A step that changes only one of
// the level and its version goes with the other as it is.
func (r *Runner) recheck(ctx context.Context, s *Step, is map[string]string) error {
	after := s.after(is)
	level := after[api.EnforceLevelLabel]
	if level == string(api.LevelPrivileged) {
		return nil
	}
	now, err := r.Recheck(ctx, s.Namespace, level, after[api.EnforceVersionLabel])
	if err != nil {
		return fmt.Errorf("looking at what runs in it now: %w", err)
	}
	if !now.Complete {
		return refuse("what runs in it now could not be read whole")
	}
	if broken := breaking(now, api.Level(level), r.Known); len(broken) > 0 && !now.Exempt {
		return refuse("since the plan was made something came that would not meet %s: %s", level, strings.Join(broken, ", "))
	}
	return nil
}

// after are labels as they are once the step is taken.
func (s *Step) after(is map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, is)
	for _, c := range s.Labels {
		if c.After != nil {
			out[c.Key] = *c.After
		}
	}
	return out
}

// breaking are the workloads below a level that are not among those known.
func breaking(ns *migrate.Namespace, level api.Level, known []string) []string {
	var out []string
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		if w.Exempt != nil || w.Level.DayAfter == "" || api.CompareLevels(w.Level.DayAfter, level) >= 0 {
			continue
		}
		if !slices.Contains(known, knownAs(ns.Name, w)) {
			out = append(out, strings.ToLower(w.Kind)+"/"+w.Name)
		}
	}
	return out
}

func knownAs(namespace string, w *migrate.Workload) string {
	return namespace + "/" + strings.ToLower(w.Kind) + "/" + w.Name
}

// Known are the workloads of a Plan that do not meet the level that their namespace is to get, for Header.Known.
func Known(plan *migrate.Plan) []string {
	var out []string
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		if ns.Recommended.Enforce == "" {
			continue
		}
		for k := range ns.Workloads {
			if w := &ns.Workloads[k]; w.Level.DayAfter != "" && api.CompareLevels(w.Level.DayAfter, api.Level(ns.Recommended.Enforce)) < 0 {
				out = append(out, knownAs(ns.Name, w))
			}
		}
	}
	return out
}
