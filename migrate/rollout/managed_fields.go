package rollout

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// FieldManager is the field manager under which everything is written.
const FieldManager = "psp2pss"

func labelFieldPath(key string) fieldpath.Path {
	return fieldpath.MakePathOrDie("metadata", "labels", key)
}

func managedFieldSet(e *metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	if e.FieldsV1 == nil {
		return set, nil
	}
	if err := set.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
		return nil, fmt.Errorf("reading which fields %q manages: %w", e.Manager, err)
	}
	return set, nil
}

// isOwnApplyEntry is true for the entry of what this tool applies.
func isOwnApplyEntry(e *metav1.ManagedFieldsEntry) bool {
	return e.Manager == FieldManager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
}

// ownAppliedLabels are the labels that this tool owns by having applied them.
func ownAppliedLabels(entries []metav1.ManagedFieldsEntry, labels map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for i := range entries {
		if !isOwnApplyEntry(&entries[i]) {
			continue
		}
		set, err := managedFieldSet(&entries[i])
		if err != nil {
			return nil, err
		}
		for key, value := range labels {
			if set.Has(labelFieldPath(key)) {
				out[key] = value
			}
		}
	}
	return out, nil
}

// labelOwners says who owns labels. This tool is among them where an earlier roll-out applied one.
func labelOwners(entries []metav1.ManagedFieldsEntry, keys []string) ([]LabelOwner, error) {
	var out []LabelOwner
	for i := range entries {
		e := &entries[i]
		set, err := managedFieldSet(e)
		if err != nil {
			return nil, err
		}
		o := LabelOwner{Manager: e.Manager, Operation: string(e.Operation), APIVersion: e.APIVersion, Subresource: e.Subresource}
		if e.Time != nil {
			o.Time = e.Time.UTC()
		}
		for _, key := range keys {
			if set.Has(labelFieldPath(key)) {
				o.Keys = append(o.Keys, key)
			}
		}
		if len(o.Keys) > 0 {
			out = append(out, o)
		}
	}
	return out, nil
}

// restoreLabelOwners returns the entries as they have to be once labels are what they were before: this tool owns none of those labels
// any more, and each is owned again by whoever owned it then, which may be an earlier roll-out of this tool.
func restoreLabelOwners(entries []metav1.ManagedFieldsEntry, keys []string, owners []LabelOwner) ([]metav1.ManagedFieldsEntry, error) {
	var out []metav1.ManagedFieldsEntry
	for _, e := range entries {
		set, err := managedFieldSet(&e)
		if err != nil {
			return nil, err
		}
		if e.Manager == FieldManager {
			for _, key := range keys {
				set = set.Difference(fieldpath.NewSet(labelFieldPath(key)))
			}
		}
		if e.Manager == FieldManager && hasOnlyLabelMap(set) {
			continue
		}
		if err := setManagedFieldSet(&e, set); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	for _, o := range owners {
		var err error
		if out, err = addLabelOwner(out, o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// hasOnlyLabelMap is true if nothing but the map of the labels itself is left.
func hasOnlyLabelMap(set *fieldpath.Set) bool {
	return set.Difference(fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "labels"))).Empty()
}

// addLabelOwner makes labels an owner's again.
func addLabelOwner(entries []metav1.ManagedFieldsEntry, o LabelOwner) ([]metav1.ManagedFieldsEntry, error) {
	i := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == o.Manager && string(e.Operation) == o.Operation && e.APIVersion == o.APIVersion && e.Subresource == o.Subresource
	})
	if i < 0 {
		e := metav1.ManagedFieldsEntry{
			Manager: o.Manager, Operation: metav1.ManagedFieldsOperationType(o.Operation), APIVersion: o.APIVersion,
			Subresource: o.Subresource, FieldsType: "FieldsV1",
		}
		if !o.Time.IsZero() {
			t := metav1.NewTime(o.Time.Truncate(time.Second))
			e.Time = &t
		}
		entries, i = append(entries, e), len(entries)
	}
	set, err := managedFieldSet(&entries[i])
	if err != nil {
		return nil, err
	}
	for _, key := range o.Keys {
		set.Insert(labelFieldPath(key))
	}
	return entries, setManagedFieldSet(&entries[i], set)
}

func setManagedFieldSet(e *metav1.ManagedFieldsEntry, set *fieldpath.Set) error {
	raw, err := set.ToJSON()
	if err != nil {
		return fmt.Errorf("writing which fields %q manages: %w", e.Manager, err)
	}
	e.FieldsV1 = metav1.NewFieldsV1(string(raw))
	return nil
}
