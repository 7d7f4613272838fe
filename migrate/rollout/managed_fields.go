package rollout

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// FieldManager is the field manager under which this tool writes objects of a cluster.
const FieldManager = "psp2pss"

// labelFieldPath returns, for a roll-out, the path of a namespace's label in metadata.managedFields.
func labelFieldPath(key string) fieldpath.Path {
	return fieldpath.MakePathOrDie("metadata", "labels", key)
}

// managedFieldSet decodes, for a roll-out, the fields of one entry of a namespace's metadata.managedFields.
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

// isOwnApplyEntry reports, for a roll-out, whether an entry has the fields that this tool has applied.
func isOwnApplyEntry(e *metav1.ManagedFieldsEntry) bool {
	return e.Manager == FieldManager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
}

// ownAppliedLabels returns, for a roll-out, the labels of a namespace that this tool owns by having applied them.
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

// labelOwners returns, for a roll-out, the field managers of namespace labels, by metadata.managedFields. This tool is
// among them if an earlier roll-out applied one.
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

// restoreLabelOwners returns, for a rollback, the entries of metadata.managedFields as they are to be once labels are
// restored: each label belongs to its owners from before, which may be an earlier roll-out of this tool, and not to
// this roll-out.
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

// hasOnlyLabelMap reports, for a roll-out, whether an entry of a namespace's managedFields has nothing but the map of
// labels itself.
func hasOnlyLabelMap(set *fieldpath.Set) bool {
	return set.Difference(fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "labels"))).Empty()
}

// addLabelOwner adds, in a rollback, namespace labels to the managedFields entry of their owner, and the entry if there
// is none.
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

// setManagedFieldSet encodes, for a rollback, the fields of one entry of a namespace's metadata.managedFields.
func setManagedFieldSet(e *metav1.ManagedFieldsEntry, set *fieldpath.Set) error {
	raw, err := set.ToJSON()
	if err != nil {
		return fmt.Errorf("writing which fields %q manages: %w", e.Manager, err)
	}
	e.FieldsV1 = metav1.NewFieldsV1(string(raw))
	return nil
}
