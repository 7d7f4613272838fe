package cleanhelm_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"github.com/psp2pss/psp2pss/migrate/cleanhelm"
	"github.com/psp2pss/psp2pss/pspparse/helm"
)

const (
	helmService = "---\nkind: Service\n"
	helmPolicy  = "---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: web}\n"
)

// helmPayload is a revision as Helm kept it before it compressed.
func helmPayload(t *testing.T, manifest string) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{"name": "web", "version": 1, "manifest": manifest, "config": map[string]any{"password": "hunter2"}})
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.AppendEncode(nil, data)
}

func helmRef(kind string) helm.StorageRef {
	return helm.StorageRef{Kind: kind, Namespace: "web", Name: "sh.helm.release.v1.web.v1", UID: "u", ResourceVersion: "7"}
}

// helmKept is a release in a Secret or ConfigMap, with something beside it that has to stay.
func helmKept(kind string, payload []byte) runtime.Object {
	ref := helmRef(kind)
	m := metav1.ObjectMeta{
		Namespace: ref.Namespace, Name: ref.Name, UID: "u", ResourceVersion: "7",
		Labels: map[string]string{"owner": "helm", "name": "web", "status": "deployed"}, Annotations: map[string]string{"mine": "x"},
	}
	if kind == "ConfigMap" {
		return &corev1.ConfigMap{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kind}, ObjectMeta: m,
			Data: map[string]string{"release": string(payload), "other": "x"},
		}
	}
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kind}, ObjectMeta: m, Type: helm.SecretType,
		Data: map[string][]byte{"release": payload, "other": []byte("x")},
	}
}

// clean cleans a revision, and has its backup in dir.
func clean(t *testing.T, client dynamic.Interface, ref helm.StorageRef, dir string) (cleanhelm.CleanedRevision, error) {
	t.Helper()
	c := &cleanhelm.Cleaner{Client: client, FieldManager: "psp2pss", BackupDir: dir}
	return c.Clean(t.Context(), ref)
}

func helmVerbs(client *dynamicfake.FakeDynamicClient) []string {
	var verbs []string
	for _, a := range client.Actions() {
		verbs = append(verbs, a.GetVerb())
	}
	return verbs
}

// The backup is on the disk, whole and for its owner only, when the cluster is written to, and nothing but the release changes.
func TestCleanHelm(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Secret", "ConfigMap"} {
		dir := t.TempDir()
		was := helmKept(kind, helmPayload(t, helmService+helmPolicy))
		client := dynamicfake.NewSimpleDynamicClient(scheme.Scheme, was.DeepCopyObject())
		written := helmKept(kind, nil)
		var backup []byte
		client.PrependReactor("update", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
			object := a.(clienttesting.UpdateAction).GetObject().(*unstructured.Unstructured).Object
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, written); err != nil {
				t.Error(err)
			}
			paths, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(paths) != 1 {
				t.Errorf("%s: backups at the time of writing: %v, %v", kind, paths, err)
				return false, nil, nil
			}
			backup, err = os.ReadFile(paths[0])
			return false, nil, err
		})
		got, err := clean(t, client, helmRef(kind), dir)
		if err != nil {
			t.Fatal(err)
		}
		name := map[string]string{"Secret": "secret.web.sh.helm.release.v1.web.v1.7.json", "ConfigMap": "configmap.web.sh.helm.release.v1.web.v1.7.json"}[kind]
		want := cleanhelm.CleanedRevision{
			Removed: []helm.Document{{APIVersion: "policy/v1beta1", Kind: "PodSecurityPolicy", Name: "web", At: 2}},
			Backup:  filepath.Join(dir, name),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
		info, err := os.Stat(got.Backup)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: the backup has mode %v, %v", kind, info.Mode(), err)
		}
		saved := helmKept(kind, nil)
		if err := json.Unmarshal(backup, saved); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, saved); diff != "" {
			t.Errorf("%s: backup (-want +got):\n%s", kind, diff)
		}
		cleaned, err := helm.RemovePolicies(helmPayload(t, helmService+helmPolicy))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(helmKept(kind, cleaned.Payload), written); diff != "" {
			t.Errorf("%s: written (-want +got):\n%s", kind, diff)
		}
		if diff := cmp.Diff([]string{"get", "update"}, helmVerbs(client)); diff != "" {
			t.Errorf("%s: verbs (-want +got):\n%s", kind, diff)
		}
	}
}

// Where anything is not as it should be, nothing is written, and the error names the object alone.
func TestCleanHelmWritesNothing(t *testing.T) {
	t.Parallel()
	whole := helmPayload(t, helmService+helmPolicy)
	const at = `cleaning the Helm release in Secret "web/sh.helm.release.v1.web.v1": `
	tests := []struct {
		name    string
		payload []byte
		change  func(*helm.StorageRef)
		want    string // "" is no error
	}{
		{name: "no policies", payload: helmPayload(t, helmService)},
		{name: "changed", payload: whole, change: func(r *helm.StorageRef) { r.ResourceVersion = "6" }, want: at + "it has changed since it was read; read it again"},
		{name: "another of the same name", payload: whole, change: func(r *helm.StorageRef) { r.UID = "v" }, want: at + "it has changed since it was read; read it again"},
		{name: "gone", payload: whole, change: func(r *helm.StorageRef) { r.Name = "x" }, want: `cleaning the Helm release in Secret "web/x": reading it: secrets "x" not found`},
		{name: "damaged", payload: []byte("hunter2!"), want: at + "its release is not base64, as Helm writes it"},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		client := dynamicfake.NewSimpleDynamicClient(scheme.Scheme, helmKept("Secret", tt.payload))
		ref := helmRef("Secret")
		if tt.change != nil {
			tt.change(&ref)
		}
		got, err := clean(t, client, ref, dir)
		if message := errorText(err); message != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, message, tt.want)
		}
		if diff := cmp.Diff(cleanhelm.CleanedRevision{}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if verbs := helmVerbs(client); !slices.Equal(verbs, []string{"get"}) {
			t.Errorf("%s: verbs %q", tt.name, verbs)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: it left %v, %v", tt.name, entries, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Without a backup there is no writing.
func TestCleanHelmNeedsItsBackup(t *testing.T) {
	t.Parallel()
	client := dynamicfake.NewSimpleDynamicClient(scheme.Scheme, helmKept("Secret", helmPayload(t, helmPolicy)))
	_, err := clean(t, client, helmRef("Secret"), filepath.Join(t.TempDir(), "absent"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if verbs := helmVerbs(client); !slices.Equal(verbs, []string{"get"}) {
		t.Errorf("verbs %q", verbs)
	}
}

// What changes at the last moment is refused by the server, and by us under the same name.
func TestCleanHelmConflict(t *testing.T) {
	t.Parallel()
	client := dynamicfake.NewSimpleDynamicClient(scheme.Scheme, helmKept("Secret", helmPayload(t, helmPolicy)))
	client.PrependReactor("update", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "secrets"}, "x", errors.New("modified"))
	})
	if _, err := clean(t, client, helmRef("Secret"), t.TempDir()); !errors.Is(err, cleanhelm.ErrChanged) {
		t.Errorf("got %v", err)
	}
	client = dynamicfake.NewSimpleDynamicClient(scheme.Scheme, helmKept("Secret", helmPayload(t, helmPolicy)))
	client.PrependReactor("update", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, context.DeadlineExceeded
	})
	if _, err := clean(t, client, helmRef("Secret"), t.TempDir()); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cleanhelm.ErrChanged) {
		t.Errorf("got %v", err)
	}
}
