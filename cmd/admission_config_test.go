package cmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	twoOfBaseline = `{apiVersion: v1, kind: Namespace, metadata: {name: blog, uid: b}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, uid: s}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: blog}, spec: {containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: c, image: i}]}}
`
	boxed = `---
{apiVersion: v1, kind: Pod, metadata: {name: box, namespace: NAME}, spec: {runtimeClassName: gvisor, hostNetwork: true, containers: [{name: c, image: i}]}}
`
	exemptsGvisor = `apiVersion: pod-security.admission.config.k8s.io/v1
kind: PodSecurityConfiguration
exemptions: {runtimeClasses: [gvisor]}
`
)

// What comes after the plan and is exempt stops no roll-out, neither the one that has the configuration nor the one that goes
// on from its journal. Without the configuration it does.
func TestRolloutWithAdmissionConfig(t *testing.T) {
	t.Parallel()
	rollOut := func(configured bool) (told []string) {
		g := newGround(t)
		config := filepath.Join(g.dir, "admission.yaml")
		if err := os.WriteFile(config, []byte(exemptsGvisor), 0o600); err != nil {
			t.Fatal(err)
		}
		g.deps.LoadInventory = func(_ context.Context, src SourceOptions) (*inventory.Inventory, error) {
			text := twoOfBaseline
			if src.Namespace != "" { // a second look
				text += strings.ReplaceAll(boxed, "NAME", src.Namespace)
			}
			b := inventory.NewBuilder()
			if err := files.ReadFS(fstest.MapFS{"in.yaml": {Data: []byte(text)}}, b); err != nil {
				return nil, err
			}
			return b.Build(inventory.Source{Kind: inventory.SourceCluster, Name: "prod", ServerVersion: "v1.25.3", UID: "uid-of-kube-system"}), nil
		}
		broken := errors.New("the server is gone")
		g.patched = func(name string) error {
			if name == "shop" && broken != nil {
				return broken
			}
			return nil
		}
		args := []string{"--stage=enforce", "--yes"}
		if configured {
			args = append(args, "--admission-config", config)
		}
		_, out, _ := g.run(t.Context(), nil, g.both(args...)...)
		told = append(told, out)
		broken = nil
		_, out, _ = g.run(t.Context(), nil, "rollout", "--resume", "--yes", "--journal", g.journal())
		return append(told, out)
	}
	const came = ": since the plan was made something came that would not meet baseline: pod/box\n"
	want := []string{
		"1/2 done     enforce  blog: enforce: none -> baseline:v1.25\n",
		"1/1 done     enforce  shop: enforce: none -> baseline:v1.25\n",
	}
	if diff := cmp.Diff(want, rollOut(true)); diff != "" {
		t.Errorf("with the configuration (-want +got):\n%s", diff)
	}
	both := "1/2 refused  enforce  blog: enforce: none -> baseline:v1.25" + came + "2/2 refused  enforce  shop: enforce: none -> baseline:v1.25" + came
	if diff := cmp.Diff([]string{both, both}, rollOut(false)); diff != "" {
		t.Errorf("without it (-want +got):\n%s", diff)
	}
}
