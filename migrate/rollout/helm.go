package rollout

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/pspparse/helm"
)

// CleanedHelmRelease tells what CleanHelm did.
type CleanedHelmRelease struct {
	// Removed are the policies that the revision no longer holds; none, and nothing was written, where it held none.
	Removed []helm.Document
	// Backup is the file with the object as it was, "" where nothing was written. It holds what the release's values hold.
	Backup string
}

// ErrHelmChanged is wrapped where an object is not as it was when the release was read. Nothing was written then.
var ErrHelmChanged = errors.New("it has changed since it was read")

// CleanHelmRelease removes the policies from one stored revision of a Helm release. The object as it was is in a file of the folder
// backups, only for its owner, before the cluster is changed: kubectl replace -f puts it back, once its resourceVersion is
// taken out. An object that is not the one that was read is refused, also if it changes at the last moment.
func CleanHelmRelease(ctx context.Context, client dynamic.Interface, ref helm.StorageRef, backups string) (CleanedHelmRelease, error) {
	done, err := cleanHelmRelease(ctx, client, ref, backups)
	if err != nil {
		return CleanedHelmRelease{}, fmt.Errorf("cleaning the Helm release in %s %q: %w", ref.Kind, ref.Namespace+"/"+ref.Name, err)
	}
	return done, nil
}

func cleanHelmRelease(ctx context.Context, client dynamic.Interface, ref helm.StorageRef, backups string) (CleanedHelmRelease, error) {
	at := helmStorageClient(client, ref)
	kept, err := at.Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return CleanedHelmRelease{}, fmt.Errorf("reading it: %w", err)
	}
	if string(kept.GetUID()) != ref.UID || kept.GetResourceVersion() != ref.ResourceVersion {
		return CleanedHelmRelease{}, fmt.Errorf("%w; read it again", ErrHelmChanged)
	}
	payload, err := releasePayloadOf(kept)
	if err != nil {
		return CleanedHelmRelease{}, err
	}
	cleaned, err := helm.RemovePolicies(payload)
	if err != nil {
		return CleanedHelmRelease{}, err
	}
	if len(cleaned.Removed) == 0 {
		return CleanedHelmRelease{}, nil
	}
	path, err := backUpHelmRelease(backups, ref, kept)
	if err != nil {
		return CleanedHelmRelease{}, err
	}
	if err := setHelmPayload(kept, cleaned.Payload); err != nil {
		return CleanedHelmRelease{}, err
	}
	// The resourceVersion that was read goes with it: the server refuses it where that is no longer the newest.
	switch _, err := at.Update(ctx, kept, metav1.UpdateOptions{FieldManager: FieldManager}); {
	case apierrors.IsConflict(err):
		return CleanedHelmRelease{}, fmt.Errorf("%w; read it again", ErrHelmChanged)
	case err != nil:
		return CleanedHelmRelease{}, fmt.Errorf("writing it: %w; its backup is in %s", err, path)
	}
	return CleanedHelmRelease{Removed: cleaned.Removed, Backup: path}, nil
}

// helmStorageClient are the objects of the kind that keeps the revision.
func helmStorageClient(client dynamic.Interface, ref helm.StorageRef) dynamic.ResourceInterface {
	resource := "secrets"
	if ref.Kind == "ConfigMap" {
		resource = "configmaps"
	}
	return client.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).Namespace(ref.Namespace)
}

// errHelmStorage is without its cause, which would quote the release.
var errHelmStorage = errors.New("its data is not that of such an object")

// releasePayloadOf is the release as Helm encoded it, of a Secret without the Secret's own base64.
func releasePayloadOf(kept *unstructured.Unstructured) ([]byte, error) {
	value, _, err := unstructured.NestedString(kept.Object, "data", helm.PayloadKey)
	if err != nil {
		return nil, errHelmStorage
	}
	if kept.GetKind() == "ConfigMap" {
		return []byte(value), nil
	}
	payload, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, errHelmStorage
	}
	return payload, nil
}

func setHelmPayload(kept *unstructured.Unstructured, payload []byte) error {
	value := string(payload)
	if kept.GetKind() != "ConfigMap" {
		value = base64.StdEncoding.EncodeToString(payload)
	}
	if unstructured.SetNestedField(kept.Object, value, "data", helm.PayloadKey) != nil {
		return errHelmStorage
	}
	return nil
}

// backUpHelmRelease writes the object to the folder, under a name that no other version of it has, and returns when it is on the disk.
func backUpHelmRelease(folder string, ref helm.StorageRef, object *unstructured.Unstructured) (string, error) {
	data, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return "", fmt.Errorf("backing it up: %w", err)
	}
	name := strings.Join([]string{strings.ToLower(ref.Kind), ref.Namespace, ref.Name, ref.ResourceVersion, "json"}, ".")
	if filepath.Base(name) != name {
		return "", fmt.Errorf("backing it up: %q is no name for a file", name)
	}
	path := filepath.Join(folder, name)
	if err := writeFileAtomically(path, append(data, '\n')); err != nil {
		return "", fmt.Errorf("backing it up: %w; nothing was written to the cluster", err)
	}
	return path, nil
}

// writeFileAtomically leaves the file whole on the disk, or not at all.
func writeFileAtomically(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".unfinished-") // only its owner may read it
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}
