package rollout

import (
	"context"
	"encoding/json"
	"fmt"
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
	const most = 5
	for attempt := 1; ; attempt++ {
		err := r.labelOnce(ctx, i, s, out)
		switch {
		case err == nil:
			return nil
		case apierrors.IsConflict(err) && !fieldConflict(err) && attempt < most: // written by somebody else meanwhile: look again
		case mayPass(err) && attempt < most:
			if r.pause(ctx, attempt) != nil {
				return err
			}
		default:
			return judge(err)
		}
	}
}

func (r *Runner) labelOnce(ctx context.Context, i int, s *Step, out *Outcome) error {
	ns, err := namespaces(r.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return refuse("the namespace is gone")
	case err != nil:
		return err
	case ns.GetDeletionTimestamp() != nil:
		return refuse("the namespace is being deleted")
	}
	if at, why := compare(s.Labels, ns.GetLabels()); at == atAfter {
		out.Already = true
		return nil
	} else if at == elsewhere {
		return refuse("the namespace has changed since the plan was made: %s", why)
	}
	found, err := look(s, ns)
	if err != nil {
		return err
	}
	if out.Overrode = overridden(s, found.Owners); out.Overrode != "" && !r.Force {
		return refuse("%s: leave them to it, or take over with --force", out.Overrode)
	}
	if err := r.recheck(ctx, s); err != nil {
		return err
	}
	if err := r.lock.held(ctx); err != nil {
		return err
	}
	body, err := applyBody(s, ns)
	if err != nil {
		return err
	}
	if err := r.Journal.record(Entry{Step: i, Event: Begun, Before: found}); err != nil {
		return err
	}
	_, err = namespaces(r.Client).Patch(ctx, s.Namespace, types.ApplyPatchType, body, r.patchOptions(out.Overrode != ""))
	return err
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
	f := &Found{UID: string(ns.GetUID()), ResourceVersion: ns.GetResourceVersion(), Labels: map[string]*string{}}
	for _, c := range s.Labels {
		f.Labels[c.Key] = valueOf(ns.GetLabels(), c.Key)
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

// overridden says whose labels would get another value; "" if nobody's. An object that is older than field managers has
// its fields put down to one that nobody goes by.
func overridden(s *Step, owners []Owner) string {
	var parts []string
	for _, o := range owners {
		var keys []string
		for _, c := range s.Labels {
			if c.Before != nil && !same(c.Before, c.After) && slices.Contains(o.Keys, c.Key) {
				keys = append(keys, c.Key)
			}
		}
		if len(keys) > 0 && o.Manager != "before-first-apply" {
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

// recheck refuses to enforce a level that something which is there by now does not meet.
func (r *Runner) recheck(ctx context.Context, s *Step) error {
	after := s.after()
	if r.Recheck == nil || s.Stage != Enforce || after[api.EnforceLevelLabel] == string(api.LevelPrivileged) {
		return nil
	}
	now, err := r.Recheck(ctx, s.Namespace, after[api.EnforceLevelLabel], after[api.EnforceVersionLabel])
	if err != nil {
		return fmt.Errorf("looking at what runs in it now: %w", err)
	}
	if !now.Complete {
		return refuse("what runs in it now could not be read whole")
	}
	if broken := breaking(now, api.Level(after[api.EnforceLevelLabel]), r.Known); len(broken) > 0 {
		return refuse("since the plan was made something came that would not meet %s: %s", after[api.EnforceLevelLabel], strings.Join(broken, ", "))
	}
	return nil
}

func (s *Step) after() map[string]string {
	out := map[string]string{}
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
		if w.Level.DayAfter == "" || api.CompareLevels(w.Level.DayAfter, level) >= 0 {
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
