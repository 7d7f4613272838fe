package cmd

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/fixtures"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// weekChange is something that happens to the demo cluster in a week: in a file a text becomes another one.
type weekChange struct{ what, file, from, to string }

// weekOnTheDemo is what happens in that week.
func weekOnTheDemo() []weekChange {
	const hardened = "runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}"
	return []weekChange{
		{"shop fixes cart", "4-workloads.yaml", "{name: cart, image: shop/cart, securityContext: {runAsNonRoot: true}}", "{name: cart, image: shop/cart, securityContext: {" + hardened + "}}"},
		{"shop fixes web", "4-workloads.yaml", "{name: web, image: shop/web, ports: [{containerPort: 8080}]}", "{name: web, image: shop/web, securityContext: {" + hardened + "}}"},
		{"shop deletes the old checkout", "4-workloads.yaml", oldCheckout, ""},
		{"search starts a crawler on its nodes", "4-workloads.yaml", "# What runs.", crawler + "# What runs."},
		{"reports fixes one of the things that its viewer fails", "4-workloads.yaml", "{name: viewer, image: reports/viewer}", "{name: viewer, image: reports/viewer, securityContext: {allowPrivilegeEscalation: false}}"},
		{"ci lets its builder do everything", "2-rbac.yaml", "# Who may use which policy", builder + "# Who may use which policy"},
		{"a binding for a policy that is gone is deleted", "2-rbac.yaml", oldBatch, ""},
		{"the apps' policy takes one more kind of volume", "1-policies.yaml", "persistentVolumeClaim]\n  runAsUser: {rule: MustRunAsNonRoot}\n  seLinux: {rule: RunAsAny}\n  supplementalGroups: {rule: RunAsAny}\n  fsGroup: {rule: MustRunAs", "persistentVolumeClaim, csi]\n  runAsUser: {rule: MustRunAsNonRoot}\n  seLinux: {rule: RunAsAny}\n  supplementalGroups: {rule: RunAsAny}\n  fsGroup: {rule: MustRunAs"},
		{"the agents' policy takes fewer host ports", "1-policies.yaml", "hostPorts: [{min: 9100, max: 9110}]", "hostPorts: [{min: 9100, max: 9100}]"},
		{"windows is labelled", "3-namespaces.yaml", "  name: windows\n", "  name: windows\n  labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: v1.25}\n"},
		{"staging is new", "3-namespaces.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: sandbox\n", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: staging\n"},
		{"a release is rendered with a hole", "4-workloads.yaml", "# What runs.", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: mail, namespace: blog}\nspec: {template: {spec: {containers: 1}}}\n---\n# What runs."},
	}
}

const (
	oldCheckout = `apiVersion: apps/v1
kind: Deployment
metadata: {name: old-checkout, namespace: shop}
spec:
  replicas: 0 # scaled to zero, yet it can be scaled up again
  template:
    spec:
      containers:
      - {name: checkout, image: shop/checkout}
---
`
	crawler = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: crawler, namespace: search}
spec: {template: {spec: {hostNetwork: true, containers: [{name: crawler, image: search/crawler}]}}}
---
`
	builder = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: psp-builds, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "psp:node-agents"}
subjects:
- {kind: ServiceAccount, name: builder, namespace: ci}
---
`
	oldBatch = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: psp-old-batch, namespace: reports}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "psp:old-batch"}
subjects:
- {kind: ServiceAccount, name: default, namespace: reports}
---
`
)

// writeDemo writes the files of the demo cluster to a folder, with changes.
func writeDemo(t *testing.T, dir string, changes []weekChange) {
	t.Helper()
	demo, err := fixtures.DemoInput()
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(demo, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(demo, name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for _, c := range changes {
			if c.file != name {
				continue
			}
			if strings.Count(text, c.from) != 1 {
				t.Fatalf("%s: %s has the text %d times", c.what, name, strings.Count(text, c.from))
			}
			text = strings.Replace(text, c.from, c.to, 1)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// earlierPlan saves a plan of the demo cluster as it is a week later, with a name that the caller can give to --diff.
func earlierPlan(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeDemo(t, dir, weekOnTheDemo())
	file := filepath.Join(dir, "plan.json")
	runDone(t, SystemDeps("psp2pss"), "plan", "-f", dir, "-o", "json="+file)
	return file
}

// runDone runs the tool and returns what it wrote to standard output and its exit code.
func runDone(t *testing.T, deps Deps, args ...string) (string, int) {
	t.Helper()
	streams, out, errOut := BufferStreams("")
	code := Run(t.Context(), streams, deps, args)
	if code == exitFailed || code == exitUsage {
		t.Fatalf("%q: exit code %d\n%s", args, code, errOut)
	}
	return out.String(), code
}

// clusterOf returns the tool on a cluster that has the objects of a folder, at a time.
func clusterOf(dir string, at time.Time) Deps {
	deps := SystemDeps("psp2pss")
	deps.Now = func() time.Time { return at }
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	deps.LoadInventory = func(ctx context.Context, _ SourceOptions) (*inventory.Inventory, error) {
		inv, err := loadInventory(ctx, SourceOptions{Files: []string{dir}})
		if err == nil {
			inv.Source = inventory.Source{Kind: inventory.SourceCluster, Name: "prod", ServerVersion: demoServerVersion, UID: "5b1c7f1e-2f0b-4f0a-9a51-0c9d3c1b2a10"}
		}
		return inv, err
	}
	return deps
}

// TestChangesOfAWeek shows what plan --diff writes of a week on the demo cluster, in every format and both ways.
func TestChangesOfAWeek(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	before, after, saved := t.TempDir(), t.TempDir(), t.TempDir()
	writeDemo(t, before, nil)
	writeDemo(t, after, weekOnTheDemo())
	first, second := clusterOf(before, monday), clusterOf(after, monday.AddDate(0, 0, 7))
	runDone(t, first, "plan", "-o", "json="+filepath.Join(saved, "monday.json"))
	runDone(t, second, "plan", "-o", "json="+filepath.Join(saved, "next.json"))
	neutral := strings.NewReplacer(before, "DIR", after, "DIR", toolAndVersion(), "psp2pss v1.0.0")
	for name, run := range map[string]struct {
		deps Deps
		args []string
	}{
		"table.txt":      {second, []string{"--diff", filepath.Join(saved, "monday.json")}},
		"wide.txt":       {second, []string{"--diff", filepath.Join(saved, "monday.json"), "-o", "wide"}},
		"no-headers.txt": {second, []string{"--diff", filepath.Join(saved, "monday.json"), "--no-headers"}},
		"json.txt":       {second, []string{"--diff", filepath.Join(saved, "monday.json"), "-o", "json"}},
		"one.txt":        {second, []string{"--diff", filepath.Join(saved, "monday.json"), "-n", "ci"}},
		"back.txt":       {first, []string{"--diff", filepath.Join(saved, "next.json")}},
		"nothing.txt":    {first, []string{"--diff", filepath.Join(saved, "monday.json")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _ := runDone(t, run.deps, append([]string{"plan"}, run.args...)...)
			compareWithFile(t, filepath.Join("testdata/diff", name), neutral.Replace(out))
		})
	}
	live, _ := runDone(t, second, "plan", "--diff", filepath.Join(saved, "monday.json"), "-o", "json")
	if both, _ := runDone(t, first, "plan", "--plan", filepath.Join(saved, "next.json"), "--diff", filepath.Join(saved, "monday.json"), "-o", "json"); both != live {
		t.Errorf("of two saved plans (-live +saved):\n%s", cmp.Diff(live, both))
	}
	narrow, out, errOut := terminal(80)
	if code := Run(t.Context(), narrow, second, []string{"plan", "--diff", filepath.Join(saved, "monday.json")}); code != exitPartial {
		t.Errorf("exit code %d\n%s", code, errOut)
	}
	checkWidth(t, "plan --diff", out.String(), 80)
	const screen = 50
	if n := strings.Count(out.String(), "\n"); n > screen {
		t.Errorf("a week takes %d lines on a terminal, want at most %d:\n%s", n, screen, out)
	}
}

// compareWithFile compares what was written with a golden file.
func compareWithFile(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
