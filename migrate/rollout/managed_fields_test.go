package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func entry(manager string, op metav1.ManagedFieldsOperationType, at *metav1.Time, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: op, APIVersion: "v1", Time: at, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields)}
}

// Owners are noted with what they own, and are given just that back.
func TestOwnersAndBack(t *testing.T) {
	t.Parallel()
	at := metav1.NewTime(time.Unix(7, 0).UTC())
	const (
		apply  = metav1.ManagedFieldsOperationApply
		update = metav1.ManagedFieldsOperationUpdate
		both   = `{"f:metadata":{"f:labels":{"f:enforce":{},"f:warn":{}}}}`
		warn   = `{"f:metadata":{"f:labels":{"f:warn":{}}}}`
		other  = `{"f:metadata":{"f:labels":{".":{},"f:team":{}}},"f:spec":{}}`
	)
	status := entry("controller", update, &at, `{"f:status":{"f:phase":{}}}`)
	status.Subresource = "status"
	keys := []string{"enforce", "warn"}
	tests := []struct {
		name          string
		before, after []metav1.ManagedFieldsEntry
		owners        []LabelOwner
	}{
		{name: "nobody", after: []metav1.ManagedFieldsEntry{entry(FieldManager, apply, &at, both)}},
		{
			name: "others own something else", before: []metav1.ManagedFieldsEntry{entry("kubectl", update, &at, other), status},
			after: []metav1.ManagedFieldsEntry{entry(FieldManager, apply, nil, both), entry("kubectl", update, &at, other), status},
		},
		{
			name: "one lost a label", before: []metav1.ManagedFieldsEntry{entry("argocd", apply, &at, both)},
			after:  []metav1.ManagedFieldsEntry{entry("argocd", apply, &at, warn), entry(FieldManager, apply, &at, `{"f:metadata":{"f:labels":{"f:enforce":{}}}}`)},
			owners: []LabelOwner{{Manager: "argocd", Operation: "Apply", APIVersion: "v1", Time: at.UTC(), Keys: keys}},
		},
		{
			name: "one lost everything", before: []metav1.ManagedFieldsEntry{entry("argocd", update, &at, both)},
			after:  []metav1.ManagedFieldsEntry{entry(FieldManager, apply, &at, both)},
			owners: []LabelOwner{{Manager: "argocd", Operation: "Update", APIVersion: "v1", Time: at.UTC(), Keys: keys}},
		},
		{
			name: "other labels stay ours", before: []metav1.ManagedFieldsEntry{entry(FieldManager, apply, &at, `{"f:metadata":{"f:labels":{"f:audit":{}}}}`)},
			after: []metav1.ManagedFieldsEntry{entry(FieldManager, apply, &at, `{"f:metadata":{"f:labels":{"f:audit":{},"f:enforce":{}}}}`)},
		},
		{
			name: "what going back wrote", after: []metav1.ManagedFieldsEntry{entry(FieldManager, update, &at, both)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			owners, err := labelOwners(tt.before, keys)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.owners, owners); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
			got, err := restoreLabelOwners(tt.after, keys, owners)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.before, got); diff != "" {
				t.Errorf("managers (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := restoreLabelOwners([]metav1.ManagedFieldsEntry{entry("x", update, nil, "{")}, keys, nil); err == nil {
		t.Error("fields that cannot be read are taken for none")
	}
}
