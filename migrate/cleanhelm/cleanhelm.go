// Package cleanhelm takes PodSecurityPolicies out of the Helm releases that a cluster stores. It takes what pspparse/helm has
// read of them and a client, and writes the Secret or ConfigMap of one revision at a time, after a backup of it is on the
// disk. It reads no releases, and decides nothing about a chart.
package cleanhelm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/pspparse/helm"
)

// Cleaner removes the policies from stored revisions of Helm releases.
type Cleaner struct {
	Client dynamic.Interface
	// FieldManager is the one under which the objects are written.
	FieldManager string
	// BackupDir is the directory that gets the objects as they were. It has to exist.
	BackupDir string
}

// CleanedRevision is what Clean did to one stored revision of a Helm release.
type CleanedRevision struct {
	// Removed are the policies that the revision no longer holds. If there are none, nothing was written.
	Removed []helm.Document
	// Backup is the file with the object as it was; "" if nothing was written. It holds what the release's values hold.
	Backup string
}

// ErrChanged is wrapped by errors about an object that is not as it was when the release was read. Nothing was written then.
var ErrChanged = errors.New("it has changed since it was read")

// RevisionsToClean returns the stored revisions that hold a PodSecurityPolicy, in the order of the Helm releases.
func RevisionsToClean(releases []helm.ReleaseHistory) []helm.Release {
	var revisions []helm.Release
	for i := range releases {
		revisions = append(revisions, releases[i].RevisionsWithPolicies()...)
	}
	return revisions
}

// Describe names a stored revision of a Helm release to clean, and documents in it by kind and name alone: its values
// hold passwords.
func Describe(r *helm.Release, documents []helm.Document) string {
	names := make([]string, 0, len(documents))
	for _, d := range documents {
		names = append(names, d.Kind+" "+d.Name)
	}
	return fmt.Sprintf("%s/%s revision %d (%s): %s", r.Namespace, r.Name, r.Revision, r.Storage.Kind, strings.Join(names, ", "))
}

// Clean removes the policies from the revision that ref names. A backup of the object, which only its owner may read, is on
// the disk before the cluster is changed: kubectl replace -f puts it back, once its resourceVersion is taken out. It returns
// an error that wraps ErrChanged if the object is not the one that was read, also if it changes at the last moment; other
// errors are those of reading, decoding, the backup and writing. No error quotes the release.
func (c *Cleaner) Clean(ctx context.Context, ref helm.StorageRef) (CleanedRevision, error) {
	cleaned, err := c.clean(ctx, ref)
	if err != nil {
		return CleanedRevision{}, fmt.Errorf("cleaning the Helm release in %s %q: %w", ref.Kind, ref.Namespace+"/"+ref.Name, err)
	}
	return cleaned, nil
}

// clean removes the policies from one stored Helm revision as Clean does; its errors do not name the object.
func (c *Cleaner) clean(ctx context.Context, ref helm.StorageRef) (CleanedRevision, error) {
	objects := c.storage(ref)
	object, err := objects.Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return CleanedRevision{}, fmt.Errorf("reading it: %w", err)
	}
	if string(object.GetUID()) != ref.UID || object.GetResourceVersion() != ref.ResourceVersion {
		return CleanedRevision{}, fmt.Errorf("%w; read it again", ErrChanged)
	}
	payload, err := storedPayload(object)
	if err != nil {
		return CleanedRevision{}, err
	}
	cleaned, err := helm.RemovePolicies(payload)
	if err != nil {
		return CleanedRevision{}, err
	}
	if len(cleaned.Removed) == 0 {
		return CleanedRevision{}, nil
	}
	backup, err := c.backUp(ref, object)
	if err != nil {
		return CleanedRevision{}, err
	}
	if err := setStoredPayload(object, cleaned.Payload); err != nil {
		return CleanedRevision{}, err
	}
	// The object has the resourceVersion that was read: the server refuses it if that is no longer the newest.
	switch _, err := objects.Update(ctx, object, metav1.UpdateOptions{FieldManager: c.FieldManager}); {
	case apierrors.IsConflict(err):
		return CleanedRevision{}, fmt.Errorf("%w; read it again", ErrChanged)
	case err != nil:
		return CleanedRevision{}, fmt.Errorf("writing it: %w; its backup is in %s", err, backup)
	}
	return CleanedRevision{Removed: cleaned.Removed, Backup: backup}, nil
}

// storage returns the client for the Secrets, or ConfigMaps, of the namespace that stores the Helm revision.
func (c *Cleaner) storage(ref helm.StorageRef) dynamic.ResourceInterface {
	resource := "secrets"
	if ref.Kind == "ConfigMap" {
		resource = "configmaps"
	}
	return c.Client.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).Namespace(ref.Namespace)
}

// errStorageObject is without its cause, which would quote the release.
var errStorageObject = errors.New("its data is not that of such an object")

// storedPayload returns the Helm release in the Secret or ConfigMap that is to be cleaned, as Helm encoded it and
// without the Secret's own base64.
func storedPayload(object *unstructured.Unstructured) ([]byte, error) {
	value, _, err := unstructured.NestedString(object.Object, "data", helm.PayloadKey)
	if err != nil {
		return nil, errStorageObject
	}
	if object.GetKind() == "ConfigMap" {
		return []byte(value), nil
	}
	payload, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, errStorageObject
	}
	return payload, nil
}

// setStoredPayload puts a cleaned Helm release, as Helm encodes it, into the Secret or ConfigMap that stores it.
func setStoredPayload(object *unstructured.Unstructured, payload []byte) error {
	value := string(payload)
	if object.GetKind() != "ConfigMap" {
		value = base64.StdEncoding.EncodeToString(payload)
	}
	if unstructured.SetNestedField(object.Object, value, "data", helm.PayloadKey) != nil {
		return errStorageObject
	}
	return nil
}

// backUp writes the Secret or ConfigMap of a Helm revision to the backup directory, under a name that no other version
// of it has, and returns the path once the file is on the disk.
func (c *Cleaner) backUp(ref helm.StorageRef, object *unstructured.Unstructured) (string, error) {
	data, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return "", fmt.Errorf("backing it up: %w", err)
	}
	name := strings.Join([]string{strings.ToLower(ref.Kind), ref.Namespace, ref.Name, ref.ResourceVersion, "json"}, ".")
	if filepath.Base(name) != name {
		return "", fmt.Errorf("backing it up: %q is no name for a file", name)
	}
	path := filepath.Join(c.BackupDir, name)
	if err := atomicfile.WriteDurable(path, append(data, '\n')); err != nil {
		return "", fmt.Errorf("backing it up: %w; nothing was written to the cluster", err)
	}
	return path, nil
}
