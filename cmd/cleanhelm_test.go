package cmd

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// keptRelease is a revision of the release web with a policy in it, and a password in its values.
func keptRelease(t *testing.T, revision int) *corev1.Secret {
	t.Helper()
	data, err := json.Marshal(map[string]any{
		"name": "web", "version": revision, "info": map[string]any{"status": "deployed"}, "config": map[string]any{"password": "hunter2"},
		"manifest": "---\nkind: Service\n---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: strict}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "web", Name: fmt.Sprintf("sh.helm.release.v1.web.v%d", revision), UID: "u", ResourceVersion: "7", Labels: map[string]string{"owner": "helm"},
		},
		Type: "helm.sh/release.v1", Data: map[string][]byte{"release": base64.StdEncoding.AppendEncode(nil, data)},
	}
}

func storedRelease(t *testing.T, revision int) string {
	t.Helper()
	text, err := json.Marshal(keptRelease(t, revision))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCleanHelmFlags(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		env  map[string]string
		asks bool
		want cleanHelmOptions
		err  string
	}{
		{args: "--yes", want: cleanHelmOptions{Yes: true}},
		{args: "", asks: true, want: cleanHelmOptions{}},
		{
			args: "-y --backup dir --context c --allow-partial",
			want: cleanHelmOptions{Yes: true, BackupDir: "dir", AllowPartial: true, Source: SourceOptions{Context: "c"}},
		},
		{
			args: "", env: map[string]string{"PSP2PSS_YES": "true", "PSP2PSS_BACKUP": "dir", "PSP2PSS_TO": "v1.26", "PSP2PSS_OUTPUT": "json"},
			want: cleanHelmOptions{Yes: true, BackupDir: "dir"},
		},
		{args: "", err: "nobody can be asked here whether to write to the cluster: add --yes; 'gate' says what there is to clean"},
		{args: "--yes --backup=", err: `invalid argument "" for "--backup" flag: it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out`},
		{args: "--yes --to v1.26", err: "unknown flag: --to"},
		{args: "--yes --assert policies-saved", err: "unknown flag: --assert"},
		{args: "--yes --demo", err: "unknown flag: --demo"},
		{args: "--yes --plan p", err: "unknown flag: --plan"},
		{args: "--yes --filename x", err: "unknown flag: --filename"},
		{args: "--yes web", err: `clean-helm takes no arguments, and got "web"`},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			streams, _, _ := BufferStreams("")
			streams.Interactive = test.asks
			var got *cleanHelmOptions
			cmd := newCleanHelm(streams, world(test.env), func(_ context.Context, o *cleanHelmOptions) error { got = o; return nil })
			err := executeAs(streams, world(test.env), cmd, strings.Fields(test.args))
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.err) || exitCode(err) != exitUsage || got != nil {
					t.Fatalf("got %v (exit %d), want %s", err, exitCode(err), test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			test.want.Source.NeedsCluster = true
			ignore := []cmp.Option{cmpopts.IgnoreFields(cleanHelmOptions{}, "streams", "deps"), cmpopts.EquateEmpty(), cmp.AllowUnexported(cleanHelmOptions{})}
			if diff := cmp.Diff(test.want, *got, ignore...); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

// helmCluster is a world with Helm releases, and with what could not be read of them.
func helmCluster(gaps []inventory.Gap, stored ...runtime.Object) (Deps, *dynamicfake.FakeDynamicClient) {
	client := dynamicfake.NewSimpleDynamicClient(scheme.Scheme, stored...)
	deps := world(nil)
	deps.Connect = func(SourceOptions) (dynamic.Interface, string, error) { return client, "test", nil }
	deps.LoadHelmReleases = func(ctx context.Context, _ SourceOptions, each func(string, metav1.ObjectMeta, []byte)) ([]inventory.Gap, error) {
		list, err := client.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			var s corev1.Secret
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &s); err != nil {
				return nil, err
			}
			each("Secret", s.ObjectMeta, s.Data["release"])
		}
		return gaps, nil
	}
	return deps, client
}

func verbs(client *dynamicfake.FakeDynamicClient) string {
	var all []string
	for _, a := range client.Actions() {
		all = append(all, a.GetVerb())
	}
	return strings.Join(all, " ")
}

// Each case cleans two revisions; want is the exit code, and all that is written to the two streams.
func TestCleanHelm(t *testing.T) {
	t.Parallel()
	const (
		one      = "cleaned  web/web revision 1 (Secret): PodSecurityPolicy strict; backup DIR/secret.web.sh.helm.release.v1.web.v1.7.json\n"
		two      = "cleaned  web/web revision 2 (Secret): PodSecurityPolicy strict; backup DIR/secret.web.sh.helm.release.v1.web.v2.7.json\n"
		after    = "The backups in DIR hold all that the releases hold, passwords among it. Run 'psp2pss gate' again: what Helm has stored since is not cleaned.\n"
		question = "would clean web/web revision 1 (Secret): PodSecurityPolicy strict\nwould clean web/web revision 2 (Secret): PodSecurityPolicy strict\n" +
			"Take the policies out of 2 stored revisions on the cluster of context test? [y/N] "
	)
	gap := []inventory.Gap{{What: "Helm releases in configmaps", Why: message.Message{Text: "no"}}}
	tests := []struct {
		name, in string
		asks     bool
		gaps     []inventory.Gap
		fails    bool // the write of revision 1
		want     []any
		verbs    string
	}{
		{name: "told to", want: []any{exitDone, one + two, after}, verbs: "list get update get update"},
		{name: "asked, and yes", in: "y\n", asks: true, want: []any{exitDone, one + two, question + after}, verbs: "list get update get update"},
		{
			name: "asked, and no", in: "\n", asks: true, verbs: "list", fails: true,
			want: []any{exitFailed, "", question + "psp2pss: nothing was done\n"},
		},
		{
			name: "one is refused", fails: true, verbs: "list get update get update",
			want: []any{
				exitFailed,
				`refused  web/web revision 1 (Secret): PodSecurityPolicy strict: cleaning the Helm release in Secret "web/sh.helm.release.v1.web.v1": writing it: quota; ` +
					"its backup is in DIR/secret.web.sh.helm.release.v1.web.v1.7.json\n" + two,
				after + "psp2pss: 1 of 2 stored revisions were refused, the others are clean: see the reasons above\n",
			},
		},
		{
			name: "something was not read", gaps: gap, verbs: "list get update get update",
			want: []any{
				exitPartial, one + two,
				"warning: could not read Helm releases in configmaps: no\n" + after + "psp2pss: 1 thing could not be read, and may hold policies; accept it with --allow-partial\n",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			deps, client := helmCluster(test.gaps, keptRelease(t, 1), keptRelease(t, 2))
			client.PrependReactor("update", "secrets", func(a clienttesting.Action) (bool, runtime.Object, error) {
				kept, err := json.Marshal(a.(clienttesting.UpdateAction).GetObject())
				first := bytes.Contains(kept, []byte("web.v1\""))
				if test.fails && first {
					return true, nil, errors.New("quota")
				}
				return false, nil, err
			})
			dir := filepath.Join(t.TempDir(), "new")
			streams, out, errOut := BufferStreams(test.in)
			streams.Interactive = test.asks
			args := []string{"clean-helm", "--backup", dir}
			if !test.asks {
				args = append(args, "--yes")
			}
			code := Run(t.Context(), streams, deps, args)
			said := func(b *bytes.Buffer) string { return strings.ReplaceAll(b.String(), dir, "DIR") }
			if diff := cmp.Diff(test.want, []any{code, said(out), said(errOut)}); diff != "" {
				t.Errorf("exit code and streams (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.verbs, verbs(client)); diff != "" {
				t.Errorf("verbs (-want +got):\n%s", diff)
			}
			info, err := os.Stat(dir)
			switch written := strings.Contains(test.verbs, "update"); {
			case !written && !errors.Is(err, os.ErrNotExist):
				t.Errorf("nothing was done, and the folder: %v, %v", info, err)
			case written && (err != nil || info.Mode().Perm() != 0o700):
				t.Errorf("the folder: %v, %v", info, err)
			}
			if test.fails || code == exitUsage {
				return
			}
			streams, out, errOut = BufferStreams("")
			code = Run(t.Context(), streams, deps, []string{"clean-helm", "--backup", dir, "--yes", "--allow-partial"})
			if code != exitDone || out.Len() > 0 || !strings.HasSuffix(errOut.String(), "There is nothing to clean.\n") {
				t.Errorf("cleaned again: exit code %d, %s%s", code, out, errOut)
			}
		})
	}
}

// Without a name the backups go to a folder of the context and the time.
func TestCleanHelmNamesItsBackups(t *testing.T) {
	t.Chdir(t.TempDir())
	deps, _ := helmCluster(nil, keptRelease(t, 1))
	streams, _, errOut := BufferStreams("")
	if code := Run(t.Context(), streams, deps, []string{"clean-helm", "--yes"}); code != exitDone {
		t.Fatalf("exit code %d, %s", code, errOut)
	}
	backups, err := filepath.Glob("psp2pss-test-20*Z-helm/secret.web.sh.helm.release.v1.web.v1.7.json")
	if err != nil || len(backups) != 1 {
		t.Errorf("backups %v, %v", backups, err)
	}
}

// No folder, no cleaning.
func TestCleanHelmNeedsItsFolder(t *testing.T) {
	t.Parallel()
	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	deps, client := helmCluster(nil, keptRelease(t, 1))
	streams, _, errOut := BufferStreams("")
	code := Run(t.Context(), streams, deps, []string{"clean-helm", "--yes", "--backup", taken})
	if code != exitFailed || !strings.Contains(errOut.String(), "making the directory for backups: ") || verbs(client) != "list" {
		t.Errorf("exit code %d, verbs %q: %s", code, verbs(client), errOut)
	}
}

// Interrupted, it tells what is done already, and begins with no other.
func TestCleanHelmInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	deps, client := helmCluster(nil, keptRelease(t, 1), keptRelease(t, 2))
	client.PrependReactor("update", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		interrupt()
		return false, nil, nil
	})
	streams, out, errOut := BufferStreams("")
	code := Run(ctx, streams, deps, []string{"clean-helm", "--yes", "--backup", t.TempDir()})
	if code != exitFailed || !strings.HasPrefix(out.String(), "cleaned  web/web revision 1 (Secret)") || verbs(client) != "list get update" {
		t.Errorf("exit code %d, verbs %q: %s%s", code, verbs(client), out, errOut)
	}
	if diff := cmp.Diff("psp2pss: interrupted: nothing more was read or written\n", errOut.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
