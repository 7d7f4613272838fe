package rollout

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Manager is the field manager under which everything is written.
const Manager = "psp2pss"

func labelPath(key string) fieldpath.Path {
	return fieldpath.MakePathOrDie("metadata", "labels", key)
}

func fieldsOf(e *metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	if e.FieldsV1 == nil {
		return set, nil
	}
	if err := set.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
		return nil, fmt.Errorf("reading which fields %q manages: %w", e.Manager, err)
	}
	return set, nil
}

// ours is true for the entry of what this tool applies.
func ours(e *metav1.ManagedFieldsEntry) bool {
	return e.Manager == Manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
}

// applied are the labels that this tool owns by having applied them.
func applied(entries []metav1.ManagedFieldsEntry, labels map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for i := range entries {
		if !ours(&entries[i]) {
			continue
		}
		set, err := fieldsOf(&entries[i])
		if err != nil {
			return nil, err
		}
		for key, value := range labels {
			if set.Has(labelPath(key)) {
				out[key] = value
			}
		}
	}
	return out, nil
}

// ownersOf says who owns labels. This tool is among them where an earlier roll-out applied one.
func ownersOf(entries []metav1.ManagedFieldsEntry, keys []string) ([]Owner, error) {
	var out []Owner
	for i := range entries {
		e := &entries[i]
		set, err := fieldsOf(e)
		if err != nil {
			return nil, err
		}
		o := Owner{Manager: e.Manager, Operation: string(e.Operation), APIVersion: e.APIVersion, Subresource: e.Subresource}
		if e.Time != nil {
			o.Time = e.Time.UTC()
		}
		for _, key := range keys {
			if set.Has(labelPath(key)) {
				o.Keys = append(o.Keys, key)
			}
		}
		if len(o.Keys) > 0 {
			out = append(out, o)
		}
	}
	return out, nil
}

// giveBack returns the entries as they have to be once labels are what they were before: this tool owns none of those labels
// any more, and each is owned again by whoever owned it then, which may be an earlier roll-out of this tool.
func giveBack(entries []metav1.ManagedFieldsEntry, keys []string, owners []Owner) ([]metav1.ManagedFieldsEntry, error) {
	var out []metav1.ManagedFieldsEntry
	for _, e := range entries {
		set, err := fieldsOf(&e)
		if err != nil {
			return nil, err
		}
		if e.Manager == Manager {
			for _, key := range keys {
				set = set.Difference(fieldpath.NewSet(labelPath(key)))
			}
		}
		if e.Manager == Manager && bare(set) {
			continue
		}
		if err := write(&e, set); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	for _, o := range owners {
		var err error
		if out, err = grant(out, o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bare is true if nothing but the map of the labels itself is left.
func bare(set *fieldpath.Set) bool {
	return set.Difference(fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "labels"))).Empty()
}

// grant makes labels an owner's again.
func grant(entries []metav1.ManagedFieldsEntry, o Owner) ([]metav1.ManagedFieldsEntry, error) {
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
	set, err := fieldsOf(&entries[i])
	if err != nil {
		return nil, err
	}
	for _, key := range o.Keys {
		set.Insert(labelPath(key))
	}
	return entries, write(&entries[i], set)
}

func write(e *metav1.ManagedFieldsEntry, set *fieldpath.Set) error {
	raw, err := set.ToJSON()
	if err != nil {
		return fmt.Errorf("writing which fields %q manages: %w", e.Manager, err)
	}
	e.FieldsV1 = metav1.NewFieldsV1(string(raw))
	return nil
}
