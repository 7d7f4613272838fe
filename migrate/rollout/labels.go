package rollout

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// namespaceClient returns the client by which a roll-out reads and labels namespaces.
func namespaceClient(client dynamic.Interface) dynamic.ResourceInterface {
	return client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
}

// ownsAnyLabel reports whether a namespace has a label of the step that this tool has applied.
func ownsAnyLabel(s *Step, ns *unstructured.Unstructured) bool {
	have, err := ownAppliedLabels(ns.GetManagedFields(), ns.GetLabels())
	return err != nil || slices.ContainsFunc(s.labelKeys(), func(key string) bool { _, ok := have[key]; return ok })
}

// labelState says whether the labels of a namespace are those before a roll-out step, those after it, or neither.
type labelState int

const (
	labelsAsBefore  labelState = iota // all labels are as before the step
	labelsAsPlanned                   // all labels are as after the step
	labelsDiffer                      // neither
)

// compareLabels compares the labels of a namespace with those before and after a roll-out step; if they are neither, it
// describes the first difference. One write sets all labels of a step: if some are as before and some as after,
// somebody else has written.
func compareLabels(changes []LabelChange, is map[string]string) (labelState, string) {
	before, after, why := true, true, ""
	for _, c := range changes {
		value := LabelValue(is, c.Key)
		before = before && EqualLabelValues(value, c.Before)
		after = after && EqualLabelValues(value, c.After)
		if !EqualLabelValues(value, c.Before) && why == "" {
			why = fmt.Sprintf("%s was %s and is %s", c.Key, QuoteLabelValue(c.Before), QuoteLabelValue(value))
		}
	}
	switch {
	case after:
		return labelsAsPlanned, ""
	case before:
		return labelsAsBefore, ""
	}
	return labelsDiffer, why
}

// LabelValue returns a pointer to the value of a namespace's label, as a roll-out's LabelChange has it; nil if it is
// absent.
func LabelValue(labels map[string]string, key string) *string {
	if value, ok := labels[key]; ok {
		return &value
	}
	return nil
}

// EqualLabelValues reports whether two values of a roll-out's LabelChange are equal; nil is an absent label.
func EqualLabelValues(a, b *string) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// QuoteLabelValue returns a value of a roll-out's LabelChange in quotes, or "absent" for nil.
func QuoteLabelValue(value *string) string {
	if value == nil {
		return "absent"
	}
	return fmt.Sprintf("%q", *value)
}

// observeNamespace returns the state of a namespace that a rollback of the roll-out step needs.
func observeNamespace(s *Step, ns *unstructured.Unstructured) (*ObservedState, error) {
	f := &ObservedState{UID: string(ns.GetUID()), ResourceVersion: ns.GetResourceVersion(), Labels: map[string]*string{}, OtherLabels: ns.GetLabels()}
	for _, c := range s.Labels {
		f.Labels[c.Key] = LabelValue(ns.GetLabels(), c.Key)
		delete(f.OtherLabels, c.Key)
	}
	var err error
	f.Owners, err = labelOwners(ns.GetManagedFields(), s.labelKeys())
	return f, err
}

// labelKeys returns the keys of the labels that a roll-out step changes.
func (s *Step) labelKeys() []string {
	keys := make([]string, 0, len(s.Labels))
	for _, c := range s.Labels {
		keys = append(keys, c.Key)
	}
	return keys
}

// describeLabelDifferences returns the texts on labels of a namespace that are not as the roll-out step sets them.
func describeLabelDifferences(s *Step, is map[string]string) []string {
	var parts []string
	for _, c := range s.Labels {
		if value := LabelValue(is, c.Key); !EqualLabelValues(value, c.After) {
			parts = append(parts, fmt.Sprintf("%s is %s, not %s", c.Key, QuoteLabelValue(value), QuoteLabelValue(c.After)))
		}
	}
	return parts
}

// predatesFieldManagers reports, for a rollback, whether a field manager stands for all fields that are older than
// field managers.
func (o LabelOwner) predatesFieldManagers() bool { return o.Manager == "before-first-apply" }

// isOwnApply reports whether an earlier roll-out of this tool has applied the labels.
func (o LabelOwner) isOwnApply() bool {
	return o.Manager == FieldManager && o.Operation == string(metav1.ManagedFieldsOperationApply) && o.Subresource == ""
}

// describeOverriddenOwners returns the texts on labels of other field managers to which a roll-out step gives another
// value.
func describeOverriddenOwners(s *Step, owners []LabelOwner) []string {
	var parts []string
	for _, o := range owners {
		var keys []string
		for _, c := range s.Labels {
			if c.Before != nil && !EqualLabelValues(c.Before, c.After) && slices.Contains(o.Keys, c.Key) {
				keys = append(keys, c.Key)
			}
		}
		if len(keys) > 0 && !o.predatesFieldManagers() && !o.isOwnApply() {
			parts = append(parts, fmt.Sprintf("field manager %q owns %s", o.Manager, strings.Join(keys, ", ")))
		}
	}
	return parts
}

// namespaceApplyBody returns the namespace as a roll-out step applies it: with all labels that this tool owns, since
// those that are not in it would be removed. With its UID and resourceVersion the server applies it to nothing else
// than was looked at.
func namespaceApplyBody(s *Step, ns *unstructured.Unstructured) ([]byte, error) {
	labels, err := ownAppliedLabels(ns.GetManagedFields(), ns.GetLabels())
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

// labelsAfter returns the labels of a namespace as they are after the roll-out step.
func (s *Step) labelsAfter(is map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, is)
	for _, c := range s.Labels {
		if c.After != nil {
			out[c.Key] = *c.After
		}
	}
	return out
}
