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

func namespaceClient(client dynamic.Interface) dynamic.ResourceInterface {
	return client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
}

// ownsAnyLabel is true if any of the step's labels is there by our having applied it.
func ownsAnyLabel(s *Step, ns *unstructured.Unstructured) bool {
	have, err := ownAppliedLabels(ns.GetManagedFields(), ns.GetLabels())
	return err != nil || slices.ContainsFunc(s.labelKeys(), func(key string) bool { _, ok := have[key]; return ok })
}

// labelState says where labels stand between before and after.
type labelState int

const (
	labelsAsBefore labelState = iota
	labelsAsPlanned
	labelsDiffer
)

// compareLabels tells whether all labels are as planned before or after. One write puts all of them on, so anything between is
// somebody else's work.
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

func LabelValue(labels map[string]string, key string) *string {
	if value, ok := labels[key]; ok {
		return &value
	}
	return nil
}

func EqualLabelValues(a, b *string) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

func QuoteLabelValue(value *string) string {
	if value == nil {
		return "absent"
	}
	return fmt.Sprintf("%q", *value)
}

// observeNamespace notes how the namespace was found.
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

func (s *Step) labelKeys() []string {
	keys := make([]string, 0, len(s.Labels))
	for _, c := range s.Labels {
		keys = append(keys, c.Key)
	}
	return keys
}

// describeLabelDifferences tells the labels that are not as a step would have them.
func describeLabelDifferences(s *Step, is map[string]string) string {
	var parts []string
	for _, c := range s.Labels {
		if value := LabelValue(is, c.Key); !EqualLabelValues(value, c.After) {
			parts = append(parts, fmt.Sprintf("%s is %s, not %s", c.Key, QuoteLabelValue(value), QuoteLabelValue(c.After)))
		}
	}
	return strings.Join(parts, "; ")
}

// predatesFieldManagers is true for the manager to which a server puts down what is older than field managers.
func (o LabelOwner) predatesFieldManagers() bool { return o.Manager == "before-first-apply" }

// isOwnApply is true for what an earlier roll-out applied.
func (o LabelOwner) isOwnApply() bool {
	return o.Manager == FieldManager && o.Operation == string(metav1.ManagedFieldsOperationApply) && o.Subresource == ""
}

// describeOverriddenOwners says whose labels would get another value; "" if nobody's.
func describeOverriddenOwners(s *Step, owners []LabelOwner) string {
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
	return strings.Join(parts, "; ")
}

// namespaceApplyBody is the namespace with all labels that are to be ours: what is applied no more would be taken off. Its UID and
// resourceVersion are those that were looked at, so that nothing else is written to.
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

// labelsAfter are labels as they are once the step is taken.
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
