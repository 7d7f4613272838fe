package cmd

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/snapshot"
)

// TestPlansOfSnapshots compares the plan of every scenario with that of its snapshot, read as files and as from a cluster: they differ in
// what the source is called, and in nothing else.
func TestPlansOfSnapshots(t *testing.T) {
	t.Parallel()
	var inputs []string
	for _, pattern := range []string{"../fixtures/*/input", "../fixtures/only-in-files/*/input"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, found...)
	}
	if len(inputs) < 20 {
		t.Fatalf("only %d inputs were found", len(inputs))
	}
	for _, input := range inputs {
		for _, kind := range []inventory.SourceKind{inventory.SourceFiles, inventory.SourceCluster} {
			read := func() *inventory.Inventory {
				inv, err := loadInventory(t.Context(), SourceOptions{Files: []string{input}, Recursive: true})
				if err != nil {
					t.Fatal(err)
				}
				inv.Source.Kind = kind
				if kind == inventory.SourceCluster {
					inv.Source.ServerVersion = demoServerVersion
					inv.ListedResources = map[string]bool{"mutatingwebhookconfigurations.admissionregistration.k8s.io": true}
				}
				return inv
			}
			var archive bytes.Buffer
			if _, err := snapshot.Write(&archive, read(), "psp2pss (test)"); err != nil {
				t.Fatal(err)
			}
			back, err := snapshot.Read(&archive)
			if err != nil {
				t.Fatal(err)
			}
			if back.Source.Kind != inventory.SourceSnapshot || back.Source.Of != kind {
				t.Fatalf("%s: the source is %+v", input, back.Source)
			}
			want, got := planText(t, read()), planText(t, back)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s as %s (-of the source +of the snapshot):\n%s", input, kind, diff)
			}
		}
	}
}

// planText returns the plan of an inventory as JSON, without what its source is called.
func planText(t *testing.T, inv *inventory.Inventory) string {
	t.Helper()
	plan, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan.Source = inventory.Source{}
	var out strings.Builder
	if err := report.PlanJSON(&out, plan, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestSnapshotCommand takes a snapshot of a cluster twice, and reads it with -f, from a file and from standard input.
func TestSnapshotCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	deps := clusterOf("../fixtures/demo/input", at)
	first, second := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	listed, _ := runDone(t, deps, "snapshot", "-o", "table", "-o", "archive="+first)
	if _, code := runDone(t, deps, "snapshot", "-o", "archive="+second); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	archive, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(second); err != nil || !bytes.Equal(archive, again) {
		t.Errorf("two snapshots of one cluster differ (%v)", err)
	}
	if piped, _ := runDone(t, deps, "snapshot", "-o", "archive"); piped != string(archive) {
		t.Error("standard output has another archive")
	}
	for _, want := range []string{"Snapshot of context prod (server v1.24.17)", "workloads.jsonl", "Not in it:"} {
		if !strings.Contains(listed, want) {
			t.Errorf("it does not say %q:\n%s", want, listed)
		}
	}
	if would, code := runDone(t, deps, "snapshot"); code != exitDone || !strings.Contains(would, "add -o archive=FILE.psp2pss.tar.gz") {
		t.Errorf("without -o: exit code %d\n%s", code, would)
	}
	plain := SystemDeps("psp2pss")
	plain.LookupEnv = deps.LookupEnv
	fromFile, _ := runDone(t, plain, "plan", "-f", first, "-o", "json")
	streams, out, errOut := BufferStreams(string(archive))
	if code := Run(t.Context(), streams, plain, []string{"plan", "-f", "-", "-o", "json"}); code == exitFailed || out.String() != fromFile {
		t.Errorf("from standard input: exit code %d\n%s", code, errOut)
	}
	live, _ := runDone(t, deps, "plan", "-o", "json")
	if diff := cmp.Diff(strings.Replace(live, `"kind": "cluster"`, "\"kind\": \"snapshot\",\n    \"of\": \"cluster\"", 1), fromFile); diff != "" {
		t.Errorf("(-of the cluster +of the snapshot):\n%s", diff)
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"plan", "-f", first, "-f", "../fixtures/demo/input"}, exitUsage, "is a snapshot, which is read alone"},
		{[]string{"plan", "-f", first, "--context", "prod"}, exitUsage, "is a snapshot, which is read alone"},
		{[]string{"check", "-f", first, "--level=baseline"}, exitUsage, "is a snapshot, which holds no manifests"},
		{[]string{"fix", "-f", first, "--raise"}, exitUsage, "is a snapshot, which holds no manifests"},
		{[]string{"snapshot", "-f", first, "-o", "archive=" + first}, exitUsage, "would overwrite a file that is read"},
		{[]string{"snapshot", "--demo", "-o", "archive=" + filepath.Join(dir, "no", "such")}, exitFailed, "cannot write"},
		{[]string{"snapshot", "--demo", "--print-script"}, exitUsage, "leave out -f, --demo, --redact and -o"},
	} {
		if code, out, errOut := runTool(plain, "", test.args...); code != test.code || !strings.Contains(errOut, test.want) || out != "" {
			t.Errorf("%q: exit code %d\n%s%s", test.args, code, out, errOut)
		}
	}
	cut := filepath.Join(dir, "cut")
	if err := os.WriteFile(cut, archive[:len(archive)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := runTool(plain, "", "plan", "-f", cut); code != exitFailed || !strings.Contains(errOut, "damaged or cut off") {
		t.Errorf("cut off: exit code %d\n%s", code, errOut)
	}
}

// TestSnapshotHoldsNoSecrets checks that what a snapshot must not hold is not in its bytes, decompressed.
func TestSnapshotHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	manifest := `
apiVersion: v1
kind: Secret
metadata: {name: planted-secret, namespace: shop}
stringData: {password: planted-password}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: planted-map, namespace: shop}
data: {setting: planted-setting}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, annotations: {note: planted-note}}
spec:
  containers:
  - name: web
    image: example.com/web:planted-tag
    command: [planted-command]
    args: [planted-argument]
    env: [{name: PLANTED_NAME, value: planted-value}, {name: B, valueFrom: {secretKeyRef: {name: planted-ref, key: a}}}]
  volumes:
  - name: data
    secret: {secretName: planted-volume}
  - name: more
    projected: {sources: [{secret: {name: planted-source}}]}
`
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := loadInventory(context.Background(), SourceOptions{Files: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if _, err := snapshot.Write(&archive, inv, "psp2pss (test)"); err != nil {
		t.Fatal(err)
	}
	text := gunzip(t, archive.Bytes())
	if !strings.Contains(text, `"name":"web"`) {
		t.Error("the pod is not in it")
	}
	for _, line := range strings.Split(strings.ToLower(text), "\n") {
		if strings.Contains(line, "planted") {
			t.Errorf("it holds %s", line)
		}
	}
}

// gunzip returns what a gzip holds.
func gunzip(t *testing.T, data []byte) string {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
