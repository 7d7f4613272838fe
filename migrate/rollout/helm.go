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

// HelmCleaned tells what CleanHelm did.
type HelmCleaned struct {
	// Removed are the policies that the revision no longer holds; none, and nothing was written, where it held none.
	Removed []helm.Document
	// Backup is the file with the object as it was, "" where nothing was written. It holds what the release's values hold.
	Backup string
}

// ErrHelmChanged is wrapped where an object is not as it was when the release was read. Nothing was written then.
var ErrHelmChanged = errors.New("it has changed since it was read")

// CleanHelm removes the policies from one stored revision of a Helm release. The object as it was is in a file of the folder
// backups, only for its owner, before the cluster is changed: kubectl replace -f puts it back, once its resourceVersion is
// taken out. An object that is not the one that was read is refused, also if it changes at the last moment.
func CleanHelm(ctx context.Context, client dynamic.Interface, ref helm.Ref, backups string) (HelmCleaned, error) {
	done, err := cleanHelm(ctx, client, ref, backups)
	if err != nil {
		return HelmCleaned{}, fmt.Errorf("cleaning the Helm release in %s %q: %w", ref.Kind, ref.Namespace+"/"+ref.Name, err)
	}
	return done, nil
}

func cleanHelm(ctx context.Context, client dynamic.Interface, ref helm.Ref, backups string) (HelmCleaned, error) {
	at := keepers(client, ref)
	kept, err := at.Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return HelmCleaned{}, fmt.Errorf("reading it: %w", err)
	}
	if string(kept.GetUID()) != ref.UID || kept.GetResourceVersion() != ref.ResourceVersion {
		return HelmCleaned{}, fmt.Errorf("%w; read it again", ErrHelmChanged)
	}
	payload, err := payloadOf(kept)
	if err != nil {
		return HelmCleaned{}, err
	}
	cleaned, err := helm.Clean(payload)
	if err != nil {
		return HelmCleaned{}, err
	}
	if len(cleaned.Removed) == 0 {
		return HelmCleaned{}, nil
	}
	path, err := backUp(backups, ref, kept)
	if err != nil {
		return HelmCleaned{}, err
	}
	if err := setPayload(kept, cleaned.Payload); err != nil {
		return HelmCleaned{}, err
	}
	// The resourceVersion that was read goes with it: the server refuses it where that is no longer the newest.
	switch _, err := at.Update(ctx, kept, metav1.UpdateOptions{FieldManager: Manager}); {
	case apierrors.IsConflict(err):
		return HelmCleaned{}, fmt.Errorf("%w; read it again", ErrHelmChanged)
	case err != nil:
		return HelmCleaned{}, fmt.Errorf("writing it: %w; its backup is in %s", err, path)
	}
	return HelmCleaned{Removed: cleaned.Removed, Backup: path}, nil
}

// keepers are the objects of the kind that keeps the revision.
func keepers(client dynamic.Interface, ref helm.Ref) dynamic.ResourceInterface {
	resource := "secrets"
	if ref.Kind == "ConfigMap" {
		resource = "configmaps"
	}
	return client.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).Namespace(ref.Namespace)
}

// errKept is without its cause, which would quote the release.
var errKept = errors.New("its data is not that of such an object")

// payloadOf is the release as Helm encoded it, of a Secret without the Secret's own base64.
func payloadOf(kept *unstructured.Unstructured) ([]byte, error) {
	value, _, err := unstructured.NestedString(kept.Object, "data", helm.Key)
	if err != nil {
		return nil, errKept
	}
	if kept.GetKind() == "ConfigMap" {
		return []byte(value), nil
	}
	payload, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, errKept
	}
	return payload, nil
}

func setPayload(kept *unstructured.Unstructured, payload []byte) error {
	value := string(payload)
	if kept.GetKind() != "ConfigMap" {
		value = base64.StdEncoding.EncodeToString(payload)
	}
	if unstructured.SetNestedField(kept.Object, value, "data", helm.Key) != nil {
		return errKept
	}
	return nil
}

// backUp writes the object to the folder, under a name that no other version of it has, and returns when it is on the disk.
func backUp(folder string, ref helm.Ref, object *unstructured.Unstructured) (string, error) {
	data, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return "", fmt.Errorf("backing it up: %w", err)
	}
	name := strings.Join([]string{strings.ToLower(ref.Kind), ref.Namespace, ref.Name, ref.ResourceVersion, "json"}, ".")
	if filepath.Base(name) != name {
		return "", fmt.Errorf("backing it up: %q is no name for a file", name)
	}
	path := filepath.Join(folder, name)
	if err := writeWhole(path, append(data, '\n')); err != nil {
		return "", fmt.Errorf("backing it up: %w; nothing was written to the cluster", err)
	}
	return path, nil
}

// writeWhole leaves the file whole on the disk, or not at all.
func writeWhole(path string, data []byte) (err error) {
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
	return syncFolder(filepath.Dir(path))
}
