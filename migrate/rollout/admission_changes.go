package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// AdmissionChanges is what, in a roll-out, the server's admission, such as a mutating webhook, changed of a namespace
// along with the write of a step.
type AdmissionChanges struct {
	// Labels have their values before the write and after it. A label of the step itself is among them if it got another
	// value than was asked for.
	Labels []LabelChange `json:"labels,omitempty"`
	// Owners are the field managers that owned those labels before the write, without the labels of the step.
	Owners []LabelOwner `json:"owners,omitempty"`
	// Fields names whatever else was changed. A rollback leaves it as it is.
	Fields []string `json:"fields,omitempty"`
}

// isEmpty reports whether admission changed nothing along with the write of a roll-out step.
func (a *AdmissionChanges) isEmpty() bool { return a == nil || len(a.Labels)+len(a.Fields) == 0 }

// merge adds what admission changed along with a later write of a roll-out step. For a label that is there already the
// value before stays the first one.
func (a *AdmissionChanges) merge(more *AdmissionChanges) {
	if more == nil {
		return
	}
	for _, c := range more.Labels {
		if i := slices.IndexFunc(a.Labels, func(have LabelChange) bool { return have.Key == c.Key }); i >= 0 {
			a.Labels[i].After = c.After
		} else {
			a.Labels = append(a.Labels, c)
		}
	}
	a.Owners = append(a.Owners, more.Owners...)
	a.Fields = append(a.Fields, more.Fields...)
}

// OtherLabels returns the changed labels that the roll-out step does not write itself.
func (a *AdmissionChanges) OtherLabels(s *Step) []LabelChange {
	if a == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.Labels), func(c LabelChange) bool { return slices.Contains(s.labelKeys(), c.Key) })
}

// findAdmissionChanges compares a namespace before the write of a step with the server's answer: the resourceVersion in the
// write keeps others from writing between the two. It returns nil if only what was asked for has changed.
func findAdmissionChanges(s *Step, before, after *unstructured.Unstructured) (*AdmissionChanges, error) {
	a := &AdmissionChanges{Fields: changedFields(before, after)}
	wanted := s.labelsAfter(before.GetLabels())
	for _, key := range unionOfKeys(before.GetLabels(), after.GetLabels(), wanted) {
		if is := LabelValue(after.GetLabels(), key); !EqualLabelValues(is, LabelValue(wanted, key)) {
			a.Labels = append(a.Labels, LabelChange{Key: key, Before: LabelValue(before.GetLabels(), key), After: is})
		}
	}
	if a.isEmpty() {
		return nil, nil
	}
	var keys []string
	for _, c := range a.OtherLabels(s) {
		keys = append(keys, c.Key)
	}
	var err error
	a.Owners, err = labelOwners(before.GetManagedFields(), keys)
	return a, err
}

// setLabelTo reports whether admission gave a label this value along with the write of a roll-out step.
func (a *AdmissionChanges) setLabelTo(key string, value *string) bool {
	return slices.ContainsFunc(a.Labels, func(c LabelChange) bool { return c.Key == key && EqualLabelValues(c.After, value) })
}

// unionOfKeys returns the keys of the labels before and after a roll-out step, sorted, each once.
func unionOfKeys(maps ...map[string]string) []string {
	var keys []string
	for _, m := range maps {
		for key := range m {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// changedFields returns, for a roll-out's journal, the names of the annotations and fields of a namespace that differ
// between two states, without labels and without the metadata that every write changes.
func changedFields(before, after *unstructured.Unstructured) []string {
	var out []string
	for _, key := range unionOfKeys(before.GetAnnotations(), after.GetAnnotations()) {
		if !EqualLabelValues(LabelValue(before.GetAnnotations(), key), LabelValue(after.GetAnnotations(), key)) {
			out = append(out, "annotation "+key)
		}
	}
	for _, path := range [][]string{{"metadata", "finalizers"}, {"metadata", "ownerReferences"}, {"spec"}} {
		is, _, _ := unstructured.NestedFieldNoCopy(before.Object, path...)
		will, _, _ := unstructured.NestedFieldNoCopy(after.Object, path...)
		if !equality.Semantic.DeepEqual(is, will) {
			out = append(out, strings.Join(path, "."))
		}
	}
	return out
}

// unrecordedAdmissionChanges finds what admission changed along with a write whose answer was lost or not entered in the
// journal. It decides by field managers: a label that somebody else wrote has that manager, one that admission added has none,
// and one of the step that admission changed still has ours. Other labels may have been changed by either: they are named in
// Fields, and a rollback leaves them.
func (a *labelStep) unrecordedAdmissionChanges(ns *unstructured.Unstructured) (*AdmissionChanges, error) {
	j, s := a.runner.Journal, a.step
	if j == nil || j.progress[a.index].lastEvent != Begun {
		return nil, nil
	}
	before := j.progress[a.index].observed
	if before.UID != string(ns.GetUID()) {
		return nil, nil // it was another namespace of that name
	}
	changes, labels := &AdmissionChanges{}, ns.GetLabels()
	owners, err := labelOwners(ns.GetManagedFields(), unionOfKeys(labels, before.OtherLabels))
	if err != nil {
		return nil, err
	}
	owner := func(key string) *LabelOwner {
		if at := slices.IndexFunc(owners, func(o LabelOwner) bool { return slices.Contains(o.Keys, key) }); at >= 0 {
			return &owners[at]
		}
		return nil
	}
	for _, c := range s.Labels {
		is, was := LabelValue(labels, c.Key), before.Labels[c.Key]
		if o := owner(c.Key); o != nil && o.isOwnApply() && !EqualLabelValues(is, c.After) && !EqualLabelValues(is, was) {
			changes.Labels = append(changes.Labels, LabelChange{Key: c.Key, Before: was, After: is})
		}
	}
	if before.OtherLabels != nil { // a journal of an earlier version has none
		for _, key := range unionOfKeys(labels, before.OtherLabels) {
			was, is := LabelValue(before.OtherLabels, key), LabelValue(labels, key)
			switch {
			case EqualLabelValues(was, is) || slices.Contains(s.labelKeys(), key):
			case was == nil && owner(key) == nil:
				changes.Labels = append(changes.Labels, LabelChange{Key: key, After: is})
			default:
				changes.Fields = append(changes.Fields, "label "+key+" (or somebody else did)")
			}
		}
	}
	slices.SortFunc(changes.Labels, func(a, b LabelChange) int { return strings.Compare(a.Key, b.Key) })
	if changes.isEmpty() {
		return nil, nil
	}
	return changes, nil
}

// namespaceMutators are, for a roll-out's messages, the mutating webhooks and admission policies of a cluster that may change
// namespaces.
type namespaceMutators struct {
	names []string
	// unread is true if none of the lists could be read.
	unread bool
}

// likelyMutators returns, for a roll-out's messages, what may have changed a namespace as it was written, since the
// object itself does not tell. It asks the server once.
func (r *Runner) likelyMutators(ctx context.Context) namespaceMutators {
	if r.mutators == nil {
		r.mutators = listMutators(ctx, r)
	}
	return *r.mutators
}

// listMutators lists in the cluster the mutating webhooks and admission policies that may change what a roll-out step
// writes.
func listMutators(ctx context.Context, r *Runner) *namespaceMutators {
	found := &namespaceMutators{unread: true}
	for _, kind := range []struct{ resource, version, word string }{
		{"mutatingwebhookconfigurations", "v1", "MutatingWebhookConfiguration"},
		{"mutatingadmissionpolicies", "v1", "MutatingAdmissionPolicy"},
		{"mutatingadmissionpolicies", "v1beta1", "MutatingAdmissionPolicy"},
	} {
		resource := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: kind.version, Resource: kind.resource}
		list, err := r.Client.Resource(resource).List(ctx, metav1.ListOptions{})
		if err != nil {
			continue // not served here, or not to be read: the others may be
		}
		found.unread = false
		for i := range list.Items {
			if mutatesNamespaces(&list.Items[i]) {
				found.names = append(found.names, fmt.Sprintf("%s %q", kind.word, list.Items[i].GetName()))
			}
		}
	}
	slices.Sort(found.names)
	found.names = slices.Compact(found.names)
	return found
}

// mutatesNamespaces reports, for a roll-out, whether a webhook configuration or admission policy has a rule for updates
// of namespaces, and so may change what a roll-out step writes.
func mutatesNamespaces(u *unstructured.Unstructured) bool {
	rules, _, _ := unstructured.NestedSlice(u.Object, "spec", "matchConstraints", "resourceRules")
	webhooks, _, _ := unstructured.NestedSlice(u.Object, "webhooks")
	for _, w := range webhooks {
		if webhook, ok := w.(map[string]any); ok {
			more, _, _ := unstructured.NestedSlice(webhook, "rules")
			rules = append(rules, more...)
		}
	}
	return slices.ContainsFunc(rules, func(rule any) bool {
		fields, ok := rule.(map[string]any)
		return ok && listHasAny(fields, "apiGroups", "", "*") && listHasAny(fields, "operations", "UPDATE", "*") && listHasAny(fields, "resources", "namespaces", "*", "*/*")
	})
}

// listHasAny reports, for a roll-out, whether a list in a webhook configuration has any of the values.
func listHasAny(fields map[string]any, list string, values ...string) bool {
	have, _, _ := unstructured.NestedStringSlice(fields, list)
	return slices.ContainsFunc(have, func(s string) bool { return slices.Contains(values, s) })
}
